"""The workload that all peers get: stock, places by distance, and requests."""

import math
import random
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from bench.workloads import Size, reservations, shop
from engine.commands.configuration import Configure

STOCKED = 10_000_000
AREAS_COUNT = 200


class Unsound(Exception):
    """The books of a peer do not add up after a run, so its number does not count."""


class NotInstalled(Exception):
    """Says what is missing, and how it is had."""


class Wanted(NamedTuple):
    """One reservation: (SKU number, units) by line, and the nodes in order of distance."""

    lines: tuple[tuple[int, int], ...]
    area: int


def node_orders(size: Size, seed: int = 7) -> list[list[int]]:
    """For each of some areas, the numbers of all nodes from near to far."""
    places = next(command for command in shop(size) if isinstance(command, Configure)).nodes
    nodes = [(node.latitude or 0.0, node.longitude or 0.0) for node in places.values()]
    chance = random.Random(seed)
    orders = []
    for _ in range(AREAS_COUNT):
        at = 50 + chance.randrange(60) / 10, -3 + chance.randrange(40) / 10
        km = [math.dist(node, at) for node in nodes]
        orders.append(sorted(range(len(nodes)), key=km.__getitem__))
    return orders


def requests(size: Size, count: int, hot: bool, seed: int = 1) -> Iterator[Wanted]:
    """The reservations that Kontor's own benches make, as numbers."""
    chance = random.Random(seed)
    for command in islice(reservations(size, seed, "hot" if hot else "zipf"), count):
        lines = sorted((int(line.sku.partition("-")[2]), line.quantity) for line in command.lines)
        yield Wanted(tuple(lines), chance.randrange(AREAS_COUNT))
