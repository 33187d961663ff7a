"""The follower: folds the journal in a process of its own, compares itself with the writer, and writes snapshots.

It has its own watermark: the newest snapshot it can use. A snapshot is published only after the follower's state has
been found equal to what the writer said of its own, so every snapshot proves that replay works.
"""

import hashlib
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec

from engine.facts import records
from engine.facts.maintenance import DigestRecorded
from engine.replay import dumping
from engine.replay.recovery import Fold, Tell, load, refuse_contradiction, tell_nobody
from engine.state.state import State
from engine.wal import (
    ArchivedSegment,
    Batch,
    JournalCorrupt,
    JournalReader,
    MemoryClosedTable,
    PendingSnapshot,
    Snapshot,
    SnapshotDamaged,
    Stamp,
    archive,
    snapshots_in,
)
from engine.wal.files import sync_directory


class Diverged(Exception):
    """Replay does not give the state the writer had: a bug, or broken memory. The old snapshots are kept."""


def state_at(journal: JournalReader, snapshots: Path, seq: int, tell: Tell = tell_nobody) -> Fold:
    """The state after record `seq`, from the newest snapshot before it that can be used, ready to be folded on.

    Closed orders and ended reservations are left out. Raises JournalCorrupt, also when what is needed is not there.
    """
    state, chain = _nearest(journal, snapshots, seq, tell)
    fold = Fold(state, journal.read(state.seq, chain), keep_closed=False)
    fold.advance(seq, tell)
    return fold


def _nearest(journal: JournalReader, snapshots: Path, seq: int, tell: Tell) -> tuple[State, bytes | None]:
    """The state of the newest snapshot not after `seq` that can be used, or the one before the first record; and its chain digest."""
    for snapshot in snapshots_in(snapshots)[0]:
        if snapshot.seq <= seq:
            refuse_contradiction(snapshot, journal)
            state = State(MemoryClosedTable())
            try:
                load(state, snapshot, tell)
            except (SnapshotDamaged, msgspec.MsgspecError):
                continue
            return state, snapshot.stamp.chain
    return State(MemoryClosedTable()), None


def take(
    journal: JournalReader, snapshots: Path, seq: int, proof_seq: int | None, tell: Tell = tell_nobody
) -> Snapshot:
    """Write the snapshot at record `seq`, which ends a batch. `proof_seq` is the record of the writer's own digest.

    Raises Diverged, JournalCorrupt, StorageFull; nothing is published then.
    """
    chain = journal.chain_after(seq)
    assert chain is not None, "a snapshot is made at the end of a batch"
    fold = state_at(journal, snapshots, seq, tell)
    stamp = Stamp(dumping.DUMP_VERSION, journal.journal_id, seq, fold.state.time_ns, chain)
    pending = PendingSnapshot(snapshots, stamp, dumping.dump(fold.state))
    try:
        if proof_seq is not None:
            _compare(fold, journal, seq, proof_seq)
        path = pending.publish()
    except BaseException:
        pending.discard()
        raise
    try:
        snapshot = Snapshot(path)
        for _ in snapshot.parts():  # what lies there is what was written
            pass
    except SnapshotDamaged:
        path.unlink()
        raise
    return snapshot


def archive_sealed(journal: JournalReader, directory: Path, tell: Tell = tell_nobody) -> list[ArchivedSegment]:
    """Archive every sealed segment that is not yet. Raises StorageFull, JournalCorrupt."""
    made = []
    if directory.is_dir():
        sync_directory(directory)  # a follower that was killed may have left a name that is seen, and not durable yet
    for first_seq, last_seq, chain in journal.sealed():
        if not _archived(directory / archive.name_of(first_seq, last_seq)):
            frames = journal.frames(first_seq - 1, chain)
            wanted = takewhile(lambda entry, last_seq=last_seq: entry[0].last_seq <= last_seq, frames)  # type: ignore[misc]
            made.append(archive.write(directory, journal.journal_id, chain, _told(wanted, last_seq, tell)))
    return made


def _archived(path: Path) -> bool:
    try:
        ArchivedSegment(path).close()
    except (FileNotFoundError, JournalCorrupt):
        return False
    return True


def _told(frames: Iterator[tuple[Batch, bytes]], last_seq: int, tell: Tell) -> Iterator[tuple[Batch, bytes]]:
    for entry in frames:
        tell("archiving", entry[0].last_seq, last_seq)
        yield entry


def prune(snapshots: Path, kept: int) -> list[str]:
    """Remove snapshots older than the newest `kept`, at least one. What is damaged is left for people to look at."""
    removed = []
    for snapshot in snapshots_in(snapshots)[0][max(1, kept) :]:
        snapshot.path.unlink()
        removed.append(snapshot.name)
    if removed:
        sync_directory(snapshots)
    return removed


def _compare(fold: Fold, journal: JournalReader, seq: int, proof_seq: int) -> None:
    """Take the parts of the dump where the writer took them, and compare."""
    proof = next(
        fact for fact in records.decode(journal.record(proof_seq)[1]).facts if isinstance(fact, DigestRecorded)
    )
    assert proof.parts[0][0] == seq, "the digest is of another moment"
    parts, ours = dumping.dump(fold.state), hashlib.blake2b(digest_size=32)
    for taken_at, count in proof.parts:
        fold.advance(taken_at)
        for _ in range(count):
            ours.update(next(parts, b"missing"))
    if next(parts, None) is not None or ours.hexdigest() != proof.digest:
        raise Diverged(
            f"at record {seq} the writer's state had the digest {proof.digest}, replay gives {ours.hexdigest()}: "
            "no snapshot was made, the older ones are kept"
        )
