"""Archived segments: one compressed, checksummed file per sealed segment, readable at any seq.

    magic 4s | version u16 | reserved u16
    blocks:  raw length u32 | stored length u32 | first_seq u64 | crc32 u32 | zstd of (length u32, frame)*
    index:   first_seq u64 | offset u64, per block
    footer:  journal_id 16s | first_seq u64 | last_seq u64 | first_time_ns u64 | last_time_ns u64 | chain before 32s |
             chain after 32s | index offset u64 | blocks u32 | crc32 of index and footer u32 |
             blake2b-256 of the whole file before it 32s

The frames are the journal's own, so the chain of digests runs on through the archive. docs/reference/journal-format.md
says more.
"""

import hashlib
import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import zstandard

from engine.wal import framing
from engine.wal.access import need_all
from engine.wal.errors import JournalCorrupt
from engine.wal.files import Pending
from engine.wal.framing import Batch

SUFFIX = ".kja"
BLOCK_BYTES = 1024 * 1024
_MAGIC, _VERSION = b"KJA1", 1
_START = struct.Struct(">4sHH")
_BLOCK = struct.Struct(">IIQ")
_CRC = struct.Struct(">I")
_LENGTH = struct.Struct(">I")
_ENTRY = struct.Struct(">QQ")
_FOOTER = struct.Struct(">16sQQQQ32s32sQI")
_FOOTER_BYTES = _FOOTER.size + _CRC.size + framing.DIGEST_BYTES


class Extent(NamedTuple):
    """What an archived segment holds: whose, which records, when, and the chain digests around them."""

    journal_id: bytes
    first_seq: int
    last_seq: int
    first_time_ns: int
    last_time_ns: int
    chain_before: bytes
    chain_after: bytes


def name_of(first_seq: int, last_seq: int) -> str:
    """The file of records `first_seq` to `last_seq`."""
    return f"{first_seq:020d}-{last_seq:020d}{SUFFIX}"


def write(
    directory: Path, journal_id: bytes, chain_before: bytes, frames: Iterable[tuple[Batch, bytes]]
) -> "ArchivedSegment":
    """Write batches that follow each other into one file, durable before it gets its name, and read it back whole.

    Raises OSError, JournalCorrupt when what lies there afterwards is not what was written.
    """
    pending = Pending(directory, "segment")
    try:
        extent = _write(pending, journal_id, chain_before, frames)
        path = pending.publish(name_of(extent.first_seq, extent.last_seq))
    except BaseException:
        pending.discard()
        raise
    try:
        archived = ArchivedSegment(path)
        for _ in archived.verify():
            pass
    except JournalCorrupt:
        path.unlink()  # its name would say that it can be relied on
        raise
    return archived


def _write(pending: Pending, journal_id: bytes, chain_before: bytes, frames: Iterable[tuple[Batch, bytes]]) -> Extent:
    whole = hashlib.blake2b(digest_size=framing.DIGEST_BYTES)
    index: list[bytes] = []
    offset = 0

    def put(content: bytes) -> None:
        nonlocal offset
        pending.write(content)
        whole.update(content)
        offset += len(content)

    compressor = zstandard.ZstdCompressor(level=3)
    put(_START.pack(_MAGIC, _VERSION, 0))
    first: Batch | None = None
    last: Batch | None = None
    chain_after = chain_before
    block: list[bytes] = []
    block_first = block_bytes = 0

    def put_block() -> None:
        raw = b"".join(block)
        stored = compressor.compress(raw)
        head = _BLOCK.pack(len(raw), len(stored), block_first)
        index.append(_ENTRY.pack(block_first, offset))
        put(head + _CRC.pack(zlib.crc32(stored, zlib.crc32(head))) + stored)
        block.clear()

    for batch, frame in frames:
        assert last is None or batch.first_seq == last.last_seq + 1
        first, last, chain_after = first or batch, batch, framing.digest_of(frame)
        if not block:
            block_first, block_bytes = batch.first_seq, 0
        block += (_LENGTH.pack(len(frame)), frame)
        block_bytes += len(frame) + _LENGTH.size
        if block_bytes >= BLOCK_BYTES:
            put_block()
    if block:
        put_block()
    assert first is not None, "there is nothing to archive"
    assert last is not None
    extent = Extent(journal_id, first.first_seq, last.last_seq, first.time_ns, last.time_ns, chain_before, chain_after)
    tail = b"".join(index) + _FOOTER.pack(*extent, offset, len(index))
    put(tail + _CRC.pack(zlib.crc32(tail)))
    pending.write(whole.digest())
    return extent


