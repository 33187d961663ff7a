"""What happens by itself when its time has come: work nobody accepted, goods nobody collected, units nobody could send."""

from typing import Any

import pytest

from engine import limits
from engine.commands.configuration import Configure
from engine.commands.inbound import ExpectInbound, InboundQuantity, ReceiveInbound
from engine.commands.orders import AdvanceFulfilment, FulfilmentLine, HoldOrder, HoldRequest, LiftHold, SplitFulfilment
from engine.commands.policies import SourcingPolicy
from engine.facts.records import decode
from engine.limits import NS_PER_SECOND
from engine.results import Rejection, ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TRAY, Shop, place
from tests.unit.engine.test_policy_plans import changed

HOUR = 3_600
DAY = 24 * HOUR


def hurried_shop(kettles: int = 5) -> Shop:
    """Leipzig has an hour to accept, Berlin two; Munich takes its time. Kettles are everywhere."""
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, accept_within_seconds=HOUR)
    changed(shop, "nodes", BERLIN, accept_within_seconds=2 * HOUR)
    for node in (LEIPZIG, BERLIN, MUNICH):
        shop.receive(KETTLE, node, kettles)
    return shop


def pickup_shop(**channel: Any) -> Shop:
    """Customers may come to Berlin, where five kettles and no trays are."""
    shop = Shop(**channel)
    changed(shop, "nodes", BERLIN, pickup=True)
    shop.receive(KETTLE, BERLIN, 5)
    return shop


# Work that nobody accepts


def test_work_is_taken_back_at_the_instant_and_not_a_nanosecond_before() -> None:
    shop = hurried_shop()
    order = shop.order((KETTLE, 2))
    due_ns = shop.now_ns + HOUR * NS_PER_SECOND
    assert shop.writer.next_wake_ns() == due_ns
    shop.now_ns = due_ns - 1
    shop.settle()
    assert shop.work(order) == [(1, LEIPZIG, "released")]
    shop.now_ns = due_ns
    shop.settle()
    assert shop.work(order) == [(1, LEIPZIG, "rejected"), (2, BERLIN, "released")]
    assert shop.at(KETTLE, LEIPZIG).available == 5, "nobody looked: nothing is written off"


def test_it_goes_from_node_to_node_and_never_back_until_one_has_no_limit() -> None:
    shop = hurried_shop()
    order = shop.order((KETTLE, 2))
    shop.wait(HOUR)
    shop.settle()
    shop.restart()
    shop.wait(2 * HOUR)
    shop.settle()
    assert [(node, state) for _, node, state in shop.work(order)] == [
        (LEIPZIG, "rejected"),
        (BERLIN, "rejected"),
        (MUNICH, "released"),
    ]
    assert shop.the_order(order).rejected_by == [LEIPZIG, BERLIN]
    assert shop.writer.next_wake_ns() is None


def test_work_that_no_other_node_can_do_is_left_to_a_person() -> None:
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, accept_within_seconds=HOUR)
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 2))
    shop.wait(HOUR)
    shop.settle()
    assert (shop.the_order(order).state, shop.the_order(order).lines[0].unsourceable) == ("unsourceable", 2)
    assert shop.at(KETTLE, LEIPZIG).available == 5


@pytest.mark.parametrize("action", ["accept", "pick", "pack", "ship"])
def test_work_that_was_begun_in_time_stays(action: Any) -> None:
    shop = hurried_shop()
    order = shop.order((KETTLE, 2))
    shop.done(AdvanceFulfilment(1, action))
    assert shop.writer.next_wake_ns() is None
    shop.wait(DAY)
    shop.settle()
    assert len(shop.work(order)) == 1


def test_the_clock_of_a_held_order_starts_when_it_is_released() -> None:
    shop = hurried_shop()
    order = shop.order((KETTLE, 2), holds=(HoldRequest("payment", "not paid"),))
    assert shop.writer.next_wake_ns() is None
    shop.wait(DAY)
    shop.done(LiftHold(order, "payment"))
    lifted_ns = shop.state.time_ns
    assert shop.writer.next_wake_ns() == lifted_ns + HOUR * NS_PER_SECOND
    shop.wait(HOUR / 2)
    shop.done(HoldOrder(order, "fraud", "looks odd"))
    shop.wait(HOUR)
    shop.settle()
    assert shop.work(order) == [(1, LEIPZIG, "held")], "what is recalled is not late"


