"""Goods on their way: announced, received in parts, delayed, cancelled; what waits is served when they come."""

import pytest

from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantity, ReceiveInbound
from engine.limits import NS_PER_SECOND
from engine.replay import dumping, invariants
from engine.results import ResultCode
from engine.state.inbound import Inbound, Inbounds
from engine.state.state import State
from engine.wal import MemoryClosedTable
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MORNING_NS, TOWEL, TRAY, Shop, place

DAY_NS = 86_400 * NS_PER_SECOND


@pytest.fixture
def shop() -> Shop:
    return Shop()


def expect(*lines: tuple[str, int], node: str = LEIPZIG, days: int = 3) -> ExpectInbound:
    return ExpectInbound("brass-and-sons", node, quantities(*lines), MORNING_NS + days * DAY_NS)


def quantities(*lines: tuple[str, int]) -> tuple[InboundQuantity, ...]:
    return tuple(InboundQuantity(*entry) for entry in lines)


def inbound(shop: Shop, number: int = 1) -> Inbound:
    found = shop.state.inbound.find(number)
    assert found is not None
    return found


def units(shop: Shop, number: int = 1) -> list[tuple[str, int, int, int]]:
    return [(line.sku, line.quantity, line.received, line.cancelled) for line in inbound(shop, number).lines]


def test_what_is_expected_is_inbound_and_not_on_hand(shop: Shop) -> None:
    shop.done(expect((KETTLE, 40), (TOWEL, 5)))
    there = shop.at(KETTLE, LEIPZIG)
    assert (there.inbound, there.on_hand, there.available_to_promise) == (40, 0, 0)
    assert shop.state.ledger.totals()["supplier"] == -45
    assert (inbound(shop).state, inbound(shop).expected_at_ns) == ("expected", MORNING_NS + 3 * DAY_NS)
    shop.restart()


def test_receiving_without_lines_takes_in_all_that_is_still_expected(shop: Shop) -> None:
    shop.done(expect((KETTLE, 40), (TOWEL, 5)))
    shop.done(ReceiveInbound(1, quantities((KETTLE, 30))))
    assert inbound(shop).state == "expected"
    shop.done(ReceiveInbound(1))
    assert units(shop) == [(KETTLE, 40, 40, 0), (TOWEL, 5, 5, 0)]
    assert inbound(shop).state == "received"
    assert (shop.at(KETTLE, LEIPZIG).available, shop.at(KETTLE, LEIPZIG).inbound) == (40, 0)
    shop.refused(ReceiveInbound(1), ResultCode.INVALID_TRANSITION)
    shop.restart()


def test_more_than_expected_comes_straight_from_the_supplier(shop: Shop) -> None:
    shop.done(expect((KETTLE, 4), (TOWEL, 1)))
    shop.done(ReceiveInbound(1, quantities((KETTLE, 6))))
    shop.done(ReceiveInbound(1, quantities((KETTLE, 1))))
    assert (shop.at(KETTLE, LEIPZIG).available, shop.at(KETTLE, LEIPZIG).inbound) == (7, 0)
    assert units(shop)[0] == (KETTLE, 4, 7, 0)
    assert inbound(shop).state == "expected"


def test_cancelled_units_go_back_to_the_supplier(shop: Shop) -> None:
    shop.done(expect((KETTLE, 40), (TOWEL, 5)))
    shop.done(CancelInbound(1, quantities((KETTLE, 10))))
    assert shop.at(KETTLE, LEIPZIG).inbound == 30
    refusal = shop.refused(CancelInbound(1, quantities((KETTLE, 31))), ResultCode.EXCEEDS_CANCELLABLE)
    assert refusal.errors[0].pointer == "/lines/0/quantity"
    shop.done(CancelInbound(1))
    assert inbound(shop).state == "cancelled"
    assert shop.state.ledger.totals()["supplier"] == 0
    shop.restart()


def test_what_came_in_part_and_was_cancelled_for_the_rest_is_received(shop: Shop) -> None:
    shop.done(expect((KETTLE, 40)))
    shop.done(ReceiveInbound(1, quantities((KETTLE, 1))))
    shop.done(CancelInbound(1))
    assert (inbound(shop).state, units(shop)) == ("received", [(KETTLE, 40, 1, 39)])


