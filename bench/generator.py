"""The load generator: raw HTTP/1.1 over asyncio, one request in flight a connection, in a process of its own.

Closed loop: a connection asks again as soon as it is answered. Open loop (`--rate`): requests are due at fixed times and their
latency counts from then, answered late or not, so that a stall shows in full. Prints one JSON object; `--help` has the rest.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import deque
from pathlib import Path
from typing import Any, cast

import numpy as np
import uvloop

from bench.workloads import SIZES
from bench.works import WORKS, Bodies, Work

WARM_UP_SECONDS = 0.5
BOTTLENECK_CPU = 0.85


class Connection(asyncio.Protocol):
    """Plays one work: every answer leads to the next request. In an open loop what is due meanwhile waits, and its clock runs."""

    def __init__(self, load: "Load", work: Work) -> None:
        self._load, self._work = load, work
        self._received = b""
        self._due: deque[float] = deque()
        self._since: float | None = None
        self._asking = next(work)

    def itself(self) -> "Connection":
        """The protocol factory of one connection."""
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, since: float) -> None:
        """Send the next request, whose latency counts from `since`; later, if one is in flight."""
        if self._since is None:
            self._since = since
            self._transport.write(self._asking.request)
        else:
            self._due.append(since)

    def data_received(self, data: bytes) -> None:
        """Note the latency of a whole answer and go on."""
        self._received = self._received + data if self._received else data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        now, status = time.perf_counter(), int(head[9:12])
        assert self._since is not None
        self._load.note(self._since, now, self._asking.units if status in self._asking.expected else None)
        self._received, self._since = b"", None
        self._asking = self._work.send((status, body))
        if self._due:
            self.ask(self._due.popleft())
        elif self._load.rate is None and now < self._load.ends_at:
            self.ask(now)

    def connection_lost(self, error: Exception | None) -> None:
        """A request that was in flight failed."""
        if self._since is not None:
            self._load.note(self._since, time.perf_counter(), None)
            self._since = None


class Load:
    """What all connections share: when to end, and what was measured after the warm-up."""

    def __init__(self, seconds: float, rate: float | None) -> None:
        self.rate = rate
        self.seconds = seconds
        self.counted_from = time.perf_counter() + WARM_UP_SECONDS
        self.ends_at = self.counted_from + seconds
        self.busy_from = 0.0
        self.since: list[float] = []
        self.latencies: list[float] = []
        self.units = 0
        self.failed = 0

    def note(self, since: float, now: float, units: int | None) -> None:
        """One answer, that did so many units of work; None for one that was not expected."""
        if (since if self.rate else now) < self.counted_from or (not self.rate and now > self.ends_at):
            return
        self.since.append(since)
        self.latencies.append(now - since)
        if units is None:
            self.failed += 1
        else:
            self.units += units

    def figures(self) -> dict[str, Any]:
        """Rates, percentiles, and how busy the generator itself was: near 1.0 it measures itself."""
        busy = (time.process_time() - self.busy_from) / (self.seconds + WARM_UP_SECONDS)
        ms = np.array(self.latencies or [np.nan]) * 1000
        points = dict(
            zip(("p50_ms", "p90_ms", "p99_ms", "p999_ms"), np.percentile(ms, [50, 90, 99, 99.9]), strict=True)
        )
        return {
            "per_second": round(len(self.latencies) / self.seconds),
            "units_per_second": round(self.units / self.seconds),
            **{name: round(float(value), 3) for name, value in points.items()},
            "longest_ms": round(float(ms.max()), 3),
            "failed": self.failed,
            "generator_cpu": round(busy, 2),
            **({"generator_is_the_bottleneck": True} if busy > BOTTLENECK_CPU else {}),
        }


async def run(chosen: argparse.Namespace) -> Load:
    """All connections, from the first request to the last answer."""
    bodies = Bodies(chosen.size, chosen.seed, chosen.hot, chosen.keyed)
    loop = asyncio.get_running_loop()
    load = Load(chosen.seconds, chosen.rate)
    made = []
    for number in range(chosen.connections):
        work = WORKS[chosen.work](bodies, number)
        connection = Connection(load, work)
        await loop.create_connection(connection.itself, chosen.host, chosen.port)
        made.append(connection)
    load.busy_from = time.process_time()
    load.counted_from = time.perf_counter() + WARM_UP_SECONDS
    load.ends_at = load.counted_from + chosen.seconds
    if chosen.rate is None:
        for connection in made:
            connection.ask(time.perf_counter())
        await asyncio.sleep(load.ends_at - time.perf_counter() + 0.3)
    else:
        await _in_time(load, made, chosen.rate)
    return load


async def _in_time(load: Load, made: list[Any], rate: float) -> None:
    """Requests when they are due, one connection after the other; at last wait for the answers."""
    began, sent = time.perf_counter(), 0
    while (now := time.perf_counter()) < load.ends_at:
        while began + sent / rate <= now:
            made[sent % len(made)].ask(began + sent / rate)
            sent += 1
        await asyncio.sleep(0.0005)
    expected = sent - round(WARM_UP_SECONDS * rate)
    for _ in range(100):
        if len(load.latencies) >= expected - 1:
            break
        await asyncio.sleep(0.1)  # the last answers


def main() -> None:
    """Run, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.generator", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", choices=SIZES, default="medium")
    parser.add_argument("--work", choices=WORKS, default="reserve", help="what a connection asks for, again and again")
    parser.add_argument("--rate", type=float, help="requests a second in an open loop (default: a closed loop)")
    parser.add_argument("--keyed", action="store_true", help="an idempotency key with every request")
    parser.add_argument("--hot", action="store_true", help="one SKU in every line: a flash sale")
    parser.add_argument("--core", type=int, help="the processor to stay on")
    parser.add_argument(
        "--rows", type=Path, help="write (due on the wall clock, latency) of every request there, as .npy"
    )
    chosen = parser.parse_args()
    if chosen.core is not None:
        os.sched_setaffinity(0, {chosen.core})
    wall = time.time() - time.perf_counter()
    load = uvloop.run(run(chosen))
    if chosen.rows is not None:
        np.save(chosen.rows, np.column_stack((np.array(load.since) + wall, load.latencies)))
    json.dump(load.figures(), sys.stdout)


if __name__ == "__main__":
    main()
