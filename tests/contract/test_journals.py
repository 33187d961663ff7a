"""What every journal promises, on disk or in memory."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.wal import Batch, Journal, LmdbJournal, MemoryJournal
from engine.wal.framing import GENESIS

Make = Callable[[], Journal]


@pytest.fixture(params=["memory", "lmdb", "lmdb in many segments"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    made: Journal
    if request.param == "memory":
        made = MemoryJournal()
    elif request.param == "lmdb":
        made = LmdbJournal(tmp_path / "journal")
    else:
        made = LmdbJournal(tmp_path / "journal", segment_bytes_max=40_000, map_bytes_first=600_000)
    yield made
    made.close()


def fill(journal: Journal) -> list[Batch]:
    """Batches of one, two and three records, and a large one."""
    written = []
    for i, count in enumerate((1, 2, 3, 1, 3, 1), 1):
        records = tuple(b"record %d of batch %d " % (k, i) * (2_000 if i == 4 else 1) for k in range(count))
        journal.make_room(sum(map(len, records)))
        first_seq = journal.append(i * 100, records)
        written.append(Batch(first_seq, i * 100, records))
    return written


def test_an_empty_journal_begins_before_the_first_record(journal: Journal) -> None:
    assert (journal.last_seq, journal.last_time_ns, journal.chain_digest) == (0, 0, GENESIS)
    assert list(journal.read()) == []
    assert list(journal.read_backwards()) == []
    with pytest.raises(KeyError):
        journal.record(0)
    with pytest.raises(KeyError):
        journal.record(1)


def test_records_are_numbered_from_one_without_gaps(journal: Journal) -> None:
    written = fill(journal)
    assert [batch.first_seq for batch in written] == [1, 2, 4, 7, 8, 11]
    assert (journal.last_seq, journal.last_time_ns) == (11, 600)


def test_what_was_written_is_read_oldest_first_and_newest_first(journal: Journal) -> None:
    written = fill(journal)
    assert list(journal.read()) == written
    assert list(journal.read_backwards()) == written[::-1]


def test_reading_may_start_anywhere(journal: Journal) -> None:
    written = fill(journal)
    for after in range(13):
        assert list(journal.read(after)) == [batch for batch in written if batch.last_seq > after]
    for before in range(1, 14):
        assert list(journal.read_backwards(before)) == [batch for batch in written[::-1] if batch.first_seq < before]


def test_every_record_is_found_by_its_number(journal: Journal) -> None:
    for batch in fill(journal):
        for offset, record in enumerate(batch.records):
            assert journal.record(batch.first_seq + offset) == (batch.time_ns, record)
    for seq in (0, 12, -1):
        with pytest.raises(KeyError):
            journal.record(seq)


def test_a_reader_sees_what_is_appended_while_it_reads(journal: Journal) -> None:
    fill(journal)
    reader = journal.read(10)
    assert next(reader).first_seq == 11
    journal.append(700, [b"later"])
    assert next(reader) == Batch(12, 700, (b"later",))
    assert next(reader, None) is None


def test_the_digest_depends_on_every_batch_before_it(journal: Journal) -> None:
    other = MemoryJournal()
    digests = set()
    for i in range(1, 5):
        journal.append(i, [b"same"])
        other.append(i, [b"same"])
        assert journal.chain_digest == other.chain_digest
        digests.add(journal.chain_digest)
    assert len(digests) == 4
    journal.append(9, [b"one"])
    other.append(9, [b"two"])
    assert journal.chain_digest != other.chain_digest


def test_journalled_time_ascends_strictly(journal: Journal) -> None:
    journal.append(5, [b"a"])
    for time_ns in (5, 4):
        with pytest.raises(AssertionError):
            journal.append(time_ns, [b"b"])
    assert journal.last_seq == 1


def test_a_batch_is_never_empty_but_a_record_may_be(journal: Journal) -> None:
    with pytest.raises(AssertionError):
        journal.append(1, [])
    journal.append(1, [b"", b""])
    assert journal.record(2) == (1, b"")


def test_bytes_used_grow(journal: Journal) -> None:
    before = journal.bytes_used
    fill(journal)
    assert journal.bytes_used > before
    assert journal.segment
