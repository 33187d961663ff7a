"""A transfer for a pickup follows its order, and is planned anew when it fails."""

from typing import Any

import pytest
from msgspec.structs import replace

from api.answers.explanations import same_sources
from engine import machine
from engine.commands.configuration import Configure
from engine.commands.inbound import CancelInbound
from engine.commands.orders import (
    AdvanceFulfilment,
    CancelLine,
    CancelOrder,
    ConfirmChange,
    FoundLine,
    HoldOrder,
    LiftHold,
    ProposeChange,
    RejectFulfilment,
    SetLine,
    ShortFulfilment,
    SourceOrderAgain,
)
from engine.commands.transfers import (
    ArrivedLine,
    CancelTransfer,
    ReceiveTransfer,
    ShipTransfer,
    TransferQuantity,
    TurnBackTransfer,
)
from engine.facts import records
from engine.facts.orders import OrderCancelled, OrderSourced, Waiting
from engine.facts.transfers import TransferFreed, TransferLowered
from engine.orders.cancelling import decide_cancel
from engine.orders.following_transfers import follow
from engine.replay.decisions import decided_again, decided_in
from engine.results import ResultCode
from engine.state.inbound import EXPECTED
from engine.state.state import State
from engine.stock.transfers import traits_of
from engine.supply.terms import NS_PER_DAY
from engine.wal import MemoryClosedTable
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TRAY, Shop, place
from tests.unit.engine.test_pickup_transfers import AT_BERLIN, shop_with


@pytest.fixture
def shop() -> Shop:
    """Berlin hands out: one kettle there, three in Leipzig (cheapest), five in Munich; brought in two days."""
    return shop_with()


def change(shop: Shop, order: str, **different: Any) -> None:
    """A change that is proposed and confirmed at once."""
    shop.done(ConfirmChange(shop.done(ProposeChange(order, "customer called", **different)).seq))
    bound(shop)


def bound(shop: Shop) -> None:
    """A planned transfer for a pickup brings what is promised of it, no more and no less."""
    for transfer in shop.state.transfers.open.values():
        if transfer.inbound is None or transfer.state != "planned":
            continue
        inbound = shop.state.inbound.open[transfer.inbound]
        assert inbound.state == EXPECTED
        assert {n.sku: n.quantity for n in transfer.lines} == {n.sku: n.promised for n in inbound.lines}


def moving(shop: Shop) -> list[tuple[int, str, str, int]]:
    """Transfers under way: number, giver, state, units."""
    return [(t.number, t.source, t.state, sum(n.quantity for n in t.lines)) for t in shop.state.transfers.open.values()]


def test_a_cancelled_pickup_frees_what_was_to_be_brought(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(CancelOrder(order, "changed my mind"))
    found = shop.state.transfers.ended[1]
    assert (found.state, moving(shop), shop.at(KETTLE, LEIPZIG).available) == ("cancelled", [], 3)
    assert not shop.state.inbound.open
    shop.restart()


def test_a_lowered_or_partly_cancelled_pickup_lowers_its_transfer(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    change(shop, order, set=(SetLine("1", 3),))
    assert (moving(shop), shop.at(KETTLE, LEIPZIG).available) == ([(1, LEIPZIG, "planned", 2)], 1)
    shop.done(CancelOrder(order, "one less", (CancelLine("1", 1),)))
    bound(shop)
    assert (moving(shop), shop.at(KETTLE, LEIPZIG).available) == ([(1, LEIPZIG, "planned", 1)], 2)
    assert shop.state.transfers.open[1].lines[0].not_sent == 2
    shop.done(ShipTransfer(1))
    shop.done(ReceiveTransfer(1))
    assert (shop.the_order(order).lines[0].allocated, shop.at(KETTLE, BERLIN).on_hand) == (2, 2)
    shop.restart()


def test_a_raised_pickup_has_more_brought(shop: Shop) -> None:
    order = shop.order((KETTLE, 1), **AT_BERLIN)
    change(shop, order, set=(SetLine("1", 3),))
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.claimed, moving(shop)) == (1, 2, [(1, LEIPZIG, "planned", 2)])
    assert line.claims[0].delivers_at_ns is not None
    change(shop, order, set=(SetLine("1", 8),))
    assert sum(units for *_, units in moving(shop)) == 7
    proposed = ProposeChange(order, "too many", set=(SetLine("1", 10),))
    shop.refused(proposed, ResultCode.INSUFFICIENT_STOCK)
    shop.restart()


def test_a_pickup_that_becomes_a_parcel_is_sent_by_the_node_that_would_have_brought_it(shop: Shop) -> None:
    shop.move(KETTLE, MUNICH, "damage", 5)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    change(shop, order, delivery="ship")
    assert moving(shop) == []
    assert sorted((node, state) for _, node, state in shop.work(order)) == [
        (BERLIN, "released"),
        (LEIPZIG, "released"),
    ]
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.backordered, line.claims) == (4, 0, ())
    shop.restart()


