"""Units on their way are promised where the policy says so, and whoever was promised first is served first."""

from typing import Any

import pytest

from engine.commands.configuration import Configure
from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantity, ReceiveInbound
from engine.commands.orders import CancelLine, CancelOrder, RejectFulfilment, SourceOrderAgain
from engine.commands.policies import SourcingPolicy
from engine.commands.reservations import (
    ChangeReservation,
    NewQuantityLine,
    QuantityLine,
    ReleaseReservation,
    ReserveStock,
)
from engine.limits import NS_PER_SECOND
from engine.replay import dumping
from engine.results import ResultCode
from engine.state.orders import OrderLine
from engine.state.state import State
from engine.wal import MemoryClosedTable
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MORNING_NS, TRAY, Shop, line, place
from tests.unit.engine.test_policy_plans import changed

DAY_NS = 86_400 * NS_PER_SECOND
AVAILABLE, RESERVED, ALLOCATED, INBOUND, PROMISED, BOUND = 0, 1, 2, 4, 10, 11


def policy(**settings: Any) -> Configure:
    return Configure(sourcing_policies={"forward": SourcingPolicy(name="Forward", inbound_days_max=10, **settings)})


@pytest.fixture
def shop() -> Shop:
    """Two kettles in Leipzig; ten more in three days. What comes within ten days may be promised."""
    made = Shop()
    made.done(policy())
    channel = made.state.configuration.channels["web"]
    made.done(Configure(channels={"web": type(channel)(**{**as_dict(channel), "sourcing_policy": "forward"})}))
    made.receive(KETTLE, LEIPZIG, 2)
    made.done(expect((KETTLE, 10)))
    return made


def as_dict(channel: Any) -> dict[str, Any]:
    return {name: getattr(channel, name) for name in channel.__struct_fields__}


def expect(*lines: tuple[str, int], node: str = LEIPZIG, days: int = 3) -> ExpectInbound:
    return ExpectInbound("brass-and-sons", node, quantities(*lines), MORNING_NS + days * DAY_NS)


def quantities(*lines: tuple[str, int]) -> tuple[InboundQuantity, ...]:
    return tuple(InboundQuantity(*entry) for entry in lines)


def sources(shop: Shop, number: int) -> list[tuple[str, int, int | None]]:
    """(node, units, inbound) of the first line of a reservation."""
    return [(s.node, s.quantity, s.inbound) for s in shop.reservation(number).lines[0].sources]


def books(shop: Shop, node: str = LEIPZIG, sku: str = KETTLE) -> dict[int, int]:
    """Units in the accounts that have any."""
    accounts = (AVAILABLE, RESERVED, ALLOCATED, INBOUND, PROMISED, BOUND)
    found = {account: shop.state.ledger.balance(account, sku, node) for account in accounts}
    return {account: units for account, units in found.items() if units}


def order_line(shop: Shop, number: str) -> OrderLine:
    return shop.the_order(number).lines[0]


def claims(shop: Shop, number: str) -> list[tuple[int, int]]:
    """(inbound, units) that an order's first line was promised."""
    return [(claim.inbound, claim.quantity) for claim in order_line(shop, number).claims]


def test_what_is_missing_is_promised_from_what_is_expected(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 5))
    assert sources(shop, held) == [(LEIPZIG, 2, None), (LEIPZIG, 3, 1)]
    assert books(shop) == {RESERVED: 2, INBOUND: 7, PROMISED: 3}
    shop.restart()


def test_what_is_there_is_promised_before_what_is_not(shop: Shop) -> None:
    assert sources(shop, shop.reserve(line(KETTLE, 2))) == [(LEIPZIG, 2, None)]


def test_it_leaves_with_the_first_dispatch_after_it_is_expected(shop: Shop) -> None:
    now, later = shop.reservation(shop.reserve(line(KETTLE, 3))).lines[0].sources
    assert now.ships_at_ns is not None
    assert later.ships_at_ns is not None
    assert later.delivers_at_ns is not None
    assert MORNING_NS + 3 * DAY_NS <= later.ships_at_ns < MORNING_NS + 7 * DAY_NS
    assert now.ships_at_ns < later.ships_at_ns < later.delivers_at_ns


def test_without_the_setting_nothing_is_promised(shop: Shop) -> None:
    shop.refused(place("W-9", (KETTLE, 3), channel="market"), ResultCode.INSUFFICIENT_STOCK)


