"""A journal whose beginning lies elsewhere: opened when archive or snapshot account for it, refused by name when they do not."""

import shutil
from pathlib import Path

import lmdb
import pytest

from engine.wal import JournalReader, LmdbJournal, StorageFull
from engine.wal.journal import RETIRED
from engine.wal.segments import SEAL_KEY, Segment
from tests.unit.wal.keeping import (
    Places,
    append,
    archive_sealed,
    archived_files,
    content_of,
    flip,
    keep,
    keep_archived_only,
    live_folders,
    places_in,
    read_all,
    refusal_of,
    reopen,
    retire,
)
from tests.unit.wal.test_journal_files import SMALL


@pytest.fixture
def apart(tmp_path: Path) -> Places:
    """All but the newest segment is in the archive only."""
    return keep_archived_only(tmp_path)


def first_live_seq(places: Places) -> int:
    return int(live_folders(places)[0].name)


def first_seq_of(path: Path) -> int:
    return int(path.name[:20])


# What of the beginning is there


def test_an_archive_in_a_row_is_the_beginning_of_the_journal(apart: Places) -> None:
    assert read_all(apart)[0].first_seq == 1


def test_a_missing_archived_file_in_the_middle_ends_what_can_be_read(apart: Places) -> None:
    _, second, third, *_ = archived_files(apart)
    second.unlink()
    journal = reopen(apart)
    assert journal.first_seq == first_seq_of(third)
    assert content_of(journal.read(journal.first_seq - 1))[0].first_seq == first_seq_of(third)
    assert [batch.first_seq for batch in journal.read_backwards()][-1] == first_seq_of(third)
    with pytest.raises(KeyError):
        journal.record(first_seq_of(third) - 1)
    with pytest.raises(Exception, match="neither in the journal nor in the archive"):
        next(journal.read())
    journal.close()


def test_a_damaged_archived_file_counts_as_missing_and_is_told(apart: Places) -> None:
    first, second, third, *_ = archived_files(apart)
    flip(second, 8 * (second.stat().st_size - 100))
    journal = reopen(apart)
    assert (journal.first_seq, [damage.segment for damage in journal.archive_damage]) == (
        first_seq_of(third),
        [second.name],
    )
    journal.close()
    reader = JournalReader(apart.journal, apart.archive)
    assert (reader.first_seq, len(reader.archive_damage)) == (first_seq_of(third), 1)
    reader.close()
    assert first.exists()


def test_the_newest_archived_file_missing_is_a_gap(apart: Places) -> None:
    archived_files(apart)[-1].unlink()
    refusal = refusal_of(apart)
    assert refusal == (live_folders(apart)[0].name, "the segment before it is missing")


def test_a_snapshot_that_reaches_far_enough_makes_up_for_the_archive(apart: Places) -> None:
    border = first_live_seq(apart) - 1
    shutil.rmtree(apart.archive)
    assert refusal_of(apart, border - 1).reason == "the segment before it is missing"
    for covered in (border, border + 1):
        assert read_all(apart, covered)[0].first_seq == border + 1
    journal = reopen(apart, border)
    append(journal, 30)
    assert len(live_folders(apart)) > 1, "a first segment after a snapshot may be followed"
    journal.close()
    assert read_all(apart, border)[0].first_seq == border + 1


@pytest.mark.parametrize("is_archived", [True, False])
def test_an_empty_segment_after_the_archive_or_a_snapshot_is_where_it_goes_on(
    tmp_path: Path, is_archived: bool
) -> None:
    places = places_in(tmp_path)
    journal = reopen(places)
    while len(live_folders(places)) < 2:
        append(journal, 1)
        journal.make_room(100)
    last_seq, time_ns, chain = journal.last_seq, journal.last_time_ns, journal.chain_digest
    journal.close()
    archive_sealed(places)
    journal = reopen(places)
    assert retire(journal, last_seq) != []
    journal.close()
    if not is_archived:
        shutil.rmtree(places.archive)
    journal = reopen(places, covered_seq=last_seq)
    assert (journal.last_seq, journal.last_time_ns, journal.chain_digest) == (last_seq, time_ns, chain)
    assert journal.first_seq == (1 if is_archived else last_seq + 1)
    append(journal, 1)
    journal.close()
    assert read_all(places, last_seq)[-1].first_seq == last_seq + 1


def test_an_archive_of_another_journal_does_not_lead_up_to_this_one(tmp_path: Path) -> None:
    ours, theirs = keep_archived_only(tmp_path / "ours"), keep_archived_only(tmp_path / "theirs")
    shutil.rmtree(ours.archive)
    shutil.copytree(theirs.archive, ours.archive)
    assert refusal_of(ours) == (live_folders(ours)[0].name, "it belongs to another journal")
    assert refusal_of(ours, first_live_seq(ours)).reason == "it belongs to another journal"


