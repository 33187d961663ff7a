"""Goods between nodes: claimed, on their way, arrived with differences, or left where they are."""

from engine import limits
from engine.commands.transfers import (
    ArrivedLine,
    CancelTransfer,
    PlanTransfer,
    ReceiveTransfer,
    ShipTransfer,
    TransferQuantity,
)
from engine.facts.postings import IN_TRANSIT
from engine.facts.transfers import TransferReceived
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, TRAY, Shop, safety


def plan(quantity: int, sku: str = KETTLE, source: str = LEIPZIG, target: str = BERLIN) -> PlanTransfer:
    return PlanTransfer(source, target, (TransferQuantity(sku, quantity),))


def transfer(shop: Shop, quantity: int, sku: str = KETTLE) -> int:
    """A transfer from Leipzig to Berlin that is planned; its number."""
    shop.done(plan(quantity, sku))
    return shop.state.transfers.next_number - 1


def in_transit(shop: Shop, node: str) -> int:
    return shop.state.ledger.balance(IN_TRANSIT, KETTLE, node)


def ten_of_which_three_are_promised() -> Shop:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 10)
    shop.order((KETTLE, 3))
    return shop


def test_five_of_ten_with_three_promised_leave_two_for_sale() -> None:
    shop = ten_of_which_three_are_promised()
    number = transfer(shop, 5)
    assert (shop.at(KETTLE, LEIPZIG).available, shop.at(KETTLE, LEIPZIG).on_hand) == (2, 10)
    shop.done(ShipTransfer(number))
    assert (shop.at(KETTLE, LEIPZIG).on_hand, in_transit(shop, BERLIN)) == (5, 5)
    assert shop.at(KETTLE, BERLIN).on_hand == 0
    shop.done(ReceiveTransfer(number))
    assert (shop.at(KETTLE, BERLIN).available, in_transit(shop, BERLIN)) == (5, 0)
    received = shop.state.transfers.find(number)
    assert received is not None
    assert received.state == "received"
    shop.restart()


def test_what_was_promised_to_customers_is_not_sent_away() -> None:
    shop = ten_of_which_three_are_promised()
    refusal = shop.refused(plan(8), ResultCode.INSUFFICIENT_STOCK)
    assert [(s.sku, s.requested, s.available) for s in refusal.lines] == [(KETTLE, 8, 7)]


def test_safety_stock_does_not_stop_a_transfer() -> None:
    shop = ten_of_which_three_are_promised()
    shop.done(safety(LEIPZIG, KETTLE, 7))
    transfer(shop, 7)


def test_what_is_claimed_for_a_transfer_cannot_be_sold() -> None:
    shop = ten_of_which_three_are_promised()
    transfer(shop, 6)
    from tests.unit.engine.shop import place

    shop.refused(place("W-9", (KETTLE, 2)), ResultCode.INSUFFICIENT_STOCK)


def test_missing_and_broken_units_are_booked_with_their_reason() -> None:
    shop = ten_of_which_three_are_promised()
    number = transfer(shop, 5)
    shop.done(ShipTransfer(number))
    shop.done(ReceiveTransfer(number, (ArrivedLine(KETTLE, 4, 1),)))
    there = shop.at(KETTLE, BERLIN)
    assert (there.available, there.unsellable, in_transit(shop, BERLIN)) == (3, 1, 0)
    fact = shop.facts[0]
    assert isinstance(fact, TransferReceived)
    assert (fact.reason, fact.lines[0].lost) == ("short_transfer", 1)


def test_more_than_was_sent_is_found() -> None:
    shop = ten_of_which_three_are_promised()
    number = transfer(shop, 5)
    shop.done(ShipTransfer(number))
    shop.done(ReceiveTransfer(number, (ArrivedLine(KETTLE, 7, 6),)))
    there = shop.at(KETTLE, BERLIN)
    assert (there.available, there.unsellable) == (1, 6)
    fact = shop.facts[0]
    assert isinstance(fact, TransferReceived)
    assert (fact.reason, fact.lines[0].surplus) == ("over_transfer", 2)


def test_it_may_arrive_in_parts() -> None:
    shop = ten_of_which_three_are_promised()
    number = transfer(shop, 5)
    shop.done(ShipTransfer(number))
    shop.done(ReceiveTransfer(number, (ArrivedLine(KETTLE, 2),), more_to_come=True))
    assert (shop.at(KETTLE, BERLIN).available, in_transit(shop, BERLIN)) == (2, 3)
    nothing = ReceiveTransfer(number, (ArrivedLine(KETTLE, 0),), more_to_come=True)
    shop.refused(nothing, ResultCode.INVALID_TRANSITION)
    shop.done(ReceiveTransfer(number))
    assert shop.at(KETTLE, BERLIN).available == 5


def test_a_backorder_is_served_by_what_arrives() -> None:
    shop = Shop()
    shop.receive(TRAY, LEIPZIG, 5)
    number = transfer(shop, 5, TRAY)
    shop.done(ShipTransfer(number))
    order = shop.order((TRAY, 2))
    assert shop.the_order(order).lines[0].backordered == 2
    shop.done(ReceiveTransfer(number))
    assert shop.work(order)[-1][1:] == (BERLIN, "released")


def test_what_is_not_sent_stays_and_can_be_sold_again() -> None:
    shop = ten_of_which_three_are_promised()
    number = transfer(shop, 5)
    shop.done(CancelTransfer(number))
    assert shop.at(KETTLE, LEIPZIG).available == 7
    for late in (ShipTransfer(number), ReceiveTransfer(number), CancelTransfer(number)):
        shop.refused(late, ResultCode.INVALID_TRANSITION)


def test_ship_and_cancel_at_once_have_one_winner() -> None:
    shop = ten_of_which_three_are_promised()
    number = transfer(shop, 5)
    shop.submit(ShipTransfer(number))
    shop.submit(CancelTransfer(number))
    shipped, cancelled = shop.settle()
    assert shipped.seq
    assert cancelled.code is ResultCode.INVALID_TRANSITION


def test_a_transfer_that_cannot_be_is_refused() -> None:
    shop = ten_of_which_three_are_promised()
    shop.refused(plan(1, source="moon"), ResultCode.UNKNOWN_NODE)
    shop.refused(plan(1, target="moon"), ResultCode.UNKNOWN_NODE)
    shop.refused(plan(1, target=LEIPZIG), ResultCode.MALFORMED_REQUEST)
    shop.refused(plan(1, sku="NO-SUCH"), ResultCode.UNKNOWN_SKU)
    twice = (TransferQuantity(KETTLE, 1), TransferQuantity(KETTLE, 2))
    shop.refused(PlanTransfer(LEIPZIG, BERLIN, twice), ResultCode.MALFORMED_REQUEST)
    number = transfer(shop, 5)
    shop.refused(ReceiveTransfer(number), ResultCode.INVALID_TRANSITION)
    shop.done(ShipTransfer(number))
    shop.refused(ReceiveTransfer(number, (ArrivedLine(TOWEL, 1),)), ResultCode.UNKNOWN_LINE)
    shop.refused(CancelTransfer(99), ResultCode.NOT_FOUND)


def test_only_so_many_that_ended_are_kept() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 1)
    for _ in range(limits.TRANSFERS_ENDED_KEPT + 1):
        shop.submit(plan(1))
        shop.submit(CancelTransfer(shop.state.transfers.next_number))
        while shop.writer.settle():
            pass
    assert len(shop.state.transfers.ended) == limits.TRANSFERS_ENDED_KEPT
    assert shop.state.transfers.find(1) is None
    shop.restart()
