"""The plan for a demand: the bridge from stock and rules to sourcing.

What a channel may take is put together as one problem over the SKUs of the demand; the solver's plan is handed out to
the lines in their order. Where one of the cheapest nodes has everything and no split can be cheaper, no problem is
built. What is short after that is promised from what suppliers will bring, where the policy says so.
"""

from typing import NamedTuple

import msgspec
import numpy as np

from engine import limits
from engine.facts.postings import AVAILABLE
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.results import Shortage
from engine.solver.problem import INFEASIBLE, OPTIMAL, Plan, Problem
from engine.sourcing import solve, solve_most
from engine.state.inbound import Inbound
from engine.state.state import State
from engine.state.stock import NOT_SELLABLE
from engine.supply.problem import Row, problem_of
from engine.supply.request import Asked, Demand, Request, ask, placed_under, rows_of, shortages, variant_of_request
from engine.supply.terms import NS_PER_DAY, Promise, Terms, terms_cache

NO_PLAN = Plan(OPTIMAL, 0, 0, (), ())

# The short cuts are for requests without these, and for lines that name no node; nothing else leads them astray.
_EXCLUDING = ("excluded", "own")
_HARMLESS = ("channel", "lines", "area", "delivery", "customer_group", "partial", "inbound", "policy", "whole")
assert set(_EXCLUDING + _HARMLESS) == set(Request._fields), "may supply take short cuts with every field of a request?"


class Supply(NamedTuple):
    """The sources of every line, in line order, and the SKUs that could not be served in full.

    `slots` are the places at nodes that the promise takes; `decision` says by which rules it was made and what it
    costs.
    """

    sources: list[tuple[Source, ...]]
    short: list[Shortage]
    slots: tuple[Slot, ...]
    decision: Decision


class Foreseen(NamedTuple):
    """The plan of one node that was the proven cheapest for a request when its batch was looked at ahead
    (engine/supply/looking_ahead.py).

    `needed` are the cells of AVAILABLE it takes from, and what must be in each for the plan to be possible.
    """

    node_at: int
    cost_minor: int
    needed: list[tuple[int, int]]


def supply(state: State, request: Request, now_ns: int, foreseen: Foreseen | None = None) -> Supply:
    """Find units for a demand of known SKUs on a known channel.

    Lines of one SKU compete with each other. Takes what is there; what is missing is in `short`, per SKU. If something
    is short and no part is welcome, there are no sources.
    """
    terms, variant = terms_of(state, request, now_ns)
    if foreseen is not None:
        given = _as_foreseen(state, terms, request, variant, foreseen, now_ns)
    else:
        given = _quickly(state, terms, request, variant, now_ns)
    return given or _by_sourcing(state, terms, request, variant, now_ns)


def is_quick(state: State, request: Request, now_ns: int) -> bool:
    """Whether a request can be answered without looking at all nodes."""
    terms, variant = terms_of(state, request, now_ns)
    return _quickly(state, terms, request, variant, now_ns) is not None


def terms_of(state: State, request: Request, now_ns: int) -> tuple[Terms, tuple[int, ...]]:
    """The terms that hold for a request, and the positions of the overrides of its policy that made them."""
    variant, cache = variant_of_request(state, request, now_ns), terms_cache(state)
    if request.policy is None:
        return cache.get(state, request.channel, request.area, request.delivery, variant), variant
    under = placed_under(state, request)
    return cache.get(state, request.channel, request.area, request.delivery, variant, under), variant


def promised(state: State, request: Request, now_ns: int) -> list[tuple[str, int, int]]:
    """(SKU, units requested by all lines, units the channel could promise now) for every SKU of a request."""
    terms, _ = terms_of(state, request, now_ns)
    asked = ask(state, terms, request, now_ns)
    return list(zip(asked.row_of, asked.requested, asked.visible, strict=True))


