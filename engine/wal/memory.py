"""A journal in memory, for tests and simulations: the same contract, nothing durable."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from engine.wal.framing import GENESIS, Batch, encode


class Journal(Protocol):
    """What the writer and its readers need of a journal. Records are opaque bytes, numbered from 1 without gaps."""

    first_seq: int
    last_seq: int
    last_time_ns: int
    chain_digest: bytes

    @property
    def segment(self) -> str: ...
    @property
    def bytes_used(self) -> int: ...
    def make_room(self, bytes_expected: int) -> None: ...
    def append(self, time_ns: int, records: Sequence[bytes]) -> int: ...
    def read(self, after_seq: int = 0) -> Iterator[Batch]: ...
    def read_backwards(self, before_seq: int | None = None) -> Iterator[Batch]: ...
    def record(self, seq: int) -> tuple[int, bytes]: ...
    def close(self) -> None: ...


class MemoryJournal:
    """Batches in a list."""

    segment = "memory"

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.first_seq = 1
        self.last_seq = 0
        self.last_time_ns = 0
        self.chain_digest = GENESIS
        self.bytes_used = 0

    def make_room(self, bytes_expected: int) -> None:
        """There is always room."""

    def append(self, time_ns: int, records: Sequence[bytes]) -> int:
        """Keep a batch; gives the seq of its first record."""
        assert records
        assert time_ns > self.last_time_ns
        first_seq = self.last_seq + 1
        frame, self.chain_digest = encode(first_seq, time_ns, self.chain_digest, records)
        self.batches.append(Batch(first_seq, time_ns, tuple(records)))
        self.bytes_used += len(frame)
        self.last_seq += len(records)
        self.last_time_ns = time_ns
        return first_seq

    def _position(self, seq: int) -> int:
        """The position of the batch that holds record `seq`."""
        low, high = 0, len(self.batches)
        while low < high:
            middle = (low + high) // 2
            if self.batches[middle].last_seq < seq:
                low = middle + 1
            else:
                high = middle
        return low

    def read(self, after_seq: int = 0) -> Iterator[Batch]:
        """Batches with records after `after_seq`, oldest first."""
        at = self._position(after_seq + 1)
        while at < len(self.batches):
            yield self.batches[at]
            at += 1

    def read_backwards(self, before_seq: int | None = None) -> Iterator[Batch]:
        """Batches with records before `before_seq`, newest first."""
        before = self.last_seq + 1 if before_seq is None else before_seq
        for batch in reversed(self.batches[: self._position(before - 1) + 1]):
            if batch.first_seq < before:
                yield batch

    def record(self, seq: int) -> tuple[int, bytes]:
        """(time_ns, record); KeyError if there is none."""
        if not 1 <= seq <= self.last_seq:
            raise KeyError(seq)
        batch = self.batches[self._position(seq)]
        return batch.time_ns, batch.records[seq - batch.first_seq]

    def close(self) -> None:
        """Nothing to let go."""
