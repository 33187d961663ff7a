"""Checking books that nobody writes to: every frame, checksum, link and snapshot, and what follows from them."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from api.answers.timestamps import iso
from api.backups.checkpoints import Checkpoint, compare
from engine.replay import dumping, invariants
from engine.replay.recovery import Fold, Tell, refuse_contradiction
from engine.state.state import State
from engine.wal import (
    ArchivedSegment,
    Batch,
    Batches,
    ClosedDamaged,
    ClosedTable,
    JournalCorrupt,
    MemoryClosedTable,
    Snapshot,
    SnapshotDamaged,
    framing,
    snapshots_in,
)


class Findings(NamedTuple):
    """What was checked, and what is wrong; an empty list is a clean bill."""

    first_seq: int
    seq: int
    time: str | None
    digest: str
    chain: str
    accounts: dict[str, int]
    snapshots: list[str]
    archived: list[str]
    checkpoints: int
    checkpoints_elsewhere: int
    wrong: list[str]


class _Chains:
    """The chain digests at some records, noted while the frames go by."""

    def __init__(self, seqs: Iterable[int]) -> None:
        self._wanted = frozenset(seqs)
        self.found: dict[int, bytes] = {}

    def watch(self, frames: Iterator[tuple[Batch, bytes]]) -> Iterator[Batch]:
        """Pass the batches on."""
        for batch, frame in frames:
            if batch.last_seq in self._wanted:
                self.found[batch.last_seq] = framing.digest_of(frame)
            yield batch


def from_archive(segments: list[ArchivedSegment]) -> Batches:
    """A journal of archived segments only, as in a backup. Raises JournalCorrupt when they do not follow each other."""
    batches = Batches()
    for segment in segments:
        extent = segment.extent
        if not batches.parts:
            batches.journal_id, batches.first_seq = extent.journal_id, extent.first_seq
            batches.chain_before = chain = extent.chain_before
            batches.last_seq = extent.first_seq - 1
        if (extent.journal_id, extent.first_seq, extent.chain_before) != (
            batches.journal_id,
            batches.last_seq + 1,
            chain,
        ):
            raise JournalCorrupt(segment.name, None, "it does not follow the archived segment before it")
        batches.parts.append(segment)
        batches.last_seq, chain = extent.last_seq, extent.chain_after
    return batches


def check_archive(segments: list[ArchivedSegment]) -> list[str]:
    """Every byte of archived segments, and that none is missing between them; the first ones may lie elsewhere."""
    wrong = [
        f"records {before.last_seq + 1} to {after.first_seq - 1} are missing from the archive"
        for before, after in pairwise(segments)
        if before.last_seq + 1 < after.first_seq
    ]
    for segment in segments:
        try:
            for _ in segment.verify():
                pass
        except JournalCorrupt as error:
            wrong.append(str(error))
    return wrong


def check_closed(directory: Path, last_seq: int) -> list[str]:
    """The table of closed things, where there is one."""
    if not (directory / "data.mdb").exists():
        return []
    way_out = "it is derived: delete the folder `closed`, and the next start makes it anew"
    try:
        table = ClosedTable(directory, readonly=True)
    except ClosedDamaged as error:
        return [f"{error}; {way_out}"]
    try:
        wrong = [f"{reason}; {way_out}" for reason in table.verify()]
        if table.through_seq > last_seq:
            wrong.append(
                f"record {table.through_seq} was durable, and the journal ends at {last_seq}: its end is missing"
            )
        return wrong
    finally:
        table.close()


def check_books(
    journal: Batches, snapshots: Path, checkpoints: list[Checkpoint], archived: list[str], tell: Tell
) -> Findings:
    """Replay everything there is: frames, checksums, links, seqs, snapshots, checkpoints, accounts."""
    found, damaged = snapshots_in(snapshots)
    wrong = [str(error) for error in damaged]
    state = State(MemoryClosedTable())
    usable = []
    for snapshot in reversed(found):
        try:
            refuse_contradiction(snapshot, journal)
            for _ in snapshot.parts():
                pass
            usable.append(snapshot)
        except (JournalCorrupt, SnapshotDamaged) as error:
            wrong.append(str(error))
    here = [checkpoint for checkpoint in checkpoints if checkpoint.seq >= journal.first_seq - 1]
    chains = _Chains(checkpoint.seq for checkpoint in here)
    chains.found[journal.first_seq - 1] = journal.chain_before
    compared: list[str] = []
    try:
        _begin(state, journal, usable)
        fold = Fold(state, chains.watch(journal.frames(journal.first_seq - 1)), keep_closed=False)
        for snapshot in usable:
            if snapshot.seq >= state.seq:
                fold.advance(snapshot.seq, tell)
                if dumping.digest(state) == snapshot.digest:
                    compared.append(snapshot.name)
                else:
                    wrong.append(f"replay does not give the state of snapshot {snapshot.name}")
        fold.advance(journal.last_seq, tell)
        wrong += invariants.check(state)
    except (JournalCorrupt, msgspec.MsgspecError, AssertionError) as error:
        wrong.append(f"replay ended after record {state.seq}: {error}")
    wrong += compare(here, journal.journal_id, journal.last_seq, chains.found.get)
    chain = journal.chain_after(state.seq)
    return Findings(
        first_seq=journal.first_seq,
        seq=state.seq,
        time=iso(state.time_ns) if state.seq else None,
        digest=dumping.digest(state),
        chain="" if chain is None else chain.hex(),
        accounts=state.ledger.totals(),
        snapshots=compared,
        archived=archived,
        checkpoints=len(here),
        checkpoints_elsewhere=len(checkpoints) - len(here),
        wrong=wrong,
    )


def _begin(state: State, journal: Batches, usable: list[Snapshot]) -> None:
    """Where the first records are gone, a snapshot stands for them."""
    if journal.first_seq == 1:
        return
    base = next((snapshot for snapshot in usable if snapshot.seq >= journal.first_seq - 1), None)
    if base is None:
        name = journal.parts[0].name
        raise JournalCorrupt(name, None, f"no snapshot makes up for the records before {journal.first_seq}")
    dumping.load(state, base.parts())
