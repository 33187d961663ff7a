"""What happened to stock outside of reservations and orders."""

import msgspec

from engine.facts.postings import Posting


class MovedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line as it was asked for; `oversold` is how many promised units are missing by it that were not before."""

    sku: str
    node: str
    reason: str
    quantity: int
    note: str | None = None
    oversold: int = 0


class StockMoved(msgspec.Struct, array_like=True, frozen=True, tag="stock_moved"):
    """A movement was posted; all of its lines."""

    reference: str | None
    lines: tuple[MovedLine, ...]
    postings: tuple[Posting, ...]


Fact = StockMoved
