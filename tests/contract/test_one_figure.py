"""What a channel can sell of a SKU is one figure: the stock feed, availability and reservations agree about it."""

from random import Random

import pytest

from api.resources.stock_feed import _figures
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import (
    CarrierRate,
    Conditions,
    ItemSelector,
    NodeSelector,
    Override,
    SafetyStockRule,
    Settings,
    SourcingPolicy,
    WeightStep,
)
from engine.commands.reservations import DemandLine, ReleaseReservation, ReserveStock
from engine.results import Rejection
from engine.supply.plan import promised
from engine.supply.request import Request
from engine.writer import Done
from tests.unit.engine.shop import Shop, movement

SKUS = [f"SKU-{i}" for i in range(12)]
GROUPS = ("bulky", "glass", "sale")


def rate(chance: Random) -> CarrierRate:
    """To some countries, from some nodes."""
    return CarrierRate(
        carrier="post",
        steps=(WeightStep(cost_minor=chance.choice((0, 390))),),
        countries=chance.choice((None, ("DE",), ("FR",), ("AT", "FR"))),
        origins=chance.choice((NodeSelector(), NodeSelector(kinds=("warehouse",)), NodeSelector(countries=("FR",)))),
    )


def settings(chance: Random) -> Settings:
    """Who may send what where, and what is withheld: nothing about prices."""
    found = Settings(
        excluded=chance.choice((None, (NodeSelector(kinds=("store",)),), (NodeSelector(countries=("FR",)),))),
        carriers=chance.choice((None, (rate(chance),), (rate(chance), rate(chance)))),
        safety_stock=chance.choice((None, (SafetyStockRule(2, ItemSelector(groups=("sale",))),))),
    )
    return found if found != Settings() else Settings(nodes_max=1_000)


def override(chance: Random) -> Override:
    when = chance.choice(
        (
            Conditions(item_groups=(chance.choice(GROUPS),)),
            Conditions(countries=(chance.choice(("DE", "FR")),)),
            Conditions(deliveries=("ship",), item_groups=(chance.choice(GROUPS),)),
        )
    )
    return Override(when, settings(chance))


def shop(chance: Random) -> Shop:
    """Stores and warehouses in two countries, items of several groups, channels of either country and one policy."""
    made = Shop()
    rules = settings(chance)
    policy = SourcingPolicy(
        name="p",
        excluded=rules.excluded,
        carriers=rules.carriers,
        safety_stock=rules.safety_stock,
        overrides=tuple(override(chance) for _ in range(chance.randint(0, 4))),
    )
    nodes = {
        f"node-{i}": Node(
            name="n", kind=chance.choice(("warehouse", "store")), country=chance.choice(("DE", "FR")), latitude=50,
            longitude=8 + i, enabled=chance.random() < 0.9, ships=chance.random() < 0.9,
        )
        for i in range(5)
    }  # fmt: skip
    made.done(
        Configure(
            nodes=nodes,
            items={sku: Item(name=sku, groups=tuple(chance.sample(GROUPS, chance.randint(0, 2)))) for sku in SKUS},
            node_items={name: {chance.choice(SKUS): NodeItem(sellable=False)} for name in nodes},
            sourcing_policies={"p": policy},
            channels={
                country.lower(): Channel(
                    name=country, kind="web", country=country, currency="EUR", sourcing_policy="p",
                    buffer=chance.choice((0, 0, 2)),
                )
                for country in ("DE", "FR")
            },
        )
    )  # fmt: skip
    for name in nodes:
        for sku in SKUS:
            if chance.random() < 0.7:
                made.submit(movement(sku, name, "receipt", chance.randint(1, 9)))
    made.settle()
    return made


@pytest.mark.parametrize("seed", range(30))
def test_the_feed_availability_and_reservations_agree_about_every_sku(seed: int) -> None:
    chance = Random(seed)
    made = shop(chance)
    for channel in ("de", "fr"):
        figures = {entry.sku: entry.available for entry in _figures(made.state, channel, SKUS, made.now_ns)}
        for sku in SKUS:
            assert figures == figures | {
                entry.sku: entry.available for entry in _figures(made.state, channel, [sku], made.now_ns)
            }
            asked = ReserveStock(channel, (DemandLine(sku, 1),), None, True)
            assert promised(made.state, Request.of_checkout(asked), made.now_ns) == [(sku, 1, figures[sku])]
            one_more = made.do(ReserveStock(channel, (DemandLine(sku, figures[sku] + 1),)))
            assert isinstance(one_more, Rejection), one_more
            if figures[sku]:
                number = made.state.seq + 1
                assert isinstance(made.do(ReserveStock(channel, (DemandLine(sku, figures[sku]),))), Done)
                made.done(ReleaseReservation(number))
