"""Transfers: planned -> in transit -> received, or cancelled; what is in transit may be turned back. Units go available
-> allocated -> in transit -> available.

Between two nodes units pass the account TRANSFER, which is empty after every record.
"""

from engine.commands.transfers import (
    CancelTransfer,
    PlanTransfer,
    ReceiveTransfer,
    ShipTransfer,
    TransferQuantity,
    TurnBackTransfer,
)
from engine.configuration.known_skus import refuse_named_twice, refuse_unknown_skus
from engine.facts import Fact
from engine.facts.inbound import InboundUnits
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
    TransferLowered,
    TransferPlanned,
    TransferReceived,
    TransferShipped,
    TransferTurnedBack,
    TransferUnits,
)
from engine.lifecycles import CANCELLED, PLANNED, RECEIVED
from engine.lifecycles import IN_TRANSIT as ON_THE_WAY
from engine.lifecycles import TRANSFER as STEPS
from engine.results import Rejection, ResultCode, Shortage
from engine.state.inbound import Inbound
from engine.state.orders import RELEASE, Order
from engine.state.state import State
from engine.state.transfers import Transfer, TransferLine
from engine.stock.bringing_anew import bring_anew
from engine.stock.inbound import received as received_inbound

ORDER_HELD = "order_held"
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


def traits_of(state: State, transfer: Transfer) -> tuple[str, ...]:
    """What its steps depend on besides its state."""
    held = any(order.is_held(RELEASE) for order in orders_of(state, transfer))
    return (*transfer.traits, ORDER_HELD) if held else transfer.traits


def orders_of(state: State, transfer: Transfer) -> list[Order]:
    """The orders that were promised what it brings."""
    holders = () if transfer.inbound is None else state.inbound.holders.get(transfer.inbound, ())
    return [state.orders.open[holder] for holder in holders if isinstance(holder, str)]


def _under_way(state: State, number: int, action: str) -> Transfer | Rejection:
    transfer = state.transfers.find(number)
    if transfer is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such transfer, or it ended long ago")
    traits = traits_of(state, transfer)
    refusal = STEPS.refusal(transfer.state, action, traits)
    if refusal is not None and ORDER_HELD in traits and STEPS.allows(transfer.state, action, transfer.traits):
        detail = "a hold stops the order that this transfer brings something for; lift the hold first"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    return refusal or transfer


def _coming(state: State, transfer: Transfer) -> Inbound | None:
    """As what its units are expected and promised; None once nothing of that is left, or where nobody waits."""
    return None if transfer.inbound is None else state.inbound.open.get(transfer.inbound)


def _gone(inbound: Inbound, units: dict[str, int], came: tuple[InboundUnits, ...] = ()) -> tuple[InboundUnits, ...]:
    """Units by SKU that will not come, as far as they are still expected after those that `came`."""
    found = []
    arrived = {line.sku: line.quantity for line in came}
    for sku, count in units.items():
        line = inbound.line_of(sku)
        expected = 0 if line is None else min(count, line.expected - arrived.get(sku, 0))
        if expected > 0:
            found.append(InboundUnits(sku, expected))
    return tuple(found)


def _without(
    state: State, transfer: Transfer, units: dict[str, int], giver: str | None, now_ns: int
) -> tuple[tuple[Fact, ...], tuple[Fact, ...]]:
    """Units by SKU that do not come: the facts that take them from who was promised them, and those that bring them
    anew, without asking `giver`."""
    inbound = _coming(state, transfer)
    gone = () if inbound is None else _gone(inbound, units)
    if inbound is None or not gone:
        return (), ()
    lost = received_inbound(state, inbound, (), gone, now_ns)
    return lost, bring_anew(state, lost, giver, now_ns)


