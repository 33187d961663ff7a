"""A segment made again from archived frames: the same batches up to any record, and a journal that can be written to."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.wal import Batch, JournalCorrupt, LmdbJournal, archive, framing
from engine.wal.archive import ArchivedSegment
from engine.wal.files import UNFINISHED
from engine.wal.framing import GENESIS
from engine.wal.meta import pages_hold_together
from engine.wal.rebuild import rebuild
from engine.wal.segments import MAP_BYTES_FIRST, Segment
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
)

JOURNAL_ID = bytes(range(16))
Frames = Iterator[tuple[Batch, bytes]]


@pytest.fixture
def source(tmp_path: Path) -> Places:
    """A journal whose sealed segments are archived."""
    return keep_archived_only(tmp_path / "source")


def rebuild_archived(path: Path, parent: Path, to_seq: int, time_before_ns: int = 0) -> None:
    """Make the archived segment live again, up to a record."""
    parent.mkdir(parents=True, exist_ok=True)
    segment = ArchivedSegment(path)
    extent = segment.extent
    try:
        rebuild(parent, extent.journal_id, extent.chain_before, time_before_ns, segment.verify(), to_seq)
    finally:
        segment.close()


def batches_in(path: Path) -> list[Batch]:
    segment = ArchivedSegment(path)
    try:
        return [batch for batch, _ in segment.verify()]
    finally:
        segment.close()


def test_up_to_any_record_the_batches_are_the_same_and_it_goes_on(source: Places, tmp_path: Path) -> None:
    first = archived_files(source)[0]
    batches = batches_in(first)
    ends = {batch.last_seq for batch in batches}
    assert len(ends) < batches[-1].last_seq, "some records lie inside a batch"
    for seq in range(1, batches[-1].last_seq + 1):
        places = places_in(tmp_path / str(seq))
        rebuild_archived(first, places.journal, seq)
        journal = reopen(places)
        assert (journal.last_seq, journal.segment) == (seq, first.name[:20])
        found = list(journal.read())
        whole = [batch for batch in batches if batch.last_seq <= seq]
        assert found[: len(whole)] == whole
        if seq not in ends:
            cut = batches[len(whole)]
            kept = cut.records[: seq - cut.first_seq + 1]
            assert found[len(whole) :] == [Batch(cut.first_seq, cut.time_ns, kept)]
        assert journal.last_time_ns == batches[len(found) - 1].time_ns
        journal.append(journal.last_time_ns + 1, [b"goes on"])
        assert journal.record(seq + 1)[1] == b"goes on"
        assert len(list(journal.read())) == len(found) + 1
        journal.close()
        shutil.rmtree(places.journal)


def test_at_the_end_of_a_batch_the_chain_is_the_one_it_was(source: Places, tmp_path: Path) -> None:
    whole = reopen(source)
    first = archived_files(source)[0]
    for batch in batches_in(first):
        places = places_in(tmp_path / str(batch.last_seq))
        rebuild_archived(first, places.journal, batch.last_seq)
        journal = reopen(places)
        assert journal.journal_id == whole.journal_id
        assert journal.chain_digest == whole.chain_after(batch.last_seq)
        journal.close()
    whole.close()


def test_a_batch_that_was_cut_has_a_digest_of_its_own(source: Places, tmp_path: Path) -> None:
    first = archived_files(source)[0]
    cut = next(batch for batch in batches_in(first) if len(batch.records) > 1 and batch.first_seq > 1)
    places = places_in(tmp_path)
    rebuild_archived(first, places.journal, cut.first_seq)
    whole, journal = reopen(source), reopen(places)
    before = whole.chain_after(cut.first_seq - 1)
    assert before is not None
    assert journal.chain_after(cut.first_seq - 1) == before
    assert journal.chain_digest == framing.encode(cut.first_seq, cut.time_ns, before, cut.records[:1])[1]
    whole.close()
    journal.close()


def test_a_later_segment_follows_the_archive_before_it(source: Places, tmp_path: Path) -> None:
    first, second, *later = archived_files(source)
    places = places_in(tmp_path)
    places.archive.mkdir(parents=True)
    shutil.copyfile(first, places.archive / first.name)
    last = batches_in(second)[-2]
    rebuild_archived(second, places.journal, last.last_seq, batches_in(first)[-1].time_ns)
    found = read_all(places)
    assert found == batches_in(first) + batches_in(second)[:-1]
    journal = reopen(places)
    append(journal, 30)
    journal.close()
    assert len(live_folders(places)) > 1, "it is followed by a new segment once it is full"
    assert len(archive_sealed(places)) == len(live_folders(places)) - 1
    assert len(read_all(places)) == len(found) + 30
    assert later, "nothing of what came later is there"


def test_without_what_was_before_it_a_later_segment_is_refused(source: Places, tmp_path: Path) -> None:
    second = archived_files(source)[1]
    places = places_in(tmp_path)
    rebuild_archived(second, places.journal, batches_in(second)[0].last_seq)
    assert refusal_of(places).reason == "the segment before it is missing"


def test_a_whole_segment_made_again_can_be_archived_to_the_same_file(source: Places, tmp_path: Path) -> None:
    first = archived_files(source)[0]
    places = places_in(tmp_path)
    rebuild_archived(first, places.journal, batches_in(first)[-1].last_seq)
    journal = reopen(places)
    again = archive.write(tmp_path / "again", journal.journal_id, GENESIS, journal.frames())
    again.close()
    journal.close()
    assert again.path.read_bytes() == first.read_bytes()


def test_every_commit_adds_one_entry_as_it_did(source: Places, tmp_path: Path) -> None:
    first = archived_files(source)[0]
    rebuild_archived(first, tmp_path / "journal", batches_in(first)[-1].last_seq)
    (folder,) = (tmp_path / "journal").iterdir()
    assert pages_hold_together(folder / "data.mdb")
    segment = Segment(folder)
    entries, commits = segment.environment.stat()["entries"], segment.environment.info()["last_txnid"]
    assert entries == commits == 1 + len(batches_in(first))
    assert not segment.sealed, "it is the newest one now"
    segment.close()
    assert (folder / "data.mdb").stat().st_size % MAP_BYTES_FIRST == 0, "the file is preallocated"


def test_a_damaged_archive_is_not_made_live(source: Places, tmp_path: Path) -> None:
    first = archived_files(source)[0]
    last_seq = batches_in(first)[-1].last_seq
    flip(first, 8 * 100)
    with pytest.raises(JournalCorrupt):
        rebuild_archived(first, tmp_path / "journal", last_seq)


def large_frames(count: int, bytes_each: int) -> Frames:
    """Batches of one large record."""
    previous = GENESIS
    for seq in range(1, count + 1):
        frame, digest = framing.encode(seq, seq, previous, [seq.to_bytes(4, "big") + bytes(bytes_each)])
        yield framing.decode(frame, "test", seq)[0], frame
        previous = digest


def check_large(directory: Path, count: int, bytes_each: int) -> None:
    rebuild(directory, JOURNAL_ID, GENESIS, 0, large_frames(count, bytes_each), count)
    assert [path.suffix for path in directory.iterdir()] != [UNFINISHED]
    journal = LmdbJournal(directory)
    assert journal.bytes_used > count * bytes_each
    for seq, batch in enumerate(journal.read(), 1):
        assert batch.records == (seq.to_bytes(4, "big") + bytes(bytes_each),)
    assert journal.last_seq == count
    journal.make_room(bytes_each)
    journal.append(count + 1, [bytes(bytes_each)])
    assert journal.record(count + 1) == (count + 1, bytes(bytes_each))
    journal.close()


def test_the_map_grows_with_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.wal.rebuild._ROOM_BYTES", 1024 * 1024)
    check_large(tmp_path, 30, 300_000)


def test_one_batch_may_be_larger_than_the_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.wal.rebuild._ROOM_BYTES", 1024 * 1024)
    check_large(tmp_path, 2, 5_000_000)


@pytest.mark.slow
def test_a_segment_larger_than_the_first_map_can_be_made_again(tmp_path: Path) -> None:
    check_large(tmp_path, 100, 1_000_000)


def test_what_is_kept_from_before_stays_as_it_was(tmp_path: Path) -> None:
    places = keep(tmp_path / "kept", 30)
    before = read_all(places)
    archive_sealed(places)
    first = archived_files(places)[0]
    rebuild_archived(first, tmp_path / "journal", batches_in(first)[-1].last_seq)
    assert content_of(read_all(places)) == before
