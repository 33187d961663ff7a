"""A snapshot file is there whole, under the name of its record, or it is refused by that name."""

import errno
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from engine.wal import PendingSnapshot, Snapshot, SnapshotDamaged, Stamp, StorageFull, snapshots_in
from engine.wal.files import UNFINISHED, remove_unfinished
from engine.wal.snapshots import name_of

ROOT = Path(__file__).resolve().parents[3]
JOURNAL_ID, CHAIN = bytes(range(16)), bytes(range(32))
PARTS = [b"position", bytes(50_000), b"".join(blake2b(b"%d" % i).digest() for i in range(300)), b"", b"the last part"]
HEADER_BYTES, PART_HEAD_BYTES, FOOTER_BYTES = 76, 12, 76


class Crash(BaseException):
    """The process stops here."""


def stamp(seq: int) -> Stamp:
    return Stamp(1, JOURNAL_ID, seq, 1_000 + seq, CHAIN)


def make(directory: Path, seq: int = 7, parts: list[bytes] = PARTS) -> Path:
    return PendingSnapshot(directory, stamp(seq), parts).publish()


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def read_whole(path: Path) -> list[bytes]:
    return list(Snapshot(path).parts())


def part_borders(path: Path) -> list[int]:
    """Where each part begins, and where the last one ends."""
    content, borders = path.read_bytes(), [HEADER_BYTES]
    for _ in PARTS:
        stored = struct.unpack_from(">I", content, borders[-1] + 4)[0]
        borders.append(borders[-1] + PART_HEAD_BYTES + stored)
    assert borders[-1] + FOOTER_BYTES == len(content)
    return borders


def sealed(content: bytes) -> bytes:
    """With the right CRC-32 behind it."""
    return content + struct.pack(">I", zlib.crc32(content))


# Whole or not at all


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    pending = PendingSnapshot(tmp_path, stamp(7), PARTS)
    snapshot = Snapshot(pending.publish())
    assert list(snapshot.parts()) == PARTS
    assert (snapshot.name, snapshot.seq, snapshot.stamp) == ("00000000000000000007.kjs", 7, stamp(7))
    assert snapshot.parts_count == len(PARTS)
    assert snapshot.bytes_used == snapshot.path.stat().st_size
    assert snapshot.digest == pending.digest == blake2b(b"".join(PARTS), digest_size=32).hexdigest()


def test_a_state_without_parts_can_be_kept_too(tmp_path: Path) -> None:
    assert read_whole(make(tmp_path, parts=[])) == []


def test_the_newest_snapshot_comes_first(tmp_path: Path) -> None:
    for seq in (9, 1_000, 20):
        make(tmp_path, seq)
    assert [snapshot.seq for snapshot in snapshots_in(tmp_path)[0]] == [1_000, 20, 9]


def test_a_folder_that_is_not_there_has_no_snapshots(tmp_path: Path) -> None:
    assert snapshots_in(tmp_path / "never made") == ([], [])


def test_nothing_is_seen_until_it_is_published(tmp_path: Path) -> None:
    pending = PendingSnapshot(tmp_path, stamp(7), PARTS)
    assert snapshots_in(tmp_path) == ([], [])
    assert [Path(name).suffix for name in names_in(tmp_path)] == [UNFINISHED]
    pending.publish()
    assert names_in(tmp_path) == [name_of(7)]


def test_one_that_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    PendingSnapshot(tmp_path, stamp(7), PARTS).discard()
    assert names_in(tmp_path) == []


