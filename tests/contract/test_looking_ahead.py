"""A batch that was looked at ahead is answered and journalled, byte for byte, as one whose commands were sourced alone."""

from random import Random

import msgspec
import pytest

from engine import machine
from engine.areas import Area
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import (
    CarrierRate,
    Conditions,
    NodeSelector,
    Override,
    Preference,
    SafetyStockRule,
    Settings,
    SourcingPolicy,
    WeightStep,
)
from engine.commands.reservations import DemandLine, Destination, ReleaseReservation, ReserveStock
from engine.facts import records
from engine.facts.reservations import StockReserved
from engine.replay import dumping
from engine.supply.looking_ahead import Ahead
from engine.supply.plan import Foreseen, supply
from engine.supply.request import Demand, Request
from engine.supply.short_cuts import SETTINGS
from tests.contract.every_setting import BESIDE, EVERY_SETTING
from tests.golden.samples import SAMPLES
from tests.unit.engine.shop import HALLE, KETTLE, LEIPZIG, MUNICH, TRAY, Shop, movement, place

SKUS = [f"SKU-{i}" for i in range(12)]
SEEDS = (2, 4, 52)  # three shops without a buffer; two have nodes with limits a day
HAMBURG, PARIS = Destination("DE", "20095", 53.5, 10.0), Destination("FR", "75001", 48.9, 2.4)


def random_policy(chance: Random) -> SourcingPolicy:
    """Rules under which the cheapest nodes can't be told without looking."""
    maybe = chance.choice
    return SourcingPolicy(
        name="p",
        nodes_max=maybe((None, None, 1, 2)),
        line_split=maybe((True, False)),
        split_penalty_minor=maybe((0, 300, 2_000)),
        unit_cost_minor=maybe((None, 3)),
        cost_per_100_grams_minor=maybe((None, 2)),
        carriers=maybe((None, (CarrierRate("post", (WeightStep(390, 2_000), WeightStep(700))),))),
        ship_complete=maybe((None, True)),
        preferences=(Preference("stores first", -30, maybe(("unit", "order")), NodeSelector(kinds=("store",))),),
        safety_stock=maybe((None, (SafetyStockRule(1, nodes=NodeSelector(kinds=("store",))),))),
        workload_minor=maybe((None, None, 500)),
        unsourced_minor_per_unit=maybe((None, None, None, 900)),
        overrides=(Override(Conditions(countries=("FR",)), Settings(split_penalty_minor=50)),),
    )


def random_shop(chance: Random, policy: SourcingPolicy | None = None) -> Shop:
    """Up to a hundred stores with a few units of everything; under `policy`, or under rules of any kind."""
    count, limited = chance.choice((3, 12, 90)), chance.random() < 0.3
    nodes = {
        f"node-{i}": Node(
            name=f"Node {i}",
            kind=chance.choice(("store", "warehouse")),
            country=chance.choice(("DE", "FR")),
            latitude=chance.randint(47, 54),
            longitude=chance.randint(0, 15),
            handling_cost_minor=chance.choice((0, 50, 300)),
            orders_per_day_max=chance.choice((2, 9)) if limited and i % 2 else None,
        )
        for i in range(count)
    }
    shop = Shop()
    shop.done(
        Configure(
            nodes=nodes,
            items={
                sku: Item(name=sku, weight_grams=chance.choice((250, 1_900)), backorderable=i > 9)
                for i, sku in enumerate(SKUS)
            },
            node_items={"node-0": {SKUS[0]: NodeItem(safety_stock=2, sourcing_minor_per_unit=chance.choice((0, -40)))}},
            sourcing_policies={"p": policy or random_policy(chance)},
            channels={
                "shop": Channel(
                    name="s",
                    kind="web",
                    country="DE",
                    currency="EUR",
                    sourcing_policy="p",
                    buffer=chance.choice((0, 0, 1)),
                )
            },
        )
    )
    for name in nodes:
        for sku in SKUS:
            if chance.random() < 0.5:
                shop.submit(movement(sku, name, "receipt", chance.randint(1, 9)))
    shop.settle()
    return shop


def random_batch(chance: Random, shop: Shop, first: int) -> None:
    """What checkouts, stores and administrators ask for at once."""
    nodes, known = shop.state.ledger.nodes, list(shop.state.reservations.active)
    for i in range(chance.randint(20, 60)):
        sku, node = chance.choice(SKUS), chance.choice(nodes)
        lines = [(chance.choice(SKUS), chance.randint(1, 4)) for _ in range(chance.randint(1, 3))]
        what = chance.random()
        if what < 0.75:
            named = node if chance.random() < 0.05 else None
            demand = tuple(DemandLine(sku, units, named) for sku, units in lines)
            to = chance.choice((HAMBURG, PARIS, None))
            shop.submit(ReserveStock("shop", demand, allow_partial=chance.random() < 0.2, ship_to=to))
        elif what < 0.85:
            shop.submit(place(f"W-{first + i}", *lines, channel="shop", area=Area("DE", "20", 535, 100)))
        elif what < 0.90 and known:
            held = shop.reservation(chance.choice(known))
            if held.state == "active" and held.channel == "shop":
                part = [(one.sku, one.reserved) for one in held.lines if one.reserved][:1]
                shop.submit(place(f"R-{first + i}", *part, channel="shop", reservation=held.number))
        elif what < 0.93 and known:
            shop.submit(ReleaseReservation(chance.choice(known)))
        elif what < 0.98:
            shop.submit(movement(sku, node, "receipt", 5))
        elif what < 0.99:
            shop.submit(Configure(node_items={node: {sku: NodeItem(sourcing_minor_per_unit=-99)}}))
        else:
            shop.submit(Configure(items={sku: Item(name=sku, weight_grams=9_000)}))


