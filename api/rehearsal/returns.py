"""Which earlier order a return belongs to. The file does not say; the plan decides by customer and code, newest order first."""

import msgspec

from api.rehearsal.dataset import Row
from api.rehearsal.steps import BackLine, Sale


class _Bought(msgspec.Struct):
    """Units of one order line that have not come back."""

    order: str
    line: str
    left: int
    day: int


class Match(msgspec.Struct, frozen=True):
    """Where the units of a return's row come from: `pieces` are (order, day it was placed, line); `unmatched` have no order."""

    pieces: tuple[tuple[str, int, BackLine], ...]
    unmatched: int


class Purchases:
    """What customers bought and still have."""

    def __init__(self) -> None:
        self._bought: dict[tuple[str, str], list[_Bought]] = {}

    def sold(self, sale: Sale, day: int) -> None:
        """Remember a sale; one without a customer can't be found again."""
        if sale.customer:
            for position, line in enumerate(sale.lines, 1):
                entry = _Bought(sale.number, str(position), line.quantity, day)
                self._bought.setdefault((sale.customer, line.sku), []).append(entry)

    def match(self, row: Row) -> Match:
        """Find orders for a returned row; each unit comes back once."""
        missing = -row.quantity
        pieces = []
        stack = self._bought.get((row.customer, row.code), []) if row.customer else []
        while missing and stack:
            newest = stack[-1]
            units = min(missing, newest.left)
            newest.left -= units
            missing -= units
            pieces.append((newest.order, newest.day, BackLine(row.index, newest.line, units)))
            if not newest.left:
                stack.pop()
        return Match(tuple(pieces), missing)
