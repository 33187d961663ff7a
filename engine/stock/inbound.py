"""Goods on their way: expected -> received | cancelled. Units go supplier -> inbound -> available, or back to the supplier."""

from collections.abc import Iterator

from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantity, ReceiveInbound
from engine.configuration.known_skus import refuse_named_twice, refuse_unknown_skus
from engine.facts import Fact
from engine.facts.inbound import InboundCancelled, InboundDelayed, InboundExpected, InboundReceived, InboundUnits
from engine.facts.postings import AVAILABLE, INBOUND, SUPPLIER, Posting
from engine.results import Rejection, ResultCode
from engine.state.inbound import EXPECTED, Holder, Inbound, InboundLine
from engine.state.state import State
from engine.stock import inbound_promises


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


def _units_of(inbound: Inbound, lines: tuple[InboundQuantity, ...] | None) -> tuple[InboundUnits, ...] | Rejection:
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
    return tuple(InboundUnits(line.sku, line.quantity) for line in lines)


def decide_receive(state: State, command: ReceiveInbound, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take in what arrived, more than expected too. Who was promised units gets them first, in order of promise."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    if inbound.transfer is not None:
        detail = f"it comes with transfer {inbound.transfer}: receive that one"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    return received(state, inbound, command.lines, now_ns)


def received(
    state: State, inbound: Inbound, lines: tuple[InboundQuantity, ...] | None, now_ns: int
) -> tuple[Fact, ...] | Rejection:
    """The facts of an arrival."""
    units = _units_of(inbound, lines)
    if isinstance(units, Rejection):
        return units
    postings = []
    budget: dict[str, int] = {}
    for came in units:
        line = inbound.line(came.sku)
        budget[came.sku] = min(came.quantity, line.promised)
        rest = came.quantity - budget[came.sku]
        awaited = min(rest, line.expected - line.promised)
        for source, quantity in ((INBOUND, awaited), (SUPPLIER, rest - awaited)):
            if quantity:
                postings.append(Posting(came.sku, inbound.node, source, AVAILABLE, quantity))
    found = inbound_promises.shares(inbound_promises.turns(state, inbound), budget)
    received = InboundReceived(inbound.number, units, tuple(postings))
    return (received, *inbound_promises.arrived(state, inbound, found, now_ns))


def decide_delay(state: State, command: DelayInbound, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Give what is still expected another date, and everything that was promised of it."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    delayed = InboundDelayed(inbound.number, command.expected_at_ns)
    return (delayed, *inbound_promises.redated(state, inbound, command.expected_at_ns, now_ns))


def decide_cancel(state: State, command: CancelInbound, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Expect these units no more. If too few are left for all promises, the youngest are taken back."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    units = _units_of(inbound, command.lines)
    if isinstance(units, Rejection):
        return units
    missing: dict[str, int] = {}
    for at, gone in enumerate(units):
        line = inbound.line(gone.sku)
        if gone.quantity > line.expected:
            detail = f"{line.expected} units of {gone.sku!r} are still expected"
            return Rejection.at(ResultCode.EXCEEDS_CANCELLABLE, f"/lines/{at}/quantity", detail)
        missing[gone.sku] = max(0, gone.quantity - (line.expected - line.promised))
    found = inbound_promises.shares(inbound_promises.turns(state, inbound)[::-1], missing)
    postings = tuple(Posting(gone.sku, inbound.node, INBOUND, SUPPLIER, gone.quantity) for gone in units)
    return (*inbound_promises.taken_back(state, found), InboundCancelled(inbound.number, units, postings))


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
