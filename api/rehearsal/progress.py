"""How far a replay has come: ids the node gave, what has to be asked next, and what became of the rows."""

from collections import Counter
from typing import Any

import msgspec

from api.rehearsal.dataset import Dataset, RowClass
from api.rehearsal.money import Money
from api.rehearsal.plan import Plan
from api.rehearsal.reconciliation import REFUSED, Fate, Reconciliation
from api.rehearsal.steps import (
    Authorise,
    Cancel,
    Chunk,
    Correct,
    GoodsBack,
    Place,
    Receive,
    Reserve,
    Sale,
    Settle,
    SetUp,
    Ship,
    Step,
    TakeBack,
    TakeLoose,
)

ORDER_REFUSED = f"{REFUSED}return, its order was refused"


class ReplayFailed(Exception):
    """The replay can't go on; the message says why."""


class Ask(msgspec.Struct, frozen=True, gc=False):
    """One thing to ask the node for. `target` is the id the node gave to what it is about, where that is needed."""

    step: Step
    target: Any = None

    @property
    def id(self) -> str:
        """Unique in a replay."""
        return f"{self.step.id} {self.target}" if isinstance(self.step, Ship) else self.step.id


class Placed(msgspec.Struct, frozen=True, gc=False):
    """A fulfilment of an order: its id and its node."""

    fulfilment: Any
    node: str


class Counts(msgspec.Struct):
    """What the node did. `fulfilments_by_node` counts the work handed to each node."""

    orders: int = 0
    lines: int = 0
    units: int = 0
    fulfilments: int = 0
    shipments: int = 0
    receipts_units: int = 0
    refusals: Counter[str] = msgspec.field(default_factory=Counter)
    fulfilments_by_node: Counter[str] = msgspec.field(default_factory=Counter)


class Progress:
    """Both drivers, in process and over HTTP, go through here; it knows nothing of either."""

    def __init__(self, dataset: Dataset, plan: Plan) -> None:
        self.rows = Reconciliation(dataset)
        self.counts = Counts()
        self._classes = dataset.classes
        self._reservations: dict[str, Any] = {}
        self._fulfilments: dict[str, list[Any]] = {}
        self._returns: dict[str, Any] = {}
        self._arrived: dict[str, Any] = {}
        self.money = Money(dataset)
        self._refused_orders: set[str] = set()
        for row, fate in plan.fates:
            self.rows.book_whole(row, fate)

    def asks(self, chunk: Chunk) -> list[Ask]:
        """What to ask for now. Steps that rest on something that was refused are left out, their rows booked."""
        asks: list[Ask] = []
        for step in chunk.steps:
            match step:
                case Place(sale=sale):
                    if sale.number in self._reservations:
                        asks.append(Ask(step, self._reservations.pop(sale.number)))
                case Ship(order=order):
                    asks += [Ask(step, fulfilment) for fulfilment in self._fulfilments.pop(order, ())]
                case Cancel(goods=goods) | Authorise(goods=goods) if goods.order in self._refused_orders:
                    self._book_back(goods, ORDER_REFUSED)
                    self.money.refused_back(goods)
                case TakeBack(goods=goods):
                    if goods.id in self._returns:
                        asks.append(Ask(step, self._returns[goods.id]))
                case Settle(goods=goods):
                    if goods.id in self._arrived:
                        asks.append(Ask(step, self._arrived.pop(goods.id)))
                case _:
                    asks.append(Ask(step))
        return asks

    def done(self, ask: Ask, result: Any) -> None:
        """It was carried out. `result`: what the node named it; for orders a list of Placed, for cancellations what is open."""
        match ask.step:
            case Reserve(sale=sale):
                self._reservations[sale.number] = result
            case Place(sale=sale):
                self._placed(sale, result)
            case Ship():
                self.counts.shipments += 1
            case Cancel(goods=goods):
                self._fulfilments[goods.order] = result
                self._book_back(goods, Fate.CANCELLED)
                self.money.cancelled(goods)
            case Authorise(goods=goods):
                self._returns[goods.id] = result
            case TakeBack(goods=goods):
                self._book_back(goods, Fate.RETURNED)
                self._arrived[goods.id] = self._returns.pop(goods.id)
            case Settle(goods=goods):
                self.money.settled(goods)
            case TakeLoose() as loose:
                self.rows.book(loose.row, -loose.quantity, Fate.RETURNED_WITHOUT_ORDER)
                self.money.came_without_order(loose.row, loose.quantity)
            case Correct() as correction:
                self.rows.book(correction.row, correction.quantity, correction.fate)
            case Receive(lines=lines):
                self.counts.receipts_units += sum(line.quantity for line in lines)

    def refused(self, ask: Ask, code: str) -> None:
        """The node said an ordinary no. Raises ReplayFailed where the plan leaves no room for one."""
        match ask.step:
            case Reserve(sale=sale) | Place(sale=sale):
                self._refused_orders.add(sale.number)
                self.money.not_placed(sale)
                for line in sale.lines:
                    self.rows.book_whole(line.row, f"{REFUSED}order line, {code}")
            case Cancel(goods=goods) | Authorise(goods=goods) | TakeBack(goods=goods):
                self._book_back(goods, f"{REFUSED}return, {code}")
                self.money.refused_back(goods)
            case Correct() as correction:
                self.rows.book(correction.row, correction.quantity, f"{REFUSED}stock correction, {code}")
            case SetUp() | Receive() | Ship() | Settle() | TakeLoose():
                raise ReplayFailed(f"the node refused {ask.id!r}: {code}")
        self.counts.refusals[f"{type(ask.step).__name__.lower()}: {code}"] += 1

    def _placed(self, sale: Sale, fulfilments: list[Placed]) -> None:
        counts = self.counts
        self._fulfilments[sale.number] = [placed.fulfilment for placed in fulfilments]
        counts.orders += 1
        self.money.placed(sale)
        counts.lines += len(sale.lines)
        counts.fulfilments += len(fulfilments)
        for placed in fulfilments:
            counts.fulfilments_by_node[placed.node] += 1
        for line in sale.lines:
            counts.units += line.quantity
            free = self._classes[line.row] is RowClass.ORDER_LINE_FREE
            self.rows.book_whole(line.row, Fate.SOLD_FREE if free else Fate.SOLD)

    def _book_back(self, goods: GoodsBack, fate: str) -> None:
        for line in goods.lines:
            self.rows.book(line.row, -line.quantity, fate)
