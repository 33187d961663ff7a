"""How long a node with many open reservations takes to come back, by replay and from a snapshot."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.server.books import Books, Paths
from bench.core import Unsound
from bench.upkeep import prepare, ready_seconds
from engine.replay import dumping
from engine.replay.recovery import Fold
from engine.state.state import State
from engine.wal import MemoryClosedTable


def measure(directory: Path, size: str, open_reservations: int) -> Iterator[dict[str, Any]]:
    """Facts replayed a second in process, then from the start of a process to ready, by replay and from a snapshot."""
    prepare(directory, size, open_reservations)
    held = {"open_reservations": open_reservations, "lines": 2}
    records, seconds = _replayed(directory)
    yield {
        "what": "restart: replay in process",
        **held,
        "records": records,
        "seconds": round(seconds, 2),
        "records_per_second": round(records / seconds),
    }
    yield {"what": "restart: ready by replay alone", **held, "ready_seconds": ready_seconds(directory)}
    started = time.perf_counter()
    make = [sys.executable, "-m", "api.cli.main", "snapshot", "--data", str(directory), "--json"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
    taken = round(time.perf_counter() - started, 2)
    yield {
        "what": "restart: ready from a snapshot",
        **held,
        "ready_seconds": ready_seconds(directory),
        "snapshot_taken_seconds": taken,
    }


def _replayed(directory: Path) -> tuple[int, float]:
    """Records and the seconds to fold them all; the digest must be the one of the state as it was opened."""
    books = Books(Paths.of(directory))
    try:
        again = State(MemoryClosedTable())
        started = time.perf_counter()
        Fold(again, books.journal.read(), keep_closed=False).advance(books.journal.last_seq)
        seconds = time.perf_counter() - started
        if dumping.digest(again) != dumping.digest(books.state):
            raise Unsound("replay gives another state")
        return books.state.seq, seconds
    finally:
        books.close()
