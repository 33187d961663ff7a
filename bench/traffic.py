"""A node as it is shipped under load over HTTP: by connections, by workload, and at a rate it can hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import http
from bench.load.requests import BATCH_ITEMS
from bench.workloads import lines_of

LINES = 2


SKEWS = ("zipf", "even", "hot")


def by_connections(
    directory: Path, size: str, connections: int, seconds: float, rounds: int
) -> Iterator[dict[str, Any]]:
    """Closed loop: what one reservation a request comes to, on spread SKUs and on one hot SKU, in turn on one node."""
    http.prepare(directory, size)
    with http.serving(directory) as port:
        runs = [
            {skew: http.load(port, connections, seconds, size, seed, keyed=True, skew=skew) for skew in SKEWS}
            for seed in range(rounds)
        ]
        batch = http.mean_batch(port)
    http.audit(directory, sum(one["accepted"] for run in runs for one in run.values()))
    for skew in SKEWS:
        yield {
            "what": "HTTP: one reservation a request",
            "connections": connections,
            "skew": skew,
            "lines": lines_of(skew),
            "keyed": True,
            **http.summed_up([run[skew] for run in runs], seconds),
            "records_a_commit": batch,
        }


def workload(directory: Path, size: str, name: str, connections: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Closed loop: one of the workloads, by itself on its own data directory."""
    http.prepare(directory, size)
    with http.serving(directory) as port:
        runs = [http.load(port, connections, seconds, size, seed, keyed=True, workload=name) for seed in range(rounds)]
        batch = http.mean_batch(port)
    http.audit(directory, sum(_changes(run, name) for run in runs))
    return {
        "what": f"HTTP: {name}",
        "connections": connections,
        "lines": LINES,
        "keyed": name != "batch",
        **http.summed_up(runs, seconds),
        "records_a_commit": batch,
    }


def at_half(directory: Path, size: str, connections: int, seconds: float, rounds: int) -> dict[str, Any]:
    """Open loop at half of what the same node does in a closed loop just before: latency as clients would see it."""
    http.prepare(directory, size)
    with http.serving(directory) as port:
        closed = [http.load(port, connections, seconds, size, seed, keyed=True) for seed in range(rounds)]
        saturation = http.summed_up(closed, seconds)["per_second"]
        rate = max(1.0, saturation / 2)
        runs = [
            http.load(port, connections, seconds, size, rounds + seed, keyed=True, rate=rate) for seed in range(rounds)
        ]
    http.audit(directory, sum(run["accepted"] for run in closed + runs))
    return {
        "what": "HTTP: one reservation a request at half of saturation, open loop",
        "connections": connections,
        "lines": LINES,
        "keyed": True,
        "saturation_per_second": saturation,
        "rate_per_second": rate,
        **http.summed_up(runs, seconds),
    }


def _changes(run: dict[str, Any], name: str) -> int:
    accepted: int = run["accepted"]
    if name == "batch":
        return accepted * BATCH_ITEMS
    return accepted - int(run["kinds"]["availability"]["accepted"] if name == "mixed" else 0)
