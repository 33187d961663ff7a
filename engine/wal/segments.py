"""One segment: an LMDB environment in a folder named after its first seq.

Its file is preallocated, so that a commit inside the preallocated part can't run out of space.
"""

import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import lmdb

from engine.wal import framing
from engine.wal.access import may_write, need
from engine.wal.errors import FULL_ERRNOS, JournalCorrupt, StorageFull
from engine.wal.files import UNFINISHED, sync_directory
from engine.wal.framing import Batch
from engine.wal.lock import take_over
from engine.wal.meta import META_BYTES
from engine.wal.packing import Packer

LMDB_FORMAT = 0  # py-lmdb bundles two mutually unreadable formats; an environment variable must not choose
MAP_BYTES_FIRST = 4 * 1024 * 1024
MAP_BYTES_STEP_MAX = 64 * 1024 * 1024
PAGES_SLACK = 64
READERS_MAX = 1024  # a reader that is killed keeps its place until the next writer opens
FREE_BYTES_RESERVE = 1024 * 1024
HEADER_KEY = bytes(8)  # where the batch of record 0 would be
SEAL_KEY = b"\xff" * 8  # behind every batch: another segment follows

_CRC = struct.Struct(">I")


class SegmentHeader:
    """Who a segment belongs to: journal id (16 bytes), first seq, chain digest before it, time before it."""

    layout = struct.Struct(">16sQQ32s")

    def __init__(self, journal_id: bytes, first_seq: int, time_ns: int, digest: bytes) -> None:
        self.journal_id = journal_id
        self.first_seq = first_seq
        self.time_ns = time_ns
        self.digest = digest

    def pack(self) -> bytes:
        """Its bytes in the segment, and their CRC-32."""
        content = self.layout.pack(self.journal_id, self.first_seq, self.time_ns, self.digest)
        return content + _CRC.pack(zlib.crc32(content))

    @classmethod
    def unpack(cls, segment: str, content: bytes | None) -> "SegmentHeader":
        """Read it back. Raises JournalCorrupt."""
        if content is None or len(content) != cls.layout.size + _CRC.size:
            raise JournalCorrupt(segment, None, "it has no readable header")
        if _CRC.pack(zlib.crc32(content[: cls.layout.size])) != content[cls.layout.size :]:
            raise JournalCorrupt(segment, None, "the checksum of its header does not match")
        return cls(*cls.layout.unpack_from(content))


def name_of(first_seq: int) -> str:
    """The folder of the segment that starts with record `first_seq`."""
    return f"{first_seq:020d}"


def seq_key(seq: int) -> bytes:
    """Keys sort as numbers do."""
    return seq.to_bytes(8, "big")


