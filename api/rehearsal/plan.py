"""The plan: what a replay does, in which order and when. The same file, shop, seed and stock factor make the same plan.

A day: receipts (first trading day of a week), shipments of the trading day before, then the day's events in file order,
in slices. Within a slice the chunks are: corrections; checkouts and return agreements; orders and arrivals;
cancellations and settlements.
"""

import hashlib
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import groupby, islice
from typing import NamedTuple, TypeVar

import msgspec

from api.rehearsal.dataset import NS_PER_SECOND, Dataset, Row, RowClass, item_names
from api.rehearsal.receipts import Receipts
from api.rehearsal.reconciliation import NO_GOODS, REFUSED, Fate
from api.rehearsal.returns import Purchases
from api.rehearsal.shop import Shop, with_items
from api.rehearsal.steps import (
    Authorise,
    BackLine,
    Cancel,
    Chunk,
    Correct,
    GoodsBack,
    Place,
    Receive,
    Reserve,
    Sale,
    SaleLine,
    Settle,
    SetUp,
    Ship,
    Step,
    StockLine,
    TakeBack,
    TakeLoose,
)
from engine import limits
from engine.commands.configuration import Configure

PLAN_VERSION = 3
SALE_LINES_MAX = 100  # as ever: the figures of years are compared
SLICE_EVENTS_MAX = 64
CHUNK_GAP_NS = 1_000_000
DAY_NS = 86_400 * NS_PER_SECOND
RECEIPTS_AT_NS = 5 * 3_600 * NS_PER_SECOND
SHIPPING_AT_NS = 6 * 3_600 * NS_PER_SECOND
CORRECTIONS, CHECKOUTS, ORDERS, CANCELLATIONS = range(4)
STAGES_COUNT = 4


T = TypeVar("T")


