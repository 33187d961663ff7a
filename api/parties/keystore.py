"""The keys of the people in the journal, and the only place where a person can be forgotten.

Every party has one 32-byte key per purpose. Facts carry sealed blobs only; destroying a key makes them
unreadable in the journal, in snapshots and in archives, without touching those.

A key is derived from two halves: a *share* in a small LMDB environment and a *pad* in a plain file
(`pads.py`). LMDB keeps deleted bytes in unused pages, the pads file is overwritten in place: after `destroy`
no file of the directory, whole or in part, yields the key. Everything runs on one thread.

    DATA/parties/master     32 random bytes; node secrets are derived from it
    DATA/parties/data.mdb   m            -> next slot, parties alive, fingerprint of the master secret
                            p party      -> share; state, slot or time_ns, check of each purpose; digest
                            r digest     -> party (keyed digest of the merchant's customer number)
                            w slot       -> nothing (a pad to be wiped again at the next opening)
    DATA/parties/pads       32 bytes per slot
"""

import errno
import hmac
import os
import re
import resource
import stat
import struct
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import lmdb

from api.parties.pads import WIPED, Pads, PadsTruncated
from engine.wal.access import need
from engine.wal.errors import StorageFull
from engine.wal.files import sync_directory
from engine.wal.lock import take_over

CONTACT: Final = "contact"
BILLING: Final = "billing"
PURPOSES: Final = (CONTACT, BILLING)

KEY_BYTES: Final = 32
PENDING_ENTRIES_MAX: Final = 200_000  # parties wait in memory only while the disk is full
MAP_BYTES_INITIAL: Final = 16 * 1024 * 1024
GROWTH_BYTES: Final = 1024 * 1024
LMDB_FORMAT: Final = 0  # the 0.9 file format

_PARTY_PREFIX = "p-"
_PARTY_ID = re.compile(r"p-[0-9a-f]{32}")
_META = struct.Struct(">QQ16s")
_ENTRY = struct.Struct(">BQ8s")  # one purpose of a party: state, slot or time_ns, check
_NEVER, _LIVE, _ERASED = range(3)
_SHARE_BYTES = 32
_SLOT = struct.Struct(">Q")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})


class Erased(NamedTuple):
    """Stands where a key was. `time_ns` is when it was destroyed: nanoseconds since 1970, the caller's."""

    time_ns: int


class _Entry(NamedTuple):
    """One purpose of a party. `value` is the slot of a live key, or when it was erased."""

    state: int
    value: int
    check: bytes


class PartyKeysDamaged(Exception):
    """The key store is incomplete or does not belong together. To go on would lose personal data silently."""


class PartyKeysMissing(PartyKeysDamaged):
    """There is no key store where one must be: a new one would make nobody's name readable again."""


