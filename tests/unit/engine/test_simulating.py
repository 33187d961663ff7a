"""Two worlds: as it was, and as it would have been under another policy."""

from engine.commands.configuration import Configure
from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantity, ReceiveInbound
from engine.commands.orders import AdvanceFulfilment, CancelOrder
from engine.commands.policies import NodeSelector, Preference, SourcingPolicy
from engine.commands.reservations import ReleaseReservation
from engine.facts import records
from engine.replay.what_if import Simulation
from engine.state.state import State
from engine.wal import MemoryClosedTable
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, Shop, line

STANDARD = SourcingPolicy(name="Standard")


def busy_shop() -> Shop:
    """Reservations, orders, a release, an expiry and a cancellation, all by the policy "standard"."""
    shop = Shop()
    channel = shop.state.configuration.channels["web"]
    fields = {name: getattr(channel, name) for name in type(channel).__struct_fields__}
    shop.done(
        Configure(
            sourcing_policies={"standard": STANDARD},
            channels={"web": type(channel)(**{**fields, "sourcing_policy": "standard"})},
        )
    )
    for node in (LEIPZIG, BERLIN):
        shop.receive(KETTLE, node, 6)
        shop.receive(TOWEL, node, 3)
    first = shop.reserve(line(KETTLE, 2), line(TOWEL, 1))
    shop.order((KETTLE, 2), (TOWEL, 1), reservation=first)
    gone = shop.reserve(line(KETTLE, 1))
    shop.done(ReleaseReservation(gone))
    shop.reserve(line(TOWEL, 2), ttl_seconds=5)
    shop.wait(6)
    cancelled = shop.order((KETTLE, 2))
    shop.done(CancelOrder(cancelled, "changed her mind"))
    shipped = shop.order((KETTLE, 3), (TOWEL, 1))
    for number, _, _ in shop.work(shipped):
        shop.done(AdvanceFulfilment(number, "ship"))
    return shop


def simulated(shop: Shop, body: SourcingPolicy) -> Simulation:
    simulation = Simulation(State(MemoryClosedTable()), State(MemoryClosedTable()), "standard", body)
    for batch in shop.journal.read(0):
        for seq, encoded in enumerate(batch.records, batch.first_seq):
            simulation.fold(seq, batch.time_ns, records.decode(encoded))
    return simulation


def test_under_the_same_policy_the_worlds_are_the_same() -> None:
    simulation = simulated(busy_shop(), STANDARD)
    assert simulation.as_it_was == simulation.as_changed
    assert simulation.as_it_was.decisions == 5
    assert simulation.skipped == 0


def test_both_worlds_end_with_the_same_books_under_the_same_policy() -> None:
    simulation = simulated(busy_shop(), STANDARD)
    assert simulation.changed.ledger.totals() == simulation.recorded.ledger.totals()


def test_the_recorded_world_is_the_real_one() -> None:
    shop = busy_shop()
    assert simulated(shop, STANDARD).recorded.ledger.totals() == shop.state.ledger.totals()


def test_a_preference_moves_the_work_and_is_priced_in_both_worlds() -> None:
    shop = busy_shop()
    capital = Preference(name="the capital first", cost_minor=-400, nodes=NodeSelector(nodes=(BERLIN,)))
    simulation = simulated(shop, SourcingPolicy(name="Capital", preferences=(capital,)))
    assert set(simulation.as_it_was.by_node) == {LEIPZIG}
    assert simulation.as_changed.by_node[BERLIN][0] > 0
    assert simulation.as_changed.cost_minor < simulation.as_it_was.cost_minor


def test_what_nobody_may_send_is_a_stock_out() -> None:
    shut = SourcingPolicy(name="Shut", excluded=(NodeSelector(kinds=("warehouse",)),))
    simulation = simulated(busy_shop(), shut)
    assert simulation.as_changed.stock_outs == simulation.as_changed.decisions > 0
    assert simulation.as_it_was.stock_outs == 0


def test_suppliers_bring_the_same_and_what_was_promised_of_it_is_promised_again() -> None:
    shop = busy_shop()
    forward = SourcingPolicy(name="Forward", inbound_days_max=9)
    shop.done(Configure(sourcing_policies={"standard": forward}))
    expected = (InboundQuantity(KETTLE, 9),)
    shop.done(ExpectInbound("brass-and-sons", LEIPZIG, expected, shop.now_ns + 10**9))
    held = shop.reserve(line(KETTLE, 12))
    shop.done(DelayInbound(1, shop.now_ns + 10**10))
    shop.done(ReceiveInbound(1, (InboundQuantity(KETTLE, 8),)))
    shop.done(CancelInbound(1))
    assert shop.reservation(held).lines[0].reserved == 12
    simulation = simulated(shop, forward)
    assert simulation.skipped == 0
    assert simulation.as_changed.stock_outs == 0
    assert simulation.changed.ledger.totals() == simulation.recorded.ledger.totals() == shop.state.ledger.totals()
    assert simulated(shop, STANDARD).as_changed.stock_outs == 1
