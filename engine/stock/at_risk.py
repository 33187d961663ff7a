"""Whose promises are at risk where units are missing, and work that is sourced elsewhere for it before anybody begins.

At risk are the holders from the latest promise back until their units cover what is missing. It is derived: with the
next receipt, or the next count, others are at risk or nobody.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from engine.commands.maintenance import SourceElsewhere
from engine.facts import Fact
from engine.facts.configuration import ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.missing import OrderSourcedElsewhere
from engine.facts.postings import ALLOCATED, AVAILABLE, MISSING, RESERVED, Posting
from engine.facts.reservations import StockReserved
from engine.fulfilments.planning import plan_fulfilments
from engine.fulfilments.work import evolve_add_fulfilments, freed, give_up, units_by_line
from engine.lifecycles import CANCELLED, HELD, OPEN, PLANNED, RELEASED
from engine.results import Rejection, ResultCode
from engine.state.orders import Order
from engine.state.state import State
from engine.supply.plan import supply
from engine.supply.request import Request

NOT_BEGUN = (HELD, RELEASED)
UNITS_MISSING = "units_missing"
NOBODY = 2**63 - 1  # the promise of what was promised to nobody comes after all others
# After one of these, other nodes may give units that did not before.
_RULES = (ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet)

Place = tuple[str, str]


class Holder(NamedTuple):
    """Units of a SKU that a node promised by record `promised`: to an order, as work (`fulfilment`) or to be brought to
    where it is picked up; else to a reservation, or to a transfer that nobody waits for."""

    promised: int
    order: str | None
    fulfilment: int | None
    units: int


def promised_by(order: Order) -> int:
    """The record by which an order was promised its units: that of its reservation, else its own."""
    return order.seq if order.reservation is None else order.reservation


def places(state: State) -> list[Place]:
    """(SKU, node) wherever units are missing, in the order of the ledger."""
    sku_index, node_index = state.ledger.sku_index, state.ledger.node_index
    found = [(sku, node) for sku, nodes in state.ledger.missing.items() for node in nodes]
    return sorted(found, key=lambda place: (sku_index[place[0]], node_index[place[1]]))


def at_risk(state: State, some: Iterable[Place]) -> Iterator[Holder]:
    """The holders at risk at these places, the latest promise of each place first."""
    places_missing = {(sku, node): state.ledger.missing_at(sku, node) for sku, node in some}
    found = {place: _work(state, *place) for place, units in places_missing.items() if units}
    if not found:
        return
    _add_transfers(state, found)
    _add_reservations(state, found)
    for place, holders in found.items():
        left = places_missing[place]
        for holder in sorted(holders, key=_turn, reverse=True):
            if left <= 0:
                break
            left -= holder.units
            yield holder


def _turn(holder: Holder) -> tuple[int, int]:
    return holder.promised, holder.fulfilment or 0


def orders_at_risk(state: State) -> dict[str, None]:
    """The numbers of all orders whose units are among those that cover what is missing."""
    return dict.fromkeys(holder.order for holder in at_risk(state, places(state)) if holder.order is not None)


def _work(state: State, sku: str, node: str) -> list[Holder]:
    """What orders hold of a SKU at a node."""
    found, orders = [], state.orders
    for number in orders.of_sku.get(sku, ()):
        order = orders.open[number]
        for work in order.fulfilments:
            if work.node == node and work.state in OPEN:
                units = sum([take.quantity for take in work.lines if order.lines[take.line].sku == sku])
                if units:
                    found.append(Holder(promised_by(order), number, work.number, units))
    return found


def _add_transfers(state: State, found: dict[Place, list[Holder]]) -> None:
    """Planned transfers: what somebody waits for who picks it up counts as his, by his promise."""
    for transfer in state.transfers.open.values():
        if transfer.state != PLANNED:
            continue
        waiting = [] if transfer.inbound is None else list(state.inbound.holders.get(transfer.inbound, ()))
        orders = [state.orders.open[holder] for holder in waiting if isinstance(holder, str)]
        promised, number = (promised_by(orders[0]), orders[0].number) if orders else (NOBODY, None)
        for line in transfer.lines:
            if (line.sku, transfer.source) in found:
                found[line.sku, transfer.source].append(Holder(promised, number, None, line.quantity))


def _add_reservations(state: State, found: dict[Place, list[Holder]]) -> None:
    """Reservations, the youngest first, of each place as many as it takes to cover what is missing there."""
    queues = {place: _Queue(state, place, holders) for place, holders in found.items()}
    queues = {place: queue for place, queue in queues.items() if queue.reserved}
    for number, reservation in reversed(state.reservations.active.items()):
        if not queues:
            break
        for line in reservation.lines:
            for source in line.sources:
                place = line.sku, source.node
                if source.inbound is None and place in queues and queues[place].add(number, source.quantity):
                    del queues[place]


class _Queue:
    """What is promised of a SKU at a node by orders, and reservations that are found one after the other."""

    def __init__(self, state: State, place: Place, holders: list[Holder]) -> None:
        self.reserved = state.ledger.balance(RESERVED, *place)
        self._missing = state.ledger.missing_at(*place)
        self._holders = holders
        self._later = sorted(holders, key=_turn)

    def add(self, number: int, units: int) -> bool:
        """Take in one that is older than those before; True if nobody before it can be at risk any more."""
        while self._later and self._later[-1].promised > number:
            self._missing -= self._later.pop().units
        self._missing -= units
        self._holders.append(Holder(number, None, None, units))
        self.reserved -= units
        return self._missing <= 0 or not self.reserved


def decide_elsewhere(state: State, command: SourceElsewhere, now_ns: int) -> OrderSourcedElsewhere | Rejection:
    """Take work at risk from its node, if nobody has begun and other nodes have all of it."""
    number = state.orders.order_of_fulfilment.get(command.fulfilment)
    if number is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment")
    order = state.orders.open[number]
    work = order.fulfilment(command.fulfilment)
    if work.state not in NOT_BEGUN or order.pickup_node is not None:
        return Rejection(ResultCode.INVALID_TRANSITION, f"the fulfilment is {work.state}, and stays where it is")
    of_it = dict.fromkeys((order.lines[take.line].sku, work.node) for take in work.lines)
    if all(holder.fulfilment != work.number for holder in at_risk(state, of_it)):
        return Rejection(ResultCode.INVALID_TRANSITION, "nothing of the fulfilment is at risk")
    units = units_by_line(work.lines)
    request = Request.of_order(order, units, (*order.rejected_by, work.node), partial=False)
    found = supply(state, request, now_ns)
    if found.short:
        return Rejection(ResultCode.INSUFFICIENT_STOCK, "no other nodes have all of it", lines=tuple(found.short))
    sources = {at: list(given) for at, given in zip(units, found.sources, strict=True)}
    planned = plan_fulfilments(state, state.orders.next_fulfilment, sources, found.slots, now_ns)
    taken = [
        Posting(order.lines[take.line].sku, plan.node, AVAILABLE, ALLOCATED, take.quantity)
        for plan in planned
        for take in plan.lines
    ]
    postings = (*freed(order, work), *taken)
    return OrderSourcedElsewhere(order.number, (work.number,), planned, postings, found.decision)


def evolve_elsewhere(state: State, fact: OrderSourcedElsewhere) -> None:
    """Write down which work was taken back, and who does it now. The node may get the order again."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    for number in fact.withdrawn:
        give_up(state, order, order.fulfilment(number), CANCELLED, UNITS_MISSING)
    evolve_add_fulfilments(state, order, fact.fulfilments)


