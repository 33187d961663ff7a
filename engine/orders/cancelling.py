"""Cancelling orders: whole or in part, and what then happens to their units."""

from typing import NamedTuple

from msgspec.structs import replace

from engine.commands.orders import CancelLine, CancelOrder
from engine.facts.orders import (
    Claim,
    FulfilmentTake,
    OrderCancelled,
    Take,
    Waiting,
)
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, INBOUND_ALLOCATED, Posting
from engine.fulfilments.work import evolve_waiting, order_traits, take_away
from engine.lifecycles import OPEN, ORDER
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import Order, OrderLine
from engine.state.state import State


def decide_cancel(state: State, command: CancelOrder, now_ns: int) -> OrderCancelled | Rejection:
    """Cancel what has not shipped: first what waits, then what nodes hold, youngest fulfilment first."""
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    wanted = _wanted_cancellations(order, command.lines)
    if isinstance(wanted, Rejection):
        return wanted
    lines = tuple(Take(at, quantity) for at, quantity in wanted.items())
    return OrderCancelled(order.number, command.reason, lines, *given_up(order, wanted))


class GivenUp(NamedTuple):
    """Units that an order does without: those taken from nodes, what its lines wait for then, and the postings."""

    taken: tuple[FulfilmentTake, ...]
    waiting: tuple[Waiting, ...]
    postings: tuple[Posting, ...]


NOTHING = GivenUp((), (), ())


def given_up(order: Order, wanted: dict[int, int]) -> GivenUp:
    """Units by line position that are open: first those that wait, then what nodes hold, youngest fulfilment first."""
    taken: list[FulfilmentTake] = []
    waiting: list[Waiting] = []
    postings: list[Posting] = []
    for at, quantity in wanted.items():
        line = order.lines[at]
        unsourceable = min(line.unsourceable, quantity)
        backordered = min(line.backordered, quantity - unsourceable)
        left = quantity - unsourceable - backordered
        if unsourceable or backordered:
            kept, freed = fewer_claims(line, line.backordered - backordered)
            postings += freed
            waiting.append(Waiting(at, line.backordered - backordered, line.unsourceable - unsourceable, kept))
        for fulfilment in reversed(order.fulfilments):
            if fulfilment.state not in OPEN or not left:
                continue
            units = min(left, sum(take.quantity for take in fulfilment.lines if take.line == at))
            if units:
                taken.append(FulfilmentTake(fulfilment.number, at, units))
                postings.append(Posting(line.sku, fulfilment.node, ALLOCATED, AVAILABLE, units))
                left -= units
        assert left == 0
    return GivenUp(tuple(taken), tuple(waiting), tuple(postings))


def fewer_claims(line: OrderLine, backordered: int) -> tuple[tuple[Claim, ...], list[Posting]]:
    """The claims of a line once only so many units are backordered, the first ones, and what gives up the others."""
    kept: list[Claim] = []
    postings = []
    for claim in line.claims:
        units = min(backordered, claim.quantity)
        backordered -= units
        if units:
            kept.append(replace(claim, quantity=units))
        if claim.quantity > units:
            left = claim.quantity - units
            postings.append(Posting(line.sku, claim.node, INBOUND_ALLOCATED, INBOUND, left))
    return tuple(kept), postings


def _wanted_cancellations(order: Order, lines: tuple[CancelLine, ...] | None) -> dict[int, int] | Rejection:
    """Units to cancel by line position."""
    if lines is None:
        everything = {at: line.open for at, line in enumerate(order.lines) if line.open}
        return ORDER.refusal(order.state, "cancel", order_traits(order)) or everything
    wanted: dict[int, int] = {}
    for position, asked in enumerate(lines):
        at = order.line_at(asked.id)
        if at is None:
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/id", f"the order has no line {asked.id!r}")
        wanted[at] = wanted.get(at, 0) + asked.quantity
        if wanted[at] > order.lines[at].open:
            detail = f"line {asked.id!r} has {order.lines[at].open} units that are neither shipped nor cancelled"
            return Rejection.at(ResultCode.EXCEEDS_CANCELLABLE, f"/lines/{position}/quantity", detail)
    return wanted


def evolve_cancelled(state: State, fact: OrderCancelled) -> None:
    """Write down what was cancelled; a fulfilment with nothing left is cancelled too."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    for take in fact.lines:
        order.lines[take.line].cancelled += take.quantity
    for taken in fact.taken:
        order.lines[taken.line].allocated -= taken.quantity
        take_away(state, order, order.fulfilment(taken.fulfilment), taken.line, taken.quantity)
    evolve_waiting(state, order, fact.waiting)
