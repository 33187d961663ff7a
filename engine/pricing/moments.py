"""Moments and days of prices, as nanoseconds of UTC."""

from functools import lru_cache

from engine.supply.policies import NS_PER_DAY, instant_ns


@lru_cache(maxsize=65_536)
def begins_ns(moment: str) -> int:
    """When a time is, or a day begins. The date must exist."""
    return instant_ns(moment if len(moment) > 10 else f"{moment}T00:00:00Z")


def ends_ns(moment: str) -> int:
    """The first moment after: a time is the end itself, of a day all of it counts."""
    return begins_ns(moment) + (NS_PER_DAY if len(moment) == 10 else 0)
