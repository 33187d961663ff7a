"""Orders of marketplaces: every update states the whole order again, and the newest statement wins."""

from engine.commands.orders import CancelOrder, OrderLineRequest, RestateOrder
from engine.configuration.known_skus import refuse_unknown_skus
from engine.facts import Fact
from engine.facts.orders import ChangeBody, ChangeProposed, OrderRestated, PlacedLine, Quantity
from engine.fulfilments.work import order_traits
from engine.lifecycles import ORDER
from engine.money.charging import growth_minor
from engine.orders.cancelling import decide_cancel
from engine.orders.changes import carry_out
from engine.orders.placing import decide_place
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import Order
from engine.state.state import State

RESTATED = "restated"


def decide_restate(state: State, command: RestateOrder, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Place what is new, change what is different, cancel what is called off; what is no newer changes nothing."""
    placing = command.order
    order = find_order(state, placing.number)
    said = OrderRestated(placing.number, command.stated_at_ns)
    if order is None:
        if command.cancelled:
            return Rejection(ResultCode.NOT_FOUND, "there is no such order, so that nothing is called off")
        placed = decide_place(state, placing, now_ns)
        return placed if isinstance(placed, Rejection) else (*placed, said)
    if order.channel != placing.channel:
        detail = f"order {order.number!r} is of channel {order.channel!r}"
        return Rejection(ResultCode.ORDER_NUMBER_TAKEN, detail)
    if order.stated_at_ns is not None and command.stated_at_ns <= order.stated_at_ns:
        return ()
    unknown = refuse_unknown_skus(state, placing.lines)
    if unknown is not None:
        return unknown
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
    facts = carry_out(state, order, number, body, now_ns)
    if isinstance(facts, Rejection):
        return facts
    proposed = ChangeProposed(order.number, number, RESTATED, body, (), growth_minor(state, order, body, now_ns))
    return (proposed, *facts, said)


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
    quantities = []
    for at, line in enumerate(order.lines):
        now = stated.pop(line.id, None)
        if now is not None and now.sku != line.sku:
            detail = f"line {line.id!r} is {line.sku!r}; another SKU needs another line id"
            return Rejection(ResultCode.INVALID_TRANSITION, detail)
        quantity = line.shipped + line.cancelled if now is None else now.quantity
        if quantity != line.quantity:
            quantities.append(Quantity(at, quantity, line.quantity))
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


def evolve_restated(state: State, fact: OrderRestated) -> None:
    """Write down how new the last statement is."""
    state.orders.touch(fact.order).stated_at_ns = fact.stated_at_ns
