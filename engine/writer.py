"""The single writer: drain, stamp, expire, decide, evolve, commit, answer. The only place where state changes.

One call of `settle` is one batch. Everything that arrived is decided in order, made durable by one commit, and only
then answered, refusals and reads included, since they may rest on facts of the same batch.
"""

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, NamedTuple

import msgspec

from engine import limits, machine
from engine.commands import Command
from engine.commands.maintenance import ForgetKeys, MeetDeadlines, ServeWaiting
from engine.commands.reservations import ExpireReservations
from engine.facts import Fact, records
from engine.facts.records import Record
from engine.orders.deadlines import next_deadline_ns
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.stock.at_risk import Watch
from engine.supply.looking_ahead import REQUESTS_MIN, Ahead
from engine.wal import Journal, JournalCorrupt, StorageFull

SYSTEM = "system"
_EXPIRE, _FORGET, _MEET, _SERVE = ExpireReservations(), ForgetKeys(), MeetDeadlines(), ServeWaiting()
RECORD_BYTES_EXPECTED = 4_096
RECORD_BYTES_PER_PAYLOAD_BYTE = 16
PAYLOAD_DIGEST_BYTES = 15  # journals of earlier releases have 16, without a mark of the secret
SECRET_MARK_BYTES = 3


class Done(msgspec.Struct, frozen=True, gc=False):
    """A change that is durable: its journal position and the answer. `replayed`: it had been answered before."""

    seq: int
    status: int
    body: bytes
    replayed: bool = False


class Change(NamedTuple):
    """A command on its way in.

    `render(state, seq, facts)` gives (status, body) right after the facts were applied; `deliver` gets the outcome once
    it is durable. `key` and `payload` are digests; `payload_bytes` is the size of the request. `guard(state, now_ns)`
    may refuse before anything is decided: a precondition of the caller. `earlier` are the digests of the same key and
    payload as journals of earlier releases hold them, where such keys may still be met.
    """

    command: Command
    actor: str
    render: Callable[[State, int, tuple[Fact, ...]], tuple[int, bytes]]
    deliver: Callable[[Done | Rejection], None]
    key: bytes | None = None
    payload: bytes | None = None
    payload_bytes: int = 0
    guard: Callable[[State, int], Rejection | None] | None = None
    earlier: tuple[bytes, bytes] | None = None


class Query(NamedTuple):
    """A read on its way in: `read(state, now_ns)` is called at its place in the batch, `deliver` gets what it gave."""

    read: Callable[[State, int], Any]
    deliver: Callable[[Any], None]


class Failed(NamedTuple):
    """What `deliver` of a query gets when reading raised."""

    error: Exception


