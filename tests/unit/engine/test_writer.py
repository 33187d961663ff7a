"""The single writer: one time per batch, answers after durability, one effect per key, and a node that survives its clients."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from engine import limits, machine
from engine.commands.access import CreateApiKey
from engine.commands.orders import PlaceOrder
from engine.commands.reservations import ReserveStock
from engine.facts.maintenance import KeysForgotten
from engine.facts.records import Record, decode, encode
from engine.limits import NS_PER_SECOND
from engine.replay import dumping
from engine.replay.recovery import recover
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.wal import JournalFailed, MemoryClosedTable, MemoryJournal, StorageFull
from engine.writer import Change, Failed, Query, Writer
from tests.unit.engine.shop import BERLIN, KETTLE, TOWEL, Done, Shop, line, movement, place

KEY, OTHER_KEY = b"cart-4711-key---", b"cart-4712-key---"
ONE_KETTLE = ReserveStock("web", (line(KETTLE, 1),))


class FullJournal(MemoryJournal):
    """A disk that can be full, or broken."""

    full = False
    broken = False

    def make_room(self, bytes_expected: int) -> None:
        self.asked_for = bytes_expected
        if self.full:
            raise StorageFull("no space left on device")

    def append(self, time_ns: int, records: Sequence[bytes]) -> int:
        if self.broken:
            raise JournalFailed("input/output error")
        return super().append(time_ns, records)


@pytest.fixture
def shop() -> Shop:
    made = Shop(FullJournal())
    made.receive(KETTLE, BERLIN, 10)
    return made


def disk_of(shop: Shop) -> FullJournal:
    """Where the shop's journal lies, to be filled or broken."""
    assert isinstance(shop.journal, FullJournal)
    return shop.journal


def times(shop: Shop) -> list[int]:
    return [batch.time_ns for batch in shop.journal.read()]


# Batches and time


def test_what_arrived_together_is_one_batch_with_one_time(shop: Shop) -> None:
    before = len(list(shop.journal.read()))
    for _ in range(5):
        shop.submit(ONE_KETTLE)
    shop.settle()
    batches = list(shop.journal.read())
    assert len(batches) == before + 1
    assert len(batches[-1].records) == 5
    assert {r.created_at_ns for r in shop.state.reservations.active.values()} == {batches[-1].time_ns}


def test_a_batch_takes_no_more_commands_than_its_limit(shop: Shop) -> None:
    for _ in range(limits.BATCH_COMMANDS_MAX + 1):
        shop.submit(movement(TOWEL, BERLIN, "receipt", 1))
    assert shop.writer.settle() is True
    assert shop.writer.settle() is False
    assert [len(batch.records) for batch in shop.journal.read()][-2:] == [limits.BATCH_COMMANDS_MAX, 1]


def test_a_batch_takes_no_more_bytes_than_its_limit(shop: Shop) -> None:
    size = limits.BATCH_BYTES_MAX // 2
    for _ in range(5):
        large = Change(movement(TOWEL, BERLIN, "receipt", 1), "till-1", lambda *_: (201, b""), shop.outcomes.append)
        shop.writer.submit(large._replace(payload_bytes=size))
    shop.settle()
    assert [len(batch.records) for batch in shop.journal.read()][-3:] == [2, 2, 1]


def test_one_body_of_the_largest_size_still_goes_through(shop: Shop) -> None:
    large = Change(movement(TOWEL, BERLIN, "receipt", 1), "till-1", lambda *_: (201, b""), shop.outcomes.append)
    shop.writer.submit(large._replace(payload_bytes=limits.BATCH_BYTES_MAX + 1))
    assert isinstance(shop.settle()[-1], Done)


def test_the_queue_has_an_end(shop: Shop) -> None:
    query = Query(lambda state, now_ns: None, shop.outcomes.append)
    for _ in range(limits.QUEUE_COMMANDS_MAX):
        assert shop.writer.submit(query) is None
    refusal = shop.writer.submit(query)
    assert isinstance(refusal, Rejection)
    assert refusal.code is ResultCode.OVERLOADED


def test_time_never_goes_back_when_the_clock_does(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1), ttl_seconds=60)
    before = shop.journal.last_time_ns
    shop.now_ns -= 3_600 * NS_PER_SECOND
    shop.done(ONE_KETTLE)
    assert shop.journal.last_time_ns == before + 1
    assert shop.reservation(held).state == "active"
    assert times(shop) == sorted(set(times(shop)))


def test_time_never_goes_back_over_a_restart(shop: Shop) -> None:
    before = shop.journal.last_time_ns
    shop.restart()
    shop.now_ns -= 3_600 * NS_PER_SECOND
    shop.done(ONE_KETTLE)
    assert shop.journal.last_time_ns == before + 1


