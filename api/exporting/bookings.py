"""The bookings of a span of days, oldest first, straight from a journal, and the exact text of amounts."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from api.http.scanning import bookings_in
from api.server.history import seq_at
from engine.facts.money import MoneyBooked
from engine.limits import NS_PER_SECOND
from engine.wal import Batches

_EPOCH = date(1970, 1, 1)
# A booking carries the date of the place where the order was placed, and that of the first open day after a lock.
_MARGIN_DAYS = 3
# ISO 4217: currencies whose minor unit is not a hundredth.
EXPONENTS = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}  # fmt: skip


class Booking(NamedTuple):
    """One booking with the record it is in."""

    seq: int
    time_ns: int
    actor: str
    fact: MoneyBooked

    @property
    def day(self) -> date:
        """The day it belongs to."""
        return date.fromordinal(self.fact.day)


def bookings(journal: Batches, first: date | None, last: date | None) -> Iterator[Booking]:
    """Bookings of the days from `first` through `last`; without one, from the beginning or to the end."""
    begin = journal.first_seq if first is None else max(journal.first_seq, seq_at(journal, _ns(first, -_MARGIN_DAYS)))
    end_ns = None if last is None else _ns(last, _MARGIN_DAYS)
    for batch in journal.read(begin - 1):
        if end_ns is not None and batch.time_ns >= end_ns:
            return
        for offset, encoded in enumerate(batch.records):
            seq = batch.first_seq + offset
            actor, facts = bookings_in(encoded) if seq >= begin else ("", [])
            for fact in facts:
                booking = Booking(seq, batch.time_ns, actor, fact)
                if (first is None or first <= booking.day) and (last is None or booking.day <= last):
                    yield booking


def _ns(day: date, plus_days: int) -> int:
    return max(0, (day - _EPOCH).days + plus_days) * 86_400 * NS_PER_SECOND


def amount_text(minor: int, currency: str, separator: str = ".") -> str:
    """Minor units as people write the currency: 1050 EUR is 10.50, 1050 JPY is 1050, 1050 KWD is 1.050."""
    exponent = EXPONENTS.get(currency, 2)
    sign = "-" if minor < 0 else ""
    if not exponent:
        return f"{sign}{abs(minor)}"
    whole, rest = divmod(abs(minor), 10**exponent)
    return f"{sign}{whole}{separator}{rest:0{exponent}}"


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text