def decide_ship(state: State, command: ShipTransfer, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """The units leave their node; on the way they count at the one they go to. What was not named stays, and is free.

    What stays of units that were promised to a pickup is looked for elsewhere.
    """
    transfer = _under_way(state, command.transfer, "ship")
    if isinstance(transfer, Rejection):
        return transfer
    goes = {line.sku: line.quantity for line in transfer.lines if line.quantity}
    if command.lines is not None:
        named = _named(transfer, command.lines)
        if isinstance(named, Rejection):
            return named
        goes = named
    stays = {line.sku: line.quantity - goes.get(line.sku, 0) for line in transfer.lines}
    stays = {sku: units for sku, units in stays.items() if units}
    postings: list[Posting] = []
    for sku, units in goes.items():
        postings.append(Posting(sku, transfer.source, ALLOCATED, TRANSFER, units))
        postings.append(Posting(sku, transfer.target, TRANSFER, IN_TRANSIT, units))
    postings += [Posting(sku, transfer.source, ALLOCATED, AVAILABLE, units) for sku, units in stays.items()]
    left = tuple(TransferUnits(sku, units) for sku, units in stays.items())
    lost, anew = _without(state, transfer, stays, transfer.source, now_ns)
    return (*lost, TransferShipped(transfer.number, tuple(postings), left), *anew)


def _named(transfer: Transfer, lines: tuple[TransferQuantity, ...]) -> dict[str, int] | Rejection:
    """Units by SKU that leave, no more than were planned."""
    twice = refuse_named_twice(lines)
    if twice is not None:
        return twice
    for position, named in enumerate(lines):
        line = transfer.line_of(named.sku)
        if line is None:
            detail = f"the transfer has no {named.sku!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/sku", detail)
        if named.quantity > line.quantity:
            detail = f"{line.quantity} units of {named.sku!r} were planned"
            return Rejection.at(ResultCode.EXCEEDS_ALLOCATED, f"/lines/{position}/quantity", detail)
    return {named.sku: named.quantity for named in lines}


