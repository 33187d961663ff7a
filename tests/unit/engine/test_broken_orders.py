"""The invariants of orders can fail: a state that somebody spoiled by hand is told as such."""

from collections.abc import Callable

import pytest

from engine import commands as c
from engine.commands.orders import AdvanceFulfilment, SplitFulfilment
from engine.replay import invariants
from engine.state.orders import Fulfilment, Hold, Order
from engine.state.state import State
from tests.unit.engine.shop import KETTLE, LEIPZIG, Shop

ORDER = "W-1"


@pytest.fixture
def shop() -> Shop:
    """Two kettles to send from Leipzig, of an order of three; one has been sent."""
    made = Shop()
    made.receive(KETTLE, LEIPZIG, 5)
    made.order((KETTLE, 3))
    made.done(SplitFulfilment(1, (c.orders.FulfilmentLine("1", 1),)))
    made.done(AdvanceFulfilment(2, "ship"))
    return made


def stop(order: Order) -> None:
    order.holds.append(Hold("fraud", "looks odd", "release", 0))


def hold_back(order: Order) -> None:
    order.fulfilments[0].state = "held"


def count_one_shipped_unit_more(order: Order) -> None:
    order.lines[0].allocated -= 1
    order.lines[0].shipped += 1


def forget_a_unit(order: Order) -> None:
    order.lines[0].allocated -= 1


def take_more_back_than_was_sent(order: Order) -> None:
    order.lines[0].returned, order.lines[0].lost = 1, 1


@pytest.mark.parametrize(
    ("spoil", "invariant", "told"),
    [
        (stop, invariants.nothing_is_released_while_held, "fulfilment 1 of order 'W-1' is released"),
        (hold_back, invariants.nothing_is_released_while_held, "fulfilment 1 of order 'W-1' is held"),
        (
            count_one_shipped_unit_more,
            invariants.line_units_are_where_they_are_counted,
            "line '1' of order 'W-1' counts what its fulfilments do not have",
        ),
        (forget_a_unit, invariants.line_units_add_up, "the units of line '1' of order 'W-1' do not add up"),
        (
            take_more_back_than_was_sent,
            invariants.line_units_add_up,
            "the units of line '1' of order 'W-1' do not add up",
        ),
    ],
)
def test_an_order_that_was_spoiled_is_told(
    shop: Shop, spoil: Callable[[Order], None], invariant: Callable[[State], list[str]], told: str
) -> None:
    assert invariant(shop.state) == []
    spoil(shop.state.orders.open[ORDER])
    assert invariant(shop.state) == [told]
    assert told in invariants.check(shop.state)


def twice(shop: Shop) -> None:
    shop.state.orders.work.add(LEIPZIG, "released", 1, 1)


def not_at_all(shop: Shop) -> None:
    shop.state.orders.work.remove(LEIPZIG, "released", the_work(shop).target_ns, 1)


def in_another_state(shop: Shop) -> None:
    not_at_all(shop)
    shop.state.orders.work.add(LEIPZIG, "packed", the_work(shop).target_ns, 1)


def at_another_time(shop: Shop) -> None:
    the_work(shop).ships_at_ns = 1


def the_work(shop: Shop) -> Fulfilment:
    return shop.state.orders.open[ORDER].fulfilments[0]


@pytest.mark.parametrize("spoil", [twice, not_at_all, in_another_state, at_another_time])
def test_work_that_is_listed_wrongly_is_told(shop: Shop, spoil: Callable[[Shop], None]) -> None:
    spoil(shop)
    assert invariants.work_is_listed_once(shop.state) == ["the lists of work are not the open fulfilments"]
