"""Many orders of one line at once are placed as one by one."""

import numpy as np
import pytest

from engine.sourcing.batch import SingleLines
from engine.sourcing.problem import BIG


def one_by_one(quantity, sku, cost_class, stock, base, floor):
    """The loop the batch stands for."""
    stock, placed = stock.copy(), []
    for units, row, kind in zip(quantity.tolist(), sku.tolist(), cost_class.tolist(), strict=True):
        able = [
            (base[kind, at], at) for at in range(stock.shape[1]) if stock[row, at] >= units and base[kind, at] < BIG
        ]
        cost, at = min(able, default=(BIG, -1))
        if at >= 0 and floor is not None and floor[kind] < cost:
            at = -1
        if at >= 0:
            stock[row, at] -= units
        placed.append(at)
    return placed


@pytest.mark.parametrize("seed", range(40))
def test_a_batch_is_placed_as_one_by_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    orders, skus, classes = (int(random.integers(1, most)) for most in (400, 12, 9))
    locations = int(random.choice([1, 3, 40, 64, 65, 200]))
    quantity = random.integers(1, 5, orders)
    sku, cost_class = random.integers(0, skus, orders), random.integers(0, classes, orders)
    stock = random.integers(0, 9, (skus, locations)) * (random.random((skus, locations)) < random.choice([0.1, 0.5, 1]))
    base = random.integers(0, int(random.choice([2, 20, 5000])), (classes, locations))
    base[random.random(base.shape) < random.choice([0, 0.3, 0.98])] = BIG
    floor = random.integers(0, 5000, classes) if random.random() < 0.5 else None
    before = stock.copy()
    placed = SingleLines(quantity, sku, cost_class, stock, base, floor).plan()
    assert placed.tolist() == one_by_one(quantity, sku, cost_class, stock, base, floor)
    assert np.array_equal(stock, before)


def test_what_others_take_in_between_is_gone() -> None:
    near, far = 0, 1
    lines = SingleLines(
        quantity=np.array([1, 5, 1, 1]),
        sku=np.array([0, 0, 0, 0]),
        cost_class=np.array([0, 0, 0, 0]),
        stock=np.array([[3, 4]]),
        base=np.array([[100, 250]]),
    )
    assert lines.place(0) == near
    assert lines.place(1) == -1  # five are nowhere in one place: solved elsewhere, two from each
    lines.take(0, near, 2)
    lines.take(0, far, 2)
    assert lines.left(0).tolist() == [0, 2]
    assert [lines.place(2), lines.place(3)] == [far, far]
    assert lines.left(0).tolist() == [0, 0]


def test_an_order_that_may_be_cheaper_in_parts_is_left_to_the_solver() -> None:
    lines = SingleLines(
        quantity=np.array([2, 2]),
        sku=np.array([0, 0]),
        cost_class=np.array([0, 1]),
        stock=np.array([[9]]),
        base=np.array([[900], [900]]),
        split_floor=np.array([899, 900]),
    )
    assert lines.plan().tolist() == [-1, 0]
