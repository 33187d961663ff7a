"""What an order costs when many are in the journal already: whole orders in process, on disk, until there are so many."""

import itertools
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from api.books import Books, Paths
from bench.core import Unsound, orders_of_a_batch
from bench.memory import rss_bytes
from bench.workloads import SIZES, reservations, shop
from engine import invariants, machine
from engine.recovery import Fold
from engine.state import State
from engine.wal import MemoryClosedTable
from engine.writer import Change, Writer

BATCH = 512
BASKETS = 5_000
MEASURED_PART = 5  # the last fifth before each count


def measure(directory: Path, size: str, counts: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """At every count: the time an order took in the last fifth, and the longest batch since the count before."""
    books = Books(Paths.of(directory))
    writer = Writer(books.state, books.journal, time.time_ns)
    for command in shop(SIZES[size]):
        writer.submit(Change(command, "bench", lambda state, seq, facts: (201, b""), lambda outcome: None))
        writer.settle()
    baskets = cycle([*islice(reservations(SIZES[size], 1), BASKETS)])
    done = 0
    for count in counts:
        slowest, measured_from = 0.0, count - max(BATCH, (count - done) // MEASURED_PART)
        spent, spent_orders = 0.0, 0
        while done < count:
            orders = min(BATCH, count - done)
            started = time.perf_counter()
            orders_of_a_batch(writer, [*itertools.islice(baskets, orders)])
            taken = time.perf_counter() - started
            done += orders
            slowest = max(slowest, taken)
            if done > measured_from:
                spent, spent_orders = spent + taken, spent_orders + orders
        yield {
            "what": "growth: reserve, order, ship in process",
            "orders": done,
            "microseconds_an_order": round(spent / spent_orders * 1e6, 2),
            "longest_batch_ms": round(slowest * 1000, 1),
            "records": books.state.seq,
            "journal_mib": round(books.journal.bytes_used / 2**20, 1),
            "rss_mib": round(rss_bytes() / 2**20),
            "batch": BATCH,
            "lines": 2,
            "durable": True,
        }
    _audit(books)
    books.close()


def _audit(books: Books) -> None:
    """The books hold and replay gives the same state. Closed orders are forgotten on the way: they may not fit in memory."""
    violations = invariants.check(books.state)
    if violations:
        raise Unsound("; ".join(violations[:5]))
    again = State(MemoryClosedTable())
    Fold(again, books.journal.read(), keep_closed=False).advance(books.journal.last_seq)
    if machine.digest(again) != machine.digest(books.state):
        raise Unsound("replay gives another state")
