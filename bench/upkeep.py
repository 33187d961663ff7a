"""What snapshots, archives, backups and restarts cost a node that holds many open reservations."""

import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from api.server.books import Books, Paths
from bench.http import running
from bench.memory import rss_bytes
from bench.workloads import SIZES, reservations, shop
from engine.writer import Change, Writer

CONNECTIONS = 16
QUIET_SECONDS = 8.0


def prepare(directory: Path, size: str, open_reservations: int) -> None:
    """A data directory with a stocked shop and reservations that end in a day, besides what is there already."""
    books = Books(Paths.of(directory))
    writer = Writer(books.state, books.journal, time.time_ns)
    commands = [*shop(SIZES[size]), *islice(reservations(SIZES[size], 7), open_reservations)]
    for start in range(0, len(commands), 512):
        for command in commands[start : start + 512]:
            writer.submit(Change(command, "bench", lambda state, seq, facts: (201, b""), lambda outcome: None))
        while writer.settle():
            pass
    writer.flush_closed()
    books.close()


def _get(port: int, path: str, method: str = "GET") -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the node of this bench
        return msgspec.json.decode(answer.read())


def ready_seconds(directory: Path) -> float:
    """From the start of the process to the first 200 of /health/ready; it is killed then."""
    started = time.perf_counter()
    with running(
        "-m", "api.cli.main", "serve", "--data", str(directory), "--port", "PORT", "--dev", "--snapshot-seconds", "0"
    ) as port:
        while True:
            try:
                _get(port, "/health/ready")
                break
            except OSError:
                time.sleep(0.02)  # it is recovering
        seconds = time.perf_counter() - started
        os.kill(_pid(directory), signal.SIGKILL)
    return round(seconds, 2)


def _pid(directory: Path) -> int:
    return int((directory / "lock").read_text())


def measure(directory: Path, size: str, open_reservations: int, rate: float) -> Iterator[dict[str, Any]]:
    """Restart by replay; a steady load alone, while a snapshot and while a backup is made; restart from the snapshot."""
    data, backup, rows = directory / "data", directory / "backup", directory / "rows.npy"
    data.mkdir(exist_ok=True)
    prepare(data, size, open_reservations)
    yield {"what": "restart by replay", "open_reservations": open_reservations, "ready_seconds": ready_seconds(data)}
    with running(
        "-m", "api.cli.main", "serve", "--data", str(data), "--port", "PORT", "--dev", "--snapshot-seconds", "0"
    ) as port:
        while True:
            try:
                records = _get(port, "/v1/node")["seq"]
                break
            except OSError:
                time.sleep(0.05)  # it is recovering
        seconds = 3 * QUIET_SECONDS + 40
        words = ["--connections", str(CONNECTIONS), "--rate", str(rate), "--seconds", str(seconds), "--seed", "3"]
        words += ["--size", size, "--rows", str(rows), "--url", f"http://127.0.0.1:{port}"]
        load = subprocess.Popen([sys.executable, "-m", "bench.load", *words], stdout=subprocess.DEVNULL)
        windows = {"alone": _window(lambda: time.sleep(QUIET_SECONDS))}  # a window without anything else
        windows["snapshot"] = _window(lambda: _snapshot(port))
        windows["backup"] = _window(lambda: _backup(data, backup))
        memory = rss_bytes(_pid(data)) // 2**20
        if load.wait() != 0:
            raise AssertionError("the load failed")
    found = np.load(rows)
    for name, (began, ended) in windows.items():
        yield {
            "what": f"a steady load, {name}",
            "open_reservations": open_reservations,
            "rate_per_second": rate,
            "lasted_seconds": round(ended - began, 2),
            **_latencies(found, began, ended),
        }
    seconds = ready_seconds(data)
    yield {"what": "restart from the snapshot", "records": records, "ready_seconds": seconds, "rss_mib_before": memory}
    shutil.rmtree(backup)


def _window(work: Any) -> tuple[float, float]:
    began = time.time()
    work()
    return began, time.time()


def _snapshot(port: int) -> None:
    wanted = _get(port, "/v1/snapshots", "POST")["seq"]
    while True:
        page = _get(port, "/v1/snapshots")
        if any(found["seq"] >= wanted for found in page["items"]):
            return
        if page["making"] is None:
            raise AssertionError("no snapshot was made")
        time.sleep(0.2)  # the follower is at work


def _backup(data: Path, backup: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "api.cli.main", "backup", str(backup), "--data", str(data), "--json"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _latencies(rows: NDArray[np.float64], began: float, ended: float) -> dict[str, Any]:
    within = rows[(rows[:, 0] >= began) & (rows[:, 0] < ended), 1] * 1000
    return {
        "requests": len(within),
        "p50_ms": round(float(np.percentile(within, 50)), 2),
        "p99_ms": round(float(np.percentile(within, 99)), 2),
        "p999_ms": round(float(np.percentile(within, 99.9)), 2),
        "longest_ms": round(float(within.max()), 2),
    }