def test_one_file_of_another_journal_in_the_archive_ends_what_can_be_read(tmp_path: Path) -> None:
    ours, theirs = keep_archived_only(tmp_path / "ours"), keep_archived_only(tmp_path / "theirs")
    second, third = archived_files(ours)[1:3]
    shutil.copyfile(theirs.archive / second.name, second)
    journal = reopen(ours)
    assert journal.first_seq == first_seq_of(third)
    journal.close()


def test_an_archived_file_that_is_live_too_is_read_once(tmp_path: Path) -> None:
    places = keep(tmp_path)
    before = read_all(places)
    archive_sealed(places)
    last = archived_files(places)[-1]
    shutil.copyfile(last, places.archive / f"copy of {last.name}")
    assert read_all(places) == before
    journal = reopen(places)
    assert [damage.segment for damage in journal.archive_damage] == [f"copy of {last.name}"]
    journal.close()


@pytest.mark.parametrize("covered_seq", [0, 5])
def test_an_archive_and_no_segment_is_no_new_journal(apart: Places, covered_seq: int) -> None:
    shutil.rmtree(live_folders(apart)[0])
    assert refusal_of(apart, covered_seq) == ("none", "there is an archive or a snapshot, and no segment")
    assert live_folders(apart) == []


def test_a_snapshot_and_no_segment_is_no_new_journal_either(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    assert refusal_of(places, 5) == ("none", "there is an archive or a snapshot, and no segment")


# Seals


def is_sealed(folder: Path) -> bool:
    segment = Segment(folder)
    try:
        return segment.sealed
    finally:
        segment.close()


def test_every_segment_but_the_newest_is_sealed(tmp_path: Path) -> None:
    folders = live_folders(keep(tmp_path))
    assert [is_sealed(folder) for folder in folders] == [True] * (len(folders) - 1) + [False]


def test_the_newest_segment_removed_is_noticed(tmp_path: Path) -> None:
    places = keep(tmp_path)
    *_, before, newest = live_folders(places)
    shutil.rmtree(newest)
    assert refusal_of(places) == (before.name, "the segment after it is missing")


def test_the_newest_segment_removed_is_noticed_after_an_archive_too(apart: Places) -> None:
    journal = reopen(apart)
    append(journal, 30)
    journal.close()
    *_, before, newest = live_folders(apart)
    shutil.rmtree(newest)
    assert refusal_of(apart, first_live_seq(apart)) == (before.name, "the segment after it is missing")


class Crash(BaseException):
    """The process stops here."""


def crash_before_the_seal(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """End between giving the next segment its name and sealing the one before it."""

    def crash(self: Segment) -> None:
        raise Crash

    journal = reopen(places)
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "seal", crash)
        with pytest.raises(Crash):
            append(journal, 60)
    journal.close()


def test_a_crash_before_the_seal_is_made_good_at_the_next_opening(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = places_in(tmp_path)
    crash_before_the_seal(places, monkeypatch)
    first, second = live_folders(places)
    assert not is_sealed(first)
    journal = reopen(places)
    append(journal, 2)
    journal.close()
    assert is_sealed(first)
    assert read_all(places)[-1].first_seq >= int(second.name)
    shutil.rmtree(second)
    assert refusal_of(places) == (first.name, "the segment after it is missing")


def test_an_unsealed_segment_is_archived_and_retired_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = places_in(tmp_path)
    crash_before_the_seal(places, monkeypatch)
    before = live_folders(places)
    assert len(archive_sealed(places)) == 1
    journal = reopen(places)
    assert retire(journal, journal.last_seq) == [f"{before[0].name}{RETIRED}"]
    append(journal, 1)
    assert journal.first_seq == 1
    journal.close()


def test_a_seal_that_fails_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Segment) -> None:
        raise lmdb.DiskError("input/output error")

    journal = reopen(places_in(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(Segment, "seal", fail)
        with pytest.raises(Exception, match="the seal of segment"):
            append(journal, 60)
    with pytest.raises(Exception, match="an earlier commit failed"):
        journal.make_room(1)
    journal.close()
    assert len(read_all(places_in(tmp_path))) > 3


def full_to_the_last_page(directory: Path) -> None:
    """A segment in whose map there is no page left for a seal, and the one that follows it."""
    pages = 64
    journal = LmdbJournal(directory, map_bytes_first=pages * 4096, segment_bytes_max=20_000)
    journal.append(1, [bytes((pages - 6) * 4096 - 200)])
    journal.make_room(10)
    journal.close()


def test_a_full_segment_is_followed_though_there_is_no_room_for_its_seal(tmp_path: Path) -> None:
    full_to_the_last_page(tmp_path)
    assert [int(folder.name) for folder in sorted(tmp_path.iterdir())] == [1, 2]


def test_a_segment_that_had_no_room_for_its_seal_opens_again(tmp_path: Path) -> None:
    full_to_the_last_page(tmp_path)
    try:
        journal = LmdbJournal(tmp_path, **SMALL)
    except StorageFull:
        return  # a disk without room for it may be told
    assert (journal.last_seq, len(SEAL_KEY)) == (1, 8)
    journal.close()
