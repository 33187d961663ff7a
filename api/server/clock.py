"""The time of a node: the wall clock, as far as it can be believed.

Records are dated in ascending order, so a clock that was ahead for a moment dates everything after it. What the wall
clock says is therefore compared with the steady clock, which only counts, and with the end of the journal.
"""

import time
from collections.abc import Callable
from typing import Final

import structlog

from api.answers.timestamps import iso
from api.server.refused import StartRefused

NS_PER_SECOND: Final = 1_000_000_000
AHEAD_SECONDS_MAX: Final = 60
CONFIRMED_AFTER_SECONDS: Final = 600
WARN_SECONDS: Final = 1
LATE_NUMERATOR, LATE_DENOMINATOR = 9, 10  # how fast time goes on while the wall clock is behind it

log = structlog.get_logger("kontor")


class ClockBehind(StartRefused):
    """The wall clock is behind the journal by more than is allowed."""


def steady_ns() -> int:
    """Counts since the machine was started, also while it sleeps; nobody can set it."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def refuse_behind(
    journal_time_ns: int, wall_ns: int, seconds_max: float, warn: Callable[[str], object] = log.warning
) -> None:
    """See that the journal's last record is not dated ahead of the clock. Raises ClockBehind beyond the bound."""
    ahead = (journal_time_ns - wall_ns) / NS_PER_SECOND
    if ahead > seconds_max:
        raise ClockBehind(
            f"the journal's last record is of {iso(journal_time_ns)}, and this machine's clock says {iso(wall_ns)}: "
            f"{ahead:,.0f} seconds less. If the clock is wrong, set it and start again. If it was ahead before and is "
            "right now, wait until then, or restore to before that, or start with --clock-ahead-max "
            f"{int(ahead) + 60}: time then goes on from the journal's end, a tenth slower, until it has caught up"
        )
    if ahead > WARN_SECONDS:
        warn(f"the journal is ahead of the clock by {ahead:.3f} seconds: time goes on slower for a while")


class Clock:
    """Time that never goes back, never stops, and follows a leap of the wall clock only when that has stood a while.

    `now_ns` must be asked every second or so. `wall_ns` and `steady_ns` are the two clocks, `ahead_seconds_max` is how
    far a leap may go that is followed at once.
    """

    def __init__(
        self,
        journal_time_ns: int = 0,
        *,
        ahead_seconds_max: float = AHEAD_SECONDS_MAX,
        wall_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = steady_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._steady_ns = steady_ns
        self._leap_ns_max = int(ahead_seconds_max * NS_PER_SECOND)
        self._steady = steady_ns()
        self._time_ns = max(journal_time_ns, wall_ns())
        self._leapt_at: int | None = None
        self._told_behind = False

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        wall, steady = self._wall_ns(), self._steady_ns()
        elapsed = max(0, steady - self._steady)
        expected = self._time_ns + elapsed
        if wall > expected + self._leap_ns_max:
            now = self._after_a_leap(wall, expected, steady)
        else:
            if self._leapt_at is not None:
                self._leapt_at = None
                log.warning("the clock is back where it was expected")
            now = max(wall, self._time_ns + elapsed * LATE_NUMERATOR // LATE_DENOMINATOR)
            self._tell_behind(now - wall)
        self._time_ns, self._steady = now, steady
        return now

    def _after_a_leap(self, wall: int, expected: int, steady: int) -> int:
        """The wall clock is further than it can have come: it is followed when it has stood for a while."""
        seconds = round((wall - expected) / NS_PER_SECOND)
        if self._leapt_at is None:
            self._leapt_at = steady
            log.error(
                "the clock leapt ahead; it is followed when it has stood for a while. Set it right if it is wrong",
                seconds=seconds,
                clock=iso(wall),
                followed_after_seconds=CONFIRMED_AFTER_SECONDS,
            )
        if steady - self._leapt_at < CONFIRMED_AFTER_SECONDS * NS_PER_SECOND:
            return expected
        self._leapt_at = None
        log.error("the clock stands ahead and is followed now", seconds=seconds, clock=iso(wall))
        return wall

    def _tell_behind(self, behind_ns: int) -> None:
        if behind_ns > WARN_SECONDS * NS_PER_SECOND and not self._told_behind:
            self._told_behind = True
            log.warning(
                "the clock is behind what was journalled: time goes on slower until it has caught up",
                seconds=round(behind_ns / NS_PER_SECOND, 3),
            )
        elif behind_ns <= 0:
            self._told_behind = False

    @property
    def ahead_seconds(self) -> float:
        """How far the node's time is ahead of the wall clock; below zero while a leap of that is not followed."""
        return (self._time_ns + max(0, self._steady_ns() - self._steady) - self._wall_ns()) / NS_PER_SECOND
