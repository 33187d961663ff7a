"""Letting go of segments: only what is archived whole and covered by a snapshot, in order, and no record is ever out of reach."""

import shutil
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

import pytest

from engine.wal import JournalCorrupt, JournalFailed, archive
from engine.wal.framing import GENESIS
from engine.wal.journal import RETIRED
from tests.unit.wal.keeping import (
    Places,
    append,
    archive_sealed,
    archived_files,
    content_of,
    flip,
    keep,
    live_folders,
    places_in,
    read_all,
    reopen,
    retire,
)


class Crash(BaseException):
    """The process stops here."""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A journal of several segments; the sealed ones are archived, and all are live."""
    places = keep(tmp_path)
    archive_sealed(places)
    assert len(live_folders(places)) >= 4
    return places


def begins(places: Places) -> list[int]:
    """First seqs of the live segments."""
    return [int(path.name) for path in live_folders(places)]


# What goes


def test_everything_archived_and_covered_goes_and_the_newest_segment_stays(places: Places) -> None:
    before, newest = read_all(places), begins(places)[-1]
    journal = reopen(places)
    used = journal.bytes_used
    folders = journal.retire(journal.last_seq)
    assert [folder.suffix for folder in folders] == [RETIRED] * len(archived_files(places))
    assert folders == sorted(folders), "oldest first"
    assert begins(places) == [newest]
    assert journal.bytes_used < used
    assert content_of(journal.read()) == before
    assert journal.retire(journal.last_seq) == []
    journal.close()
    assert read_all(places) == before


def test_only_what_the_snapshot_covers_goes(places: Places) -> None:
    seqs = begins(places)
    journal = reopen(places)
    assert journal.retire(0) == []
    assert journal.retire(seqs[1] - 2) == [], "its last record is not covered"
    assert len(journal.retire(seqs[1] - 1)) == 1
    assert journal.retire(seqs[2] - 2) == []
    assert len(journal.retire(seqs[3])) == 2
    assert begins(places) == seqs[3:]
    journal.close()


def test_what_is_not_archived_stays_and_everything_after_it_too(places: Places) -> None:
    seqs, before = begins(places), read_all(places)
    archived_files(places)[1].unlink()
    journal = reopen(places)
    assert len(journal.retire(journal.last_seq)) == 1
    assert begins(places) == seqs[1:], "segments stay in a row"
    journal.close()
    assert read_all(places) == before


def test_without_an_archive_nothing_goes(places: Places) -> None:
    seqs = begins(places)
    shutil.rmtree(places.archive)
    journal = reopen(places)
    assert journal.retire(journal.last_seq) == []
    journal.close()
    assert begins(places) == seqs


def test_a_damaged_archived_file_keeps_its_segment(places: Places) -> None:
    seqs, before = begins(places), read_all(places)
    first = archived_files(places)[0]
    flip(first, 8 * (first.stat().st_size - 100))
    journal = reopen(places)
    assert journal.retire(journal.last_seq) == []
    journal.close()
    assert (begins(places), read_all(places)) == (seqs, before)


def test_the_archive_of_another_history_keeps_the_segment(places: Places, tmp_path: Path) -> None:
    journal = reopen(places)
    other = reopen(places_in(tmp_path / "other"))
    other.journal_id = journal.journal_id
    for batch in journal.read():
        other.append(batch.time_ns + 1, batch.records)
    frames = takewhile(lambda entry: entry[0].last_seq < begins(places)[1], other.frames(0))
    archive.write(places.archive, journal.journal_id, GENESIS, frames).close()
    other.close()
    assert journal.retire(journal.last_seq) == []
    journal.close()


def test_the_same_batches_archived_of_another_journal_keep_the_segment(places: Places, tmp_path: Path) -> None:
    theirs = keep(tmp_path / "theirs")
    archive_sealed(theirs)
    shutil.copyfile(archived_files(theirs)[0], archived_files(places)[0])
    journal = reopen(places)
    went = journal.retire(journal.last_seq)
    journal.close()
    assert went == [], "the next opening would refuse the archive, and with it the journal"


def test_a_stray_name_in_the_archive_does_not_stop_it(places: Places) -> None:
    shutil.copyfile(archived_files(places)[0], places.archive / "a copy.kja")
    journal = reopen(places)
    try:
        assert len(journal.retire(journal.last_seq)) > 0
    finally:
        journal.close()


def test_segments_archived_after_the_opening_go_too(tmp_path: Path) -> None:
    places = keep(tmp_path)
    journal = reopen(places)
    assert journal.retire(journal.last_seq) == []
    journal.close()
    archive_sealed(places)
    journal = reopen(places)
    append(journal, 40)
    assert len(retire(journal, journal.last_seq)) == len(archived_files(places))
    journal.close()


def test_appending_and_retiring_go_on_side_by_side(places: Places) -> None:
    for _ in range(3):
        journal = reopen(places)
        retire(journal, journal.last_seq)
        append(journal, 25)
        assert journal.first_seq == 1
        content_of(journal.read())
        journal.close()
        archive_sealed(places)
    assert len(read_all(places)) == 40 + 3 * 25


def test_a_journal_that_has_failed_lets_nothing_go(places: Places) -> None:
    journal = reopen(places)
    journal._failed = True
    with pytest.raises(JournalFailed):
        journal.retire(journal.last_seq)
    journal.close()


# Crashes


def crash_at_rename(
    journal_step: Callable[[], object], monkeypatch: pytest.MonkeyPatch, number: int, *, after: bool
) -> None:
    """End before or after the rename with this number."""
    rename, renamed = Path.rename, 0

    def crash(self: Path, target: Path) -> Path:
        nonlocal renamed
        renamed += 1
        if renamed == number and not after:
            raise Crash
        done = rename(self, target)
        if renamed == number:
            raise Crash
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(Crash):
            journal_step()


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_around_a_rename_loses_nothing(
    places: Places, monkeypatch: pytest.MonkeyPatch, number: int, after: bool
) -> None:
    before, seqs = read_all(places), begins(places)
    journal = reopen(places)
    crash_at_rename(lambda: journal.retire(journal.last_seq), monkeypatch, number, after=after)
    assert begins(places) == seqs[number - 1 + after :]
    journal.close()
    assert read_all(places) == before
    assert [path for path in places.journal.iterdir() if path.suffix == RETIRED] == [], "leftovers are removed"
    journal = reopen(places)
    assert len(journal.retire(journal.last_seq)) == len(seqs) - 1 - (number - 1 + after)
    journal.close()
    assert read_all(places) == before


def test_a_rename_that_fails_leaves_the_journal_readable_and_writable(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_all(places)
    journal = reopen(places)

    def fail(self: Path, target: Path) -> Path:
        raise OSError(5, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="input/output error"):
            journal.retire(journal.last_seq)
    assert content_of(journal.read()) == before
    append(journal, 3)
    journal.close()
    assert len(read_all(places)) == len(before) + 3


def test_leftovers_are_removed_at_the_opening(places: Places) -> None:
    before = read_all(places)
    journal = reopen(places)
    leftovers = journal.retire(journal.last_seq)
    journal.close()
    assert all(folder.is_dir() for folder in leftovers)
    assert read_all(places) == before
    assert not any(folder.exists() for folder in leftovers)


# Reading meanwhile


def test_a_reading_that_has_begun_goes_on_in_the_archive(places: Places) -> None:
    before = read_all(places)
    journal = reopen(places)
    for begun in (1, len(before) // 3, len(before) - 2):
        reading = journal.read()
        found = [next(reading) for _ in range(begun)]
        retire(journal, begins(places)[1])
        assert found + list(reading) == before
    journal.close()


def test_reading_backwards_goes_on_in_the_archive(places: Places) -> None:
    before = read_all(places)
    journal = reopen(places)
    reading = journal.read_backwards()
    found = [next(reading) for _ in range(len(before) // 2)]
    retire(journal, journal.last_seq)
    assert found + list(reading) == before[::-1]
    journal.close()


def test_an_archive_that_is_lost_after_its_segments_went_is_a_gap(places: Places) -> None:
    journal = reopen(places)
    retire(journal, journal.last_seq)
    journal.close()
    archived_files(places)[-1].unlink()
    with pytest.raises(JournalCorrupt, match="the segment before it is missing"):
        read_all(places)
