"""Goods on their way: expected -> received | cancelled. Units go supplier -> inbound -> available, or back to the supplier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine import limits
from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantity, ReceiveInbound
from engine.facts.inbound import InboundCancelled, InboundDelayed, InboundExpected, InboundReceived, InboundUnits
from engine.facts.postings import AVAILABLE, INBOUND, SUPPLIER, Posting
from engine.results import FieldError, Rejection, ResultCode

if TYPE_CHECKING:
    from engine.state import State

EXPECTED, RECEIVED, CANCELLED = "expected", "received", "cancelled"


class InboundLine(msgspec.Struct, array_like=True, gc=False):
    """Units of one SKU. `received` can be more than `quantity`: suppliers send too much."""

    sku: str
    quantity: int
    received: int = 0
    cancelled: int = 0

    @property
    def expected(self) -> int:
        """Units that are still to come."""
        return max(0, self.quantity - self.received - self.cancelled)


class Inbound(msgspec.Struct, array_like=True, gc=False):
    """One delivery of a supplier to a node."""

    number: int
    supplier: str
    node: str
    expected_at_ns: int
    created_at_ns: int
    lines: tuple[InboundLine, ...]

    @property
    def state(self) -> str:
        """One word for people: expected while anything is still to come, then whether anything came."""
        if any(line.expected for line in self.lines):
            return EXPECTED
        return RECEIVED if any(line.received for line in self.lines) else CANCELLED

    def line_of(self, sku: str) -> InboundLine | None:
        """The line of a SKU."""
        return next((line for line in self.lines if line.sku == sku), None)


class Inbounds:
    """Those still expected by number, and the last INBOUND_ENDED_KEPT that ended, in the order in which they did."""

    def __init__(self) -> None:
        self.open: dict[int, Inbound] = {}
        self.ended: dict[int, Inbound] = {}
        self.next_number = 1

    def find(self, number: int) -> Inbound | None:
        """One that is expected, or ended not too long ago."""
        return self.open.get(number) or self.ended.get(number)

    def settle(self, inbound: Inbound) -> None:
        """After a change: one with nothing left to come has ended, and the oldest ended one makes room."""
        if inbound.state == EXPECTED:
            return
        self.ended[inbound.number] = self.open.pop(inbound.number)
        if len(self.ended) > limits.INBOUND_ENDED_KEPT:
            del self.ended[next(iter(self.ended))]


def decide_expect(state: State, command: ExpectInbound, now_ns: int) -> InboundExpected | Rejection:
    """Write down what will come. An instant that has passed is allowed: the goods are late already."""
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    unknown = tuple(
        FieldError(f"/lines/{at}/sku", f"there is no SKU {line.sku!r}")
        for at, line in enumerate(command.lines)
        if line.sku not in state.configuration.items
    )
    if unknown:
        return Rejection(ResultCode.UNKNOWN_SKU, unknown[0].detail, unknown)
    twice = _named_twice(command.lines)
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


def _named_twice(lines: tuple[InboundQuantity, ...]) -> Rejection | None:
    seen: set[str] = set()
    for at, line in enumerate(lines):
        if line.sku in seen:
            detail = f"SKU {line.sku!r} is named twice"
            return Rejection.at(ResultCode.MALFORMED_REQUEST, f"/lines/{at}/sku", detail)
        seen.add(line.sku)
    return None


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
    twice = _named_twice(lines)
    if twice is not None:
        return twice
    for at, line in enumerate(lines):
        if inbound.line_of(line.sku) is None:
            detail = f"the inbound has no line of SKU {line.sku!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{at}/sku", detail)
    return tuple(InboundUnits(line.sku, line.quantity) for line in lines)


def decide_receive(state: State, command: ReceiveInbound, now_ns: int) -> InboundReceived | Rejection:
    """Take in what arrived. What is more than expected comes straight from the supplier."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    units = _units_of(inbound, command.lines)
    if isinstance(units, Rejection):
        return units
    postings = []
    for arrived in units:
        line = inbound.line_of(arrived.sku)
        assert line is not None
        awaited = min(arrived.quantity, line.expected)
        for source, quantity in ((INBOUND, awaited), (SUPPLIER, arrived.quantity - awaited)):
            if quantity:
                postings.append(Posting(arrived.sku, inbound.node, source, AVAILABLE, quantity))
    return InboundReceived(inbound.number, units, tuple(postings))


def decide_delay(state: State, command: DelayInbound, now_ns: int) -> InboundDelayed | Rejection:
    """Give what is still expected another date."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    return InboundDelayed(inbound.number, command.expected_at_ns)


def decide_cancel(state: State, command: CancelInbound, now_ns: int) -> InboundCancelled | Rejection:
    """Expect these units no more."""
    inbound = _expected(state, command.inbound)
    if isinstance(inbound, Rejection):
        return inbound
    units = _units_of(inbound, command.lines)
    if isinstance(units, Rejection):
        return units
    for at, gone in enumerate(units):
        line = inbound.line_of(gone.sku)
        assert line is not None
        if gone.quantity > line.expected:
            detail = f"{line.expected} units of {gone.sku!r} are still expected"
            return Rejection.at(ResultCode.EXCEEDS_CANCELLABLE, f"/lines/{at}/quantity", detail)
    postings = tuple(Posting(gone.sku, inbound.node, INBOUND, SUPPLIER, gone.quantity) for gone in units)
    return InboundCancelled(inbound.number, units, postings)


def evolve_expected(state: State, fact: InboundExpected) -> None:
    """Write down what will come."""
    state.ledger.post(fact.postings)
    lines = tuple(InboundLine(line.sku, line.quantity) for line in fact.lines)
    state.inbound.open[fact.inbound] = Inbound(
        fact.inbound, fact.supplier, fact.node, fact.expected_at_ns, state.time_ns, lines
    )
    state.inbound.next_number = fact.inbound + 1


def evolve_received(state: State, fact: InboundReceived) -> None:
    """Write down what came."""
    state.ledger.post(fact.postings)
    inbound = state.inbound.open[fact.inbound]
    for arrived in fact.lines:
        line = inbound.line_of(arrived.sku)
        assert line is not None
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
        line = inbound.line_of(gone.sku)
        assert line is not None
        line.cancelled += gone.quantity
    state.inbound.settle(inbound)
