"""Returns to stock: shipped units may come back, arrive in parts, and go where their disposition says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.orders import AuthoriseReturn, CancelReturn, ReceiveReturn
from engine.facts import Fact, ReturnAuthorised, ReturnCancelled, ReturnReceived
from engine.facts.orders import ReturnedLine
from engine.facts.postings import AVAILABLE, CUSTOMER, LOSS, UNSELLABLE, Posting
from engine.orders import Order, Return, ReturnLine, find, find_by_return
from engine.reopening import reopening
from engine.results import Rejection, ResultCode

if TYPE_CHECKING:
    from engine.state import State

AUTHORISED, RECEIVED, CANCELLED = "authorised", "received", "cancelled"
ACCOUNT_OF = {"restock": AVAILABLE, "quarantine": UNSELLABLE, "scrap": LOSS}


def returnable(order: Order, at: int) -> int:
    """Units of a line that shipped, did not come back, and are not announced by an open return."""
    return order.lines[at].shipped - order.lines[at].returned - order.units_announced()[at]


def decide_authorise(state: State, command: AuthoriseReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Agree to a return of shipped units."""
    order = find(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    wanted: dict[int, int] = {}
    lines = []
    for position, asked in enumerate(command.lines):
        at = order.line_at(asked.id)
        if at is None:
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/id", f"the order has no line {asked.id!r}")
        wanted[at] = wanted.get(at, 0) + asked.quantity
        if wanted[at] > returnable(order, at):
            detail = f"{returnable(order, at)} units of line {asked.id!r} can be returned"
            return Rejection.at(ResultCode.EXCEEDS_RETURNABLE, f"/lines/{position}/quantity", detail)
        lines.append(ReturnedLine(at, asked.quantity, asked.reason))
    return (*reopening(state, order), ReturnAuthorised(order.number, state.orders.next_return, tuple(lines)))


def decide_receive(state: State, command: ReceiveReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take announced units back at a node."""
    order = find_by_return(state, command.return_id)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such return")
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    agreed = next(r for r in order.returns if r.number == command.return_id)
    if not agreed.open:
        return Rejection(ResultCode.INVALID_TRANSITION, f"the return is {agreed.state}")
    open_units = _open_units(agreed)
    lines, postings = [], []
    for position, arrived in enumerate(command.lines):
        at = order.line_at(arrived.id)
        if at is None or at not in open_units:
            return Rejection.at(
                ResultCode.UNKNOWN_LINE, f"/lines/{position}/id", f"the return has no line {arrived.id!r}"
            )
        open_units[at] -= arrived.quantity
        if open_units[at] < 0:
            detail = f"fewer than {arrived.quantity} units of line {arrived.id!r} are still expected"
            return Rejection.at(ResultCode.EXCEEDS_RETURNABLE, f"/lines/{position}/quantity", detail)
        lines.append(ReturnedLine(at, arrived.quantity, arrived.disposition))
        target = ACCOUNT_OF[arrived.disposition]
        postings.append(Posting(order.lines[at].sku, command.node, CUSTOMER, target, arrived.quantity))
    received = ReturnReceived(order.number, command.return_id, command.node, tuple(lines), tuple(postings))
    return (*reopening(state, order), received)


def _open_units(agreed: Return) -> dict[int, int]:
    units: dict[int, int] = {}
    for line in agreed.lines:
        units[line.line] = units.get(line.line, 0) + line.quantity - line.received
    return units


def decide_cancel(state: State, command: CancelReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Expect nothing more of a return."""
    order = find_by_return(state, command.return_id)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such return")
    agreed = next(r for r in order.returns if r.number == command.return_id)
    if not agreed.open:
        return Rejection(ResultCode.INVALID_TRANSITION, f"the return is {agreed.state}")
    return (*reopening(state, order), ReturnCancelled(order.number, command.return_id))


def evolve_authorised(state: State, fact: ReturnAuthorised) -> None:
    """Write down the agreement."""
    order = state.orders.touch(fact.order)
    lines = tuple(ReturnLine(line.line, line.quantity, line.reason) for line in fact.lines)
    order.returns.append(Return(fact.return_id, AUTHORISED, lines, state.time_ns))
    state.orders.order_of_return[fact.return_id] = order.number
    state.orders.next_return = fact.return_id + 1


def evolve_received(state: State, fact: ReturnReceived) -> None:
    """Write down what came back; a return with nothing left to arrive is received."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    agreed = next(r for r in order.returns if r.number == fact.return_id)
    for arrived in fact.lines:
        order.lines[arrived.line].returned += arrived.quantity
        left = arrived.quantity
        for line in agreed.lines:
            if line.line == arrived.line:
                units = min(left, line.quantity - line.received)
                line.received += units
                left -= units
        assert left == 0
    if not any(_open_units(agreed).values()):
        agreed.state = RECEIVED


def evolve_cancelled(state: State, fact: ReturnCancelled) -> None:
    """Write down that the rest will not come. What had come stays."""
    order = state.orders.touch(fact.order)
    agreed = next(r for r in order.returns if r.number == fact.return_id)
    agreed.state = RECEIVED if any(line.received for line in agreed.lines) else CANCELLED