def test_what_comes_too_late_is_not_promised(shop: Shop) -> None:
    shop.done(expect((TRAY, 5), days=11))
    waits = shop.reserve(line(TRAY, 1))
    assert (sources(shop, waits), shop.reservation(waits).lines[0].backordered) == ([], 1)
    shop.wait(2 * 86_400)
    assert sources(shop, shop.reserve(line(TRAY, 1))) == [(LEIPZIG, 1, 2)]


def test_no_more_is_promised_than_will_come(shop: Shop) -> None:
    shop.reserve(line(KETTLE, 12))
    refusal = shop.refused(ReserveStock("web", (line(KETTLE, 1),)), ResultCode.INSUFFICIENT_STOCK)
    assert refusal.lines[0].available == 0


def test_lines_of_one_sku_compete_for_what_will_come(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 8), line(KETTLE, 4))
    assert [line.reserved for line in shop.reservation(held).lines] == [8, 4]
    shop.refused(ReserveStock("web", (line(KETTLE, 1),)), ResultCode.INSUFFICIENT_STOCK)


def test_the_earliest_comes_first_and_a_named_node_is_kept_to(shop: Shop) -> None:
    shop.done(expect((KETTLE, 4), node=BERLIN, days=1))
    assert sources(shop, shop.reserve(line(KETTLE, 8))) == [(LEIPZIG, 2, None), (BERLIN, 4, 2), (LEIPZIG, 2, 1)]
    held = shop.reserve(line(KETTLE, 1, LEIPZIG))
    assert sources(shop, held) == [(LEIPZIG, 1, 1)]
    shop.refused(ReserveStock("web", (line(KETTLE, 1, BERLIN),)), ResultCode.INSUFFICIENT_STOCK)


@pytest.mark.parametrize("how", ["release", "expire"])
def test_a_promise_that_ends_is_free_again(shop: Shop, how: str) -> None:
    held = shop.reserve(line(KETTLE, 5), ttl_seconds=60)
    if how == "release":
        shop.done(ReleaseReservation(held))
    else:
        shop.wait(61)
        shop.settle()
    assert books(shop) == {AVAILABLE: 2, INBOUND: 10}
    shop.restart()


def test_what_is_given_back_first_is_what_is_not_there(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 5))
    shop.done(ReleaseReservation(held, (QuantityLine(KETTLE, 2),)))
    assert sources(shop, held) == [(LEIPZIG, 2, None), (LEIPZIG, 1, 1)]
    shop.done(ChangeReservation(held, (NewQuantityLine(KETTLE, 6),)))
    assert sources(shop, held) == [(LEIPZIG, 2, None), (LEIPZIG, 4, 1)]
    assert books(shop) == {RESERVED: 2, INBOUND: 6, PROMISED: 4}
    shop.restart()


def test_an_order_takes_the_promise_over(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 5))
    order = shop.order((KETTLE, 4), reservation=held)
    assert (order_line(shop, order).allocated, order_line(shop, order).backordered) == (2, 2)
    assert claims(shop, order) == [(1, 2)]
    assert books(shop) == {ALLOCATED: 2, INBOUND: 8, BOUND: 2}
    shop.restart()


def test_an_order_on_the_spot_is_promised_what_will_come(shop: Shop) -> None:
    order = shop.order((KETTLE, 5))
    assert shop.the_order(order).state == "backordered"
    assert claims(shop, order) == [(1, 3)]
    assert books(shop) == {ALLOCATED: 2, INBOUND: 7, BOUND: 3}


def test_what_was_promised_is_still_expected(shop: Shop) -> None:
    shop.order((KETTLE, 5))
    shop.reserve(line(KETTLE, 2))
    assert books(shop) == {ALLOCATED: 2, INBOUND: 5, PROMISED: 2, BOUND: 3}
    assert shop.at(KETTLE, LEIPZIG).inbound == 10


def test_what_comes_to_a_node_that_never_opens_is_not_promised(shop: Shop) -> None:
    changed(shop, "nodes", BERLIN, opening_hours={})
    shop.done(expect((TRAY, 5), node=BERLIN, days=1))
    assert sources(shop, shop.reserve(line(TRAY, 1))) == []
    shop.done(expect((TRAY, 5), node=LEIPZIG, days=2))
    assert sources(shop, shop.reserve(line(TRAY, 3))) == [(LEIPZIG, 3, 3)]


