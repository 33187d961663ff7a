"""What the tests of archives, snapshots and readers share: journals in small segments, archived and retired, and what is in them."""

import gc
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from engine.replay import follower
from engine.wal import ArchivedSegment, Batch, JournalCorrupt, JournalReader, LmdbJournal
from tests.unit.wal.test_journal_files import SMALL


class Places(NamedTuple):
    """Where a journal and its archive lie."""

    journal: Path
    archive: Path


def places_in(directory: Path) -> Places:
    """A journal and its archive side by side."""
    return Places(directory / "journal", directory / "archive")


def reopen(places: Places, covered_seq: int = 0) -> LmdbJournal:
    """The writer's view, with its archive."""
    return LmdbJournal(places.journal, archive_directory=places.archive, covered_seq=covered_seq, **SMALL)


def records_of(first_seq: int) -> list[bytes]:
    """What the batch that begins at a seq holds: one to three records, so that batches begin and end anywhere."""
    return [b"%d/%d " % (first_seq, i) * 400 for i in range(first_seq % 3 + 1)]


def append(journal: LmdbJournal, batches: int) -> None:
    """Some more batches."""
    for _ in range(batches):
        records = records_of(journal.last_seq + 1)
        journal.make_room(sum(map(len, records)))
        journal.append(journal.last_time_ns + 1, records)


def keep(directory: Path, batches: int = 40) -> Places:
    """A journal of several segments, closed."""
    places = places_in(directory)
    journal = reopen(places)
    append(journal, batches)
    journal.close()
    return places


def archive_sealed(places: Places) -> list[str]:
    """Do what the follower does; the names of what was made."""
    reader = JournalReader(places.journal, places.archive)
    made = archive_sealed_by(reader, places)
    reader.close()
    return made


def archive_sealed_by(reader: JournalReader, places: Places) -> list[str]:
    """The same with a reader that is open already: a process opens a segment once."""
    made = follower.archive_sealed(reader, places.archive)
    for segment in made:
        segment.close()
    return [segment.name for segment in made]


def archived_files(places: Places) -> list[Path]:
    """The archived segments in order."""
    return sorted(places.archive.glob("*.kja"))


def live_folders(places: Places) -> list[Path]:
    """The live segments in order."""
    return sorted(path for path in places.journal.iterdir() if path.name.isdigit())


def retire(journal: LmdbJournal, covered_seq: int) -> list[str]:
    """Retire, and remove what may be; the names that went."""
    folders = journal.retire(covered_seq)
    for folder in folders:
        shutil.rmtree(folder)
    return [folder.name for folder in folders]


def keep_archived_only(directory: Path, batches: int = 40) -> Places:
    """A journal whose sealed segments all lie in the archive, and nowhere else."""
    places = keep(directory, batches)
    archive_sealed(places)
    journal = reopen(places)
    retire(journal, journal.last_seq)
    journal.close()
    assert len(live_folders(places)) == 1
    assert len(archived_files(places)) >= 3
    return places


def content_of(batches: Iterable[Batch]) -> list[Batch]:
    """All of it; the records must be the ones that were written."""
    found = list(batches)
    for batch in found:
        assert list(batch.records) == records_of(batch.first_seq)
    return found


def read_all(places: Places, covered_seq: int = 0) -> list[Batch]:
    """Everything from the first record that is there on; the journal is opened anew and closed again."""
    journal = reopen(places, covered_seq)
    try:
        return content_of(journal.read(journal.first_seq - 1))
    finally:
        journal.close()


class Refusal(NamedTuple):
    """What a refused opening or reading said."""

    name: str
    reason: str


def refusal_of(places: Places, covered_seq: int = 0) -> Refusal:
    """Open and read all of it, which must be refused. Everything is let go again."""
    refusal = None
    try:
        read_all(places, covered_seq)
    except JournalCorrupt as error:
        refusal = Refusal(error.segment, error.reason)
    gc.collect()  # a refused journal's environments end with it
    assert refusal is not None, "it was not refused"
    return refusal


def verify_archive(path: Path) -> list[Batch]:
    """Everything in an archived segment, every byte checked."""
    segment = ArchivedSegment(path)
    try:
        return content_of(batch for batch, _ in segment.verify())
    finally:
        segment.close()


def flip(path: Path, bit: int) -> None:
    """Flip one bit of a file."""
    with path.open("r+b") as file:
        file.seek(bit // 8)
        byte = file.read(1)[0]
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))