def test_a_clock_that_jumps_a_day_forward_ends_what_was_to_end(shop: Shop) -> None:
    held = [shop.reserve(line(KETTLE, 1), ttl_seconds=ttl) for ttl in (60, 900, 86_400)]
    shop.wait(86_400)
    shop.settle()
    assert {shop.reservation(number).state for number in held} == {"expired"}


def test_a_refusal_or_a_read_alone_writes_nothing(shop: Shop) -> None:
    before = len(times(shop))
    shop.refused(ReserveStock("web", (line(KETTLE, 11),)), ResultCode.INSUFFICIENT_STOCK)
    assert shop.read(lambda state, now_ns: state.seq) == shop.state.seq
    assert len(times(shop)) == before


def test_answers_come_in_order_and_after_the_batch_is_durable(shop: Shop) -> None:
    seen: list[tuple[int, Any]] = []

    def deliver(outcome: Any) -> None:
        seen.append((shop.journal.last_seq, outcome))

    for command in (ONE_KETTLE, ReserveStock("web", (line(KETTLE, 99),)), ONE_KETTLE):
        shop.writer.submit(Change(command, "till-1", lambda *_: (201, b""), deliver))
    shop.writer.submit(Query(lambda state, now_ns: "read", deliver))
    durable_after = shop.journal.last_seq + 2
    shop.settle()
    assert [seq for seq, _ in seen] == [durable_after] * 4
    assert [type(outcome) for _, outcome in seen] == [Done, Rejection, Done, str]


def test_a_failed_commit_answers_nobody(shop: Shop) -> None:
    disk_of(shop).broken = True
    before = len(shop.outcomes)
    shop.submit(ONE_KETTLE)
    shop.submit(ReserveStock("web", (line(KETTLE, 99),)))
    with pytest.raises(JournalFailed):
        shop.writer.settle()
    assert len(shop.outcomes) == before


# Keys


def test_the_same_key_gives_the_first_answer_and_one_effect(shop: Shop) -> None:
    first = shop.done(ONE_KETTLE, KEY)
    second = shop.done(ONE_KETTLE, KEY)
    assert (second.seq, second.status, second.body, second.replayed) == (first.seq, 201, first.body, True)
    assert shop.at(KETTLE, BERLIN).reserved == 1


def test_the_same_key_twice_in_one_batch_has_one_effect(shop: Shop) -> None:
    for key in (KEY, OTHER_KEY, KEY, KEY):
        shop.submit(ONE_KETTLE, key)
    first, other, again, once_more = shop.settle()
    assert first.seq != other.seq
    assert (again.seq, again.body, again.replayed) == (first.seq, first.body, True)
    assert once_more == again
    assert shop.at(KETTLE, BERLIN).reserved == 2


def test_a_key_is_known_in_the_batch_in_which_something_expired(shop: Shop) -> None:
    shop.reserve(line(KETTLE, 1), ttl_seconds=60)
    shop.wait(60)
    shop.submit(ONE_KETTLE, KEY)
    shop.submit(ONE_KETTLE, KEY)
    first, again = shop.settle()
    assert (again.seq, again.body, again.replayed) == (first.seq, first.body, True)


def test_a_key_is_known_after_a_restart(shop: Shop) -> None:
    first = shop.done(ONE_KETTLE, KEY)
    shop.restart()
    second = shop.done(ONE_KETTLE, KEY)
    assert (second.seq, second.body, second.replayed) == (first.seq, first.body, True)


def test_another_payload_under_the_same_key_is_refused(shop: Shop) -> None:
    shop.done(ONE_KETTLE, KEY)
    outcome = shop.do(ONE_KETTLE, KEY, b"another payload-")
    assert isinstance(outcome, Rejection)
    assert outcome.code is ResultCode.IDEMPOTENCY_KEY_REUSED
    shop.submit(ONE_KETTLE, OTHER_KEY)
    shop.submit(ONE_KETTLE, OTHER_KEY, b"another payload-")
    assert shop.settle()[-1].code is ResultCode.IDEMPOTENCY_KEY_REUSED


def test_a_refusal_is_not_remembered(shop: Shop) -> None:
    many = ReserveStock("web", (line(KETTLE, 12),))
    assert isinstance(shop.do(many, KEY), Rejection)
    shop.receive(KETTLE, BERLIN, 2)
    assert shop.done(many, KEY).replayed is False


