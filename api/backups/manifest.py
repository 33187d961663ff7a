"""What a backup is made of: the list of its files with their checksums, written last."""

import hashlib
from pathlib import Path

import msgspec

from engine.wal.files import Pending

FILE_NAME = "manifest.json"
FORMAT = 1
_CHUNK_BYTES = 1024 * 1024


class BackupUnusable(Exception):
    """A backup that can't be restored from, or a target that can't be written to, with the way out."""


class BackedUpFile(msgspec.Struct, frozen=True):
    """One file of a backup: its path inside it, its size and its blake2b-256 in hex."""

    path: str
    bytes: int
    blake2b: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A backup of records `first_seq` to `seq` of a journal; `chain` is the digest of its chain there, in hex."""

    format: int
    made_at: str
    made_by: str
    journal_id: str
    first_seq: int
    seq: int
    time: str | None
    chain: str
    files: tuple[BackedUpFile, ...]


def read(directory: Path) -> Manifest:
    """The manifest of the backup in `directory`. Raises BackupUnusable."""
    try:
        manifest = msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupUnusable(f"{directory} is no backup: it has no {FILE_NAME}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, OSError) as error:
        raise BackupUnusable(f"{directory / FILE_NAME} can't be read: {error}") from error
    if manifest.format != FORMAT:
        raise BackupUnusable(f"{directory}: backup format {manifest.format} is not known to this release")
    return manifest


def write(directory: Path, manifest: Manifest) -> None:
    """Make the backup what the manifest says it is, durably."""
    pending = Pending(directory, "manifest")
    try:
        pending.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
        pending.publish(FILE_NAME)
    except BaseException:
        pending.discard()
        raise


def describe(directory: Path, path: Path) -> BackedUpFile:
    """A file as it lies in the backup."""
    whole, size = hashlib.blake2b(digest_size=32), 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            whole.update(chunk)
            size += len(chunk)
    return BackedUpFile(path.relative_to(directory).as_posix(), size, whole.hexdigest())


def copy(source: Path, directory: Path) -> None:
    """Copy a file into a directory under its own name: durable, and whole or not at all."""
    pending = Pending(directory, "copy")
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                pending.write(chunk)
        pending.publish(source.name)
    except BaseException:
        pending.discard()
        raise


def findings(directory: Path, manifest: Manifest) -> list[str]:
    """What of a backup is missing, damaged, or not its own."""
    wrong = []
    for expected in manifest.files:
        path = directory / expected.path
        if not path.is_file():
            wrong.append(f"{expected.path} is missing")
        elif describe(directory, path) != expected:
            wrong.append(f"{expected.path} is damaged: its checksum does not match the manifest")
    return wrong
