"""From disk to memory: the newest snapshot that can be used, and the records after it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from engine import limits, machine
from engine.facts import records
from engine.replay import dumping
from engine.state.closed import Table
from engine.state.state import State
from engine.wal import Batch, Batches, JournalCorrupt, Snapshot, SnapshotDamaged, snapshots_in
from engine.wal.memory import Journal

TELL_RECORDS = 2_000

Tell = Callable[[str, int, int], None]
"""Is told (what is being done, how much of it is done, how much there is)."""


def tell_nobody(doing: str, done: int, total: int) -> None:
    """For callers who do not want to know."""


class Fold:
    """Folds batches onto a state, up to any record. What closes is kept in the state's table, or forgotten."""

    def __init__(self, state: State, batches: Iterator[Batch], *, keep_closed: bool) -> None:
        self.state = state
        self._batches = batches
        self._todo: Iterator[tuple[int, int, bytes]] = iter(())
        self._keep_closed = keep_closed

    def advance(self, to_seq: int, tell: Tell = tell_nobody) -> None:
        """Replay up to and including record `to_seq`, which must be there."""
        state, replay, decode = self.state, machine.replay, records.decode
        told_seq = state.seq
        while state.seq < to_seq:
            for seq, time_ns, encoded in self._todo:
                if seq > state.seq:
                    replay(state, seq, time_ns, decode(encoded))
                    if seq == to_seq:
                        break
            else:
                if state.seq >= told_seq + TELL_RECORDS:
                    told_seq = state.seq
                    tell("replaying", state.seq, to_seq)
                batch = next(self._batches)
                self._todo = iter(
                    [(batch.first_seq + offset, batch.time_ns, record) for offset, record in enumerate(batch.records)]
                )
            if state.closed.pending_count >= limits.CLOSED_PENDING_REPLAY_MAX:
                self.settle()
        self.settle()

    def settle(self) -> None:
        """Let what has closed leave memory."""
        if self._keep_closed:
            self.state.closed.flush(self.state.seq)
        else:
            self.state.closed.drop_pending()


def recover(state: State, journal: Journal, tell: Tell = tell_nobody) -> None:
    """Fold the whole journal onto an empty state, or the rest of it onto one that is not."""
    Fold(state, journal.read(state.seq), keep_closed=True).advance(journal.last_seq, tell)


def open_state(
    table: Table, journal: Batches, snapshots: Path, tell: Tell = tell_nobody, warn: Callable[[str], None] = print
) -> State:
    """The state after the last record: from the newest snapshot that can be used, or from the first record.

    A snapshot that is damaged, or reaches further than the table of closed things, is warned of and the one before it
    is used. Raises JournalCorrupt when a snapshot knows what the journal does not, or the records after it are not
    there.
    """
    found, damaged = snapshots_in(snapshots)
    for error in damaged:
        warn(str(error))
    for snapshot in found:
        refuse_contradiction(snapshot, journal)
        if snapshot.seq > table.through_seq:
            warn(
                f"snapshot {snapshot.name} is not used: closed orders are on disk up to record {table.through_seq} only"
            )
            continue
        try:
            state = State(table)
            load(state, snapshot, tell)
        except (SnapshotDamaged, msgspec.MsgspecError) as error:
            warn(f"snapshot {snapshot.name} is not used: {error}")
            continue
        suffix = journal.read(snapshot.seq, snapshot.stamp.chain)
        Fold(state, suffix, keep_closed=True).advance(journal.last_seq, tell)
        return state
    if journal.first_seq > 1:
        reason = (
            f"records before {journal.first_seq} are neither in the journal nor in the archive, and no snapshot that "
            "can be used makes up for them"
        )
        raise JournalCorrupt(journal.parts[0].name, None, reason)
    state = State(table)
    Fold(state, journal.read(), keep_closed=True).advance(journal.last_seq, tell)
    return state


def load(state: State, snapshot: Snapshot, tell: Tell = tell_nobody) -> None:
    """Put a snapshot into an empty state. Raises SnapshotDamaged or MsgspecError; the state is then of no use."""
    if snapshot.stamp.dump_version != dumping.DUMP_VERSION:
        raise SnapshotDamaged(snapshot.name, f"its dump version {snapshot.stamp.dump_version} is not this release's")

    def counted() -> Iterator[bytes]:
        for number, part in enumerate(snapshot.parts(), 1):
            tell("loading the snapshot", number, snapshot.parts_count)
            yield part

    dumping.load(state, counted())
    if (state.seq, state.time_ns) != (snapshot.seq, snapshot.stamp.time_ns):
        raise SnapshotDamaged(snapshot.name, f"it holds the state after record {state.seq}")


def refuse_contradiction(snapshot: Snapshot, journal: Batches) -> None:
    """A snapshot is of what was durable: if the journal does not know it, the journal was cut short or rewritten."""
    stamp = snapshot.stamp
    segment = journal.parts[-1].name
    if stamp.journal_id != journal.journal_id:
        raise JournalCorrupt(
            segment, None, f"snapshot {snapshot.name} is of another journal: take it out of the folder"
        )
    if stamp.seq > journal.last_seq:
        ends = f"the journal ends at record {journal.last_seq}"
        reason = f"{ends}, but {snapshot.name} was made later: its newest part is missing"
        raise JournalCorrupt(segment, None, reason)
    if stamp.seq >= journal.first_seq - 1 and journal.chain_after(stamp.seq) != stamp.chain:
        reason = f"the chain up to record {stamp.seq} is not the one {snapshot.name} was made of: history was rewritten"
        raise JournalCorrupt(segment, stamp.seq, reason)