def life(seed: int, policy: SourcingPolicy | None = None) -> tuple[list[object], list[tuple[bytes, ...]], str]:
    """Outcomes, records and the digest of a few batches."""
    chance = Random(seed)
    shop = random_shop(chance, policy)
    for number in range(4):
        random_batch(chance, shop, number * 100)
        shop.settle()
    assert shop.errors == []
    return shop.outcomes, [batch.records for batch in shop.journal.read()], dumping.digest(shop.state)


def look_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command is sourced alone from now on."""
    monkeypatch.setattr(
        machine, "look_ahead", lambda state, commands, now_ns: Ahead(state, [], lambda *_: None, {}, now_ns)
    )


def counts_of_foreseen(monkeypatch: pytest.MonkeyPatch) -> dict[bool, int]:
    """How often something was foreseen for a command, and how often nothing, from now on."""
    counts = {True: 0, False: 0}
    of = Ahead.of

    def counting(self: Ahead, position: int) -> Foreseen | None:
        found = of(self, position)
        counts[found is not None] += 1
        return found

    monkeypatch.setattr(Ahead, "of", counting)
    return counts


@pytest.mark.parametrize("seed", [*range(20), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 60))])
def test_looking_ahead_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = life(seed)
    look_at_nothing(monkeypatch)
    assert life(seed) == ahead


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_with_each_setting_alone_looking_ahead_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    not_quick = SourcingPolicy(
        name="p", preferences=(Preference("stores first", -30, "unit", NodeSelector(kinds=("store",))),)
    )
    policy = msgspec.structs.replace(not_quick, **BESIDE.get(name, {}), **{name: EVERY_SETTING[name]})
    counts = counts_of_foreseen(monkeypatch)
    ahead = [life(seed, policy) for seed in SEEDS]
    assert (counts[True] > 0) == SETTINGS[name].ahead(EVERY_SETTING[name]), counts
    look_at_nothing(monkeypatch)
    assert [life(seed, policy) for seed in SEEDS] == ahead


def test_a_late_parcel_costs_nothing_more_once_the_only_node_that_was_earlier_is_full() -> None:
    """Paris takes one order a day and has no trays: while it has a place, trays from Berlin are three days late."""
    berlin = Node(name="Berlin", kind="warehouse", country="DE", latitude=52.5, longitude=13.4)
    paris = Node(name="Paris", kind="store", country="FR", latitude=48.9, longitude=2.4, orders_per_day_max=1)
    preferences = (Preference("not quick", 10, "unit"),)
    policy = SourcingPolicy(name="p", nodes_max=1, preferences=preferences, late_minor_per_day=200)
    shop = Shop()
    web = shop.state.configuration.channels["web"]
    shop.done(
        Configure(
            nodes={"berlin-2": berlin, "paris": paris},
            sourcing_policies={"p": policy},
            channels={"web": msgspec.structs.replace(web, nodes=("berlin-2", "paris"), sourcing_policy="p")},
        )
    )
    shop.receive(TRAY, "berlin-2", 20)
    shop.receive(KETTLE, "paris", 20)
    skus = [TRAY, KETTLE] + [TRAY] * 8
    for sku in skus:
        shop.submit(ReserveStock("web", (DemandLine(sku, 1),), ship_to=PARIS))
    shop.settle()
    made = [records.decode(record).facts[0] for batch in shop.journal.read() for record in batch.records][-len(skus) :]
    costs = [fact.decision.cost_minor for fact in made if isinstance(fact, StockReserved) and fact.decision is not None]
    assert len(costs) == len(skus)
    assert {cost - costs[0] for cost in costs[2:]} == {-3 * 200}


def test_most_of_a_batch_is_foreseen(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = counts_of_foreseen(monkeypatch)
    for seed in range(120):  # no more than it takes
        life(seed)
        if counts[True] > 400:
            break
    assert counts[True] > 400, counts


def test_what_was_foreseen_is_taken_while_its_node_has_everything() -> None:
    """Here what was foreseen is dear and far away, so that it can be told from what is found by looking."""
    shop = Shop()
    for node in (LEIPZIG, MUNICH):
        shop.receive(KETTLE, node, 5)
    ledger, request = shop.state.ledger, Request("web", [Demand(KETTLE, 2)], HALLE)
    munich = ledger.node_index[MUNICH]
    cell = ledger.sku_index[KETTLE] * ledger.node_capacity + munich

    def taken(least: int) -> tuple[str, int]:
        foreseen = Foreseen(munich, 4_711, [(cell, least)])
        found = supply(shop.state, request, shop.now_ns, foreseen)
        return found.sources[0][0].node, found.decision.cost_minor

    assert taken(least=4) == taken(least=5) == (MUNICH, 4_711)
    looked_for = supply(shop.state, request, shop.now_ns)
    assert taken(least=6) == (LEIPZIG, looked_for.decision.cost_minor)


@pytest.mark.parametrize("kind", ["channel_set", "item_set", "node_item_set", "node_set", "sourcing_policy_set"])
def test_after_a_change_of_what_plans_rest_on_nothing_is_foreseen(kind: str) -> None:
    not_quick = SourcingPolicy(name="p", nodes_max=1, preferences=(Preference("not quick", 10, "unit"),))
    shop = random_shop(Random(4), not_quick)
    commands = [ReserveStock("shop", (DemandLine(sku, 1),)) for sku in SKUS]
    ahead = machine.look_ahead(shop.state, commands, shop.now_ns)
    ahead.after((SAMPLES["order_noted/1"],))
    assert len(ahead) > 0
    ahead.after((next(fact for name, fact in SAMPLES.items() if name.startswith(f"{kind}/")),))
    assert len(ahead) == 0
