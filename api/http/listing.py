"""What lists and paths share: cursors, ids in the path, spans of time, orders with the newest first."""

import heapq
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from api.answers.problems import malformed
from api.answers.timestamps import to_ns
from api.http.operations import Call, Handled, PageQuery, Reading
from engine import limits
from engine.commands.fields import (
    ID_REGEX,
    ORDER_NUMBER_REGEX,
    PATTERNS_IN_WORDS,
    SKU_REGEX,
    Country,
    Id,
    OrderNumber,
    Sku,
)
from engine.results import Rejection
from engine.state.kept import Kept, Numbered
from engine.state.orders import Order
from engine.state.state import State

Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, with `Z`")]


class SpanQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A list that may be limited to a span of time: from `from` on, before `to`."""

    from_: Moment | None = msgspec.field(default=None, name="from")
    to: Moment | None = None

    @property
    def from_ns(self) -> int:
        """Where the span begins; 0 if it has no beginning."""
        return 0 if self.from_ is None else to_ns(self.from_)

    @property
    def to_ns(self) -> int | None:
        """Where the span ends, or None."""
        return None if self.to is None else to_ns(self.to)


POSITION_MAX = 2**63 - 2
Position = Annotated[int, Meta(ge=0, le=POSITION_MAX)]
NO_CURSOR = malformed("in the query: `cursor` is what the page before gave as `next_cursor`", "/cursor")


def number_in(text: str) -> int | None:
    """A position as it was given out: digits, and no more than any journal or list has; None for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        return None
    number = int(text)
    return number if number <= POSITION_MAX else None


def position_of(cursor: str | None) -> int | Rejection | None:
    """The number in a cursor; None for the first page."""
    if not cursor:
        return None
    position = number_in(cursor)
    return NO_CURSOR if position is None else position


def start_of(cursor: str | None) -> tuple[int, int] | Rejection | None:
    """The two numbers in a cursor `<order seq>.<number>`; None for the first page. Of that order come those below
    `number`, then older orders."""
    if not cursor:
        return None
    seq, _, number = cursor.partition(".")
    first, second = number_in(seq), number_in(number)
    return NO_CURSOR if first is None or second is None else (first, second)


Start = TypeVar("Start")


def from_cursor(
    start_of: Callable[[str | None], Start | Rejection | None], page: Callable[[Call, State, Start | None], Any]
) -> Callable[[Call], Handled]:
    """The handler of a list: `page(call, state, start)` begins where the cursor says, None for the first one."""

    def list_(call: Call) -> Handled:
        start = start_of(call.query.cursor)
        return start if isinstance(start, Rejection) else Reading(lambda state, now_ns: page(call, state, start))

    return list_


def path_id(value: str, name: str) -> str | Rejection:
    """An id from the path, or the refusal of what can't be one. A `number` is that of an order."""
    kind, words = (OrderNumber, ORDER_NUMBER_REGEX) if name == "number" else (Id, ID_REGEX)
    return _checked(value, kind, f"`{name}` in the path: {PATTERNS_IN_WORDS[words]}")


def id_of(name: str) -> Callable[[dict[str, str]], str | None]:
    """Reads an id from the path; None for what can't be one."""

    def read(path: dict[str, str]) -> str | None:
        found = path_id(path[name], name)
        return None if isinstance(found, Rejection) else found

    return read


def path_country(value: str) -> str | Rejection:
    """A country from the path, or the refusal of what can't be one."""
    return _checked(value, Country, "`country` in the path: two capital letters (ISO 3166-1)")


def path_sku(value: str) -> str | Rejection:
    """A SKU from the path, or the refusal of what can't be one."""
    return _checked(value, Sku, f"`sku` in the path: {PATTERNS_IN_WORDS[SKU_REGEX]}")


def _checked(value: str, kind: Any, detail: str) -> str | Rejection:
    try:
        checked: str = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return malformed(detail)
    return checked


def newest_orders(state: State, before_seq: int | None, *, open_only: bool = False) -> Iterator[Order]:
    """Orders made before record `before_seq`, the youngest first, each as it is now."""
    memory = state.orders.open
    before = state.seq + 1 if before_seq is None else before_seq
    young = (order for order in reversed(memory.values()) if order.seq < before)
    if open_only:
        return young
    closed = (order for order in state.closed.newest_orders(before_seq) if order.number not in memory)
    return heapq.merge(young, closed, key=lambda order: -order.seq)


Entry = TypeVar("Entry")
OneNumbered = TypeVar("OneNumbered", bound=Numbered)


def page_of_parts(
    orders: Iterable[Order], start: tuple[int, int] | None, limit: int, parts: Callable[[Order], Iterable[OneNumbered]]
) -> tuple[list[tuple[Order, OneNumbered]], str | None]:
    """A slice of what belongs to orders, in their order, from a cursor of `start_of` on; and the next cursor."""
    items: list[tuple[Order, OneNumbered]] = []
    lines = 0
    for order in orders:
        if lines >= limits.LIST_SLICE_LINES:
            return items, f"{order.seq + 1}.0"
        lines += len(order.lines)
        for part in parts(order):
            if start is not None and order.seq == start[0] and part.number >= start[1]:
                continue
            if len(items) == limit:
                return items, f"{order.seq}.{part.number + 1}"
            items.append((order, part))
    return items, None


def counted_page(entries: Collection[Entry], first: int | None, limit: int) -> tuple[list[Entry], str | None]:
    """A page of what only grows, in its order, from position `first` on; and the next cursor."""
    end = (first or 0) + limit
    return list(islice(entries, first, end)), str(end) if end < len(entries) else None


def kept_page(
    kept: Kept[OneNumbered], before: int | None, limit: int, wanted: Callable[[OneNumbered], bool]
) -> tuple[list[OneNumbered], str | None]:
    """A page of things whose last ended ones are kept, the youngest first, below number `before`; the next cursor."""
    youngest = heapq.merge(
        reversed(kept.open.values()),
        sorted(kept.ended.values(), key=lambda one: -one.number),
        key=lambda one: -one.number,
    )
    items: list[OneNumbered] = []
    last = None
    for looked_at, thing in enumerate(thing for thing in youngest if before is None or thing.number < before):
        if len(items) == limit or looked_at == limits.KEPT_SCAN_MAX:
            return items, str(last)
        last = thing.number
        if wanted(thing):
            items.append(thing)
    return items, None
