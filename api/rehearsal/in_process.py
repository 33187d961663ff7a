"""The replay in process: the writer on its own journal, under a clock that follows the file. No server, no HTTP.

Every batch has its own planned instant, so a data directory tells how far an interrupted replay came: the same command goes
on from there. Batches in the journal are folded, not decided again; what had been refused is decided again, at the same
place and with the same end, because refusals are not journalled.
"""

import gc
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from api.exporting.bookings import bookings
from api.rehearsal import commands
from api.rehearsal.money import booked
from api.rehearsal.plan import Plan, runs
from api.rehearsal.progress import Ask, Progress, ReplayFailed
from engine import limits, machine
from engine.commands import Command
from engine.facts import Fact, records
from engine.replay import dumping, invariants
from engine.results import Rejection
from engine.state.state import State
from engine.wal import Batch, ClosedTable, DirectoryLock, LmdbJournal
from engine.writer import SYSTEM, Change, Done, Writer

BATCH_ASKS_MAX = 256
BATCH_GAP_NS = 1_000
ACTOR = "replay"
PAYLOAD_BYTES_PER_LINE = 32
FOREIGN = (
    "the data directory holds something else; it goes on only with the same file, --days, --seed and --stock-factor"
)

assert BATCH_ASKS_MAX <= limits.BATCH_COMMANDS_MAX