class Segment:
    """An open segment. One database: the header under key 0, a batch under the key of its first seq, at last the seal.

    Every commit adds exactly one entry, so the number of entries is the number of the commit: what LMDB's meta pages
    say of both must agree, or a page was damaged.
    """

    def __init__(self, directory: Path, *, readonly: bool = False, map_bytes: int = MAP_BYTES_FIRST) -> None:
        self.name = directory.name
        self._file = directory / "data.mdb"
        self._packer = Packer()
        for path in (directory, self._file):
            need(path, write=not readonly)
        lock = directory / "lock.mdb"
        if not readonly:
            need(lock, write=True)
        # A reader that can't register itself is not waited for: what it reads may change under it.
        self.is_registered = not readonly or may_write(lock)
        size = self._file.stat().st_size if self._file.exists() else 0
        self.map_bytes = size or map_bytes  # never past the blocks that are there: `grow` adds them
        self.environment = lmdb.open(
            str(directory),
            map_size=self.map_bytes,
            max_readers=READERS_MAX,
            readonly=readonly,
            create=not readonly,
            lib_version=LMDB_FORMAT,
            mode=0o600,
            lock=self.is_registered,
        )
        if not readonly:
            take_over(self.environment)
            self.environment.reader_check()  # a reader that was killed would keep pages from being used again
        self.batches = self.environment.open_db(None)
        self.page_bytes: int = self.environment.stat()["psize"]
        self._descriptor = os.open(self._file, (os.O_RDONLY if readonly else os.O_RDWR) | os.O_CLOEXEC)

    @classmethod
    def create(cls, parent: Path, header: SegmentHeader, map_bytes: int) -> "Segment":
        """Make a segment under a temporary name, durable, and only then give it its own."""
        final = parent / name_of(header.first_seq)
        temporary = parent / f"{final.name}{UNFINISHED}"
        made_as = temporary
        try:
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(mode=0o700)
            made = cls(temporary, map_bytes=map_bytes)
            try:
                made.preallocate(map_bytes)
                with made.environment.begin(write=True, db=made.batches) as transaction:
                    transaction.put(HEADER_KEY, header.pack())
            finally:
                made.close()
            sync_directory(temporary)
            temporary.rename(final)
            made_as = final
            sync_directory(parent)
            return cls(final, map_bytes=map_bytes)
        except (OSError, lmdb.Error, StorageFull) as error:
            shutil.rmtree(made_as, ignore_errors=True)  # it holds no record yet
            if isinstance(error, StorageFull):
                raise
            code = error.errno if isinstance(error, OSError) else error.code
            if code not in FULL_ERRNOS and not isinstance(error, lmdb.MapFullError):
                raise
            raise StorageFull(f"no room for a new segment: {error}") from error

    def preallocate(self, map_bytes: int) -> None:
        """Have blocks for the whole map. Raises StorageFull; what was there stays as it is.

        They are promised, not written: writing them first made commits a little quicker, and every growth a standstill.
        """
        try:
            os.posix_fallocate(self._descriptor, 0, map_bytes)
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno in FULL_ERRNOS:
                raise StorageFull(f"no room to grow segment {self.name}: {error.strerror}") from error
            raise

    def header(self) -> SegmentHeader:
        """Its header. Raises JournalCorrupt."""
        with self._reading() as cursor:
            return SegmentHeader.unpack(self.name, bytes(cursor.value()) if cursor.set_key(HEADER_KEY) else None)

    @property
    def first_seq(self) -> int:
        """The record it starts with."""
        return int(self.name.removesuffix(UNFINISHED))

    @contextmanager
    def _reading(self) -> Iterator[lmdb.Cursor]:
        """A cursor in a short transaction. What LMDB can't read raises JournalCorrupt."""
        try:
            try:
                transaction = self.environment.begin(db=self.batches)
            except lmdb.MapResizedError:  # the writer, another process, has made the map larger
                self.environment.set_mapsize(0)
                transaction = self.environment.begin(db=self.batches)
            with transaction, transaction.cursor() as cursor:
                yield cursor
        except lmdb.Error as error:
            raise JournalCorrupt(self.name, None, f"LMDB can't read it: {error}") from error

    def find(self, seq: int) -> tuple[int, bytes] | None:
        """(first seq, frame) of the batch that holds record `seq`, or of the last one before it."""
        with self._reading() as cursor:
            at_or_after = cursor.set_range(seq_key(seq))
            exact = at_or_after and cursor.key() == seq_key(seq)
            if not exact and not (cursor.prev() if at_or_after else cursor.last()):
                return None
            if cursor.key() == HEADER_KEY:
                return None
            first_seq, stored = int.from_bytes(cursor.key(), "big"), bytes(cursor.value())
        return first_seq, self._packer.unpacked(stored, self.name, first_seq)

    def last_batch(self) -> tuple[Batch, bytes] | None:
        """The newest batch and its chain digest; None for a segment without any."""
        with self._reading() as cursor:
            found = cursor.last()
            if found and cursor.key() == SEAL_KEY:
                found = cursor.prev()
            if not found or cursor.key() == HEADER_KEY:
                return None
            first_seq, stored = int.from_bytes(cursor.key(), "big"), bytes(cursor.value())
        frame = self._packer.unpacked(stored, self.name, first_seq)
        batch, _ = framing.decode(frame, self.name, first_seq)
        return batch, framing.digest_of(frame)

    @property
    def sealed(self) -> bool:
        """Whether another segment follows."""
        with self._reading() as cursor:
            return bool(cursor.set_key(SEAL_KEY))

    def seal(self) -> None:
        """Write down that another segment follows, so that its loss shows. Raises StorageFull without room for it."""
        if not self.has_room(0):
            self.grow(0)
        self.put(SEAL_KEY, b"")

    def put_frame(self, first_seq: int, frame: bytes, *, packed: bool) -> bool:
        """A batch, as one durable commit, packed where it is worth it. False: the key is out of order."""
        return self.put(seq_key(first_seq), self._packer.packed(frame) if packed else frame)

    def put(self, key: bytes, value: bytes) -> bool:
        """One durable commit. False: the key is out of order.

        A commit that fails at its meta page leaves it half written: LMDB puts the old number of the commit back, but
        not the old tree. So what was there is put back here; the environment itself takes nothing more.
        """
        at = (int(self.environment.info()["last_txnid"]) + 1) % 2 * self.page_bytes
        before = os.pread(self._descriptor, META_BYTES, at)
        try:
            with self.environment.begin(write=True, db=self.batches) as transaction:
                return bool(transaction.put(key, value, append=True))
        except lmdb.MapFullError:
            raise
        except lmdb.Error:
            with suppress(OSError):
                os.pwrite(self._descriptor, before, at)
                os.fsync(self._descriptor)
            raise

    @property
    def bytes_used(self) -> int:
        """Bytes of the pages in use."""
        return (int(self.environment.info()["last_pgno"]) + 1) * self.page_bytes

    def has_room(self, bytes_expected: int) -> bool:
        """Whether a commit of that size fits the map for sure: its pages, the pages it copies, and some slack."""
        return self.bytes_used + bytes_expected + PAGES_SLACK * self.page_bytes <= self.map_bytes

    def grow(self, bytes_expected: int) -> None:
        """Make the map larger, by doubling up to a step, with blocks behind it. Not inside a transaction."""
        wanted = self.bytes_used + bytes_expected + PAGES_SLACK * self.page_bytes
        least = -(-max(wanted, self.map_bytes + 1) // FREE_BYTES_RESERVE) * FREE_BYTES_RESERVE
        larger = max(least, self.map_bytes + min(self.map_bytes, MAP_BYTES_STEP_MAX))
        disk = os.statvfs(self._file)
        if disk.f_bavail * disk.f_frsize < larger - self.map_bytes + FREE_BYTES_RESERVE:
            larger = least  # what is needed now may still fit
            if disk.f_bavail * disk.f_frsize < larger - self.map_bytes + FREE_BYTES_RESERVE:
                raise StorageFull(f"no room to grow segment {self.name}")
        self.preallocate(larger)
        self.environment.set_mapsize(larger)
        self.map_bytes = larger

    def close(self) -> None:
        """Let the environment go."""
        os.close(self._descriptor)
        self.environment.close()
