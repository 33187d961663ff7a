"""A journal on disk: what is damaged is refused by name and left as it is."""

import gc
import re
import shutil
import struct
from pathlib import Path
from typing import NamedTuple

import lmdb
import pytest

from engine.wal import JournalCorrupt, LmdbJournal
from engine.wal.framing import digest_of, encode
from tests.unit.wal.sizes import Sizes

SMALL: Sizes = {"segment_bytes_max": 70_000, "map_bytes_first": 600_000}
PAGE = 4096
TXN_ID_AT = 16 + 24 + 2 * 48 + 8


def write(directory: Path, batches: int, bytes_each: int = 3_000) -> None:
    """A journal of one-record batches, several to a segment."""
    journal = LmdbJournal(directory, **SMALL)
    for i in range(1, batches + 1):
        journal.make_room(bytes_each)
        journal.append(journal.last_time_ns + 1, [b"%d " % i * (bytes_each // 4)])
    journal.close()


def segments(directory: Path) -> list[Path]:
    return sorted(path for path in directory.iterdir() if path.name.isdigit())


def reopen(directory: Path) -> LmdbJournal:
    return LmdbJournal(directory, **SMALL)


class Refusal(NamedTuple):
    """What a refused opening said."""

    segment: str
    seq: int | None
    reason: str
    words: str


HEADER_BYTES = 72


def refusal_of(directory: Path) -> Refusal:
    """Open and read all of it, which must be refused. Everything is let go again."""
    refusal = None
    try:
        journal = reopen(directory)
        try:
            list(journal.read())
        finally:
            journal.close()
    except JournalCorrupt as error:
        refusal = Refusal(error.segment, error.seq, error.reason, str(error))
    gc.collect()  # a refused journal's environments end with it
    assert refusal is not None, "it was not refused"
    return refusal


def newest_meta(file: Path) -> int:
    """Where LMDB's newest meta page begins."""
    content = file.read_bytes()
    ids = [struct.unpack_from("=Q", content, at + TXN_ID_AT)[0] for at in (0, PAGE)]
    return PAGE * ids.index(max(ids))


def overwrite(file: Path, at: int, content: bytes) -> None:
    with file.open("r+b") as handle:
        handle.seek(at)
        handle.write(content)


def replace_batch(directory: Path, key: int, frame: bytes | None) -> None:
    """Do to a batch what only somebody with a tool would."""
    with lmdb.open(str(directory), max_dbs=2, lib_version=0) as environment:
        batches = environment.open_db(None)
        with environment.begin(write=True, db=batches) as transaction:
            transaction.delete(key.to_bytes(8, "big"))
            if frame is not None:
                transaction.put(key.to_bytes(8, "big"), frame)


# Rotation and growth


def test_a_full_segment_is_followed_by_the_next_and_nothing_is_lost(tmp_path: Path) -> None:
    write(tmp_path, 30)
    names = [path.name for path in segments(tmp_path)]
    assert len(names) >= 3
    assert names[0] == "00000000000000000001"
    journal = reopen(tmp_path)
    assert [batch.first_seq for batch in journal.read()] == list(range(1, 31))
    assert journal.segment == names[-1]
    assert all(journal.record(int(name))[0] == int(name) for name in names)
    journal.append(99, [b"goes on"])
    assert journal.last_seq == 31
    journal.close()


def test_the_map_grows_between_batches(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path, map_bytes_first=600_000)
    for i in range(1, 9):
        journal.make_room(500_000)
        journal.append(i, [bytes([i]) * 500_000])
    assert journal.bytes_used > 4_000_000
    journal.close()
    again = LmdbJournal(tmp_path, map_bytes_first=600_000)
    assert [batch.records[0][0] for batch in again.read()] == list(range(1, 9))
    again.close()


def test_a_batch_larger_than_expected_still_fits(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path, map_bytes_first=600_000)
    journal.make_room(10)
    journal.append(1, [bytes(3_000_000)])
    journal.close()
    assert reopen(tmp_path).record(1) == (1, bytes(3_000_000))


def test_a_rotation_that_was_cut_off_leaves_a_journal_that_opens(tmp_path: Path) -> None:
    write(tmp_path, 3)
    half_made = tmp_path / "00000000000000000004.new"
    half_made.mkdir()
    (half_made / "data.mdb").write_bytes(b"half")
    journal = reopen(tmp_path)
    assert journal.last_seq == 3
    journal.close()


def test_an_empty_segment_at_the_end_is_where_the_next_batch_goes(tmp_path: Path) -> None:
    journal = reopen(tmp_path)
    while len(segments(tmp_path)) < 2:
        journal.append(journal.last_time_ns + 1, [bytes(6_000)])
        journal.make_room(6_000)
    last_seq = journal.last_seq
    journal.close()
    journal = reopen(tmp_path)
    assert (journal.last_seq, int(journal.segment)) == (last_seq, last_seq + 1)
    journal.append(journal.last_time_ns + 1, [b"next"])
    assert [batch.first_seq for batch in journal.read()] == list(range(1, last_seq + 2))
    journal.close()


# Segments that do not belong together


def test_a_missing_segment_in_the_middle_is_named_by_what_follows_it(tmp_path: Path) -> None:
    write(tmp_path, 60)
    first, second, third = segments(tmp_path)[:3]
    shutil.rmtree(second)
    refusal = refusal_of(tmp_path)
    assert (refusal.segment, refusal.reason) == (third.name, "the segment before it is missing")
    shutil.rmtree(third)
    shutil.rmtree(first)
    assert refusal_of(tmp_path).reason == "the segment before it is missing"


def test_a_doubled_segment_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 30)
    first, second = segments(tmp_path)[:2]
    shutil.copytree(first, tmp_path / f"{int(second.name) - 1:020d}")
    refusal = refusal_of(tmp_path)
    assert (refusal.segment, refusal.reason) == (f"{int(second.name) - 1:020d}", "it belongs to another journal")


def test_a_segment_that_repeats_records_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 30)
    first, second = segments(tmp_path)[:2]
    last = int(second.name) - 1
    old = encode_like(tmp_path, last)
    record = len(old) - HEADER_BYTES - 4
    forge(first, old, encode(last, last, bytes(32), [b"a", bytes(record - 5)])[0])
    refusal = refusal_of(tmp_path)
    assert (refusal.segment, refusal.reason) == (second.name, "it repeats records of the segment before it")


def test_a_segment_of_another_journal_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "ours", 30)
    write(tmp_path / "theirs", 30)
    ours, theirs = segments(tmp_path / "ours")[1], segments(tmp_path / "theirs")[1]
    assert ours.name == theirs.name
    shutil.rmtree(ours)
    shutil.copytree(theirs, ours)
    refusal = refusal_of(tmp_path / "ours")
    assert (refusal.segment, refusal.reason) == (ours.name, "it belongs to another journal")


