"""Everything that can happen to promised inbound, in any order: the invariants hold after every record, and replay agrees."""

import random
from typing import Any

import pytest

from engine.commands.configuration import Channel, Configure
from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantity, ReceiveInbound
from engine.commands.orders import AdvanceFulfilment, CancelLine, CancelOrder, RejectFulfilment, SourceOrderAgain
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
from engine.state.state import State
from engine.wal import MemoryClosedTable
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TOWEL, TRAY, Shop, line, movement, place

DAY_NS = 86_400 * NS_PER_SECOND
SKUS, NODES = (KETTLE, TOWEL, TRAY), (LEIPZIG, BERLIN, MUNICH)
STEPS = 250


class Life:
    """Somebody who does anything at all; refusals are fine."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.shop = Shop()
        policy = SourcingPolicy(name="Forward", inbound_days_max=10)
        channel = Channel(name="Web", kind="web", country="DE", currency="EUR", sourcing_policy="forward")
        self.shop.done(Configure(sourcing_policies={"forward": policy}, channels={"web": channel}))

    def units(self, most: int = 6) -> int:
        return self.chance.randint(1, most)

    def sku(self) -> str:
        return self.chance.choice(SKUS)

    def one_of(self, some: Any) -> Any:
        known = list(some)
        return self.chance.choice(known) if known else None

    def quantities(self) -> tuple[InboundQuantity, ...] | None:
        if self.chance.random() < 0.4:
            return None
        return (InboundQuantity(self.sku(), self.units()),)

    def command(self) -> Any:
        """Any command, mostly one that can be carried out."""
        state, chance = self.shop.state, self.chance
        inbound = self.one_of(state.inbound.open) or 1
        reservation = self.one_of(state.reservations.active) or 1
        number = self.one_of(state.orders.open) or "W-0"
        expected_at_ns = self.shop.now_ns + chance.randint(0, 12) * DAY_NS
        some = tuple(InboundQuantity(sku, self.units(12)) for sku in chance.sample(SKUS, chance.randint(1, 3)))
        lines = tuple(line(self.sku(), self.units()) for _ in range(chance.randint(1, 3)))
        asked = [(self.sku(), self.units()) for _ in range(chance.randint(1, 3))]
        fulfilment = self.one_of(state.orders.order_of_fulfilment) or 1
        return chance.choice(
            [
                ExpectInbound("brass-and-sons", chance.choice(NODES), some, expected_at_ns),
                ExpectInbound("brass-and-sons", chance.choice(NODES), some, expected_at_ns),
                ReceiveInbound(inbound, self.quantities()),
                ReceiveInbound(inbound, self.quantities()),
                DelayInbound(inbound, expected_at_ns),
                CancelInbound(inbound, self.quantities()),
                ReserveStock("web", lines, ttl_seconds=self.units(90), allow_partial=chance.random() < 0.3),
                ReserveStock("web", lines, ttl_seconds=self.units(90)),
                ChangeReservation(reservation, (NewQuantityLine(self.sku(), self.units() - 1),)),
                ReleaseReservation(reservation, (QuantityLine(self.sku(), self.units(2)),)),
                place(f"W-{state.seq}", *asked),
                place(f"W-{state.seq}", *asked, channel="market"),
                self.confirming(reservation),
                CancelOrder(number, "changed", (CancelLine("1", self.units(3)),)),
                CancelOrder(number, "changed"),
                SourceOrderAgain(number),
                RejectFulfilment(fulfilment, chance.choice(("not_found", "damaged", "no_capacity"))),
                AdvanceFulfilment(fulfilment, "ship"),
                movement(self.sku(), chance.choice(NODES), "receipt", self.units(3)),
            ]
        )

    def confirming(self, number: int) -> Any:
        held = self.shop.state.reservations.active.get(number)
        wanted = [(line.sku, line.reserved) for line in held.lines if line.reserved] if held else []
        if not wanted:
            return ReleaseReservation(number)
        if self.chance.random() < 0.5:
            wanted = [(sku, max(1, units - 1)) for sku, units in wanted]
        return place(f"W-{self.shop.state.seq}", *wanted, reservation=number)


@pytest.mark.parametrize("seed", range(8))
def test_any_life_leaves_sound_books(seed: int) -> None:
    life = Life(seed)
    for _ in range(STEPS):
        life.shop.do(life.command())  # the shop checks the invariants
        life.shop.wait(life.chance.choice((0, 1, 20)))
    assert not life.shop.errors
    life.shop.restart()
    copy = State(MemoryClosedTable())
    dumping.load(copy, dumping.dump(life.shop.state))
    assert dumping.digest(copy) == dumping.digest(life.shop.state)
    assert copy.inbound.holders == life.shop.state.inbound.holders
    assert copy.inbound.of_sku == life.shop.state.inbound.of_sku