class Writer:
    """Owns the state and the journal. Not for more than one thread.

    `clock_ns` is the wall clock; journalled time never goes back. `before_deciding` makes durable what the batch's
    facts will rest on (party keys); it may raise StorageFull. `on_batch(records, seconds)`, `on_error(exception)`
    and `on_room(problem)` are told what happened; the last one before every batch: None while there is room.
    """

    def __init__(
        self,
        state: State,
        journal: Journal,
        clock_ns: Callable[[], int],
        *,
        before_deciding: Callable[[], None] = lambda: None,
        on_batch: Callable[[int, float], None] = lambda records, seconds: None,
        on_error: Callable[[Exception], None] = lambda error: None,
        on_room: Callable[[str | None], None] = lambda problem: None,
    ) -> None:
        self.state = state
        self.journal = journal
        self.queue: deque[Change | Query] = deque()
        self._clock_ns = clock_ns
        self._before_deciding = before_deciding
        self._on_batch = on_batch
        self._on_error = on_error
        self._at_risk = Watch(state)
        self._on_room = on_room
        self._has_room = True
        self._encoded: list[bytes] = []
        self._answers: list[tuple[Callable[[Any], None], Any]] = []

    def submit(self, item: Change | Query) -> Rejection | None:
        """Queue a change or a read; refused when the queue is full."""
        if len(self.queue) >= limits.QUEUE_COMMANDS_MAX:
            return Rejection(ResultCode.OVERLOADED, "the queue is full; try again shortly")
        self.queue.append(item)
        return None

    def settle(self) -> bool:
        """Do one batch. True if more work is waiting.

        Raises what the journal raises when a commit fails: then nothing was answered and the process must end.
        """
        now_ns = self.decide()
        self.commit(now_ns)
        return self.answer(now_ns)

    def decide(self) -> int:
        """Decide and apply what is queued, up to a batch; gives its time stamp. Nothing is durable or answered yet."""
        now_ns = max(self._clock_ns(), self.state.time_ns + 1, self.journal.last_time_ns + 1)
        taken = self._take()
        self._has_room = self._make_room(taken)
        if not self._has_room:
            self._refuse_changes(taken, now_ns)
        elif not self._keep_flat(now_ns):
            # More was due than one sweep may end. Nothing is decided until all of it has ended.
            self.queue.extendleft(reversed(taken))
        else:
            self._decide_all(taken, now_ns)
        return now_ns

    def _decide_all(self, taken: list[Change | Query], now_ns: int) -> None:
        """Decide in order. Before whatever comes next, who waits is served; what would overtake him waits itself."""
        looks = self.state.looks
        left = self._serve_waiting(limits.LOOKS_PER_BATCH_MAX, SYSTEM, None, now_ns)
        ahead = self._look_ahead(taken, now_ns)
        postponed: list[Change | Query] = []
        for position, item in enumerate(taken):
            if isinstance(item, Query):
                self._read(item, now_ns)
            elif looks.due and type(item.command) in machine.TAKES_UNITS:
                postponed.append(item)
            else:
                self._answers.append((item.deliver, self._change(item, now_ns, ahead, position)))
                if looks.due:
                    left = self._serve_waiting(left, item.actor, ahead, now_ns)
        self.queue.extendleft(reversed(postponed))

    def _serve_waiting(self, looks_max: int, actor: str, ahead: Ahead | None, now_ns: int) -> int:
        """Serve whoever waits and can be served, in the name of who freed the units.

        Gives how many looks are left of those a batch has room for.
        """
        while looks_max and self.state.looks.due:
            looks_max -= 1
            try:
                facts = machine.decide(self.state, _SERVE, now_ns)
            except Exception as error:  # nothing was changed, but that whoever was next is not looked at again for now
                self._on_error(error)
                continue
            self._apply(facts, actor, now_ns)
            if ahead is not None and not isinstance(facts, Rejection):
                ahead.after(facts)
        return looks_max

    def commit(self, now_ns: int) -> None:
        """Make what was decided durable."""
        if self._encoded:
            started = perf_counter_ns()
            self.journal.append(now_ns, self._encoded)
            self._on_batch(len(self._encoded), (perf_counter_ns() - started) / 1e9)

    def answer(self, now_ns: int) -> bool:
        """Answer what is durable now. True if more work is waiting."""
        self._encoded = []
        assert self.journal.last_seq == self.state.seq
        answers, self._answers = self._answers, []
        for deliver, outcome in answers:
            deliver(outcome)
        if self.state.closed.pending_count >= limits.CLOSED_PENDING_MAX:
            self.flush_closed()  # after the answers, which need not wait for what is derived
        more = self.state.looks.due or bool(self._at_risk)
        return bool(self.queue) or (self._has_room and (more or self._is_due(now_ns)))

    def _take(self) -> list[Change | Query]:
        """What the next batch is about: at least one item, and no more than the limits of a batch allow."""
        taken: list[Change | Query] = []
        queue, payload_bytes = self.queue, 0
        while queue and len(taken) < limits.BATCH_COMMANDS_MAX:
            item = queue[0]
            if type(item) is Change:
                payload_bytes += item.payload_bytes
                if payload_bytes > limits.BATCH_BYTES_MAX and taken:
                    break
            taken.append(queue.popleft())
        return taken

    def next_wake_ns(self) -> int | None:
        """When the next reservation ends or the next deadline comes, in wall-clock ns, or None."""
        state = self.state
        ends = (state.reservations.next_end_ns(), next_deadline_ns(state), state.looks.next_ns())
        return min((end_ns for end_ns in ends if end_ns is not None), default=None)

    def _is_due(self, now_ns: int) -> bool:
        end_ns = self.next_wake_ns()
        return end_ns is not None and end_ns <= now_ns

    def _make_room(self, taken: list[Change | Query]) -> bool:
        """Whether the journal can take what these may write."""
        expected = RECORD_BYTES_EXPECTED
        for item in taken:
            if type(item) is Change:
                expected += RECORD_BYTES_EXPECTED + RECORD_BYTES_PER_PAYLOAD_BYTE * item.payload_bytes
        try:
            self._before_deciding()
            self.journal.make_room(expected)
        except StorageFull as error:
            self._on_room(str(error))
            return False
        self._on_room(None)
        return True

    def try_for_room(self) -> None:
        """See whether there is room for a change, so that `on_room` is told though nobody asks for one."""
        self._make_room([])

    def _refuse_changes(self, taken: list[Change | Query], now_ns: int) -> None:
        """Disk full: changes are refused undecided, but a key answered before is answered again; reads go on."""
        full = Rejection(ResultCode.STORAGE_FULL, "the disk is full; free some space and try again")
        for item in taken:
            if isinstance(item, Query):
                self._read(item, now_ns)
            else:
                self._answers.append((item.deliver, self._answered_before(item) or full))

    def _keep_flat(self, now_ns: int) -> bool:
        """End what is due, and forget old keys. False if more is due."""
        if self._is_due(now_ns):
            self._apply(machine.decide(self.state, _EXPIRE, now_ns), SYSTEM, now_ns)
            for _ in range(limits.DEADLINES_PER_BATCH_MAX):
                self._apply(facts := machine.decide(self.state, _MEET, now_ns), SYSTEM, now_ns)
                if not facts:
                    break
            self.state.looks.come(now_ns)
            if self._is_due(now_ns):
                return False
        if self.state.idempotency.old_seq(now_ns):
            self._apply(machine.decide(self.state, _FORGET, now_ns), SYSTEM, now_ns)
        if self._at_risk and not self.state.looks.due:  # who waits comes first
            self._source_elsewhere(now_ns)
        return True

    def _source_elsewhere(self, now_ns: int) -> None:
        """Give some work to other nodes whose own has not got all it promised."""
        try:
            for _ in range(limits.WORK_AT_RISK_PER_BATCH_MAX):
                command = self._at_risk.next()
                if command is None:
                    break
                outcome = machine.decide(self.state, command, now_ns)
                if isinstance(outcome, Rejection):
                    self._at_risk.stays(command, outcome)
                else:
                    self._apply(outcome, SYSTEM, now_ns)
        except Exception as error:
            self._on_error(error)

    def _apply(self, facts: tuple[Fact, ...] | Rejection, actor: str, now_ns: int) -> None:
        assert not isinstance(facts, Rejection)
        if facts:
            machine.evolve(self.state, self.state.seq + 1, now_ns, facts, None)
            if self.state.ledger.missing:
                self._at_risk.note(facts)
            self._encoded.append(records.encode(Record(actor, facts)))

    def _look_ahead(self, taken: list[Change | Query], now_ns: int) -> Ahead | None:
        """Source a batch in one pass. Without it every command is sourced alone, with the same outcome."""
        if len(taken) < REQUESTS_MIN:
            return None
        commands = [item.command if type(item) is Change else None for item in taken]
        try:
            return machine.look_ahead(self.state, commands, now_ns) or None  # nothing foreseen: nothing to look up
        except Exception as error:
            self._on_error(error)
            return None

    def _read(self, item: Query, now_ns: int) -> None:
        try:
            outcome: Any = item.read(self.state, now_ns)
        except Exception as error:
            self._on_error(error)
            outcome = Failed(error)
        self._answers.append((item.deliver, outcome))

    def _change(self, change: Change, now_ns: int, ahead: Ahead | None, position: int) -> Done | Rejection:
        """Decide and apply one command. An exception while deciding refuses that command and changes nothing."""
        key = change.key
        if key is not None:
            before = self._answered_before(change)
            if before is not None:
                return before
        state = self.state
        try:
            refusal = None if change.guard is None else change.guard(state, now_ns)
            foreseen = None if ahead is None else ahead.of(position)
            facts = refusal or machine.decide(state, change.command, now_ns, foreseen)
        except Exception as error:
            self._on_error(error)
            return Rejection(ResultCode.INTERNAL_ERROR, "the node failed on this request; nothing was changed")
        if isinstance(facts, Rejection):
            return facts
        if not facts:
            return Done(state.seq, *self._render(change, facts))
        seq = state.seq + 1
        machine.evolve(state, seq, now_ns, facts, key)
        if ahead is not None:
            ahead.after(facts)
        if state.ledger.missing:
            self._at_risk.note(facts)
        status, body = self._render(change, facts)
        if key is None:
            record = Record(change.actor, facts)
        else:
            record = Record(change.actor, facts, key, change.payload, status, body)
        self._encoded.append(records.encode(record))
        return Done(seq, status, body)

    def _render(self, change: Change, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
        """The answer. The change stands even if it can't be put into words: that is (500, no body)."""
        try:
            return change.render(self.state, self.state.seq, facts)
        except Exception as error:
            self._on_error(error)
            return ResultCode.INTERNAL_ERROR.status, b""

    def _answered_before(self, change: Change) -> Done | Rejection | None:
        """The answer a key was given, from its record; a refusal if it came with another payload; None if it is new."""
        if change.key is None:
            return None
        seq = self.state.idempotency.seq_of.get(change.key)
        if seq is None:
            if change.earlier is None:
                return None
            seq = self.state.idempotency.seq_of.get(change.earlier[0])
            if seq is None:
                return None
        in_this_batch = seq - self.journal.last_seq - 1
        try:
            encoded = self._encoded[in_this_batch] if in_this_batch >= 0 else self.journal.record(seq)[1]
        except (KeyError, JournalCorrupt) as error:
            self._on_error(error)
            return Rejection(ResultCode.INTERNAL_ERROR, f"it was answered by record {seq}, which can't be read now")
        record = records.decode(encoded)
        if not _same_payload(record.payload, change):
            return Rejection(ResultCode.IDEMPOTENCY_KEY_REUSED, "this key was used with another payload")
        return Done(seq, record.status, record.body, replayed=True)

    def flush_closed(self) -> None:
        """Put closed orders and ended reservations on disk. Derived data: with a full disk they stay in memory."""
        try:
            self.state.closed.flush(self.state.seq)
        except StorageFull as error:
            self._on_error(error)


def _same_payload(recorded: bytes | None, change: Change) -> bool:
    """Whether a key was given with the payload it comes with now.

    A payload that was digested under another secret (its first bytes say so) can't be compared: the answer that the key
    was given counts, since nothing may be done twice.
    """
    payload = change.payload
    if recorded == payload or recorded is None or payload is None:
        return recorded == payload
    if len(recorded) != len(payload):
        return change.earlier is None or recorded == change.earlier[1]
    return len(payload) == PAYLOAD_DIGEST_BYTES and recorded[:SECRET_MARK_BYTES] != payload[:SECRET_MARK_BYTES]
