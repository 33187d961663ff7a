"""Work that comes back from a node, all of it or what could not be found: booked by its reason, sourced again."""

from msgspec.structs import replace

from engine.commands.orders import CancelFulfilment, RejectFulfilment, ShortFulfilment
from engine.facts import Fact
from engine.facts.orders import (
    FulfilmentRejected,
    FulfilmentShorted,
    FulfilmentTake,
    OrderCancelled,
    OrderSourced,
    Take,
    Waiting,
)
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, INBOUND_ALLOCATED, LOSS, UNSELLABLE, Posting
from engine.fulfilments.sourcing_again import FOR_ITS_OWN_SAKE, NO_CAPACITY, NOT_ACCEPTED, source_lines
from engine.fulfilments.steps import open_work
from engine.fulfilments.work import freed, give_up, take_away, units_by_line
from engine.lifecycles import REJECTED
from engine.results import Rejection, ResultCode
from engine.state.orders import Fulfilment, Order
from engine.state.state import State

# Not found: written off, with what the node still thought free. Damaged: unsellable. The others: free again.
ACCOUNT_OF = {"not_found": LOSS, "damaged": UNSELLABLE, NO_CAPACITY: AVAILABLE, NOT_ACCEPTED: AVAILABLE}


def decide_reject(state: State, command: RejectFulfilment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take the work back, book what the reason says, and source the units elsewhere in the same record."""
    found = open_work(state, command.fulfilment, "reject")
    if isinstance(found, Rejection):
        return found
    return reject(state, *found, command.reason, command.note, now_ns)


def reject(
    state: State, order: Order, fulfilment: Fulfilment, reason: str, note: str | None, now_ns: int
) -> tuple[Fact, ...]:
    """The facts by which all of a fulfilment comes back."""
    units = units_by_line(fulfilment.lines)
    postings = _postings(state, order, fulfilment.node, units, reason)
    rejected = FulfilmentRejected(order.number, fulfilment.number, fulfilment.node, reason, note, postings)
    excluded, lacks = [*order.rejected_by, fulfilment.node], reason not in FOR_ITS_OWN_SAKE
    facts = source_lines(state, order, units, excluded, now_ns, bring=lacks)
    sourced = facts[-1]
    assert isinstance(sourced, OrderSourced)
    if fulfilment.node == order.pickup_node and not lacks:
        sourced = _brought_no_more(state, order, sourced)
    return rejected, *facts[:-1], sourced


def _brought_no_more(state: State, order: Order, sourced: OrderSourced) -> OrderSourced:
    """A pickup node that hands nothing out for an order has nothing brought for it: those units wait like the rest."""
    waiting = {entry.line: entry for entry in sourced.waiting}
    postings = list(sourced.postings)
    for at, line in enumerate(order.lines):
        useless = [claim for claim in line.claims if state.inbound.open[claim.inbound].transfer is not None]
        if not useless:
            continue
        entry = waiting.get(at) or Waiting(at, line.backordered, line.unsourceable, line.claims)
        units = sum(claim.quantity for claim in useless)
        left = 0 if state.configuration.items[line.sku].backorderable else units
        claims = tuple(claim for claim in entry.claims if claim not in useless)
        waiting[at] = Waiting(at, entry.backordered - left, entry.unsourceable + left, claims)
        postings += [Posting(line.sku, one.node, INBOUND_ALLOCATED, INBOUND, one.quantity) for one in useless]
    return replace(sourced, waiting=tuple(waiting.values()), postings=tuple(postings))


def _postings(state: State, order: Order, node: str, units: dict[int, int], reason: str) -> tuple[Posting, ...]:
    """What the reason does to units by line position, and to what the node still thought free of them."""
    postings = []
    skus: dict[str, None] = {}
    for at, quantity in units.items():
        sku = order.lines[at].sku
        skus[sku] = None
        postings.append(Posting(sku, node, ALLOCATED, ACCOUNT_OF[reason], quantity))
    if reason == "not_found":
        for sku in skus:
            free = state.ledger.balance(AVAILABLE, sku, node)
            if free:
                postings.append(Posting(sku, node, AVAILABLE, LOSS, free))
    return tuple(postings)


def evolve_rejected(state: State, fact: FulfilmentRejected) -> None:
    """Write down that the node is out of the question for this order, for ever."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    give_up(state, order, order.fulfilment(fact.fulfilment), REJECTED, fact.reason)
    if fact.node not in order.rejected_by:
        order.rejected_by.append(fact.node)


def decide_short(state: State, command: ShortFulfilment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Fewer units were found than allocated: what was found goes on, the rest is sourced again elsewhere."""
    found = open_work(state, command.fulfilment, "short")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    allocated = units_by_line(fulfilment.lines)
    missing: dict[int, int] = {}
    for position, line in enumerate(command.lines):
        at = order.line_at(line.line)
        if at is None or at not in allocated or at in missing:
            detail = f"the fulfilment has no line {line.line!r}, or it is named twice"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/line", detail)
        if line.found > allocated[at]:
            detail = f"{allocated[at]} units of line {line.line!r} were to be picked here"
            return Rejection.at(ResultCode.EXCEEDS_ALLOCATED, f"/lines/{position}/found", detail)
        missing[at] = allocated[at] - line.found
    missing = {at: units for at, units in missing.items() if units}
    if not missing:
        return Rejection(ResultCode.INVALID_TRANSITION, "every unit was found, so that nothing is short")
    if missing == allocated:
        return reject(state, order, fulfilment, command.reason, command.note, now_ns)
    shorted = FulfilmentShorted(
        order.number,
        fulfilment.number,
        fulfilment.node,
        command.reason,
        command.note,
        tuple(Take(at, units) for at, units in missing.items()),
        _postings(state, order, fulfilment.node, missing, command.reason),
    )
    excluded, lacks = [*order.rejected_by, fulfilment.node], command.reason not in FOR_ITS_OWN_SAKE
    return shorted, *source_lines(state, order, missing, excluded, now_ns, bring=lacks)


def evolve_shorted(state: State, fact: FulfilmentShorted) -> None:
    """Write down what was not there. The node keeps the rest, and may be asked again once it has more; a person has to
    ask it again if it has the units, and only no room for them.
    """
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    if fact.fulfilment not in order.short_work:
        order.short_work.append(fact.fulfilment)
    if ACCOUNT_OF[fact.reason] == AVAILABLE and fact.node not in order.short_at:
        order.short_at.append(fact.node)
    for take in fact.lines:
        order.lines[take.line].allocated -= take.quantity
        take_away(state, order, order.fulfilment(fact.fulfilment), take.line, take.quantity)


def decide_cancel_fulfilment(state: State, command: CancelFulfilment, now_ns: int) -> OrderCancelled | Rejection:
    """Cancel the units of one fulfilment: the customer does not get them, and the node has them free again."""
    found = open_work(state, command.fulfilment, "cancel")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    units = units_by_line(fulfilment.lines)
    return OrderCancelled(
        order.number,
        command.reason,
        tuple(Take(at, quantity) for at, quantity in units.items()),
        tuple(FulfilmentTake(fulfilment.number, at, quantity) for at, quantity in units.items()),
        (),
        freed(order, fulfilment),
    )
