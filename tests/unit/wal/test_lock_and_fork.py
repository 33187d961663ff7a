"""One process per data directory, and no child of it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.wal import DirectoryInUse, DirectoryLock, JournalFailed, LmdbJournal

ROOT = Path(__file__).resolve().parents[3]
TAKE_LOCK = """
import sys
from pathlib import Path
from engine.wal import DirectoryInUse, DirectoryLock
try:
    DirectoryLock(Path(sys.argv[1]))
except DirectoryInUse as refusal:
    print(refusal)
    sys.exit(1)
"""


def second_process(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", TAKE_LOCK, str(directory)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def in_a_child(do: Callable[[], object]) -> int:
    """The exit status of a forked child: 0 if `do` returned, 3 if the journal or the lock refused."""
    child = os.fork()
    if child == 0:
        status = 4
        try:
            do()
            status = 0
        except (JournalFailed, DirectoryInUse):
            status = 3
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_second_process_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    other = second_process(tmp_path)
    assert other.returncode == 1
    assert other.stdout.strip() == f"{tmp_path} is in use by process {os.getpid()}"
    lock.close()
    assert second_process(tmp_path).returncode == 0


def test_a_second_lock_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    with pytest.raises(DirectoryInUse):
        DirectoryLock(tmp_path)
    lock.close()


def test_the_lock_ends_with_its_process_however_it_ends(tmp_path: Path) -> None:
    child = subprocess.Popen(
        [
            sys.executable,
            "-c",
            TAKE_LOCK.replace("Path(sys.argv[1]))", "Path(sys.argv[1])); print('held', flush=True); input()"),
            str(tmp_path),
        ],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(DirectoryInUse, match=str(child.pid)):
        DirectoryLock(tmp_path)
    child.kill()
    child.communicate()
    DirectoryLock(tmp_path).close()


def test_a_forked_child_may_not_go_on_with_the_lock_of_its_parent(tmp_path: Path) -> None:
    lock = DirectoryLock(tmp_path)
    assert in_a_child(lock.check) == 3
    assert in_a_child(lock.close) == 0
    assert second_process(tmp_path).returncode == 1, "a child that ends does not let the directory go"
    lock.check()
    lock.close()


def test_a_forked_child_may_not_write_to_the_journal(tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path)
    journal.append(1, [b"before"])
    assert in_a_child(lambda: journal.make_room(100)) == 3
    assert in_a_child(lambda: journal.append(2, [b"from the child"])) == 3
    assert in_a_child(journal.close) == 0
    journal.append(2, [b"after"])
    assert [batch.records for batch in journal.read()] == [(b"before",), (b"after",)]
    journal.close()