def test_a_pickup_somewhere_else_is_brought_there(shop: Shop) -> None:
    shop.done(Configure(nodes={MUNICH: replace(shop.state.configuration.nodes[MUNICH], pickup=True)}))
    shop.move(KETTLE, MUNICH, "damage", 4)
    order = shop.order((KETTLE, 3), **AT_BERLIN)
    assert moving(shop) == [(1, LEIPZIG, "planned", 2)]
    change(shop, order, delivery="pickup", pickup_node=MUNICH)
    found = shop.the_order(order).lines[0]
    assert (found.allocated, found.claimed) == (1, 2)
    assert [(t.source, t.target, t.lines[0].quantity) for t in shop.state.transfers.open.values()] == [
        (LEIPZIG, MUNICH, 2)
    ]
    shop.restart()


def test_what_is_under_way_goes_on_and_people_are_told_that_it_will_be_free(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(CancelOrder(order, "too late", (CancelLine("1", 2),)))
    told = next(fact for fact in shop.facts if isinstance(fact, TransferFreed))
    assert (told.transfer, told.of_order, told.lines[0].quantity) == (1, order, 2)
    assert moving(shop) == [(1, LEIPZIG, "in_transit", 3)]
    shop.done(ReceiveTransfer(1))
    assert (shop.the_order(order).lines[0].allocated, shop.at(KETTLE, BERLIN).available) == (2, 2)


def test_a_pickup_that_nobody_can_come_for_any_more_frees_what_was_to_be_brought(shop: Shop) -> None:
    until_ns = shop.now_ns + 4 * NS_PER_DAY
    order = shop.order((KETTLE, 4), collect_by_ns=until_ns, **AT_BERLIN)
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.wait(4 * 86_400 + 1)
    shop.settle()
    shop.settle()
    assert (shop.the_order(order).state, moving(shop), shop.at(KETTLE, LEIPZIG).available) == ("cancelled", [], 3)
    shop.restart()


def test_what_would_arrive_after_the_customer_comes_is_not_promised(shop: Shop) -> None:
    soon_ns = shop.now_ns + NS_PER_DAY
    shop.refused(place("W-9", (KETTLE, 4), collect_by_ns=soon_ns, **AT_BERLIN), ResultCode.INSUFFICIENT_STOCK)


def test_backorders_that_are_cancelled_by_their_time_free_what_was_to_be_brought() -> None:
    shop = shop_with()
    channel = shop.state.configuration.channels["web"]
    shop.done(Configure(channels={"web": replace(channel, cancel_backorders_after_seconds=3600)}))
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.wait(3601)
    shop.settle()
    assert (shop.the_order(order).lines[0].cancelled, moving(shop), shop.at(KETTLE, LEIPZIG).available) == (3, [], 3)


def test_what_follows_in_one_record_is_counted_once(shop: Shop) -> None:
    order = shop.the_order(shop.order((KETTLE, 4), **AT_BERLIN))
    cancelled = decide_cancel(shop.state, CancelOrder(order.number, "one less", (CancelLine("1", 1),)), shop.now_ns)
    assert isinstance(cancelled, OrderCancelled)
    first = follow(shop.state, (cancelled,))
    assert follow(shop.state, (), first) == ()
    claim = replace(order.lines[0].claims[0], quantity=1)
    elsewhere = OrderSourced(order.number, (), (Waiting(0, 1, 0, (claim,)),), ())
    then = follow(shop.state, (elsewhere,), first)
    lowered = [fact.lines[0].quantity for fact in (*first, *then) if isinstance(fact, TransferLowered)]
    assert lowered == [1, 1]


def test_a_transfer_does_not_leave_while_its_order_is_stopped(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(HoldOrder(order, "fraud", "looks odd"))
    assert "order_held" in traits_of(shop.state, shop.state.transfers.open[1])
    why = shop.refused(ShipTransfer(1), ResultCode.INVALID_TRANSITION)
    assert "lift the hold" in why.detail
    shop.done(LiftHold(order, "fraud"))
    shop.done(ShipTransfer(1))


def test_what_a_node_does_not_send_is_brought_from_another_and_never_asked_of_it_again(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    promised_ns = shop.the_order(order).lines[0].claims[0].delivers_at_ns
    shop.wait(86_400)
    shop.done(CancelTransfer(1))
    line = shop.the_order(order).lines[0]
    assert (moving(shop), line.claimed, line.backordered) == ([(2, MUNICH, "planned", 3)], 3, 3)
    assert line.claims[0].delivers_at_ns is not None
    assert promised_ns is not None
    assert line.claims[0].delivers_at_ns > promised_ns
    shop.done(CancelTransfer(2))
    line = shop.the_order(order).lines[0]
    assert (moving(shop), line.backordered, line.claims) == ([], 3, ())
    shop.refused(SourceOrderAgain(order), ResultCode.INSUFFICIENT_STOCK)
    shop.restart()


def test_what_is_lost_or_broken_on_the_way_is_brought_anew(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(ReceiveTransfer(1, (ArrivedLine(KETTLE, 2, 1),)))
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.claimed, moving(shop)) == (2, 2, [(2, MUNICH, "planned", 2)])
    assert (shop.at(KETTLE, BERLIN).unsellable, list(shop.state.inbound.open)) == (1, [2])
    shop.done(ShipTransfer(2))
    shop.done(ReceiveTransfer(2))
    assert shop.the_order(order).lines[0].allocated == 4
    shop.restart()


def test_what_was_left_behind_is_brought_from_another_node(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1, (TransferQuantity(KETTLE, 1),)))
    assert moving(shop) == [(1, LEIPZIG, "in_transit", 1), (2, MUNICH, "planned", 2)]
    assert (shop.the_order(order).lines[0].claimed, shop.at(KETTLE, LEIPZIG).available) == (3, 2)
    shop.restart()


def test_what_was_turned_back_is_brought_from_another_node(shop: Shop) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(TurnBackTransfer(1))
    assert moving(shop) == [(1, LEIPZIG, "in_transit", 3), (2, MUNICH, "planned", 3)]
    assert (shop.at(KETTLE, BERLIN).in_transit, shop.at(KETTLE, LEIPZIG).in_transit) == (0, 3)
    shop.refused(TurnBackTransfer(1), ResultCode.INVALID_TRANSITION)
    shop.done(ReceiveTransfer(1))
    assert (shop.at(KETTLE, LEIPZIG).available, shop.the_order(order).lines[0].claimed) == (3, 3)
    shop.restart()


@pytest.mark.parametrize("shipped", [False, True])
def test_an_inbound_called_off_by_hand_takes_its_transfer_with_it_and_is_brought_anew(
    shop: Shop, shipped: bool
) -> None:
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    if shipped:
        shop.done(ShipTransfer(1))
    shop.done(CancelInbound(1))
    expected = [(1, LEIPZIG, "in_transit", 3)] if shipped else []
    assert moving(shop) == [*expected, (2, MUNICH, "planned", 3)]
    assert shop.the_order(order).lines[0].claimed == 3
    assert shop.at(KETTLE, LEIPZIG).available == (0 if shipped else 3)
    shop.restart()


def test_a_part_is_brought_where_not_all_of_it_is_there_any_more(shop: Shop) -> None:
    shop.move(KETTLE, MUNICH, "damage", 4)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(CancelTransfer(1))
    line = shop.the_order(order).lines[0]
    assert (line.backordered, line.claimed, moving(shop)) == (3, 1, [(2, MUNICH, "planned", 1)])
    shop.receive(KETTLE, MUNICH, 1)
    shop.done(SourceOrderAgain(order))
    assert (shop.the_order(order).lines[0].claimed, len(moving(shop))) == (2, 2)
    assert differing(shop)[1] == []
    shop.restart()


def test_source_again_has_it_brought_once_another_node_has_it(shop: Shop) -> None:
    shop.move(KETTLE, MUNICH, "damage", 5)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(ReceiveTransfer(1, (ArrivedLine(KETTLE, 0),)))
    assert shop.the_order(order).lines[0].claims == ()
    shop.refused(SourceOrderAgain(order), ResultCode.INSUFFICIENT_STOCK)
    shop.receive(KETTLE, MUNICH, 5)
    shop.done(SourceOrderAgain(order))
    line = shop.the_order(order).lines[0]
    assert (line.backordered, line.claimed, moving(shop)) == (3, 3, [(2, MUNICH, "planned", 3)])
    shop.restart()


@pytest.mark.parametrize("found", [0, 1])
def test_what_the_pickup_node_does_not_find_is_brought_there(found: int) -> None:
    shop = shop_with()
    shop.receive(KETTLE, BERLIN, 1)
    order = shop.order((KETTLE, 2), **AT_BERLIN)
    shop.done(ShortFulfilment(1, (FoundLine("1", found),)))
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.claimed, line.unsourceable) == (found, 2 - found, 0)
    shop.done(ShipTransfer(1))
    shop.done(ReceiveTransfer(1))
    assert shop.the_order(order).lines[0].allocated == 2
    shop.restart()


def test_what_the_pickup_node_gave_back_for_want_of_time_is_left_to_a_person(shop: Shop) -> None:
    order = shop.order((KETTLE, 1), **AT_BERLIN)
    shop.done(RejectFulfilment(1, "no_capacity"))
    assert (shop.the_order(order).state, moving(shop)) == ("unsourceable", [])
    change(shop, order, delivery="ship")
    assert shop.the_order(order).state == "open", "it is placed with the change itself"


def test_a_pickup_node_that_hands_nothing_out_has_nothing_brought(shop: Shop) -> None:
    order = shop.order((KETTLE, 3), **AT_BERLIN)
    shop.done(RejectFulfilment(1, "no_capacity"))
    line = shop.the_order(order).lines[0]
    assert (line.unsourceable, line.claims, moving(shop), shop.at(KETTLE, LEIPZIG).available) == (3, (), [], 3)
    shop.restart()


def test_the_last_of_several_lines_and_givers_are_kept_apart() -> None:
    shop = shop_with()
    shop.receive(TRAY, MUNICH, 2)
    order = shop.order((KETTLE, 8), (TRAY, 2), **AT_BERLIN)
    whole = sum(units for *_, units in moving(shop))
    assert whole == 9
    change(shop, order, set=(SetLine("2", 0),))
    assert sum(units for *_, units in moving(shop)) == 7
    change(shop, order, set=(SetLine("1", 1),))
    assert (moving(shop), shop.the_order(order).state) == ([], "open")
    shop.restart()


def test_units_that_a_lowered_pickup_frees_go_to_whoever_waits_for_them() -> None:
    shop = shop_with()
    shop.receive(TRAY, LEIPZIG, 2)
    first = shop.order((TRAY, 2), **AT_BERLIN)
    waiting = shop.order((TRAY, 1))
    assert shop.the_order(waiting).state == "backordered"
    shop.done(CancelOrder(first, "changed my mind"))
    assert (shop.the_order(waiting).state, shop.work(waiting)[0][1]) == ("open", LEIPZIG)


def differing(shop: Shop) -> tuple[int, list[int]]:
    """How many decisions were made, and the records of those that come out differently once more."""
    state, count, different = State(MemoryClosedTable()), 0, []
    for batch in shop.journal.read(0):
        for seq, encoded in enumerate(batch.records, batch.first_seq):
            record = records.decode(encoded)
            decided = decided_in(state, record.facts)
            if decided is not None:
                count += 1
                if not same_sources(decided, decided_again(state, decided, batch.time_ns)):
                    different.append(seq)
            machine.replay(state, seq, batch.time_ns, record)
    return count, different


def test_every_decision_that_has_something_brought_is_made_once_more_with_the_same_outcome() -> None:
    shop = shop_with()
    shop.receive(TRAY, MUNICH, 5)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    change(shop, order, set=(SetLine("1", 5),))
    shop.done(CancelTransfer(1))
    shop.done(ShipTransfer(2))
    shop.receive(KETTLE, LEIPZIG, 4)
    shop.receive(KETTLE, MUNICH, 4)
    shop.done(ReceiveTransfer(2, (ArrivedLine(KETTLE, 0),)))
    first = next(number for number, giver, state, _ in moving(shop) if state == "planned" and giver == MUNICH)
    shop.done(ShipTransfer(first))
    shop.done(ReceiveTransfer(first, (ArrivedLine(KETTLE, 2, 1),)))
    other = shop.order((KETTLE, 1), (TRAY, 2), **AT_BERLIN)
    change(shop, other, delivery="ship")
    third = shop.order((TRAY, 2), **AT_BERLIN)
    shop.done(Configure(nodes={LEIPZIG: replace(shop.state.configuration.nodes[LEIPZIG], pickup=True)}))
    change(shop, third, delivery="pickup", pickup_node=LEIPZIG)
    shop.done(CancelTransfer(max(number for number, *_ in moving(shop))))
    shop.receive(TRAY, BERLIN, 5)
    shop.done(SourceOrderAgain(third))
    count, different = differing(shop)
    assert different == []
    assert count >= 9
    shop.restart()
