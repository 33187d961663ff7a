"""The journal on LMDB: segments in a row, one value per batch, one durable commit per append.

Opening checks that the segments belong together and that the last batch of each can be read; the chain is checked by
`read`, from the newest snapshot on at every start, and from the first record on by `kontor verify`.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import lmdb

from engine.wal import archive, framing, recovery
from engine.wal.access import need
from engine.wal.archive import ArchivedSegment
from engine.wal.batches import Batches
from engine.wal.errors import JournalCorrupt, JournalFailed, StorageFull
from engine.wal.files import UNFINISHED, sync_directory, sync_file
from engine.wal.framing import GENESIS
from engine.wal.meta import meta_condition
from engine.wal.segments import FREE_BYTES_RESERVE, MAP_BYTES_FIRST, Segment, SegmentHeader, name_of

SEGMENT_BYTES_MAX = 1024 * 1024 * 1024
RETIRED = ".retired"


def segment_names(directory: Path) -> list[str]:
    """A journal's segments in order. What else is there and not on its way in or out is refused."""
    names = []
    for entry in sorted(directory.iterdir()):
        if len(entry.name) == 20 and entry.name.isdigit():
            names.append(entry.name)
        elif entry.suffix not in (UNFINISHED, RETIRED) and entry.name != "lost+found":
            raise JournalCorrupt(entry.name, None, "it has no name of a segment")
    return names


def attach_archive(batches: Batches, archived: list[ArchivedSegment], header: SegmentHeader) -> None:
    """Put before the live segment with this header what of the archive leads up to it without a gap."""
    batches.first_seq, batches.chain_before = header.first_seq, header.digest
    for segment in reversed(archived):
        extent = segment.extent
        follows = (extent.journal_id, extent.last_seq, extent.chain_after)
        if follows == (header.journal_id, batches.first_seq - 1, batches.chain_before):
            batches.parts.insert(0, segment)
            batches.first_seq, batches.chain_before = extent.first_seq, extent.chain_before


