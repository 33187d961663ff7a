"""An archived segment holds what the live one held, is read at any seq, and is refused when anything in it is not as written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.wal import JournalCorrupt, JournalReader, StorageFull, archive, framing
from engine.wal.files import UNFINISHED, Pending
from engine.wal.framing import GENESIS, Batch
from tests.unit.wal.keeping import (
    Places,
    archive_sealed,
    archived_files,
    content_of,
    flip,
    keep,
    keep_archived_only,
    live_folders,
    places_in,
    read_all,
    records_of,
    reopen,
    verify_archive,
)

JOURNAL_ID = bytes(range(16))


def frames(count: int, first_seq: int = 1, previous: bytes = GENESIS) -> list[tuple[Batch, bytes]]:
    """Batches that follow each other, with their frames."""
    made = []
    for _ in range(count):
        frame, digest = framing.encode(first_seq, first_seq * 10, previous, records_of(first_seq))
        batch, _ = framing.decode(frame, "test", first_seq)
        made.append((batch, frame))
        first_seq, previous = batch.last_seq + 1, digest
    return made


@pytest.fixture(params=[1024 * 1024, 9_000, 1], ids=["one block", "some blocks", "a block a batch"])
def block_bytes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The same in blocks of any size."""
    monkeypatch.setattr(archive, "BLOCK_BYTES", request.param)
    return int(request.param)


# Whole or not at all


def test_what_was_archived_is_read_back_at_every_seq(tmp_path: Path, block_bytes: int) -> None:
    written = frames(40)
    segment = archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(written))
    assert list(segment.verify()) == written
    last, last_frame = written[-1]
    digest = framing.digest_of(last_frame)
    assert segment.extent == (JOURNAL_ID, 1, last.last_seq, 10, last.time_ns, GENESIS, digest)
    assert segment.name == archive.name_of(1, last.last_seq)
    assert segment.bytes_used == segment.path.stat().st_size
    for batch, frame in written:
        assert all(segment.find(seq) == (batch.first_seq, frame) for seq in range(batch.first_seq, batch.last_seq + 1))
    assert (segment.find(0), segment.find(last.last_seq + 1)) == (None, None)
    segment.close()


def test_it_is_read_back_in_any_order(tmp_path: Path, block_bytes: int) -> None:
    written = frames(40)
    segment = archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(written))
    for batch, frame in [*reversed(written), *written[::7]]:
        assert segment.find(batch.last_seq) == (batch.first_seq, frame)
    segment.close()


def test_a_crash_while_archiving_leaves_nothing(tmp_path: Path) -> None:
    def damaged_source() -> Iterator[tuple[Batch, bytes]]:
        yield from frames(5)
        raise JournalCorrupt("live", 12, "its checksum does not match")

    with pytest.raises(JournalCorrupt, match="its checksum does not match"):
        archive.write(tmp_path, JOURNAL_ID, GENESIS, damaged_source())
    assert list(tmp_path.iterdir()) == []


def test_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Pending) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(Pending, "finish", full)
    with pytest.raises(StorageFull):
        archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(frames(5)))
    assert list(tmp_path.iterdir()) == []


