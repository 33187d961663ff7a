"""Orders and reservations, wherever they are: in memory, or closed."""

from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.state.state import State


def find_order(state: State, number: str) -> Order | None:
    """An open or closed order. What comes from the closed table is a copy; changing it changes nothing."""
    return state.orders.open.get(number) or state.closed.order(number)


def find_by_fulfilment(state: State, fulfilment: int) -> Order | None:
    """The open or closed order a fulfilment belongs to."""
    number = state.orders.order_of_fulfilment.get(fulfilment)
    return state.orders.open[number] if number is not None else state.closed.order_by_fulfilment(fulfilment)


def find_by_return(state: State, return_id: int) -> Order | None:
    """The open or closed order a return belongs to."""
    number = state.orders.order_of_return.get(return_id)
    return state.orders.open[number] if number is not None else state.closed.order_by_return(return_id)


def find_by_change(state: State, change: int) -> Order | None:
    """The open or closed order a change belongs to."""
    number = state.orders.order_of_change.get(change)
    return state.orders.open[number] if number is not None else state.closed.order_by_change(change)


def find_reservation(state: State, number: int) -> Reservation | None:
    """An active or ended reservation, or None if there never was one."""
    return state.reservations.active.get(number) or state.closed.reservation(number)
