"""What one pass over many orders proves is what each of them would be answered alone."""

import numpy as np
import pytest

from engine.solver.ones import first_look
from engine.solver.problem import OPTIMAL, Locations, Problem, Rules
from engine.solver.together import NOWHERE, Found, Orders, first_looks
from engine.sourcing import solve


def goods(random: np.random.Generator, kinds: int, locations: int) -> Problem:
    """A table of goods in a few dozen stores, with prices that tie often."""
    steps = int(random.integers(1, 4))
    few = int(random.choice([2, 20, 900]))
    stock = random.integers(0, 9, (kinds, locations)) * (random.random((kinds, locations)) < random.choice([0.2, 0.8]))
    where = Locations(
        fixed=random.integers(0, few, locations),
        parcel=np.sort(random.integers(1, few + 1, (steps, locations)), axis=0),
        unit=random.integers(0, 3, locations),
        rate=random.integers(0, 3, locations),
    )
    rules = Rules(
        line_split=bool(random.random() < 0.5),
        locations_max=None if random.random() < 0.7 else int(random.integers(0, 3)),
        split_penalty=int(random.choice([0, 5, 400])),
        parcel_up_to_hg=tuple(range(10, 10 * steps + 1, 10)) if steps > 1 else (),
    )
    adj = random.integers(-4, 5, (kinds, locations)) if random.random() < 0.5 else None
    return Problem(np.ones(kinds, np.int64), random.integers(0, 9, kinds), stock, where, rules, adj)


def alone(table: Problem, rows: list[int], quantity: list[int]) -> Problem:
    """One order of the table."""
    return table._replace(
        quantity=np.array(quantity),
        weight_hg=table.weight_hg[rows],
        stock=table.stock[rows],
        adj=None if table.adj is None else table.adj[rows],
    )


def look_at(table: Problem, baskets: list[tuple[list[int], list[int]]]) -> Found:
    lengths = np.array([len(rows) for rows, _ in baskets])
    return first_looks(
        table,
        Orders(
            np.concatenate([np.array(rows) for rows, _ in baskets]),
            np.concatenate([np.array(units) for _, units in baskets]),
            np.cumsum(lengths) - lengths,
        ),
    )


@pytest.mark.parametrize("seed", range(150))
def test_one_pass_says_what_one_by_one_says(seed: int) -> None:
    random = np.random.default_rng(seed)
    table = goods(random, kinds=int(random.integers(4, 15)), locations=int(random.choice([1, 5, 30, 64, 65, 150])))
    baskets = []
    for _ in range(int(random.integers(1, 40))):
        rows = random.choice(table.weight_hg.size, int(random.integers(1, 4)), replace=False)
        baskets.append((rows.tolist(), random.integers(1, 5, rows.size).tolist()))
    found = look_at(table, baskets)
    for (rows, quantity), at, cost in zip(baskets, found.at.tolist(), found.cost.tolist(), strict=True):
        problem = alone(table, rows, quantity)
        first = first_look(problem)
        assert (at != NOWHERE) == (first.servable and not first.others.size and first.at >= 0)
        if at != NOWHERE:
            plan = solve(problem)
            assert (plan.status, plan.cost, {take[1] for take in plan.takes}) == (OPTIMAL, cost, {at})


def test_an_order_that_two_stores_may_serve_cheaper_is_left_to_the_solver() -> None:
    altona, wien = 0, 1
    table = Problem(
        quantity=np.ones(2, np.int64),
        weight_hg=np.zeros(2, np.int64),
        stock=np.array([[9, 9], [0, 9]]),
        locations=Locations(np.array([500, 900]), np.zeros((1, 2), np.int64), *np.zeros((2, 2), np.int64)),
        rules=Rules(),
        adj=np.array([[0, 800], [0, 0]]),
    )
    kettle, lamp = 0, 1
    found = look_at(table, [([kettle], [1]), ([kettle, lamp], [1, 1]), ([lamp], [9]), ([lamp], [10])])
    assert found.at.tolist() == [altona, NOWHERE, wien, NOWHERE]


def test_prices_too_large_to_be_added_up_are_not_looked_at_together() -> None:
    table = goods(np.random.default_rng(1), kinds=4, locations=5)
    dear = table._replace(locations=table.locations._replace(unit=np.full(5, 2**50)))
    assert look_at(dear, [([0], [8]), ([1], [8])]).at.tolist() == [NOWHERE, NOWHERE]