def archive_badly(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies there afterwards is not what was written, and that is told."""
    publish = Pending.publish

    def publish_damaged(self: Pending, name: str) -> Path:
        path = publish(self, name)
        flip(path, 8 * 100)
        return path

    with monkeypatch.context() as patch:
        patch.setattr(Pending, "publish", publish_damaged)
        with pytest.raises(JournalCorrupt, match="the checksum of the whole file"):
            archive.write(directory, JOURNAL_ID, GENESIS, iter(frames(20)))


def test_a_file_that_does_not_read_back_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive_badly(tmp_path, monkeypatch)


def test_a_file_that_does_not_read_back_is_not_taken_for_archived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_badly(tmp_path, monkeypatch)
    assert list(tmp_path.glob("*.kja")) == []


# The journal reads on through the archive


def test_the_journal_is_the_same_with_its_beginning_archived(tmp_path: Path) -> None:
    places = keep(tmp_path)
    before = read_all(places)
    assert len(archive_sealed(places)) == len(live_folders(places)) - 1
    assert archive_sealed(places) == [], "what is archived is not archived again"
    assert read_all(places) == before


@pytest.fixture
def apart(tmp_path: Path) -> Places:
    """All but the newest segment is in the archive only."""
    return keep_archived_only(tmp_path)


def test_every_record_is_found_across_archive_and_journal(apart: Places) -> None:
    journal = reopen(apart)
    batches = content_of(journal.read())
    assert (journal.first_seq, batches[0].first_seq, batches[-1].last_seq) == (1, 1, journal.last_seq)
    for batch in batches:
        for offset, record in enumerate(batch.records):
            assert journal.record(batch.first_seq + offset) == (batch.time_ns, record)
    for seq in (0, journal.last_seq + 1):
        with pytest.raises(KeyError):
            journal.record(seq)
    journal.close()


def test_reading_begins_after_any_record(apart: Places) -> None:
    journal = reopen(apart)
    batches = list(journal.read())
    for seq in range(journal.last_seq + 1):
        assert list(journal.read(seq)) == [batch for batch in batches if batch.last_seq > seq]
    journal.close()


def test_reading_backwards_goes_on_into_the_archive(apart: Places) -> None:
    journal = reopen(apart)
    batches = list(journal.read())
    assert list(journal.read_backwards()) == batches[::-1]
    for before in (2, int(journal.segment), int(journal.segment) + 1):
        assert list(journal.read_backwards(before)) == [batch for batch in batches[::-1] if batch.first_seq < before]
    journal.close()


def test_the_chain_runs_on_over_the_border(apart: Places) -> None:
    journal = reopen(apart)
    ends = {batch.last_seq: framing.digest_of(frame) for batch, frame in journal.frames(0, GENESIS)}
    assert all(journal.chain_after(seq) == ends.get(seq) for seq in range(1, journal.last_seq + 1))
    assert journal.chain_after(0) == GENESIS
    border = int(journal.segment) - 1
    assert border in ends
    with pytest.raises(JournalCorrupt, match="it does not follow the batch before it"):
        list(journal.frames(border, bytes([1]) * 32))
    journal.close()


def test_a_reader_sees_the_same_as_the_writer(apart: Places) -> None:
    written = read_all(apart)
    reader = JournalReader(apart.journal, apart.archive)
    assert (content_of(reader.read()), reader.archive_damage) == (written, [])
    reader.close()


# Damage


def forged(path: Path, change: bytes, at: int) -> None:
    """Other bytes at a place."""
    content = bytearray(path.read_bytes())
    content[at : at + len(change)] = change
    path.write_bytes(content)


DAMAGE = {
    "magic": (0, b"KJA2", "does not start as an archived segment"),
    "version": (4, b"\0\2", "does not start as an archived segment"),
    "reserved": (6, b"\0\1", "does not start as an archived segment"),
    "block length": (8, b"\xff", "checksum of the whole file"),
    "block body": (60, b"\xff\xff\xff", "checksum of the whole file"),
    "journal id": (-160, b"another journal!", "checksum of its index"),
    "index": (-168, b"\xff", "checksum of its index"),
    "first seq": (-144, b"\xff", "checksum of its index"),
    "last time": (-120, b"\xff", "checksum of its index"),
    "chain before": (-112, b"\xff", "checksum of its index"),
    "chain after": (-80, b"\xff", "checksum of its index"),
    "index offset": (-48, b"\xff", "cut short, or its end is damaged"),
    "index offset, a little": (-41, b"\0", "cut short, or its end is damaged"),
    "blocks": (-40, b"\xff", "cut short, or its end is damaged"),
    "checksum of the index": (-36, b"\xff\xff\xff\xff", "checksum of its index"),
    "checksum of the file": (-5, b"\xff\xff", "checksum of the whole file"),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_every_kind_of_damage_is_named(tmp_path: Path, what: str) -> None:
    segment = archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(frames(20)))
    segment.close()
    at, change, words = DAMAGE[what]
    before = segment.path.read_bytes()
    forged(segment.path, change, at if at >= 0 else len(before) + at)
    assert segment.path.read_bytes() != before
    with pytest.raises(JournalCorrupt, match=words) as refusal:
        verify_archive(segment.path)
    assert refusal.value.segment == segment.name


def test_a_damaged_block_is_noticed_when_one_of_its_records_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "BLOCK_BYTES", 9_000)
    segment = archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(frames(20)))
    flip(segment.path, 8 * 100)
    with pytest.raises(JournalCorrupt, match="the checksum of a block does not match"):
        segment.find(1)
    assert segment.find(segment.last_seq) is not None, "the other blocks can be read"
    segment.close()


def test_frames_that_do_not_follow_each_other_are_noticed(tmp_path: Path) -> None:
    first = frames(2)
    of_another_history = frames(1, first[-1][0].last_seq + 1, bytes([7]) * 32)
    with pytest.raises(JournalCorrupt, match="it does not follow the batch before it"):
        archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(first + of_another_history))


def test_an_archived_segment_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    segment = archive.write(tmp_path, JOURNAL_ID, GENESIS, iter(frames(20)))
    segment.close()
    whole = segment.path.read_bytes()
    for length in [0, 1, 7, 8, 175, 176, 183, 184, *range(200, len(whole), 37), len(whole) - 1]:
        segment.path.write_bytes(whole[:length])
        with pytest.raises(JournalCorrupt) as refusal:
            verify_archive(segment.path)
        assert refusal.value.segment == segment.name


def test_a_renamed_file_is_refused_by_the_name_it_has(tmp_path: Path) -> None:
    places = keep(tmp_path)
    archive_sealed(places)
    first, *others = archived_files(places)
    first.rename(places.archive / archive.name_of(1, 2))
    found, (damage,) = archive.segments_in(places.archive)
    assert damage.segment == archive.name_of(1, 2)
    assert "renamed" in damage.reason
    assert [segment.path for segment in found] == others
    for segment in found:
        segment.close()


def test_what_is_no_archived_segment_is_left_alone(tmp_path: Path) -> None:
    places = keep_archived_only(tmp_path)
    (places.archive / f"segment-1{UNFINISHED}").write_bytes(b"half")
    (places.archive / "notes.txt").write_text("ours")
    assert len(read_all(places)) == 40


def test_an_archive_that_is_not_there_is_an_empty_one(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    assert archive.segments_in(places.archive) == ([], [])
    assert read_all(places) == []
