"""Files that appear whole or not at all: written under a temporary name, made durable, only then given their own."""

import contextlib
import os
from pathlib import Path

from engine.wal.errors import FULL_ERRNOS, StorageFull

UNFINISHED = ".new"
WRITE_BACK_BYTES = 1024 * 1024


def sync_directory(directory: Path) -> None:
    """Make names in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(file: Path) -> None:
    """Make durable what has been written to a file, by whomever."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(directory: Path) -> None:
    """Remove what a process that ended too early was writing. The caller is the only one who writes there."""
    for path in directory.glob(f"*{UNFINISHED}"):
        path.unlink()


class Pending:
    """A file that is being written in `directory`. Raises StorageFull when there is no room; `discard` it then."""

    def __init__(self, directory: Path, what: str) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._directory = directory
        self._path = directory / f"{what}-{os.getpid()}{UNFINISHED}"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _translated(error, self._path) from error
        self._file = os.fdopen(descriptor, "wb", buffering=WRITE_BACK_BYTES)
        self._begun = 0

    def write(self, content: bytes) -> None:
        """Add to its end. What has been written goes to disk step by step: one large sync would hold up everybody's."""
        try:
            self._file.write(content)
            written = self._file.tell()
            if written - self._begun >= WRITE_BACK_BYTES:
                self._file.flush()
                os.posix_fadvise(self._file.fileno(), self._begun, written - self._begun, os.POSIX_FADV_DONTNEED)
                self._begun = written
        except OSError as error:
            raise _translated(error, self._path) from error

    def finish(self) -> None:
        """Make its content durable. It still has its temporary name."""
        if self._file.closed:
            return
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise _translated(error, self._path) from error

    def publish(self, name: str) -> Path:
        """Give it its name, replacing what had it; durable when this returns."""
        self.finish()
        path = self._directory / name
        try:
            self._path.rename(path)
            sync_directory(self._directory)
        except OSError as error:
            raise _translated(error, path) from error
        return path

    def discard(self) -> None:
        """Forget it."""
        with contextlib.suppress(OSError):  # what could not be written is not wanted any more
            self._file.close()
        self._path.unlink(missing_ok=True)


def _translated(error: OSError, path: Path) -> Exception:
    if error.errno in FULL_ERRNOS:
        return StorageFull(f"{path} could not be written: {error.strerror}")
    return error
