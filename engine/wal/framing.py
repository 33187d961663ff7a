"""The batch frame: one LMDB value, the records of one commit, bound to everything before it.

    magic 4s | version u16 | reserved u16 | count u32 | crc32 u32 | first_seq u64 | time_ns u64 | length u64 |
    previous digest 32s
    then `count` times: length u32, bytes

The crc32 is over the frame with its own four bytes as zero. The chain digest of a batch is blake2b-256 over its frame,
which holds the digest of the batch before it: a chain over the whole journal. docs/reference/journal-format.md says
more.
"""

import hashlib
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from engine.wal.errors import JournalCorrupt

MAGIC = b"KJB1"
VERSION = 1
DIGEST_BYTES = 32
GENESIS = bytes(DIGEST_BYTES)

_HEADER = struct.Struct(">4sHHIIQQQ32s")
_CRC_AT = 12
_LENGTH = struct.Struct(">I")


class Batch(NamedTuple):
    """Records made durable by one commit; record i has seq `first_seq + i`. All share `time_ns`."""

    first_seq: int
    time_ns: int
    records: tuple[bytes, ...]

    @property
    def last_seq(self) -> int:
        """The seq of the last record."""
        return self.first_seq + len(self.records) - 1


def encode(first_seq: int, time_ns: int, previous: bytes, records: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The frame, and its chain digest."""
    assert records
    assert first_seq >= 1
    assert len(previous) == DIGEST_BYTES
    pack = _LENGTH.pack
    parts: list[bytes] = []
    for record in records:
        parts.append(pack(len(record)))
        parts.append(record)
    payload = b"".join(parts)
    head = _HEADER.pack(MAGIC, VERSION, 0, len(records), 0, first_seq, time_ns, len(payload), previous)
    crc = zlib.crc32(payload, zlib.crc32(head))
    frame = b"".join((head[:_CRC_AT], _LENGTH.pack(crc), head[_CRC_AT + 4 :], payload))
    return frame, hashlib.blake2b(frame, digest_size=DIGEST_BYTES).digest()


def decode(frame: bytes, segment: str, expected_first_seq: int) -> tuple[Batch, bytes]:
    """The batch and the digest it names as its predecessor's. Raises JournalCorrupt for anything unexplained."""

    def corrupt(reason: str) -> JournalCorrupt:
        return JournalCorrupt(segment, expected_first_seq, reason)

    if len(frame) < _HEADER.size:
        raise corrupt(f"the frame has {len(frame)} bytes, fewer than its header")
    magic, version, reserved, count, crc, first_seq, time_ns, length, previous = _HEADER.unpack_from(frame)
    if magic != MAGIC:
        raise corrupt("it does not start as a batch does")
    if version != VERSION or reserved:
        raise corrupt(f"format version {version} is not known to this release")
    if length != len(frame) - _HEADER.size:
        raise corrupt(f"it says {length} bytes of records, and has {len(frame) - _HEADER.size}")
    view = memoryview(frame)
    actual = zlib.crc32(view[_CRC_AT + 4 :], zlib.crc32(bytes(4), zlib.crc32(view[:_CRC_AT])))
    if actual != crc:
        raise corrupt("its checksum does not match")
    if first_seq != expected_first_seq:
        raise corrupt(f"it holds records from {first_seq} on")
    records = []
    at = _HEADER.size
    for _ in range(count):
        if at + 4 > len(frame):
            raise corrupt("a record's length lies outside the frame")
        (size,) = _LENGTH.unpack_from(frame, at)
        at += 4 + size
        if at > len(frame):
            raise corrupt("a record lies outside the frame")
        records.append(frame[at - size : at])
    if at != len(frame) or not records:
        raise corrupt("its records do not fill the frame")
    return Batch(first_seq, time_ns, tuple(records)), previous


def first_seq_of(frame: bytes) -> int:
    """The seq a frame says it begins with; nothing is checked."""
    first_seq: int = _HEADER.unpack_from(frame)[5]
    return first_seq


def digest_of(frame: bytes) -> bytes:
    """The chain digest of a frame."""
    return hashlib.blake2b(frame, digest_size=DIGEST_BYTES).digest()