class LmdbJournal(Batches):
    """`directory` holds the segments, `archive_directory` sealed ones. Not for more than one writing process: see
    DirectoryLock.

    `covered_seq` is how far a snapshot reaches: records up to there need not be here. `on_segment(done, total)` is told
    of each segment that was checked. `readonly` checks what is there and changes nothing, as on a read-only disk.
    `packs` stores batches packed; both kinds are read.
    Raises JournalCorrupt when anything can't be explained, NotPermitted, StorageFull without room to start one.
    """

    def __init__(
        self,
        directory: Path,
        *,
        archive_directory: Path | None = None,
        covered_seq: int = 0,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        map_bytes_first: int = MAP_BYTES_FIRST,
        on_segment: Callable[[int, int], None] = lambda done, total: None,
        readonly: bool = False,
        packs: bool = False,
    ) -> None:
        super().__init__()
        self._directory = directory
        self._archive_directory = archive_directory
        self._covered_seq = covered_seq
        self._segment_bytes_max = segment_bytes_max
        self._map_bytes_first = map_bytes_first
        self._failed = False
        self._pid = os.getpid()
        self._bytes_before = 0
        self._segments: list[Segment] = []
        self.last_time_ns = 0
        self.chain_digest = GENESIS
        self._readonly = readonly
        self._packs = packs
        need(directory, write=not readonly)
        if not readonly:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            sync_directory(directory.parent)
            # A process that was killed may have left a segment whose name is seen, and not durable yet.
            sync_directory(directory)
        try:
            self._open(on_segment)
        except BaseException:
            self.close()
            raise

    def _open(self, on_segment: Callable[[int, int], None]) -> None:
        if not self._readonly:
            for leftover in [*self._directory.glob(f"*{UNFINISHED}"), *self._directory.glob(f"*{RETIRED}")]:
                shutil.rmtree(leftover)
        names = segment_names(self._directory)
        archived: list[ArchivedSegment] = []
        self.archive_damage: list[JournalCorrupt] = []
        if self._archive_directory is not None:
            archived, self.archive_damage = archive.segments_in(self._archive_directory)
        for position, name in enumerate(names):
            self._open_segment(name, archived, is_last=position == len(names) - 1)
            on_segment(position + 1, len(names))
        for segment in self._segments[:-1]:
            if not segment.sealed and not self._readonly:
                self._seal(segment)
        for kept in archived:
            if kept not in self.parts:
                kept.close()
        if not names:
            if self._readonly:
                raise JournalCorrupt("none", None, f"there is no segment in {self._directory}")
            if archived or self._covered_seq:
                raise JournalCorrupt("none", None, "there is an archive or a snapshot, and no segment")
            self.journal_id = secrets.token_bytes(16)
            self._start_segment(self._map_bytes_first)

    @property
    def segment(self) -> str:
        """The segment that is written to."""
        return self._segments[-1].name

    @property
    def bytes_used(self) -> int:
        """Bytes of all pages in use."""
        return self._bytes_before + self._segments[-1].bytes_used

    def _open_segment(self, name: str, archived: list[ArchivedSegment], is_last: bool) -> None:
        file = self._directory / name / "data.mdb"
        need(file.parent, write=not self._readonly)
        if not file.exists():
            raise JournalCorrupt(name, None, "its file is missing")
        need(file, write=not self._readonly)
        meta = meta_condition(file)
        if meta in ("damaged", "truncated", "pages_damaged"):
            raise JournalCorrupt(name, None, recovery.REASONS[meta])
        if is_last and not self._readonly:
            sync_file(file)  # so may its newest commit be
        try:
            segment = Segment(self._directory / name, map_bytes=self._map_bytes_first, readonly=self._readonly)
        except lmdb.Error as error:
            raise JournalCorrupt(name, None, f"LMDB can't read it: {error}") from error
        try:
            header, last = segment.header(), segment.last_batch()
            found = recovery.Found(
                cast(recovery.Meta, meta),
                self._link(name, header, archived),
                "empty" if last is None else "records",
                ("last_but_sealed" if segment.sealed else "last") if is_last else "followed",
            )
            action, reason = recovery.decide(found)
            if action != "open":
                raise JournalCorrupt(name, None, reason)
        except BaseException:
            segment.close()
            raise
        if self._segments:
            self._bytes_before += self._segments[-1].bytes_used
        else:
            self.journal_id = header.journal_id
            attach_archive(self, archived, header)
            self.last_seq, self.last_time_ns, self.chain_digest = header.first_seq - 1, header.time_ns, header.digest
        self._add(segment)
        if last is not None:
            self.last_seq, self.last_time_ns = last[0].last_seq, last[0].time_ns
            self.chain_digest = last[1]

    def _link(self, name: str, header: SegmentHeader, archived: list[ArchivedSegment]) -> recovery.Link:
        if name_of(header.first_seq) != name:
            return "foreign"
        if not self._segments:
            return self._first_link(header, archived)
        if header.journal_id != self.journal_id:
            return "foreign"
        if header.first_seq != self.last_seq + 1:
            return "gap" if header.first_seq > self.last_seq + 1 else "overlap"
        return "follows" if header.digest == self.chain_digest else "foreign"

    def _first_link(self, header: SegmentHeader, archived: list[ArchivedSegment]) -> recovery.Link:
        """How the first live segment follows what is not live any more."""
        if header.first_seq == 1:
            return "follows" if header.digest == GENESIS else "foreign"
        before = [segment.extent for segment in archived if segment.last_seq == header.first_seq - 1]
        if before:
            same = (before[-1].journal_id, before[-1].chain_after) == (header.journal_id, header.digest)
            return "follows" if same else "foreign"
        return "after_snapshot" if header.first_seq - 1 <= self._covered_seq else "gap"

    def _add(self, segment: Segment) -> None:
        self._segments.append(segment)
        self.parts.append(segment)

    def _start_segment(self, map_bytes: int) -> None:
        header = SegmentHeader(self.journal_id, self.last_seq + 1, self.last_time_ns, self.chain_digest)
        segment = Segment.create(self._directory, header, map_bytes)
        before = self._segments[-1] if self._segments else None
        self._add(segment)
        if before is not None:
            self._seal(before)
            self._bytes_before += before.bytes_used

    def _seal(self, segment: Segment) -> None:
        """Without room for the seal a later start writes it."""
        try:
            segment.seal()
        except StorageFull:
            return
        except lmdb.Error as error:
            self._failed = True
            raise JournalFailed(f"the seal of segment {segment.name} could not be made durable: {error}") from error

    def make_room(self, bytes_expected: int) -> None:
        """Before a batch is decided: see to it that its commit can't lack space. Grows the map or starts a new segment.

        Raises StorageFull when the disk is full or read-only; nothing has changed then, and it may be tried again.
        """
        self.check_usable()
        space = os.statvfs(self._directory)
        if space.f_bavail * space.f_frsize < FREE_BYTES_RESERVE:
            raise StorageFull("less than 1 MiB is free on the disk")
        current = self._segments[-1]
        if current.bytes_used >= self._segment_bytes_max and self.last_seq >= current.first_seq:
            self._start_segment(max(self._map_bytes_first, bytes_expected * 2))
            current = self._segments[-1]
        if not current.has_room(bytes_expected):
            current.grow(bytes_expected)

    def append(self, time_ns: int, records: Sequence[bytes]) -> int:
        """Make a batch durable; gives the seq of its first record. Raises JournalFailed: then the process must end."""
        self.check_usable()
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
        if not segment.put_frame(first_seq, frame, packed=self._packs):
            raise JournalFailed(f"record {first_seq} is out of order")

    def check_usable(self) -> None:
        """Raise JournalFailed after a failed commit, and in a forked child."""
        if self._failed:
            raise JournalFailed("an earlier commit failed; the process must end")
        if os.getpid() != self._pid:
            raise JournalFailed("the journal was opened by another process; a fork can't use it")

    def retire(self, covered_seq: int) -> list[Path]:
        """Let go of sealed segments that are archived whole and that a snapshot at `covered_seq` covers; they are read
        from the archive then.

        Gives the folders that may be removed now. Until then the next opening would remove them.
        """
        self.check_usable()
        for live in self._segments:
            live.environment.reader_check()
        archived = {} if self._archive_directory is None else self._archived()
        removable: list[Path] = []
        while len(self._segments) > 1 and self._segments[1].first_seq - 1 <= covered_seq:
            segment, following = self._segments[0], self._segments[1].header()
            kept = archived.pop((segment.first_seq, following.first_seq - 1, following.digest), None)
            if kept is None:
                break
            self.parts[self.parts.index(segment)] = kept
            self._bytes_before -= segment.bytes_used
            del self._segments[0]
            segment.close()
            folder = self._directory / segment.name
            removable.append(folder.rename(folder.with_suffix(RETIRED)))
            sync_directory(self._directory)
        for unused in archived.values():
            unused.close()
        return removable

    def _archived(self) -> dict[tuple[int, int, bytes], ArchivedSegment]:
        assert self._archive_directory is not None
        open_already = {part.name for part in self.parts}
        found = {}
        for path in sorted(self._archive_directory.glob(f"*{archive.SUFFIX}")):
            if path.name in open_already:
                continue
            try:
                segment = ArchivedSegment(path)
            except JournalCorrupt:
                continue  # then its segment stays
            extent = segment.extent
            if extent.journal_id == self.journal_id and extent.first_seq >= self._segments[0].first_seq:
                found[extent.first_seq, extent.last_seq, extent.chain_after] = segment
            else:
                segment.close()
        return found

    def close(self) -> None:
        """Let everything go. In a forked child this does nothing: the environments are the parent's."""
        if os.getpid() == self._pid:
            super().close()