def sellable(state: State, channel: str, skus: list[str], now_ns: int) -> list[int]:
    """Units that a channel could promise of each SKU for itself, sent within its own country.

    SKUs for which the same overrides of the policy hold are looked up together.
    """
    asked_alike: dict[tuple[int, ...], list[str]] = {}
    for sku in skus:
        variant = variant_of_request(state, Request(channel, [Demand(sku, 1)]), now_ns)
        asked_alike.setdefault(variant, []).append(sku)
    units: dict[str, int] = {}
    for variant, alike in asked_alike.items():
        request = Request(channel, [Demand(sku, 1) for sku in alike])
        terms = terms_cache(state).get(state, channel, request.area, request.delivery, variant)
        units.update(zip(alike, ask(state, terms, request, now_ns).visible, strict=True))
    return [units[sku] for sku in skus]


def _quickly(state: State, terms: Terms, request: Request, variant: tuple[int, ...], now_ns: int) -> Supply | None:
    """The common case without arrays: one of the cheapest nodes has all of it, and no two nodes could be cheaper."""
    if not terms.quick or request.excluded or request.own or state.stock.special:
        return None
    ledger = state.ledger
    sku_index, width = ledger.sku_index, ledger.node_capacity
    wanted: dict[int, int] = {}
    for line in request.lines:
        if line.node is not None:
            return None
        wanted[sku_index[line.sku] * width] = line.quantity
    if len(wanted) != len(request.lines):
        return None
    available, withheld = ledger.cells[AVAILABLE], state.stock.withheld_cells
    for node_at, cost_minor in terms.quick_order:
        for row, quantity in wanted.items():
            if available[row + node_at] - withheld[row + node_at] < quantity:
                break
        else:
            promise = terms.promise(state, node_at, now_ns)
            if promise is None:
                continue
            decision = terms.decisions.get(node_at)
            if decision is None:
                decision = _decision(state, request, variant, cost_minor, None)
                terms.decisions[node_at] = decision
            return _from_one(terms, request, node_at, promise, decision)
    return None


def _as_foreseen(
    state: State, terms: Terms, request: Request, variant: tuple[int, ...], foreseen: Foreseen, now_ns: int
) -> Supply | None:
    """What was foreseen, unless its node has given away too much since, or has no day left."""
    available = state.ledger.cells[AVAILABLE]
    for cell, least in foreseen.needed:
        if available[cell] < least:
            return None
    promise = terms.promise(state, foreseen.node_at, now_ns)
    if promise is None:
        return None
    decision = _decision(state, request, variant, foreseen.cost_minor, None)
    return _from_one(terms, request, foreseen.node_at, promise, decision)


def _from_one(terms: Terms, request: Request, node_at: int, promise: Promise, decision: Decision) -> Supply:
    """Everything from one node."""
    table = terms.table
    name, ships_at_ns, delivers_at_ns = table.names[node_at], promise.ships_at_ns, promise.delivers_at_ns
    return Supply(
        [(Source(name, line.quantity, ships_at_ns, delivers_at_ns),) for line in request.lines],
        [],
        (Slot(name, promise.day),) if table.orders_per_day_max[node_at] is not None else (),
        decision,
    )


def _decision(
    state: State, request: Request, variant: tuple[int, ...], cost_minor: int, bound_minor: int | None
) -> Decision:
    under = None if request.policy is None else placed_under(state, request)
    if under is None:
        policy = state.configuration.channels[request.channel].sourcing_policy
        version = state.configuration.version_of_policy(policy)
    else:
        policy, version = under
    return Decision(policy, version, variant, cost_minor, bound_minor)


def _by_sourcing(state: State, terms: Terms, request: Request, variant: tuple[int, ...], now_ns: int) -> Supply:
    given = _from_stock(state, terms, request, variant, now_ns)
    if not given.short or not request.inbound or terms.settings.inbound_days_max is None:
        return given
    whole = given if request.partial else _from_stock(state, terms, request._replace(partial=True), variant, now_ns)
    whole = _with_inbound(state, terms, request, whole, now_ns)
    parts = request.partial and not terms.settings.ship_complete
    return whole if parts or not whole.short else given._replace(short=whole.short)