def test_what_arrives_goes_to_whom_it_was_promised_in_order_of_promise(shop: Shop) -> None:
    first = shop.reserve(line(KETTLE, 5))
    second = shop.order((KETTLE, 4))
    third = shop.reserve(line(KETTLE, 1))
    shop.done(ReceiveInbound(1, quantities((KETTLE, 4))))
    assert sources(shop, first) == [(LEIPZIG, 5, None)]
    assert claims(shop, second) == [(1, 3)]
    assert order_line(shop, second).allocated == 1
    shop.done(ReceiveInbound(1))
    assert claims(shop, second) == []
    assert (order_line(shop, second).allocated, order_line(shop, second).backordered) == (4, 0)
    assert sources(shop, third) == [(LEIPZIG, 1, None)]
    assert books(shop) == {AVAILABLE: 2, RESERVED: 6, ALLOCATED: 4}
    shop.restart()


def test_an_order_keeps_the_turn_of_its_reservation(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 5))
    later = shop.order((KETTLE, 3))
    early = shop.order((KETTLE, 5), reservation=held)
    shop.done(ReceiveInbound(1, quantities((KETTLE, 4))))
    assert order_line(shop, early).backordered == 0
    assert order_line(shop, later).backordered == 2


def test_others_who_wait_are_served_after_those_with_a_promise(shop: Shop) -> None:
    waiting = shop.order((TRAY, 4))
    shop.done(expect((TRAY, 5)))
    promised = shop.order((TRAY, 3))
    shop.done(ReceiveInbound(2, quantities((TRAY, 4))))
    assert order_line(shop, promised).backordered == 0
    assert (order_line(shop, waiting).allocated, order_line(shop, waiting).backordered) == (1, 3)


def test_a_line_that_is_promised_a_part_gets_it_and_waits_for_the_rest(shop: Shop) -> None:
    shop.done(expect((TRAY, 2)))
    order = shop.order((TRAY, 5))
    assert claims(shop, order) == [(2, 2)]
    shop.done(ReceiveInbound(2, quantities((TRAY, 6))))
    assert (order_line(shop, order).allocated, order_line(shop, order).backordered) == (5, 0)
    assert books(shop, sku=TRAY) == {AVAILABLE: 1, ALLOCATED: 5}
    shop.restart()


def test_stock_that_comes_early_serves_who_has_a_promise_in_its_turn(shop: Shop) -> None:
    waiting = shop.order((TRAY, 1))
    shop.done(expect((TRAY, 3)))
    promised = shop.order((TRAY, 3))
    shop.receive(TRAY, BERLIN, 3)
    assert order_line(shop, waiting).allocated == 1
    assert (order_line(shop, promised).allocated, claims(shop, promised)) == (2, [(2, 1)])
    shop.refused(SourceOrderAgain(promised), ResultCode.INSUFFICIENT_STOCK)
    assert books(shop, sku=TRAY) == {INBOUND: 2, BOUND: 1}


def test_a_promise_that_early_stock_makes_needless_goes_to_the_next_who_waits(shop: Shop) -> None:
    shop.done(expect((TRAY, 3)))
    promised = shop.order((TRAY, 3))
    first, second = shop.order((TRAY, 2)), shop.order((TRAY, 2))
    assert claims(shop, promised) == [(2, 3)]
    shop.receive(TRAY, BERLIN, 3)
    assert (order_line(shop, promised).allocated, claims(shop, promised)) == (3, [])
    assert (claims(shop, first), claims(shop, second)) == ([(2, 2)], [(2, 1)])
    shop.restart()
    shop.done(ReceiveInbound(2, quantities((TRAY, 3))))
    assert (order_line(shop, first).allocated, order_line(shop, second).allocated) == (2, 1)


def test_who_waits_for_later_goods_takes_the_earlier_promise_and_passes_his_own_on(shop: Shop) -> None:
    shop.done(expect((TRAY, 2), days=2))
    soon = shop.order((TRAY, 2))
    shop.done(expect((TRAY, 2), days=5))
    later, last = shop.order((TRAY, 2)), shop.order((TRAY, 1))
    assert (claims(shop, soon), claims(shop, later), claims(shop, last)) == ([(2, 2)], [(3, 2)], [])
    shop.receive(TRAY, BERLIN, 2)
    assert (claims(shop, soon), claims(shop, later), claims(shop, last)) == ([], [(2, 2)], [(3, 1)])


def test_of_what_is_long_overdue_nothing_is_promised_until_it_has_another_date(shop: Shop) -> None:
    shop.done(expect((TRAY, 3), days=-400))
    assert claims(shop, shop.order((TRAY, 1))) == []
    shop.done(DelayInbound(2, MORNING_NS + 2 * DAY_NS))
    assert claims(shop, shop.order((TRAY, 1))) == [(2, 1)]


