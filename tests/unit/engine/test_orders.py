"""Orders: from a reservation or on the spot, cancelled, closed and brought back."""

import pytest

from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelLine,
    CancelOrder,
    OrderLineRequest,
    PlaceOrder,
    ReceiveReturn,
    ReceiveReturnLine,
    RejectFulfilment,
    ReturnLineRequest,
)
from engine.commands.reservations import ReleaseReservation
from engine.results import ResultCode, Shortage
from tests.unit.engine.shop import BERLIN, HALLE, KETTLE, LEIPZIG, TOWEL, TRAY, Shop, line, place


@pytest.fixture
def shop() -> Shop:
    """Ten kettles in Leipzig, four in Berlin, five towels in Berlin, no trays."""
    made = Shop()
    made.receive(KETTLE, LEIPZIG, 10)
    made.receive(KETTLE, BERLIN, 4)
    made.receive(TOWEL, BERLIN, 5)
    return made


def cancel(order: str, *lines: tuple[str, int]) -> CancelOrder:
    return CancelOrder(order, "changed her mind", tuple(CancelLine(*entry) for entry in lines) or None)


# From a reservation


def test_an_order_takes_what_its_reservation_holds_at_the_nodes_it_holds_it(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 12))
    number = shop.order((KETTLE, 12), reservation=held)
    assert [(node, state) for _, node, state in shop.work(number)] == [(LEIPZIG, "released"), (BERLIN, "released")]
    assert (shop.at(KETTLE, LEIPZIG).allocated, shop.at(KETTLE, BERLIN).allocated) == (10, 2)
    assert shop.reservation(held).state == "confirmed"
    assert shop.at(KETTLE, LEIPZIG).reserved == 0


def test_what_the_order_does_not_use_is_free_in_the_same_step(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 12), line(TOWEL, 3))
    before = shop.journal.last_seq
    shop.order((KETTLE, 11), reservation=held)
    assert shop.journal.last_seq == before + 1
    assert (shop.at(KETTLE, BERLIN).available, shop.at(TOWEL, BERLIN).available) == (3, 5)
    assert shop.at(TOWEL, BERLIN).reserved == 0


def test_two_order_lines_share_what_the_reservation_holds_of_a_sku(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 11))
    number = shop.order((KETTLE, 9), (KETTLE, 2), reservation=held)
    work = [(f.node, [(t.line, t.quantity) for t in f.lines]) for f in shop.the_order(number).fulfilments]
    assert work == [(LEIPZIG, [(0, 9), (1, 1)]), (BERLIN, [(1, 1)])]


def test_an_order_for_more_than_was_held_is_refused_and_the_claim_stands(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2))
    asked = place("W-1", (KETTLE, 2), (KETTLE, 1), (TOWEL, 1), reservation=held)
    refusal = shop.refused(asked, ResultCode.EXCEEDS_RESERVATION)
    assert refusal.lines == (Shortage(KETTLE, 3, 2), Shortage(TOWEL, 1, 0))
    assert shop.reservation(held).state == "active"


def test_a_reservation_becomes_one_order_only(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2))
    shop.order((KETTLE, 1), reservation=held)
    shop.refused(place("W-2", (KETTLE, 1), reservation=held), ResultCode.RESERVATION_NOT_ACTIVE)


def test_a_late_payment_is_refused(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2), ttl_seconds=60)
    shop.wait(60)
    shop.settle()
    shop.refused(place("W-1", (KETTLE, 2), reservation=held), ResultCode.RESERVATION_EXPIRED)


def test_a_late_payment_that_may_be_sourced_again_is(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 5), ttl_seconds=60)
    shop.wait(60)
    number = shop.order((TOWEL, 5), reservation=held, source_again_if_expired=True)
    assert shop.the_order(number).lines[0].allocated == 5
    assert shop.the_order(number).reservation is None
    assert shop.reservation(held).state == "expired"


def test_a_late_payment_may_find_the_shelf_empty(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 5), ttl_seconds=60)
    shop.wait(60)
    shop.reserve(line(TOWEL, 1))
    late = place("W-1", (TOWEL, 5), reservation=held, source_again_if_expired=True)
    assert shop.refused(late, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(TOWEL, 5, 4),)


