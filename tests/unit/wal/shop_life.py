"""The life of a shop on disk, with snapshots made by the follower, and what a node that starts on it finds."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.replay import dumping, follower, invariants
from engine.replay.recovery import open_state
from engine.wal import Batch, ClosedTable, JournalReader, LmdbJournal, snapshots_in
from tests.simulation.crashing import Simulation
from tests.unit.wal.test_journal_files import SMALL


class Lived(NamedTuple):
    """Where it lies, the seqs at which batches end, and what the state is at the end."""

    directory: Path
    ends: list[int]
    digest: str


class NotingJournal(LmdbJournal):
    """A journal that notes after which records it is read."""

    def __init__(self, directory: Path, archive_directory: Path, covered_seq: int) -> None:
        self.begins: list[int] = []
        super().__init__(directory, archive_directory=archive_directory, covered_seq=covered_seq, **SMALL)

    def read(self, after_seq: int = 0, previous: bytes | None = None) -> Iterator[Batch]:
        """Note it, and read."""
        self.begins.append(after_seq)
        return super().read(after_seq, previous)


class Started(NamedTuple):
    """What a start found: the state, what was warned of, and after which record it began to replay."""

    seq: int
    digest: str
    warnings: list[str]
    replayed_after: int


def live(directory: Path, seed: int = 21, steps: int = 60) -> Lived:
    """A journal of more than one segment and a table of closed things, closed."""
    simulation = Simulation(seed, directory)
    digest = simulation.run(steps)
    journal = simulation.journal.inner
    ends = [batch.last_seq for batch in journal.read()]
    journal.close()
    simulation.kept_table.close()
    return Lived(directory, ends, digest)


def take_snapshots(directory: Path, seqs: list[int]) -> list[Path]:
    """Make the snapshots of these records."""
    reader = JournalReader(directory / "journal", directory / "archive")
    made = [follower.take(reader, directory / "snapshots", seq, None).path for seq in seqs]
    reader.close()
    return made


def start(directory: Path) -> Started:
    """What a node does when it starts. Everything is let go again."""
    found = snapshots_in(directory / "snapshots")[0]
    covered = found[0].seq if found else 0
    warnings: list[str] = []
    journal = NotingJournal(directory / "journal", directory / "archive", covered)
    table = ClosedTable(directory / "closed")
    try:
        state = open_state(table, journal, directory / "snapshots", warn=warnings.append)
        assert invariants.check(state) == []
        assert state.seq == journal.last_seq == table.through_seq
        return Started(state.seq, dumping.digest(state), warnings, journal.begins[-1])
    finally:
        journal.close()
        table.close()
        gc.collect()