def runs(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """The items in runs of at most `size`."""
    source = iter(items)
    while some := tuple(islice(source, size)):
        yield some


class Plan(msgspec.Struct, frozen=True):
    """`fates` are the rows that need no step; `identity` is 16 bytes that no other plan has."""

    @property
    def steps_count(self) -> int:
        """Steps of all chunks."""
        return sum(len(chunk.steps) for chunk in self.chunks)

    identity: bytes
    chunks: tuple[Chunk, ...]
    fates: tuple[tuple[int, str], ...]
    orders_count: int
    days_count: int


class _Event(NamedTuple):
    """Something of one day: an invoice's goods, a return, or one correction."""

    kind: RowClass
    rows: list[Row]

    @property
    def day(self) -> int:
        return self.rows[0].time_ns // DAY_NS


def make_plan(dataset: Dataset, shop: Shop, seed: int, stock_factor: Fraction) -> Plan:
    """Plan the replay of a file into a shop."""
    document = with_items(shop, item_names(dataset))
    identity = hashlib.blake2b(digest_size=16)
    parts = [PLAN_VERSION, dataset.sha256, len(dataset.rows), seed, str(stock_factor), sorted(shop.markets)]
    identity.update(msgspec.msgpack.encode(parts))
    identity.update(msgspec.json.encode(document))
    planner = _Planner(shop, Receipts(shop, seed, stock_factor))
    planner.set_up(document, dataset)
    days = [(day, list(events)) for day, events in groupby(_events(dataset), key=lambda event: event.day)]
    for week, in_week in groupby(days, key=lambda entry: (entry[0] + 3) // 7):  # day 0 was a Thursday
        planner.week(week, list(in_week))
    planner.end()
    return Plan(
        identity.digest(),
        tuple(planner.chunks),
        tuple(planner.fates),
        planner.orders_count,
        len(days),
    )


def _events(dataset: Dataset) -> Iterable[_Event]:
    """Events in file order. Rows of one invoice belong together wherever they stand; its first row says when."""
    events: list[_Event] = []
    invoices: dict[tuple[str, str], _Event] = {}
    for row, kind in zip(dataset.rows, dataset.classes, strict=True):
        if kind in (RowClass.STOCK_IN, RowClass.STOCK_OUT):
            events.append(_Event(kind, [row]))
        elif kind in (RowClass.ORDER_LINE, RowClass.ORDER_LINE_FREE, RowClass.RETURN_LINE):
            as_what = RowClass.RETURN_LINE if kind is RowClass.RETURN_LINE else RowClass.ORDER_LINE
            event = invoices.get((as_what, row.invoice))
            if event is None:
                event = invoices[as_what, row.invoice] = _Event(as_what, [])
                events.append(event)
            event.rows.append(row)
    return events


class _Planner:
    """Turns events into chunks, in time order."""

    def __init__(self, shop: Shop, receipts: Receipts) -> None:
        self.chunks: list[Chunk] = []
        self.fates: list[tuple[int, str]] = []
        self.orders_count = 0
        self._shop = shop
        self._receipts = receipts
        self._purchases = Purchases()
        self._last_ns = 0
        self._unshipped: list[str] = []
        self._slice: list[list[Step]] = [[] for _ in range(STAGES_COUNT)]
        self._corrected: set[str] = set()
        self._event_count = 0

    def set_up(self, document: Configure, dataset: Dataset) -> None:
        """Master data and opening stock; what is no goods needs no step."""
        for row, kind in zip(dataset.rows, dataset.classes, strict=True):
            if kind in NO_GOODS:
                self.fates.append((row.index, NO_GOODS[kind]))
            elif kind is RowClass.MALFORMED:
                self.fates.append((row.index, f"{REFUSED}malformed, {row.malformed}"))
        first_ns = dataset.rows[0].time_ns // DAY_NS * DAY_NS if dataset.rows else 0
        self._add(first_ns, [SetUp("set-up", document)])
        self._receive("opening", self._receipts.opening(), first_ns)

    def week(self, week: int, days: list[tuple[int, list[_Event]]]) -> None:
        """The receipts of a week, then its days."""
        needed: dict[str, int] = {}
        for _, events in days:
            for event in events:
                if event.kind in (RowClass.ORDER_LINE, RowClass.STOCK_OUT):
                    for row in event.rows:
                        needed[row.code] = needed.get(row.code, 0) + abs(row.quantity)
        self._receive(f"week-{week}", self._receipts.of_week(needed), days[0][0] * DAY_NS + RECEIPTS_AT_NS)
        for day, events in days:
            self._ship(day * DAY_NS + SHIPPING_AT_NS)
            for event in events:
                self._event(event, day)
            self._cut(events[-1].rows[0].time_ns)

    def end(self) -> None:
        """Ship what is still open on the morning after the last day."""
        self._ship((self._last_ns // DAY_NS + 1) * DAY_NS + SHIPPING_AT_NS)

    def _add(self, time_ns: int, steps: list[Step]) -> None:
        self._last_ns = max(time_ns, self._last_ns + CHUNK_GAP_NS)
        self.chunks.append(Chunk(self._last_ns, tuple(steps)))

    def _receive(self, name: str, lines: Iterable[StockLine], time_ns: int) -> None:
        steps: list[Step] = [
            Receive(f"receipt {name}.{part}", tuple(some))
            for part, some in enumerate(runs(lines, limits.MOVEMENT_LINES_MAX), 1)
        ]
        if steps:
            self._add(time_ns, steps)

    def _ship(self, time_ns: int) -> None:
        if self._unshipped:
            self._add(time_ns, [Ship(f"ship {number}", number) for number in self._unshipped])
            self._unshipped = []

    def _event(self, event: _Event, day: int) -> None:
        row = event.rows[0]
        if self._event_count >= SLICE_EVENTS_MAX or (event.kind is RowClass.STOCK_OUT and row.code in self._corrected):
            self._cut(row.time_ns)
        self._event_count += 1
        match event.kind:
            case RowClass.ORDER_LINE:
                self._sale(event.rows, day)
            case RowClass.RETURN_LINE:
                self._return(event.rows, day)
            case _:
                self._correction(row, event.kind)

    def _cut(self, time_ns: int) -> None:
        """Close the slice: its stages become chunks."""
        for stage in self._slice:
            if stage:
                self._add(time_ns, stage)
        self._slice = [[] for _ in range(STAGES_COUNT)]
        self._corrected.clear()
        self._event_count = 0

    def _sale(self, rows: list[Row], day: int) -> None:
        first = rows[0]
        market = self._shop.markets.get(first.country)
        if market is None:
            self.fates += [(row.index, f"{REFUSED}order line, unknown country") for row in rows]
            return
        for part, some in enumerate(runs(rows, SALE_LINES_MAX), 1):
            number = first.invoice if part == 1 else f"{first.invoice}:{part}"
            lines = tuple(SaleLine(row.index, row.code, row.quantity, (row.price + 5) // 10) for row in some)
            sale = Sale(number, market, first.customer, first.time_ns, lines)
            self._slice[CHECKOUTS].append(Reserve(f"reserve {number}", sale))
            self._slice[ORDERS].append(Place(f"place {number}", sale))
            self._unshipped.append(number)
            self._purchases.sold(sale, day)
            self.orders_count += 1

    def _return(self, rows: list[Row], day: int) -> None:
        """Units of an order of the same day are cancelled, those of an earlier one returned, others taken in."""
        invoice = rows[0].invoice
        market = self._shop.markets.get(rows[0].country)
        node = self._shop.warehouses[0] if market is None else market.returns_node
        by_order: dict[tuple[str, bool], list[BackLine]] = {}
        for row in rows:
            match = self._purchases.match(row)
            for order, placed_on, line in match.pieces:
                by_order.setdefault((order, placed_on == day), []).append(line)
            if match.unmatched:
                step_id = f"take back {invoice} {row.index}"
                channel = next(iter(self._shop.markets.values())).channel if market is None else market.channel
                loose = TakeLoose(step_id, row.index, row.code, match.unmatched, channel, node, invoice)
                self._slice[CHECKOUTS].append(loose)
        for (order, same_day), lines in by_order.items():
            goods = GoodsBack(f"{invoice} {order}", order, node, tuple(lines))
            if same_day:
                self._slice[CANCELLATIONS].append(Cancel(f"cancel {goods.id}", goods))
            else:
                self._slice[CHECKOUTS].append(Authorise(f"return {goods.id}", goods))
                self._slice[ORDERS].append(TakeBack(f"arrival {goods.id}", goods))
                self._slice[CANCELLATIONS].append(Settle(f"settlement {goods.id}", goods))

    def _correction(self, row: Row, kind: RowClass) -> None:
        note = row.description or f"stock correction {row.invoice}"
        step_id = f"correct {row.invoice} {row.index}"
        if kind is RowClass.STOCK_OUT:
            self._corrected.add(row.code)
            step = Correct(step_id, row.index, row.code, row.quantity, note, Fate.STOCK_OUT)
        else:
            home = self._shop.warehouses[0]
            step = Correct(step_id, row.index, row.code, row.quantity, note, Fate.STOCK_IN, home)
        self._slice[CORRECTIONS].append(step)
