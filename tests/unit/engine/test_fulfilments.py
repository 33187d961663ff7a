"""What nodes do: steps forward, rejections, and what waits for the next receipt."""

from typing import Any

import pytest

from engine.commands.configuration import Configure, Item
from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelLine,
    CancelOrder,
    ReceiveReturn,
    ReceiveReturnLine,
    RejectFulfilment,
    ReturnLineRequest,
    SourceOrderAgain,
    Tracking,
)
from engine.commands.reservations import ChangeReservation, NewQuantityLine, ReleaseReservation
from engine.commands.stock import MovementLine, MoveStock
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, HALLE, KETTLE, LEIPZIG, MUNICH, TRAY, Shop, line, safety
from tests.unit.engine.test_policy_plans import changed


@pytest.fixture
def shop() -> Shop:
    """Ten kettles in Leipzig, four in Berlin; no trays."""
    made = Shop()
    made.receive(KETTLE, LEIPZIG, 10)
    made.receive(KETTLE, BERLIN, 4)
    return made


def waits(shop: Shop, *numbers: str) -> list[tuple[int, int]]:
    """(allocated, backordered) of the first line of each order."""
    lines = [shop.the_order(number).lines[0] for number in numbers]
    return [(line.allocated, line.backordered) for line in lines]


# Steps


def test_a_shipped_unit_leaves_on_hand(shop: Shop) -> None:
    number = shop.order((KETTLE, 2))
    for action in ("accept", "pick", "pack"):
        shop.done(AdvanceFulfilment(1, action))
    assert shop.at(KETTLE, LEIPZIG).on_hand == 10
    shop.done(AdvanceFulfilment(1, "ship", Tracking("DHL", "JJD-1")))
    assert shop.at(KETTLE, LEIPZIG).on_hand == 8
    sent = shop.the_order(number).fulfilments[0]
    assert (sent.state, sent.carrier, sent.tracking_code) == ("shipped", "DHL", "JJD-1")
    assert shop.state.ledger.totals()["customer"] == 2
    shop.done(AdvanceFulfilment(1, "deliver"))
    assert shop.the_order(number).fulfilments[0].tracking_code == "JJD-1"


def test_steps_may_be_skipped_forward_and_never_go_back(shop: Shop) -> None:
    shop.order((KETTLE, 1))
    shop.done(AdvanceFulfilment(1, "pack"))
    for action in ("accept", "pick", "pack"):
        shop.refused(AdvanceFulfilment(1, action), ResultCode.INVALID_TRANSITION)
    shop.done(AdvanceFulfilment(1, "deliver"))
    assert shop.state.ledger.totals()["customer"] == 1
    for too_late in ("ship", "deliver"):
        shop.refused(AdvanceFulfilment(1, too_late), ResultCode.INVALID_TRANSITION)
    shop.refused(RejectFulfilment(1, "damaged"), ResultCode.INVALID_TRANSITION)
    shop.refused(AdvanceFulfilment(404, "ship"), ResultCode.NOT_FOUND)
    shop.refused(RejectFulfilment(404, "damaged"), ResultCode.NOT_FOUND)


# Rejections


@pytest.mark.parametrize(
    ("reason", "available", "unsellable", "loss"),
    [("no_capacity", 9, 0, 0), ("damaged", 6, 3, 0), ("not_found", 0, 0, 9)],
)
def test_the_reason_says_what_becomes_of_the_stock(
    shop: Shop, reason: Any, available: int, unsellable: int, loss: int
) -> None:
    shop.reserve(line(KETTLE, 1, LEIPZIG))
    number = shop.order((KETTLE, 3))
    shop.done(RejectFulfilment(1, reason, "shelf 7"))
    there = shop.at(KETTLE, LEIPZIG)
    assert (there.available, there.unsellable, shop.state.ledger.totals()["loss"]) == (available, unsellable, loss)
    assert there.reserved == 1, "what is promised elsewhere stays"
    assert shop.work(number) == [(1, LEIPZIG, "rejected"), (2, BERLIN, "released")]
    assert shop.the_order(number).fulfilments[0].reason == reason


