"""Business stops on orders."""

from engine import limits
from engine.commands.orders import (
    AdvanceFulfilment,
    CancelOrder,
    FoundLine,
    FulfilmentLine,
    HoldOrder,
    HoldRequest,
    LiftHold,
    RejectFulfilment,
    ShortFulfilment,
    SplitFulfilment,
)
from engine.fulfilments.work import order_traits
from engine.lifecycles import ORDER
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TRAY, Shop
from tests.unit.engine.test_policy_plans import changed


def held_order(scope: str = "release") -> tuple[Shop, str]:
    """Two kettles ordered, and a hold on them."""
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.done(HoldOrder(order, "fraud", "address looks odd", scope))
    return shop, order


def test_a_hold_that_outlived_its_order_can_still_be_lifted() -> None:
    shop, order = held_order()
    shop.done(CancelOrder(order, "not wanted"))
    assert "lift" in ORDER.allowed("cancelled", order_traits(shop.the_order(order)))
    shop.done(LiftHold(order, "fraud"))
    assert shop.the_order(order).holds == []
    assert order not in shop.state.orders.open
    shop.refused(HoldOrder(order, "late", "too late"), ResultCode.INVALID_TRANSITION)
    shop.refused(LiftHold(order, "fraud"), ResultCode.NOT_FOUND)


def test_work_that_is_found_later_for_a_held_order_stays_held() -> None:
    shop = Shop()
    order = shop.order((TRAY, 2), holds=(HoldRequest("payment", "not paid"),))
    shop.receive(TRAY, BERLIN, 2)
    assert [state for _, _, state in shop.work(order)] == ["held"]
    shop.restart()
    shop.done(LiftHold(order, "payment"))
    assert [state for _, _, state in shop.work(order)] == ["released"]


def test_what_a_node_has_accepted_stays_with_it() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.done(AdvanceFulfilment(shop.work(order)[0][0], "accept"))
    shop.done(HoldOrder(order, "fraud", "address looks odd"))
    assert [state for _, _, state in shop.work(order)] == ["accepted"]


def test_a_node_cannot_accept_what_was_recalled_in_the_same_batch() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.submit(HoldOrder(order, "fraud", "address looks odd"))
    shop.submit(AdvanceFulfilment(shop.work(order)[0][0], "accept"))
    held, accepted = shop.settle()
    assert held.seq
    assert accepted.code is ResultCode.INVALID_TRANSITION


def test_a_handle_is_used_once_at_a_time() -> None:
    shop, order = held_order("ship")
    shop.refused(HoldOrder(order, "fraud", "again"), ResultCode.IN_USE)
    shop.refused(LiftHold(order, "payment"), ResultCode.NOT_FOUND)
    shop.refused(HoldOrder("W-404", "fraud", "?"), ResultCode.NOT_FOUND)
    shop.refused(LiftHold("W-404", "fraud"), ResultCode.NOT_FOUND)


def test_the_last_of_several_holds_lets_it_go_whichever_is_lifted_first() -> None:
    for first, last in (("fraud", "payment"), ("payment", "fraud")):
        shop, order = held_order()
        shop.done(HoldOrder(order, "payment", "not paid"))
        shop.restart()
        shop.done(LiftHold(order, first))
        assert [state for _, _, state in shop.work(order)] == ["held"]
        shop.done(LiftHold(order, last))
        assert [state for _, _, state in shop.work(order)] == ["released"]


def test_a_hold_on_shipping_keeps_nothing_from_the_nodes() -> None:
    shop, order = held_order("ship")
    assert [state for _, _, state in shop.work(order)] == ["released"]
    shop.done(AdvanceFulfilment(1, "pack"))
    for command in (AdvanceFulfilment(1, "ship"), AdvanceFulfilment(1, "deliver")):
        shop.refused(command, ResultCode.INVALID_TRANSITION)
    shop.done(HoldOrder(order, "payment", "not paid"))
    shop.done(LiftHold(order, "fraud"))
    shop.done(AdvanceFulfilment(1, "ship"))


def test_what_a_customer_comes_for_is_not_handed_out_while_shipping_is_stopped() -> None:
    shop = Shop()
    changed(shop, "nodes", BERLIN, pickup=True)
    shop.receive(KETTLE, BERLIN, 1)
    order = shop.order((KETTLE, 1), delivery="pickup", pickup_node=BERLIN)
    shop.done(HoldOrder(order, "payment", "not paid", "ship"))
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.refused(AdvanceFulfilment(1, "collect"), ResultCode.INVALID_TRANSITION)
    shop.done(LiftHold(order, "payment"))
    shop.done(AdvanceFulfilment(1, "collect"))


def test_what_one_node_gives_back_of_a_held_order_is_kept_from_the_next() -> None:
    shop = Shop()
    for node in (LEIPZIG, BERLIN):
        shop.receive(KETTLE, node, 4)
    order = shop.order((KETTLE, 4))
    shop.done(AdvanceFulfilment(1, "accept"))
    shop.done(SplitFulfilment(1, (FulfilmentLine("1", 2),)))
    shop.done(HoldOrder(order, "fraud", "looks odd"))
    shop.done(ShortFulfilment(1, (FoundLine("1", 1),), "no_capacity"))
    shop.done(RejectFulfilment(2, "no_capacity"))
    assert [(node, state) for _, node, state in shop.work(order)] == [
        (LEIPZIG, "accepted"),
        (LEIPZIG, "rejected"),
        (BERLIN, "held"),
        (BERLIN, "held"),
    ]
    assert shop.state.orders.work.count(BERLIN, "released") == 0
    shop.done(LiftHold(order, "fraud"))
    assert shop.state.orders.work.count(BERLIN, "released") == 2


def test_an_order_takes_only_so_many_holds() -> None:
    shop, order = held_order()
    for number in range(1, limits.ORDER_HOLDS_MAX):
        shop.done(HoldOrder(order, f"h-{number}", "one more"))
    shop.refused(HoldOrder(order, "too-many", "one more"), ResultCode.INVALID_TRANSITION)