def test_a_segment_without_its_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 30)
    (segments(tmp_path)[1] / "data.mdb").unlink()
    refusal = refusal_of(tmp_path)
    assert (refusal.segment, refusal.reason) == (segments(tmp_path)[1].name, "its file is missing")


# Files that are damaged


def test_a_segment_cut_short_is_refused_before_it_is_mapped(tmp_path: Path) -> None:
    write(tmp_path, 9)
    file = segments(tmp_path)[0] / "data.mdb"
    whole = file.read_bytes()
    used = (struct.unpack_from("=Q", whole, newest_meta(file) + TXN_ID_AT - 8)[0] + 1) * PAGE
    for length in (0, 1, PAGE, 2 * PAGE - 1, 2 * PAGE, used - PAGE, used - 1):
        file.write_bytes(whole[:length])
        refusal = refusal_of(tmp_path)
        assert (refusal.segment, refusal.reason) == (file.parent.name, "the file is shorter than its used pages")
        assert file.stat().st_size == length, "it is left as it is"
    file.write_bytes(whole[:used])
    journal = reopen(tmp_path)
    assert journal.last_seq == 9, "only preallocated space was cut off"
    journal.close()


@pytest.mark.parametrize(
    "field", [(16, b"\0\0\0\0"), (20, b"\7\0\0\0"), (TXN_ID_AT, b"\0" * 8)], ids=["magic", "version", "id"]
)
def test_a_damaged_newest_meta_page_is_refused_and_not_rolled_back(tmp_path: Path, field: tuple[int, bytes]) -> None:
    write(tmp_path, 9)
    file = segments(tmp_path)[0] / "data.mdb"
    overwrite(file, newest_meta(file) + field[0], field[1])
    damaged = file.read_bytes()
    refusal = refusal_of(tmp_path)
    assert (refusal.segment, refusal.reason) == (
        file.parent.name,
        "its meta pages do not agree with its commits: a page is damaged, or another program wrote to it",
    )
    assert file.read_bytes() == damaged


