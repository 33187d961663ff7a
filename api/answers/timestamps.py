"""Times at the edge: RFC 3339 in UTC with `Z` outside, whole nanoseconds since 1970 inside."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

Timestamp = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-11-23T14:32:00.000000Z"])]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS_FROM, MOMENTS_BEFORE = EPOCH, datetime(2200, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1024)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=1024)  # all of a batch have one time
def iso(time_ns: int) -> str:
    """`2026-11-23T14:32:00.000000Z`."""
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{_second(seconds)}.{rest // 1000:06d}Z"


def iso_or_none(time_ns: int | None) -> str | None:
    """The same where there may be no time."""
    return None if time_ns is None else iso(time_ns)


def to_ns(moment: datetime) -> int:
    """Nanoseconds of an aware datetime, exact to the microsecond."""
    assert moment.tzinfo is not None
    since = (
        moment - EPOCH
    )  # not by way of UTC: the first and the last hours of the calendar have no such time everywhere
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def moment_ns(text: str) -> int | None:
    """Nanoseconds of an RFC 3339 time with its zone; None for what is none, or lies outside the calendar."""
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else to_ns(moment)
    except (ValueError, OverflowError):
        return None


def check_moment(name: str, moment: datetime | None) -> None:
    """Raise ValueError for a moment that people can't have meant, long before its nanoseconds leave what facts hold."""
    if moment is not None and not MOMENTS_FROM <= moment < MOMENTS_BEFORE:
        raise ValueError(f"`{name}` lies between 1970 and 2200")
