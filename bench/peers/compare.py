"""Kontor, what it could be replaced by, and the floors: in turn, on one machine, in one run."""

import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import http
from bench.peers import postgresql, redis, sqlite
from bench.peers.common import NotInstalled, Unsound
from bench.peers.sqlite import Store

SERVERS = ("kontor", "starlette over sqlite", "empty starlette", "bare protocol")


def measure(directory: Path, size: str, seconds: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Everything that is installed; what is not is said."""
    for connections in (32, 128):
        for hot in (False, True):
            yield over_http(directory / f"http-{connections}-{hot}", size, connections, hot, seconds, rounds)
    yield over_http(directory / "http-1", size, 1, False, seconds, rounds)
    peers: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "PostgreSQL": lambda: postgresql.measure(directory, size, (1, 32, 128), seconds),
        "Redis": lambda: redis.measure(directory, size, (1, 32, 128), seconds),
        "SQLite": lambda: sqlite.in_process(directory, size, 20_000),
    }
    for name, figures in peers.items():
        try:
            yield from figures()
        except NotInstalled as reason:
            yield {"what": f"peer: {name}", "skipped": str(reason)}


def over_http(directory: Path, size: str, connections: int, hot: bool, seconds: float, rounds: int) -> dict[str, Any]:
    """One durable reservation a request, each with a key of its own: Kontor against the others, in turn, `rounds` times."""
    http.prepare(directory / "kontor", size)
    Store(directory / "sqlite", size).connection.close()
    with (
        http.running("-m", "bench.placement", "loop", str(directory / "kontor"), "PORT") as kontor,
        http.running("-m", "bench.peers.starlette_sqlite", str(directory / "sqlite"), size, "PORT") as store,
        http.running("-m", "bench.floor", "PORT") as floor,
        http.running("-m", "bench.bare", "PORT") as bare,
    ):
        ports = (kontor, store, floor, bare)
        runs = [
            tuple(http.load(port, connections, seconds, size, seed, keyed=True, hot=hot) for port in ports)
            for seed in range(rounds)
        ]
    http.audit(directory / "kontor")
    made = Store(directory / "sqlite", size).audit()
    if made < sum(run[1]["per_second"] * seconds for run in runs):
        raise Unsound("Starlette over SQLite answered more than it wrote")
    figures: dict[str, Any] = {
        "what": "HTTP: one durable reservation a request, with a key, against others",
        "connections": connections,
        "hot": hot,
        "rounds": rounds,
        "seconds": seconds,
        "failed": sum(one["failed"] for run in runs for one in run),
    }
    for at, name in enumerate(SERVERS):
        figures[name] = http.median(runs, at)
        if at:
            ratio = statistics.median(run[0]["per_second"] / run[at]["per_second"] for run in runs)
            figures[f"times {name}"] = round(ratio, 2)
    return figures