class Watch:
    """Work that should be looked at: where units are missing, and where it stayed because others had too little.

    Forgetting is harmless: it is derived, and everything is looked at after a start.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._places: dict[Place, None] = dict.fromkeys(places(state))
        self._work: deque[int] = deque()
        self._lacking: dict[str, dict[int, None]] = {}

    def __bool__(self) -> bool:
        return bool(self._places or self._work)

    def note(self, facts: tuple[Fact, ...]) -> None:
        """Take note of what was written down, while something is missing."""
        missing = self._state.ledger.missing
        for fact in facts:
            if isinstance(fact, _RULES):
                self._places.update(dict.fromkeys(places(self._state)))
            elif type(fact) is not StockReserved:
                for posting in fact.postings:
                    sku, node = posting.sku, posting.node
                    if posting.target == AVAILABLE and sku in self._lacking:
                        self._work.extend(self._lacking.pop(sku))
                    elif posting.source == MISSING or (posting.target == ALLOCATED and node in missing.get(sku, ())):
                        self._places[sku, node] = None

    def next(self) -> SourceElsewhere | None:
        """What to try next; None if there is nothing, or the place that was looked at has nothing to be moved."""
        if not self._work and self._places:
            place = next(iter(self._places))
            del self._places[place]
            self._work.extend(h.fulfilment for h in at_risk(self._state, (place,)) if h.fulfilment is not None)
        return SourceElsewhere(self._work.popleft()) if self._work else None

    def stays(self, tried: SourceElsewhere, why: Rejection) -> None:
        """Work that could not go elsewhere: it is tried again when there are more units of what was short."""
        for short in why.lines:
            self._lacking.setdefault(short.sku, {})[tried.fulfilment] = None