def test_a_delay_moves_the_date_and_nothing_else(shop: Shop) -> None:
    shop.done(expect((KETTLE, 40)))
    before = shop.state.ledger.totals()
    shop.done(DelayInbound(1, MORNING_NS + 9 * DAY_NS))
    assert inbound(shop).expected_at_ns == MORNING_NS + 9 * DAY_NS
    assert shop.state.ledger.totals() == before
    shop.done(CancelInbound(1))
    shop.refused(DelayInbound(1, MORNING_NS), ResultCode.INVALID_TRANSITION)


def test_what_arrives_serves_backorders_first_in_order_of_placing(shop: Shop) -> None:
    first, second = shop.order((TRAY, 3)), shop.order((TRAY, 2))
    shop.done(expect((TRAY, 6), node=BERLIN))
    assert shop.the_order(first).state == "backordered"
    shop.done(ReceiveInbound(1, quantities((TRAY, 4))))
    assert [(f.node, f.lines[0].quantity) for f in shop.the_order(first).fulfilments] == [(BERLIN, 3)]
    assert (shop.the_order(second).lines[0].allocated, shop.the_order(second).lines[0].backordered) == (1, 1)
    shop.done(ReceiveInbound(1))
    assert shop.the_order(second).state == "open"
    assert (shop.at(TRAY, BERLIN).available, shop.at(TRAY, BERLIN).allocated) == (1, 5)
    shop.restart()


def test_without_a_policy_that_says_so_nothing_expected_is_promised(shop: Shop) -> None:
    shop.done(expect((KETTLE, 40)))
    shop.refused(place("W-9", (KETTLE, 1)), ResultCode.INSUFFICIENT_STOCK)


def test_what_is_announced_must_exist_and_be_named_once(shop: Shop) -> None:
    shop.refused(expect((KETTLE, 1), node="atlantis"), ResultCode.UNKNOWN_NODE)
    refusal = shop.refused(expect((KETTLE, 1), ("NO-SUCH", 1)), ResultCode.UNKNOWN_SKU)
    assert refusal.errors[0].pointer == "/lines/1/sku"
    shop.refused(expect((KETTLE, 1), (KETTLE, 1)), ResultCode.MALFORMED_REQUEST)
    shop.refused(ReceiveInbound(1), ResultCode.NOT_FOUND)
    shop.done(expect((KETTLE, 1)))
    shop.refused(ReceiveInbound(1, quantities((TOWEL, 1))), ResultCode.UNKNOWN_LINE)
    shop.refused(CancelInbound(1, quantities((KETTLE, 1), (KETTLE, 1))), ResultCode.MALFORMED_REQUEST)


def test_only_the_last_that_ended_stay_in_memory(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Inbounds, "ENDED_MAX", 2)
    for _ in range(4):
        shop.done(expect((KETTLE, 1)))
    for number in (3, 1, 4):
        shop.done(ReceiveInbound(number))
    assert list(shop.state.inbound.ended) == [1, 4]
    shop.refused(ReceiveInbound(3), ResultCode.NOT_FOUND)
    assert list(shop.state.inbound.open) == [2]
    shop.restart()


def test_a_dump_holds_what_is_expected_and_what_ended(shop: Shop) -> None:
    for _ in range(3):
        shop.done(expect((KETTLE, 4), (TOWEL, 1)))
    shop.done(ReceiveInbound(1, quantities((KETTLE, 1))))
    shop.done(CancelInbound(2))
    copy = State(MemoryClosedTable())
    dumping.load(copy, dumping.dump(shop.state))
    assert dumping.digest(copy) == dumping.digest(shop.state)
    assert (list(copy.inbound.open), list(copy.inbound.ended), copy.inbound.next_number) == ([1, 3], [2], 4)
    assert invariants.check(copy) == []


def test_inbound_that_nobody_expects_is_found_out(shop: Shop) -> None:
    shop.done(expect((KETTLE, 4)))
    shop.state.inbound.open[1].lines[0].cancelled = 1
    assert invariants.check(shop.state) == [
        "inbound of 'BRASS-KETTLE' at 'leipzig' is 4, but open inbound expects 3",
    ]
