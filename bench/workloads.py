"""Seeded workloads: a shop of a size, and an endless stream of reservations for it."""

import random
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from engine.commands import Command
from engine.commands.configuration import Channel, Configure, Item, Node
from engine.commands.reservations import DemandLine, Destination, ReserveStock
from engine.commands.stock import MovementLine, MoveStock

STOCKED = 10_000_000


class Size(NamedTuple):
    """SKUs x nodes, and how many reservations a bench makes."""

    skus: int
    nodes: int
    reservations: int


SIZES = {
    "tiny": Size(50, 3, 300),
    "small": Size(500, 5, 20_000),
    "medium": Size(5_000, 20, 100_000),
    "one node": Size(5_000, 1, 100_000),
    "large": Size(50_000, 100, 300_000),
}


def shop(size: Size) -> Iterator[Command]:
    """Master data and plenty of stock everywhere."""
    nodes = {
        f"node-{i}": Node(
            name=f"Node {i}", kind="store", country="GB", latitude=50 + i % 60 / 10, longitude=-3 + i / 40
        )
        for i in range(size.nodes)
    }
    skus = [f"SKU-{i}" for i in range(size.skus)]
    web = Channel(name="Web", kind="web", country="GB", currency="GBP", reservation_ttl_seconds=86_400)
    yield Configure(nodes=nodes, channels={"web": web})
    for start in range(0, size.skus, 1_000):
        part = skus[start : start + 1_000]
        yield Configure(items={sku: Item(name=sku) for sku in part})
        for node in nodes:
            yield MoveStock(tuple(MovementLine(sku, node, "receipt", STOCKED) for sku in part))


def reservations(size: Size, seed: int, skew: str = "zipf", lines: int = 2) -> Iterator[ReserveStock]:
    """Reservations of `lines` different SKUs. `skew`: "zipf" (exponent 1), "even", or "hot" (one SKU in every line)."""
    chance = random.Random(seed)
    skus = [f"SKU-{i}" for i in range(size.skus)]
    chance.shuffle(skus)
    weights = list(accumulate(1 / (i + 1) for i in range(size.skus))) if skew == "zipf" else None
    while True:
        chosen = [skus[0]] if skew == "hot" else chance.choices(skus, cum_weights=weights, k=lines)
        to = Destination(
            country="GB", latitude=50 + chance.randrange(60) / 10, longitude=-3 + chance.randrange(40) / 10
        )
        demand = tuple(DemandLine(sku, chance.randint(1, 3)) for sku in dict.fromkeys(chosen))
        yield ReserveStock(channel="web", lines=demand, ttl_seconds=86_400, ship_to=to)


def lines_of(skew: str, lines: int = 2) -> int:
    """How many lines such a reservation has: on one hot SKU they become one."""
    return 1 if skew == "hot" else lines
