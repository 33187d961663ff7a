"""A clock that jumps to and fro: journalled time only ascends, and what is due ends in bounded sweeps, in order, once."""

import random
from pathlib import Path

import pytest

from engine import limits
from engine.commands.reservations import ReserveStock
from engine.facts.records import decode
from engine.facts.reservations import ReservationExpired
from engine.limits import NS_PER_SECOND
from engine.wal import LmdbJournal
from engine.writer import SYSTEM, Done, Query
from tests.unit.engine.shop import BERLIN, KETTLE, MORNING_NS, Shop, line

HOUR_NS, DAY_NS = 3_600 * NS_PER_SECOND, 86_400 * NS_PER_SECOND


@pytest.fixture
def shop() -> Shop:
    made = Shop()
    made.receive(KETTLE, BERLIN, 10_000)
    return made


def settle(shop: Shop) -> None:
    """Work off the queue and leave the clock where it stands."""
    while shop.writer.settle():
        pass


def reserve(shop: Shop, *ttls: int) -> dict[int, int]:
    """One batch of reservations; the end of each, by number."""
    before = len(shop.outcomes)
    for ttl in ttls:
        shop.submit(ReserveStock("web", (line(KETTLE, 1),), ttl_seconds=ttl))
    settle(shop)
    numbers = [outcome.seq for outcome in shop.outcomes[before:] if isinstance(outcome, Done)]
    return {number: shop.reservation(number).expires_at_ns for number in numbers}


def sweeps(shop: Shop) -> list[tuple[int, list[int]]]:
    """(time, reservations ended) of every sweep in the journal."""
    found = []
    for batch in shop.journal.read():
        for record in map(decode, batch.records):
            ended = [fact.reservation for fact in record.facts if isinstance(fact, ReservationExpired)]
            if ended:
                assert record.actor == SYSTEM
                found.append((batch.time_ns, ended))
    return found


def batch_times(shop: Shop) -> list[int]:
    return [batch.time_ns for batch in shop.journal.read()]


def test_a_day_forward_ends_everything_in_bounded_sweeps_by_end_and_then_number(shop: Shop) -> None:
    chance = random.Random(7)
    ends: dict[int, int] = {}
    for _ in range(5):
        # Few different lifetimes, so that many end at the same instant.
        ends |= reserve(shop, *(chance.choice((60, 61, 600, 3_600, 80_000)) for _ in range(500)))
        shop.now_ns += chance.randrange(NS_PER_SECOND)
    shop.now_ns += DAY_NS
    seen: list[int] = []
    shop.writer.submit(Query(lambda state, now_ns: len(state.reservations.active), seen.append))
    settle(shop)
    assert seen == [0], "whoever asks is answered after the last of them has ended"
    ended = sweeps(shop)
    assert [len(numbers) for _, numbers in ended] == [limits.EXPIRY_SWEEP_MAX, limits.EXPIRY_SWEEP_MAX, 500]
    in_order = [number for _, numbers in ended for number in numbers]
    assert in_order == sorted(ends, key=lambda number: (ends[number], number))
    shop.restart()


def test_an_hour_back_ends_nothing_early_and_brings_nothing_back(shop: Shop) -> None:
    over, held = reserve(shop, 60, 7_200)
    shop.now_ns += 61 * NS_PER_SECOND
    settle(shop)
    reached = shop.journal.last_time_ns
    shop.now_ns -= HOUR_NS
    ends = reserve(shop, 60)
    (late,) = ends
    assert shop.journal.last_time_ns == reached + 1
    assert ends[late] == reached + 1 + 60 * NS_PER_SECOND, "its lifetime counts from journalled time"
    states = [shop.reservation(number).state for number in (over, held, late)]
    assert states == ["expired", "active", "active"]
    shop.now_ns = ends[late] - 1
    settle(shop)
    assert shop.reservation(late).state == "active"
    shop.now_ns += 1
    settle(shop)
    assert shop.reservation(late).state == "expired"
    assert shop.reservation(held).state == "active"


def test_a_day_forward_by_mistake_and_back_leaves_time_standing_and_work_going_on(shop: Shop) -> None:
    shop.now_ns += DAY_NS
    reserve(shop, 60)
    reached = shop.journal.last_time_ns
    shop.now_ns -= DAY_NS
    for _ in range(3):
        reserve(shop, 60)
        shop.now_ns += NS_PER_SECOND
    assert batch_times(shop)[-3:] == [reached + 1, reached + 2, reached + 3]
    shop.restart()


@pytest.mark.parametrize("seed", range(8))
def test_whatever_the_clock_does_time_ascends_and_everything_ends_once_and_never_early(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXPIRY_SWEEP_MAX", 5)
    chance = random.Random(seed)
    journal = LmdbJournal(tmp_path)
    shop = Shop(journal)
    shop.receive(KETTLE, BERLIN, 10_000)
    ends: dict[int, int] = {}
    for _ in range(60):
        shop.now_ns += chance.choice((-HOUR_NS, DAY_NS, 0, 1, NS_PER_SECOND, 300 * NS_PER_SECOND, -DAY_NS))
        ends |= reserve(shop, *(chance.choice((1, 60, 900, 86_400)) for _ in range(chance.randrange(8))))
        if chance.random() < 0.1:
            shop.restart()
    shop.now_ns = max(shop.journal.last_time_ns, MORNING_NS) + DAY_NS
    settle(shop)

    times = batch_times(shop)
    assert times == sorted(set(times))
    ended = sweeps(shop)
    assert sorted(number for _, numbers in ended for number in numbers) == sorted(ends), "each of them, once"
    for time_ns, numbers in ended:
        assert len(numbers) <= limits.EXPIRY_SWEEP_MAX
        assert [(ends[number], number) for number in numbers] == sorted((ends[number], number) for number in numbers)
        assert max(ends[number] for number in numbers) <= time_ns
        still_held = [
            n for n in ends if n not in numbers and ended_at(ended, n) > time_ns and made_before(shop, n, time_ns)
        ]
        if len(numbers) < limits.EXPIRY_SWEEP_MAX:
            assert all(ends[number] > time_ns for number in still_held), "a sweep that is not full has ended all"
    shop.restart()
    journal.close()


def ended_at(ended: list[tuple[int, list[int]]], number: int) -> int:
    """The time of the sweep that ended it."""
    return next(time_ns for time_ns, numbers in ended if number in numbers)


def made_before(shop: Shop, number: int, time_ns: int) -> bool:
    """Whether it had been made in a batch before that time."""
    return shop.journal.record(number)[0] < time_ns
