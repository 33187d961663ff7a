"""Orders: their lines, their fulfilments, and the table of open ones.

A line's units are always somewhere: quantity = allocated + backordered + unsourceable + shipped + cancelled.
An order with nothing open leaves memory at the end of the record that closed it (engine/state/closed.py).
"""

from heapq import heappush
from typing import NamedTuple

import msgspec

from engine import limits
from engine.areas import Area
from engine.facts.orders import ChangeBody, Claim, LooseUnits, Parcel, StatedLine, Take
from engine.facts.postings import Posting
from engine.facts.sourcing import Slot
from engine.lifecycles import (
    CANCELLED,
    COLLECTED,
    DELIVERED,
    LEFT,
    O_BACKORDERED,
    O_OPEN,
    O_UNSOURCEABLE,
    OPEN,
    SHIPPED,
)
from engine.state.kept import Ended
from engine.state.order_money import OrderMoney
from engine.state.parts import Listed, part_of
from engine.state.worklists import Worklists

RELEASE, SHIP = "release", "ship"


class OrderLine(msgspec.Struct, array_like=True, gc=False):
    """One line and where its units are. `returned` units were shipped and came back, `lost` ones never arrived; both
    still count as shipped.

    `claims` are on inbound units, for units that are backordered.
    """

    id: str
    sku: str
    quantity: int
    unit_price_minor: int | None = None
    allocated: int = 0
    backordered: int = 0
    unsourceable: int = 0
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0
    claims: tuple[Claim, ...] = ()
    lost: int = 0

    @property
    def open(self) -> int:
        """Units that have neither shipped nor been cancelled."""
        return self.allocated + self.backordered + self.unsourceable

    @property
    def ended(self) -> int:
        """Units that the customer does not have and will not get: cancelled, sent back, or lost."""
        return self.cancelled + self.returned + self.lost

    @property
    def claimed(self) -> int:
        """Backordered units that were promised from inbound."""
        return sum([claim.quantity for claim in self.claims])


