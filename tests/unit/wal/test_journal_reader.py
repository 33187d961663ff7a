"""Reading a journal that another process writes: whole durable batches, in order and without gaps, and nothing is disturbed."""

import hashlib
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from engine.wal import Batch, JournalCorrupt, JournalReader
from engine.wal.framing import GENESIS, digest_of
from tests.unit.wal.another_process import Other
from tests.unit.wal.keeping import (
    Places,
    archive_sealed,
    archive_sealed_by,
    content_of,
    flip,
    keep,
    keep_archived_only,
    live_folders,
    places_in,
)
from tests.unit.wal.test_journal_files import newest_meta


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return places_in(tmp_path)


@pytest.fixture
def writer(places: Places) -> Iterator[Other]:
    """A writer in a process of its own that has begun."""
    with Other("write", places) as other:
        other.ask("append", 1)
        yield other


class Follower:
    """Reads on from where it was, and checks that what it gets follows what it has."""

    def __init__(self, places: Places) -> None:
        self.reader = JournalReader(*places)
        self.batches: list[Batch] = []
        self.chain = GENESIS
        self.read_on()

    @property
    def seq(self) -> int:
        return self.batches[-1].last_seq if self.batches else 0

    def read_on(self) -> int:
        """Refresh, and read what is new; the last seq."""
        self.reader.refresh()
        for batch, frame in self.reader.frames(self.seq, self.chain):
            assert batch.first_seq == self.seq + 1
            assert not self.batches or batch.time_ns > self.batches[-1].time_ns
            content_of([batch])
            self.batches.append(batch)
            self.chain = digest_of(frame)
        assert (self.seq, self.chain) == (self.reader.last_seq, self.reader.chain_digest)
        assert self.batches[-1].time_ns == self.reader.last_time_ns
        return self.seq


# While it is written


def test_a_reader_sees_what_was_durable_at_its_last_refresh(places: Places, writer: Other) -> None:
    reader = JournalReader(*places)
    before = reader.last_seq
    after = writer.ask("append", 3)
    assert reader.last_seq == before < after
    assert list(reader.read(before)) == []
    with pytest.raises(KeyError):
        reader.record(after)
    reader.refresh()
    assert reader.last_seq == after
    assert len(content_of(reader.read())) == 4
    reader.close()


def test_a_reader_follows_through_new_segments(places: Places, writer: Other) -> None:
    follower = Follower(places)
    for _ in range(12):
        assert follower.read_on() <= writer.ask("append", 5)
        follower.read_on()
    assert follower.seq == writer.ask("where")
    assert len(live_folders(places)) >= 4
    follower.reader.close()


def test_a_record_in_a_map_that_has_grown_can_be_read(places: Places, writer: Other) -> None:
    reader = JournalReader(*places)
    writer.ask("append large", 900_000)
    assert reader.record(1)[1].startswith(b"1/0 "), "the map of the reader was too small"
    reader.refresh()
    assert reader.record(reader.last_seq)[1] == bytes(900_000)
    reader.close()


MAP_GREW = "the header is read without taking over the size of a map that the writer has grown"


def test_a_reader_refreshes_after_the_map_has_grown(places: Places, writer: Other) -> None:
    reader = JournalReader(*places)
    try:
        for _ in range(3):
            last_seq = writer.ask("append large", 900_000)
            reader.refresh()
            assert reader.record(last_seq)[1] == bytes(900_000)
    finally:
        reader.close()


def test_a_follower_archives_although_the_map_has_grown_meanwhile(places: Places, writer: Other) -> None:
    writer.ask("append", 40)
    reader = JournalReader(*places)
    sealed = len(live_folders(places)) - 1
    writer.ask("append large", 900_000)
    try:
        assert len(archive_sealed_by(reader, places)) == sealed
    finally:
        reader.close()


def test_a_reader_beside_a_busy_writer_gets_whole_batches_only(places: Places, writer: Other) -> None:
    follower, looks = Follower(places), 0
    writer.tell("append", 150)
    while len(live_folders(places)) < 9 and looks < 100_000:
        follower.read_on()
        looks += 1
    last_seq = writer.answer()
    assert follower.read_on() == last_seq
    assert len(follower.batches) == 151
    assert looks > 1
    follower.reader.close()


def test_segments_that_are_retired_are_read_on_from_the_archive(places: Places, writer: Other) -> None:
    follower = Follower(places)
    for _ in range(3):
        writer.ask("append", 20)
        follower.read_on()
        archive_sealed_by(follower.reader, places)
        reading = follower.reader.read(0, GENESIS)
        begun = [next(reading)]
        assert len(writer.ask("retire")) > 0
        begun += reading
        assert begun == follower.batches[: len(begun)], "what had been opened is still there"
        follower.read_on()
        assert list(follower.reader.read()) == follower.batches
    assert len(follower.batches) == 61
    assert len(live_folders(places)) == 1
    follower.reader.close()


def test_a_reader_that_refreshes_in_the_middle_of_a_reading_goes_on(places: Places, writer: Other) -> None:
    writer.ask("append", 40)
    reader = JournalReader(*places)
    reading = reader.read()
    found = [next(reading) for _ in range(3)]
    archive_sealed_by(reader, places)
    writer.ask("retire")
    reader.refresh()
    assert content_of(found + list(reading))[-1].last_seq == reader.last_seq
    reader.close()


def test_without_its_archive_a_reader_begins_where_the_journal_does(places: Places, writer: Other) -> None:
    writer.ask("append", 40)
    archive_sealed(places)
    writer.ask("retire")
    reader = JournalReader(places.journal)
    assert reader.first_seq == int(live_folders(places)[0].name)
    with pytest.raises(JournalCorrupt, match="neither in the journal nor in the archive"):
        next(reader.read())
    reader.close()


def test_what_is_sealed_is_everything_but_what_is_written_to(places: Places, writer: Other) -> None:
    writer.ask("append", 40)
    reader = JournalReader(*places)
    seqs = [int(folder.name) for folder in live_folders(places)]
    assert [(first, last) for first, last, _ in reader.sealed()] == [
        (first, following - 1) for first, following in pairwise(seqs)
    ]
    for first, last, chain in reader.sealed():
        assert chain == reader.chain_after(first - 1)
        assert reader.chain_after(last) is not None
    reader.close()


# What it leaves alone


def state_of(places: Places) -> dict[Path, tuple[int, int, str]]:
    """Size, time of change and content of every file but LMDB's table of readers."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for folder in places
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock.mdb"
    }


def test_a_reader_changes_no_file(tmp_path: Path) -> None:
    places = keep_archived_only(tmp_path)
    before = state_of(places)
    reader = JournalReader(*places)
    assert len(content_of(reader.read())) == len(list(reader.read_backwards())) == 40
    reader.refresh()
    reader.sealed()
    reader.close()
    assert state_of(places) == before


def test_a_folder_without_a_journal_is_refused_and_left_empty(tmp_path: Path) -> None:
    with pytest.raises(JournalCorrupt, match="there is no segment"):
        JournalReader(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_page_is_a_damaged_segment_to_a_reader(tmp_path: Path) -> None:
    places = keep(tmp_path, 30)
    folder = live_folders(places)[0]
    content = (folder / "data.mdb").read_bytes()
    branch = 4096 * struct.unpack_from("=Q", content, newest_meta(folder / "data.mdb") + 128)[0]
    first_leaf = branch + struct.unpack_from("=H", content, branch + 16)[0]
    flip(folder / "data.mdb", 8 * (first_leaf + 1) + 7)
    with pytest.raises(JournalCorrupt) as refusal:
        JournalReader(*places)
    assert refusal.value.segment == folder.name
