"""What nodes report of their work, step by step, and what suppliers confirm."""

from engine.commands.orders import AdvanceFulfilment, ConfirmFulfilment
from engine.facts.orders import ConfirmedLine, FulfilmentAdvanced, FulfilmentConfirmed
from engine.facts.postings import CUSTOMER, Posting
from engine.fulfilments.collecting import channel_until_ns, open_until_ns, refuse_past
from engine.fulfilments.work import freed, refuse_step, units_by_line
from engine.lifecycles import ACCEPTED, FULFILMENT, LEFT, OPEN, READY
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_fulfilment
from engine.state.orders import Fulfilment, Order
from engine.state.state import State

NO_FULFILMENT = Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment")


def open_work(state: State, number: int, action: str) -> tuple[Order, Fulfilment] | Rejection:
    """A fulfilment that a step may be taken with now, and its order; or why not."""
    order = find_by_fulfilment(state, number)
    if order is None:
        return NO_FULFILMENT
    fulfilment = order.fulfilment(number)
    return refuse_step(state, order, fulfilment, action) or (order, fulfilment)


def decide_advance(state: State, command: AdvanceFulfilment, now_ns: int) -> FulfilmentAdvanced | Rejection:
    """One or more steps forward. With the step by which they leave the node, units go off hand."""
    found = open_work(state, command.fulfilment, command.action)
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    after = FULFILMENT.target(command.action)
    past = refuse_past(command.collect_by_ns, now_ns)
    if past is not None:
        return past
    postings: tuple[Posting, ...] = ()
    if fulfilment.state in OPEN and after in LEFT:
        postings = freed(order, fulfilment, CUSTOMER)
    tracking = command.tracking
    return FulfilmentAdvanced(
        order.number,
        fulfilment.number,
        after,
        None if tracking is None else tracking.carrier,
        None if tracking is None else tracking.code,
        postings,
        _collect_by_ns(state, order, fulfilment, command, now_ns) if after == READY else None,
    )


def _collect_by_ns(state: State, order: Order, fulfilment: Fulfilment, command: AdvanceFulfilment, now_ns: int) -> int:
    """Until when ready goods wait: what was said now, with the order, or by the channel."""
    if command.collect_by_ns is not None:
        return open_until_ns(state, fulfilment.node, command.collect_by_ns)
    return order.collect_by_ns or channel_until_ns(state, order.channel, fulfilment.node, now_ns)


def evolve_advanced(state: State, fact: FulfilmentAdvanced) -> None:
    """Write down the step, and what left."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    fulfilment = order.fulfilment(fact.fulfilment)
    if fulfilment.state in OPEN and fact.state in LEFT:
        for take in fulfilment.lines:
            order.lines[take.line].allocated -= take.quantity
            order.lines[take.line].shipped += take.quantity
    if fact.collect_by_ns is not None:
        fulfilment.collect_by_ns = fact.collect_by_ns
        state.orders.note_dues(fulfilment)
    state.orders.move(fulfilment, fact.state, state.time_ns)
    if fact.carrier is not None:
        fulfilment.carrier, fulfilment.tracking_code = fact.carrier, fact.tracking_code


def decide_confirm(state: State, command: ConfirmFulfilment, now_ns: int) -> FulfilmentConfirmed | Rejection:
    """A supplier takes a purchase order on and says when each line will leave; lines not named leave as the others."""
    found = open_work(state, command.fulfilment, "confirm")
    if isinstance(found, Rejection):
        return found
    order, fulfilment = found
    dates: dict[int, int] = {}
    units = units_by_line(fulfilment.lines)
    for position, line in enumerate(command.lines):
        at = order.line_at(line.id)
        if at is None or at not in units:
            detail = f"the fulfilment has no line {line.id!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/id", detail)
        dates[at] = line.ships_at_ns
    return FulfilmentConfirmed(
        order.number, fulfilment.number, tuple(ConfirmedLine(at, ships_at_ns) for at, ships_at_ns in dates.items())
    )


def evolve_confirmed(state: State, fact: FulfilmentConfirmed) -> None:
    """Write down when it will leave: with the last of its lines. The time on the road stays what it was."""
    order = state.orders.touch(fact.order)
    fulfilment = order.fulfilment(fact.fulfilment)
    if fact.lines:
        ships_at_ns = max(line.ships_at_ns for line in fact.lines)
        if fulfilment.ships_at_ns is not None and fulfilment.delivers_at_ns is not None:
            fulfilment.delivers_at_ns += ships_at_ns - fulfilment.ships_at_ns
        state.orders.redate(fulfilment, ships_at_ns)
    state.orders.move(fulfilment, ACCEPTED, state.time_ns)
