"""Transfers: planned -> in transit -> received, or cancelled. Units go available -> allocated -> in transit -> available.

Between two nodes units pass the account TRANSFER, which is empty after every record.
"""

from engine.commands.inbound import CancelInbound, InboundQuantity
from engine.commands.transfers import CancelTransfer, PlanTransfer, ReceiveTransfer, ShipTransfer
from engine.configuration.known_skus import refuse_named_twice, refuse_unknown_skus
from engine.facts import Fact
from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    IN_TRANSIT,
    LOSS,
    SUPPLIER,
    TRANSFER,
    UNSELLABLE,
    Posting,
)
from engine.facts.transfers import (
    TransferArrival,
    TransferCancelled,
    TransferPlanned,
    TransferReceived,
    TransferShipped,
    TransferUnits,
)
from engine.lifecycles import CANCELLED, PLANNED, RECEIVED
from engine.lifecycles import IN_TRANSIT as ON_THE_WAY
from engine.lifecycles import TRANSFER as STEPS
from engine.results import Rejection, ResultCode, Shortage
from engine.state.state import State
from engine.state.transfers import Transfer, TransferLine
from engine.stock.inbound import decide_cancel as cancel_inbound
from engine.stock.inbound import received as received_inbound

SHORT, OVER = "short_transfer", "over_transfer"


def decide_plan(state: State, command: PlanTransfer, now_ns: int) -> TransferPlanned | Rejection:
    """Claim the units at once: what was promised to customers stays, safety stock does not stop it."""
    for end, node in (("from", command.source), ("to", command.target)):
        if node not in state.configuration.nodes:
            return Rejection.at(ResultCode.UNKNOWN_NODE, f"/{end}", f"there is no node {node!r}")
    if command.source == command.target:
        return Rejection.at(ResultCode.MALFORMED_REQUEST, "/to", "a transfer goes to another node")
    refusal = refuse_unknown_skus(state, command.lines) or refuse_named_twice(command.lines)
    if refusal is not None:
        return refusal
    there = {line.sku: state.ledger.balance(AVAILABLE, line.sku, command.source) for line in command.lines}
    short = tuple(
        Shortage(line.sku, line.quantity, there[line.sku]) for line in command.lines if line.quantity > there[line.sku]
    )
    if short:
        detail = f"not enough is available at {command.source!r}"
        return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=short)
    return TransferPlanned(
        state.transfers.next_number,
        command.source,
        command.target,
        tuple(TransferUnits(line.sku, line.quantity) for line in command.lines),
        command.expected_at_ns,
        tuple(Posting(line.sku, command.source, AVAILABLE, ALLOCATED, line.quantity) for line in command.lines),
    )


def _under_way(state: State, number: int, action: str) -> Transfer | Rejection:
    transfer = state.transfers.find(number)
    if transfer is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such transfer, or it ended long ago")
    return STEPS.refusal(transfer.state, action) or transfer


def decide_ship(state: State, command: ShipTransfer, now_ns: int) -> TransferShipped | Rejection:
    """The units leave their node; on the way they count at the one they go to."""
    transfer = _under_way(state, command.transfer, "ship")
    if isinstance(transfer, Rejection):
        return transfer
    postings: list[Posting] = []
    for line in transfer.lines:
        postings.append(Posting(line.sku, transfer.source, ALLOCATED, TRANSFER, line.quantity))
        postings.append(Posting(line.sku, transfer.target, TRANSFER, IN_TRANSIT, line.quantity))
    return TransferShipped(transfer.number, tuple(postings))


