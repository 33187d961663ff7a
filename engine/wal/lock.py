"""One process per data directory."""

import fcntl
import os
from pathlib import Path

import lmdb

from engine.wal.access import may_write, need
from engine.wal.errors import DirectoryInUse


def take_over(environment: lmdb.Environment) -> None:
    """Become the writer of an LMDB environment whose last one may have been killed, and see what it had just committed.

    LMDB keeps the number of the newest commit in the lock file, and a process that reads keeps that file alive: a
    writer killed between its meta page and that number leaves it one behind. Taking the writer's mutex sets it right.
    """
    environment.begin(write=True).abort()


class DirectoryLock:
    """An exclusive lock on DIRECTORY/lock, held until `close` or the end of the process. Does not survive a fork.

    Who only reads takes it where it may, also where nothing can be written; without the file nobody has ever written.
    Raises DirectoryInUse, NotPermitted.
    """

    def __init__(self, directory: Path, *, only_reads: bool = False) -> None:
        file = directory / "lock"
        self._pid = os.getpid()
        self._open = True
        if only_reads and not may_write(file):
            need(file)
            if not file.exists():
                self._open = False
                return
            self._file = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
        else:
            need(directory, write=True)
            need(file, write=True)
            directory.mkdir(parents=True, exist_ok=True)
            self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip()
            os.close(self._file)
            raise DirectoryInUse(f"{directory} is in use by process {holder or 'unknown'}") from None
        if only_reads:
            return
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{self._pid}\n".encode(), 0)

    def check(self) -> None:
        """Refuse to go on in a forked child."""
        if os.getpid() != self._pid:
            raise DirectoryInUse("this process was forked from the one that opened the directory")

    def close(self) -> None:
        """Let the directory go."""
        if self._open and os.getpid() == self._pid:
            self._open = False
            os.close(self._file)
