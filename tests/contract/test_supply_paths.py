"""The quick path of supply is a short cut: wherever it gives a plan, the whole path gives the same one."""

from datetime import date, timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from engine.areas import NOWHERE, Area
from engine.calendars import DAYS
from engine.commands.configuration import Channel, Configure, HolidayCalendar, Item, Node, NodeItem
from engine.commands.inbound import ExpectInbound, InboundQuantity
from engine.commands.policies import Preference, Settings, SourcingPolicy
from engine.commands.reservations import DemandLine, ReserveStock
from engine.supply.plan import _by_sourcing, _quickly, supply
from engine.supply.request import Demand, Request
from engine.supply.short_cuts import SETTINGS, nothing, once_an_order
from engine.supply.terms import NS_PER_DAY, terms_cache
from tests.contract.every_setting import BESIDE, EVERY_SETTING
from tests.unit.engine.shop import Shop, movement

SKUS = [f"SKU-{i}" for i in range(8)]


def random_shop(chance: Random, **settings: Any) -> Shop:
    """Some nodes, shut or rejecting parcels here and there, some stock, some rules; and `settings` of the policy."""
    nodes = {
        f"node-{i}": Node(
            name=f"Node {i}",
            kind="warehouse",
            country=chance.choice(("DE", "FR")),
            latitude=chance.uniform(47, 54),
            longitude=chance.uniform(6, 15),
            enabled=chance.random() > 0.1,
            ships=chance.random() > 0.2,
            pickup=chance.random() < 0.5,
            handling_cost_minor=chance.choice((0, 0, 50, 300)),
        )
        for i in range(chance.randint(1, 9))
    }
    policy = SourcingPolicy(
        name="p",
        nodes_max=chance.choice((None, 1, 2)),
        line_split=chance.random() < 0.7,
        split_penalty_minor=chance.choice((0, 300)),
        cross_border_cost_minor=chance.choice((0, 1_000)),
    )
    policy = msgspec.structs.replace(policy, **settings)
    names = tuple(nodes)
    allowed = None if chance.random() < 0.7 else tuple(chance.sample(names, chance.randint(1, len(names))))
    shop = Shop()
    shop.done(
        Configure(
            nodes=nodes,
            items={sku: Item(name=sku, weight_grams=chance.choice((None, 250, 12_000))) for sku in SKUS},
            node_items={
                name: {chance.choice(SKUS): NodeItem(safety_stock=chance.randint(0, 4), sellable=chance.random() > 0.2)}
                for name in names
            },
            sourcing_policies={"p": policy},
            channels={
                "shop": Channel(name="s", kind="web", country="DE", currency="EUR", nodes=allowed, sourcing_policy="p")
            },
        )
    )
    for name in names:
        for sku in SKUS:
            if chance.random() < 0.6:
                shop.submit(movement(sku, name, "receipt", chance.randint(1, 9)))
    shop.settle()
    return shop


def busy_shop(chance: Random, **settings: Any) -> Shop:
    """Such a shop with goods on their way, and some nodes that take few orders a day, of which some are taken already."""
    shop = random_shop(chance, **settings)
    state = shop.state
    limits = {
        name: msgspec.structs.replace(node, orders_per_day_max=chance.choice((1, 3)))
        for name, node in state.configuration.nodes.items()
        if chance.random() < 0.4
    }
    items = {sku: msgspec.structs.replace(item, value_minor=700) for sku, item in state.configuration.items.items()}
    shop.done(Configure(nodes=limits, items=items))
    arrives_ns = shop.now_ns + 5 * NS_PER_DAY
    lines = tuple(InboundQuantity(sku, 9) for sku in SKUS)
    shop.done(ExpectInbound("PO-4711", chance.choice(state.ledger.nodes), lines, arrives_ns))
    for _ in range(4):
        shop.submit(ReserveStock("shop", (DemandLine(chance.choice(SKUS), 1),)))
    shop.settle()
    return shop


def quick_plans_of(shop: Shop, chance: Random, delivery: str = "ship") -> int:
    """How many of forty requests are answered quickly; all of them as they are by the whole path."""
    state, quick_count = shop.state, 0
    for _ in range(40):
        area = chance.choice((NOWHERE, Area("DE", "10", 525, 134), Area("FR", "75", 489, 24), Area("DE")))
        demand = [Demand(sku, chance.randint(1, 4)) for sku in chance.sample(SKUS, chance.randint(1, 3))]
        request = Request("shop", demand, area, delivery, partial=True)
        terms = terms_cache(state).get(state, "shop", area, delivery, ())
        whole = _by_sourcing(state, terms, request, (), shop.now_ns)
        quick = _quickly(state, terms, request, (), shop.now_ns)
        if quick is not None:
            quick_count += 1
            assert quick == whole
        assert supply(state, request, shop.now_ns) == whole
    return quick_count


