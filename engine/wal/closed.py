"""Closed things on disk: a derived LMDB table of final states, keyed by table and key, listed by serial.

It can be deleted while the node is down and comes back by replay. Values are opaque bytes.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import lmdb

from engine.wal.errors import FULL_ERRNOS, StorageFull
from engine.wal.segments import LMDB_FORMAT, MAP_BYTES_FIRST, MAP_BYTES_STEP_MAX

_THROUGH = b"through_seq"


class ClosedEntry(NamedTuple):
    """One thing: found by `key` or any of `aliases`, listed by `serial`, the seq that made it."""

    table: str
    serial: int
    key: str
    aliases: tuple[str, ...]
    value: bytes


def _named(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def _listed(table: str, serial: int) -> bytes:
    return table.encode() + b"\0" + serial.to_bytes(8, "big")


class ClosedTable:
    """The table in `directory`. Everything up to record `through_seq` has been entered."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = directory / "data.mdb"
        self._map_bytes = max(MAP_BYTES_FIRST, file.stat().st_size if file.exists() else 0)
        self._environment = lmdb.open(
            str(directory), map_size=self._map_bytes, max_dbs=4, lib_version=LMDB_FORMAT, mode=0o600
        )
        self._values = self._environment.open_db(b"values")
        self._aliases = self._environment.open_db(b"aliases")
        self._serials = self._environment.open_db(b"serials")
        self._meta = self._environment.open_db(b"meta")
        with self._environment.begin(db=self._meta) as transaction:
            self.through_seq = int.from_bytes(transaction.get(_THROUGH, b""), "big")

    def store(self, entries: Sequence[ClosedEntry], through_seq: int) -> None:
        """Enter or replace, in one durable commit. Raises StorageFull with nothing entered."""
        while True:
            try:
                self._store(entries, through_seq)
                break
            except lmdb.MapFullError:
                self._grow()
            except lmdb.Error as error:  # a full disk shows as a short write; nothing was entered
                raise StorageFull(f"closed orders could not be put on disk: {error}") from error
        self.through_seq = through_seq

    def _store(self, entries: Sequence[ClosedEntry], through_seq: int) -> None:
        with self._environment.begin(write=True) as transaction:
            for entry in entries:
                name = _named(entry.table, entry.key)
                transaction.put(name, entry.value, db=self._values)
                transaction.put(_listed(entry.table, entry.serial), name, db=self._serials)
                for alias in entry.aliases:
                    transaction.put(_named(entry.table, alias), name, db=self._aliases)
            transaction.put(_THROUGH, through_seq.to_bytes(8, "big"), db=self._meta)

    def _grow(self) -> None:
        larger = self._map_bytes + min(self._map_bytes, MAP_BYTES_STEP_MAX)
        descriptor = os.open(Path(self._environment.path()) / "data.mdb", os.O_RDWR)
        try:
            os.posix_fallocate(descriptor, 0, larger)
        except OSError as error:
            if error.errno in FULL_ERRNOS:
                raise StorageFull(f"closed orders could not be put on disk: {error.strerror}") from error
            raise
        finally:
            os.close(descriptor)
        self._environment.set_mapsize(larger)
        self._map_bytes = larger

    def get(self, table: str, key: str) -> bytes | None:
        """The value under a key."""
        with self._environment.begin(db=self._values) as transaction:
            return transaction.get(_named(table, key))

    def get_by_alias(self, table: str, alias: str) -> bytes | None:
        """The value under an alias."""
        with self._environment.begin() as transaction:
            name = transaction.get(_named(table, alias), db=self._aliases)
            return None if name is None else transaction.get(name, db=self._values)

    def newest(self, table: str, before_serial: int | None = None) -> Iterator[tuple[int, bytes]]:
        """(serial, value), the highest serial first, from those below `before_serial`. Short transactions, a page each."""
        serial = 2**63 if before_serial is None else before_serial
        while True:
            page: list[tuple[int, bytes]] = []
            with self._environment.begin() as transaction, transaction.cursor(db=self._serials) as cursor:
                more = cursor.prev() if cursor.set_range(_listed(table, serial)) else cursor.last()
                prefix = _listed(table, 0)[:-8]
                while more and cursor.key().startswith(prefix) and len(page) < 100:
                    value = transaction.get(cursor.value(), db=self._values)
                    assert value is not None
                    page.append((int.from_bytes(cursor.key()[-8:], "big"), value))
                    more = cursor.prev()
            yield from page
            if len(page) < 100:
                return
            serial = page[-1][0]

    def clear(self) -> None:
        """Forget everything; replay enters it again."""
        with self._environment.begin(write=True) as transaction:
            for database in (self._values, self._aliases, self._serials, self._meta):
                transaction.drop(database, delete=False)
        self.through_seq = 0

    def close(self) -> None:
        """Let the environment go."""
        self._environment.close()


class MemoryClosedTable:
    """The same in memory, for tests and simulations."""

    def __init__(self) -> None:
        self.through_seq = 0
        self._values: dict[tuple[str, str], bytes] = {}
        self._aliases: dict[tuple[str, str], str] = {}
        self._serials: dict[tuple[str, int], str] = {}

    def store(self, entries: Sequence[ClosedEntry], through_seq: int) -> None:
        """Enter or replace."""
        for entry in entries:
            self._values[entry.table, entry.key] = entry.value
            self._serials[entry.table, entry.serial] = entry.key
            for alias in entry.aliases:
                self._aliases[entry.table, alias] = entry.key
        self.through_seq = through_seq

    def get(self, table: str, key: str) -> bytes | None:
        """The value under a key."""
        return self._values.get((table, key))

    def get_by_alias(self, table: str, alias: str) -> bytes | None:
        """The value under an alias."""
        key = self._aliases.get((table, alias))
        return None if key is None else self._values[table, key]

    def newest(self, table: str, before_serial: int | None = None) -> Iterator[tuple[int, bytes]]:
        """(serial, value), the highest serial first, from those below `before_serial`."""
        serials = [s for t, s in self._serials if t == table and (before_serial is None or s < before_serial)]
        for serial in sorted(serials, reverse=True):
            yield serial, self._values[table, self._serials[table, serial]]

    def clear(self) -> None:
        """Forget everything."""
        self.__init__()  # type: ignore[misc]

    def close(self) -> None:
        """Nothing to let go."""