def decide_turn_back(state: State, command: TurnBackTransfer, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """What is under way goes back where it came from; what was promised of it is looked for elsewhere."""
    transfer = _under_way(state, command.transfer, "turn_back")
    if isinstance(transfer, Rejection):
        return transfer
    back = {line.sku: line.awaited for line in transfer.lines if line.awaited}
    postings: list[Posting] = []
    for sku, units in back.items():
        postings.append(Posting(sku, transfer.target, IN_TRANSIT, TRANSFER, units))
        postings.append(Posting(sku, transfer.source, TRANSFER, IN_TRANSIT, units))
    lost, anew = _without(state, transfer, back, transfer.source, now_ns)
    return (*lost, TransferTurnedBack(transfer.number, tuple(postings)), *anew)


def decide_receive(state: State, command: ReceiveTransfer, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take in what arrived. What is missing is lost unless more is to come; what is too much was there all along.

    What is lost or damaged of units that were promised to a pickup is looked for elsewhere. Of a transfer that ended
    with losses, what turns up after all is taken in by its lines.
    """
    transfer = _under_way(state, command.transfer, "receive")
    if isinstance(transfer, Rejection):
        return transfer
    if command.lines is None and transfer.state == RECEIVED:
        detail = "the transfer is received; name the `lines` of what has turned up of the lost units"
        return Rejection.at(ResultCode.INVALID_TRANSITION, "/lines", detail)
    arrived = _arrived(transfer, command)
    if isinstance(arrived, Rejection):
        return arrived
    lines, postings = [], []
    sound: list[InboundUnits] = []
    not_coming: dict[str, int] = {}
    reasons: dict[str, None] = {}
    inbound = None if transfer.turned_back else _coming(state, transfer)
    for line in transfer.lines:
        received, damaged = arrived[line.sku]
        found = min(received, line.lost) if transfer.state == RECEIVED else 0
        surplus = max(0, received - line.awaited - found)
        lost = 0 if command.more_to_come else max(0, line.awaited - received)
        if not (received or lost):
            continue
        lines.append(TransferArrival(line.sku, received, damaged, lost, surplus, found))
        if lost:
            reasons[SHORT] = None
        if surplus:
            reasons[OVER] = None
        broken = min(damaged, received - surplus)
        good = received - surplus - broken
        if good and inbound is not None:
            sound.append(InboundUnits(line.sku, good))
        if broken + lost:
            not_coming[line.sku] = broken + lost
        origin = LOSS if found else IN_TRANSIT
        moves = (
            (origin, AVAILABLE if inbound is None else SUPPLIER, good),
            (origin, UNSELLABLE, broken),
            (IN_TRANSIT, LOSS, lost),
            (ADJUSTMENT, AVAILABLE, surplus - (damaged - broken)),
            (ADJUSTMENT, UNSELLABLE, damaged - broken),
        )
        postings += [Posting(line.sku, transfer.goes_to, source, to, units) for source, to, units in moves if units]
    if not lines:
        return Rejection(ResultCode.INVALID_TRANSITION, "nothing arrived and more is to come, so that nothing changes")
    fact = TransferReceived(transfer.number, tuple(lines), " and ".join(reasons) or None, tuple(postings))
    if inbound is None:
        return (fact,)
    gone = _gone(inbound, not_coming, tuple(sound))
    came = received_inbound(state, inbound, tuple(sound), gone, now_ns)
    return (fact, *came, *bring_anew(state, came, None, now_ns))


def _arrived(transfer: Transfer, command: ReceiveTransfer) -> dict[str, tuple[int, int]] | Rejection:
    """Units by SKU that came, and the damaged ones among them."""
    if command.lines is None:
        return {line.sku: (line.awaited, 0) for line in transfer.lines}
    twice = refuse_named_twice(command.lines)
    if twice is not None:
        return twice
    arrived = {line.sku: (0, 0) for line in transfer.lines}
    for position, named in enumerate(command.lines):
        if named.sku not in arrived:
            detail = f"the transfer has no {named.sku!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/sku", detail)
        arrived[named.sku] = (named.received, named.damaged)
    return arrived


def decide_cancel(state: State, command: CancelTransfer, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Leave the units where they are. What they were promised to is looked for elsewhere, and not here again: an order
    that finds nothing waits on without a promise."""
    transfer = _under_way(state, command.transfer, "cancel")
    if isinstance(transfer, Rejection):
        return transfer
    units = {line.sku: line.quantity for line in transfer.lines if line.quantity}
    postings = tuple(Posting(sku, transfer.source, ALLOCATED, AVAILABLE, count) for sku, count in units.items())
    lost, anew = _without(state, transfer, units, transfer.source, now_ns)
    orders = orders_of(state, transfer)
    given_back_for = orders[0].number if orders else None
    return (*lost, TransferCancelled(transfer.number, postings, given_back_for), *anew)


def evolve_planned(state: State, fact: TransferPlanned) -> None:
    """Write down what is to go where."""
    state.ledger.post(fact.postings)
    lines = tuple(TransferLine(line.sku, line.quantity) for line in fact.lines)
    now_ns, expected_at_ns = state.time_ns, fact.expected_at_ns
    state.transfers.add(
        Transfer(fact.transfer, fact.source, fact.target, PLANNED, lines, expected_at_ns, now_ns, now_ns, fact.inbound)
    )


def evolve_lowered(state: State, fact: TransferLowered) -> None:
    """Write down what of it stays."""
    state.ledger.post(fact.postings)
    transfer = state.transfers.open[fact.transfer]
    for line in fact.lines:
        transfer.leave_behind(line.sku, line.quantity)


def evolve_shipped(state: State, fact: TransferShipped) -> None:
    """Write down that it left, and what did not."""
    state.ledger.post(fact.postings)
    transfer = state.transfers.open[fact.transfer]
    for line in fact.left_behind:
        transfer.leave_behind(line.sku, line.quantity)
    state.transfers.move(transfer, ON_THE_WAY, state.time_ns)


def evolve_turned_back(state: State, fact: TransferTurnedBack) -> None:
    """Write down that it goes back."""
    state.ledger.post(fact.postings)
    transfer = state.transfers.open[fact.transfer]
    transfer.turned_back, transfer.changed_at_ns = True, state.time_ns


def evolve_received(state: State, fact: TransferReceived) -> None:
    """Write down what arrived; with nothing left to come it has ended."""
    state.ledger.post(fact.postings)
    transfer = state.transfers.find(fact.transfer)
    assert transfer is not None
    for arrived in fact.lines:
        line = transfer.line_of(arrived.sku)
        assert line is not None
        line.received += arrived.received
        line.damaged += arrived.damaged
        line.lost += arrived.lost - arrived.found
    if transfer.state == ON_THE_WAY and not any(line.awaited for line in transfer.lines):
        state.transfers.move(transfer, RECEIVED, state.time_ns)


def evolve_cancelled(state: State, fact: TransferCancelled) -> None:
    """Write down that it stays; its node is not asked again for an order that it gave back."""
    state.ledger.post(fact.postings)
    transfer = state.transfers.open[fact.transfer]
    if fact.given_back_for is not None:
        order = state.orders.touch(fact.given_back_for)
        if transfer.source not in order.rejected_by:
            order.rejected_by.append(transfer.source)
    state.transfers.move(transfer, CANCELLED, state.time_ns)
