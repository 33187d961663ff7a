"""Who waits is served in his turn, before whoever comes later: many at once, as time passes, under every rule."""

from typing import Any

import pytest

from engine.commands.configuration import Configure, Node
from engine.commands.fields import Id
from engine.commands.orders import (
    CancelOrder,
    FoundLine,
    ProposeChange,
    RejectFulfilment,
    SetLine,
    ShortFulfilment,
    SourceOrderAgain,
)
from engine.commands.policies import Conditions, Override, Settings, SourcingPolicy, UnitCap
from engine.commands.reservations import MoveReservation, ReleaseReservation, ReserveStock
from engine.commands.stock import MovementLine, MoveStock
from engine.facts.records import decode
from engine.limits import LOOKS_PER_BATCH_MAX, NS_PER_SECOND
from engine.replay import invariants
from engine.results import ResultCode
from engine.stock.backorders import everybody
from engine.writer import SYSTEM
from tests.unit.engine.shop import (
    BERLIN,
    KETTLE,
    LEIPZIG,
    MORNING_NS,
    MUNICH,
    TOWEL,
    TRAY,
    Shop,
    line,
    place,
    safety,
)
from tests.unit.engine.test_policy_plans import changed

DAY_SECONDS = 86_400
MANY = LOOKS_PER_BATCH_MAX * 2 + 50


def shop_under(policy: SourcingPolicy) -> Shop:
    """A shop whose web channel has a policy."""
    shop = Shop()
    shop.done(Configure(sourcing_policies={"own": policy}))
    changed(shop, "channels", "web", sourcing_policy="own")
    return shop


def waits(shop: Shop, *numbers: str) -> list[int]:
    """Units that orders wait for."""
    return [sum(each.backordered + each.unsourceable for each in shop.the_order(number).lines) for number in numbers]


def test_more_than_a_batch_looks_at_are_served_before_who_came_meanwhile() -> None:
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, enabled=False)
    shop.receive(TRAY, LEIPZIG, MANY + 1)
    waiting = [shop.order((TRAY, 1)) for _ in range(MANY)]
    before = shop.journal.last_seq
    node: dict[Id, Node] = {LEIPZIG: shop.state.configuration.nodes[LEIPZIG]}
    node = {LEIPZIG: Node(**{**_fields(node[LEIPZIG]), "enabled": True})}
    shop.submit(Configure(nodes=node))
    shop.submit(place("LATE", (TRAY, 2)))
    shop.submit(ReserveStock("web", (line(TRAY, 1),)))
    assert shop.writer.settle(), "there is more to do"
    assert shop.journal.last_seq == before + 1 + LOOKS_PER_BATCH_MAX
    shop.settle()
    assert sum(waits(shop, *waiting)) == 0
    assert waits(shop, "LATE") == [1], "one unit was left for who came later"
    actors = [decode(shop.journal.record(seq)[1]).actor for seq in range(before + 1, shop.journal.last_seq + 1)]
    assert (actors[1], actors[LOOKS_PER_BATCH_MAX + 1]) == ("till-1", SYSTEM)
    shop.restart()


def _fields(body: Any) -> dict[str, Any]:
    return {name: getattr(body, name) for name in body.__struct_fields__}


def test_nobody_is_looked_at_while_there_is_nothing_for_him() -> None:
    shop = Shop()
    waiting = [shop.order((TRAY, 1)) for _ in range(5)]
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.done(safety(LEIPZIG, KETTLE, 2))
    before = shop.journal.last_seq
    shop.done(safety(LEIPZIG, KETTLE, 0))
    assert shop.journal.last_seq == before + 1
    assert (waits(shop, *waiting), shop.state.looks.due) == ([1] * 5, False)


def test_what_was_freed_before_a_crash_is_given_after_it() -> None:
    shop = Shop()
    order = shop.order((TRAY, 2))
    shop.receive(TRAY, LEIPZIG, 2)
    shop.restart()
    assert waits(shop, order) == [0]
    other = shop.order((TRAY, 1))
    shop.restart()
    shop.receive(TRAY, BERLIN, 1)
    assert waits(shop, other) == [0]