def test_a_hold_that_comes_and_goes_does_not_pile_up_in_memory() -> None:
    shop = hurried_shop()
    order = shop.order((KETTLE, 2))
    for _ in range(1_000):
        shop.done(HoldOrder(order, "fraud", "looks odd"))
        shop.done(LiftHold(order, "fraud"))
        shop.wait(1)
    assert len(shop.state.orders.dues) < 100


def test_both_parts_of_divided_work_are_taken_back() -> None:
    shop = hurried_shop()
    order = shop.order((KETTLE, 3))
    shop.done(SplitFulfilment(1, (FulfilmentLine("1", 1),)))
    shop.wait(HOUR)
    shop.settle()
    assert [(node, state) for _, node, state in shop.work(order)] == [(LEIPZIG, "rejected")] * 2 + [
        (BERLIN, "released")
    ] * 2
    assert shop.the_order(order).rejected_by == [LEIPZIG]


# Goods that nobody collects


def test_ready_goods_wait_as_long_as_the_channel_says() -> None:
    shop = pickup_shop(collect_within_seconds=3 * DAY)
    order = shop.order((KETTLE, 2), delivery="pickup", pickup_node=BERLIN)
    shop.wait(DAY)
    assert shop.writer.next_wake_ns() is None, "before it is ready nobody can be late"
    shop.done(AdvanceFulfilment(1, "ready"))
    due_ns = shop.state.time_ns + 3 * DAY * NS_PER_SECOND
    assert shop.writer.next_wake_ns() == due_ns
    shop.restart()
    assert shop.writer.next_wake_ns() == due_ns
    shop.now_ns = due_ns - 1
    shop.settle()
    assert shop.work(order) == [(1, BERLIN, "ready")]
    shop.now_ns = due_ns
    shop.settle()
    assert shop.work(order) == [(1, BERLIN, "lapsed")]
    assert (shop.the_order(order).state, shop.the_order(order).lines[0].cancelled) == ("cancelled", 2)
    assert shop.at(KETTLE, BERLIN).available == 5


def test_the_time_of_the_order_goes_before_the_channels_and_the_nodes_word_before_both() -> None:
    shop = pickup_shop(collect_within_seconds=3 * DAY)
    until_ns = shop.now_ns + 9 * DAY * NS_PER_SECOND
    shop.order((KETTLE, 1), delivery="pickup", pickup_node=BERLIN, collect_by_ns=until_ns)
    shop.done(AdvanceFulfilment(1, "ready"))
    assert shop.writer.next_wake_ns() == until_ns
    later = shop.order((KETTLE, 1), delivery="reserve_in_store", pickup_node=BERLIN, collect_by_ns=until_ns)
    shop.done(AdvanceFulfilment(2, "ready", collect_by_ns=until_ns + 1))
    assert shop.the_order(later).fulfilments[0].collect_by_ns == until_ns + 1


def test_an_order_with_a_time_of_its_own_lapses_though_nobody_made_it_ready() -> None:
    shop = pickup_shop()
    until_ns = shop.now_ns + DAY * NS_PER_SECOND
    order = shop.order((KETTLE, 2), delivery="reserve_in_store", pickup_node=BERLIN, collect_by_ns=until_ns)
    held = shop.order(
        (KETTLE, 1),
        delivery="pickup",
        pickup_node=BERLIN,
        collect_by_ns=until_ns,
        holds=(HoldRequest("payment", "not paid"),),
    )
    shop.wait(DAY)
    shop.settle()
    assert [state for _, _, state in shop.work(order) + shop.work(held)] == ["lapsed", "lapsed"]
    assert shop.at(KETTLE, BERLIN).available == 5


def test_what_was_collected_in_time_is_not_given_back() -> None:
    shop = pickup_shop()
    order = shop.order((KETTLE, 2), delivery="pickup", pickup_node=BERLIN)
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.done(AdvanceFulfilment(1, "collect"))
    assert shop.writer.next_wake_ns() is None
    shop.wait(30 * DAY)
    shop.settle()
    assert shop.the_order(order).state == "collected"
    assert shop.at(KETTLE, BERLIN).on_hand == 3


def test_somebody_who_comes_in_the_batch_of_the_last_moment_is_too_late() -> None:
    shop = pickup_shop(collect_within_seconds=DAY)
    shop.order((KETTLE, 2), delivery="pickup", pickup_node=BERLIN)
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.wait(DAY)
    outcome = shop.do(AdvanceFulfilment(1, "collect"))
    assert isinstance(outcome, Rejection)
    assert outcome.code is ResultCode.INVALID_TRANSITION
    assert shop.at(KETTLE, BERLIN).available == 5


