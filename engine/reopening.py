"""Closed orders that something happens to: back into memory, as they were closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.facts import Fact, OrderReopened
from engine.orders import Order, decode, encode

if TYPE_CHECKING:
    from engine.state import State


def reopening(state: State, order: Order) -> tuple[Fact, ...]:
    """The fact that brings a closed order back into memory; nothing for an open one."""
    return () if order.number in state.orders.open else (OrderReopened(order.number, encode(order)),)


def evolve_reopened(state: State, fact: OrderReopened) -> None:
    """Back into memory as it was closed; it leaves again at the end of the record unless something is open by then."""
    state.orders.add(decode(fact.state))
    state.orders.touch(fact.order)
    state.closed.reopened(fact.order)
