"""The journal on LMDB: segments in a row, one value per batch, one durable commit per append.

Opening checks that the segments belong together and that the last batch of each can be read; the whole chain is checked by
`read` from the start, which is what every start of a node does.
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import lmdb

from engine.wal import framing, recovery
from engine.wal.errors import JournalCorrupt, JournalFailed, StorageFull
from engine.wal.framing import GENESIS, Batch
from engine.wal.segments import (
    FREE_BYTES_RESERVE,
    HEADER_KEY,
    MAP_BYTES_FIRST,
    Segment,
    SegmentHeader,
    meta_condition,
    name_of,
    seq_key,
    sync_directory,
)

SEGMENT_BYTES_MAX = 1024 * 1024 * 1024


class LmdbJournal:
    """`directory` holds the segments. Not for more than one writing process: see DirectoryLock.

    Raises JournalCorrupt when anything can't be explained, StorageFull when there is no room to start a journal.
    """

    def __init__(
        self, directory: Path, *, segment_bytes_max: int = SEGMENT_BYTES_MAX, map_bytes_first: int = MAP_BYTES_FIRST
    ) -> None:
        self._directory = directory
        self._segment_bytes_max = segment_bytes_max
        self._map_bytes_first = map_bytes_first
        self._failed = False
        self._pid = os.getpid()
        self._bytes_before = 0
        self._segments: list[Segment] = []
        self.last_seq = 0
        self.last_time_ns = 0
        self.chain_digest = GENESIS
        self._journal_id = b""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(directory, os.W_OK):
            raise StorageFull(f"{directory} can't be written to")
        sync_directory(directory.parent)
        names = self._names()
        for position, name in enumerate(names):
            self._open_segment(name, is_last=position == len(names) - 1)
        if not self._segments:
            self._journal_id = secrets.token_bytes(16)
            self._start_segment(self._map_bytes_first)

    def _names(self) -> list[str]:
        """The segments in order. Unfinished ones are removed; anything else is refused, for it may be a renamed one."""
        names = []
        for entry in sorted(self._directory.iterdir()):
            if len(entry.name) == 20 and entry.name.isdigit():
                names.append(entry.name)
            elif entry.name.endswith(".new"):
                shutil.rmtree(entry)
            elif entry.name != "lost+found":
                raise JournalCorrupt(entry.name, None, "it has no name of a segment")
        return names

    @property
    def segment(self) -> str:
        """The segment that is written to."""
        return self._segments[-1].name

    @property
    def bytes_used(self) -> int:
        """Bytes of all pages in use."""
        return self._bytes_before + self._segments[-1].bytes_used

    def _open_segment(self, name: str, is_last: bool) -> None:
        file = self._directory / name / "data.mdb"
        if not file.exists():
            raise JournalCorrupt(name, None, "its file is missing")
        meta = meta_condition(file)
        if meta in ("damaged", "truncated", "pages_damaged"):
            raise JournalCorrupt(name, None, recovery.REASONS[meta])
        try:
            segment = Segment(self._directory / name, map_bytes=self._map_bytes_first)
            header = segment.header()
            last = self._last_batch(segment)
        except lmdb.Error as error:
            raise JournalCorrupt(name, None, f"LMDB can't read it: {error}") from error
        found = recovery.Found(
            cast(recovery.Meta, meta), self._link(name, header), "empty" if last is None else "records", is_last
        )
        action, reason = recovery.decide(found)
        if action != "open":
            segment.close()
            raise JournalCorrupt(name, None, reason)
        self._journal_id = header.journal_id
        if self._segments:
            self._bytes_before += self._segments[-1].bytes_used
        self._segments.append(segment)
        if last is not None:
            self.last_seq, self.last_time_ns = last[0].last_seq, last[0].time_ns
            self.chain_digest = last[1]

    def _link(self, name: str, header: SegmentHeader) -> recovery.Link:
        if name_of(header.first_seq) != name or (self._segments and header.journal_id != self._journal_id):
            return "foreign"
        if header.first_seq != self.last_seq + 1:
            return "gap" if header.first_seq > self.last_seq + 1 else "overlap"
        return "follows" if header.digest == self.chain_digest else "foreign"

    def _last_batch(self, segment: Segment) -> tuple[Batch, bytes] | None:
        """The newest batch of a segment and its chain digest."""
        with segment.environment.begin(db=segment.batches) as transaction, transaction.cursor() as cursor:
            if not cursor.last() or cursor.key() == HEADER_KEY:
                return None
            first_seq, frame = int.from_bytes(cursor.key(), "big"), cursor.value()
        batch, _ = framing.decode(frame, segment.name, first_seq)
        return batch, framing.digest_of(frame)

    def _start_segment(self, map_bytes: int) -> None:
        header = SegmentHeader(self._journal_id, self.last_seq + 1, self.last_time_ns, self.chain_digest)
        segment = Segment.create(self._directory, header, map_bytes)
        if self._segments:
            self._bytes_before += self._segments[-1].bytes_used
        self._segments.append(segment)

    def make_room(self, bytes_expected: int) -> None:
        """Before a batch is decided: see to it that its commit can't lack space. Grows the map or starts a new segment.

        Raises StorageFull when the disk is full or read-only; nothing has changed then, and it may be tried again.
        """
        self._check_usable()
        space = os.statvfs(self._directory)
        if space.f_bavail * space.f_frsize < FREE_BYTES_RESERVE:
            raise StorageFull("less than 1 MiB is free on the disk")
        current = self._segments[-1]
        if current.bytes_used >= self._segment_bytes_max:
            self._start_segment(max(self._map_bytes_first, bytes_expected * 2))
            current = self._segments[-1]
        if not current.has_room(bytes_expected):
            current.grow(bytes_expected)

    def append(self, time_ns: int, records: Sequence[bytes]) -> int:
        """Make a batch durable; gives the seq of its first record. Raises JournalFailed: then the process must end."""
        self._check_usable()
        assert time_ns > self.last_time_ns, "journalled time ascends"
        first_seq = self.last_seq + 1
        frame, digest = framing.encode(first_seq, time_ns, self.chain_digest, records)
        segment = self._segments[-1]
        try:
            try:
                self._put(segment, first_seq, frame)
            except lmdb.MapFullError:
                segment.grow(2 * len(frame))
                self._put(segment, first_seq, frame)
        except JournalFailed:
            self._failed = True
            raise
        except (lmdb.Error, OSError, StorageFull) as error:
            self._failed = True
            raise JournalFailed(f"records from {first_seq} on could not be made durable: {error}") from error
        self.last_seq += len(records)
        self.last_time_ns = time_ns
        self.chain_digest = digest
        return first_seq

    def _put(self, segment: Segment, first_seq: int, frame: bytes) -> None:
        with segment.environment.begin(write=True, db=segment.batches) as transaction:
            if not transaction.put(seq_key(first_seq), frame, append=True):
                raise JournalFailed(f"record {first_seq} is out of order")

    def _check_usable(self) -> None:
        if self._failed:
            raise JournalFailed("an earlier commit failed; the process must end")
        if os.getpid() != self._pid:
            raise JournalFailed("the journal was opened by another process; a fork can't use it")

    def _position(self, seq: int) -> int:
        """The position of the segment that holds record `seq`."""
        for position in range(len(self._segments) - 1, 0, -1):
            if int(self._segments[position].name) <= seq:
                return position
        return 0

    def _find(self, segment: Segment, seq: int) -> tuple[int, bytes] | None:
        """(first seq, frame) of the batch that holds record `seq`, or of the last one before it."""
        self._check_usable()
        try:
            return self._look_up(segment, seq)
        except lmdb.Error as error:
            raise JournalCorrupt(segment.name, seq, f"LMDB can't read it: {error}") from error

    def _look_up(self, segment: Segment, seq: int) -> tuple[int, bytes] | None:
        with segment.environment.begin(db=segment.batches) as transaction, transaction.cursor() as cursor:
            at_or_after = cursor.set_range(seq_key(seq))
            exact = at_or_after and cursor.key() == seq_key(seq)
            if not exact and not (cursor.prev() if at_or_after else cursor.last()):
                return None
            if cursor.key() == HEADER_KEY:
                return None
            return int.from_bytes(cursor.key(), "big"), cursor.value()

    def read(self, after_seq: int = 0) -> Iterator[Batch]:
        """Batches with records after `after_seq`, oldest first, every checksum and chain link checked.

        Each batch is read in a short transaction of its own, so a slow reader holds nothing up.
        """
        previous: bytes | None = GENESIS if after_seq == 0 else None
        seq = after_seq + 1
        while seq <= self.last_seq:
            segment = self._segments[self._position(seq)]
            found = self._find(segment, seq)
            if found is None:
                raise JournalCorrupt(segment.name, seq, "the batch is missing")
            batch, names = framing.decode(found[1], segment.name, found[0])
            if batch.last_seq < seq:
                raise JournalCorrupt(segment.name, seq, "the batch is missing")
            if previous is not None and names != previous:
                raise JournalCorrupt(segment.name, batch.first_seq, "it does not follow the batch before it")
            previous = framing.digest_of(found[1])
            yield batch
            seq = batch.last_seq + 1

    def read_backwards(self, before_seq: int | None = None) -> Iterator[Batch]:
        """Batches with records before `before_seq`, newest first, every checksum checked."""
        seq = self.last_seq if before_seq is None else min(before_seq - 1, self.last_seq)
        while seq >= 1:
            batch = self._batch_of(seq)
            yield batch
            seq = batch.first_seq - 1

    def _batch_of(self, seq: int) -> Batch:
        segment = self._segments[self._position(seq)]
        found = self._find(segment, seq)
        if found is None:
            raise JournalCorrupt(segment.name, seq, "the batch is missing")
        batch, _ = framing.decode(found[1], segment.name, found[0])
        if batch.last_seq < seq:
            raise JournalCorrupt(segment.name, seq, "the batch is missing")
        return batch

    def record(self, seq: int) -> tuple[int, bytes]:
        """(time_ns, record); KeyError if there is none."""
        if not 1 <= seq <= self.last_seq:
            raise KeyError(seq)
        batch = self._batch_of(seq)
        return batch.time_ns, batch.records[seq - batch.first_seq]

    def close(self) -> None:
        """Let the segments go. In a forked child this does nothing: the environments are the parent's."""
        if os.getpid() == self._pid:
            for segment in self._segments:
                segment.close()