def test_keys_are_kept_for_a_day_and_then_forgotten_by_a_fact(shop: Shop) -> None:
    first = shop.done(ONE_KETTLE, KEY)
    shop.wait(limits.IDEMPOTENCY_KEPT_NS / NS_PER_SECOND - 1)
    assert shop.done(ONE_KETTLE, KEY).seq == first.seq
    shop.done(ONE_KETTLE, OTHER_KEY)
    shop.wait(limits.IDEMPOTENCY_KEPT_NS / NS_PER_SECOND + 61)
    shop.settle()
    record = decode(shop.journal.record(shop.journal.last_seq)[1])
    assert type(record.facts[0]).__name__ == "KeysForgotten"
    assert list(shop.state.idempotency.seq_of) == [OTHER_KEY]
    shop.restart()
    assert shop.done(ONE_KETTLE, KEY).replayed is False


def test_many_old_keys_are_forgotten_a_bounded_number_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEYS_FORGOTTEN_MAX", 10)
    for i in range(25):
        shop.submit(movement(TOWEL, BERLIN, "receipt", 1), b"key%013d" % i)
    shop.settle()
    shop.wait(120)
    shop.done(ONE_KETTLE, KEY)
    shop.wait(limits.IDEMPOTENCY_KEPT_NS / NS_PER_SECOND + 120)
    left = []
    for _ in range(4):
        shop.settle()
        left.append(len(shop.state.idempotency.seq_of))
    assert left == [16, 6, 1, 1], "the youngest mark has no follower yet, so its key stays"
    assert shop.state.idempotency.old_seq(shop.now_ns) == 0
    shop.restart()


def receive_a_towel(shop: Shop, key: str) -> Done:
    return shop.done(movement(TOWEL, BERLIN, "receipt", 1), key.encode().ljust(16))


def keys_kept(shop: Shop) -> list[str]:
    return [key.decode().strip() for key in shop.state.idempotency.seq_of]


def test_young_keys_stay_when_old_ones_are_forgotten_however_many_they_are(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "KEYS_FORGOTTEN_MAX", 10)
    for i in range(3):
        receive_a_towel(shop, f"early-{i}")
    shop.wait(120)
    receive_a_towel(shop, "noon")
    shop.wait(50)
    late = [receive_a_towel(shop, f"late-{i}") for i in range(20)]
    shop.wait(limits.IDEMPOTENCY_KEPT_NS / NS_PER_SECOND - 45)
    for _ in range(3):
        shop.settle()
    assert keys_kept(shop) == ["noon", *(f"late-{i}" for i in range(20))]
    assert [receive_a_towel(shop, f"late-{i}") for i in range(20)] == [
        Done(first.seq, first.status, first.body, replayed=True) for first in late
    ]


