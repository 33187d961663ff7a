"""Sourcing units of an order again: what a node gave back, what waits, what was added."""

from collections.abc import Sequence
from typing import NamedTuple

from engine.commands.orders import SourceOrderAgain
from engine.facts import Fact
from engine.facts.orders import OrderSourced, Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.fulfilments.beside_work import Held, sources_beside
from engine.fulfilments.passing_on import pass_on
from engine.fulfilments.pickup_transfers import binding, claims_of, with_transfers
from engine.fulfilments.planning import plan_for_order, plan_fulfilments
from engine.fulfilments.waiting import given_units, moved_claims, units_waiting
from engine.fulfilments.work import evolve_add_fulfilments, evolve_waiting, order_traits
from engine.lifecycles import ORDER, REJECTED
from engine.results import FieldError, Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.orders import Order
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.request import Request

# Reasons for which a node gives work back that it has the units for.
NO_CAPACITY, NOT_ACCEPTED = "no_capacity", "not_accepted"
FOR_ITS_OWN_SAKE = (NO_CAPACITY, NOT_ACCEPTED)


class Found(NamedTuple):
    """Where units of an order can come from: sources by line position, and what binds them.

    Those with an inbound are brought to the pickup node by the transfers in `before`.
    """

    order: Order
    sources: dict[int, list[Source]]
    slots: tuple[Slot, ...] = ()
    decision: Decision | None = None
    before: tuple[Fact, ...] = ()

    @property
    def units(self) -> dict[int, int]:
        """Units found by line position."""
        return {at: sum(source.quantity for source in given) for at, given in self.sources.items()}

    @property
    def coming(self) -> dict[int, int]:
        """Those among them that are brought."""
        return {at: sum(s.quantity for s in given if s.inbound is not None) for at, given in self.sources.items()}

    @property
    def postings(self) -> tuple[Posting, ...]:
        """What binds all of it."""
        lines = self.order.lines
        return tuple(binding(lines[at].sku, source) for at, given in self.sources.items() for source in given)

    def sourced(
        self, state: State, waits: dict[int, tuple[int, int]], now_ns: int, first_number: int | None = None
    ) -> tuple[Fact, ...]:
        """The facts of it: new work, new claims, and units by line position that are (backordered, unsourceable)
        besides what has a claim now."""
        waiting = []
        coming = self.coming
        for at, (backordered, unsourceable) in waits.items():
            claims = self.order.lines[at].claims + claims_of(self.sources.get(at, []), state.seq + 1)
            waiting.append(Waiting(at, backordered + coming.get(at, 0), unsourceable, claims))
        there = {at: [s for s in given if s.inbound is None] for at, given in self.sources.items()}
        number = state.orders.next_fulfilment if first_number is None else first_number
        planned = plan_fulfilments(state, number, there, self.slots, now_ns)
        sourced = OrderSourced(self.order.number, planned, tuple(waiting), self.postings, self.decision)
        return (*self.before, sourced)


def hands_out(order: Order) -> bool:
    """Whether its pickup node would still hand it out: it lacked units at most, and gave nothing back otherwise."""
    return not any(
        work.node == order.pickup_node and work.state == REJECTED and work.reason in FOR_ITS_OWN_SAKE
        for work in order.fulfilments
    )


def find_nodes(
    state: State, order: Order, missing: dict[int, int], excluded: Sequence[str], now_ns: int, bring: bool = True
) -> Found:
    """Nodes for units by line position. What is picked up comes from its node, is brought there, or comes from none."""
    there = order.pickup_node is None or order.pickup_node not in excluded
    if not there and not (bring and hands_out(order)):
        return Found(order, {at: [] for at in missing})
    request = Request.of_order(order, missing, excluded)
    found, short, slots, decision = supply(state, request, now_ns)
    if short and order.pickup_node is not None and bring:
        brought = with_transfers(state, request, now_ns, order.collect_by_ns, whole=False)
        if brought is not None:
            sources = dict(zip(missing, brought.sources, strict=True))
            return Found(order, sources, brought.slots, brought.decision, brought.before)
    if not there:
        return Found(order, {at: [] for at in missing})
    return Found(order, {at: list(given) for at, given in zip(missing, found, strict=True)}, slots, decision)


def source_lines(
    state: State, order: Order, missing: dict[int, int], excluded: Sequence[str], now_ns: int, bring: bool = True
) -> tuple[Fact, ...]:
    """Find nodes for `missing` units by line position. What finds none is backordered, or left to a person.

    The last fact is the OrderSourced.
    """
    found = find_nodes(state, order, missing, excluded, now_ns, bring)
    waits = {}
    for at, quantity in missing.items():
        line = order.lines[at]
        short = quantity - found.units[at]
        if short or found.coming[at]:
            later = state.configuration.items[line.sku].backorderable
            waits[at] = line.backordered + (short if later else 0), line.unsourceable + (0 if later else short)
    return found.sourced(state, waits, now_ns)


def decide_source_again(state: State, command: SourceOrderAgain, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Look again for what waits or was left for a person; what was left for a person is served first.

    A person asks, so the rules of the channel count as they are today. Units that another node brings wait for it.
    """
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    refusal = ORDER.refusal(order.state, "source_again", order_traits(order)) or _unknown_nodes(state, command.nodes)
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
        brought = _brought(state, order, excluded, now_ns)
        return _nothing_found(order, command) if brought is None else brought
    plainly = command.nodes is None and not command.also_rejected_by
    sourced = served(state, order, found.sources, found.slots, now_ns, found.decision if plainly else None)
    return (sourced, *pass_on(state, sourced, now_ns))


def _brought(state: State, order: Order, excluded: list[str], now_ns: int) -> tuple[Fact, ...] | None:
    """What a pickup waits for without a promise, brought to its node by other nodes; None if nothing can be."""
    missing = {at: line.backordered - line.claimed + line.unsourceable for at, line in enumerate(order.lines)}
    missing = {at: quantity for at, quantity in missing.items() if quantity}
    found = find_nodes(state, order, missing, excluded, now_ns) if order.pickup_node is not None and missing else None
    if found is None or not found.postings:
        return None
    waits = {}
    for at, units in found.units.items():
        line = order.lines[at]
        from_unsourceable = min(units, line.unsourceable)
        waits[at] = line.backordered - (units - from_unsourceable), line.unsourceable - from_unsourceable
    return found.sourced(state, waits, now_ns)


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
