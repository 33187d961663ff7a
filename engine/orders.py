"""Orders: their lines, their fulfilments, and the table of open ones.

A line's units are always somewhere: quantity = allocated + backordered + unsourceable + shipped + cancelled.
An order with nothing open leaves memory at the end of the record that closed it (engine/closed.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from engine.areas import Area
from engine.facts.orders import Claim, PlannedFulfilment, Take, Waiting
from engine.facts.sourcing import Slot

if TYPE_CHECKING:
    from engine.state import State

RELEASED, ACCEPTED, PICKED, PACKED = "released", "accepted", "picked", "packed"
SHIPPED, DELIVERED, REJECTED, CANCELLED = "shipped", "delivered", "rejected", "cancelled"
STEPS = (RELEASED, ACCEPTED, PICKED, PACKED, SHIPPED, DELIVERED)
OPEN_STEPS = STEPS[: STEPS.index(SHIPPED)]
STATE_AFTER = {"accept": ACCEPTED, "pick": PICKED, "pack": PACKED, "ship": SHIPPED, "deliver": DELIVERED}


class OrderLine(msgspec.Struct, array_like=True, gc=False):
    """One line and where its units are. `returned` units were shipped and came back; they still count as shipped.

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

    @property
    def open(self) -> int:
        """Units that have neither shipped nor been cancelled."""
        return self.allocated + self.backordered + self.unsourceable

    @property
    def claimed(self) -> int:
        """Backordered units that were promised from inbound."""
        return sum([claim.quantity for claim in self.claims])


