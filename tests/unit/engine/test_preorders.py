"""Units that may wait for stock: so many in all, so many on a channel; served in order of promise by whatever arrives."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.commands.configuration import Configure, NodeItem
from engine.commands.inbound import ExpectInbound, InboundQuantity, ReceiveInbound
from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelOrder,
    ConfirmChange,
    OrderLineRequest,
    ProposeChange,
    ReceiveReturn,
    ReceiveReturnLine,
    ReturnLineRequest,
    SetLine,
)
from engine.commands.transfers import PlanTransfer, ReceiveTransfer, ShipTransfer, TransferQuantity
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MORNING_NS, MUNICH, TRAY, Shop, place, safety


def limited(**limits: Any) -> Shop:
    """A shop whose tray may wait for stock, up to a limit."""
    shop = Shop()
    shop.done(Configure(items={TRAY: replace(shop.state.configuration.items[TRAY], **limits)}))
    return shop


def test_no_more_than_the_limit_waits_over_all_channels() -> None:
    shop = limited(backorders_max=5)
    shop.order((TRAY, 3))
    shop.order((TRAY, 1), channel="market")
    refusal = shop.refused(place("W-9", (TRAY, 2)), ResultCode.INSUFFICIENT_STOCK)
    assert [(s.sku, s.requested, s.available) for s in refusal.lines] == [(TRAY, 2, 1)]
    shop.order((TRAY, 1))
    shop.restart()
    shop.refused(place("W-9", (TRAY, 1)), ResultCode.INSUFFICIENT_STOCK)


def test_a_channel_has_a_limit_of_its_own() -> None:
    shop = limited(backorders_max=50, backorders_max_by_channel={"market": 2})
    shop.order((TRAY, 2), channel="market")
    shop.refused(place("W-9", (TRAY, 1), channel="market"), ResultCode.INSUFFICIENT_STOCK)
    shop.order((TRAY, 9))


def test_what_is_there_does_not_count() -> None:
    shop = limited(backorders_max=2)
    shop.receive(TRAY, LEIPZIG, 10)
    shop.order((TRAY, 12))
    shop.refused(place("W-9", (TRAY, 1)), ResultCode.INSUFFICIENT_STOCK)


def test_what_is_served_or_cancelled_makes_room() -> None:
    shop = limited(backorders_max=4)
    first, second = shop.order((TRAY, 2)), shop.order((TRAY, 2))
    shop.done(CancelOrder(second, "changed my mind"))
    third = shop.order((TRAY, 2))
    shop.receive(TRAY, LEIPZIG, 2)
    assert shop.the_order(first).lines[0].allocated == 2
    shop.order((TRAY, 2))
    shop.refused(place("W-9", (TRAY, 1)), ResultCode.INSUFFICIENT_STOCK)
    assert shop.the_order(third).lines[0].backordered == 2


def test_two_orders_at_once_do_not_overrun_it() -> None:
    shop = limited(backorders_max=3)
    shop.submit(place("A", (TRAY, 2)))
    shop.submit(place("B", (TRAY, 2)))
    first, second = shop.settle()
    assert first.seq
    assert second.code is ResultCode.INSUFFICIENT_STOCK


def test_a_limit_lowered_below_what_waits_stops_only_what_would_wait_too() -> None:
    shop = limited(backorders_max=9)
    order = shop.order((TRAY, 5))
    shop.done(Configure(items={TRAY: replace(shop.state.configuration.items[TRAY], backorders_max=2)}))
    refusal = shop.refused(place("W-9", (TRAY, 1)), ResultCode.INSUFFICIENT_STOCK)
    assert [(s.requested, s.available) for s in refusal.lines] == [(1, 0)]
    shop.receive(KETTLE, LEIPZIG, 1)
    shop.done(ProposeChange(order, "a kettle to go with it", add=(OrderLineRequest("2", KETTLE, 1),)))


def test_a_change_does_not_overrun_it_either() -> None:
    shop = limited(backorders_max=3)
    order = shop.order((TRAY, 2))
    shop.refused(ProposeChange(order, "more", set=(SetLine("1", 4),)), ResultCode.INSUFFICIENT_STOCK)
    shop.refused(ProposeChange(order, "more", add=(OrderLineRequest("2", TRAY, 2),)), ResultCode.INSUFFICIENT_STOCK)
    shop.done(ProposeChange(order, "more", set=(SetLine("1", 3),)))


@pytest.mark.parametrize(
    "source",
    [
        "receipt",
        "inbound",
        "cancelled order",
        "return",
        "transfer",
        "change",
        "count",
        "lapsed pickup",
        "safety stock",
        "sellable again",
    ],
)
def test_whatever_makes_units_free_serves_who_was_promised_first(source: str) -> None:
    shop = Shop()
    shop.done(Configure(nodes={MUNICH: replace(shop.state.configuration.nodes[MUNICH], pickup=True)}))
    shop.receive(TRAY, MUNICH if source == "lapsed pickup" else LEIPZIG, 2)
    more = {"delivery": "pickup", "pickup_node": MUNICH} if source == "lapsed pickup" else {}
    if source == "transfer":
        shop.done(PlanTransfer(LEIPZIG, BERLIN, (TransferQuantity(TRAY, 2),)))
        shop.done(ShipTransfer(1))
    elif source in ("safety stock", "sellable again"):
        shop.done(safety(LEIPZIG, TRAY, 2, sellable=source == "safety stock"))
    else:
        holder = shop.order((TRAY, 2), **more)
    first, second = shop.order((TRAY, 2)), shop.order((TRAY, 2))
    match source:
        case "receipt":
            shop.receive(TRAY, BERLIN, 2)
        case "inbound":
            shop.done(ExpectInbound("oak-works", BERLIN, (InboundQuantity(TRAY, 2),), MORNING_NS))
            shop.done(ReceiveInbound(1))
        case "cancelled order":
            shop.done(CancelOrder(holder, "changed my mind"))
        case "return":
            shop.done(AdvanceFulfilment(shop.work(holder)[0][0], "ship"))
            shop.done(AuthoriseReturn(holder, (ReturnLineRequest("1", 2),)))
            shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 2),)))
        case "transfer":
            shop.done(ReceiveTransfer(1))
        case "change":
            shop.done(ConfirmChange(shop.done(ProposeChange(holder, "less", set=(SetLine("1", 0),))).seq))
        case "count":
            shop.move(TRAY, BERLIN, "count", 2)
        case "lapsed pickup":
            shop.done(AdvanceFulfilment(shop.work(holder)[0][0], "ready"))
            shop.wait(8 * 86_400)
            shop.settle()
        case "safety stock" | "sellable again":
            shop.done(safety(LEIPZIG, TRAY))
    served = [shop.the_order(order).lines[0].allocated for order in (first, second)]
    assert served == [2, 0]


def test_of_lifted_safety_stock_only_what_is_lifted_is_given_away() -> None:
    shop = Shop()
    shop.done(safety(LEIPZIG, TRAY, 5))
    shop.receive(TRAY, LEIPZIG, 5)
    order = shop.order((TRAY, 4))
    shop.done(safety(LEIPZIG, TRAY, 6))
    shop.done(
        Configure(node_items={LEIPZIG: {TRAY: NodeItem(safety_stock=2)}, BERLIN: {TRAY: NodeItem(safety_stock=1)}})
    )
    assert (shop.the_order(order).lines[0].allocated, shop.at(TRAY, LEIPZIG).available) == (3, 2)
    shop.restart()
    shop.done(safety(LEIPZIG, TRAY, 1))
    assert shop.the_order(order).lines[0].backordered == 0