def test_the_age_of_keys_is_noted_once_a_minute(shop: Shop) -> None:
    began_ns = shop.now_ns
    for i in range(150):
        receive_a_towel(shop, f"till-{i}")
        shop.wait(1)
    minutes = [(time_ns - began_ns) // (60 * NS_PER_SECOND) for time_ns, _ in shop.state.idempotency.marks]
    assert minutes == [0, 1, 2]


def test_notes_of_age_leave_with_their_keys_and_not_before(shop: Shop) -> None:
    for i in range(6):
        receive_a_towel(shop, f"till-{i}")
        shop.wait(120)
    shop.wait(limits.IDEMPOTENCY_KEPT_NS / NS_PER_SECOND - 6 * 120 + 250)
    for _ in range(3):
        shop.settle()
    assert keys_kept(shop) == ["till-2", "till-3", "till-4", "till-5"]
    assert [seq for _, seq in shop.state.idempotency.marks] == list(shop.state.idempotency.seq_of.values())


def test_memory_per_key_does_not_depend_on_the_answer(shop: Shop) -> None:
    shop.done(ONE_KETTLE, KEY)
    assert shop.state.idempotency.seq_of == {KEY: shop.state.seq}


# Things that go wrong


def test_a_poison_command_is_refused_and_leaves_no_trace(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(state: State, command: Any, now_ns: int) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setitem(machine.COMMANDS, PlaceOrder, machine.CommandRow(explode, None))
    before = dumping.digest(shop.state)
    shop.submit(ONE_KETTLE)
    shop.submit(place("W-1", (KETTLE, 1)), KEY)
    shop.submit(ONE_KETTLE)
    well, poison, well_too = shop.settle()
    assert isinstance(well, Done)
    assert isinstance(well_too, Done)
    assert poison.code is ResultCode.INTERNAL_ERROR
    assert [type(error) for error in shop.errors] == [ZeroDivisionError]
    assert dumping.digest(shop.state) != before
    shop.restart()
    monkeypatch.undo()
    assert shop.done(place("W-1", (KETTLE, 1)), KEY).replayed is False


def test_a_read_that_fails_is_told_so_and_harms_nobody(shop: Shop) -> None:
    outcome = shop.read(lambda state, now_ns: 1 // 0)
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ZeroDivisionError)
    shop.done(ONE_KETTLE)


def test_an_answer_that_cannot_be_put_into_words_does_not_undo_the_change(shop: Shop) -> None:
    def mumble(state: State, seq: int, facts: Any) -> tuple[int, bytes]:
        raise KeyError("a bug")

    shop.writer.submit(Change(ONE_KETTLE, "till-1", mumble, shop.outcomes.append, KEY, KEY))
    outcome = shop.settle()[-1]
    assert (outcome.status, outcome.body) == (500, b"")
    assert shop.at(KETTLE, BERLIN).reserved == 1
    shop.restart()
    assert shop.done(ONE_KETTLE, KEY).status == 500


def test_a_guard_may_refuse_before_anything_is_decided(shop: Shop) -> None:
    refusal = Rejection(ResultCode.PRECONDITION_FAILED, "it has changed")
    change = Change(ONE_KETTLE, "till-1", lambda *_: (201, b""), shop.outcomes.append, guard=lambda state, now: refusal)
    shop.writer.submit(change)
    assert shop.settle() == [refusal]
    assert shop.at(KETTLE, BERLIN).reserved == 0


# Full disk


def test_a_full_disk_refuses_changes_undecided_and_serves_reads(shop: Shop) -> None:
    first = shop.done(ONE_KETTLE, KEY)
    before = dumping.digest(shop.state)
    disk_of(shop).full = True
    shop.submit(ONE_KETTLE)
    shop.submit(ONE_KETTLE, KEY)
    shop.writer.submit(Query(lambda state, now_ns: state.seq, shop.outcomes.append))
    refused, replayed, seq = shop.settle()
    assert refused.code is ResultCode.STORAGE_FULL
    assert (replayed.seq, replayed.replayed) == (first.seq, True)
    assert seq == first.seq
    assert dumping.digest(shop.state) == before
    disk_of(shop).full = False
    shop.done(ONE_KETTLE)


def test_a_full_disk_with_something_due_does_not_keep_the_writer_busy(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 1), ttl_seconds=60)
    shop.wait(61)
    disk_of(shop).full = True
    assert shop.writer.settle() is False
    assert shop.reservation(held).state == "active"
    disk_of(shop).full = False
    shop.settle()
    assert shop.reservation(held).state == "expired"


def test_party_keys_are_durable_before_the_facts_that_need_them() -> None:
    steps: list[str] = []

    class Told(MemoryJournal):
        def append(self, time_ns: int, records: Sequence[bytes]) -> int:
            steps.append("journal")
            return super().append(time_ns, records)

    writer = Writer(State(MemoryClosedTable()), Told(), lambda: 1, before_deciding=lambda: steps.append("keys"))
    writer.submit(Change(CreateApiKey("k-1", "till", bytes(32)), "me", lambda *_: (201, b""), lambda outcome: None))
    writer.settle()
    assert steps == ["keys", "journal"]


def test_recovery_tells_how_far_it_is(shop: Shop) -> None:
    shop.done(ONE_KETTLE)
    for i in range(3_000):
        shop.journal.append(shop.journal.last_time_ns + 1, [encode(Record("system", (KeysForgotten(i),)))])
    told: list[tuple[str, int, int]] = []
    recover(State(MemoryClosedTable()), shop.journal, lambda *progress: told.append(progress))
    assert told == [("replaying", 2_000, 3_003)]


def test_a_gap_in_the_journal_stops_recovery(shop: Shop) -> None:
    class Gap(MemoryJournal):
        def read(self, after_seq: int = 0) -> Iterator[Any]:
            yield from list(shop.journal.read())[1:]

    gap = Gap()
    gap.last_seq = shop.journal.last_seq
    with pytest.raises(AssertionError, match="record 2 does not follow 0"):
        recover(State(MemoryClosedTable()), gap)


def test_a_dump_holds_everything(shop: Shop) -> None:
    held = shop.reserve(line(KETTLE, 2))
    shop.order((KETTLE, 1), reservation=held)
    shop.reserve(line(KETTLE, 2))
    shop.done(CreateApiKey("k-1", "till", bytes(32)), KEY)
    copy = State(MemoryClosedTable())
    dumping.load(copy, dumping.dump(shop.state))
    assert dumping.digest(copy) == dumping.digest(shop.state)
    assert copy.reservations.next_end_ns() == shop.state.reservations.next_end_ns()
    assert copy.access.by_secret == shop.state.access.by_secret
    assert copy.orders.order_of_fulfilment == shop.state.orders.order_of_fulfilment
