"""Business stops on orders."""

from engine import commands as c
from engine.commands.orders import HoldRequest
from engine.lifecycles import ORDER
from engine.results import ResultCode
from engine.work import order_traits
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TRAY, Shop


def held_order(scope: str = "release") -> tuple[Shop, str]:
    """Two kettles ordered, and a hold on them."""
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.done(c.HoldOrder(order, "fraud", "address looks odd", scope))
    return shop, order


def test_a_hold_that_outlived_its_order_can_still_be_lifted() -> None:
    shop, order = held_order()
    shop.done(c.CancelOrder(order, "not wanted"))
    assert "lift" in ORDER.allowed("cancelled", order_traits(shop.the_order(order)))
    shop.done(c.LiftHold(order, "fraud"))
    assert shop.the_order(order).holds == []
    assert order not in shop.state.orders.open
    shop.refused(c.HoldOrder(order, "late", "too late"), ResultCode.INVALID_TRANSITION)
    shop.refused(c.LiftHold(order, "fraud"), ResultCode.NOT_FOUND)


def test_work_that_is_found_later_for_a_held_order_stays_held() -> None:
    shop = Shop()
    order = shop.order((TRAY, 2), holds=(HoldRequest("payment", "not paid"),))
    shop.receive(TRAY, BERLIN, 2)
    assert [state for _, _, state in shop.work(order)] == ["held"]
    shop.restart()
    shop.done(c.LiftHold(order, "payment"))
    assert [state for _, _, state in shop.work(order)] == ["released"]


def test_what_a_node_has_accepted_stays_with_it() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.done(c.AdvanceFulfilment(shop.work(order)[0][0], "accept"))
    shop.done(c.HoldOrder(order, "fraud", "address looks odd"))
    assert [state for _, _, state in shop.work(order)] == ["accepted"]


def test_a_node_cannot_accept_what_was_recalled_in_the_same_batch() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.submit(c.HoldOrder(order, "fraud", "address looks odd"))
    shop.submit(c.AdvanceFulfilment(shop.work(order)[0][0], "accept"))
    held, accepted = shop.settle()
    assert held.seq
    assert accepted.code is ResultCode.INVALID_TRANSITION


def test_a_handle_is_used_once_at_a_time() -> None:
    shop, order = held_order("ship")
    shop.refused(c.HoldOrder(order, "fraud", "again"), ResultCode.IN_USE)
    shop.refused(c.LiftHold(order, "payment"), ResultCode.NOT_FOUND)
    shop.refused(c.HoldOrder("W-404", "fraud", "?"), ResultCode.NOT_FOUND)
    shop.refused(c.LiftHold("W-404", "fraud"), ResultCode.NOT_FOUND)
