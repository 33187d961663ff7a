"""What an order costs when many are in the journal already: whole orders in process, on disk, until there are so many.

`python -m bench.growth DIRECTORY SIZE COUNT...` prints a JSON object for each count.
"""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from api.serve import calm_collector
from api.server.books import Books, Paths
from bench.core import check, orders_of_a_batch
from bench.memory import rss_bytes
from bench.workloads import SIZES, reservations, shop
from engine.writer import Change, Writer

BATCH = 512
BASKETS = 5_000
MEASURED_PART = 5  # the last fifth before each count


class TimedWriter(Writer):
    """Remembers how long its longest turn took: until it ends, whatever has come meanwhile is not looked at."""

    longest_seconds = 0.0

    def settle(self) -> bool:
        """One batch, timed."""
        started = time.perf_counter()
        more = super().settle()
        self.longest_seconds = max(self.longest_seconds, time.perf_counter() - started)
        return more


def measure(directory: Path, size: str, counts: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """In a process of its own, so that its memory is only its own. Raises CalledProcessError if the books do not hold."""
    words = [sys.executable, "-m", "bench.growth", str(directory), size, *map(str, counts)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)


def grown(directory: Path, size: str, counts: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """At every count: the time an order took in the last fifth, and the longest batch since the count before.

    A batch is three turns of the writer: reserve, order, ship. The longest of these is told too.
    """
    books = Books(Paths.of(directory))
    writer = TimedWriter(books.state, books.journal, time.time_ns)
    for command in shop(SIZES[size]):
        writer.submit(Change(command, "bench", lambda state, seq, facts: (201, b""), lambda outcome: None))
        writer.settle()
    calm_collector()
    baskets = cycle([*islice(reservations(SIZES[size], 1), BASKETS)])
    done = 0
    for count in counts:
        slowest = writer.longest_seconds = 0.0
        measured_from = count - max(BATCH, (count - done) // MEASURED_PART)
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
            "longest_turn_ms": round(writer.longest_seconds * 1000, 1),
            "records": books.state.seq,
            "journal_mib": round(books.journal.bytes_used / 2**20, 1),
            "rss_mib": round(rss_bytes() / 2**20),
            "batch": BATCH,
            "lines": 2,
            "durable": True,
        }
    check(books.state, books.journal)
    books.close()


if __name__ == "__main__":
    where, size, *counts = sys.argv[1:]
    for figures in grown(Path(where), size, tuple(int(count) for count in counts)):
        print(json.dumps(figures), flush=True)
