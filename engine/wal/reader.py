"""Reading a journal that another process may be writing: backups, followers and histories have their own watermark."""

from itertools import pairwise
from pathlib import Path

import lmdb

from engine.wal import archive
from engine.wal.access import need
from engine.wal.archive import ArchivedSegment
from engine.wal.batches import Batches
from engine.wal.errors import JournalCorrupt
from engine.wal.framing import GENESIS, Batch
from engine.wal.journal import attach_archive, segment_names
from engine.wal.meta import meta_pages
from engine.wal.segments import Segment

_ATTEMPTS = 5


class JournalReader(Batches):
    """What of the journal in `directory`, and of its archive, is durable as of the last `refresh`.

    Raises JournalCorrupt for what can't be explained. A killed reader leaves a slot in LMDB's table of readers; the
    next writer that opens clears it.
    """

    def __init__(self, directory: Path, archive_directory: Path | None = None) -> None:
        super().__init__()
        self._directory = directory
        self._archive_directory = archive_directory
        self._live: dict[str, Segment] = {}
        self._archived: dict[str, ArchivedSegment] = {}
        self.archive_damage: list[JournalCorrupt] = []
        self.last_time_ns = 0
        self.chain_digest = GENESIS
        try:
            self.refresh()
        except BaseException:
            self.close()
            raise

    def refresh(self) -> None:
        """Look for what has become durable since."""
        need(self._directory)
        if self._archive_directory is not None:
            need(self._archive_directory)
        for attempt in range(_ATTEMPTS):
            names = segment_names(self._directory)
            try:
                self._open(names)
                break
            except FileNotFoundError:  # the writer has just let a segment go: it is in the archive now
                if attempt == _ATTEMPTS - 1:
                    raise
        live = [self._live[name] for name in names]
        if not live:
            raise JournalCorrupt("none", None, f"there is no segment in {self._directory}")
        self.journal_id = live[0].header().journal_id
        self.parts = list(live)
        attach_archive(self, sorted(self._archived.values(), key=lambda kept: kept.first_seq), live[0].header())
        for segment in reversed(live):
            last = segment.last_batch()
            if last is not None:
                self.last_seq, self.last_time_ns, self.chain_digest = last[0].last_seq, last[0].time_ns, last[1]
                return
        header = live[0].header()
        self.last_seq, self.last_time_ns, self.chain_digest = header.first_seq - 1, header.time_ns, header.digest

    def _open(self, names: list[str]) -> None:
        for name in names:
            if name not in self._live:
                self._live[name] = self._open_segment(name)
        for name in self._live.keys() - set(names):
            self._live.pop(name).close()
        if self._archive_directory is None:
            return
        for path in sorted(self._archive_directory.glob(f"*{archive.SUFFIX}")):
            if path.name not in self._archived and path.name not in {damage.segment for damage in self.archive_damage}:
                need(path)
                try:
                    self._archived[path.name] = ArchivedSegment(path)
                except JournalCorrupt as error:
                    self.archive_damage.append(error)

    def _open_segment(self, name: str) -> Segment:
        """A page that is being written may look damaged for a moment."""
        file = self._directory / name / "data.mdb"
        need(file.parent)
        need(file)
        for _ in range(_ATTEMPTS):
            pages = meta_pages(file)
            if not isinstance(pages, str):
                try:
                    return Segment(file.parent, readonly=True)
                except lmdb.Error as error:
                    if not file.exists():
                        raise FileNotFoundError(file) from error
                    raise JournalCorrupt(name, None, f"LMDB can't read it: {error}") from error
        raise JournalCorrupt(name, None, f"its meta pages are {pages}")

    def _frame_of(self, seq: int) -> tuple[Batch, bytes, bytes]:
        """Who can't register as a reader looks again: a page may have been written to meanwhile."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return super()._frame_of(seq)
            except JournalCorrupt:
                if all(segment.is_registered for segment in self._live.values()):
                    raise
        return super()._frame_of(seq)

    def sealed(self) -> list[tuple[int, int, bytes]]:
        """(first seq, last seq, chain digest before) of every live segment but the one that is written to."""
        headers = [segment.header() for segment in sorted(self._live.values(), key=lambda live: live.first_seq)]
        return [(header.first_seq, following.first_seq - 1, header.digest) for header, following in pairwise(headers)]

    def close(self) -> None:
        """Let everything go."""
        for segment in self._live.values():
            segment.close()
        for kept in self._archived.values():
            kept.close()
