"""Files and folders with keys in them: readable by their owner only, durable when made, zeros before they go."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from engine.wal.files import sync_directory

SECRET_NAMES = ("pads", "master")  # without these two no key can be derived

_CHUNK_BYTES = 1024 * 1024


class FileSum(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Size of a file and the BLAKE2b-256 of its content, hexadecimal."""

    size_bytes: int
    blake2b_256: str


def write_new(path: Path, chunks: Iterable[bytes | bytearray]) -> FileSum:
    """Make a file with mode 0600, durable when this returns. Raises FileExistsError and other OSErrors."""
    digest, size_bytes = hashlib.blake2b(digest_size=32), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
            digest.update(chunk)
            size_bytes += len(chunk)
        file.flush()
        os.fsync(descriptor)
    return FileSum(size_bytes, digest.hexdigest())


def chunks_of(path: Path) -> Iterable[bytes]:
    """The content of a file, a piece at a time."""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def sum_of(path: Path) -> FileSum:
    """Size and digest of a file as it lies there."""
    digest, size_bytes = hashlib.blake2b(digest_size=32), 0
    for chunk in chunks_of(path):
        digest.update(chunk)
        size_bytes += len(chunk)
    return FileSum(size_bytes, digest.hexdigest())


def make_directory(path: Path) -> None:
    """Make a folder with mode 0700 and those above it, durable; one that is there stays as it is."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_directory(path.parent)


def wipe_directory(directory: Path) -> None:
    """Overwrite its secrets with zeros where they lie, then delete it. Started again after a crash, it goes on."""
    for name in SECRET_NAMES:
        path = directory / name
        if path.is_file() and not path.is_symlink():
            _overwrite(path)
    for path in directory.iterdir():
        path.unlink()
    sync_directory(directory)
    directory.rmdir()
    sync_directory(directory.parent)


def _overwrite(path: Path) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        size, at = os.fstat(descriptor).st_size, 0
        while at < size:
            at += os.pwrite(descriptor, bytes(min(_CHUNK_BYTES, size - at)), at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