def test_a_rejected_order_is_sourced_again_in_the_same_record(shop: Shop) -> None:
    shop.order((KETTLE, 3))
    before = shop.journal.last_seq
    shop.done(RejectFulfilment(1, "no_capacity"))
    assert shop.journal.last_seq == before + 1
    assert [type(fact).__name__ for fact in shop.facts] == ["FulfilmentRejected", "OrderSourced"]


def test_a_node_that_rejected_is_never_offered_the_order_again(shop: Shop) -> None:
    number = shop.order((KETTLE, 3))
    shop.done(RejectFulfilment(1, "no_capacity"))
    shop.done(RejectFulfilment(2, "no_capacity"))
    assert shop.the_order(number).lines[0].unsourceable == 3
    shop.refused(SourceOrderAgain(number), ResultCode.INSUFFICIENT_STOCK)
    shop.restart()
    shop.refused(SourceOrderAgain(number), ResultCode.INSUFFICIENT_STOCK)
    shop.receive(KETTLE, LEIPZIG, 5)
    assert shop.the_order(number).lines[0].unsourceable == 3
    shop.receive(KETTLE, MUNICH, 5)
    assert shop.work(number)[-1] == (3, MUNICH, "released")
    assert shop.the_order(number).rejected_by == [LEIPZIG, BERLIN]


def test_other_orders_may_still_go_to_the_node_that_rejected_one(shop: Shop) -> None:
    shop.order((KETTLE, 3))
    shop.done(RejectFulfilment(1, "no_capacity"))
    assert shop.work(shop.order((KETTLE, 3)))[0][1] == LEIPZIG


def test_what_nobody_has_is_flagged_for_a_human_and_not_lost(shop: Shop) -> None:
    number = shop.order((KETTLE, 10))
    shop.done(RejectFulfilment(1, "damaged"))
    order = shop.the_order(number)
    assert (order.state, order.lines[0].allocated, order.lines[0].unsourceable) == ("unsourceable", 4, 6)
    assert number in shop.state.orders.open


def test_what_nobody_has_and_may_wait_is_backordered(shop: Shop) -> None:
    shop.receive(TRAY, LEIPZIG, 2)
    number = shop.order((TRAY, 2))
    shop.done(RejectFulfilment(1, "not_found"))
    assert waits(shop, number) == [(0, 2)]
    shop.receive(TRAY, LEIPZIG, 5)
    assert waits(shop, number) == [(0, 2)], "Leipzig is never asked again"
    shop.receive(TRAY, BERLIN, 5)
    assert waits(shop, number) == [(2, 0)]


def test_an_unsourceable_order_can_be_cancelled(shop: Shop) -> None:
    number = shop.order((KETTLE, 10))
    shop.done(RejectFulfilment(1, "damaged"))
    shop.done(CancelOrder(number, "nobody has it", (CancelLine("1", 6),)))
    assert shop.the_order(number).state == "open"
    shop.done(AdvanceFulfilment(2, "ship"))
    assert shop.the_order(number).state == "shipped"


def test_an_order_that_waits_for_nothing_is_not_sourced_again(shop: Shop) -> None:
    number = shop.order((KETTLE, 1))
    shop.refused(SourceOrderAgain(number), ResultCode.INVALID_TRANSITION)
    shop.refused(SourceOrderAgain("W-404"), ResultCode.NOT_FOUND)


# Backorders


def test_backorders_are_served_in_order_of_placing(shop: Shop) -> None:
    first, second, third = shop.order((TRAY, 3)), shop.order((TRAY, 3)), shop.order((TRAY, 3))
    shop.receive(TRAY, MUNICH, 4)
    assert waits(shop, first, second, third) == [(3, 0), (1, 2), (0, 3)]
    shop.receive(TRAY, LEIPZIG, 4)
    assert waits(shop, first, second, third) == [(3, 0), (3, 0), (2, 1)]
    assert shop.at(TRAY, LEIPZIG).available == 0