def test_an_override_that_begins_to_hold_serves_who_waits_by_itself() -> None:
    until = Override(Conditions(valid_from="2027-01-20T00:00:00Z"), Settings(ship_complete=False), "from then on")
    shop = shop_under(SourcingPolicy(name="Own", ship_complete=True, overrides=(until,)))
    order = shop.order((TRAY, 2))
    shop.receive(TRAY, LEIPZIG, 1)
    assert waits(shop, order) == [2]
    at_ns = shop.writer.next_wake_ns()
    assert at_ns is not None
    shop.now_ns = at_ns
    shop.settle()
    assert waits(shop, order) == [1]


def test_a_full_node_is_waited_for_until_its_next_day_and_nobody_has_to_ask() -> None:
    shop = Shop()
    for name in (LEIPZIG, BERLIN, MUNICH):
        changed(shop, "nodes", name, orders_per_day_max=1 if name == LEIPZIG else 0)
    shop.receive(TRAY, LEIPZIG, 5)
    first, second, third = (shop.order((TRAY, 1)) for _ in range(3))
    assert waits(shop, first, second, third) == [0, 1, 1]
    for left in ([0, 1], [0, 0]):
        at_ns = shop.writer.next_wake_ns()
        assert at_ns is not None
        assert MORNING_NS < at_ns <= shop.now_ns + 3 * DAY_SECONDS * NS_PER_SECOND
        shop.now_ns = at_ns
        shop.settle()
        assert waits(shop, second, third) == left


def test_a_place_that_is_freed_without_goods_serves_who_waits_for_one() -> None:
    """Leipzig takes one order a day; its kettle is broken, so its place is free, and nothing else comes to its shelf."""
    shop = Shop()
    for name in (LEIPZIG, BERLIN, MUNICH):
        changed(shop, "nodes", name, orders_per_day_max=1 if name == LEIPZIG else 0)
    shop.receive(KETTLE, LEIPZIG, 1)
    shop.receive(TRAY, LEIPZIG, 1)
    kettle, tray = shop.order((KETTLE, 1)), shop.order((TRAY, 1))
    assert waits(shop, kettle, tray) == [0, 1]
    shop.done(RejectFulfilment(shop.the_order(kettle).fulfilments[0].number, "damaged"))
    assert waits(shop, kettle, tray) == [1, 0]


def test_a_line_that_may_not_be_split_gets_what_one_node_has_however_many_others_have_some() -> None:
    shop = shop_under(SourcingPolicy(name="Own", line_split=False))
    order = shop.order((TRAY, 9))
    basket = shop.reserve(line(TRAY, 9))
    shop.done(MoveStock((MovementLine(TRAY, LEIPZIG, "receipt", 1), MovementLine(TRAY, MUNICH, "receipt", 4))))
    work = shop.the_order(order).fulfilments
    assert [(each.node, each.lines[0].quantity) for each in work] == [(MUNICH, 4)]
    held = shop.reservation(basket).lines[0]
    assert [(source.node, source.quantity) for source in held.sources] == [(LEIPZIG, 1)]


def test_a_parcel_that_would_come_too_late_is_sent_once_it_comes_in_time() -> None:
    shop = shop_under(SourcingPolicy(name="Own", deliver_within_days=2))
    hours = {"mon": (("09:00", "17:00"),)}
    for name in (LEIPZIG, BERLIN, MUNICH):
        changed(shop, "nodes", name, opening_hours=hours)
    shop.receive(TRAY, LEIPZIG, 1)
    order = shop.order((TRAY, 1))
    assert waits(shop, order) == [1]
    while waits(shop, order) == [1]:
        at_ns = shop.writer.next_wake_ns()
        assert at_ns is not None
        assert at_ns < MORNING_NS + 8 * DAY_SECONDS * NS_PER_SECOND
        shop.now_ns = at_ns
        shop.settle()
    (work,) = shop.the_order(order).fulfilments
    assert work.delivers_at_ns is not None
    assert work.delivers_at_ns - shop.now_ns < 3 * DAY_SECONDS * NS_PER_SECOND


