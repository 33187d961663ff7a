"""When a node works: its hours, its holidays, its cut-off and its lead time, from the body that people write."""

from collections.abc import Iterator

import msgspec

from engine.calendars.countries import SEVERAL, only_time_zone_of_country
from engine.calendars.local_time import DAYS, MINUTES_PER_DAY, Zone, day_of_date, has_day, is_zone, weekday_of, zone_of
from engine.commands.configuration import Node
from engine.limits import CALENDAR_DAYS_MAX

# (start, end) on the clock, in minutes of the day.
Span = tuple[int, int]
Problem = tuple[str, str]
Hours = dict[str, tuple[tuple[str, str], ...]]

WHOLE_DAY: tuple[Span, ...] = ((0, MINUTES_PER_DAY),)


class Calendar(msgspec.Struct, frozen=True):
    """When a node works, ready to be asked. Made once per body with `calendar_of`; hashable.

    `spans` has seven entries, Monday first: the opening spans of that weekday in order, none where it is closed.
    `cut_off_minutes` has the minute of each weekday until which released orders still leave that day.
    `closed_days` are ordinals. `lead_days` working days pass between the day an order is released for and the day it
    leaves. `collected` says of each weekday whether anybody comes for parcels.
    """

    zone: Zone
    spans: tuple[tuple[Span, ...], ...]
    cut_off_minutes: tuple[int, ...]
    closed_days: frozenset[int] = frozenset()
    lead_days: int = 0
    collected: tuple[bool, ...] = (True,) * len(DAYS)

    def works_on(self, day: int) -> bool:
        """Whether this is a working day: open on this weekday, no holiday, and a day the zone has."""
        return bool(self.spans[weekday_of(day)]) and day not in self.closed_days and has_day(self.zone, day)

    def collects_on(self, day: int) -> bool:
        """Whether parcels are collected on this weekday, if the node works on it."""
        return self.collected[weekday_of(day)]


def calendar_of(node: Node, lead_days: int = 0, holidays: frozenset[int] = frozenset()) -> Calendar:
    """The calendar of a node, with the `holidays` (ordinals) of the calendars it names.

    What is absent: the zone is UTC, it is open day and night, the cut-off is closing time. A cut-off counts only while
    the node is open: one that comes later is closing time, one in a pause is when the pause begins.

    Never refuses, because bodies are older than `problems_of`: a zone or hours with a problem count as absent, and
    dates that do not exist close nothing.
    """
    assert lead_days >= 0
    hours = node.opening_hours
    spans = (WHOLE_DAY,) * len(DAYS)
    if hours is not None and not _problems_of_hours(hours):
        spans = tuple(tuple(sorted(_span(*texts) for texts in hours.get(key, ()))) for key in DAYS)
    cut_offs = node.cut_offs or {}
    closed_days = frozenset(day for day in map(day_of_date, node.closed_dates) if day is not None)
    return Calendar(
        zone=zone_of(node.time_zone),
        spans=spans,
        cut_off_minutes=tuple(
            _cut_off_minute(day_spans, cut_offs.get(key, node.cut_off))
            for key, day_spans in zip(DAYS, spans, strict=True)
        ),
        closed_days=closed_days | holidays,
        lead_days=lead_days,
        collected=tuple(cut_offs.get(key, "") is not None for key in DAYS),
    )


def _cut_off_minute(spans: tuple[Span, ...], cut_off: str | None) -> int:
    """The last minute of a day's spans that is not later than its cut-off; a cut-off before all of them as it is."""
    if not spans:
        return 0
    minute = MINUTES_PER_DAY if cut_off is None else _minute(cut_off)
    begun = [min(end, minute) for start, end in spans if start < minute]
    return max(begun, default=minute)


def with_time_zone(node: Node) -> Node:
    """A body as it is kept: with the zone of its country where it gives none. One from before that is in UTC."""
    if node.time_zone is not None:
        return node
    return msgspec.structs.replace(node, time_zone=only_time_zone_of_country(node.country))


def problems_of(node: Node) -> list[Problem]:
    """What in a node's body makes no calendar: (JSON pointer into the body, what is wrong). Empty when all is well."""
    problems: list[Problem] = []
    if node.time_zone is None and only_time_zone_of_country(node.country) is None:
        known = "has several time zones" if node.country in SEVERAL else "is no country whose time zone is known"
        problems.append(("/time_zone", f"{node.country} {known}; name the node's, such as Europe/Berlin"))
    if node.time_zone is not None and not is_zone(node.time_zone):
        problems.append(("/time_zone", f"there is no time zone {node.time_zone!r}; an IANA name is Europe/Berlin"))
    problems += _problems_of_hours(node.opening_hours or {})
    problems += [
        (f"/cut_offs/{_escape(key)}", f"there is no day {key!r}; the days are {' '.join(DAYS)}")
        for key in node.cut_offs or {}
        if key not in DAYS
    ]
    problems += [
        (f"/closed_dates/{position}", f"there is no date {text}")
        for position, text in enumerate(node.closed_dates)
        if day_of_date(text) is None
    ]
    return problems


def working_days(calendar: Calendar, first_day: int) -> Iterator[int]:
    """The working days from `first_day` on, in order. Ends where none comes for CALENDAR_DAYS_MAX days."""
    day, horizon = first_day, first_day + CALENDAR_DAYS_MAX
    while day < horizon:
        if calendar.works_on(day):
            yield day
            horizon = day + 1 + CALENDAR_DAYS_MAX
        day += 1


def _problems_of_hours(hours: Hours) -> list[Problem]:
    problems: list[Problem] = []
    for key, texts in hours.items():
        pointer = f"/opening_hours/{_escape(key)}"
        if key not in DAYS:
            problems.append((pointer, f"there is no day {key!r}; the days are {' '.join(DAYS)}"))
            continue
        latest: tuple[str, str] | None = None  # of those that start earlier, the one that ends last
        for position, (start, end) in sorted(enumerate(texts), key=lambda entry: _span(*entry[1])):
            start_minute, end_minute = _span(start, end)
            if start_minute >= end_minute:
                detail = f"{start} is not before {end}; hours over midnight are two spans"
                problems.append((f"{pointer}/{position}", detail))
                continue
            if latest is not None and start_minute < _span(*latest)[1]:
                detail = f"{start} to {end} overlaps {latest[0]} to {latest[1]}"
                problems.append((f"{pointer}/{position}", detail))
            if latest is None or end_minute > _span(*latest)[1]:
                latest = (start, end)
    return problems


def _escape(token: str) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def _span(start: str, end: str) -> Span:
    """A day ends at 00:00 too: no clock shows 24:00."""
    return _minute(start), _minute(end) or MINUTES_PER_DAY


def _minute(clock: str) -> int:
    """16:30 -> 990"""
    return int(clock[:2]) * 60 + int(clock[3:])
