"""What happens by itself when its time has come: work nobody accepted, goods nobody collected, units nobody could send.

The times are in the orders; this is an index of them, derived. An entry whose order went on in the meantime is passed
over.
"""

from heapq import heappop

from engine.commands.maintenance import MeetDeadlines
from engine.facts import Fact
from engine.facts.orders import OrderCancelled, PickupLapsed, Take, Waiting
from engine.facts.postings import Posting
from engine.fulfilments.rejecting import reject
from engine.fulfilments.sourcing_again import NOT_ACCEPTED
from engine.fulfilments.work import freed, give_up
from engine.lifecycles import FULFILMENT, LAPSED, OPEN
from engine.orders.cancelling import fewer_claims
from engine.state.orders import Due, Fulfilment, Order
from engine.state.state import State

BACKORDER_EXPIRED = "backorder_expired"
NOT_THERE_IN_TIME = "not_there_in_time"


def next_deadline_ns(state: State) -> int | None:
    """When the next deadline comes that still stands."""
    due = _next(state)
    return None if due is None else due[0].at_ns


def _next(state: State) -> tuple[Due, Order] | None:
    """The first entry that still stands; those before it are forgotten."""
    dues = state.orders.dues
    while dues:
        order = _standing(state, dues[0])
        if order is not None:
            return dues[0], order
        heappop(dues)
    return None


def _standing(state: State, due: Due) -> Order | None:
    """The order of an entry, if what it says still holds."""
    orders = state.orders
    if due.order:
        order = orders.open.get(due.order)
        stands = order is not None and due.at_ns in (order.cancel_backorders_at_ns, order.collect_by_ns)
        return order if stands and order is not None and any(line.backordered for line in order.lines) else None
    number = orders.order_of_fulfilment.get(due.number)
    if number is None:
        return None
    order = orders.open[number]
    fulfilment = order.fulfilment(due.number)
    stands = _is_late(fulfilment, due.at_ns) or _is_left_lying(order, fulfilment, due.at_ns)
    return order if stands else None


def _is_late(fulfilment: Fulfilment, at_ns: int) -> bool:
    return FULFILMENT.allows(fulfilment.state, "take_back") and fulfilment.accept_by_ns == at_ns


def _is_left_lying(order: Order, fulfilment: Fulfilment, at_ns: int) -> bool:
    return FULFILMENT.allows(fulfilment.state, "lapse", (order.delivery,)) and fulfilment.collect_by_ns == at_ns


def decide_deadline(state: State, command: MeetDeadlines, now_ns: int) -> tuple[Fact, ...]:
    """What the first deadline that has come brings about; nothing if none has."""
    found = _next(state)
    if found is None or found[0].at_ns > now_ns:
        return ()
    due, order = found
    if due.order:
        in_time = due.at_ns == order.cancel_backorders_at_ns
        return (_backorders_cancelled(order, BACKORDER_EXPIRED if in_time else NOT_THERE_IN_TIME),)
    fulfilment = order.fulfilment(due.number)
    if _is_late(fulfilment, due.at_ns):
        return reject(state, order, fulfilment, NOT_ACCEPTED, None, now_ns)
    return (PickupLapsed(order.number, fulfilment.number, freed(order, fulfilment)),)


def _backorders_cancelled(order: Order, reason: str) -> OrderCancelled:
    """Everything that still waits for stock is cancelled; what people must decide about is left to them."""
    lines, waiting = [], []
    postings: list[Posting] = []
    for at, line in enumerate(order.lines):
        if line.backordered:
            lines.append(Take(at, line.backordered))
            waiting.append(Waiting(at, 0, line.unsourceable))
            postings += fewer_claims(line, 0)[1]
    return OrderCancelled(order.number, reason, tuple(lines), (), tuple(waiting), tuple(postings))


def evolve_lapsed(state: State, fact: PickupLapsed) -> None:
    """Write down that nobody came: the units are free again, and cancelled for the order."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    fulfilment = order.fulfilment(fact.fulfilment)
    assert fulfilment.state in OPEN
    for take in fulfilment.lines:
        order.lines[take.line].cancelled += take.quantity
    give_up(state, order, fulfilment, LAPSED, None)