class Fulfilment(msgspec.Struct, array_like=True, gc=False):
    """One node's work for one order. `changed_at_ns` is when it reached `state`.

    `ships_at_ns` and `delivers_at_ns` were promised (None: not told); `day` is the one it takes a place of at the node.
    Not accepted by `accept_by_ns` it is taken back; not collected by `collect_by_ns` its units are given back.
    """

    number: int
    node: str
    state: str
    lines: tuple[Take, ...]
    created_at_ns: int
    changed_at_ns: int
    carrier: str | None = None
    tracking_code: str | None = None
    reason: str | None = None
    ships_at_ns: int | None = None
    delivers_at_ns: int | None = None
    day: int | None = None
    accept_by_ns: int | None = None
    collect_by_ns: int | None = None
    parcels: tuple[Parcel, ...] = ()

    @property
    def target_ns(self) -> int:
        """When it should leave the node; without a promise, when it was made."""
        return self.created_at_ns if self.ships_at_ns is None else self.ships_at_ns

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The place it takes at its node, if that has a limit a day."""
        return () if self.day is None else (Slot(self.node, self.day),)


class ReturnLine(msgspec.Struct, array_like=True, gc=False):
    """What may come back of one order line, and what has."""

    line: int
    quantity: int
    reason: str | None
    received: int = 0
    settled: int = 0


class Return(msgspec.Struct, array_like=True, gc=False):
    """An agreement that shipped units may come back: authorised -> received | cancelled."""

    number: int
    state: str
    lines: tuple[ReturnLine, ...]
    created_at_ns: int
    refund_shipping: bool = False
    exchange_order: str | None = None

    @property
    def open(self) -> bool:
        """Whether more may arrive."""
        return self.state == "authorised"

    @property
    def traits(self) -> tuple[str, ...]:
        """What its steps depend on besides its state."""
        return ("unsettled",) if any(line.received > line.settled for line in self.lines) else ()


class LooseReturn(msgspec.Struct, array_like=True, gc=False):
    """Goods that came back without an order."""

    number: int
    channel: str
    node: str
    lines: tuple[LooseUnits, ...]
    reference: str | None
    taken_at_ns: int


class LooseReturns(Ended[LooseReturn]):
    """The last ones: they have ended once they are taken in. They share their numbers with returns of orders."""

    ENDED_MAX = limits.LOOSE_RETURNS_KEPT
    PARTS = (part_of("loose_returns", LooseReturn, "ended"),)


class Hold(msgspec.Struct, array_like=True, gc=False):
    """A business stop on an order by its handle: nothing is released to nodes, or (`scope` ship) none leaves them."""

    handle: str
    reason: str
    scope: str
    since_ns: int


class Change(msgspec.Struct, array_like=True, gc=False):
    """A change of an order: proposed -> confirmed | declined. `number` is the seq of its proposal.

    `would_move` and `money_minor` are what it would have done when it was proposed; `decided_seq` is the record that
    ended it.
    """

    number: int
    state: str
    reason: str
    body: ChangeBody
    would_move: tuple[Posting, ...]
    money_minor: int
    proposed_at_ns: int
    decided_seq: int | None = None


class Due(NamedTuple):
    """At `at_ns` something is due for fulfilment `number`, or (`order` is not "") for what an order waits for."""

    at_ns: int
    number: int
    order: str


class Order(msgspec.Struct, array_like=True, gc=False):
    """One order. `seq` is the record that made it; `history` are the records that touched it, oldest first.

    `short_at` are nodes that had no room for some units of it, and keep the rest; `short_work` are fulfilments of which
    some units were not there, so that somebody has begun with them.
    """

    number: str
    seq: int
    channel: str
    created_at_ns: int
    placed_at_ns: int | None
    reservation: int | None
    party: str | None
    contact: bytes | None
    billing: bytes | None
    area: Area
    delivery: str
    lines: tuple[OrderLine, ...]
    fulfilments: list[Fulfilment] = []
    returns: list[Return] = []
    rejected_by: list[str] = []
    history: list[int] = []
    customer_group: str | None = None
    pickup_node: str | None = None
    collect_by_ns: int | None = None
    cancel_backorders_at_ns: int | None = None
    replaces: str | None = None
    holds: list[Hold] = []
    changes: list[Change] = []
    replaced_by: list[str] = []
    stated_at_ns: int | None = None
    money: OrderMoney | None = None
    stated: tuple[StatedLine, ...] = ()
    stated_cancelled: bool = False
    stated_contact: bytes | None = None
    policy: str | None = None
    policy_version: int | None = None
    short_at: list[str] = []
    short_work: list[int] = []

    @property
    def promised(self) -> int:
        """The record by which it was promised what it waits for: that of its reservation, else its own."""
        return self.seq if self.reservation is None else self.reservation

    @property
    def given_back_by(self) -> list[str]:
        """Nodes that are not asked again by themselves: they rejected it, or had no room for all of it."""
        return [*self.rejected_by, *self.short_at] if self.short_at else self.rejected_by

    @property
    def way(self) -> str:
        """How sourcing has to think of it: as a parcel, or as something the customer comes for."""
        return "ship" if self.pickup_node is None else "pickup"

    @property
    def open(self) -> bool:
        """Whether any unit still has to ship."""
        return any(line.open for line in self.lines)

    @property
    def state(self) -> str:
        """One word for people, derived from the lines and fulfilments."""
        if any(line.unsourceable for line in self.lines):
            return O_UNSOURCEABLE
        if any(line.backordered for line in self.lines):
            return O_BACKORDERED
        if self.open:
            return O_OPEN
        left = [f.state for f in self.fulfilments if f.state in LEFT]
        if not left:
            return CANCELLED
        if SHIPPED in left:
            return SHIPPED
        return DELIVERED if DELIVERED in left else COLLECTED

    def is_held(self, scope: str) -> bool:
        """Whether a hold of this scope stands."""
        return any(hold.scope == scope for hold in self.holds)

    def units_by_state(self) -> list[dict[str, int]]:
        """Units of every line that are with nodes or have left them, by the state of their fulfilment."""
        lines: list[dict[str, int]] = [{} for _ in self.lines]
        for fulfilment in self.fulfilments:
            state = fulfilment.state
            if state in OPEN or state in LEFT:
                for take in fulfilment.lines:
                    lines[take.line][state] = lines[take.line].get(state, 0) + take.quantity
        return lines

    def units_announced(self) -> list[int]:
        """Units of every line that open returns still wait for."""
        units = [0] * len(self.lines)
        for agreed in self.returns:
            if agreed.open:
                for line in agreed.lines:
                    units[line.line] += line.quantity - line.received
        return units

    def returnable(self) -> list[int]:
        """Units of every line that left, did not come back or get lost, and are not announced by an open return."""
        announced = self.units_announced()
        return [line.shipped - line.returned - line.lost - announced[at] for at, line in enumerate(self.lines)]

    def line_at(self, line_id: str) -> int | None:
        """The position of the line the shop calls `line_id`."""
        return next((at for at, line in enumerate(self.lines) if line.id == line_id), None)

    def agreed(self, number: int) -> Return:
        """The return with this number; it must be of this order."""
        return next(agreed for agreed in self.returns if agreed.number == number)

    def fulfilment(self, number: int) -> Fulfilment:
        """The fulfilment with this number; it must be of this order."""
        return next(f for f in self.fulfilments if f.number == number)


class Orders(Listed):
    """Open orders by number, in order of placing, with what must be found by something other than the number."""

    PARTS = (part_of("orders", Order, "open", "add"),)

    def __init__(self) -> None:
        self.open: dict[str, Order] = {}
        self.order_of_fulfilment: dict[int, str] = {}
        self.order_of_return: dict[int, str] = {}
        self.order_of_change: dict[int, str] = {}
        self.work = Worklists()
        self.dues: list[Due] = []
        self.waiting: dict[str, dict[tuple[int, int], str]] = {}
        self.unsourceable: dict[str, dict[tuple[int, int], str]] = {}
        self._waits: dict[tuple[int, int], int] = {}
        self._units_waiting: dict[tuple[str, str], int] = {}
        self.next_fulfilment = 1
        self.next_return = 1
        self.touched: list[str] = []

    def touch(self, number: str) -> Order:
        """The open order a fact is about; it is looked at again at the end of the record."""
        self.touched.append(number)
        return self.open[number]

    def add(self, order: Order) -> None:
        """Take an order into memory with everything that leads to it."""
        self.open[order.number] = order
        for fulfilment in order.fulfilments:
            self.enter(order, fulfilment)
        for agreed in order.returns:
            self.order_of_return[agreed.number] = order.number
        for change in order.changes:
            self.order_of_change[change.number] = order.number
        self.index_waiting(order)

    def enter(self, order: Order, fulfilment: Fulfilment) -> None:
        """Take in one fulfilment of an order that is in memory."""
        self.order_of_fulfilment[fulfilment.number] = order.number
        if fulfilment.state in OPEN:
            self.work.add(fulfilment.node, fulfilment.state, fulfilment.target_ns, fulfilment.number)
            self.note_dues(fulfilment)

    def note_dues(self, fulfilment: Fulfilment) -> None:
        """Enter the times at which something happens to an open fulfilment by itself."""
        for at_ns in (fulfilment.accept_by_ns, fulfilment.collect_by_ns):
            if at_ns is not None:
                heappush(self.dues, Due(at_ns, fulfilment.number, ""))

    def redate(self, fulfilment: Fulfilment, ships_at_ns: int | None) -> None:
        """Another time at which an open fulfilment should leave."""
        self.work.remove(fulfilment.node, fulfilment.state, fulfilment.target_ns, fulfilment.number)
        fulfilment.ships_at_ns = ships_at_ns
        self.work.add(fulfilment.node, fulfilment.state, fulfilment.target_ns, fulfilment.number)

    def move(self, fulfilment: Fulfilment, new_state: str, time_ns: int) -> None:
        """Take a fulfilment of an open order to another state, and from one list of work to another."""
        node, target_ns, number = fulfilment.node, fulfilment.target_ns, fulfilment.number
        if fulfilment.state in OPEN:
            self.work.remove(node, fulfilment.state, target_ns, number)
        if new_state in OPEN:
            self.work.add(node, new_state, target_ns, number)
        fulfilment.state, fulfilment.changed_at_ns = new_state, time_ns

    def remove(self, order: Order) -> None:
        """Take a closed order out of memory."""
        del self.open[order.number]
        for fulfilment in order.fulfilments:
            del self.order_of_fulfilment[fulfilment.number]
        for agreed in order.returns:
            del self.order_of_return[agreed.number]
        for change in order.changes:
            del self.order_of_change[change.number]

    def _count_waiting(self, order: Order, at: int, line: OrderLine) -> None:
        before = self._waits.pop((order.seq, at), 0)
        if line.backordered:
            self._waits[order.seq, at] = line.backordered
        if line.backordered != before:
            key = (line.sku, order.channel)
            units = self._units_waiting.get(key, 0) + line.backordered - before
            if units:
                self._units_waiting[key] = units
            else:
                del self._units_waiting[key]

    def versions_placed_under(self, policy: str) -> dict[int | None, None]:
        """The versions of a policy that open orders were placed under."""
        return {order.policy_version: None for order in self.open.values() if order.policy == policy}

    def units_waiting(self, sku: str, channel: str) -> int:
        """Units of a SKU that orders of a channel wait for."""
        return self._units_waiting.get((sku, channel), 0)

    def index_waiting(self, order: Order) -> None:
        """Enter lines that wait or that no node could send under their SKU, and take out those that do no more."""
        for at, line in enumerate(order.lines):
            begins = line.backordered and (order.seq, at) not in self._waits
            if line.backordered or line.sku in self.waiting:
                self._count_waiting(order, at, line)
            if line.backordered:
                self.waiting.setdefault(line.sku, {})[order.seq, at] = order.number
                for at_ns in (order.cancel_backorders_at_ns, order.collect_by_ns) if begins else ():
                    if at_ns is not None:
                        heappush(self.dues, Due(at_ns, 0, order.number))
            elif line.sku in self.waiting:
                _take_out(self.waiting, line.sku, (order.seq, at))
            if line.unsourceable:
                self.unsourceable.setdefault(line.sku, {})[order.seq, at] = order.number
            elif line.sku in self.unsourceable:
                _take_out(self.unsourceable, line.sku, (order.seq, at))


def _take_out(queues: dict[str, dict[tuple[int, int], str]], sku: str, key: tuple[int, int]) -> None:
    queue = queues[sku]
    queue.pop(key, None)
    if not queue:
        del queues[sku]


def encode(order: Order) -> bytes:
    """All of an order, for the closed table and for the fact that brings it back."""
    return msgspec.msgpack.encode(order)


_decoder = msgspec.msgpack.Decoder(Order)


def decode(state: bytes) -> Order:
    """What `encode` gave."""
    return _decoder.decode(state)