class Fulfilment(msgspec.Struct, array_like=True, gc=False):
    """One node's work for one order. `changed_at_ns` is when it reached `state`.

    `ships_at_ns` and `delivers_at_ns` were promised (None: not told); `day` is the one it takes a place of at the node.
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


class Return(msgspec.Struct, array_like=True, gc=False):
    """An agreement that shipped units may come back: authorised -> received | cancelled."""

    number: int
    state: str
    lines: tuple[ReturnLine, ...]
    created_at_ns: int

    @property
    def open(self) -> bool:
        """Whether more may arrive."""
        return self.state == "authorised"


class Order(msgspec.Struct, array_like=True, gc=False):
    """One order. `seq` is the record that made it; `history` are the records that touched it, oldest first."""

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

    @property
    def open(self) -> bool:
        """Whether any unit still has to ship."""
        return any(line.open for line in self.lines)

    @property
    def state(self) -> str:
        """One word for people, derived from the lines and fulfilments."""
        if any(line.unsourceable for line in self.lines):
            return "unsourceable"
        if any(line.backordered for line in self.lines):
            return "backordered"
        if self.open:
            return "open"
        live = [f for f in self.fulfilments if f.state in (SHIPPED, DELIVERED)]
        if not live:
            return CANCELLED
        return DELIVERED if all(f.state == DELIVERED for f in live) else SHIPPED

    def line_at(self, line_id: str) -> int | None:
        """The position of the line the shop calls `line_id`."""
        return next((at for at, line in enumerate(self.lines) if line.id == line_id), None)

    def fulfilment(self, number: int) -> Fulfilment:
        """The fulfilment with this number; it must be of this order."""
        return next(f for f in self.fulfilments if f.number == number)


class Orders:
    """Open orders by number, in order of placing, with what must be found by something other than the number."""

    def __init__(self) -> None:
        self.open: dict[str, Order] = {}
        self.order_of_fulfilment: dict[int, str] = {}
        self.order_of_return: dict[int, str] = {}
        self.waiting: dict[str, dict[tuple[int, int], str]] = {}
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
            self.order_of_fulfilment[fulfilment.number] = order.number
        for agreed in order.returns:
            self.order_of_return[agreed.number] = order.number
        self.index_waiting(order)

    def remove(self, order: Order) -> None:
        """Take a closed order out of memory."""
        del self.open[order.number]
        for fulfilment in order.fulfilments:
            del self.order_of_fulfilment[fulfilment.number]
        for agreed in order.returns:
            del self.order_of_return[agreed.number]

    def index_waiting(self, order: Order) -> None:
        """Enter backordered lines under their SKU, and take out those that wait no more."""
        for at, line in enumerate(order.lines):
            if line.backordered:
                self.waiting.setdefault(line.sku, {})[order.seq, at] = order.number
            elif line.sku in self.waiting:
                queue = self.waiting[line.sku]
                queue.pop((order.seq, at), None)
                if not queue:
                    del self.waiting[line.sku]


def find(state: State, number: str) -> Order | None:
    """An open or closed order. What comes from the closed table is a copy; changing it changes nothing."""
    return state.orders.open.get(number) or state.closed.order(number)


def find_by_fulfilment(state: State, fulfilment: int) -> Order | None:
    """The open or closed order a fulfilment belongs to."""
    number = state.orders.order_of_fulfilment.get(fulfilment)
    return state.orders.open[number] if number is not None else state.closed.order_by_fulfilment(fulfilment)


def find_by_return(state: State, return_id: int) -> Order | None:
    """The open or closed order a return belongs to."""
    number = state.orders.order_of_return.get(return_id)
    return state.orders.open[number] if number is not None else state.closed.order_by_return(return_id)


def encode(order: Order) -> bytes:
    """All of an order, for the closed table and for the fact that brings it back."""
    return msgspec.msgpack.encode(order)


_decoder = msgspec.msgpack.Decoder(Order)


def decode(state: bytes) -> Order:
    """What `encode` gave."""
    return _decoder.decode(state)


def evolve_add_fulfilments(state: State, order: Order, planned: Iterable[PlannedFulfilment]) -> None:
    """Hand work to nodes and count it as allocated."""
    for plan in planned:
        fulfilment = Fulfilment(
            plan.fulfilment,
            plan.node,
            RELEASED,
            plan.lines,
            state.time_ns,
            state.time_ns,
            ships_at_ns=plan.ships_at_ns,
            delivers_at_ns=plan.delivers_at_ns,
            day=plan.day,
        )
        order.fulfilments.append(fulfilment)
        if plan.day is not None:
            state.capacity.take(fulfilment.slots, state.time_ns)
        state.orders.order_of_fulfilment[plan.fulfilment] = order.number
        state.orders.next_fulfilment = max(state.orders.next_fulfilment, plan.fulfilment + 1)
        for take in plan.lines:
            order.lines[take.line].allocated += take.quantity


def evolve_waiting(state: State, order: Order, waiting: Iterable[Waiting]) -> None:
    """Write down what lines wait for from now on."""
    for entry in waiting:
        line = order.lines[entry.line]
        line.backordered, line.unsourceable = entry.backordered, entry.unsourceable
        if line.claims or entry.claims:
            give_up_claims(state, order.number, line)
            line.claims = entry.claims
            hold_claims(state, order.number, line)
    state.orders.index_waiting(order)


def hold_claims(state: State, number: str, line: OrderLine) -> None:
    """Enter what a line of an order was promised from inbound."""
    for claim in line.claims:
        state.inbound.promise(number, claim.inbound, line.sku, claim.quantity)


def give_up_claims(state: State, number: str, line: OrderLine) -> None:
    """Take out what a line of an order was promised from inbound."""
    for claim in line.claims:
        state.inbound.unpromise(number, claim.inbound, line.sku, claim.quantity)


def close_touched(state: State) -> None:
    """At the end of a record: note its seq in the history of every order it touched, and let closed ones leave memory."""
    orders = state.orders
    if not orders.touched:
        return
    for number in dict.fromkeys(orders.touched):
        order = orders.open[number]
        order.history.append(state.seq)
        if not order.open:
            orders.remove(order)
            state.closed.add_order(order)
    orders.touched.clear()
