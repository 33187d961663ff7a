"""Closed orders that something happens to: back into memory, as they were closed."""

from typing import get_args

from engine.facts import Fact
from engine.facts.orders import OrderPlaced, OrderReopened
from engine.state.orders import decode, encode
from engine.state.state import State

# The fields by which a fact names orders that it is written down in.
ORDERS_OF = {
    kind: names
    for kind in get_args(Fact)
    if (names := tuple(name for name in ("order", "to_order") if name in kind.__struct_fields__))
}


def with_reopened(state: State, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """The facts of a record, with each closed order brought back into memory before the first fact about it."""
    is_open, placed = state.orders.open, ""
    for fact in facts:
        if isinstance(fact, OrderPlaced):
            placed = fact.order
            continue
        for name in ORDERS_OF.get(type(fact), ()):
            number = getattr(fact, name)
            if number not in is_open and number != placed:
                return _with_reopened(state, facts)
    return facts


def _with_reopened(state: State, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    found: list[Fact] = []
    seen: dict[str | None, None] = {None: None}  # a voucher is booked for no order
    for fact in facts:
        for name in ORDERS_OF.get(type(fact), ()):
            number = getattr(fact, name)
            if number not in seen and not isinstance(fact, OrderPlaced | OrderReopened):
                found += reopening(state, number)
            seen[number] = None
        found.append(fact)
    return tuple(found)


def reopening(state: State, number: str) -> tuple[Fact, ...]:
    """The fact that brings a closed order back into memory; nothing for an open one."""
    order = None if number in state.orders.open else state.closed.order(number)
    return () if order is None else (OrderReopened(number, encode(order)),)


def evolve_reopened(state: State, fact: OrderReopened) -> None:
    """Back into memory as it was closed; it leaves again at the end of the record unless something is open by then."""
    state.orders.add(decode(fact.state))
    state.orders.touch(fact.order)
    state.closed.reopened(fact.order)


def close_touched(state: State) -> None:
    """At the end of a record: note its seq in the history of each order it touched, let closed ones leave memory."""
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