def test_what_lapses_serves_who_waits() -> None:
    shop = pickup_shop(collect_within_seconds=DAY)
    shop.receive(TRAY, BERLIN, 2)
    shop.order((TRAY, 2), delivery="pickup", pickup_node=BERLIN)
    waiting = shop.order((TRAY, 1))
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.wait(DAY)
    shop.settle()
    assert [(node, state) for _, node, state in shop.work(waiting)] == [(BERLIN, "released")]


# Units that wait too long


def test_units_that_wait_too_long_are_cancelled_and_what_was_sent_is_not() -> None:
    shop = Shop(cancel_backorders_after_seconds=DAY)
    shop.receive(TRAY, LEIPZIG, 2)
    order = shop.order((TRAY, 3))
    assert shop.writer.next_wake_ns() == shop.state.time_ns + DAY * NS_PER_SECOND
    alone = shop.order((TRAY, 1))
    shop.restart()
    shop.wait(DAY)
    shop.settle()
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.backordered, line.cancelled) == (2, 0, 1)
    assert (shop.the_order(order).state, shop.the_order(alone).state) == ("open", "cancelled")
    assert shop.writer.next_wake_ns() is None
    shop.receive(TRAY, LEIPZIG, 5)
    assert shop.at(TRAY, LEIPZIG).available == 5


def test_units_that_were_served_in_time_are_sent() -> None:
    shop = Shop(cancel_backorders_after_seconds=DAY)
    order = shop.order((TRAY, 3))
    shop.receive(TRAY, LEIPZIG, 3)
    shop.wait(DAY)
    shop.settle()
    assert shop.work(order) == [(1, LEIPZIG, "released")]
    assert shop.the_order(order).lines[0].cancelled == 0


def test_what_was_promised_from_inbound_is_free_again() -> None:
    shop = Shop(cancel_backorders_after_seconds=DAY)
    shop.done(Configure(sourcing_policies={"forward": SourcingPolicy(name="Forward", inbound_days_max=30)}))
    changed(shop, "channels", "web", sourcing_policy="forward")
    arrives_ns = shop.now_ns + 5 * DAY * NS_PER_SECOND
    shop.done(ExpectInbound("Tischler", LEIPZIG, (InboundQuantity(TRAY, 4),), arrives_ns))
    (inbound,) = shop.state.inbound.open
    order = shop.order((TRAY, 3))
    assert shop.state.inbound.open[inbound].lines[0].promised == 3
    shop.wait(DAY)
    shop.settle()
    assert shop.the_order(order).state == "cancelled"
    assert shop.state.inbound.open[inbound].lines[0].promised == 0
    shop.done(ReceiveInbound(inbound))
    assert shop.at(TRAY, LEIPZIG).available == 4


def test_receipts_that_serve_a_little_do_not_pile_up_in_memory() -> None:
    shop = Shop(cancel_backorders_after_seconds=DAY)
    shop.order((TRAY, 2_000))
    for _ in range(1_000):
        shop.receive(TRAY, LEIPZIG, 1)
    assert len(shop.state.orders.dues) < 100


# Many at once


def test_thousands_that_are_due_at_once_are_worked_off_in_bounded_batches_before_anybody_is_served() -> None:
    count = 5 * limits.DEADLINES_PER_BATCH_MAX + 1
    shop = hurried_shop(kettles=count)
    for at in range(count):
        shop.submit(place(f"W-{at}", (KETTLE, 1)))
    shop.settle()
    assert shop.at(KETTLE, LEIPZIG).available == 0
    shop.wait(HOUR)
    before, answered = shop.journal.last_seq, len(shop.outcomes)
    shop.submit(place("W-late", (KETTLE, 1)))
    shop.writer.settle()
    assert shop.journal.last_seq == before + limits.DEADLINES_PER_BATCH_MAX
    assert len(shop.outcomes) == answered, "nobody is served while something is due"
    outcome = shop.settle()[-1]
    assert outcome.seq == before + count + 1
    actors = {decode(shop.journal.record(seq)[1]).actor for seq in range(before + 1, before + count + 1)}
    assert actors == {"system"}
    assert shop.work("W-late")[0][1] == LEIPZIG, "what was taken back is free again"