def test_a_released_reservation_is_never_sourced_again(shop: Shop) -> None:
    held = shop.reserve(line(TOWEL, 1))
    shop.done(ReleaseReservation(held))
    late = place("W-1", (TOWEL, 1), reservation=held, source_again_if_expired=True)
    shop.refused(late, ResultCode.RESERVATION_NOT_ACTIVE)


def test_a_reservation_belongs_to_its_channel(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2))
    shop.refused(place("W-1", (KETTLE, 2), reservation=held, channel="market"), ResultCode.WRONG_CHANNEL)
    shop.refused(place("W-1", (KETTLE, 2), reservation=4711), ResultCode.UNKNOWN_RESERVATION)


# On the spot


def test_an_order_without_a_reservation_is_sourced_at_once(shop: Shop) -> None:
    number = shop.order((KETTLE, 2), (TOWEL, 1))
    assert [node for _, node, _ in shop.work(number)] == [BERLIN], "one parcel, not two"


def test_an_order_that_cannot_be_served_is_refused_unless_it_may_wait(shop: Shop) -> None:
    short = place("W-1", (TOWEL, 6), (TRAY, 1))
    assert shop.refused(short, ResultCode.INSUFFICIENT_STOCK).lines == (Shortage(TOWEL, 6, 5),)
    number = shop.order((TOWEL, 1), (TRAY, 3))
    waiting = shop.the_order(number).lines[1]
    assert (waiting.allocated, waiting.backordered) == (0, 3)
    assert shop.the_order(number).state == "backordered"


def test_an_order_number_is_taken_once_and_for_ever(shop: Shop) -> None:
    number = shop.order((KETTLE, 1))
    shop.refused(place(number, (KETTLE, 1)), ResultCode.ORDER_NUMBER_TAKEN)
    shop.done(cancel(number))
    shop.writer.flush_closed()
    assert number not in shop.state.orders.open
    shop.refused(place(number, (KETTLE, 1)), ResultCode.ORDER_NUMBER_TAKEN)


def test_unknown_things_are_named_in_the_order_of_the_result_codes(shop: Shop) -> None:
    shop.refused(place("W-1", ("NO-SUCH", 1), channel="atlantis"), ResultCode.UNKNOWN_CHANNEL)
    refusal = shop.refused(place("W-1", (KETTLE, 1), ("A", 1), ("B", 1)), ResultCode.UNKNOWN_SKU)
    assert [error.pointer for error in refusal.errors] == ["/lines/1/sku", "/lines/2/sku"]


# Cancelling


def test_a_cancelled_order_gives_everything_back_and_closes(shop: Shop) -> None:
    number = shop.order((KETTLE, 12))
    shop.done(cancel(number))
    assert (shop.at(KETTLE, LEIPZIG).available, shop.at(KETTLE, BERLIN).available) == (10, 4)
    order = shop.the_order(number)
    assert (order.state, order.lines[0].cancelled) == ("cancelled", 12)
    assert {state for _, _, state in shop.work(number)} == {"cancelled"}
    assert number not in shop.state.orders.open


def test_a_part_is_cancelled_from_what_waits_and_then_from_the_youngest_work(shop: Shop) -> None:
    shop.receive(TRAY, LEIPZIG, 4)
    number = shop.order((TRAY, 4))
    shop.done(RejectFulfilment(1, "no_capacity"))
    shop.receive(TRAY, BERLIN, 3)
    assert (shop.the_order(number).lines[0].allocated, shop.the_order(number).lines[0].backordered) == (3, 1)
    shop.done(cancel(number, ("1", 2)))
    kept = shop.the_order(number).lines[0]
    assert (kept.allocated, kept.backordered, kept.cancelled) == (2, 0, 2)
    assert shop.at(TRAY, BERLIN).available == 1


def test_what_has_shipped_cannot_be_cancelled(shop: Shop) -> None:
    number = shop.order((KETTLE, 3), (TOWEL, 1))
    shop.done(AdvanceFulfilment(1, "ship"))
    shop.refused(cancel(number), ResultCode.INVALID_TRANSITION)
    refusal = shop.refused(cancel(number, ("1", 1)), ResultCode.EXCEEDS_CANCELLABLE)
    assert refusal.errors[0].pointer == "/lines/0/quantity"


