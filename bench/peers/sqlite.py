"""SQLite in WAL mode with synchronous=FULL: in process, and the store behind the Starlette peer."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.peers.common import STOCKED, Unsound, Wanted, node_orders, requests
from bench.workloads import SIZES

TABLES = """
CREATE TABLE stock (sku INTEGER, node INTEGER, available INTEGER NOT NULL CHECK (available >= 0),
                    reserved INTEGER NOT NULL, PRIMARY KEY (sku, node)) WITHOUT ROWID;
CREATE TABLE journal (id INTEGER PRIMARY KEY, reservation INTEGER, sku INTEGER, node INTEGER, units INTEGER, at REAL);
CREATE TABLE keys (key TEXT PRIMARY KEY, reservation INTEGER, node INTEGER) WITHOUT ROWID;
"""


class Store:
    """A shop in one file. `reserve` is to be called inside a transaction."""

    def __init__(self, directory: Path, size: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        new = not (directory / "shop.db").exists()
        self.connection = sqlite3.connect(directory / "shop.db", isolation_level=None, cached_statements=64)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute("PRAGMA synchronous=FULL")
        self.connection.execute("PRAGMA cache_size=-200000")
        self.orders = node_orders(SIZES[size])
        if new:
            self.connection.executescript(TABLES)
            skus, nodes = SIZES[size].skus, SIZES[size].nodes
            with self.connection:
                self.connection.execute("BEGIN")
                self.connection.executemany(
                    "INSERT INTO stock VALUES (?, ?, ?, 0)",
                    ((sku, node, STOCKED) for sku in range(skus) for node in range(nodes)),
                )
        self.next = 1 + (self.connection.execute("SELECT max(reservation) FROM journal").fetchone()[0] or 0)

    def reserve(self, wanted: Wanted, key: str | None) -> tuple[int, int] | None:
        """(reservation, node), the one known for the key, or None if no node has everything."""
        execute = self.connection.execute
        if key is not None:
            known = execute("SELECT reservation, node FROM keys WHERE key = ?", (key,)).fetchone()
            if known:
                return known[0], known[1]
        for node in self.orders[wanted.area]:
            if all(
                execute("SELECT available FROM stock WHERE sku = ? AND node = ?", (sku, node)).fetchone()[0] >= units
                for sku, units in wanted.lines
            ):
                break
        else:
            return None
        number, self.next = self.next, self.next + 1
        now = time.time()
        for sku, units in wanted.lines:
            execute(
                "UPDATE stock SET available = available - ?, reserved = reserved + ? WHERE sku = ? AND node = ?",
                (units, units, sku, node),
            )
            execute(
                "INSERT INTO journal (reservation, sku, node, units, at) VALUES (?, ?, ?, ?, ?)",
                (number, sku, node, units, now),
            )
        if key is not None:
            execute("INSERT INTO keys VALUES (?, ?, ?)", (key, number, node))
        return number, node

    def audit(self) -> int:
        """Reservations made. Raises Unsound."""
        (journalled,) = self.connection.execute("SELECT coalesce(sum(units), 0) FROM journal").fetchone()
        reserved, off = self.connection.execute(
            "SELECT sum(reserved), sum(available + reserved <> ?) FROM stock", (STOCKED,)
        ).fetchone()
        if journalled != reserved or off:
            raise Unsound("SQLite: the journal and the stock differ")
        made: int = self.connection.execute("SELECT count(DISTINCT reservation) FROM journal").fetchone()[0]
        return made


def in_process(
    directory: Path, size: str, count: int, batches: tuple[int, ...] = (1, 50, 500)
) -> Iterator[dict[str, Any]]:
    """Reservations a second, so many in a transaction; no HTTP."""
    for hot in (False, True):
        for batch in batches:
            some = min(count, 2_000) if batch == 1 else count
            store = Store(directory / f"sqlite-{batch}-{hot}", size)
            work = list(requests(SIZES[size], some, hot))
            started = time.perf_counter()
            for first in range(0, some, batch):
                store.connection.execute("BEGIN IMMEDIATE")
                for at in range(first, min(first + batch, some)):
                    store.reserve(work[at], f"{at:016x}")
                store.connection.execute("COMMIT")
            seconds = time.perf_counter() - started
            if store.audit() != some:
                raise Unsound("SQLite: reservations are missing")
            store.connection.close()
            yield {
                "what": "peer: SQLite in process, WAL, synchronous=FULL",
                "per_second": round(some / seconds),
                "count": some,
                "batch": batch,
                "hot": hot,
                "durable": True,
                "sqlite": sqlite3.sqlite_version,
                "differs": "one reservation is a handful of SQL statements from Python",
            }