class InProcess:
    """A data directory that is being replayed into. Raises DirectoryInUse, JournalCorrupt, and ReplayFailed for a foreign one.

    Every `check_every` chunks of the plan all invariants are looked at; None: only at the end.
    """

    def __init__(self, directory: Path, plan: Plan, progress: Progress, check_every: int | None = None) -> None:
        self.plan = plan
        self.progress = progress
        self.checks = 0
        self._check_every = check_every
        self.commits = 0
        self.resumed_seq = 0
        self._lock = DirectoryLock(directory)
        try:
            self.journal = LmdbJournal(directory / "journal", archive_directory=directory / "archive")
            self._table = ClosedTable(directory / "closed")
            if self._table.through_seq:
                self._table.clear()  # it comes back with the journal, and never shows what is later than the state
            self.state = State(self._table)
        except BaseException:
            self._lock.close()
            raise
        self._now_ns = 0
        self._writer = Writer(self.state, self.journal, lambda: self._now_ns, on_error=_fail)
        self._recorded = self.journal.read() if self.journal.last_seq else iter(())
        self._batch: Batch | None = next(self._recorded, None)
        self._through_ns = self.journal.last_time_ns
        self.resumed_seq = self.journal.last_seq

    def run(self, on_progress: Callable[[int], None]) -> None:
        """Do the whole plan. `on_progress` gets the number of steps done."""
        done = 0
        for number, chunk in enumerate(self.plan.chunks, 1):
            asks = self.progress.asks(chunk)
            for part, some in enumerate(runs(asks, BATCH_ASKS_MAX)):
                self._now_ns = chunk.time_ns + part * BATCH_GAP_NS
                if self._now_ns <= self._through_ns:
                    self._again(some)
                else:
                    self._ask(some)
            self._look(number)
            done += len(chunk.steps)
            on_progress(done)
        if self._batch is not None:
            raise ReplayFailed(FOREIGN)
        self._writer.flush_closed()

    def _look(self, chunk: int) -> None:
        """Every so many chunks: look at every invariant. Raises ReplayFailed where one does not hold."""
        if self._check_every is None or chunk % self._check_every:
            return
        self.checks += 1
        violations = invariants.check(self.state)
        if violations:
            raise ReplayFailed(f"after step {chunk} of the plan: " + "; ".join(violations[:3]))

    def _command(self, ask: Ask) -> Command:
        """A step as a command."""
        return commands.command_of(ask, self.state)

    def _ask(self, asks: tuple[Ask, ...]) -> None:
        """Decide and commit one batch."""
        assert self._batch is None
        outcomes: list[Done | Rejection] = []
        results: list[Any] = []
        for ask in asks:

            def render(state: State, seq: int, facts: tuple[Fact, ...], ask: Ask = ask) -> tuple[int, bytes]:
                results.append(commands.result_of(ask, state, facts))
                return 201, b""

            command = self._command(ask)
            change = Change(command, ACTOR, render, outcomes.append, self._key(ask), self.plan.identity, _size(ask))
            refusal = self._writer.submit(change)
            assert refusal is None
        more = self._writer.settle()
        assert not more, "a chunk is one batch"
        assert len(outcomes) == len(asks)
        self.commits += 1
        given = iter(results)
        for ask, outcome in zip(asks, outcomes, strict=True):
            if isinstance(outcome, Rejection):
                self.progress.refused(ask, outcome.code.wire)
            else:
                self.progress.done(ask, next(given))

    def _again(self, asks: tuple[Ask, ...]) -> None:
        """Fold the batch that was committed at this instant; decide again what is not in it, which was refused."""
        encoded: tuple[bytes, ...] = ()
        batch = self._batch
        if batch is not None and batch.time_ns <= self._now_ns:
            if batch.time_ns < self._now_ns or batch.first_seq != self.state.seq + 1:
                raise ReplayFailed(FOREIGN)
            encoded = batch.records
            self._batch = next(self._recorded, None)
        waiting = [records.decode(record) for record in encoded]
        waiting.reverse()
        while waiting and waiting[-1].actor == SYSTEM:
            machine.replay(self.state, self.state.seq + 1, self._now_ns, waiting.pop())
        outcomes: list[tuple[Ask, Rejection | None, Any]] = []
        chunk_commands = [commands.command_of(ask, self.state) for ask in asks]
        for ask, command in zip(asks, chunk_commands, strict=True):
            if waiting and waiting[-1].key == self._key(ask):
                record = waiting.pop()
                machine.replay(self.state, self.state.seq + 1, self._now_ns, record)
                outcomes.append((ask, None, commands.result_of(ask, self.state, record.facts)))
            else:
                refusal = machine.decide(self.state, command, self._now_ns)
                if not isinstance(refusal, Rejection):
                    raise ReplayFailed(FOREIGN)
                outcomes.append((ask, refusal, None))
        if waiting:
            raise ReplayFailed(FOREIGN)
        for ask, rejected, result in outcomes:
            if rejected is None:
                self.progress.done(ask, result)
            else:
                self.progress.refused(ask, rejected.code.wire)
        if self.state.closed.pending_count >= limits.CLOSED_PENDING_REPLAY_MAX:
            self.state.closed.flush(self.state.seq)

    def _key(self, ask: Ask) -> bytes:
        return hashlib.blake2b(ask.id.encode(), digest_size=16, key=self.plan.identity).digest()

    def findings(self) -> dict[str, Any]:
        """Position, digest, books."""
        return {
            "seq": self.state.seq,
            "digest": dumping.digest(self.state),
            "accounts": self.state.ledger.totals(),
            "money": booked(bookings(self.journal, None, None)),
            "violations": list(invariants.check(self.state)),
            "journal_bytes": self.journal.bytes_used,
            "checks": self.checks,
        }

    def close(self) -> None:
        """Let the directory go."""
        self.journal.close()
        self._table.close()
        self._lock.close()


def _fail(error: Exception) -> None:
    raise error


def _size(ask: Ask) -> int:
    """About how many bytes the request would have."""
    return PAYLOAD_BYTES_PER_LINE * commands.lines_count(ask)


@contextmanager
def data_directory(directory: Path | None) -> Iterator[Path]:
    """The directory given, or a fresh one that is gone afterwards."""
    if directory is not None:
        yield directory
        return
    fresh = Path(tempfile.mkdtemp(prefix="kontor-replay-"))
    try:
        yield fresh
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def calm_collector() -> Iterator[None]:
    """Let the garbage collector leave the plan alone, and look less often."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
