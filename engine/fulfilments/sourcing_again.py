"""Sourcing units of an order again: what a node gave back, what waits, what was added."""

from engine.commands.orders import SourceOrderAgain
from engine.facts.orders import OrderSourced, Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.fulfilments.planning import plan_fulfilments
from engine.fulfilments.work import evolve_add_fulfilments, evolve_waiting
from engine.lifecycles import ORDER
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import Order
from engine.state.state import State
from engine.supply.plan import supply
from engine.supply.request import Demand, Request


class Found:
    """Where units of an order can come from: sources by line position, and what binds them."""

    def __init__(
        self, order: Order, sources: dict[int, list[Source]], slots: tuple[Slot, ...], decision: Decision | None
    ) -> None:
        self.sources, self.slots, self.decision = sources, slots, decision
        self.units = {at: sum(source.quantity for source in given) for at, given in sources.items()}
        self.postings = tuple(
            Posting(order.lines[at].sku, source.node, AVAILABLE, ALLOCATED, source.quantity)
            for at, given in sources.items()
            for source in given
        )


def find_nodes(state: State, order: Order, missing: dict[int, int], excluded: list[str], now_ns: int) -> Found:
    """Nodes for units by line position. What is picked up comes from its node or from none."""
    node, lines = order.pickup_node, order.lines
    if node is not None and node in excluded:
        return Found(order, {at: [] for at in missing}, (), None)
    demand = [Demand(lines[at].sku, quantity, node, lines[at].unit_price_minor) for at, quantity in missing.items()]
    request = Request(
        order.channel, demand, order.area, order.way, order.customer_group, True, tuple(excluded), inbound=False
    )
    found, _, slots, decision = supply(state, request, now_ns)
    return Found(order, {at: list(given) for at, given in zip(missing, found, strict=True)}, slots, decision)


def source_lines(state: State, order: Order, missing: dict[int, int], excluded: list[str], now_ns: int) -> OrderSourced:
    """Find nodes for `missing` units by line position. What finds none is backordered, or left for a person to decide."""
    found = find_nodes(state, order, missing, excluded, now_ns)
    waiting = []
    for at, quantity in missing.items():
        line = order.lines[at]
        short = quantity - found.units[at]
        if short:
            later = state.configuration.items[line.sku].backorderable
            waiting.append(
                Waiting(
                    at,
                    line.backordered + (short if later else 0),
                    line.unsourceable + (0 if later else short),
                    line.claims,
                )
            )
    planned = plan_fulfilments(state, state.orders.next_fulfilment, found.sources, found.slots, now_ns)
    return OrderSourced(order.number, planned, tuple(waiting), found.postings, found.decision)


def decide_source_again(state: State, command: SourceOrderAgain, now_ns: int) -> OrderSourced | Rejection:
    """Look again for what waits or was left for a person; what was left for a person is served first.

    Units that were promised from inbound wait for it.
    """
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    missing = {at: line.backordered - line.claimed + line.unsourceable for at, line in enumerate(order.lines)}
    missing = {at: quantity for at, quantity in missing.items() if quantity}
    refusal = ORDER.refusal(order.state, "source_again")
    if refusal is not None:
        return refusal
    if not missing:
        return Rejection(ResultCode.INVALID_TRANSITION, "what this order waits for was promised from inbound")
    found = find_nodes(state, order, missing, order.rejected_by, now_ns)
    if not found.postings:
        return Rejection(ResultCode.INSUFFICIENT_STOCK, "still no node has stock for this order")
    waiting = []
    for at, units in found.units.items():
        line = order.lines[at]
        from_unsourceable = min(units, line.unsourceable)
        waiting.append(
            Waiting(
                at, line.backordered - (units - from_unsourceable), line.unsourceable - from_unsourceable, line.claims
            )
        )
    planned = plan_fulfilments(state, state.orders.next_fulfilment, found.sources, found.slots, now_ns)
    return OrderSourced(order.number, planned, tuple(waiting), found.postings, found.decision)


def evolve_sourced(state: State, fact: OrderSourced) -> None:
    """Write down new work for nodes, and what waits on."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    evolve_add_fulfilments(state, order, fact.fulfilments)
    evolve_waiting(state, order, fact.waiting)
