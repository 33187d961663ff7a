"""Goods on their way: expected -> received | cancelled. Units go supplier -> inbound -> available, or back again."""

from collections.abc import Iterator

from engine.commands.inbound import (
    CancelInbound,
    DelayInbound,
    ExpectInbound,
    InboundArrival,
    InboundQuantity,
    ReceiveInbound,
)
from engine.configuration.known_skus import refuse_named_twice, refuse_unknown_skus
from engine.facts import Fact
from engine.facts.inbound import InboundCancelled, InboundDelayed, InboundExpected, InboundReceived, InboundUnits
from engine.facts.postings import AVAILABLE, INBOUND, SUPPLIER, UNSELLABLE, Posting
from engine.lifecycles import PLANNED
from engine.results import Rejection, ResultCode
from engine.state.inbound import EXPECTED, Holder, Inbound, InboundLine
from engine.state.state import State
from engine.stock import inbound_promises
from engine.stock.bringing_anew import bring_anew


def promises(state: State) -> Iterator[tuple[Holder, int, str, int]]:
    """All units promised from inbound: (reservation or order, inbound, SKU, units)."""
    for reservation in state.reservations.active.values():
        for held in reservation.lines:
            for source in held.sources:
                if source.inbound is not None:
                    yield reservation.number, source.inbound, held.sku, source.quantity
    for order in state.orders.open.values():
        for line in order.lines:
            for claim in line.claims:
                yield order.number, claim.inbound, line.sku, claim.quantity


def decide_expect(state: State, command: ExpectInbound, now_ns: int) -> InboundExpected | Rejection:
    """Write down what will come. An instant that has passed is allowed: the goods are late already."""
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    unknown = refuse_unknown_skus(state, command.lines)
    if unknown is not None:
        return unknown
    twice = refuse_named_twice(command.lines)
    if twice is not None:
        return twice
    return InboundExpected(
        state.inbound.next_number,
        command.supplier,
        command.node,
        command.expected_at_ns,
        tuple(InboundUnits(line.sku, line.quantity) for line in command.lines),
        tuple(Posting(line.sku, command.node, SUPPLIER, INBOUND, line.quantity) for line in command.lines),
    )


def _expected(state: State, number: int) -> Inbound | Rejection:
    inbound = state.inbound.find(number)
    if inbound is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such inbound, or it ended long ago")
    if inbound.state != EXPECTED:
        return Rejection(ResultCode.INVALID_TRANSITION, f"the inbound is {inbound.state}")
    return inbound


def _units_of(
    inbound: Inbound, lines: tuple[InboundQuantity | InboundArrival, ...] | None
) -> tuple[InboundUnits, ...] | Rejection:
    """What a command is about: the lines it names, or everything still expected."""
    if lines is None:
        return tuple(InboundUnits(line.sku, line.expected) for line in inbound.lines if line.expected)
    twice = refuse_named_twice(lines)
    if twice is not None:
        return twice
    for at, line in enumerate(lines):
        if inbound.line_of(line.sku) is None:
            detail = f"the inbound has no line of SKU {line.sku!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{at}/sku", detail)
    return tuple(
        InboundUnits(line.sku, line.quantity, line.damaged if isinstance(line, InboundArrival) else 0) for line in lines
    )


