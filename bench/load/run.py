"""A run: connect, load until time is up, let what is in flight come back, sum up."""

import asyncio
import os
import time
from typing import Any, NamedTuple

from bench.load.clients import WORKLOADS
from bench.load.connection import Connection
from bench.load.loops import ClosedLoop, OpenLoop
from bench.load.requests import BATCH_ITEMS, Requests, Target
from bench.load.tally import Tally, summary
from bench.workloads import SIZES

WARM_UP_SECONDS = 0.5
LAST_ANSWERS_SECONDS = 60.0
TICK_SECONDS = 0.001
BUSY = 0.9
CPUS_TO_PIN = 3


class Plan(NamedTuple):
    """What to send. `rate` in requests a second makes it an open loop."""

    target: Target
    connections: int
    seconds: float
    workload: str = "reserve"
    rate: float | None = None
    size: str = "medium"
    skew: str = "zipf"
    seed: int = 0
    lines: int = 2
    keyed: bool = False
    keep_rows: bool = False
    unit_prices: bool = True


def pin() -> int | None:
    """Take the last core for itself where there are enough for a node and its followers besides; which one it is."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < CPUS_TO_PIN:
        return None
    os.sched_setaffinity(0, {cores[-1]})
    return cores[-1]


class LoadFailed(Exception):
    """The figures would say nothing: connections were lost or answers never came."""


async def run(plan: Plan) -> tuple[dict[str, Any], list[tuple[float, float]]]:
    """Figures, and rows of (wall-clock start, latency) in seconds if they are kept. Raises LoadFailed."""
    requests = Requests(plan.target, SIZES[plan.size], plan.skew, plan.seed, plan.lines, plan.keyed, plan.unit_prices)
    client = WORKLOADS[plan.workload]
    load: ClosedLoop | OpenLoop
    if plan.rate is None:
        load = ClosedLoop(WARM_UP_SECONDS, plan.seconds, plan.keep_rows)
    else:
        load = OpenLoop(WARM_UP_SECONDS, plan.seconds, plan.rate, plan.keep_rows)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: Connection(load, client(requests)), plan.target.host, plan.target.port))[
            1
        ]
        for _ in range(plan.connections)
    ]
    load.begin(time.perf_counter())
    for connection in connections:
        load.ready(connection, time.perf_counter())
    busy = await _until_done(load)
    await _last_answers(load, connections)
    for connection in connections:
        connection.transport.close()
    to_wall = time.time() - time.perf_counter()
    rows = [(started + to_wall, latency) for started, latency in load.rows or ()]
    return _figures(plan, load.tallies, load.longest_stall_seconds, busy), rows


async def _until_done(load: ClosedLoop | OpenLoop) -> float:
    """The share of a core that it took after the warm-up."""
    await _tick_until(load, load.counted_from)
    busy = time.process_time()
    await _tick_until(load, load.ends_at)
    busy = (time.process_time() - busy) / (time.perf_counter() - load.counted_from)
    deadline = time.perf_counter() + LAST_ANSWERS_SECONDS
    while not load.is_done(time.perf_counter()):
        if time.perf_counter() > deadline:
            raise LoadFailed("the node does not keep up with this rate")
        if isinstance(load, OpenLoop):
            load.pump(time.perf_counter())  # what was due in the last moment before the end
        await asyncio.sleep(TICK_SECONDS)
    return busy


async def _tick_until(load: ClosedLoop | OpenLoop, moment: float) -> None:
    while (now := time.perf_counter()) < moment:
        if isinstance(load, OpenLoop):
            load.pump(now)
            await asyncio.sleep(TICK_SECONDS)
        else:
            await asyncio.sleep(moment - now)


async def _last_answers(load: ClosedLoop | OpenLoop, connections: list[Connection]) -> None:
    while any(connection.in_flight for connection in connections) and not load.lost_count:
        if time.perf_counter() > load.ends_at + LAST_ANSWERS_SECONDS:
            raise LoadFailed("some requests were never answered")
        await asyncio.sleep(TICK_SECONDS)
    if load.lost_count:
        raise LoadFailed(f"{load.lost_count} connections were closed by the server")


def _figures(plan: Plan, tallies: dict[str, Tally], stall: float, busy: float) -> dict[str, Any]:
    found = summary(tallies, plan.seconds)
    if not found["per_second"]:
        raise LoadFailed("nothing was answered in time")
    if plan.workload == "batch":
        found["reservations_per_second"] = found["per_second"] * BATCH_ITEMS
    if "order" in tallies:
        found["orders_per_hour"] = round(found["kinds"]["order"]["per_second"] * 3600)
    return {
        **found,
        "longest_stall_ms": round(stall * 1000, 3),
        "generator_cpu": round(busy, 2),
        "generator_bound": busy >= BUSY,
    }
