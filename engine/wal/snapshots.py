"""Snapshot files: the parts of a dump, each compressed and checksummed, bound to one record of one journal. Bytes only.

    header: magic 4s | version u16 | dump version u16 | journal_id 16s | seq u64 | time_ns u64 |
            chain digest after seq 32s | crc32 u32
    parts:  raw length u32 | stored length u32 | crc32 u32 | zstd of the part
    footer: magic 4s | parts u32 | digest of the state 32s | blake2b-256 of everything before the footer 32s | crc32 u32

The digest of the state is the hash of its parts, so it can be checked without loading them.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import zstandard

from engine.wal.access import need_all
from engine.wal.files import Pending

SUFFIX = ".kjs"
_MAGIC, _VERSION, _END = b"KJS1", 1, b"KJSE"
_HEADER = struct.Struct(">4sHH16sQQ32s")
_PART = struct.Struct(">II")
_CRC = struct.Struct(">I")
_FOOTER = struct.Struct(">4sI32s32s")
_FOOTER_BYTES = _FOOTER.size + _CRC.size
_HEADER_BYTES = _HEADER.size + _CRC.size


class SnapshotDamaged(Exception):
    """A snapshot that can't be used. `name` is the file. The one before it can be, or the journal."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"snapshot {name}: {reason}")
        self.name = name
        self.reason = reason


class Stamp(NamedTuple):
    """What a snapshot is of: the state after record `seq` of a journal. `dump_version` says how to read its parts."""

    dump_version: int
    journal_id: bytes
    seq: int
    time_ns: int
    chain: bytes


def name_of(seq: int) -> str:
    """The file of the snapshot at `seq`."""
    return f"{seq:020d}{SUFFIX}"


class PendingSnapshot:
    """A snapshot that is written and durable, but has no name yet. `digest` is the state's, in hex."""

    def __init__(self, directory: Path, stamp: Stamp, parts: Iterable[bytes]) -> None:
        self._name = name_of(stamp.seq)
        self._pending = Pending(directory, "snapshot")
        try:
            self.digest = self._write(stamp, parts)
            self._pending.finish()
        except BaseException:
            self._pending.discard()
            raise

    def _write(self, stamp: Stamp, parts: Iterable[bytes]) -> str:
        whole, state = hashlib.blake2b(digest_size=32), hashlib.blake2b(digest_size=32)

        def put(content: bytes) -> None:
            self._pending.write(content)
            whole.update(content)

        header = _HEADER.pack(_MAGIC, _VERSION, *stamp)
        put(header + _CRC.pack(zlib.crc32(header)))
        compressor = zstandard.ZstdCompressor(level=3)
        count = 0
        for part in parts:
            count += 1
            state.update(part)
            stored = compressor.compress(part)
            head = _PART.pack(len(part), len(stored))
            put(head + _CRC.pack(zlib.crc32(stored, zlib.crc32(head))) + stored)
        footer = _FOOTER.pack(_END, count, state.digest(), whole.digest())
        self._pending.write(footer + _CRC.pack(zlib.crc32(footer)))
        return state.hexdigest()

    def publish(self) -> Path:
        """Give it its name."""
        return self._pending.publish(self._name)

    def discard(self) -> None:
        """Forget it."""
        self._pending.discard()


class Snapshot:
    """A snapshot file. Opening checks header and footer; `parts` checks the rest. Raises SnapshotDamaged."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        try:
            self.bytes_used = path.stat().st_size
            with path.open("rb") as file:
                header = file.read(_HEADER_BYTES)
                file.seek(max(0, self.bytes_used - _FOOTER_BYTES))
                footer = file.read(_FOOTER_BYTES)
        except OSError as error:
            raise SnapshotDamaged(self.name, f"it can't be read: {error.strerror}") from error
        if self.bytes_used < _HEADER_BYTES + _FOOTER_BYTES:
            raise SnapshotDamaged(self.name, "the file is cut short")
        for name, content in (("header", header), ("footer", footer)):
            if _CRC.pack(zlib.crc32(content[: -_CRC.size])) != content[-_CRC.size :]:
                raise SnapshotDamaged(self.name, f"the checksum of its {name} does not match")
        magic, version, *stamp = _HEADER.unpack_from(header)
        end, self.parts_count, digest, self._whole = _FOOTER.unpack_from(footer)
        if magic != _MAGIC or end != _END:
            raise SnapshotDamaged(self.name, "it is no snapshot")
        if version != _VERSION:
            raise SnapshotDamaged(self.name, f"its format version {version} is not known to this release")
        self.stamp = Stamp(*stamp)
        self.seq = self.stamp.seq
        self.digest: str = digest.hex()
        if self.name != name_of(self.seq):
            raise SnapshotDamaged(self.name, f"it has been renamed: it is of record {self.seq}")

    def parts(self) -> Iterator[bytes]:
        """Every part, each checked before it is given; after the last the whole file and the state's digest."""
        whole, state = hashlib.blake2b(digest_size=32), hashlib.blake2b(digest_size=32)
        decompressor = zstandard.ZstdDecompressor()
        with self.path.open("rb") as file:
            whole.update(file.read(_HEADER_BYTES))
            for number in range(1, self.parts_count + 1):
                content, raw_length = self._read_part(file, number)
                whole.update(content)
                part = decompressor.decompress(content[_PART.size + _CRC.size :], max_output_size=raw_length)
                state.update(part)
                yield part
            if file.tell() != self.bytes_used - _FOOTER_BYTES:
                raise SnapshotDamaged(self.name, "there is something behind its last part")
        if whole.digest() != self._whole:
            raise SnapshotDamaged(self.name, "the checksum of the whole file does not match")
        if state.hexdigest() != self.digest:
            raise SnapshotDamaged(self.name, "the digest of the state does not match")

    def _read_part(self, file: BinaryIO, number: int) -> tuple[bytes, int]:
        head = file.read(_PART.size + _CRC.size)
        if len(head) == _PART.size + _CRC.size:
            raw_length, stored_length = _PART.unpack_from(head)
            if file.tell() + stored_length <= self.bytes_used - _FOOTER_BYTES:
                stored = file.read(stored_length)
                if zlib.crc32(stored, zlib.crc32(head[: _PART.size])) == _CRC.unpack_from(head, _PART.size)[0]:
                    return head + stored, raw_length
        raise SnapshotDamaged(self.name, f"the checksum of part {number} does not match")


def snapshots_in(directory: Path) -> tuple[list[Snapshot], list[SnapshotDamaged]]:
    """The snapshots of a folder, newest first, and what is wrong with those that can't be opened."""
    need_all(directory)
    found: list[Snapshot] = []
    damaged: list[SnapshotDamaged] = []
    for path in sorted(directory.glob(f"*{SUFFIX}"), reverse=True):
        try:
            found.append(Snapshot(path))
        except SnapshotDamaged as error:
            damaged.append(error)
    return found, damaged
