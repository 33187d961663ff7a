"""Reading batches over parts in a row: archived segments first, then live ones. Journal and readers share it."""

from collections.abc import Iterator
from typing import Protocol

from engine.wal import framing
from engine.wal.errors import JournalCorrupt
from engine.wal.framing import GENESIS, Batch


class Part(Protocol):
    """A run of batches: a live segment or an archived one."""

    name: str

    @property
    def first_seq(self) -> int: ...
    def find(self, seq: int) -> tuple[int, bytes] | None: ...
    def close(self) -> None: ...


class Batches:
    """Batches in `parts`, in order: records from `first_seq` to `last_seq`; `chain_before` is the digest before."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self.journal_id = b""
        self.first_seq = 1
        self.last_seq = 0
        self.chain_before = GENESIS

    def check_usable(self) -> None:
        """Raise what speaks against reading now; nothing does here."""

    def _part_of(self, seq: int) -> Part:
        """The part that holds record `seq`."""
        for part in reversed(self.parts):
            if part.first_seq <= seq:
                return part
        raise self._not_here(seq)

    def _not_here(self, seq: int) -> JournalCorrupt:
        name = self.parts[0].name if self.parts else "none"
        return JournalCorrupt(
            name, seq, f"records before {self.first_seq} are neither in the journal nor in the archive"
        )

    def _frame_of(self, seq: int) -> tuple[Batch, bytes, bytes]:
        """(batch that holds record `seq`, digest it names as its predecessor's, its frame)."""
        self.check_usable()
        part = self._part_of(seq)
        found = part.find(seq)
        if found is None:
            raise JournalCorrupt(part.name, seq, "the batch is missing")
        batch, previous = framing.decode(found[1], part.name, found[0])
        if not batch.first_seq <= seq <= batch.last_seq:
            raise JournalCorrupt(part.name, seq, "the batch is missing")
        return batch, previous, found[1]

    def frames(self, after_seq: int = 0, previous: bytes | None = None) -> Iterator[tuple[Batch, bytes]]:
        """(batch, its frame) for batches with records after `after_seq`, oldest first, every checksum and link checked.

        `previous` is the chain digest after record `after_seq`, where the caller knows it. Each batch is looked up
        anew, so a slow reader holds nothing up.
        """
        if after_seq + 1 < self.first_seq <= self.last_seq:
            raise self._not_here(after_seq + 1)
        if after_seq == self.first_seq - 1:
            previous = self.chain_before
        seq = after_seq + 1
        while seq <= self.last_seq:
            batch, names, frame = self._frame_of(seq)
            if previous is not None and names != previous and batch.first_seq == seq:
                name = self._part_of(seq).name
                raise JournalCorrupt(name, batch.first_seq, "it does not follow the batch before it")
            previous = framing.digest_of(frame)
            yield batch, frame
            seq = batch.last_seq + 1

    def read(self, after_seq: int = 0, previous: bytes | None = None) -> Iterator[Batch]:
        """Batches with records after `after_seq`, oldest first; see `frames`."""
        for batch, _ in self.frames(after_seq, previous):
            yield batch

    def read_backwards(self, before_seq: int | None = None) -> Iterator[Batch]:
        """Batches with records before `before_seq`, newest first, as far back as they go, each checksum checked."""
        seq = self.last_seq if before_seq is None else min(before_seq - 1, self.last_seq)
        while seq >= self.first_seq:
            batch = self._frame_of(seq)[0]
            yield batch
            seq = batch.first_seq - 1

    def record(self, seq: int) -> tuple[int, bytes]:
        """(time_ns, record); KeyError if there is none, or none any more."""
        if not self.first_seq <= seq <= self.last_seq:
            raise KeyError(seq)
        batch = self._frame_of(seq)[0]
        return batch.time_ns, batch.records[seq - batch.first_seq]

    def chain_after(self, seq: int) -> bytes | None:
        """The chain digest after the batch that ends with record `seq`; None if none here ends there."""
        if seq == self.first_seq - 1:
            return self.chain_before
        if not self.first_seq <= seq <= self.last_seq:
            return None
        batch, _, frame = self._frame_of(seq)
        return framing.digest_of(frame) if batch.last_seq == seq else None

    def close(self) -> None:
        """Let all parts go."""
        for part in self.parts:
            part.close()