def test_a_delay_moves_the_dates_of_everything_promised(shop: Shop) -> None:
    held, order = shop.reserve(line(KETTLE, 5)), shop.order((KETTLE, 1))
    before = [shop.reservation(held).lines[0].sources[1].ships_at_ns, order_line(shop, order).claims[0].ships_at_ns]
    shop.done(DelayInbound(1, MORNING_NS + 20 * DAY_NS))
    after = [shop.reservation(held).lines[0].sources[1].ships_at_ns, order_line(shop, order).claims[0].ships_at_ns]
    assert all(a is not None and b is not None and a >= b + 13 * DAY_NS for a, b in zip(after, before, strict=True))
    assert books(shop) == {RESERVED: 2, INBOUND: 6, PROMISED: 3, BOUND: 1}
    shop.restart()


def test_when_it_is_cancelled_reservations_hold_less_and_orders_wait_on(shop: Shop) -> None:
    held, order = shop.reserve(line(KETTLE, 5)), shop.order((KETTLE, 4))
    shop.done(CancelInbound(1))
    assert sources(shop, held) == [(LEIPZIG, 2, None)]
    assert (shop.reservation(held).lines[0].requested, shop.reservation(held).state) == (5, "active")
    assert (claims(shop, order), order_line(shop, order).backordered) == ([], 4)
    assert books(shop) == {RESERVED: 2}
    shop.receive(KETTLE, BERLIN, 9)
    assert order_line(shop, order).allocated == 4
    shop.restart()


def test_when_less_will_come_the_youngest_promises_go(shop: Shop) -> None:
    first, second = shop.reserve(line(KETTLE, 5)), shop.order((KETTLE, 4))
    shop.done(CancelInbound(1, quantities((KETTLE, 3))))
    assert books(shop) == {RESERVED: 2, PROMISED: 3, BOUND: 4}
    shop.done(CancelInbound(1, quantities((KETTLE, 5))))
    assert sources(shop, first) == [(LEIPZIG, 2, None), (LEIPZIG, 2, 1)]
    assert (claims(shop, second), order_line(shop, second).backordered) == ([], 4)
    shop.restart()


def test_a_cancelled_order_gives_its_promise_back_after_what_has_none(shop: Shop) -> None:
    shop.done(expect((TRAY, 2)))
    order = shop.order((TRAY, 5))
    shop.done(CancelOrder(order, "fewer", (CancelLine("1", 4),)))
    assert claims(shop, order) == [(2, 1)]
    shop.done(CancelOrder(order, "none"))
    assert books(shop, sku=TRAY) == {INBOUND: 2}
    assert shop.the_order(order).state == "cancelled"
    shop.restart()


def test_a_node_that_gave_the_order_back_does_not_get_it_again(shop: Shop) -> None:
    shop.receive(TRAY, LEIPZIG, 1)
    shop.done(expect((TRAY, 3)))
    order = shop.order((TRAY, 3))
    shop.done(RejectFulfilment(1, "no_capacity"))
    shop.done(ReceiveInbound(2))
    assert (order_line(shop, order).allocated, order_line(shop, order).backordered) == (0, 3)
    assert books(shop, sku=TRAY) == {AVAILABLE: 4}
    shop.restart()


def test_where_nobody_gets_a_part_everything_is_there_or_everything_will_come(shop: Shop) -> None:
    shop.done(policy(ship_complete=True))
    assert sources(shop, shop.reserve(line(KETTLE, 5))) == [(LEIPZIG, 5, 1)]
    shop.refused(ReserveStock("web", (line(KETTLE, 6),), allow_partial=True), ResultCode.INSUFFICIENT_STOCK)


def test_a_part_may_be_asked_for(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 50), allow_partial=True)
    assert sources(shop, held) == [(LEIPZIG, 2, None), (LEIPZIG, 10, 1)]


def test_what_must_arrive_soon_is_not_promised_for_later(shop: Shop) -> None:
    shop.done(policy(deliver_within_days=2))
    shop.refused(ReserveStock("web", (line(KETTLE, 3),)), ResultCode.INSUFFICIENT_STOCK)


def test_a_dump_knows_who_was_promised_what(shop: Shop) -> None:
    shop.reserve(line(KETTLE, 5))
    shop.order((KETTLE, 2))
    copy = State(MemoryClosedTable())
    dumping.load(copy, dumping.dump(shop.state))
    assert dumping.digest(copy) == dumping.digest(shop.state)
    assert copy.inbound.holders == shop.state.inbound.holders
    assert copy.inbound.of_sku == shop.state.inbound.of_sku
