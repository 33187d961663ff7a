"""Orders of marketplaces: every update states the whole order again, and the newest statement wins."""

from msgspec.structs import replace

from engine import limits
from engine.commands.orders import CancelOrder, OrderLineRequest, RestateOrder
from engine.configuration.known_skus import refuse_unknown_skus
from engine.facts import Fact
from engine.facts.orders import (
    ChangeBody,
    ChangeProposed,
    OrderRestated,
    PlacedLine,
    Quantity,
    StatedLine,
    StatementKept,
)
from engine.fulfilments.work import order_traits
from engine.lifecycles import ORDER
from engine.limits import NS_PER_SECOND
from engine.money.charging import growth_minor
from engine.orders.cancelling import decide_cancel
from engine.orders.changes import carry_out
from engine.orders.placing import decide_place
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import Order, OrderLine
from engine.state.state import State
from engine.state.statements import Statement

RESTATED = "restated"


def decide_restate(state: State, command: RestateOrder, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Place what is new, change what is different, cancel what is called off; what is no newer changes nothing.

    What a marketplace states was sold: it is kept though it can't be promised, and waits for stock or for a person.
    """
    placing = command.order
    if command.stated_at_ns > now_ns + limits.STATED_AHEAD_SECONDS_MAX * NS_PER_SECOND:
        detail = "this is days ahead: no statement made until then would count; set the clock that says so right"
        return Rejection.at(ResultCode.MALFORMED_REQUEST, "/stated_at", detail)
    order = find_order(state, placing.number)
    if order is None:
        return _first(state, command, now_ns)
    if order.channel != placing.channel:
        detail = f"order {order.number!r} is of channel {order.channel!r}"
        return Rejection(ResultCode.ORDER_NUMBER_TAKEN, detail)
    if not _counts(order, command, now_ns):
        return ()
    unknown = refuse_unknown_skus(state, placing.lines)
    if unknown is not None:
        return unknown
    said = _said(command)
    if command.cancelled:
        return _called_off(state, order, said, now_ns)
    body = _difference(order, placing.lines, command)
    if isinstance(body, Rejection):
        return body
    if body is None:
        return (said,)
    refusal = ORDER.refusal(order.state, "change", order_traits(order))
    if refusal is not None:
        return refusal
    number = state.seq + 1
    facts = carry_out(state, order, number, body, now_ns, sold=True)
    if isinstance(facts, Rejection):
        return facts
    proposed = ChangeProposed(order.number, number, RESTATED, body, (), growth_minor(state, order, body, now_ns))
    return (proposed, *facts, said)


def _said(command: RestateOrder) -> OrderRestated:
    lines = () if command.cancelled else tuple(StatedLine(line.id, line.quantity) for line in command.order.lines)
    placing = command.order
    return OrderRestated(placing.number, command.stated_at_ns, (), lines, command.cancelled, placing.contact)


def _counts(order: Order, command: RestateOrder, now_ns: int) -> bool:
    """Whether a statement is newer than the last one. Of two of one time the cancellation is: nobody sells again what
    was called off in the same second. A time that has not come by far was a wrong clock's."""
    newest_ns = order.stated_at_ns
    if newest_ns is None or newest_ns > now_ns + limits.STATED_AHEAD_SECONDS_MAX * NS_PER_SECOND:
        return True
    if command.stated_at_ns == newest_ns:
        return command.cancelled and not order.stated_cancelled
    return command.stated_at_ns > newest_ns


def is_ignored(order: Order | None, kept: Statement | None, command: RestateOrder) -> bool:
    """Whether a statement did not count, given what is known after it: a newer one says something else."""
    newest_ns = kept.stated_at_ns if order is None and kept is not None else order.stated_at_ns if order else None
    if newest_ns is None or command.stated_at_ns > newest_ns:
        return False
    if command.stated_at_ns < newest_ns:
        return True
    if order is None or order.stated_cancelled:
        return not command.cancelled
    return command.cancelled or order.stated != _said(command).lines


def _first(state: State, command: RestateOrder, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """A statement about a number nobody knows. A cancellation that was quicker than its order is kept for it."""
    placing = command.order
    kept = state.statements.of(placing.channel, placing.number)
    off = command.cancelled or (kept is not None and command.stated_at_ns <= kept.stated_at_ns)
    if off and not placing.lines:
        if placing.channel not in state.configuration.channels:
            return Rejection.at(ResultCode.UNKNOWN_CHANNEL, "/channel", f"there is no channel {placing.channel!r}")
        if kept is not None and command.stated_at_ns <= kept.stated_at_ns:
            return ()
        return (StatementKept(placing.number, placing.channel, command.stated_at_ns),)
    placed = decide_place(state, replace(placing, sold=True, called_off=off, priced=placing.priced and not off), now_ns)
    if isinstance(placed, Rejection):
        return placed
    said = _said(command)
    if off and kept is not None and kept.stated_at_ns >= command.stated_at_ns:
        said = OrderRestated(placing.number, kept.stated_at_ns, (), (), True)
    return (*placed, said)


def _called_off(state: State, order: Order, said: OrderRestated, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Everything that has not left."""
    if not order.open:
        return (said,)
    cancelled = decide_cancel(state, CancelOrder(order.number, RESTATED), now_ns)
    return cancelled if isinstance(cancelled, Rejection) else (cancelled, said)


def _difference(
    order: Order, lines: tuple[OrderLineRequest, ...], command: RestateOrder
) -> ChangeBody | Rejection | None:
    """What the statement changes; None for nothing. Lines it does not name any more get nothing left to send."""
    stated = {line.id: line for line in lines}
    before = {line.id: line.quantity for line in order.stated or order.lines}
    quantities = []
    for at, line in enumerate(order.lines):
        now = stated.pop(line.id, None)
        if now is not None and now.sku != line.sku:
            detail = f"line {line.id!r} is {line.sku!r}; another SKU needs another line id"
            return Rejection(ResultCode.INVALID_TRANSITION, detail)
        if now is None and line.id not in before:
            continue  # the merchant's own
        quantity = _in_all(line, before.get(line.id, line.quantity), None if now is None else now.quantity)
        if quantity != line.quantity:
            quantities.append(Quantity(at, quantity, line.quantity, line.ended))
    added = tuple(PlacedLine(line.id, line.sku, line.quantity, line.unit_price_minor, 0) for line in stated.values())
    moved = command.new_address
    if not (quantities or added or moved):
        return None
    placing = command.order
    return ChangeBody(
        tuple(quantities),
        added,
        placing.area if moved else None,
        placing.party if moved else None,
        placing.contact if moved else None,
    )


def _in_all(line: OrderLine, before: int, now: int | None) -> int:
    """Units in all that a line is to have, of which the marketplace knew `before` and knows `now` (None: it is gone).

    Only what is different for the marketplace counts: what the merchant cancelled or changed himself stays so.
    """
    if now is None:
        return line.shipped + line.cancelled
    goes = line.quantity - line.cancelled
    if now >= before:
        return goes + now - before + line.cancelled
    return min(goes, max(now, goes - (before - now))) + line.cancelled


def evolve_restated(state: State, fact: OrderRestated) -> None:
    """Write down how new the last statement is, and what it said."""
    order = state.orders.touch(fact.order)
    order.stated_at_ns, order.stated, order.stated_cancelled = fact.stated_at_ns, fact.lines, fact.cancelled
    order.stated_contact = fact.contact or order.stated_contact
    state.statements.forget(order.channel, order.number)


def evolve_kept(state: State, fact: StatementKept) -> None:
    """Write down what was called off before it came."""
    state.statements.keep(Statement(fact.number, fact.channel, fact.stated_at_ns))