def shop_with_calendars(chance: Random) -> Shop:
    """Such a shop in which nodes and carriers rest at times, some of them for good."""
    rest = tuple(date(2027, 1, 15 + day).isoformat() for day in range(9))
    shop = random_shop(chance)
    always = tuple((date(2027, 1, 1) + timedelta(days=day)).isoformat() for day in range(900))
    calendars = {"days": HolidayCalendar(name="d", dates=rest), "years": HolidayCalendar(name="y", dates=always)}
    for country in ("DE", "FR"):
        kind = chance.choice((None, "days", "days", "years"))
        if kind is not None:
            calendars[country] = replace(calendars[kind], countries=(country,))
    hours = chance.choice((None, {"mon": (("09:00", "18:00"),), "fri": (("09:00", "12:00"), ("13:00", "18:00"))}, {}))
    nodes = {
        name: replace(
            node,
            pickup=True,
            opening_hours=chance.choice((None, hours)),
            cut_off=chance.choice((None, "11:00")),
            cut_offs=chance.choice((None, None, {"fri": None}, dict.fromkeys(DAYS))),
            preparation_minutes=chance.choice((None, 45)),
            calendars=chance.choice(((), (), ("days",), ("years",))),
        )
        for name, node in shop.state.configuration.nodes.items()
    }
    channel = replace(shop.state.configuration.channels["shop"], preparation_minutes=chance.choice((0, 90)))
    shop.done(Configure(nodes=nodes, calendars=calendars, channels={"shop": channel}))
    return shop


@pytest.mark.parametrize("seed", range(60, 90))
def test_the_quick_path_gives_the_plan_of_the_whole_path_whoever_rests(seed: int) -> None:
    chance = Random(seed)
    shop = shop_with_calendars(chance)
    for delivery in ("ship", "pickup"):
        quick_plans_of(shop, chance, delivery)
        shop.wait(chance.randint(1, 200) * 3600)


@pytest.mark.parametrize("seed", range(40))
def test_the_quick_path_gives_the_plan_of_the_whole_path(seed: int) -> None:
    chance = Random(seed)
    quick_plans_of(random_shop(chance), chance)


def test_the_quick_path_is_taken_for_every_third_request_at_least() -> None:
    chance = Random(21)
    counts = [quick_plans_of(random_shop(chance), chance) for _ in range(20)]
    assert sum(counts) * 3 > 20 * 40, counts


@pytest.mark.parametrize("name", Settings.__struct_fields__)
def test_with_each_setting_alone_the_quick_path_is_right_or_not_taken(name: str) -> None:
    chance = Random(f"{name} alone")
    settings = BESIDE.get(name, {}) | {name: EVERY_SETTING[name]}
    counts = [quick_plans_of(busy_shop(chance, **settings), chance) for _ in range(8)]
    assert any(counts) == SETTINGS[name].quick(EVERY_SETTING[name]), counts


@pytest.mark.parametrize("name", [name for name, may in SETTINGS.items() if may.quick in (nothing, once_an_order)])
def test_a_setting_that_is_set_to_nothing_leaves_requests_quick(name: str) -> None:
    chance = Random(f"{name} is nothing")
    none = () if isinstance(EVERY_SETTING[name], tuple) else 0
    assert any(quick_plans_of(busy_shop(chance, **{name: none}), chance) for _ in range(8))


@pytest.mark.parametrize(("minor", "quick"), [(35, True), (-2_000, False)])
def test_preferences_once_an_order_are_quick_unless_a_node_costs_less_than_nothing(minor: int, quick: bool) -> None:
    chance = Random(12)
    preferences = (Preference("all alike", minor, "order"),)
    assert any(quick_plans_of(busy_shop(chance, preferences=preferences), chance) for _ in range(8)) == quick


def test_with_a_buffer_or_a_price_of_a_sku_at_a_node_nothing_is_quick() -> None:
    chance = Random(5)
    shop = random_shop(chance)
    assert quick_plans_of(shop, chance)
    sku, node = SKUS[0], shop.state.ledger.nodes[0]
    for rule in (NodeItem(sourcing_minor_per_unit=-5), NodeItem(stocked_since="2026-01-31")):
        shop.done(Configure(node_items={node: {sku: rule}}))
        assert not quick_plans_of(shop, chance)
    shop.done(Configure(node_items={node: {sku: NodeItem(safety_stock=1, bin="A-7")}}))
    assert quick_plans_of(shop, chance)
    buffered = msgspec.structs.replace(shop.state.configuration.channels["shop"], buffer=1)
    shop.done(Configure(channels={"shop": buffered}))
    assert not quick_plans_of(shop, chance)


@pytest.mark.parametrize("seed", range(40, 60))
def test_a_supply_never_promises_what_is_withheld_or_shut(seed: int) -> None:
    chance = Random(seed)
    shop = random_shop(chance)
    state, now_ns = shop.state, shop.now_ns
    channel = state.configuration.channels["shop"]
    for _ in range(40):
        named = chance.choice((None, None, chance.choice(state.ledger.nodes)))
        demand = [Demand(chance.choice(SKUS), chance.randint(1, 9), named) for _ in range(chance.randint(1, 4))]
        excluded = tuple(chance.sample(state.ledger.nodes, chance.choice((0, 0, 1))))
        sources, short, _, _ = supply(state, Request("shop", demand, partial=True, excluded=excluded), now_ns)
        taken: dict[tuple[str, str], int] = {}
        for line, found in zip(demand, sources, strict=True):
            assert sum(s.quantity for s in found) <= line.quantity
            for one in found:
                taken[line.sku, one.node] = taken.get((line.sku, one.node), 0) + one.quantity
                node = state.configuration.nodes[one.node]
                assert node.enabled
                assert channel.nodes is None or one.node in channel.nodes
                assert one.node not in excluded
                assert node.ships if line.node is None else (one.node == line.node and (node.ships or node.pickup))
        for (sku, node_name), units in taken.items():
            ledger = state.ledger
            assert units <= state.stock.promisable(ledger.sku_index[sku], ledger.node_index[node_name])
        missing = {line.sku for line in demand} - {s.sku for s in short}
        for sku in missing:
            wanted = sum(line.quantity for line in demand if line.sku == sku)
            assert wanted == sum(units for (s, _), units in taken.items() if s == sku)
