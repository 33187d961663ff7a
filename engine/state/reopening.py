"""Closed orders that something happens to: back into memory, as they were closed."""

from engine.facts import Fact
from engine.facts.orders import OrderReopened
from engine.state.orders import Order, decode, encode
from engine.state.state import State


def reopening(state: State, order: Order) -> tuple[Fact, ...]:
    """The fact that brings a closed order back into memory; nothing for an open one."""
    return () if order.number in state.orders.open else (OrderReopened(order.number, encode(order)),)


def evolve_reopened(state: State, fact: OrderReopened) -> None:
    """Back into memory as it was closed; it leaves again at the end of the record unless something is open by then."""
    state.orders.add(decode(fact.state))
    state.orders.touch(fact.order)
    state.closed.reopened(fact.order)


def close_touched(state: State) -> None:
    """At the end of a record: note its seq in the history of every order it touched, and let closed ones leave memory."""
    orders = state.orders
    if not orders.touched:
        return
    for number in dict.fromkeys(orders.touched):
        order = orders.open[number]
        order.history.append(state.seq)
        if not order.open:
            orders.remove(order)
            state.closed.add_order(order)
    orders.touched.clear()
