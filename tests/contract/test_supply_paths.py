"""The quick path of supply is a short cut: wherever it gives a plan, the whole path gives the same one."""

from collections.abc import Iterator
from random import Random

import pytest

from engine.areas import NOWHERE, Area
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.supply.plan import _by_sourcing, _quickly, is_quick, supply
from engine.supply.request import Demand, Request
from engine.supply.terms import terms_cache
from tests.unit.engine.shop import Shop, movement

SKUS = [f"SKU-{i}" for i in range(8)]


def random_shop(chance: Random) -> Shop:
    """Some nodes, shut or rejecting parcels here and there, some stock, some rules."""
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
    )
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


def random_requests(chance: Random) -> Iterator[Request]:
    """Forty baskets of one to three items, of which a part is welcome."""
    for _ in range(40):
        area = chance.choice((NOWHERE, Area("DE", "10", 525, 134), Area("FR", "75", 489, 24), Area("DE")))
        demand = [Demand(sku, chance.randint(1, 4)) for sku in chance.sample(SKUS, chance.randint(1, 3))]
        yield Request("shop", demand, area, partial=True)


@pytest.mark.parametrize("seed", range(40))
def test_the_quick_path_gives_the_plan_of_the_whole_path(seed: int) -> None:
    chance = Random(seed)
    shop = random_shop(chance)
    state = shop.state
    for request in random_requests(chance):
        terms = terms_cache(state).get(state, "shop", request.area, "ship", ())
        whole = _by_sourcing(state, terms, request, (), shop.now_ns)
        quick = _quickly(state, terms, request, (), shop.now_ns)
        if quick is not None:
            assert quick == whole
        assert supply(state, request, shop.now_ns) == whole


def test_the_quick_path_is_taken_for_every_third_request_at_least() -> None:
    counts = {True: 0, False: 0}
    for seed in range(20):
        chance = Random(seed)
        shop = random_shop(chance)
        for request in random_requests(chance):
            counts[is_quick(shop.state, request, shop.now_ns)] += 1
    assert counts[True] * 3 > sum(counts.values()), counts


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
