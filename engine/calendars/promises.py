"""When a parcel leaves, when a pickup is ready, when a delivery arrives: instants in nanoseconds of UTC.

Nothing here reads a clock; what is decided with these answers is written into facts, so a replay never asks again.
"""

from functools import lru_cache

import msgspec

from engine.calendars.local_time import DAYS, day_at, instant_ns, weekday_of, zone_of
from engine.calendars.working_days import WHOLE_DAY, Calendar, Span, working_days
from engine.limits import CALENDAR_DAYS_MAX, NS_PER_SECOND

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


class Ready(msgspec.Struct, frozen=True):
    """When a pickup is ready. `day` is the ordinal of the node's local date.

    The answer holds for every now up to but not including `valid_until_ns`; if it `slides`, it is later by as much as
    now is: somebody is there and begins at once.
    """

    at_ns: int
    day: int
    valid_until_ns: int
    slides: bool


def dispatch(
    calendar: Calendar,
    now_ns: int,
    lead_days: int = 0,
    not_before_day: int | None = None,
    uncollected_days: frozenset[int] = frozenset(),
) -> Dispatch | None:
    """When a parcel leaves that is released now. None if no working day comes within CALENDAR_DAYS_MAX days.

    Released before the cut-off of a working day it leaves that day, at the cut-off; released at the cut-off or later,
    on the next working day. The calendar's lead time and `lead_days` add that many working days. If all of that is
    earlier than `not_before_day` (the days until then are full), or on a day on which no carrier comes
    (`uncollected_days`, ordinals, and weekdays without a cut-off), it is the first working day after that.
    """
    assert lead_days >= 0
    ahead = calendar.lead_days + lead_days
    not_before = 0 if not_before_day is None else not_before_day
    # From the day that now belongs to, to the day the parcel leaves.
    days: list[int] = []
    first_day = day_at(calendar.zone, now_ns)
    for day in working_days(calendar, first_day):
        if not days and _cut_off_ns(calendar, day) <= now_ns:
            continue
        days.append(day)
        if len(days) > ahead and day >= not_before and calendar.collects_on(day) and day not in uncollected_days:
            return Dispatch(
                ships_at_ns=_cut_off_ns(calendar, day),
                day=day,
                valid_until_ns=_cut_off_ns(calendar, days[-1 - ahead]),
            )
        if len(days) - ahead > CALENDAR_DAYS_MAX and day - max(first_day, not_before) > CALENDAR_DAYS_MAX:
            return None
    return None


def ready_at_ns(calendar: Calendar, now_ns: int, lead_days: int = 0, preparation_minutes: int = 0) -> int | None:
    """When a pickup is ready that is released now. None if the node does not open within CALENDAR_DAYS_MAX days."""
    found = ready(calendar, now_ns, lead_days, preparation_minutes)
    return None if found is None else found.at_ns


def ready(
    calendar: Calendar,
    now_ns: int,
    lead_days: int = 0,
    preparation_minutes: int = 0,
    not_before_day: int | None = None,
) -> Ready | None:
    """When a pickup is ready that is released now, with how long that holds. None as for `ready_at_ns`.

    People begin now while the node is open, and else at its next opening. The calendar's lead time and `lead_days` move
    that to the opening of the working day that many working days later, `not_before_day` to that of the first working
    day from then on. Preparing takes that many minutes in which the node is open, so that whoever comes at the promised
    time finds it open, too.
    """
    assert lead_days >= 0
    assert preparation_minutes >= 0
    ahead = calendar.lead_days + lead_days
    not_before = 0 if not_before_day is None else not_before_day
    left_ns = preparation_minutes * 60 * NS_PER_SECOND
    valid_until_ns = 0
    for day in working_days(calendar, day_at(calendar.zone, now_ns)):
        unfinished = [span for span in _spans_ns(calendar, day) if span[1] > now_ns]
        if not unfinished:
            continue
        if ahead or day < not_before:
            if not valid_until_ns:
                valid_until_ns = unfinished[-1][1]  # who comes later begins to wait a day later
            ahead -= min(ahead, 1)
            continue
        for start_ns, end_ns in unfinished:
            begins_ns = max(now_ns, start_ns)
            at_ns = begins_ns + left_ns
            slides = not valid_until_ns and start_ns <= now_ns
            if not valid_until_ns:
                valid_until_ns = start_ns if start_ns > now_ns else max(now_ns + 1, end_ns - left_ns)
            if at_ns < end_ns:
                return Ready(at_ns, day, valid_until_ns, slides)
            # The rest is done in the next span: no longer as much later as now is.
            valid_until_ns = min(valid_until_ns, now_ns + 1) if start_ns <= now_ns else valid_until_ns
            left_ns -= end_ns - begins_ns
    return None


def in_hours_ns(calendar: Calendar, at_ns: int) -> int:
    """The same instant while the node is open or just closes, else when it closes next; as it is if it never opens."""
    for day in working_days(calendar, day_at(calendar.zone, at_ns - 1)):
        for start_ns, end_ns in _spans_ns(calendar, day):
            if end_ns >= at_ns:
                return at_ns if start_ns <= at_ns else end_ns
    return at_ns


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