def test_order_of_placing_survives_a_restart(shop: Shop) -> None:
    first, second = shop.order((TRAY, 3)), shop.order((TRAY, 3))
    shop.restart()
    shop.receive(TRAY, MUNICH, 4)
    assert waits(shop, first, second) == [(3, 0), (1, 2)]


@pytest.mark.parametrize("way", ["release", "expire", "change", "cancel", "leftover", "restore", "count"])
def test_whatever_frees_units_serves_who_waits_first(shop: Shop, way: str) -> None:
    shop.receive(TRAY, BERLIN, 3)
    shop.move(TRAY, BERLIN, "damage", 1)
    held = shop.reserve(line(TRAY, 2), ttl_seconds=60) if way in ("release", "expire", "change", "leftover") else None
    taken = shop.order((TRAY, 2)) if held is None else None
    waiting = shop.order((TRAY, 1))
    assert waits(shop, waiting) == [(0, 1)]
    match way:
        case "release":
            shop.done(ReleaseReservation(held or 0))
        case "expire":
            shop.wait(60)
            shop.settle()
        case "change":
            shop.done(ChangeReservation(held or 0, (NewQuantityLine(TRAY, 1),)))
        case "cancel":
            shop.done(CancelOrder(taken or "", "no"))
        case "leftover":
            shop.order((TRAY, 1), reservation=held)
        case "restore":
            shop.move(TRAY, BERLIN, "restore", 1)
        case "count":
            shop.move(TRAY, BERLIN, "count", 4)
    assert waits(shop, waiting) == [(1, 0)]


def test_cancelling_one_line_serves_the_other_line_of_the_same_order_that_waits(shop: Shop) -> None:
    shop.receive(TRAY, BERLIN, 2)
    number = shop.order((TRAY, 2), (TRAY, 2))
    shop.done(CancelOrder(number, "too many", (CancelLine("1", 2),)))
    lines = shop.the_order(number).lines
    assert (lines[0].cancelled, lines[1].allocated, lines[1].backordered) == (2, 2, 0)


def test_cancelling_more_than_waits_serves_what_still_waits(shop: Shop) -> None:
    shop.receive(TRAY, BERLIN, 3)
    number = shop.order((TRAY, 3), (TRAY, 4))
    shop.done(CancelOrder(number, "too many", (CancelLine("1", 3), CancelLine("2", 2))))
    lines = shop.the_order(number).lines
    assert (lines[1].allocated, lines[1].backordered, lines[1].cancelled) == (2, 0, 2)
    assert shop.at(TRAY, BERLIN).available == 1


def test_a_return_to_stock_serves_the_line_of_the_same_order_that_waits(shop: Shop) -> None:
    shop.receive(TRAY, BERLIN, 1)
    number = shop.order((TRAY, 1), (TRAY, 1))
    shop.done(AdvanceFulfilment(1, "ship"))
    shop.done(AuthoriseReturn(number, (ReturnLineRequest("1", 1),)))
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1),)))
    assert shop.the_order(number).lines[1].allocated == 1


def test_a_node_that_rejects_for_capacity_frees_units_for_others_that_wait(shop: Shop) -> None:
    shop.receive(TRAY, BERLIN, 2)
    first, second = shop.order((TRAY, 2)), shop.order((TRAY, 2))
    shop.done(RejectFulfilment(1, "no_capacity"))
    assert waits(shop, first, second) == [(0, 2), (2, 0)]


def test_what_waits_leaves_safety_stock_alone(shop: Shop) -> None:
    shop.done(safety(BERLIN, TRAY, 3))
    number = shop.order((TRAY, 2))
    shop.receive(TRAY, BERLIN, 4)
    assert waits(shop, number) == [(1, 1)]


def test_what_waits_leaves_the_buffer_of_its_channel_alone() -> None:
    shop = Shop(buffer=3)
    shop.receive(TRAY, BERLIN, 2)
    number, other = shop.order((TRAY, 2)), shop.order((TRAY, 1), channel="market")
    assert waits(shop, number, other) == [(0, 2), (1, 0)]
    shop.receive(TRAY, LEIPZIG, 3)
    assert waits(shop, number) == [(1, 1)]
    assert shop.at(TRAY, BERLIN).available + shop.at(TRAY, LEIPZIG).available == 3


