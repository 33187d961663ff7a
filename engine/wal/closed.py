"""Closed things on disk: a derived LMDB table of final states, keyed by table and key, listed by serial.

It can be deleted while the node is down and comes back by replay. Values are opaque bytes, each with a checksum; the
file is not checked page by page at every start, since it grows with all orders there ever were: `kontor verify` does
that.
"""

import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import lmdb

from engine.wal.access import may_write, need
from engine.wal.errors import FULL_ERRNOS, JournalFailed, StorageFull
from engine.wal.lock import take_over
from engine.wal.meta import meta_pages, pages_hold_together
from engine.wal.segments import LMDB_FORMAT, MAP_BYTES_FIRST, MAP_BYTES_STEP_MAX

_THROUGH, _VERSION_KEY, _VERSION = b"through_seq", b"version", b"1"
_CRC_BYTES = 4


class ClosedDamaged(Exception):
    """The table, or something in it, can't be read. Delete its folder while the node is down: replay makes it anew."""


class ClosedEntry(NamedTuple):
    """One thing: found by `key` or any of `aliases`, listed by `serial`, the seq that made it."""

    table: str
    serial: int
    key: str
    aliases: tuple[str, ...]
    value: bytes


def _named(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def _sealed(name: bytes, value: bytes) -> bytes:
    return zlib.crc32(value, zlib.crc32(name)).to_bytes(_CRC_BYTES, "big") + value


def _listed(table: str, serial: int) -> bytes:
    return table.encode() + b"\0" + serial.to_bytes(8, "big")


class ClosedTable:
    """The table in `directory`. Everything up to record `through_seq` has been entered.

    `readonly` looks at what is there. Raises ClosedDamaged when the file can't be read, NotPermitted, StorageFull when
    there is no room for it.
    """

    def __init__(self, directory: Path, *, readonly: bool = False) -> None:
        self._readonly = readonly
        self._file = directory / "data.mdb"
        for path in (directory, self._file, directory / "lock.mdb"):
            need(path, write=not readonly)
        if not readonly:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not self._file.exists()
        if not is_new and isinstance(pages := meta_pages(self._file), str):
            raise ClosedDamaged(f"{self._file} is {pages}")
        self._map_bytes = max(MAP_BYTES_FIRST, 0 if is_new else self._file.stat().st_size)
        try:
            self._open(directory)
            if not readonly:
                self._preallocate(self._map_bytes)
            with self._environment.begin(write=is_new, db=self._meta) as transaction:
                if is_new:
                    transaction.put(_VERSION_KEY, _VERSION)
                version = transaction.get(_VERSION_KEY)
                self.through_seq = int.from_bytes(transaction.get(_THROUGH, b""), "big")
        except lmdb.Error as error:
            raise ClosedDamaged(f"{self._file} can't be opened: {error}") from error
        if version != _VERSION:
            self.close()
            raise ClosedDamaged(f"{self._file} was made by another release")

    def _open(self, directory: Path) -> None:
        self._environment = lmdb.open(
            str(directory),
            map_size=self._map_bytes,
            max_dbs=4,
            lib_version=LMDB_FORMAT,
            mode=0o600,
            readonly=self._readonly,
            lock=not self._readonly or may_write(directory / "lock.mdb"),
        )
        if not self._readonly:
            take_over(self._environment)
        self._values, self._aliases, self._serials, self._meta = (
            self._environment.open_db(name, create=not self._readonly)
            for name in (b"values", b"aliases", b"serials", b"meta")
        )

    def store(self, entries: Sequence[ClosedEntry], through_seq: int) -> None:
        """Enter or replace, in one durable commit. Raises StorageFull (nothing entered), JournalFailed (must end)."""
        while True:
            try:
                self._store(entries, through_seq)
                break
            except lmdb.MapFullError:
                self._grow()
            except lmdb.Error as error:
                if error.code in FULL_ERRNOS:
                    raise StorageFull(f"closed orders could not be put on disk: {error}") from error
                raise JournalFailed(f"closed orders could not be put on disk: {error}") from error
        self.through_seq = through_seq

    def _store(self, entries: Sequence[ClosedEntry], through_seq: int) -> None:
        with self._environment.begin(write=True) as transaction:
            for entry in entries:
                name = _named(entry.table, entry.key)
                transaction.put(name, _sealed(name, entry.value), db=self._values)
                transaction.put(_listed(entry.table, entry.serial), name, db=self._serials)
                for alias in entry.aliases:
                    transaction.put(_named(entry.table, alias), name, db=self._aliases)
            transaction.put(_THROUGH, through_seq.to_bytes(8, "big"), db=self._meta)

    def _grow(self) -> None:
        larger = self._map_bytes + min(self._map_bytes, MAP_BYTES_STEP_MAX)
        self._preallocate(larger)
        self._environment.set_mapsize(larger)
        self._map_bytes = larger

    def _preallocate(self, size: int) -> None:
        """Have blocks for the whole map: in mid-commit LMDB reports a full disk as broken."""
        descriptor = os.open(self._file, os.O_RDWR)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno in FULL_ERRNOS:
                raise StorageFull(f"closed orders could not be put on disk: {error.strerror}") from error
            raise
        finally:
            os.close(descriptor)

    def get(self, table: str, key: str) -> bytes | None:
        """The value under a key."""
        with self._environment.begin(db=self._values) as transaction:
            return self._checked(transaction, _named(table, key))

    def get_by_alias(self, table: str, alias: str) -> bytes | None:
        """The value under an alias."""
        with self._environment.begin() as transaction:
            name = transaction.get(_named(table, alias), db=self._aliases)
            return None if name is None else self._checked(transaction, name)

    def _checked(self, transaction: lmdb.Transaction, name: bytes) -> bytes | None:
        sealed = transaction.get(name, db=self._values)
        if sealed is None:
            return None
        value = bytes(sealed[_CRC_BYTES:])
        if _sealed(name, value) != sealed:
            raise ClosedDamaged(f"the checksum of {name!r} in {self._file} does not match")
        return value

    def newest(self, table: str, before_serial: int | None = None) -> Iterator[tuple[int, bytes]]:
        """(serial, value), the highest serial first, of those below `before_serial`. A short transaction a page."""
        serial = 2**63 if before_serial is None else before_serial
        while True:
            page: list[tuple[int, bytes]] = []
            with self._environment.begin() as transaction, transaction.cursor(db=self._serials) as cursor:
                more = cursor.prev() if cursor.set_range(_listed(table, serial)) else cursor.last()
                prefix = _listed(table, 0)[:-8]
                while more and cursor.key().startswith(prefix) and len(page) < 100:
                    value = self._checked(transaction, cursor.value())
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
            for database in (self._values, self._aliases, self._serials):
                transaction.drop(database, delete=False)
            transaction.delete(_THROUGH, db=self._meta)
        self.through_seq = 0

    def verify(self) -> list[str]:
        """Look at every page and every value; gives what is wrong. Nobody writes meanwhile."""
        if not pages_hold_together(self._file):
            return [f"the pages of {self._file} do not hold together"]
        with self._environment.begin() as transaction, transaction.cursor(db=self._values) as cursor:
            try:
                for name in cursor.iternext(values=False):
                    self._checked(transaction, name)
            except (ClosedDamaged, lmdb.Error) as error:
                return [str(error)]
        return []

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