def _with_inbound(state: State, terms: Terms, request: Request, given: Supply, now_ns: int) -> Supply:
    """Promise what is missing from what is expected, the earliest first; lines of one SKU compete with each other."""
    sources = list(given.sources)
    coming = {line.sku: expected(state, terms, line.sku, request.excluded, now_ns) for line in request.lines}
    for position, line in enumerate(request.lines):
        missing = line.quantity - sum(source.quantity for source in sources[position])
        if not missing:
            continue
        left = []
        for source in coming[line.sku]:
            units = min(missing, source.quantity) if line.node in (None, source.node) else 0
            missing -= units
            if units:
                sources[position] += (msgspec.structs.replace(source, quantity=units),)
            if source.quantity > units:
                left.append(msgspec.structs.replace(source, quantity=source.quantity - units))
        coming[line.sku] = left
    found: dict[str, int] = {}
    for line, some in zip(request.lines, sources, strict=True):
        found[line.sku] = found.get(line.sku, 0) + sum(source.quantity for source in some)
    short = [
        msgspec.structs.replace(shortage, available=max(shortage.available, found[shortage.sku]))
        for shortage in given.short
        if found[shortage.sku] < shortage.requested
    ]
    return given._replace(sources=sources, short=short)


def expected(state: State, terms: Terms, sku: str, excluded: tuple[str, ...], now_ns: int) -> list[Source]:
    """What a channel could promise of a SKU from inbound, in order of (expected_at_ns, number), with its dates.

    The goods leave with the first dispatch after they are expected. What is a little late counts as coming now; of what
    is long overdue nothing is promised until it has another date.
    """
    if terms.settings.inbound_days_max is None:
        return []
    found = []
    for inbound, units in state.inbound.coming(sku):
        promise = None if inbound.node in excluded else arrival_of(state, terms, inbound, sku, now_ns)
        if promise is not None:
            found.append(Source(inbound.node, units, promise.ships_at_ns, promise.delivers_at_ns, inbound.number))
    return found


def arrival_of(state: State, terms: Terms, inbound: Inbound, sku: str, now_ns: int) -> Promise | None:
    """When units of an inbound would leave and arrive; None if they are not promised: too far away, or long overdue."""
    days_max, latest = terms.settings.inbound_days_max, terms.settings.deliver_within_days
    if days_max is None or inbound.expected_at_ns > now_ns + days_max * NS_PER_DAY:
        return None
    if inbound.expected_at_ns < now_ns - limits.INBOUND_OVERDUE_NS:
        return None
    node_at = state.ledger.node_index[inbound.node]
    _, withheld = state.stock.cells_of(state.ledger.sku_index[sku])
    if not terms.sends[node_at] or withheld[node_at] == NOT_SELLABLE:
        return None
    promise = terms.promise_from(state, node_at, max(now_ns, inbound.expected_at_ns))
    if promise is None or (latest is not None and promise.delivers_at_ns > now_ns + latest * NS_PER_DAY):
        return None
    return promise


def _from_stock(state: State, terms: Terms, request: Request, variant: tuple[int, ...], now_ns: int) -> Supply:
    asked = ask(state, terms, request, now_ns)
    named, free = rows_of(state, terms, request, asked)
    partial = request.partial and not terms.settings.ship_complete
    sources: list[list[Source]] = [[] for _ in request.lines]
    plan = NO_PLAN
    if asked.complete or partial:
        plan, rows = plan_for(state, terms, named, free, asked, partial, now_ns)
        _hand_out(state, terms, request, asked, rows, plan, sources, now_ns)
        found = [0] * len(asked.row_of)
        for line, given in zip(request.lines, sources, strict=True):
            found[asked.row_of[line.sku]] += sum(source.quantity for source in given)
        short = shortages(state, request, asked, found)
    else:
        short = _lacking(state, request, asked)
    if short and not partial:
        sources = [[] for _ in request.lines]
    return Supply(
        [tuple(given) for given in sources],
        short,
        _slots(state, terms, sources, now_ns),
        _decision(state, request, variant, plan.cost or 0, None if plan.status == OPTIMAL else plan.bound),
    )


def _lacking(state: State, request: Request, asked: Asked) -> list[Shortage]:
    found = list(asked.free)
    for position, units in asked.named.items():
        found[asked.row_of[request.lines[position].sku]] += units
    return shortages(state, request, asked, found)