def test_a_cancellation_names_lines_that_exist_and_units_that_are_open(shop: Shop) -> None:
    number = shop.order((KETTLE, 3))
    shop.refused(cancel(number, ("9", 1)), ResultCode.UNKNOWN_LINE)
    assert shop.refused(cancel(number, ("1", 2), ("1", 2)), ResultCode.EXCEEDS_CANCELLABLE).errors[0].pointer == (
        "/lines/1/quantity"
    )
    shop.refused(cancel("W-404"), ResultCode.NOT_FOUND)


def test_cancelling_in_parts_shrinks_the_work_of_the_node(shop: Shop) -> None:
    number = shop.order((KETTLE, 3), (TOWEL, 2))
    shop.done(cancel(number, ("2", 2)))
    shop.done(cancel(number, ("1", 1)))
    assert [(t.line, t.quantity) for t in shop.the_order(number).fulfilments[0].lines] == [(0, 2)]
    shop.done(cancel(number))
    assert shop.the_order(number).state == "cancelled"


# Closed orders


def test_a_shipped_order_leaves_memory_and_is_still_answered(shop: Shop) -> None:
    number = shop.order((KETTLE, 1))
    shop.done(AdvanceFulfilment(1, "ship"))
    assert (number in shop.state.orders.open, shop.the_order(number).state) == (False, "shipped")
    shop.writer.flush_closed()
    assert (shop.state.closed.pending_count, shop.the_order(number).state) == (0, "shipped")


@pytest.mark.parametrize("flushed", [True, False])
def test_a_closed_order_comes_back_to_be_delivered(shop: Shop, flushed: bool) -> None:
    number = shop.order((KETTLE, 1))
    shop.done(AdvanceFulfilment(1, "ship"))
    if flushed:
        shop.writer.flush_closed()
    shop.done(AdvanceFulfilment(1, "deliver"))
    assert shop.the_order(number).state == "delivered"
    assert number not in shop.state.orders.open
    assert [type(fact).__name__ for fact in shop.facts] == ["OrderReopened", "FulfilmentAdvanced"]
    shop.restart()
    assert shop.the_order(number).state == "delivered"


@pytest.mark.parametrize("flushed", [True, False])
def test_a_closed_order_comes_back_for_a_return(shop: Shop, flushed: bool) -> None:
    number = shop.order((KETTLE, 3))
    shop.done(AdvanceFulfilment(1, "deliver"))
    for step in (
        AuthoriseReturn(number, (ReturnLineRequest("1", 2),)),
        ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1),)),
        ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1, "scrap"),)),
    ):
        if flushed:
            shop.writer.flush_closed()
        shop.done(step)
    order = shop.the_order(number)
    assert (order.lines[0].returned, order.returns[0].state) == (2, "received")
    assert shop.at(KETTLE, BERLIN).available == 5
    assert shop.state.ledger.totals()["loss"] == 1
    assert len(order.history) == 5


def test_the_history_names_every_record_that_touched_the_order(shop: Shop) -> None:
    number = shop.order((KETTLE, 2))
    placed = shop.journal.last_seq
    shop.order((KETTLE, 1))
    shop.done(cancel(number, ("1", 1)))
    shop.done(AdvanceFulfilment(1, "ship"))
    assert shop.the_order(number).history == [placed, placed + 2, placed + 3]


def test_closed_orders_are_listed_youngest_first_wherever_they_are(shop: Shop) -> None:
    numbers = [shop.order((KETTLE, 1)) for _ in range(6)]
    for number in numbers[:3]:
        shop.done(cancel(number))
    shop.writer.flush_closed()
    for number in numbers[3:]:
        shop.done(cancel(number))
    assert [order.number for order in shop.state.closed.newest_orders()] == numbers[::-1]
    middle = shop.the_order(numbers[3]).seq
    assert [order.number for order in shop.state.closed.newest_orders(middle)] == numbers[2::-1]


def test_no_personal_data_is_asked_of_the_engine() -> None:
    fields = PlaceOrder.__struct_fields__
    assert {"name", "email", "phone", "street", "customer", "ship_to"}.isdisjoint(fields)
    assert OrderLineRequest.__struct_fields__ == ("id", "sku", "quantity", "unit_price_minor")
    assert HALLE.__struct_fields__ == ("country", "postal_area", "latitude_tenths", "longitude_tenths")
