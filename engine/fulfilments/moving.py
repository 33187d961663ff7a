"""Work moved to a node that somebody names, in one step or not at all."""

from engine.commands.orders import MoveFulfilment
from engine.facts.orders import FulfilmentMoved, Take
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.fulfilments.planning import plan_for_order
from engine.fulfilments.steps import open_work
from engine.fulfilments.work import evolve_add_fulfilments, take_away, units_by_line
from engine.results import Rejection, ResultCode
from engine.state.orders import Fulfilment, Order
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.request import Demand, Request
from engine.supply.terms import Terms

MOVED = "moved"


def decide_move(state: State, command: MoveFulfilment, now_ns: int) -> FulfilmentMoved | Rejection:
    """Take units from the node that has the work, and give them to the named one, if that can send all of them."""
    found = open_work(state, command.fulfilment, "move")
    if isinstance(found, Rejection):
        return found
    order, work = found
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    if command.node == work.node:
        return Rejection.at(ResultCode.INVALID_TRANSITION, "/node", f"it is at {command.node!r} already")
    units = _units(order, work, command)
    if isinstance(units, Rejection):
        return units
    demand = [Demand(order.lines[at].sku, n, command.node, order.lines[at].unit_price_minor) for at, n in units.items()]
    own: dict[tuple[str, str], int] = {}
    for at, count in units.items():
        key = (order.lines[at].sku, work.node)
        own[key] = own.get(key, 0) + count
    request = Request.of_order(order, units, (), tuple(own.items()), partial=False)
    request = request._replace(lines=demand, policy=None)
    terms, _ = terms_of(state, request, now_ns)
    refusal = refuse_node(state, terms, command.node, order.channel)
    if refusal is not None:
        return refusal
    given = supply(state, request, now_ns)
    if given.short:
        detail = f"{command.node!r} can't promise all of it, so that nothing is moved"
        return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(given.short))
    sources: dict[int, list[Source]] = {at: list(some) for at, some in zip(units, given.sources, strict=True)}
    planned = plan_for_order(state, order, state.orders.next_fulfilment, sources, given.slots, now_ns)
    postings = [Posting(order.lines[at].sku, work.node, ALLOCATED, AVAILABLE, n) for at, n in units.items()]
    postings += [Posting(order.lines[at].sku, command.node, AVAILABLE, ALLOCATED, n) for at, n in units.items()]
    takes = tuple(Take(at, count) for at, count in units.items())
    return FulfilmentMoved(order.number, work.number, work.node, takes, planned, tuple(postings))


def refuse_node(state: State, terms: Terms, node: str, channel: str) -> Rejection | None:
    """Why a node that is named can't send for a channel, whatever it has; None if it can."""
    node_at = state.ledger.node_index[node]
    if terms.served[node_at] and terms.table.ships[node_at]:
        return None
    detail = f"{node!r} sends nothing for channel {channel!r} now"
    return Rejection.at(ResultCode.INVALID_TRANSITION, "/node", detail)


def _units(order: Order, work: Fulfilment, command: MoveFulfilment) -> dict[int, int] | Rejection:
    """Units to move by line position: all of the work, or what is named of it."""
    there = units_by_line(work.lines)
    if command.lines is None:
        return there
    units: dict[int, int] = {}
    for position, line in enumerate(command.lines):
        at = order.line_at(line.line)
        if at is None or at not in there or at in units:
            detail = f"the fulfilment has no line {line.line!r}, or it is named twice"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/line", detail)
        if line.quantity > there[at]:
            detail = f"the fulfilment has {there[at]} units of line {line.line!r}"
            return Rejection.at(ResultCode.EXCEEDS_ALLOCATED, f"/lines/{position}/quantity", detail)
        units[at] = line.quantity
    return units


def evolve_moved(state: State, fact: FulfilmentMoved) -> None:
    """Write down who does it now. Work with nothing left is cancelled."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    work = order.fulfilment(fact.fulfilment)
    if units_by_line(work.lines) == units_by_line(fact.lines):
        work.reason = MOVED
    for take in fact.lines:
        order.lines[take.line].allocated -= take.quantity
        take_away(state, order, work, take.line, take.quantity)
    evolve_add_fulfilments(state, order, fact.fulfilments)