def decide_receive(state: State, command: ReceiveTransfer, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take in what arrived. What is missing is lost unless more is to come; what is too much was there all along."""
    transfer = _under_way(state, command.transfer, "receive")
    if isinstance(transfer, Rejection):
        return transfer
    arrived = {line.sku: (line.awaited, 0) for line in transfer.lines}
    if command.lines is not None:
        arrived = dict.fromkeys(arrived, (0, 0))
        twice = refuse_named_twice(command.lines)
        if twice is not None:
            return twice
        for position, named in enumerate(command.lines):
            if named.sku not in arrived:
                detail = f"the transfer has no {named.sku!r}"
                return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/sku", detail)
            arrived[named.sku] = (named.received, named.damaged)
    inbound = None if transfer.inbound is None else state.inbound.open.get(transfer.inbound)
    lines, postings = [], []
    sound: list[InboundQuantity] = []
    reasons: dict[str, None] = {}
    for line in transfer.lines:
        received, damaged = arrived[line.sku]
        surplus = max(0, received - line.awaited)
        lost = 0 if command.more_to_come else max(0, line.awaited - received)
        if not (received or lost):
            continue
        lines.append(TransferArrival(line.sku, received, damaged, lost, surplus))
        if lost:
            reasons[SHORT] = None
        if surplus:
            reasons[OVER] = None
        broken = min(damaged, received - surplus)
        good = received - surplus - broken
        if good:
            sound.append(InboundQuantity(line.sku, good))
        moves = (
            (IN_TRANSIT, AVAILABLE if inbound is None else SUPPLIER, good),
            (IN_TRANSIT, UNSELLABLE, broken),
            (IN_TRANSIT, LOSS, lost),
            (ADJUSTMENT, AVAILABLE, surplus - (damaged - broken)),
            (ADJUSTMENT, UNSELLABLE, damaged - broken),
        )
        postings += [Posting(line.sku, transfer.target, source, to, units) for source, to, units in moves if units]
    if not lines:
        return Rejection(ResultCode.INVALID_TRANSITION, "nothing arrived and more is to come, so that nothing changes")
    fact = TransferReceived(transfer.number, tuple(lines), " and ".join(reasons) or None, tuple(postings))
    if inbound is None or not sound:
        return (fact,)
    arrived_there = received_inbound(state, inbound, tuple(sound), now_ns)
    return arrived_there if isinstance(arrived_there, Rejection) else (fact, *arrived_there)


def decide_cancel(state: State, command: CancelTransfer, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Leave the units where they are. An order they were promised to waits on without a promise."""
    transfer = _under_way(state, command.transfer, "cancel")
    if isinstance(transfer, Rejection):
        return transfer
    postings = tuple(Posting(n.sku, transfer.source, ALLOCATED, AVAILABLE, n.quantity) for n in transfer.lines)
    cancelled = TransferCancelled(transfer.number, postings)
    if transfer.inbound is None or transfer.inbound not in state.inbound.open:
        return (cancelled,)
    given_up = cancel_inbound(state, CancelInbound(transfer.inbound), now_ns)
    return given_up if isinstance(given_up, Rejection) else (*given_up, cancelled)


def evolve_planned(state: State, fact: TransferPlanned) -> None:
    """Write down what is to go where."""
    state.ledger.post(fact.postings)
    lines = tuple(TransferLine(line.sku, line.quantity) for line in fact.lines)
    now_ns, expected_at_ns = state.time_ns, fact.expected_at_ns
    state.transfers.add(
        Transfer(fact.transfer, fact.source, fact.target, PLANNED, lines, expected_at_ns, now_ns, now_ns, fact.inbound)
    )


def evolve_shipped(state: State, fact: TransferShipped) -> None:
    """Write down that it left."""
    state.ledger.post(fact.postings)
    state.transfers.move(state.transfers.open[fact.transfer], ON_THE_WAY, state.time_ns)


def evolve_received(state: State, fact: TransferReceived) -> None:
    """Write down what arrived; with nothing left to come it has ended."""
    state.ledger.post(fact.postings)
    transfer = state.transfers.open[fact.transfer]
    for arrived in fact.lines:
        line = transfer.line_of(arrived.sku)
        assert line is not None
        line.received += arrived.received
        line.damaged += arrived.damaged
        line.lost += arrived.lost
    if not any(line.awaited for line in transfer.lines):
        state.transfers.move(transfer, RECEIVED, state.time_ns)


def evolve_cancelled(state: State, fact: TransferCancelled) -> None:
    """Write down that it stays."""
    state.ledger.post(fact.postings)
    state.transfers.move(state.transfers.open[fact.transfer], CANCELLED, state.time_ns)