def test_a_cap_counts_what_its_node_has_of_the_order_already() -> None:
    shop = shop_under(SourcingPolicy(name="Own", unit_caps=(UnitCap(3),)))
    shop.receive(TRAY, LEIPZIG, 2)
    order = shop.order((TRAY, 5))
    shop.receive(TRAY, LEIPZIG, 9)
    assert [f.lines[0].quantity for f in shop.the_order(order).fulfilments] == [3]
    shop.receive(TRAY, BERLIN, 9)
    assert waits(shop, order) == [0]


def test_conditions_look_at_the_whole_order_not_at_what_is_left_of_it() -> None:
    dear = Override(Conditions(value_minor_from=1_000), Settings(ship_complete=True), "dear orders")
    shop = shop_under(SourcingPolicy(name="Own", overrides=(dear,)))
    order = shop.order((TRAY, 4))
    shop.done(CancelOrder(shop.order((TRAY, 1)), "not wanted"))
    shop.receive(TRAY, LEIPZIG, 3)
    assert waits(shop, order) == [4]
    shop.receive(TRAY, LEIPZIG, 1)
    assert waits(shop, order) == [0]


def test_what_comes_for_an_order_that_is_sent_complete_is_free_while_more_of_it_is_missing() -> None:
    from engine.commands.inbound import ExpectInbound, InboundQuantity, ReceiveInbound

    shop = shop_under(SourcingPolicy(name="Own", ship_complete=True, inbound_days_max=10))
    for sku, days in ((TRAY, 2), (KETTLE, 5)):
        at_ns = MORNING_NS + days * DAY_SECONDS * NS_PER_SECOND
        shop.done(ExpectInbound("brass-and-sons", LEIPZIG, (InboundQuantity(sku, 1),), at_ns))
    order = shop.order((TRAY, 1), (KETTLE, 1))
    assert waits(shop, order) == [2]
    shop.done(ReceiveInbound(1))
    assert (waits(shop, order), shop.at(TRAY, LEIPZIG).available) == ([2], 1)
    shop.done(ReceiveInbound(2))
    assert waits(shop, order) == [0]
    assert len(shop.the_order(order).fulfilments) == 1


def test_a_node_without_room_for_all_of_it_is_not_given_the_rest_again_by_itself() -> None:
    shop = Shop()
    shop.receive(TRAY, LEIPZIG, 3)
    order = shop.order((TRAY, 3))
    shop.done(ShortFulfilment(1, (FoundLine("1", 1),), "no_capacity"))
    assert (waits(shop, order), shop.at(TRAY, LEIPZIG).available) == ([2], 2)
    refused = shop.refused(SourceOrderAgain(order), ResultCode.INSUFFICIENT_STOCK)
    assert "leipzig gave it back" in refused.detail
    shop.done(SourceOrderAgain(order, None, True))
    assert waits(shop, order) == [0]


def test_an_order_that_came_from_a_reservation_has_the_turn_of_the_reservation() -> None:
    shop = Shop()
    held = shop.reserve(line(TRAY, 1))
    between = shop.order((TRAY, 1))
    late = shop.order((TRAY, 1), reservation=held)
    shop.receive(TRAY, LEIPZIG, 1)
    assert waits(shop, late, between) == [0, 1]


def test_a_reservation_takes_a_part_of_what_may_not_wait_and_lets_the_rest_of_others_wait() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 1)
    basket = (line(KETTLE, 2), line(TRAY, 2))
    refused = shop.refused(ReserveStock("web", basket), ResultCode.INSUFFICIENT_STOCK)
    assert [(short.sku, short.available) for short in refused.lines] == [(KETTLE, 1)]
    number = shop.reserve(*basket, allow_partial=True)
    assert [(each.reserved, each.backordered) for each in shop.reservation(number).lines] == [(1, 0), (0, 2)]
    shop.restart()
    shop.done(ReleaseReservation(number))
    assert everybody(shop.state) == []


