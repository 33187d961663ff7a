"""One flipped bit or a cut anywhere in segments, archive or snapshots: noticed when everything is read, or it changed nothing."""

import json
import os
import struct
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from engine.wal import JournalCorrupt, SnapshotDamaged
from engine.wal.segments import SegmentHeader, seq_key
from tests.unit.wal.flips import PAGE, archive_stretches, pages_of
from tests.unit.wal.keeping import (
    Places,
    append,
    archive_sealed,
    archived_files,
    flip,
    keep,
    keep_archived_only,
    live_folders,
    places_in,
    read_all,
    refusal_of,
    reopen,
    retire,
    verify_archive,
)
from tests.unit.wal.test_journal_files import newest_meta
from tests.unit.wal.test_snapshot_files import make, read_whole

ROOT = Path(__file__).resolve().parents[3]
ROOT_AT = 16 + 24 + 2 * 48 - 8
DAMAGED_SEPARATOR = "a batch that begins after the record that was asked for is taken for the one that holds it"


def outcomes(kind: str, directory: Path, count: int, begin: int) -> Counter[tuple[str, str]]:
    """How many flips of which bytes ended how."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.unit.wal.flips", kind, str(directory), str(count), str(begin)],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return Counter({(of, outcome): number for of, outcome, number in json.loads(told.stdout)})


def of_outcome(found: Counter[tuple[str, str]], wanted: str) -> int:
    return sum(number for (_, outcome), number in found.items() if outcome == wanted)


# Segments


@pytest.mark.parametrize("count", [4, pytest.param(60, marks=pytest.mark.slow)])
def test_no_flipped_bit_of_a_live_segment_is_believed(tmp_path: Path, count: int) -> None:
    found = outcomes("live", tmp_path, count, count)
    assert {outcome for _, outcome in found} == {"detected", "harmless"}, found
    assert found["free space", "harmless"] == count, "what is not used does not count"
    assert of_outcome(found, "detected") >= 2 * count, "the rest is in pages that are not reached any more"


@pytest.mark.slow
def test_no_flipped_bit_of_the_way_to_a_leaf_is_believed(tmp_path: Path) -> None:
    found = outcomes("separators", tmp_path, 100_000, 0)
    assert {outcome for _, outcome in found} == {"detected", "harmless"}, found


def mislead(places: Places) -> None:
    """Take one bit from the key by which LMDB finds the second leaf: it is looked for there what lies in the first."""
    file = live_folders(places)[0] / "data.mdb"
    content = file.read_bytes()
    branch = PAGE * struct.unpack_from("=Q", content, newest_meta(file) + ROOT_AT)[0]
    assert branch in {stretch.start for stretch in pages_of(file) if stretch.kind == "branch page"}
    node = branch + struct.unpack_from("=H", content, branch + 18)[0]
    separator = int.from_bytes(content[node + 8 : node + 16], "big")
    less = separator & ~(1 << separator.bit_length() - 1)
    assert 1 <= less < separator
    with file.open("r+b") as handle:
        handle.seek(node + 8)
        handle.write(seq_key(less))


def test_a_reading_that_is_misled_skips_no_record(tmp_path: Path) -> None:
    places = keep(tmp_path, 30)
    mislead(places)
    journal = reopen(places)
    try:
        assert next(journal.read()).first_seq == 1
    except JournalCorrupt:
        pass
    finally:
        journal.close()


def test_a_record_that_is_asked_for_is_never_another_one(tmp_path: Path) -> None:
    places = keep(tmp_path, 30)
    mislead(places)
    journal = reopen(places)
    try:
        assert journal.record(6)[1].startswith(b"6/0 ")
    except JournalCorrupt:
        pass
    finally:
        journal.close()


def flip_in_header(places: Places, at: int) -> None:
    """Flip a bit of the header of the first live segment, in every copy of it that LMDB has made."""
    file = live_folders(places)[0] / "data.mdb"
    journal = reopen(places)
    segment = journal._segments[0]
    with segment.environment.begin(db=segment.batches) as transaction:
        header = transaction.get(bytes(8))
    journal.close()
    assert header is not None
    content = file.read_bytes()
    changed = bytearray(header)
    changed[at] ^= 1
    assert header in content
    file.write_bytes(content.replace(header, bytes(changed)))


@pytest.mark.parametrize("at", range(0, SegmentHeader.layout.size, 7))
def test_the_header_of_a_segment_that_follows_another_is_held_against_it(tmp_path: Path, at: int) -> None:
    places = keep_archived_only(tmp_path, 30)
    flip_in_header(places, at)
    assert refusal_of(places).name == live_folders(places)[0].name


def test_the_id_of_a_lone_segment_counts(tmp_path: Path) -> None:
    places = keep(tmp_path, 3)
    flip_in_header(places, 0)
    refusal_of(places)


def test_the_time_before_an_empty_segment_counts(tmp_path: Path) -> None:
    places = places_in(tmp_path)
    journal = reopen(places)
    while len(live_folders(places)) < 2:
        append(journal, 1)
        journal.make_room(100)
    journal.close()
    archive_sealed(places)
    journal = reopen(places)
    retire(journal, journal.last_seq)
    journal.close()
    flip_in_header(places, 24)
    refusal_of(places)


def test_a_segment_cut_at_any_page_is_refused(tmp_path: Path) -> None:
    places = keep(tmp_path, 30)
    whole = read_all(places)
    for folder in live_folders(places):
        file = folder / "data.mdb"
        content, used = file.read_bytes(), max(stretch.end for stretch in pages_of(file))
        for length in range(0, used, PAGE):
            file.write_bytes(content[:length])
            assert refusal_of(places) == (folder.name, "the file is shorter than its used pages")
        file.write_bytes(content[:used])
        assert read_all(places) == whole, "only preallocated space was cut off"


# Archive and snapshots


@pytest.mark.parametrize("count", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_every_flipped_bit_of_an_archived_segment_is_noticed(tmp_path: Path, count: int) -> None:
    found = outcomes("archived", tmp_path, count, count)
    kinds = {"header", "block head", "block body", "index", "footer"}
    assert set(found) == {(kind, "detected") for kind in kinds}, found


@pytest.mark.parametrize("count", [4, pytest.param(125, marks=pytest.mark.slow)])
def test_every_flipped_bit_of_a_snapshot_is_noticed_and_the_one_before_it_is_used(tmp_path: Path, count: int) -> None:
    found = outcomes("snapshots", tmp_path, count, count)
    kinds = {"header", "part head", "part body", "footer"}
    assert set(found) == {(kind, "detected") for kind in kinds}, found


def test_an_archived_segment_cut_at_many_lengths_is_refused(tmp_path: Path) -> None:
    places = keep_archived_only(tmp_path, 30)
    for path in archived_files(places):
        content, borders = path.read_bytes(), {stretch.start for stretch in archive_stretches(path)}
        for length in sorted(borders | {border + 1 for border in borders} | set(range(0, len(content), 53))):
            path.write_bytes(content[:length])
            with pytest.raises(JournalCorrupt, match=path.name):
                verify_archive(path)
        path.write_bytes(content)
    read_all(places)


def test_a_snapshot_cut_at_many_lengths_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    content = path.read_bytes()
    for length in range(0, len(content), 29):
        path.write_bytes(content[:length])
        with pytest.raises(SnapshotDamaged, match=path.name):
            read_whole(path)


def test_a_flip_that_is_taken_back_leaves_everything_as_it_was(tmp_path: Path) -> None:
    places = keep_archived_only(tmp_path, 30)
    before, path = read_all(places), archived_files(places)[0]
    for bit in range(0, 8 * path.stat().st_size, 997):
        flip(path, bit)
        with pytest.raises(JournalCorrupt):
            verify_archive(path)
        flip(path, bit)
    assert read_all(places) == before
