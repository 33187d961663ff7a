"""When a parcel leaves, when a pickup is ready, when a delivery arrives: instants in nanoseconds of UTC.

Nothing here reads a clock; what is decided with these answers is written into facts, so a replay never asks again.
"""

from functools import lru_cache

import msgspec

from engine.calendars.local_time import DAYS, day_at, instant_ns, weekday_of, zone_of
from engine.calendars.working_days import WHOLE_DAY, Calendar, Span, working_days

DELIVERY_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
DELIVERY_MINUTE = 20 * 60


class Dispatch(msgspec.Struct, frozen=True):
    """When a parcel leaves. `day` is the ordinal of the node's local date, `ships_at_ns` that day's cut-off.

    The answer holds for every now up to but not including `valid_until_ns`, and for none from there on.
    """

    ships_at_ns: int
    day: int
    valid_until_ns: int


class OpenDay(msgspec.Struct, frozen=True):
    """One working day: its ordinal, its opening spans and its cut-off, as instants."""

    day: int
    spans_ns: tuple[Span, ...]
    ships_at_ns: int


def dispatch(calendar: Calendar, now_ns: int, lead_days: int = 0, not_before_day: int | None = None) -> Dispatch | None:
    """When a parcel leaves that is released now. None if no working day comes within CALENDAR_DAYS_MAX days.

    Released before the cut-off of a working day it leaves that day, at the cut-off; released at the cut-off or later,
    on the next working day. The calendar's lead time and `lead_days` add that many working days. If all of that is
    earlier than `not_before_day` (the days until then are full), it is the first working day from then on.
    """
    assert lead_days >= 0
    ahead = calendar.lead_days + lead_days
    not_before = 0 if not_before_day is None else not_before_day
    # From the day that now belongs to, to the day the parcel leaves.
    days: list[int] = []
    for day in working_days(calendar, day_at(calendar.zone, now_ns)):
        if not days and _cut_off_ns(calendar, day) <= now_ns:
            continue
        days.append(day)
        if len(days) > ahead and day >= not_before:
            return Dispatch(
                ships_at_ns=_cut_off_ns(calendar, day),
                day=day,
                valid_until_ns=_cut_off_ns(calendar, days[-1 - ahead]),
            )
    return None


def ready_at_ns(calendar: Calendar, now_ns: int, lead_days: int = 0) -> int | None:
    """When a pickup is ready that is released now. None if the node does not open within CALENDAR_DAYS_MAX days.

    That is now while the node is open, and else its next opening. The calendar's lead time and `lead_days` move it to
    the opening of the working day that many working days later.
    """
    assert lead_days >= 0
    ahead = calendar.lead_days + lead_days
    for day in working_days(calendar, day_at(calendar.zone, now_ns)):
        unfinished = [span for span in _spans_ns(calendar, day) if span[1] > now_ns]
        if not unfinished:
            continue
        if ahead == 0:
            return max(now_ns, unfinished[0][0])
        ahead -= 1
    return None


def delivery(
    ships_at_ns: int,
    transit_days: int,
    time_zone: str | None,
    weekdays: tuple[str, ...] = DELIVERY_WEEKDAYS,
    closed_days: frozenset[int] = frozenset(),
) -> int | None:
    """When a parcel has arrived: 20:00, where it goes, of its delivery day. None if the carrier never delivers.

    Counted on the days the carrier delivers (`weekdays` without the ordinals in `closed_days`), from the date in the
    destination's zone on which the parcel leaves; exactly midnight belongs to the day it ends. `transit_days` 0 is that
    same day, or the next delivery day if it is none or 20:00 is over. Always later than `ships_at_ns`.
    """
    assert transit_days >= 0
    calendar = _delivery_calendar(time_zone, weekdays, closed_days)
    leaves_on = day_at(calendar.zone, ships_at_ns - 1)
    for count, day in enumerate(working_days(calendar, leaves_on + min(transit_days, 1)), start=1):
        delivers_at_ns = _cut_off_ns(calendar, day)
        if count >= transit_days and delivers_at_ns > ships_at_ns:
            return delivers_at_ns
    return None


def open_days(calendar: Calendar, first_day: int, count: int) -> tuple[OpenDay, ...]:
    """The working days among `count` days (ordinals) from `first_day` on, to show a calendar."""
    return tuple(
        OpenDay(day, tuple(_spans_ns(calendar, day)), _cut_off_ns(calendar, day))
        for day in range(first_day, first_day + count)
        if calendar.works_on(day)
    )


def _cut_off_ns(calendar: Calendar, day: int) -> int:
    return instant_ns(calendar.zone, day, calendar.cut_off_minutes[weekday_of(day)])


def _spans_ns(calendar: Calendar, day: int) -> list[Span]:
    """The opening spans of a working day, without those that clocks skip altogether."""
    spans = [
        (instant_ns(calendar.zone, day, start), instant_ns(calendar.zone, day, end))
        for start, end in calendar.spans[weekday_of(day)]
    ]
    return [span for span in spans if span[0] < span[1]]


@lru_cache(maxsize=1_024)
def _delivery_calendar(time_zone: str | None, weekdays: tuple[str, ...], closed_days: frozenset[int]) -> Calendar:
    return Calendar(
        zone=zone_of(time_zone),
        spans=tuple(WHOLE_DAY if key in weekdays else () for key in DAYS),
        cut_off_minutes=(DELIVERY_MINUTE,) * len(DAYS),
        closed_days=closed_days,
    )
