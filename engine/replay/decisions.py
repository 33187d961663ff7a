"""What was asked when a recorded sourcing decision was made: facts turned back into the request behind them."""

from collections.abc import Collection
from typing import NamedTuple

from engine.facts import Fact
from engine.facts.inbound import InboundCancelled, InboundExpected
from engine.facts.orders import (
    ChangeProposed,
    FulfilmentRejected,
    FulfilmentShorted,
    OrderChanged,
    OrderPlaced,
    OrderSourced,
)
from engine.facts.reservations import Source, StockReserved
from engine.facts.sourcing import Decision
from engine.facts.transfers import TransferCancelled, TransferReceived, TransferShipped, TransferTurnedBack
from engine.fulfilments.pickup_transfers import with_transfers
from engine.fulfilments.waiting import units_waiting
from engine.fulfilments.work import units_by_line
from engine.orders.changes import as_it_will_be, carry_out
from engine.results import Rejection
from engine.state.finding import find_order
from engine.state.state import State
from engine.supply.plan import supply
from engine.supply.request import Request

_TRANSFER_FAILED = TransferCancelled | TransferReceived | TransferShipped | TransferTurnedBack


class Decided(NamedTuple):
    """A request, what was decided about it, and the sources it was given, line by line.

    `brought`: a pickup, for which transfers bring what its node lacks, by `collect_by_ns` where the customer said a
    time. `change`: it was decided with a change of the order, which is made once more as a whole; `sold`: a
    marketplace's; `whole`: a part of what is brought was not welcome.
    """

    request: Request
    decision: Decision
    sources: tuple[tuple[Source, ...], ...]
    brought: bool = False
    collect_by_ns: int | None = None
    change: OrderChanged | None = None
    sold: bool = False
    whole: bool = True


def decided_in(state: State, facts: tuple[Fact, ...]) -> Decided | None:
    """The sourcing decision among the facts of one record; None if there is none. `state` is from before the record."""
    for fact in facts:
        match fact:
            case StockReserved() if fact.decision is not None:
                return _reserved(fact, fact.decision)
            case OrderPlaced() if fact.decision is not None:
                return _placed(state, facts, fact, fact.decision)
            case OrderSourced() if fact.decision is not None:
                return _sourced(state, facts, fact, fact.decision)
    return None


def decided_again(state: State, decided: Decided, now_ns: int) -> list[tuple[Source, ...]]:
    """What a request is given now, by the way it was decided: line by line, nothing where it is refused now."""
    if decided.change is not None:
        return _changed_again(state, decided, decided.change, now_ns)
    if not decided.brought:
        return supply(state, decided.request, now_ns).sources
    found = with_transfers(state, decided.request, now_ns, decided.collect_by_ns, decided.whole)
    return [()] * len(decided.sources) if found is None else [tuple(given) for given in found.sources]


def _changed_again(state: State, decided: Decided, change: OrderChanged, now_ns: int) -> list[tuple[Source, ...]]:
    order = find_order(state, change.order)
    assert order is not None, "it was changed by the next record"
    carried_out = carry_out(state, order, change.change, change.body, now_ns, decided.sold)
    facts = () if isinstance(carried_out, Rejection) else carried_out
    sourced = next((fact for fact in facts if isinstance(fact, OrderSourced)), None)
    if sourced is None:
        return [()] * len(decided.sources)
    found = _by_line(sourced, _inbound_of_transfers(facts))
    return [tuple(found.get(at, ())) for at in range(len(decided.sources))]


def _reserved(fact: StockReserved, decision: Decision) -> Decided:
    partial = any(line.reserved < line.requested for line in fact.lines)
    request = Request.of_reservation(fact, partial=partial)
    return Decided(request, decision, tuple(line.sources for line in fact.lines))


def _inbound_of_transfers(facts: tuple[Fact, ...]) -> set[int]:
    """As what transfers that are planned in this record are expected."""
    return {fact.inbound for fact in facts if isinstance(fact, InboundExpected) and fact.transfer is not None}