def decide_receive(state: State, command: ReceiveInbound, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take in what arrived, more than expected too. Who was promised units gets them first, in order of promise.

    Damaged units serve nobody: if too few sound ones are left for all promises, the youngest are taken back.
    """
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    if inbound.transfer is not None:
        detail = f"it comes with transfer {inbound.transfer}: receive that one"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    units = _units_of(inbound, command.lines)
    return units if isinstance(units, Rejection) else received(state, inbound, units, (), now_ns)


def received(
    state: State, inbound: Inbound, came: tuple[InboundUnits, ...], gone: tuple[InboundUnits, ...], now_ns: int
) -> tuple[Fact, ...]:
    """The facts of an arrival, and of `gone` units that will not come any more: what they mean for each promise."""
    not_coming = {line.sku: line.quantity for line in gone}
    postings = []
    budget: dict[str, int] = {}
    missing: dict[str, int] = {}
    for sku in dict.fromkeys(line.sku for line in (*came, *gone)):
        here = next((line for line in came if line.sku == sku), InboundUnits(sku, 0))
        line = inbound.line(sku)
        good = here.quantity - here.damaged
        budget[sku] = min(good, line.promised)
        rest = good - budget[sku]
        awaited = min(rest, line.expected - line.promised)
        broken = min(here.damaged, line.expected - budget[sku] - awaited)
        left = line.expected - budget[sku] - awaited - broken - not_coming.get(sku, 0)
        missing[sku] = max(0, line.promised - budget[sku] - left)
        for source, target, quantity in (
            (INBOUND, AVAILABLE, awaited),
            (SUPPLIER, AVAILABLE, rest - awaited),
            (INBOUND, UNSELLABLE, broken),
            (SUPPLIER, UNSELLABLE, here.damaged - broken),
        ):
            if quantity:
                postings.append(Posting(sku, inbound.node, source, target, quantity))
    turns = inbound_promises.turns(state, inbound)
    found = inbound_promises.shares(turns, budget)
    lost = inbound_promises.shares(turns[::-1], missing)
    served = inbound_promises.arrived(state, inbound, found, lost, now_ns)
    facts: list[Fact] = [InboundReceived(inbound.number, came, tuple(postings))] if came else []
    if gone:
        back = tuple(Posting(line.sku, inbound.node, INBOUND, SUPPLIER, line.quantity) for line in gone)
        facts.append(InboundCancelled(inbound.number, gone, back))
    # What is taken back from a promise must be there before it is broken or gone.
    return (*served, *facts) if lost else (*facts, *served)


def decide_delay(state: State, command: DelayInbound, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Give what is still expected another date, and everything that was promised of it."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    delayed = InboundDelayed(inbound.number, command.expected_at_ns)
    return (delayed, *inbound_promises.redated(state, inbound, command.expected_at_ns, now_ns))


def decide_cancel(state: State, command: CancelInbound, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Expect these units no more. If too few are left for all promises, the youngest are taken back.

    What was to be brought for a pickup is looked for elsewhere.
    """
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    units = _units_of(inbound, command.lines)
    if isinstance(units, Rejection):
        return units
    for at, gone in enumerate(units):
        expected = inbound.line(gone.sku).expected
        if gone.quantity > expected:
            detail = f"{expected} units of {gone.sku!r} are still expected"
            return Rejection.at(ResultCode.EXCEEDS_CANCELLABLE, f"/lines/{at}/quantity", detail)
    facts = received(state, inbound, (), units, now_ns)
    transfer = None if inbound.transfer is None else state.transfers.open.get(inbound.transfer)
    if transfer is None:
        return facts
    return (*facts, *bring_anew(state, facts, transfer.source if transfer.state == PLANNED else None, now_ns))


def evolve_expected(state: State, fact: InboundExpected) -> None:
    """Write down what will come."""
    state.ledger.post(fact.postings)
    lines = tuple(InboundLine(line.sku, line.quantity) for line in fact.lines)
    state.inbound.add(
        Inbound(fact.inbound, fact.supplier, fact.node, fact.expected_at_ns, state.time_ns, lines, fact.transfer)
    )


def evolve_received(state: State, fact: InboundReceived) -> None:
    """Write down what came."""
    state.ledger.post(fact.postings)
    inbound = state.inbound.open[fact.inbound]
    for arrived in fact.lines:
        line = inbound.line(arrived.sku)
        line.received += arrived.quantity
        line.damaged += arrived.damaged
    state.inbound.settle(inbound)


def evolve_delayed(state: State, fact: InboundDelayed) -> None:
    """Write down the new date."""
    state.inbound.open[fact.inbound].expected_at_ns = fact.expected_at_ns


def evolve_cancelled(state: State, fact: InboundCancelled) -> None:
    """Write down what will not come."""
    state.ledger.post(fact.postings)
    inbound = state.inbound.open[fact.inbound]
    for gone in fact.lines:
        line = inbound.line(gone.sku)
        line.cancelled += gone.quantity
    state.inbound.settle(inbound)