class PartyKeys:
    """The key store in `directory`, created when it is not there. One process, one thread.

    `map_bytes_initial` is the LMDB map to start with; it doubles by itself when it is full.
    Raises PartyKeysDamaged when files are missing, cut short or from another node, OSError or lmdb.Error when
    they cannot be read.
    """

    def __init__(self, directory: Path, *, map_bytes_initial: int = MAP_BYTES_INITIAL) -> None:
        for path in (directory, *(directory / name for name in ("master", "data.mdb", "lock.mdb", "pads"))):
            need(path, write=path.name != "master")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(directory.stat().st_mode) & 0o077:
            directory.chmod(0o700)
        self._directory = directory
        self._map_bytes_initial = map_bytes_initial
        self._pid = os.getpid()
        self._pending: dict[bytes, bytes] = {}
        self._alive = 0
        self._master, is_new = self._read_master()
        self._fingerprint = self.node_secret("fingerprint")[:16]
        self._env = self._open_environment()
        self._data = os.open(directory / "data.mdb", os.O_RDWR | os.O_CLOEXEC)
        try:
            next_slot = self._read_meta(is_new)
            self._pads = Pads(directory / "pads", next_slot)
            if is_new:
                self._create()
            self._finish_wipes()
        except PadsTruncated as problem:
            self._close_environment()
            raise PartyKeysDamaged(f"{problem}; {_WAY_OUT}") from problem
        except BaseException:
            self._close_environment()
            raise

    @property
    def parties_count(self) -> int:
        """Parties with at least one key, pending ones included."""
        return self._alive

    @property
    def pending_count(self) -> int:
        """Entries that wait for the next flush."""
        return len(self._pending)

    def party_for(self, reference: str | None) -> str:
        """The party behind a merchant's customer number, or a new one.

        A new party gets a pending key for every purpose. Without a reference every call makes a new party. As
        soon as one of its keys was destroyed, a party takes nothing new: its reference leads to a new party.
        Raises StorageFull when too much is pending and it cannot be written.
        """
        known = None if reference is None else self.known_party(reference)
        if known is not None:
            return known
        digest = b"" if reference is None else self._digest_of(reference)
        if len(self._pending) >= PENDING_ENTRIES_MAX:
            self.flush()
        party, share = os.urandom(16), os.urandom(_SHARE_BYTES)
        entries = []
        for purpose in PURPOSES:
            slot, pad = self._pads.assign()
            entries.append(_Entry(_LIVE, slot, _derive(pad, share, party, purpose)[KEY_BYTES:]))
        self._pending[b"p" + party] = _pack(share, entries, digest)
        if digest:
            self._pending[b"r" + digest] = party
        self._alive += 1
        return _PARTY_PREFIX + party.hex()

    def known_party(self, reference: str) -> str | None:
        """The party behind a merchant's customer number, if there is one."""
        known = self._get(b"r" + self._digest_of(reference))
        return None if known is None else _PARTY_PREFIX + known.hex()

    def _digest_of(self, reference: str) -> bytes:
        return hmac.digest(self._master, b"kontor/reference/1|" + reference.encode(), "sha256")

    def key(self, party: str, purpose: str) -> bytes | Erased | None:
        """The 32-byte key, Erased when it was destroyed, None when there never was one.

        Raises PartyKeysDamaged when the halves do not fit together, ValueError when `party` is no party id.
        """
        raw = _raw(party)
        record = self._get(b"p" + raw)
        if record is None:
            return None
        state, slot, check = _ENTRY.unpack_from(record, _SHARE_BYTES + PURPOSES.index(purpose) * _ENTRY.size)
        if state != _LIVE:
            return Erased(slot) if state == _ERASED else None
        share = record[:_SHARE_BYTES]
        pad = self._pads.read(slot)
        derived = _derive(pad, share, raw, purpose)
        if pad == WIPED or derived[KEY_BYTES:] != check:
            where = f"{self._directory}: pad {slot}"
            raise PartyKeysDamaged(f"{where} is not the one of {party} {purpose}; {_WAY_OUT}")
        return derived[:KEY_BYTES]

    def flush(self) -> None:
        """Make everything pending durable in one commit; nothing to do costs nothing.

        Raises StorageFull when the disk is full: nothing was written, everything stays pending. Other errors
        (OSError, lmdb.Error) pass: the store must not be used any more.
        """
        if not self._pending:
            return
        try:
            self._pads.make_durable()
        except OSError as problem:
            raise _translated(problem) from problem
        self._commit(self._pending, (), alive=self._alive)
        self._pending.clear()

    def destroy(self, party: str, purposes: Collection[str], time_ns: int) -> int:
        """Destroy keys for ever, durable when this returns. Answers how many were destroyed by this call.

        A tombstone with `time_ns` stays, also for a party this store never knew; a second call keeps the
        first time. Raises StorageFull when the disk is full: nothing was destroyed.
        """
        assert time_ns > 0
        assert set(purposes) <= set(PURPOSES), purposes
        raw = _raw(party)
        share, entries, digest = _unpack(self._get(b"p" + raw))
        doomed = [
            index for index, purpose in enumerate(PURPOSES) if purpose in purposes and entries[index].state != _ERASED
        ]
        if not doomed:
            return 0
        self.flush()
        slots = [entries[index].value for index in doomed if entries[index].state == _LIVE]
        for index in doomed:
            entries[index] = _Entry(_ERASED, time_ns, bytes(8))
        still_alive = any(entry.state == _LIVE for entry in entries)
        puts = {b"p" + raw: _pack(share if still_alive else bytes(_SHARE_BYTES), entries, b"")}
        puts |= {b"w" + _SLOT.pack(slot): b"" for slot in slots}
        alive = self._alive - (bool(slots) and not still_alive)
        self._commit(puts, [b"r" + digest] if digest else [], alive)
        self._alive = alive
        self._pads.wipe(slots)
        return len(slots)

    def node_secret(self, name: str) -> bytes:
        """32 secret bytes for one use on this node, always the same for the same name."""
        return hmac.digest(self._master, b"kontor/node-secret/1|" + name.encode(), "sha256")

    def close(self) -> None:
        """Close the files. What is pending and was not flushed is forgotten."""
        self._pads.close()
        self._close_environment()

    def _close_environment(self) -> None:
        os.close(self._data)
        self._env.close()

    def _get(self, entry: bytes) -> bytes | None:
        assert os.getpid() == self._pid, "a fork can't use the key store"
        found = self._pending.get(entry)
        if found is None:
            with self._env.begin() as transaction:
                found = transaction.get(entry)
        return found

    def _commit(self, puts: Mapping[bytes, bytes], deletes: Iterable[bytes], alive: int) -> None:
        """One durable transaction. Room is made first, so a full disk shows before anything is written."""
        assert os.getpid() == self._pid, "a fork can't use the key store"
        self._make_room(len(puts) + 4)
        before = self._env.info()["last_txnid"]
        while True:
            try:
                with self._env.begin(write=True) as transaction:
                    for entry in sorted(puts):
                        transaction.put(entry, puts[entry])
                    for entry in deletes:
                        transaction.delete(entry)
                    transaction.put(b"m", _META.pack(self._pads.next_slot, alive, self._fingerprint))
                return
            except lmdb.MapFullError:
                self._env.set_mapsize(self._env.info()["map_size"] * 2)
            except lmdb.Error as problem:
                if problem.code in _FULL and self._env.info()["last_txnid"] == before:
                    raise StorageFull(f"{self._directory}: {problem}") from problem
                raise

    def _make_room(self, entries: int) -> None:
        """Allocate the blocks a commit can need: in mid-commit LMDB reports a full disk as broken."""
        tree = self._env.stat()
        pages = min(entries, tree["leaf_pages"]) + min(entries * tree["depth"], tree["branch_pages"])
        pages += entries // 8 + tree["depth"] + 32
        wanted = (self._env.info()["last_pgno"] + 1 + pages) * tree["psize"]
        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if limit != resource.RLIM_INFINITY and wanted > limit:
            raise StorageFull(f"{self._directory / 'data.mdb'} may not grow beyond {limit} bytes")
        size = os.fstat(self._data).st_size
        if size < wanted:
            try:
                os.posix_fallocate(self._data, size, wanted - size + GROWTH_BYTES)
            except OSError as problem:
                raise _translated(problem) from problem

    def _read_master(self) -> tuple[bytes, bool]:
        """The master secret; or a new one, and True, that `_create` will write last of all files."""
        try:
            master = (self._directory / "master").read_bytes()
        except FileNotFoundError:
            return os.urandom(32), True
        if len(master) != 32:
            raise PartyKeysDamaged(f"{self._directory}: master has {len(master)} bytes, not 32; {_WAY_OUT}")
        for name in ("data.mdb", "pads"):
            if not (self._directory / name).exists():
                raise PartyKeysDamaged(f"{self._directory}: {name} is missing; {_WAY_OUT}")
        return master, False

    def _read_meta(self, is_new: bool) -> int:
        """Take over the count of parties; answers how many slots are in use."""
        meta = self._get(b"m")
        if meta is None:
            if is_new:
                return 0
            raise PartyKeysDamaged(f"{self._directory}: data.mdb has no header; {_WAY_OUT}")
        next_slot, alive, fingerprint = _META.unpack(meta)
        if is_new and next_slot:
            raise PartyKeysDamaged(f"{self._directory}: master is missing; {_WAY_OUT}")
        if not is_new and fingerprint != self._fingerprint:
            raise PartyKeysDamaged(f"{self._directory}: data.mdb does not belong to this master; {_WAY_OUT}")
        self._alive = alive
        assert isinstance(next_slot, int)
        return next_slot

    def _open_environment(self) -> lmdb.Environment:
        path = self._directory / "data.mdb"
        size = path.stat().st_size if path.exists() else 0
        if size == 0 and (self._directory / "master").exists():
            raise PartyKeysDamaged(f"{path} is empty; {_WAY_OUT}")
        environment = lmdb.open(
            str(self._directory),
            map_size=max(self._map_bytes_initial, 2 * size),
            mode=0o600,
            max_spare_txns=1,
            lib_version=LMDB_FORMAT,
        )
        take_over(environment)
        last_page = environment.info()["last_pgno"]
        if path.stat().st_size < (last_page + 1) * environment.stat()["psize"]:
            environment.close()
            raise PartyKeysDamaged(f"{path} ends before page {last_page}; {_WAY_OUT}")
        return environment

    def _create(self) -> None:
        """Finish a new store. The master secret comes last: a crash before it leaves a store without keys."""
        self._commit({}, (), alive=0)
        fresh = self._directory / "master.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, self._master)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_directory(self._directory)
        fresh.rename(self._directory / "master")
        sync_directory(self._directory)
        sync_directory(self._directory.parent)

    def _finish_wipes(self) -> None:
        """Wipe again what was erased since the last opening; drop the pages that still name those parties."""
        entries: list[bytes] = []
        with self._env.begin() as transaction, transaction.cursor() as cursor:
            if cursor.set_range(b"w"):
                entries = [bytes(entry) for entry in cursor.iternext(values=False) if entry[:1] == b"w"]
        if entries:
            self._pads.wipe(_SLOT.unpack(entry[1:])[0] for entry in entries)
            if self._compact():
                self._commit({}, entries, alive=self._alive)

    def _compact(self) -> bool:
        """Rewrite data.mdb without unused pages. Answers False, the old file in place, when it cannot."""
        fresh = self._directory / "data.mdb.new"
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                self._env.copyfd(descriptor, compact=True)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except (OSError, lmdb.Error):  # most likely no room for a second copy: the next opening tries again
            fresh.unlink(missing_ok=True)
            return False
        os.close(self._data)
        self._env.close()
        # Whoever reads the old file keeps its lock file too: LMDB would carry the old transaction numbers over.
        (self._directory / "lock.mdb").unlink(missing_ok=True)
        fresh.rename(self._directory / "data.mdb")
        sync_directory(self._directory)
        self._env = self._open_environment()
        self._data = os.open(self._directory / "data.mdb", os.O_RDWR | os.O_CLOEXEC)
        return True


