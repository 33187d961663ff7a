"""The replay in process: the writer on its own journal, under a clock that follows the file. No server, no HTTP.

Every batch has its own planned instant, so a data directory tells how far an interrupted replay came: the same command
goes on from there. Batches in the journal are folded, not decided again; what had been refused is decided again, at the
same place and with the same end, because refusals are not journalled.
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
from engine.facts.records import Record
from engine.replay import dumping, invariants
from engine.results import Rejection
from engine.state.state import State
from engine.wal import Batch, ClosedTable, DirectoryLock, LmdbJournal
from engine.writer import Change, Done, Writer

BATCH_ASKS_MAX = 256
BATCH_GAP_NS = 1_000
ACTOR = "replay"
PAYLOAD_BYTES_PER_LINE = 32
FOREIGN = (
    "the data directory holds something else; it goes on only with the same file, --days, --seed and --stock-factor"
)

assert BATCH_ASKS_MAX <= limits.BATCH_COMMANDS_MAX


class InProcess:
    """A data directory that is being replayed into. Raises DirectoryInUse, JournalCorrupt, and ReplayFailed for a
    foreign one.

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
        outcomes: dict[int, Done | Rejection] = {}
        results: dict[int, Any] = {}
        for at, ask in enumerate(asks):

            def render(
                state: State, seq: int, facts: tuple[Fact, ...], at: int = at, ask: Ask = ask
            ) -> tuple[int, bytes]:
                results[at] = commands.result_of(ask, state, facts)
                return 201, b""

            def deliver(outcome: Done | Rejection, at: int = at) -> None:
                outcomes[at] = outcome

            command = self._command(ask)
            change = Change(command, ACTOR, render, deliver, self._key(ask), self.plan.identity, _size(ask))
            refusal = self._writer.submit(change)
            assert refusal is None
        while self._writer.settle():
            pass  # who waits is served first, in more than one batch if there are many
        assert len(outcomes) == len(asks)
        self.commits += 1
        for at, ask in enumerate(asks):
            outcome = outcomes[at]
            if isinstance(outcome, Rejection):
                self.progress.refused(ask, outcome.code.wire)
            else:
                self.progress.done(ask, results[at])

    def _again(self, asks: tuple[Ask, ...]) -> None:
        """Fold the batch that was committed at this instant; decide again what is not in it, which was refused."""
        recorded: list[tuple[int, Record]] = []
        batch = self._batch
        while batch is not None and batch.time_ns < self._now_ns + BATCH_GAP_NS:
            if batch.time_ns < self._now_ns or batch.first_seq != self.state.seq + len(recorded) + 1:
                raise ReplayFailed(FOREIGN)
            recorded += [(batch.time_ns, records.decode(record)) for record in batch.records]
            batch = self._batch = next(self._recorded, None)
        position = {self._key(ask): at for at, ask in enumerate(asks)}
        kept = {record.key for _, record in recorded if record.key is not None}
        outcomes: dict[int, tuple[Ask, Rejection | None, Any]] = {}
        chunk_commands = [commands.command_of(ask, self.state) for ask in asks]

        def refused(before: int) -> None:
            """Decide again what comes before a position and is not recorded."""
            for at in range(before):
                if at not in outcomes and self._key(asks[at]) not in kept:
                    refusal = machine.decide(self.state, chunk_commands[at], max(self._now_ns, self.state.time_ns))
                    if not isinstance(refusal, Rejection):
                        raise ReplayFailed(FOREIGN)
                    outcomes[at] = (asks[at], refusal, None)

        for time_ns, record in recorded:
            at = None if record.key is None else position.get(record.key)
            if record.key is not None:
                if at is None:
                    raise ReplayFailed(FOREIGN)
                refused(at)
            machine.replay(self.state, self.state.seq + 1, time_ns, record)
            if at is not None:
                outcomes[at] = (asks[at], None, commands.result_of(asks[at], self.state, record.facts))
        refused(len(asks))
        for _, (ask, rejected, result) in sorted(outcomes.items()):
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
