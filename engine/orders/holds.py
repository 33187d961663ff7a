"""Business stops on an order, and what customer service writes down about it."""

from engine import limits
from engine.commands.orders import AppeaseCustomer, HoldOrder, LiftHold, NoteOrder
from engine.facts.orders import HoldLifted, OrderAppeased, OrderHeld, OrderNoted, ReleasedFulfilment
from engine.fulfilments.work import accept_by_ns, order_traits
from engine.lifecycles import HELD, ORDER, RELEASED
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import RELEASE, Hold, Order
from engine.state.state import State

NO_ORDER = Rejection(ResultCode.NOT_FOUND, "there is no such order")
NO_HOLD = Rejection(ResultCode.NOT_FOUND, "the order has no such hold")


def decide_hold(state: State, command: HoldOrder, now_ns: int) -> OrderHeld | Rejection:
    """Stop an order. Work that no node has accepted comes back from the lists until the last such hold is lifted."""
    order = find_order(state, command.order)
    if order is None:
        return NO_ORDER
    refusal = ORDER.refusal(order.state, "hold", order_traits(order))
    if refusal is not None:
        return refusal
    if any(hold.handle == command.handle for hold in order.holds):
        return Rejection.at(ResultCode.IN_USE, "/handle", f"the order has a hold {command.handle!r} already")
    if len(order.holds) >= limits.ORDER_HOLDS_MAX:
        return Rejection(ResultCode.INVALID_TRANSITION, f"{limits.ORDER_HOLDS_MAX} holds are all an order takes")
    return held(order, command)


def held(order: Order, command: HoldOrder) -> OrderHeld:
    """The fact of a hold on an order as it is."""
    recalled = [f.number for f in order.fulfilments if f.state == RELEASED] if command.scope == RELEASE else []
    return OrderHeld(order.number, command.handle, command.reason, command.scope, tuple(recalled))


def evolve_held(state: State, fact: OrderHeld) -> None:
    """Write down the hold, and take back what no node has accepted."""
    order = state.orders.touch(fact.order)
    order.holds.append(Hold(fact.handle, fact.reason, fact.scope, state.time_ns))
    for number in fact.recalled:
        fulfilment = order.fulfilment(number)
        fulfilment.accept_by_ns = None
        state.orders.move(fulfilment, HELD, state.time_ns)


def decide_lift(state: State, command: LiftHold, now_ns: int) -> HoldLifted | Rejection:
    """Take one hold away; with the last that stops the release, work goes to the nodes."""
    order = find_order(state, command.order)
    if order is None:
        return NO_ORDER
    if not any(hold.handle == command.handle for hold in order.holds):
        return NO_HOLD
    return lifted(state, order, command.handle, now_ns)


def lifted(state: State, order: Order, handle: str, now_ns: int) -> HoldLifted:
    """The fact that a hold of an order has gone."""
    others = [hold for hold in order.holds if hold.handle != handle]
    released: tuple[ReleasedFulfilment, ...] = ()
    if not any(hold.scope == RELEASE for hold in others):
        released = tuple(
            ReleasedFulfilment(f.number, accept_by_ns(state, f.node, now_ns))
            for f in order.fulfilments
            if f.state == HELD
        )
    return HoldLifted(order.number, handle, released)


def evolve_lifted(state: State, fact: HoldLifted) -> None:
    """Write down that it is gone, and hand out what it kept back."""
    order = state.orders.touch(fact.order)
    order.holds = [hold for hold in order.holds if hold.handle != fact.handle]
    for entry in fact.released:
        fulfilment = order.fulfilment(entry.fulfilment)
        fulfilment.accept_by_ns = entry.accept_by_ns
        state.orders.move(fulfilment, RELEASED, state.time_ns)
        state.orders.note_dues(fulfilment)


def decide_note(state: State, command: NoteOrder, now_ns: int) -> OrderNoted | Rejection:
    """Write something down about an order."""
    order = find_order(state, command.order)
    if order is None:
        return NO_ORDER
    return OrderNoted(order.number, command.text)


def decide_appease(state: State, command: AppeaseCustomer, now_ns: int) -> OrderAppeased | Rejection:
    """Promise the customer money after the fact."""
    order = find_order(state, command.order)
    if order is None:
        return NO_ORDER
    refusal = ORDER.refusal(order.state, "appease", order_traits(order))
    if refusal is not None:
        return refusal
    if order.money is not None and command.amount_minor > order.money.due_minor:
        detail = f"no more than {order.money.due_minor} minor units are paid or due for this order"
        return Rejection.at(ResultCode.EXCEEDS_AUTHORISED, "/amount_minor", detail)
    return OrderAppeased(order.number, command.amount_minor, command.reason)


def evolve_noted(state: State, fact: OrderNoted) -> None:
    """It is in the order's history; nothing else changes."""
    state.orders.touch(fact.order)


def evolve_appeased(state: State, fact: OrderAppeased) -> None:
    """The customer has so much less to pay; without prices it is only in the order's history."""
    money = state.orders.touch(fact.order).money
    if money is not None:
        money.appeased_minor += fact.amount_minor