def test_a_crash_while_the_parts_are_taken_leaves_nothing(tmp_path: Path) -> None:
    def taken() -> Iterator[bytes]:
        yield from PARTS
        raise Crash

    with pytest.raises(Crash):
        PendingSnapshot(tmp_path, stamp(7), taken())
    assert names_in(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.wal import PendingSnapshot, Stamp

def parts():
    yield from (os.urandom(700_000) for _ in range(4))
    os.kill(os.getpid(), signal.SIGKILL)

PendingSnapshot(Path(sys.argv[1]), Stamp(1, bytes(16), 7, 7, bytes(32)), parts())
"""


def test_a_process_killed_while_writing_leaves_only_what_nobody_takes_for_a_snapshot(tmp_path: Path) -> None:
    make(tmp_path, 5)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    (unfinished,) = set(names_in(tmp_path)) - {name_of(5)}
    assert unfinished.endswith(UNFINISHED)
    assert [snapshot.seq for snapshot in snapshots_in(tmp_path)[0]] == [5]
    remove_unfinished(tmp_path)
    assert names_in(tmp_path) == [name_of(5)]


def test_a_crash_before_the_name_is_given_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, 7, [b"old"])
    pending = PendingSnapshot(tmp_path, stamp(7), [b"new"])

    def crash(self: Path, target: Path) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", crash)
        with pytest.raises(Crash):
            pending.publish()
    assert read_whole(tmp_path / name_of(7)) == [b"old"]
    pending.discard()
    assert names_in(tmp_path) == [name_of(7)]


def test_a_snapshot_made_again_replaces_the_one_of_the_same_record(tmp_path: Path) -> None:
    make(tmp_path, 7, [b"old"])
    make(tmp_path, 7, [b"new"])
    assert names_in(tmp_path) == [name_of(7)]
    assert read_whole(tmp_path / name_of(7)) == [b"new"]


# No room


LIMITED = """
import os, resource, signal, sys
from pathlib import Path
from engine.wal import PendingSnapshot, Stamp, StorageFull
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
try:
    PendingSnapshot(Path(sys.argv[1]), Stamp(1, bytes(16), 7, 7, bytes(32)), (os.urandom(400_000) for _ in range(8)))
except StorageFull as full:
    print(type(full).__name__)
"""


def test_a_limit_on_file_size_leaves_nothing(tmp_path: Path) -> None:
    limited = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (limited.returncode, limited.stdout, limited.stderr) == (0, "StorageFull\n", "")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("step", ["open", "fsync"])
@pytest.mark.parametrize(
    ("number", "expected"),
    [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EROFS, StorageFull), (errno.EIO, OSError)],
)
def test_a_disk_that_refuses_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int, expected: type[Exception]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(f"engine.wal.files.os.{step}", refuse)
        with pytest.raises(expected):
            PendingSnapshot(tmp_path, stamp(7), PARTS)
    assert names_in(tmp_path) == []


# Damaged


def test_a_snapshot_cut_short_anywhere_is_refused_by_its_name(tmp_path: Path) -> None:
    path = make(tmp_path)
    whole, borders = path.read_bytes(), part_borders(path)
    lengths = {0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + FOOTER_BYTES - 1, HEADER_BYTES + FOOTER_BYTES}
    lengths |= {len(whole) - 1, len(whole) - FOOTER_BYTES + 1}
    for border in borders:
        lengths |= {border - 1, border, border + 1, border + PART_HEAD_BYTES, border + FOOTER_BYTES}
    for length in sorted(lengths - {len(whole)}):
        path.write_bytes(whole[:length])
        with pytest.raises(SnapshotDamaged, match=name_of(7)) as refusal:
            read_whole(path)
        assert refusal.value.name == path.name


def test_a_snapshot_with_something_added_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    whole, last = path.read_bytes(), part_borders(path)[-1]
    for damaged in (whole + b"\0", whole[:last] + b"more" + whole[last:]):
        path.write_bytes(damaged)
        with pytest.raises(SnapshotDamaged):
            read_whole(path)


def test_a_renamed_snapshot_is_refused_and_says_what_it_is_of(tmp_path: Path) -> None:
    make(tmp_path, 7).rename(tmp_path / name_of(8))
    found, (damage,) = snapshots_in(tmp_path)
    assert (found, damage.name, damage.reason) == ([], name_of(8), "it has been renamed: it is of record 7")


def test_what_can_not_be_read_is_damage_and_not_the_end(tmp_path: Path) -> None:
    (tmp_path / name_of(7)).mkdir()
    make(tmp_path, 5)
    found, (damage,) = snapshots_in(tmp_path)
    assert ([snapshot.seq for snapshot in found], damage.name) == ([5], name_of(7))


def test_a_part_is_checked_before_it_is_given(tmp_path: Path) -> None:
    path = make(tmp_path)
    borders, content = part_borders(path), bytearray(path.read_bytes())
    content[borders[3] - 1] ^= 1
    path.write_bytes(content)
    parts = Snapshot(path).parts()
    assert [next(parts), next(parts)] == PARTS[:2]
    with pytest.raises(SnapshotDamaged, match="the checksum of part 3 does not match"):
        next(parts)


def test_parts_in_another_order_are_not_the_same_snapshot(tmp_path: Path) -> None:
    path = make(tmp_path)
    whole, at = path.read_bytes(), part_borders(path)
    path.write_bytes(whole[: at[0]] + whole[at[1] : at[2]] + whole[at[0] : at[1]] + whole[at[2] :])
    with pytest.raises(SnapshotDamaged, match="the checksum of the whole file does not match"):
        read_whole(path)


def test_a_digest_of_another_state_is_noticed_though_every_checksum_is_right(tmp_path: Path) -> None:
    path = make(tmp_path)
    content = path.read_bytes()
    footer = bytearray(content[-FOOTER_BYTES:-4])
    footer[8:40] = bytes(32)
    path.write_bytes(content[:-FOOTER_BYTES] + sealed(bytes(footer)))
    with pytest.raises(SnapshotDamaged, match="the digest of the state does not match"):
        read_whole(path)


def test_a_format_of_a_later_release_is_refused(tmp_path: Path) -> None:
    path = make(tmp_path)
    content = path.read_bytes()
    header = content[:4] + b"\0\2" + content[6 : HEADER_BYTES - 4]
    path.write_bytes(sealed(header) + content[HEADER_BYTES:])
    with pytest.raises(SnapshotDamaged, match="its format version 2 is not known to this release"):
        Snapshot(path)
