"""Local time of a zone as instants of UTC, and back. The only file of the engine that knows dates and zones.

A day is a proleptic Gregorian ordinal (1 is 0001-01-01, a Monday). A minute counts on the clock from the midnight that
starts its day; 1440 is the midnight that ends it. Instants are nanoseconds of UTC since 1970.
"""

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from engine.limits import NS_PER_SECOND

Zone = ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY = 1_440
SECONDS_PER_DAY = 86_400
EPOCH_DAY = date(1970, 1, 1).toordinal()
# Days and instants that are kept, because a few of each node are asked for again and again.
INSTANTS_MAX = 16_384
# Names that every machine reads differently, or that stand for no place at all.
NO_ZONES = {"localtime", "Factory"}


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    return frozenset(available_timezones()) - NO_ZONES


def is_zone(name: str) -> bool:
    """Whether this is an IANA name that the machine (or else the package tzdata) has rules for."""
    return name in _names()


@lru_cache(maxsize=1_024)
def zone_of(name: str | None) -> Zone:
    """The zone of this IANA name; UTC where none is given or the name is unknown."""
    return ZoneInfo(name if name is not None and is_zone(name) else "UTC")


def weekday_of(day: int) -> int:
    """0 for a Monday ... 6 for a Sunday."""
    return (day - 1) % 7


def day_of_date(text: str) -> int | None:
    """The day of an ISO date such as 2026-11-23; None for a date that no calendar has."""
    try:
        return date.fromisoformat(text).toordinal()
    except ValueError:
        return None


@lru_cache(maxsize=1_024)
def date_of_day(day: int) -> str:
    """The ISO date of a day."""
    return date.fromordinal(day).isoformat()


def year_of_day(day: int) -> int:
    """The year a day is in."""
    return date.fromordinal(day).year


def day_at(zone: Zone, at_ns: int) -> int:
    """The day that the calendars of a zone show at an instant."""
    return datetime.fromtimestamp(at_ns // NS_PER_SECOND, zone).toordinal()


@lru_cache(maxsize=INSTANTS_MAX)
def instant_ns(zone: Zone, day: int, minute: int) -> int:
    """The first instant at which the clocks of a zone show this minute of this day, or a later time.

    So a time that clocks skip is the moment they jump over it, and a time they show twice is the first of the two.
    """
    wall = datetime.fromordinal(day).replace(tzinfo=zone) + timedelta(minutes=minute)
    before_seconds = _seconds(wall.utcoffset())
    after_seconds = _seconds(wall.replace(fold=1).utcoffset())
    shown_seconds = (day - EPOCH_DAY) * SECONDS_PER_DAY + minute * 60
    if before_seconds >= after_seconds:
        return (shown_seconds - before_seconds) * NS_PER_SECOND
    # Clocks skip it: the jump is later than `early_seconds` and not later than `late_seconds`.
    early_seconds, late_seconds = shown_seconds - after_seconds, shown_seconds - before_seconds
    while late_seconds - early_seconds > 1:
        middle_seconds = (early_seconds + late_seconds) // 2
        offset = datetime.fromtimestamp(middle_seconds, zone).utcoffset()
        if middle_seconds + _seconds(offset) < shown_seconds:
            early_seconds = middle_seconds
        else:
            late_seconds = middle_seconds
    return late_seconds * NS_PER_SECOND


@lru_cache(maxsize=INSTANTS_MAX)
def has_day(zone: Zone, day: int) -> bool:
    """Whether a zone has this day at all: Samoa went from 2011-12-29 straight to 2011-12-31."""
    noon = datetime.fromordinal(day).replace(hour=12, tzinfo=zone)
    skipped_seconds = _seconds(noon.replace(fold=1).utcoffset()) - _seconds(noon.utcoffset())
    return skipped_seconds < SECONDS_PER_DAY


def _seconds(offset: timedelta | None) -> int:
    assert offset is not None
    return offset.days * SECONDS_PER_DAY + offset.seconds
