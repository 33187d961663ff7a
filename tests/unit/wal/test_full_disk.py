"""No room: refused before anything is written, and nothing half done."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.wal import ClosedEntry, ClosedTable, LmdbJournal, StorageFull
from engine.wal.errors import FULL_ERRNOS

ROOT = Path(__file__).resolve().parents[3]
MIB = 1024 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(where)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.decode().strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "-l", str(where)], check=True)


def fill_until_refused(journal: LmdbJournal, bytes_each: int) -> int:
    """Append until there is no room; the batches that fitted."""
    for i in range(10_000):
        try:
            journal.make_room(bytes_each)
        except StorageFull:
            return i
        journal.append(journal.last_time_ns + 1, [b"%d" % i + bytes(bytes_each)])
    raise AssertionError("the disk never became full")


def test_a_full_disk_is_refused_before_the_batch_and_what_was_written_stays(small_disk: Path) -> None:
    journal = LmdbJournal(small_disk / "journal", map_bytes_first=MIB)
    fitted = fill_until_refused(journal, 100_000)
    assert fitted > 5
    assert [batch.first_seq for batch in journal.read()] == list(range(1, fitted + 1))
    with pytest.raises(StorageFull):
        journal.make_room(100_000)
    journal.close()
    again = LmdbJournal(small_disk / "journal", map_bytes_first=MIB)
    assert (again.last_seq, len(list(again.read()))) == (fitted, fitted)
    again.close()


def test_when_space_comes_back_it_goes_on(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(4 * MIB))
    journal = LmdbJournal(small_disk / "journal", map_bytes_first=MIB)
    fitted = fill_until_refused(journal, 100_000)
    ballast.unlink()
    journal.make_room(100_000)
    journal.append(journal.last_time_ns + 1, [b"goes on"])
    assert journal.record(fitted + 1)[1] == b"goes on"
    journal.close()


def test_a_disk_too_small_for_the_next_segment_leaves_the_old_one_alone(small_disk: Path) -> None:
    journal = LmdbJournal(small_disk / "journal", map_bytes_first=3 * MIB, segment_bytes_max=500_000)
    fitted = fill_until_refused(journal, 100_000)
    names = sorted(path.name for path in (small_disk / "journal").iterdir())
    assert all(name.isdigit() for name in names), "nothing half made is left"
    assert len(list(journal.read())) == fitted
    journal.close()


def test_a_disk_too_small_to_begin_on_says_so(small_disk: Path) -> None:
    with pytest.raises(StorageFull):
        LmdbJournal(small_disk / "journal", map_bytes_first=16 * MIB)
    assert list((small_disk / "journal").iterdir()) == []


def store_many(table: ClosedTable) -> None:
    """More than fits."""
    for i in range(2, 30):
        table.store([ClosedEntry("orders", i, f"W-{i}", (), bytes(MIB))], i)


def test_a_full_disk_keeps_closed_things_as_they_were(small_disk: Path) -> None:
    table = ClosedTable(small_disk / "closed")
    table.store([ClosedEntry("orders", 1, "W-1", (), b"shipped")], 1)
    with pytest.raises(StorageFull):
        store_many(table)
    assert table.get("orders", "W-1") == b"shipped"
    stored = table.through_seq
    assert table.get("orders", f"W-{stored + 1}") is None
    assert len(list(table.newest("orders"))) == stored
    table.close()


def test_a_read_only_file_system_is_like_a_full_one(small_disk: Path) -> None:
    journal = LmdbJournal(small_disk / "journal", map_bytes_first=MIB)
    journal.append(1, [b"before"])
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageFull):
        LmdbJournal(small_disk / "journal", map_bytes_first=MIB)


LIMITED = """
import resource, signal, sys
from pathlib import Path
from engine.wal import LmdbJournal, StorageFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
journal = LmdbJournal(Path(sys.argv[1]), map_bytes_first=1_048_576)
try:
    while True:
        journal.make_room(100_000)
        journal.append(journal.last_time_ns + 1, [bytes(100_000)])
except StorageFull:
    print(journal.last_seq)
"""


def test_a_limit_on_file_size_is_refused_before_the_batch(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    journal = LmdbJournal(tmp_path)
    assert journal.last_seq == int(done.stdout) > 5
    assert len(list(journal.read())) == journal.last_seq
    journal.close()


def test_what_counts_as_full_is_written_down() -> None:
    assert set(FULL_ERRNOS) == {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}
