"""Calendars by watching a clock: minute after minute of UTC is turned into local time, and nothing is ever turned back.

Slow, obvious, and the yardstick for engine/calendars. Good for zones that change their clocks at whole minutes.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from engine.commands.configuration import Node
from engine.limits import NS_PER_SECOND

NS_PER_MINUTE = 60 * NS_PER_SECOND
WATCHED_DAYS = 45
# (ordinal of the date, minute of the day)
Shown = tuple[int, int]


class Watch:
    """What the clocks of a zone show in each minute of WATCHED_DAYS days, and the latest they have shown so far."""

    def __init__(self, zone: str, first: date) -> None:
        self.start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        self.shown: list[Shown] = []
        self.latest: list[Shown] = []
        for minute in range(WATCHED_DAYS * 1_440):
            local = (self.start + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
            self.shown.append((local.toordinal(), local.hour * 60 + local.minute))
            self.latest.append(max(self.shown[-1], self.latest[-1]) if minute else self.shown[-1])
        # The first day was not watched from its start.
        self.days = sorted({day for day, _ in self.shown})[1:]

    def ns_of(self, minute: int) -> int:
        """The instant at which a watched minute starts."""
        return int(self.start.timestamp()) * NS_PER_SECOND + minute * NS_PER_MINUTE

    def minute_at(self, at_ns: int) -> int:
        """The watched minute in which an instant is."""
        return (at_ns - self.ns_of(0)) // NS_PER_MINUTE

    def first_ns(self, day: int, minute: int) -> int | None:
        """The first watched instant at which the clocks show this or later; None if they do not get there."""
        at = bisect_left(self.latest, (day, minute))
        return self.ns_of(at) if at < len(self.latest) else None


@lru_cache(maxsize=64)
def watch(zone: str, first: date) -> Watch:
    """The clocks of a zone from a date on."""
    return Watch(zone, first)


def minute_of(clock: str) -> int:
    """16:30 -> 990"""
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def spans_of(node: Node, day: int) -> list[tuple[int, int]]:
    """The opening spans of a date in minutes; none when the node is closed."""
    shown = date.fromordinal(day)
    if shown.isoformat() in node.closed_dates:
        return []
    if node.opening_hours is None:
        return [(0, 1_440)]
    texts = node.opening_hours.get(shown.strftime("%a").lower(), ())
    return [(minute_of(start), 1_440 if end == "00:00" else minute_of(end)) for start, end in texts]


def cut_off_of(node: Node, day: int) -> int:
    """The cut-off that is given for a date; its last minute where none is."""
    weekday = date.fromordinal(day).strftime("%a").lower()
    given = (node.cut_offs or {}).get(weekday, node.cut_off)
    return 1_440 if given is None else minute_of(given)


def last_open_minute(spans: list[tuple[int, int]], cut_off: int) -> int:
    """Back from a cut-off to the minute before which it is open; the cut-off if that never is."""
    minute = cut_off
    while minute and not any(start < minute <= end for start, end in spans):
        minute -= 1
    return minute or cut_off


def collects(node: Node, day: int) -> bool:
    """Whether anybody comes for parcels on this weekday."""
    return (node.cut_offs or {}).get(date.fromordinal(day).strftime("%a").lower(), "") is not None


def cut_offs(node: Node, clocks: Watch) -> list[tuple[int, int]]:
    """(date, instant of its cut-off) of all watched working days."""
    found = []
    for day in clocks.days:
        spans = spans_of(node, day)
        if not spans:
            continue
        minute = last_open_minute(spans, cut_off_of(node, day))
        at_ns = clocks.first_ns(day, minute)
        if at_ns is not None:
            found.append((day, at_ns))
    return found


def dispatch_naively(
    node: Node,
    clocks: Watch,
    now_ns: int,
    lead_days: int,
    not_before_day: int,
    uncollected_days: frozenset[int] = frozenset(),
) -> tuple[int, int] | None:
    """(ships_at_ns, day), or None where that is later than what was watched."""
    ahead = [(day, at_ns) for day, at_ns in cut_offs(node, clocks) if at_ns > now_ns][lead_days:]
    return next(
        (
            (at_ns, day)
            for day, at_ns in ahead
            if day >= not_before_day and collects(node, day) and day not in uncollected_days
        ),
        None,
    )


def ready_naively(
    node: Node, clocks: Watch, now_ns: int, lead_days: int, minutes: int = 0, not_before_day: int = 0
) -> int | None:
    """The first moment at which the node is open, and has been for so many minutes since now, or since the opening of
    the day that is `lead_days` open days later."""
    left_ns = minutes * NS_PER_MINUTE
    spans = {day: spans_of(node, day) for day in clocks.days}
    days: list[int] = []
    for minute in range(clocks.minute_at(now_ns), len(clocks.latest)):
        day, shown = clocks.latest[minute]
        if day not in days and any(start <= shown < end for start, end in spans[day]):
            days.append(day)
        if len(days) <= lead_days or day < not_before_day:
            continue
        if any(start <= shown < end for start, end in spans[day]):
            begins_ns, ends_ns = max(now_ns, clocks.ns_of(minute)), clocks.ns_of(minute + 1)
            if begins_ns + left_ns < ends_ns:
                return begins_ns + left_ns
            left_ns -= ends_ns - begins_ns
    return None


def delivery_naively(
    clocks: Watch, ships_at_ns: int, transit_days: int, weekdays: tuple[str, ...], closed_days: frozenset[int]
) -> int | None:
    """The first 20:00 of a delivery day that is late enough."""
    leaves_on = clocks.shown[clocks.minute_at(ships_at_ns - 1)][0]
    travelled = 0
    for day in clocks.days:
        if day < leaves_on or day in closed_days or date.fromordinal(day).strftime("%a").lower() not in weekdays:
            continue
        travelled += day > leaves_on
        at_ns = clocks.first_ns(day, 20 * 60)
        if travelled >= transit_days and at_ns is not None and at_ns > ships_at_ns:
            return at_ns
    return None
