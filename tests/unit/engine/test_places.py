"""Places at nodes with a limit of orders a day: whatever happens, those taken are those held."""

from typing import Any

import pytest

from engine.commands.configuration import Configure
from engine.commands.maintenance import ImproveOrders
from engine.commands.policies import SourcingPolicy
from engine.facts.sourcing import Slot
from engine.replay import invariants
from tests.unit.engine.shop import KETTLE, LEIPZIG, Shop, line
from tests.unit.engine.test_inbound_at_random import NODES, Life
from tests.unit.engine.test_policy_plans import changed

STEPS = 300


class BusyLife(Life):
    """Nodes send few orders a day; a full one may be waited for, and work that nobody has begun moves."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        policy = SourcingPolicy(name="Busy", inbound_days_max=10, wait_days_max=seed % 3, improve_minor_min=1)
        self.shop.done(Configure(sourcing_policies={"forward": policy}))
        for places, node in enumerate(NODES, start=2):
            changed(self.shop, "nodes", node, orders_per_day_max=places)

    def command(self) -> Any:
        if self.chance.random() < 0.1:
            return ImproveOrders(tuple(self.shop.state.orders.open))
        return super().command()


@pytest.mark.parametrize("seed", range(8))
def test_places_taken_are_places_held_whatever_happens(seed: int) -> None:
    life = BusyLife(seed)
    most = 0
    for _ in range(STEPS):
        life.shop.do(life.command())  # the shop checks the invariants
        life.shop.wait(life.chance.choice((0, 20, 1_000, 9_000)))
        most = max(most, sum(sum(nodes.values()) for nodes in life.shop.state.capacity.taken.values()))
    assert not life.shop.errors
    assert most > len(NODES)
    life.shop.restart()
    assert invariants.every_place_taken_is_held(life.shop.state) == []


def shop_with_a_place_taken() -> Shop:
    shop = Shop()
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=5)
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.reserve(line(KETTLE, 1))
    return shop


def the_slot(shop: Shop) -> Slot:
    (reservation,) = shop.state.reservations.active.values()
    return reservation.slots[0]


def test_a_place_that_is_held_and_not_counted_is_told() -> None:
    shop = shop_with_a_place_taken()
    shop.state.capacity.give_back([the_slot(shop)])
    told = f"'leipzig' has 0 places taken on day {the_slot(shop).day}, but 1 are held"
    assert invariants.check(shop.state) == invariants.every_place_taken_is_held(shop.state) == [told]


def test_a_place_that_nobody_holds_is_told() -> None:
    shop = shop_with_a_place_taken()
    shop.state.capacity.take([the_slot(shop)], shop.state.time_ns)
    told = f"'leipzig' has 2 places taken on day {the_slot(shop).day}, but 1 are held"
    assert invariants.every_place_taken_is_held(shop.state) == [told]