def _by_line(fact: OrderPlaced | OrderSourced, brought: Collection[int] | None = None) -> dict[int, list[Source]]:
    """The sources a fact gives to lines: new work, and claims (only on the inbound named, if it says which)."""
    found: dict[int, list[Source]] = {}
    for planned in fact.fulfilments:
        for take in planned.lines:
            source = Source(planned.node, take.quantity, planned.ships_at_ns, planned.delivers_at_ns)
            found.setdefault(take.line, []).append(source)
    if isinstance(fact, OrderPlaced):
        claims = [(at, claim) for at, line in enumerate(fact.lines) for claim in line.claims]
    else:
        claims = [
            (entry.line, claim) for entry in fact.waiting for claim in entry.claims if claim.inbound in (brought or ())
        ]
    for at, claim in claims:
        source = Source(claim.node, claim.quantity, claim.ships_at_ns, claim.delivers_at_ns, claim.inbound)
        found.setdefault(at, []).append(source)
    return found


def _placed(state: State, facts: tuple[Fact, ...], fact: OrderPlaced, decision: Decision) -> Decided:
    found = _by_line(fact)
    sources = tuple(tuple(found.get(at, ())) for at in range(len(fact.lines)))
    request, brought = Request.of_placing(state, fact), bool(_inbound_of_transfers(facts))
    if any(line.unsourceable for line in fact.lines):
        request = request._replace(partial=True)  # a marketplace's: a part is better than nothing
    return Decided(request, decision, sources, brought, fact.collect_by_ns)


def _sourced(state: State, facts: tuple[Fact, ...], fact: OrderSourced, decision: Decision) -> Decided | None:
    """Looked for again: after a rejection in the same record, a change, a transfer that failed, or because somebody
    asked."""
    order = find_order(state, fact.order)
    if order is None:
        return None
    transfers = _inbound_of_transfers(facts)
    brought, found = bool(transfers), _by_line(fact, transfers)
    excluded = tuple(order.rejected_by)
    back = next((other for other in facts if isinstance(other, FulfilmentRejected | FulfilmentShorted)), None)
    changed = next((other for other in facts if isinstance(other, OrderChanged)), None)
    if back is not None:
        lost = back.lines if isinstance(back, FulfilmentShorted) else order.fulfilment(back.fulfilment).lines
        missing = units_by_line(lost)
        excluded = (*excluded, back.node)
    elif changed is not None:
        after = as_it_will_be(order, changed.body)
        missing = {at: sum(source.quantity for source in given) for at, given in found.items()}
        request = Request.of_order(after, missing, excluded)
        sources = tuple(tuple(found.get(at, ())) for at in range(len(after.lines)))
        stated = any(isinstance(other, ChangeProposed) for other in facts)
        return Decided(request, decision, sources, brought, after.collect_by_ns, changed, stated)
    elif any(isinstance(other, _TRANSFER_FAILED | InboundCancelled) for other in facts):
        missing = {at: sum(source.quantity for source in given) for at, given in found.items()}
        excluded = (*excluded, *_givers(state, facts))
    else:
        missing = units_waiting(state, order)
        excluded = tuple(order.given_back_by)
        if brought:
            missing = {at: sum(source.quantity for source in given) for at, given in found.items()}
    request = Request.of_order(order, missing, excluded)._replace(policy=(decision.policy, decision.version))
    sources = tuple(tuple(found.get(at, ())) for at in missing)
    return Decided(request, decision, sources, brought, order.collect_by_ns, whole=False)


def _givers(state: State, facts: tuple[Fact, ...]) -> list[str]:
    """Nodes whose transfers did not leave, or not whole, or came back."""
    numbers = [
        fact.transfer for fact in facts if isinstance(fact, TransferCancelled | TransferShipped | TransferTurnedBack)
    ]
    return [state.transfers.open[number].source for number in numbers if number in state.transfers.open]
