"""What was asked when a recorded sourcing decision was made: facts turned back into the request behind them."""

from typing import NamedTuple

from engine.facts import Fact
from engine.facts.orders import FulfilmentRejected, FulfilmentShorted, OrderPlaced, OrderSourced
from engine.facts.reservations import Source, StockReserved
from engine.facts.sourcing import Decision
from engine.fulfilments.waiting import units_waiting
from engine.fulfilments.work import units_by_line
from engine.state.finding import find_by_fulfilment, find_order
from engine.state.orders import Order
from engine.state.state import State
from engine.supply.request import Request


class Decided(NamedTuple):
    """A request, what was decided about it, and the sources it was given, line by line."""

    request: Request
    decision: Decision
    sources: tuple[tuple[Source, ...], ...]


def decided_in(state: State, facts: tuple[Fact, ...]) -> Decided | None:
    """The sourcing decision among the facts of one record; None if there is none. `state` is from before the record."""
    for fact in facts:
        match fact:
            case StockReserved() if fact.decision is not None:
                return _reserved(fact, fact.decision)
            case OrderPlaced() if fact.decision is not None:
                return _placed(state, fact, fact.decision)
            case OrderSourced() if fact.decision is not None:
                return _sourced(state, facts, fact, fact.decision)
    return None


def _reserved(fact: StockReserved, decision: Decision) -> Decided:
    partial = any(line.reserved < line.requested for line in fact.lines)
    request = Request.of_reservation(fact, partial=partial)
    return Decided(request, decision, tuple(line.sources for line in fact.lines))


def _by_line(fact: OrderPlaced | OrderSourced) -> dict[int, list[Source]]:
    found: dict[int, list[Source]] = {}
    for planned in fact.fulfilments:
        for take in planned.lines:
            source = Source(planned.node, take.quantity, planned.ships_at_ns, planned.delivers_at_ns)
            found.setdefault(take.line, []).append(source)
    return found


def _placed(state: State, fact: OrderPlaced, decision: Decision) -> Decided:
    found = _by_line(fact)
    for at, line in enumerate(fact.lines):
        for claim in line.claims:
            source = Source(claim.node, claim.quantity, claim.ships_at_ns, claim.delivers_at_ns, claim.inbound)
            found.setdefault(at, []).append(source)
    sources = tuple(tuple(found.get(at, ())) for at in range(len(fact.lines)))
    return Decided(Request.of_placing(state, fact), decision, sources)


def _sourced(state: State, facts: tuple[Fact, ...], fact: OrderSourced, decision: Decision) -> Decided | None:
    """Looked for again, after a rejection in the same record or because somebody asked."""
    back = next((other for other in facts if isinstance(other, FulfilmentRejected | FulfilmentShorted)), None)
    order: Order | None
    if back is not None:
        order = find_by_fulfilment(state, back.fulfilment)
        if order is None:
            return None
        lost = back.lines if isinstance(back, FulfilmentShorted) else order.fulfilment(back.fulfilment).lines
        missing = units_by_line(lost)
    else:
        order = find_order(state, fact.order)
        if order is None:
            return None
        missing = units_waiting(state, order)
    excluded = (*(order.given_back_by if back is None else order.rejected_by), *(() if back is None else (back.node,)))
    request = Request.of_order(order, missing, excluded)._replace(policy=(decision.policy, decision.version))
    found = _by_line(fact)
    return Decided(request, decision, tuple(tuple(found.get(at, ())) for at in missing))
