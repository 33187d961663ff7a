"""A file of one-time pads, 32 bytes each, that can be overwritten where they lie.

A copy-on-write store such as LMDB keeps old bytes in pages it no longer uses. A plain file does not, so half
of every party key lies here: wiping 32 bytes and one sync make the key underivable, at a cost that does not
depend on how many parties there are.

Slots are handed out in ascending order and never twice. Random pads are written ahead in blocks, so that one
sync pays for `BLOCK_SLOTS` of them.
"""

import os
from collections.abc import Iterable
from pathlib import Path

PAD_BYTES = 32
BLOCK_SLOTS = 2_048  # 64 KiB written ahead by one sync

WIPED = bytes(PAD_BYTES)


class PadsTruncated(Exception):
    """The file ends before the pads that are in use."""


class Pads:
    """The pads file. The first `used` slots are in use; the rest is not trusted and is written anew."""

    def __init__(self, path: Path, used: int) -> None:
        assert used >= 0
        self.next_slot = used
        self._durable_slots = used  # a crash may have left zeros beyond: those pads are drawn again
        self._unwritten: dict[int, bytes] = {}
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._descriptor).st_size < used * PAD_BYTES:
            self.close()
            raise PadsTruncated(f"{path} ends before pad {used}, which is in use")

    def assign(self) -> tuple[int, bytes]:
        """Hand out the next slot and its pad. The pad is durable after the next `make_durable`."""
        slot = self.next_slot
        self.next_slot += 1
        if slot < self._durable_slots:
            return slot, self.read(slot)
        pad = os.urandom(PAD_BYTES)
        self._unwritten[slot] = pad
        return slot, pad

    def make_durable(self) -> None:
        """Write every pad handed out so far and the rest of the block. After an OSError, call it again."""
        if not self._unwritten:
            return
        assert min(self._unwritten) == self._durable_slots
        count = -(-len(self._unwritten) // BLOCK_SLOTS) * BLOCK_SLOTS
        ahead = os.urandom((count - len(self._unwritten)) * PAD_BYTES)
        self._write(self._durable_slots, b"".join(self._unwritten.values()) + ahead)
        os.fdatasync(self._descriptor)
        self._durable_slots += count
        self._unwritten.clear()

    def read(self, slot: int) -> bytes:
        """The pad of a slot; zeros when it was wiped."""
        pad = self._unwritten.get(slot)
        if pad is None:
            pad = os.pread(self._descriptor, PAD_BYTES, slot * PAD_BYTES)
            if len(pad) != PAD_BYTES:
                raise PadsTruncated(f"the pads file ends before pad {slot}, which is in use")
        return pad

    def wipe(self, slots: Iterable[int]) -> None:
        """Overwrite pads with zeros where they lie, durable when this returns. Wiping twice is harmless."""
        for slot in slots:
            assert slot not in self._unwritten
            self._write(slot, WIPED)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Close the file. Pads that were not made durable are forgotten."""
        os.close(self._descriptor)

    def _write(self, slot: int, content: bytes) -> None:
        rest, offset = memoryview(content), slot * PAD_BYTES
        while rest:
            written = os.pwrite(self._descriptor, rest, offset)
            rest, offset = rest[written:], offset + written