def test_units_that_wait_for_reservations_count_for_how_many_may_wait() -> None:
    shop = Shop()
    changed(shop, "items", TRAY, backorders_max=3)
    shop.reserve(line(TRAY, 2))
    refused = shop.refused(place("W-9", (TRAY, 2)), ResultCode.INSUFFICIENT_STOCK)
    assert refused.lines[0].available == 1
    shop.refused(ReserveStock("web", (line(TRAY, 2),)), ResultCode.INSUFFICIENT_STOCK)
    shop.order((TRAY, 1))


def test_a_claim_is_not_moved_where_the_buffer_or_a_rule_forbids_it() -> None:
    shop = Shop()
    shop.receive(TOWEL, LEIPZIG, 2)
    shop.receive(TOWEL, BERLIN, 2)
    number = shop.reserve(line(TOWEL, 2))
    shop.done(safety(BERLIN, TOWEL, 1))
    shop.refused(MoveReservation(number, BERLIN), ResultCode.INSUFFICIENT_STOCK)
    shop.done(safety(BERLIN, TOWEL, 0))
    shop.done(MoveReservation(number, BERLIN))
    assert shop.nodes_of(number) == [(TOWEL, BERLIN, 2)]
    shop.refused(MoveReservation(number, BERLIN), ResultCode.INVALID_TRANSITION)


@pytest.mark.parametrize("closed", [LEIPZIG, BERLIN])
def test_a_closed_node_that_has_units_is_waited_for_and_one_without_is_not(closed: str) -> None:
    shop = Shop()
    shop.receive(TRAY, LEIPZIG, 1)
    for name in (LEIPZIG, BERLIN, MUNICH):
        changed(shop, "nodes", name, enabled=False)
    changed(shop, "channels", "web", nodes=(closed,))
    if closed == LEIPZIG:
        assert waits(shop, shop.order((TRAY, 1))) == [1]
    else:
        shop.refused(place("W-1", (TRAY, 1)), ResultCode.INSUFFICIENT_STOCK)


def test_a_raised_line_of_an_order_says_who_gave_it_back() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.done(RejectFulfilment(1, "no_capacity"))
    refused = shop.refused(ProposeChange(order, "called", set=(SetLine("1", 3),)), ResultCode.INSUFFICIENT_STOCK)
    assert "leipzig gave it back" in refused.detail


def test_the_invariants_tell_who_waits_though_he_could_be_served() -> None:
    shop = Shop()
    order = shop.order((TRAY, 1))
    ledger = shop.state.ledger
    ledger.open_sku(TRAY)
    from engine.facts.postings import AVAILABLE, SUPPLIER, Posting

    ledger.post((Posting(TRAY, LEIPZIG, SUPPLIER, AVAILABLE, 1),))
    assert invariants.nobody_waits_while_units_are_free(shop.state) == [f"{order!r} waits, though it could be served"]
    shop.state.looks.everything = True
    assert invariants.nobody_waits_while_units_are_free(shop.state) == []


def test_somebody_who_cannot_be_looked_at_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    shop.order((TRAY, 2))

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("engine.stock.backorders.serving", broken)
        patched.setattr(invariants, "CHECKS", [])  # he waits, though units are free
        shop.receive(TRAY, BERLIN, 5)
        assert [type(error) for error in shop.errors] == [ZeroDivisionError]
        assert shop.at(TRAY, BERLIN).available == 5
    shop.errors.clear()
    shop.restart()
    shop.receive(KETTLE, BERLIN, 1)
    assert (shop.at(TRAY, BERLIN).available, shop.at(TRAY, BERLIN).allocated) == (3, 2)
