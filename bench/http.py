"""Over HTTP: durable reservations against the floor, in turn on the same machine, and the placements of the commit."""

import json
import signal
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.server.server import Server
from bench.core import Unsound, check
from bench.workloads import SIZES, shop
from engine.commands import Command
from engine.writer import Change, Writer


def prepare(directory: Path, size: str, more: Iterable[Command] = ()) -> None:
    """A data directory with a stocked shop, and what `more` sets up."""
    node = Server.open(directory)
    writer = Writer(node.state, node.journal, time.time_ns)
    for command in (*shop(SIZES[size]), *more):
        writer.submit(Change(command, "bench", lambda state, seq, facts: (201, b""), lambda outcome: None))
        while writer.settle():
            pass
    node.close()


def audit(directory: Path, changes_answered: int = 0) -> None:
    """After a run: the books hold, replay gives the same state, and there is a record for every change that was answered 2xx."""
    node = Server.open(directory)
    try:
        check(node.state, node.journal)
        if node.state.seq < changes_answered:
            raise Unsound(f"{changes_answered} changes were answered, {node.state.seq} are written")
    finally:
        node.close()


@contextmanager
def running(*command: str) -> Iterator[int]:
    """A server in its own process; gives its port. PORT in the command is replaced."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    arguments = [sys.executable, *(str(port) if word == "PORT" else word for word in command)]
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            try:
                with socket.create_connection(("127.0.0.1", port), timeout=5):
                    break
            except OSError:
                time.sleep(0.05)  # it is starting
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def serving(directory: Path, *options: str) -> Iterator[int]:
    """A node as it is shipped, without snapshots of its own accord unless asked; gives its port when it is ready."""
    words = ("-m", "api.cli.main", "serve", "--data", str(directory), "--port", "PORT", "--dev")
    with running(*words, *(options or ("--snapshot-seconds", "0"))) as port:
        for _ in range(6_000):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10):
                    break
            except OSError:
                time.sleep(0.02)  # it is recovering
        yield port


def load(
    port: int,
    connections: int,
    seconds: float,
    size: str,
    seed: int,
    keyed: bool,
    hot: bool = False,
    *,
    workload: str = "reserve",
    skew: str = "zipf",
    rate: float | None = None,
    unit_prices: bool = True,
) -> dict[str, Any]:
    """One run of the generator in its own process: closed loop, or open loop at `rate` requests a second."""
    words = ["--connections", str(connections), "--seconds", str(seconds), "--size", size, "--seed", str(seed)]
    words += ["--workload", workload, "--skew", "hot" if hot else skew]
    words += ["--keyed"] if keyed else []
    words += ["--rate", str(rate)] if rate else []
    words += [] if unit_prices else ["--no-unit-prices"]
    command = [sys.executable, "-m", "bench.load", "--url", f"http://127.0.0.1:{port}", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def against_the_floor(
    directory: Path, size: str, connections: int, seconds: float, rounds: int, keyed: bool
) -> dict[str, Any]:
    """Kontor and the floor in turn, `rounds` times; medians and the median of the ratios of each round."""
    prepare(directory, size)
    with (
        running("-m", "bench.placement", "loop", str(directory), "PORT") as kontor,
        running("-m", "bench.floor", "PORT") as floor,
    ):
        pairs = [
            (
                load(kontor, connections, seconds, size, seed, keyed),
                load(floor, connections, seconds, size, seed, keyed),
            )
            for seed in range(rounds)
        ]
        batch = mean_batch(kontor)
    audit(directory)
    return {
        "what": "HTTP: one durable reservation a request, 2 lines",
        "connections": connections,
        "keyed": keyed,
        "rounds": rounds,
        "seconds": seconds,
        "records_a_commit": batch,
        "kontor": median(pairs, 0),
        "floor": median(pairs, 1),
        "ratio": round(statistics.median(ours["per_second"] / theirs["per_second"] for ours, theirs in pairs), 3),
        "failed": sum(ours["failed"] + theirs["failed"] for ours, theirs in pairs),
    }


def price_of_choice(directory: Path, connections: int, seconds: float, rounds: int) -> dict[str, Any]:
    """The same reservations where 20 nodes may send and where there is only one, in turn: what sourcing costs over HTTP."""
    sizes = ("medium", "one node")
    for size in sizes:
        prepare(directory / size, size)
    with (
        running("-m", "bench.placement", "loop", str(directory / sizes[0]), "PORT") as many,
        running("-m", "bench.placement", "loop", str(directory / sizes[1]), "PORT") as one,
    ):
        pairs = [
            (
                load(many, connections, seconds, sizes[0], seed, keyed=False),
                load(one, connections, seconds, sizes[1], seed, keyed=False),
            )
            for seed in range(rounds)
        ]
    for size in sizes:
        audit(directory / size)
    return {
        "what": "HTTP: one durable reservation a request, 20 nodes to choose from against one",
        "connections": connections,
        "rounds": rounds,
        "seconds": seconds,
        "20 nodes": median(pairs, 0),
        "one node": median(pairs, 1),
        "ratio": round(statistics.median(many["per_second"] / one["per_second"] for many, one in pairs), 3),
    }


def placements(directory: Path, size: str, connections: int, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """The same load on each placement of the commit, in turn."""
    found: dict[str, list[tuple[dict[str, Any]]]] = {}
    for variant in ("loop", "commit-thread", "writer-thread"):
        prepare(directory / variant, size)
    for seed in range(rounds):
        for variant in ("loop", "commit-thread", "writer-thread"):
            with running("-m", "bench.placement", variant, str(directory / variant), "PORT") as port:
                found.setdefault(variant, []).append((load(port, connections, seconds, size, seed, keyed=False),))
    for variant in found:
        audit(directory / variant)
    return [
        {"what": f"commit placement: {variant}", "connections": connections, "rounds": rounds, **median(runs, 0)}
        for variant, runs in found.items()
    ]


MEASURED = ("per_second", "p50_ms", "p90_ms", "p99_ms", "p999_ms", "longest_ms", "longest_stall_ms", "generator_cpu")


def median(runs: list[Any], which: int) -> dict[str, Any]:
    """The median of every figure of the runs at a position."""
    return {name: statistics.median(run[which][name] for run in runs) for name in MEASURED}


def summed_up(runs: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Several runs of one load: medians, except that nothing that went wrong and no stall is left out."""
    optional = [name for name in ("reservations_per_second", "orders_per_hour") if name in runs[0]]
    return {
        **{name: statistics.median(run[name] for run in runs) for name in (*MEASURED, *optional)},
        "longest_ms": max(run["longest_ms"] for run in runs),
        "longest_stall_ms": max(run["longest_stall_ms"] for run in runs),
        "refused": sum(run["refused"] for run in runs),
        "failed": sum(run["failed"] for run in runs),
        "generator_bound": any(run["generator_bound"] for run in runs),
        "durable": True,
        "rounds": len(runs),
        "seconds": seconds,
    }


def mean_batch(port: int) -> float:
    """Records a commit over the node's life, from its metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        lines = dict(line.rsplit(" ", 1) for line in page.read().decode().splitlines() if not line.startswith("#"))
    return round(float(lines["kontor_batch_records_sum"]) / max(1.0, float(lines["kontor_batch_records_count"])), 1)
