"""One process per data directory."""

import fcntl
import os
from pathlib import Path

import lmdb

from engine.wal.errors import DirectoryInUse


def take_over(environment: lmdb.Environment) -> None:
    """Become the writer of an LMDB environment whose last one may have been killed, and see what it had just committed.

    LMDB keeps the number of the newest commit in the lock file, and a process that reads keeps that file alive: a
    writer killed between its meta page and that number leaves it one behind. Taking the writer's mutex sets it right.
    """
    environment.begin(write=True).abort()


class DirectoryLock:
    """An exclusive lock on DIRECTORY/lock, held until `close` or the end of the process. Does not survive a fork."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._pid = os.getpid()
        self._open = True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip()
            os.close(self._file)
            raise DirectoryInUse(f"{directory} is in use by process {holder or 'unknown'}") from None
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