def test_a_page_overwritten_with_zeros_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 9)
    file = segments(tmp_path)[0] / "data.mdb"
    frame, whole = encode_like(tmp_path, 2), file.read_bytes()
    for match in re.finditer(re.escape(frame), whole):
        overwrite(file, match.start() // PAGE * PAGE, bytes(PAGE))
    assert refusal_of(tmp_path).segment == file.parent.name


def test_every_byte_of_a_stored_batch_counts(tmp_path: Path) -> None:
    write(tmp_path, 4, 8)
    file = segments(tmp_path)[0] / "data.mdb"
    whole = file.read_bytes()
    frame = encode_like(tmp_path, 4)
    copies = [match.start() for match in re.finditer(re.escape(frame), whole)]  # LMDB writes changed pages anew
    for offset in range(len(frame)):
        for start in copies:
            overwrite(file, start + offset, bytes([frame[offset] ^ 0x10]))
        assert refusal_of(tmp_path).seq == 4
        for start in copies:
            overwrite(file, start + offset, frame[offset : offset + 1])
    reopen(tmp_path).close()


def encode_like(directory: Path, seq: int) -> bytes:
    """The bytes of the one-record batch at `seq` as they lie on disk."""
    journal = reopen(directory)
    digest = bytes(32)
    for batch in journal.read():
        frame, digest = encode(batch.first_seq, batch.time_ns, digest, batch.records)
        if batch.first_seq == seq:
            journal.close()
            return frame
    raise AssertionError(seq)


# Somebody with a tool


def forge(directory: Path, old: bytes, new: bytes) -> None:
    """Overwrite a frame in the file with another one of the same length, past LMDB, with its checksum right."""
    assert len(old) == len(new)
    content = (directory / "data.mdb").read_bytes()
    assert old in content
    overwrite(directory / "data.mdb", 0, content.replace(old, new))


def test_a_batch_that_was_taken_out_shows_in_the_number_of_commits(tmp_path: Path) -> None:
    write(tmp_path, 5)
    replace_batch(segments(tmp_path)[0], 3, None)
    assert refusal_of(tmp_path).reason.startswith("its meta pages do not agree with its commits")


def test_a_batch_that_was_rewritten_breaks_the_chain(tmp_path: Path) -> None:
    write(tmp_path, 5)
    old = encode_like(tmp_path, 2)
    new = encode(2, 2, digest_of(encode_like(tmp_path, 1)), [bytes(len(old) - HEADER_BYTES - 4)])[0]
    forge(segments(tmp_path)[0], old, new)
    refusal = refusal_of(tmp_path)
    assert (refusal.seq, refusal.reason) == (3, "it does not follow the batch before it")
    assert refusal.segment in refusal.words
    assert "backup" in refusal.words


def test_the_last_batch_of_a_full_segment_cannot_be_rewritten_either(tmp_path: Path) -> None:
    write(tmp_path, 30)
    first, second = segments(tmp_path)[:2]
    last = int(second.name) - 1
    old = encode_like(tmp_path, last)
    forge(first, old, encode(last, last, bytes(32), [bytes(len(old) - HEADER_BYTES - 4)])[0])
    assert refusal_of(tmp_path).segment == second.name
