"""Sourcing again what no node has begun: between order and pick a better plan may have appeared.

A bounded number of open orders at a time. Only work that is `released` is looked at; a change must save what the
channel's policy asks for, and nothing may arrive later than was promised. Off unless the policy sets
`improve_minor_min`.
"""

from itertools import islice

from engine.commands.maintenance import ImproveOrders
from engine.facts.orders import OrderImproved, PlannedFulfilment
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision
from engine.fulfilments.planning import plan_fulfilments
from engine.fulfilments.work import evolve_add_fulfilments, give_up, units_by_line
from engine.lifecycles import CANCELLED, RELEASED
from engine.results import Rejection, ResultCode
from engine.solver.problem import cost_of
from engine.state.orders import Fulfilment, Order
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.problem import problem_of
from engine.supply.request import Request, ask, rows_of

IMPROVED = "improved"


def orders_after(state: State, after: str | None, orders_max: int) -> list[str]:
    """Up to so many open orders in order of placing, from the one after `after` on; from the first if that is gone."""
    numbers = iter(state.orders.open)
    if after in state.orders.open:
        for number in numbers:
            if number == after:
                break
    return list(islice(numbers, orders_max))


def decide_improve(state: State, command: ImproveOrders, now_ns: int) -> OrderImproved | Rejection:
    """The change of one order that saves enough; the first of those that were named."""
    for number in command.orders:
        order = state.orders.open.get(number)
        found = None if order is None else _better(state, order, now_ns)
        if found is not None:
            return found
    return Rejection(ResultCode.NOT_FOUND, "none of these orders can be sent for less")


def _better(state: State, order: Order, now_ns: int) -> OrderImproved | None:
    work = [fulfilment for fulfilment in order.fulfilments if fulfilment.state == RELEASED]
    channel = state.configuration.channels[order.channel]
    if not work or order.pickup_node is not None:
        return None
    if state.configuration.policy_of(channel).improve_minor_min is None and not _may_override(state, order):
        return None
    request, own = as_if_new(order, work)
    request = request._replace(policy=None)  # better by the rules of its channel as they are today
    terms, _ = terms_of(state, request, now_ns)
    least_minor = terms.settings.improve_minor_min
    if least_minor is None:
        return None
    blocked = terms.blocked(state, now_ns)
    if any(state.ledger.node_index[fulfilment.node] in blocked for fulfilment in work):
        return None
    asked = ask(state, terms, request, now_ns)
    _, rows = rows_of(state, terms, request, asked)
    row_at = {row.sku: at for at, row in enumerate(rows)}
    takes = tuple(
        (row_at[sku], state.ledger.node_index[node], units) for (sku, node), units in own.items() if sku in row_at
    )
    if not asked.complete or not all(terms.sends[at] for _, at, _ in takes):
        return None
    before_minor = cost_of(problem_of(state, terms, rows, asked.stock, now_ns), takes)
    found = supply(state, request, now_ns)
    saved_minor = before_minor - found.decision.cost_minor
    if found.short or saved_minor < max(1, least_minor) or _later(found.sources, work):
        return None
    sources = {at: list(given) for at, given in zip(_lines_of(work), found.sources, strict=True)}
    planned = plan_fulfilments(state, state.orders.next_fulfilment, sources, found.slots, now_ns)
    return _changed(order, work, planned, saved_minor, found.decision)


def _may_override(state: State, order: Order) -> bool:
    policy = state.configuration.policy_of(state.configuration.channels[order.channel])
    return any(override.then.improve_minor_min is not None for override in policy.overrides)


def _lines_of(work: list[Fulfilment]) -> dict[int, int]:
    """Units by line of the order, in line order."""
    units: dict[int, int] = {}
    for fulfilment in work:
        for take in fulfilment.lines:
            units[take.line] = units.get(take.line, 0) + take.quantity
    return dict(sorted(units.items()))


def as_if_new(order: Order, work: list[Fulfilment]) -> tuple[Request, dict[tuple[str, str], int]]:
    """The request this work would be sourced by, its own units counting as available; and those, by SKU and node."""
    own: dict[tuple[str, str], int] = {}
    for fulfilment in work:
        for take in fulfilment.lines:
            key = (order.lines[take.line].sku, fulfilment.node)
            own[key] = own.get(key, 0) + take.quantity
    return Request.of_order(order, _lines_of(work), order.rejected_by, tuple(own.items()), partial=False), own


def _later(sources: list[tuple[Source, ...]], work: list[Fulfilment]) -> bool:
    """Whether something would arrive later than the last of it was promised to."""
    promised = [f.delivers_at_ns for f in work if f.delivers_at_ns is not None]
    planned = [s.delivers_at_ns for given in sources for s in given if s.delivers_at_ns is not None]
    return bool(promised) and bool(planned) and max(planned) > max(promised)


def differing(
    work: list[Fulfilment], planned: tuple[PlannedFulfilment, ...]
) -> tuple[list[Fulfilment], list[PlannedFulfilment]]:
    """Work that a new plan takes away, and what it adds; what comes out the same stays with its node."""
    new = list(planned)
    withdrawn = []
    for fulfilment in work:
        units = units_by_line(fulfilment.lines)
        same = next((p for p in new if p.node == fulfilment.node and units_by_line(p.lines) == units), None)
        if same is None:
            withdrawn.append(fulfilment)
        else:
            new.remove(same)
    return withdrawn, new


def _changed(
    order: Order, work: list[Fulfilment], planned: tuple[PlannedFulfilment, ...], saved_minor: int, decision: Decision
) -> OrderImproved | None:
    """None if all of the work comes out the same."""
    withdrawn, new = differing(work, planned)
    if not withdrawn:
        return None
    postings = [
        Posting(order.lines[take.line].sku, fulfilment.node, ALLOCATED, AVAILABLE, take.quantity)
        for fulfilment in withdrawn
        for take in fulfilment.lines
    ]
    postings += [
        Posting(order.lines[take.line].sku, plan.node, AVAILABLE, ALLOCATED, take.quantity)
        for plan in new
        for take in plan.lines
    ]
    numbers = tuple(fulfilment.number for fulfilment in withdrawn)
    return OrderImproved(order.number, numbers, tuple(new), saved_minor, decision, tuple(postings))


def evolve_improved(state: State, fact: OrderImproved) -> None:
    """Write down which work was taken back before anybody began, and who does it now."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    for number in fact.withdrawn:
        give_up(state, order, order.fulfilment(number), CANCELLED, IMPROVED)
    evolve_add_fulfilments(state, order, fact.fulfilments)
