"""Opening hours as OpenStreetMap writes them, as far as they are the same every week: `Mo-Fr 08:00-20:00; Sa 09:00-14:00; PH off`.

https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification. Months, weeks of the year, school holidays, hours of
their own on public holidays, comments and times past midnight are not understood, and nothing is made of them.
"""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("mo", "tu", "we", "th", "fr", "sa", "su")
_TOKEN = re.compile(r"\s*(?:(mo|tu|we|th|fr|sa|su|ph|off|closed)\b|(\d{1,2}:\d\d)(?!\d)|([-,;]))\s*", re.IGNORECASE)
_END = ""

Span = tuple[str, str]


class NotUnderstood(Exception):
    """The text says something that can't be said of a node, or is no such text."""


class OpeningHours(NamedTuple):
    """`week` as a node takes it, by day in DAYS, without days on which it is closed. `public_holidays_off`: "PH off"."""

    week: dict[str, list[Span]]
    public_holidays_off: bool


def parse_opening_hours(text: str) -> OpeningHours:
    """Read a text such as `Mo-Sa 07:00-21:00; Su,PH off`. Raises NotUnderstood."""
    tokens = _Tokens(text)
    week: dict[int, list[Span]] = {day: [] for day in range(7)}
    holidays_off = False
    added = False  # after a comma hours are added to those of a day, after a semicolon they replace them
    while True:
        days, holidays = tokens.days()
        if tokens.taken("off", "closed"):
            spans: list[Span] = []
            holidays_off = holidays_off or holidays
        else:
            spans = tokens.spans()
            if holidays:
                raise NotUnderstood("public holidays have hours of their own")
        for day in days:
            week[day] = week[day] + spans if added and spans else spans
        if tokens.next == _END:
            break
        added = tokens.expected(",", ";") == ","
        if tokens.next == _END and not added:
            break
    open_days = {DAYS[day]: _in_order(spans) for day, spans in week.items() if spans}
    if not open_days:
        raise NotUnderstood("it is never open")
    return OpeningHours(open_days, holidays_off)


class _Tokens:
    """The words, times and marks of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise NotUnderstood(f"not understood from {text[at : at + 40]!r} on")
            self._tokens.append(found[found.lastindex or 0].lower())
            at = found.end()
        self._tokens.append(_END)
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at]

    def taken(self, *wanted: str) -> str | None:
        """The next token, passed, if it is one of these."""
        if self.next not in wanted:
            return None
        self._at += 1
        return self._tokens[self._at - 1]

    def expected(self, *wanted: str) -> str:
        token = self.taken(*wanted)
        if token is None:
            raise NotUnderstood(
                f"{self.next!r} where {' or '.join(wanted)} should be" if self.next else "it ends early"
            )
        return token

    def days(self) -> tuple[list[int], bool]:
        """The days a rule is about, and whether public holidays are among them. Without any it is about every day."""
        if self.next[:1].isdigit():
            return list(range(7)), False
        days: dict[int, None] = {}
        holidays = False
        while True:
            name = self.expected(*_DAY_NAMES, "ph")
            if name == "ph":
                holidays = True
            else:
                first = last = _DAY_NAMES.index(name)
                if self.taken("-"):
                    last = _DAY_NAMES.index(self.expected(*_DAY_NAMES))
                days.update(dict.fromkeys((first + step) % 7 for step in range((last - first) % 7 + 1)))
            if not self.taken(","):
                return list(days), holidays

    def spans(self) -> list[Span]:
        """One or more times from and to; a comma before anything but a time belongs to the next rule."""
        spans = [self._span()]
        while self.next == "," and self._tokens[self._at + 1][:1].isdigit():
            self._at += 1
            spans.append(self._span())
        return spans

    def _span(self) -> Span:
        start = self._time()
        self.expected("-")
        end = self._time()
        if start >= end:
            raise NotUnderstood(f"{start}-{end} passes midnight")
        return start, end

    def _time(self) -> str:
        hour, colon, minute = self.next.partition(":")
        if not colon or int(hour) > 23 or int(minute) > 59:
            raise NotUnderstood(f"{self.next!r} is no time of day" if self.next else "it ends early")
        self._at += 1
        return f"{int(hour):02}:{minute}"


def _in_order(spans: Iterable[Span]) -> list[Span]:
    ordered = sorted(spans)
    for (_, end), (start, _) in pairwise(ordered):
        if start < end:
            raise NotUnderstood(f"hours overlap at {start}")
    return ordered