def test_nothing_is_served_while_there_is_less_than_the_buffer() -> None:
    shop = Shop(buffer=3)
    number = shop.order((TRAY, 2))
    shop.receive(TRAY, LEIPZIG, 2)
    assert waits(shop, number) == [(0, 2)]
    shop.receive(TRAY, LEIPZIG, 2)
    assert waits(shop, number) == [(1, 1)]


def test_a_movement_that_takes_here_and_brings_there_serves_no_more_than_the_buffer_leaves() -> None:
    shop = Shop(buffer=3)
    number = shop.order((TRAY, 4))
    shop.receive(TRAY, LEIPZIG, 3)
    lines = MovementLine(TRAY, LEIPZIG, "damage", 1), MovementLine(TRAY, BERLIN, "receipt", 2)
    shop.done(MoveStock(lines))
    assert waits(shop, number) == [(1, 3)]
    assert shop.at(TRAY, BERLIN).available + shop.at(TRAY, LEIPZIG).available == 3


def test_a_safety_stock_that_is_lifted_serves_who_waits_beside_what_the_buffer_keeps() -> None:
    shop = Shop(buffer=3)
    shop.receive(TRAY, LEIPZIG, 3)
    shop.done(safety(BERLIN, TRAY, 2))
    shop.receive(TRAY, BERLIN, 2)
    number = shop.order((TRAY, 2))
    assert waits(shop, number) == [(0, 2)]
    shop.done(safety(BERLIN, TRAY, 0))
    assert waits(shop, number) == [(2, 0)]


def test_who_waits_is_served_by_the_next_node_when_the_cheapest_has_no_place_left() -> None:
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=0)
    number = shop.order((TRAY, 2))
    shop.done(MoveStock(tuple(MovementLine(TRAY, node, "receipt", 2) for node in (LEIPZIG, BERLIN))))
    assert waits(shop, number) == [(2, 0)]
    assert [node for _, node, _ in shop.work(number)] == [BERLIN]


def test_an_order_backordered_on_two_skus_is_served_sku_by_sku(shop: Shop) -> None:
    shop.done(Configure(items={"TIN-MUG": Item(name="Mug", backorderable=True)}))
    number = shop.order((TRAY, 1), ("TIN-MUG", 2))
    shop.receive("TIN-MUG", MUNICH, 2)
    assert [line.backordered for line in shop.the_order(number).lines] == [1, 0]
    shop.receive(TRAY, MUNICH, 1)
    assert shop.the_order(number).state == "open"
    assert shop.work(number) == [(1, MUNICH, "released")], "what becomes due at one node goes together"
    assert [(take.line, take.quantity) for take in shop.the_order(number).fulfilments[0].lines] == [(1, 2), (0, 1)]


def test_the_area_of_the_order_decides_which_node_serves_it(shop: Shop) -> None:
    number = shop.order((KETTLE, 1), area=HALLE)
    assert shop.work(number)[0][1] == LEIPZIG


def test_a_shipment_and_a_cancellation_at_once_have_one_winner() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    first, second = shop.order((KETTLE, 2)), shop.order((KETTLE, 2))
    shop.submit(AdvanceFulfilment(shop.work(first)[0][0], "ship"))
    shop.submit(CancelOrder(first, "changed my mind"))
    shop.submit(CancelOrder(second, "changed my mind"))
    shop.submit(AdvanceFulfilment(shop.work(second)[0][0], "ship"))
    shipped, too_late, cancelled, gone = shop.settle()
    assert (shipped.seq + 1, too_late.code) == (cancelled.seq, ResultCode.INVALID_TRANSITION)
    assert gone.code is ResultCode.INVALID_TRANSITION
    assert (shop.the_order(first).state, shop.the_order(second).state) == ("shipped", "cancelled")