_WAY_OUT = "restore the whole parties directory from one backup"


def _derive(pad: bytes, share: bytes, party: bytes, purpose: str) -> bytes:
    """32 bytes of key and 8 that tell whether both halves are the right ones."""
    label = b"kontor/party-key/1|" + party + purpose.encode() + share
    return hmac.digest(pad, label, "sha512")[: KEY_BYTES + 8]


def is_party(party: str) -> bool:
    """Whether this is an id as a key store gives it."""
    return _PARTY_ID.fullmatch(party) is not None


def _raw(party: str) -> bytes:
    raw = bytes.fromhex(party.removeprefix(_PARTY_PREFIX))
    if len(raw) != 16 or not party.startswith(_PARTY_PREFIX):
        raise ValueError(f"{party!r} is no party id")
    return raw


def _pack(share: bytes, entries: Iterable[_Entry], digest: bytes) -> bytes:
    return share + b"".join(_ENTRY.pack(*entry) for entry in entries) + digest


def _unpack(record: bytes | None) -> tuple[bytes, list[_Entry], bytes]:
    """Share, one entry per purpose, reference digest (or empty). No record: never seen here."""
    if record is None:
        return bytes(_SHARE_BYTES), [_Entry(_NEVER, 0, bytes(8)) for _ in PURPOSES], b""
    end = _SHARE_BYTES + _ENTRY.size * len(PURPOSES)
    entries = [_Entry._make(fields) for fields in _ENTRY.iter_unpack(record[_SHARE_BYTES:end])]
    return record[:_SHARE_BYTES], entries, record[end:]


def _translated(problem: OSError) -> Exception:
    return StorageFull(str(problem)) if problem.errno in _FULL else problem