def plan_for(
    state: State, terms: Terms, named: list[Row], free: list[Row], asked: Asked, partial: bool, now_ns: int
) -> tuple[Plan, list[Row]]:
    """The cheapest plan for what there is, and the lines of its problem: those at named nodes first.

    Rules that a client's named nodes break bind only the rest. If the rules allow no plan for everything, it is the one
    that serves the most units; with a price for a unit that nobody sends, what is dearer to send is left out.
    """
    rows = [*named, *free]
    if not rows:
        return NO_PLAN, rows
    lost_minor = terms.settings.unsourced_minor_per_unit if partial else None
    problem = _problem(state, terms, rows, asked, now_ns)
    if lost_minor is not None:
        rules = problem.rules._replace(ship_complete=False)
        lost = np.full(len(rows), lost_minor, np.int64)
        return solve(problem._replace(rules=rules, lost=lost), effort_for(rows)), rows
    plan = solve(problem, effort_for(rows))
    if plan.status == INFEASIBLE and named:
        return _beside_named(state, terms, named, free, asked, now_ns), rows
    return (solve_most(problem, effort_for(rows)) if plan.status == INFEASIBLE else plan), rows


def effort_for(rows: list[Row]) -> int:
    """Few lines are always proven; for many, others do not have to wait until they are."""
    few = len(rows) <= limits.SOURCING_LINES_PROVEN
    return limits.SOURCING_EFFORT if few else limits.SOURCING_EFFORT_MANY_LINES


def _problem(state: State, terms: Terms, rows: list[Row], asked: Asked, now_ns: int) -> Problem:
    stock = asked.stock[[asked.row_of[row.sku] for row in rows]]
    for at, row in enumerate(rows):
        if row.node_at is not None:
            stock[at] = 0
            stock[at, row.node_at] = row.quantity
    return problem_of(state, terms, rows, stock, now_ns)


def _beside_named(state: State, terms: Terms, named: list[Row], free: list[Row], asked: Asked, now_ns: int) -> Plan:
    """Named nodes give what they were asked for, whatever the rules; the rest is planned as if alone."""
    takes = [(at, row.node_at, row.quantity) for at, row in enumerate(named) if row.node_at is not None]
    if not free:
        return Plan(OPTIMAL, 0, 0, tuple(takes), ())
    problem = _problem(state, terms, free, asked, now_ns)
    plan = solve(problem, effort_for(free))
    if plan.status == INFEASIBLE:
        plan = solve_most(problem, effort_for(free))
    takes += [(at + len(named), node_at, units) for at, node_at, units in plan.takes]
    return plan._replace(takes=tuple(takes))


def _hand_out(
    state: State,
    terms: Terms,
    request: Request,
    asked: Asked,
    rows: list[Row],
    plan: Plan,
    sources: list[list[Source]],
    now_ns: int,
) -> None:
    """Give the plan's units to the lines, in line order, cheapest node first."""
    piles: dict[tuple[str, int | None], list[list[int]]] = {}
    for at, node_at, units in sorted(plan.takes, key=lambda take: (take[0], int(terms.cost[take[1]]), take[1])):
        piles.setdefault((rows[at].sku, rows[at].node_at), []).append([node_at, units])
    for position, line in enumerate(request.lines):
        named_at = None if line.node is None else state.ledger.node_index[line.node]
        missing = line.quantity
        for pile in piles.get((line.sku, named_at), ()):
            units = min(missing, pile[1])
            if units:
                promise = terms.promise(state, pile[0], now_ns)
                assert promise is not None, "a node that can't send was chosen"
                name = terms.table.names[pile[0]]
                sources[position].append(Source(name, units, promise.ships_at_ns, promise.delivers_at_ns))
                pile[1] -= units
                missing -= units


def _slots(state: State, terms: Terms, sources: list[list[Source]], now_ns: int) -> tuple[Slot, ...]:
    """The places that a plan takes at nodes with a limit."""
    if not terms.table.any_limit:
        return ()
    slots = []
    for name in dict.fromkeys(source.node for given in sources for source in given):
        node_at = state.ledger.node_index[name]
        promise = terms.promise(state, node_at, now_ns)
        if promise is not None and terms.table.orders_per_day_max[node_at] is not None:
            slots.append(Slot(name, promise.day))
    return tuple(slots)
