"""How a batch frame lies in a segment: as it is, or packed where that saves something.

    magic 4s | bytes of the frame u32 | crc32 of what follows u32 | zstd of the frame

Only the segment knows. Chain digests, archives and backups are made of the frames themselves, as they always were.
"""

import struct
import zlib
from typing import Final

import zstandard

from engine.wal import framing
from engine.wal.errors import JournalCorrupt

MAGIC: Final = b"KJZ1"
PACKED_FROM_BYTES: Final = 512  # below, the processor's time is worth more than the bytes
LEVEL: Final = -1  # a third of the time of level 3, and nearly as small

_HEAD = struct.Struct(">4sII")


class Packer:
    """Packs and unpacks frames. Not for more than one thread."""

    def __init__(self) -> None:
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def packed(self, frame: bytes) -> bytes:
        """What is stored for a frame."""
        if len(frame) < PACKED_FROM_BYTES:
            return frame
        content = self._compressor.compress(frame)
        if len(content) + _HEAD.size >= len(frame):
            return frame
        return _HEAD.pack(MAGIC, len(frame), zlib.crc32(content)) + content

    def unpacked(self, stored: bytes, segment: str, first_seq: int) -> bytes:
        """The frame, not looked at yet. Raises JournalCorrupt when what is stored is not what was packed."""
        if stored[: len(MAGIC)] != MAGIC or len(stored) < _HEAD.size:
            return stored
        _, frame_bytes, crc = _HEAD.unpack_from(stored)
        content = memoryview(stored)[_HEAD.size :]
        if zlib.crc32(content) != crc:
            raise JournalCorrupt(segment, first_seq, "its checksum does not match")
        # Whoever can forge a checksum may claim any size: what a frame says of itself must be the same.
        if zstandard.frame_content_size(content) != frame_bytes:
            raise JournalCorrupt(segment, first_seq, "it says another size than what is packed in it")
        try:
            return self._decompressor.decompress(content)
        except zstandard.ZstdError as error:
            raise JournalCorrupt(segment, first_seq, f"it can't be unpacked: {error}") from error


assert MAGIC != framing.MAGIC
