"""A data directory's books: journal, archive, snapshots, closed orders and the state that follows from them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from api.server.collecting import collector_rests
from engine.replay.recovery import Tell, open_state, tell_nobody
from engine.state.state import State
from engine.wal import SEGMENT_BYTES_MAX, ClosedDamaged, ClosedTable, JournalCorrupt, LmdbJournal, snapshots_in
from engine.wal.access import need


class Paths(NamedTuple):
    """The folders of a data directory. The archive may be somewhere else."""

    journal: Path
    snapshots: Path
    archive: Path
    closed: Path
    parties: Path

    @classmethod
    def of(cls, directory: Path, archive: Path | None = None) -> "Paths":
        """Where things are in `directory`."""
        return cls(
            directory / "journal",
            directory / "snapshots",
            archive or directory / "archive",
            directory / "closed",
            directory / "parties",
        )


class Books:
    """Opened for writing, recovered to the last durable record. The caller holds the directory's lock.

    Raises JournalCorrupt, NotPermitted, StorageFull.
    """

    def __init__(
        self,
        paths: Paths,
        *,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        tell: Tell = tell_nobody,
        warn: Callable[[str], None] = lambda words: None,
    ) -> None:
        self.paths = paths
        for folder in (paths.snapshots, paths.archive, paths.closed):
            need(folder, write=True)
        snapshots = snapshots_in(paths.snapshots)[0]
        self.journal = LmdbJournal(
            paths.journal,
            archive_directory=paths.archive,
            segment_bytes_max=segment_bytes_max,
            covered_seq=snapshots[0].seq if snapshots else 0,
            on_segment=lambda done, total: tell("checking the journal", done, total),
            packs=True,
        )
        self.closed_table: ClosedTable | None = None
        try:
            for damage in self.journal.archive_damage:
                warn(str(damage))
            self.closed_table = _open_closed(paths.closed, warn)
            _refuse_a_shortened_journal(self.journal, self.closed_table)
            with collector_rests():
                self.state: State = open_state(self.closed_table, self.journal, paths.snapshots, tell, warn)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let everything go. What has closed and is not on disk yet comes back by replay."""
        self.journal.close()
        if self.closed_table is not None:
            self.closed_table.close()


def _open_closed(directory: Path, warn: Callable[[str], None]) -> ClosedTable:
    """The table of closed things. It is derived: a damaged one is thrown away, and made anew from the first record."""
    try:
        return ClosedTable(directory)
    except ClosedDamaged as error:
        warn(f"{error}; it is made anew from the journal")
        shutil.rmtree(directory)
        return ClosedTable(directory)


def _refuse_a_shortened_journal(journal: LmdbJournal, closed: ClosedTable) -> None:
    """The closed table only knows what was durable. If it knows more than the journal, that one's end is missing."""
    if closed.through_seq > journal.last_seq:
        reason = (
            f"the journal ends at record {journal.last_seq}, but record {closed.through_seq} was durable: its newest "
            "part is missing. If an older journal was put here on purpose, delete the folder `closed`, which is "
            "derived, and start again"
        )
        raise JournalCorrupt(journal.segment, None, reason)