class ArchivedSegment:
    """An archived segment, open for reading. Opening checks its footer and index; a block is checked when it is read.

    Raises JournalCorrupt for anything that does not match.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.bytes_used = os.fstat(self._file).st_size
            self.extent = self._open()
        except BaseException:
            os.close(self._file)
            raise
        self._block: tuple[int, list[int], list[bytes]] = (-1, [], [])

    @property
    def first_seq(self) -> int:
        """Its first record."""
        return self.extent.first_seq

    @property
    def last_seq(self) -> int:
        """Its last record."""
        return self.extent.last_seq

    def _corrupt(self, reason: str, seq: int | None = None) -> JournalCorrupt:
        return JournalCorrupt(self.name, seq, reason)

    def _open(self) -> Extent:
        if self.bytes_used < _START.size + _FOOTER_BYTES:
            raise self._corrupt("the file is cut short")
        if os.pread(self._file, _START.size, 0) != _START.pack(_MAGIC, _VERSION, 0):
            raise self._corrupt("it does not start as an archived segment of this format does")
        footer_at = self.bytes_used - _FOOTER_BYTES
        footer = os.pread(self._file, _FOOTER_BYTES, footer_at)
        *fields, index_at, blocks = _FOOTER.unpack_from(footer)
        if index_at + blocks * _ENTRY.size != footer_at:
            raise self._corrupt("the file is cut short, or its end is damaged")
        index = os.pread(self._file, footer_at - index_at, index_at)
        (crc,) = _CRC.unpack_from(footer, _FOOTER.size)
        if zlib.crc32(index + footer[: _FOOTER.size]) != crc:
            raise self._corrupt("the checksum of its index does not match")
        entries = list(_ENTRY.iter_unpack(index))
        self._firsts = [first for first, _ in entries]
        self._offsets = [at for _, at in entries] + [index_at]
        extent = Extent(*fields)
        if self.name != name_of(extent.first_seq, extent.last_seq):
            raise self._corrupt("it has been renamed: its name does not say what is in it")
        return extent

    def _load(self, position: int) -> tuple[list[int], list[bytes]]:
        """First seqs and frames of a block."""
        if self._block[0] == position:
            return self._block[1:]
        at, first_seq = self._offsets[position], self._firsts[position]
        content = os.pread(self._file, self._offsets[position + 1] - at, at)
        head_bytes = _BLOCK.size + _CRC.size
        if len(content) < head_bytes:
            raise self._corrupt("a block is cut short", first_seq)
        raw_length, stored_length, first = _BLOCK.unpack_from(content)
        (crc,) = _CRC.unpack_from(content, _BLOCK.size)
        stored = content[head_bytes:]
        if zlib.crc32(stored, zlib.crc32(content[: _BLOCK.size])) != crc:
            raise self._corrupt("the checksum of a block does not match", first_seq)
        assert (first, stored_length) == (first_seq, len(stored))
        raw = zstandard.ZstdDecompressor().decompress(stored, max_output_size=raw_length)
        firsts, frames = [], []
        at = 0
        while at < len(raw):
            (length,) = _LENGTH.unpack_from(raw, at)
            frame = raw[at + _LENGTH.size : at + _LENGTH.size + length]
            firsts.append(framing.first_seq_of(frame))
            frames.append(frame)
            at += _LENGTH.size + length
        self._block = (position, firsts, frames)
        return firsts, frames

    def find(self, seq: int) -> tuple[int, bytes] | None:
        """(first seq, frame) of the batch that holds record `seq`."""
        if not self.first_seq <= seq <= self.last_seq:
            return None
        firsts, frames = self._load(bisect_right(self._firsts, seq) - 1)
        at = bisect_right(firsts, seq) - 1
        return firsts[at], frames[at]

    def verify(self) -> Iterator[tuple[Batch, bytes]]:
        """Every batch and its frame, after checking the whole file, every block, batch and link of the chain."""
        whole = hashlib.blake2b(digest_size=framing.DIGEST_BYTES)
        end = self.bytes_used - framing.DIGEST_BYTES
        for at in range(0, end, BLOCK_BYTES):
            whole.update(os.pread(self._file, min(BLOCK_BYTES, end - at), at))
        if os.pread(self._file, framing.DIGEST_BYTES, end) != whole.digest():
            raise self._corrupt("the checksum of the whole file does not match")
        seq, previous = self.first_seq, self.extent.chain_before
        for position in range(len(self._firsts)):
            for frame in self._load(position)[1]:
                batch, names = framing.decode(frame, self.name, seq)
                if names != previous:
                    raise self._corrupt("it does not follow the batch before it", seq)
                seq, previous = batch.last_seq + 1, framing.digest_of(frame)
                yield batch, frame
        if (seq - 1, previous) != (self.last_seq, self.extent.chain_after):
            raise self._corrupt("its last batch is not the one its footer names")

    def close(self) -> None:
        """Let the file go."""
        os.close(self._file)


def segments_in(directory: Path) -> tuple[list[ArchivedSegment], list[JournalCorrupt]]:
    """The archived segments of a folder in order, and what is wrong with those that can't be opened."""
    need_all(directory)
    found: list[ArchivedSegment] = []
    damaged: list[JournalCorrupt] = []
    for path in sorted(path for path in directory.glob(f"*{SUFFIX}") if path.is_file()):
        try:
            found.append(ArchivedSegment(path))
        except JournalCorrupt as error:
            damaged.append(error)
    return found, damaged
