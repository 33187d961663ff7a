"""The recorder understands what changes a directory, and refuses what it does not."""

import re
from pathlib import Path

import pytest

from tests.simulation.disk_operations import Made, Operation, Removed, Renamed, Said, Sized, Synced, Written
from tests.simulation.recorded_disk import parse, record, why_not
from tests.simulation.simulated_disk import run_all
from tests.simulation.strace_lines import NotUnderstood, encoded

ROOT = Path("/disk")
END = "1 +++ exited with 0 +++"
OPEN = "openat(AT_FDCWD</home>, '/disk/f', O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3</disk/f>"
MADE = Made("f", is_folder=False)
SCRIPT = """
import os, sys
from pathlib import Path
root = Path(sys.argv[1])
(root / "folder").mkdir()
with (root / "folder" / "a").open("wb", buffering=0) as file:
    file.write(b"first")
    file.seek(100)
    file.write(b"second")
    os.pwrite(file.fileno(), b"third, and more", 50)
    os.posix_fallocate(file.fileno(), 0, 5_000)
    os.fsync(file.fileno())
os.truncate(root / "folder" / "a", 3_000)
(root / "folder" / "a").write_bytes(b"short")
(root / "folder" / "b").write_bytes(b"")
(root / "folder").rename(root / "other")
(root / "other" / "b").unlink()
os.write(1, b"done\\n")
"""


def told(*calls: str) -> list[Operation]:
    """What is recorded of calls; their strings and paths are written in plain text here."""
    lines = [
        re.sub(r"'([^']*)'|<(/[^>]*)>", lambda m: f'"{encoded(m[1])}"' if m[2] is None else f"<{encoded(m[2])}>", call)
        for call in calls
    ]
    return parse([*(f"1 {line}\n" for line in lines), END], ROOT)


def test_writes_go_where_the_descriptor_stands() -> None:
    operations = told(
        OPEN,
        "lseek(3</disk/f>, 10, SEEK_SET) = 10",
        "writev(3</disk/f>, [{iov_base='ab', iov_len=2}, {iov_base='c', iov_len=1}], 2) = 3",
        "write(3</disk/f>, 'de', 2) = 1",
        "pwrite64(3</disk/f>, 'x', 1, 0) = 1",
        "write(3</disk/f>, 'f', 1) = 1",
        "fdatasync(3</disk/f>) = 0",
    )
    written = [(10, b"abc"), (13, b"d"), (0, b"x"), (14, b"f")]
    assert operations == [
        MADE,
        *(Written("f", offset, data, durable=False) for offset, data in written),
        Synced("f", data_only=True),
    ]


def test_a_descriptor_that_writes_through_is_known_as_such() -> None:
    again = "openat(AT_FDCWD</home>, '/disk/f', O_WRONLY|O_DSYNC|O_TRUNC) = 4</disk/f>"
    operations = told(OPEN, again, "pwrite64(4</disk/f>, 'x', 1, 7) = 1", "pwrite64(3</disk/f>, 'y', 1, 7) = 1")
    assert operations == [
        MADE,
        Sized("f", 0),
        Written("f", 7, b"x", durable=True),
        Written("f", 7, b"y", durable=False),
    ]


def test_names_are_followed() -> None:
    operations = told(
        "mkdir('/disk/d', 0700) = 0",
        "openat(AT_FDCWD</home>, '/disk/d', O_RDONLY|O_DIRECTORY) = 5</disk/d>",
        "openat(5</disk/d>, 'f', O_WRONLY|O_CREAT, 0600) = 6</disk/d/f>",
        "rename('/disk/d', '/disk/e') = 0",
        "write(6</disk/e/f>, 'x', 1) = 1",
        "unlinkat(5</disk/e>, 'f', 0) = 0",
        "unlinkat(5</disk/e>, 'g', 0) = -1 ENOENT (No such file or directory)",
        "write(1<pipe:[7]>, 'said\nso\n', 8) = 8",
    )
    assert operations == [
        Made("d", is_folder=True),
        Made("d/f", is_folder=False),
        Renamed("d", "e"),
        Written("e/f", 0, b"x", durable=False),
        Removed("e/f"),
        Said("said"),
        Said("so"),
    ]


def test_the_lock_file_of_lmdb_is_passed_over() -> None:
    opened = "openat(AT_FDCWD</home>, '/disk/lock.mdb', O_RDWR|O_CREAT, 0600) = 3</disk/lock.mdb>"
    mapped = "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3</disk/lock.mdb>, 0) = 0x7f0000000000"
    assert told(opened, "ftruncate(3</disk/lock.mdb>, 8192) = 0", mapped) == []


@pytest.mark.parametrize(
    "call",
    [
        "mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3</disk/f>, 0) = 0x7f0000000000",
        "copy_file_range(7</home/g>, NULL, 3</disk/f>, NULL, 9, 0) = 9",
        "fallocate(3</disk/f>, FALLOC_FL_PUNCH_HOLE|FALLOC_FL_KEEP_SIZE, 0, 4096) = 0",
        "openat(AT_FDCWD</home>, '/disk/f', O_WRONLY|O_APPEND) = 4</disk/f>",
        "openat(AT_FDCWD</home>, '/disk/unheard-of', O_WRONLY) = 4</disk/unheard-of>",
        "link('/disk/f', '/disk/g') = 0",
        "dup2(3</disk/f>, 4) = 4</disk/f>",
        "fsync(9</disk/f>) = 0",
        "rename('/disk/f', '/home/f') = 0",
        "rename('/disk/f', '/disk/f') = 0",
        "write(3</disk/f>, 'cut'..., 9) = 9",
        "pwritev2(3</disk/f>, [{iov_base='x', iov_len=1}], 1, 0, RWF_DSYNC) = 1",
        "clone3({flags=CLONE_VM, exit_signal=SIGCHLD}, 88) = 77",
        "write(3</disk/f>, 'x', 1 <unfinished ...>",
        "--- SIGBUS {si_signo=SIGBUS, si_code=BUS_ADRERR} ---",
    ],
)
def test_what_it_does_not_understand_it_refuses(call: str) -> None:
    assert told(OPEN) == [MADE]
    with pytest.raises(NotUnderstood):
        told(OPEN, call)


def test_a_write_after_a_read_is_refused_for_nobody_knows_where_it_went() -> None:
    with pytest.raises(NotUnderstood, match="where it wrote is not known"):
        told(OPEN, "read(3</disk/f>, '', 10) = 0", "write(3</disk/f>, 'x', 1) = 1")


def test_a_process_that_came_to_no_good_end_is_refused() -> None:
    with pytest.raises(NotUnderstood, match="did not come to its end"):
        parse([], ROOT)


def test_a_recording_played_again_is_the_directory_that_was_recorded(tmp_path: Path) -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)  # the one program that tells every call; without it there is no recording
    root = tmp_path / "disk"
    root.mkdir()
    operations = record(SCRIPT, root, str(root))
    assert operations[-1] == Said("done")
    assert run_all(operations).now() == {"": None, "other": None, "other/a": b"short"}
    before = operations.index(Sized("folder/a", 0))
    content = run_all(operations[:before]).now()["folder/a"]
    assert bytes(content or b"") == b"first".ljust(50, b"\0") + b"third, and more".ljust(50, b"\0") + b"second".ljust(
        2_900, b"\0"
    )
