"""Moments and days of prices, as nanoseconds of UTC."""

from __future__ import annotations

from functools import lru_cache

from engine.calendars import day_of_date
from engine.limits import NS_PER_SECOND

UNIX_EPOCH_DAY = 719_163  # 1970-01-01 as a day of `day_of_date`
NS_PER_DAY = 86_400 * NS_PER_SECOND


@lru_cache(maxsize=65_536)
def begins_ns(moment: str) -> int:
    """When a time is, or a day begins. The date must exist."""
    day = day_of_date(moment[:10])
    assert day is not None
    seconds = 0
    if len(moment) > 10:
        seconds = int(moment[11:13]) * 3_600 + int(moment[14:16]) * 60 + int(moment[17:19])
    return (day - UNIX_EPOCH_DAY) * NS_PER_DAY + seconds * NS_PER_SECOND


def ends_ns(moment: str) -> int:
    """The first moment after: a time is the end itself, of a day all of it counts."""
    return begins_ns(moment) + (NS_PER_DAY if len(moment) == 10 else 0)
