"""A driven clock: the time of a node never goes back, never stops, and follows a leap only when that has stood for a while."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from api.server.clock import CONFIRMED_AFTER_SECONDS, Clock, ClockBehind, refuse_behind

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOON = 1_800_000_000 * SECOND


class Machine:
    """A machine whose wall clock can be set; its steady clock only counts."""

    def __init__(self) -> None:
        self.wall = NOON
        self.steady = 5 * SECOND

    def clock(self, journal_time_ns: int = 0, **options: Any) -> Clock:
        return Clock(journal_time_ns, wall_ns=lambda: self.wall, steady_ns=lambda: self.steady, **options)

    def go_on(self, clock: Clock, seconds: float, step: float = 0.25) -> int:
        """Let time pass, asking as often as a node does; the last answer."""
        now = clock.now_ns()
        for _ in range(int(seconds / step)):
            self.wall += int(step * SECOND)
            self.steady += int(step * SECOND)
            later = clock.now_ns()
            assert later > now, "time neither goes back nor stops"
            now = later
        return now


@pytest.fixture
def machine() -> Machine:
    return Machine()


def logged(do: Callable[[], object]) -> list[str]:
    with capture_logs() as lines:
        do()
    return [line["event"] for line in lines]


def test_it_is_the_wall_clock_while_that_behaves(machine: Machine) -> None:
    clock = machine.clock()
    for correction in (0, 3, -0.2, 0.9):
        machine.wall += int(correction * SECOND)
        machine.go_on(clock, 60)
        assert clock.now_ns() == machine.wall
        assert clock.ahead_seconds == 0


def test_a_leap_of_two_days_that_is_corrected_leaves_no_trace(machine: Machine) -> None:
    clock = machine.clock()
    before = machine.go_on(clock, 10)
    machine.wall += 2 * DAY
    assert logged(lambda: machine.go_on(clock, 30))[0].startswith("the clock leapt ahead")
    assert clock.ahead_seconds == pytest.approx(-2 * 86_400), "a gauge tells it"
    machine.wall -= 2 * DAY
    assert logged(lambda: machine.go_on(clock, 30)) == ["the clock is back where it was expected"]
    assert clock.now_ns() == machine.wall == before + 60 * SECOND


def test_a_leap_that_stands_is_followed_after_a_while_and_said_twice(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall += 3_600 * SECOND
    said = logged(lambda: machine.go_on(clock, CONFIRMED_AFTER_SECONDS - 1, 1))
    assert len(said) == 1
    assert clock.now_ns() == machine.wall - 3_600 * SECOND
    assert logged(lambda: machine.go_on(clock, 2, 1)) == ["the clock stands ahead and is followed now"]
    assert clock.now_ns() == machine.wall


def test_a_machine_that_slept_is_followed_at_once(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall += 8 * 3_600 * SECOND
    machine.steady += 8 * 3_600 * SECOND
    assert logged(clock.now_ns) == []
    assert clock.now_ns() == machine.wall


def test_behind_the_journal_time_goes_on_a_tenth_slower_until_the_clock_has_caught_up(machine: Machine) -> None:
    clock = machine.clock(NOON + 50 * SECOND)
    assert clock.now_ns() == NOON + 50 * SECOND
    machine.go_on(clock, 100)
    assert clock.now_ns() == NOON + 140 * SECOND, "what was to last 90 seconds lasts 100, and not 150"
    assert clock.ahead_seconds == pytest.approx(40)
    machine.go_on(clock, 401)
    assert clock.now_ns() == machine.wall


def test_a_clock_that_is_set_back_is_told_once(machine: Machine) -> None:
    clock = machine.clock()
    machine.wall -= 600 * SECOND
    assert len(logged(lambda: machine.go_on(clock, 60))) == 1
    assert clock.ahead_seconds == pytest.approx(600 - 6)


def test_whatever_the_clock_does_time_goes_on_at_a_bearable_pace(machine: Machine) -> None:
    chance = random.Random(4711)
    clock = machine.clock()
    for _ in range(400):
        if chance.random() < 0.2:
            machine.wall += int(chance.uniform(-90, 59) * SECOND)
        seconds = chance.randrange(1, 20)
        before = clock.now_ns()
        went = machine.go_on(clock, seconds) - before
        assert went >= seconds * SECOND * 0.89
        assert clock.now_ns() >= machine.wall - 60 * SECOND


def test_a_start_behind_the_journal_is_refused_beyond_the_bound_and_told_within() -> None:
    with pytest.raises(ClockBehind) as refusal:
        refuse_behind(NOON + 2 * DAY, NOON, 60)
    for words in ("2027-01-17T08:00:00", "2027-01-15T08:00:00", "172,800 seconds", "--clock-ahead-max 172860"):
        assert words in str(refusal.value)
    assert logged(lambda: refuse_behind(NOON + 59 * SECOND, NOON, 60)) != []
    assert logged(lambda: refuse_behind(NOON + 2 * DAY, NOON, 172_860)) != []
    assert logged(lambda: refuse_behind(NOON - DAY, NOON, 60)) == [], "a node may have been down for a day"
