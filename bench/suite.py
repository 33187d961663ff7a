"""The parts of the suite, by name. Each is given a folder of its own and a scale, and yields figures as they come."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import core, frontends, growth, http, memory, prices, restart, sourcing, stall, traffic, upkeep, worklists
from bench.peers import compare
from bench.scales import Scale
from bench.workloads import SIZES

Figures = Iterator[dict[str, Any]]


def in_process(directory: Path, scale: Scale) -> Figures:
    """the core, and the core with its journal by batch size"""
    measures = SIZES[scale.shop]
    for skew in ("zipf", "even", "hot"):
        yield core.reserve_in_memory(measures, skew)
    for batch in (1, 50, 512):
        count = min(measures.reservations, 2_000 if batch == 1 else 50_000)
        yield core.reserve_durably(directory / f"reserve-{batch}", measures, "zipf", batch, count)
    yield core.reserve_durably(directory / "hot", measures, "hot", 512, min(measures.reservations, 50_000))
    yield core.whole_orders(directory / "orders", measures, 512, min(measures.reservations, 20_000))


def over_http(directory: Path, scale: Scale) -> Figures:
    """one reservation a request over HTTP, by connections; spread, even and hot SKUs"""
    for connections in scale.connections:
        where = directory / f"{connections}"
        yield from traffic.by_connections(where, scale.shop, connections, scale.seconds, scale.rounds)


def workloads(directory: Path, scale: Scale) -> Figures:
    """checkouts, batches of a hundred, and a shop's mixed day over HTTP"""
    for name in ("order", "order-with-people", "mixed"):
        for connections in _some(scale):
            where = directory / f"{name}-{connections}"
            yield traffic.workload(where, scale.shop, name, connections, scale.seconds, scale.rounds)
    for connections in {min(8, *_some(scale)), min(32, *_some(scale))}:
        where = directory / f"batch-{connections}"
        yield traffic.workload(where, scale.shop, "batch", connections, scale.seconds, scale.rounds)


def priced(directory: Path, scale: Scale) -> Figures:
    """whole sales with prices against the same without, in turn; a quote against 500 promotions"""
    yield from prices.quotes()
    for connections in _some(scale):
        yield from prices.measure(directory / f"{connections}", scale.shop, connections, scale.seconds, scale.rounds)


def rate(directory: Path, scale: Scale) -> Figures:
    """open loop at half of saturation"""
    for connections in _some(scale):
        where = directory / f"{connections}"
        yield traffic.at_half(where, scale.shop, connections, scale.seconds, scale.rounds)


def floor(directory: Path, scale: Scale) -> Figures:
    """against an empty endpoint with the same body and the same answer, in turn"""
    for connections in _some(scale):
        for keyed in (False, True):
            where = directory / f"{connections}-{keyed}"
            yield http.against_the_floor(where, scale.shop, connections, scale.seconds, scale.rounds, keyed)


def behind_frontends(directory: Path, scale: Scale) -> Figures:
    """a node alone against one behind a frontend, in turn"""
    for connections in scale.connections:
        for keyed in (False, True):
            where = directory / f"{connections}-{keyed}"
            yield frontends.against_alone(where, scale.shop, connections, scale.seconds, scale.rounds, keyed)


def choice(directory: Path, scale: Scale) -> Figures:
    """what it costs to choose among 20 nodes"""
    for connections in _some(scale):
        yield http.price_of_choice(directory / f"{connections}", connections, scale.seconds, scale.rounds)


def peers(directory: Path, scale: Scale) -> Figures:
    """PostgreSQL, Redis, SQLite and Starlette over SQLite, in turn, where they are installed"""
    yield from compare.measure(directory, scale.shop, scale.seconds, scale.rounds)


def plans(directory: Path, scale: Scale) -> Figures:
    """how long the cheapest plan takes"""
    for locations in (100, 2_000) if scale.shop != "tiny" else (40,):
        yield from sourcing.measure(locations, scale=0.01 if scale.shop == "tiny" else 1.0)


def upkeep_(directory: Path, scale: Scale) -> Figures:
    """a steady load while snapshots and backups are made; restarts"""
    directory.mkdir(parents=True, exist_ok=True)
    yield from upkeep.measure(directory, scale.shop, scale.open_reservations, scale.rate_per_second)


def stalls(directory: Path, scale: Scale) -> Figures:
    """the longest wait, past snapshots and sealed segments"""
    yield stall.measure(directory, scale.shop, scale.rate_per_second, scale.stall_seconds)


def grown(directory: Path, scale: Scale) -> Figures:
    """what an order costs as the journal grows"""
    yield from growth.measure(directory, scale.shop, scale.growth_orders)


def lists(directory: Path, scale: Scale) -> Figures:
    """a node with many open orders: lists and steps, one client"""
    open_orders = min(10_000, max(scale.growth_orders))
    yield from worklists.measure(directory, scale.shop, open_orders, min(300, open_orders // 4))


def remembered(directory: Path, scale: Scale) -> Figures:
    """memory by SKUs x nodes, and by open reservations"""
    for skus, nodes in scale.memory_shops:
        yield memory.measure(skus, nodes, scale.open_reservations)


def restarts(directory: Path, scale: Scale) -> Figures:
    """how long it takes to be ready again"""
    yield from restart.measure(directory, scale.shop, scale.open_reservations)


def placement(directory: Path, scale: Scale) -> Figures:
    """where the commit runs (decision 1)"""
    for connections in _some(scale):
        where = directory / f"{connections}"
        yield from http.placements(where, scale.shop, connections, scale.seconds, scale.rounds)


def _some(scale: Scale) -> list[int]:
    """32 and 128 connections, as far as the scale has them."""
    return [count for count in scale.connections if count in (32, 128)] or [max(scale.connections)]


PARTS: dict[str, Callable[[Path, Scale], Figures]] = {
    "core": in_process,
    "http": over_http,
    "workloads": workloads,
    "prices": priced,
    "rate": rate,
    "floor": floor,
    "frontends": behind_frontends,
    "choice": choice,
    "sourcing": plans,
    "stall": stalls,
    "growth": grown,
    "worklists": lists,
    "memory": remembered,
    "restart": restarts,
    "upkeep": upkeep_,
    "peers": peers,
    "placement": placement,
}
DEFAULT = [name for name in PARTS if name not in ("peers", "placement", "frontends")]
"""Peers need programs besides; the placement is a question that was answered; frontends are an option."""
