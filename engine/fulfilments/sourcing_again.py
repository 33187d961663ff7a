"""Sourcing units of an order again: what a node gave back, what waits, what was added."""

from engine.commands.orders import SourceOrderAgain
from engine.facts.orders import OrderSourced, Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.fulfilments.beside_work import Held, sources_beside
from engine.fulfilments.passing_on import pass_on
from engine.fulfilments.planning import plan_for_order, plan_fulfilments
from engine.fulfilments.waiting import given_units, moved_claims, units_waiting
from engine.fulfilments.work import evolve_add_fulfilments, evolve_waiting
from engine.lifecycles import ORDER
from engine.results import FieldError, Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import Order
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.request import Request


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
    if order.pickup_node is not None and order.pickup_node in excluded:
        return Found(order, {at: [] for at in missing}, (), None)
    found, _, slots, decision = supply(state, Request.of_order(order, missing, excluded), now_ns)
    return Found(order, {at: list(given) for at, given in zip(missing, found, strict=True)}, slots, decision)


def source_lines(state: State, order: Order, missing: dict[int, int], excluded: list[str], now_ns: int) -> OrderSourced:
    """Find nodes for `missing` units by line position. What finds none is backordered, or left to a person."""
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


def decide_source_again(state: State, command: SourceOrderAgain, now_ns: int) -> tuple[OrderSourced, ...] | Rejection:
    """Look again for what waits or was left for a person; what was left for a person is served first.

    A person asks, so the rules of the channel count as they are today. Units that another node brings wait for it.
    """
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    refusal = ORDER.refusal(order.state, "source_again") or _unknown_nodes(state, command.nodes)
    if refusal is not None:
        return refusal
    missing = units_waiting(state, order)
    if not missing:
        return Rejection(ResultCode.INVALID_TRANSITION, "what this order waits for is on its way from another node")
    excluded = [] if command.also_rejected_by else list(order.given_back_by)
    if command.nodes is not None:
        excluded += [node for node in state.ledger.nodes if node not in command.nodes]
    request = Request.of_order(order, missing, excluded)._replace(policy=None)
    terms, _ = terms_of(state, request, now_ns)
    found = sources_beside(state, Held.of_order(order), terms, request, missing, now_ns)
    if not found.sources:
        return _nothing_found(order, command)
    plainly = command.nodes is None and not command.also_rejected_by
    sourced = served(state, order, found.sources, found.slots, now_ns, found.decision if plainly else None)
    return (sourced, *pass_on(state, sourced, now_ns))


def _unknown_nodes(state: State, nodes: tuple[str, ...] | None) -> Rejection | None:
    unknown = [
        FieldError(f"/nodes/{position}", f"there is no node {node!r}")
        for position, node in enumerate(nodes or ())
        if node not in state.configuration.nodes
    ]
    return Rejection(ResultCode.UNKNOWN_NODE, unknown[0].detail, tuple(unknown)) if unknown else None


def _nothing_found(order: Order, command: SourceOrderAgain) -> Rejection:
    """Says who was not asked, and how to ask them."""
    asked = "no node" if command.nodes is None else "none of these nodes"
    detail = f"{asked} that was asked has stock that its rules let it promise for this order"
    if order.given_back_by and not command.also_rejected_by:
        detail += f"; {who_gave_back(order)}, and is asked again only with `also_rejected_by`"
    return Rejection(ResultCode.INSUFFICIENT_STOCK, detail)


def who_gave_back(order: Order) -> str:
    """The nodes that are not asked by themselves any more, in a sentence."""
    return f"{', '.join(dict.fromkeys(order.given_back_by))} gave it back"


def served(
    state: State,
    order: Order,
    sources: dict[int, list[Source]],
    slots: tuple[Slot, ...],
    now_ns: int,
    decision: Decision | None = None,
) -> OrderSourced:
    """The fact that gives lines which wait units that are there, by position."""
    waiting, postings = [], []
    for at, given in sources.items():
        line = order.lines[at]
        entry = given_units(state, line, at, sum(source.quantity for source in given))
        waiting.append(entry)
        postings += [Posting(line.sku, s.node, AVAILABLE, ALLOCATED, s.quantity) for s in given]
        postings += moved_claims(line.sku, line.claims, entry.claims)
    planned = plan_for_order(state, order, state.orders.next_fulfilment, sources, slots, now_ns)
    return OrderSourced(order.number, planned, tuple(waiting), tuple(postings), decision)


def evolve_sourced(state: State, fact: OrderSourced) -> None:
    """Write down new work for nodes, and what waits on."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    evolve_add_fulfilments(state, order, fact.fulfilments)
    evolve_waiting(state, order, fact.waiting)
