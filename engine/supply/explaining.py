"""Why a plan looks as it does: the cost parts of every node that could send, the rule against every other."""

import msgspec

from engine.facts.sourcing import Decision
from engine.solver.problem import INFEASIBLE, Plan, Problem, cost_of, parcels_cost
from engine.state.state import State
from engine.supply.node_table import Ints
from engine.supply.plan import Supply, plan_for, supply, terms_of
from engine.supply.prices import Column
from engine.supply.problem import Row, moving_columns, problem_of, promisable, unit_columns, weight_hg_of
from engine.supply.request import Asked, Request, ask, placed_under, rows_of
from engine.supply.terms import PICKUP, Terms, policy_of


class Part(msgspec.Struct, frozen=True):
    """One part of a cost. `per` says what it is paid for: an order once, a parcel, a unit, or 100 g."""

    name: str
    per: str
    minor: int


class Candidate(msgspec.Struct, frozen=True):
    """A node that could send. `parts` are its prices; `alone_minor` is what everything from here would cost (None: it
    can't).

    `units` it may promise, by SKU.
    """

    node: str
    km: float | None
    ships_at_ns: int | None
    delivers_at_ns: int | None
    parts: tuple[Part, ...]
    alone_minor: int | None
    units: dict[str, int]


class Excluded(msgspec.Struct, frozen=True):
    """A node that could not send. `rule` is a JSON pointer into the policy, or one word for what is not a policy's."""

    node: str
    rule: str
    detail: str


class Shipment(msgspec.Struct, frozen=True):
    """What one node sends in a plan: units by SKU, and the parts of its cost; they add up to `minor`."""

    node: str
    units: dict[str, int]
    parts: tuple[Part, ...]
    minor: int


class Explained(msgspec.Struct, frozen=True):
    """A plan with its reasons. Costs in minor units.

    `status` optimal: no plan costs less; unproven: none costs less than `bound_minor`; infeasible: the rules allow none
    that serves everything. `split_penalty_minor` is in the cost, for the nodes after the first. The runner-up is the
    cheapest plan that does without at least one of the nodes chosen; None if there is none.
    """

    decision: Decision
    overrides: tuple[str, ...]
    status: str
    cost_minor: int
    bound_minor: int
    split_penalty_minor: int
    shipments: tuple[Shipment, ...]
    short: dict[str, int]
    runner_up_minor: int | None
    runner_up: tuple[Shipment, ...]
    candidates: tuple[Candidate, ...]
    excluded: tuple[Excluded, ...]


def explain(state: State, request: Request, now_ns: int) -> tuple[Explained, Supply]:
    """Decide a request of known SKUs on a known channel as if it came now, and say why. Changes nothing."""
    given = supply(state, request, now_ns)
    terms, variant = terms_of(state, request, now_ns)
    asked = ask(state, terms, request, now_ns)
    named, free = rows_of(state, terms, request, asked)
    partial = (request.partial or not asked.complete) and not terms.settings.ship_complete
    plan, rows = plan_for(state, terms, named, free, asked, partial, now_ns)
    problem = _whole_problem(state, terms, rows, asked, now_ns)
    runner_up = _runner_up(state, terms, (named, free), asked, partial, plan, now_ns)
    policy = policy_of(state, request.channel, placed_under(state, request))
    skus = list(asked.row_of)
    stock = promisable(state, terms, skus, request.excluded, now_ns)
    excluded = _excluded(state, terms, request, stock, now_ns)
    out = dict.fromkeys(entry.node for entry in excluded)

    def units_at(node_at: int) -> dict[str, int]:
        return dict(zip(skus, stock[:, node_at].tolist(), strict=True))

    explained = Explained(
        decision=given.decision,
        overrides=tuple(policy.overrides[at].name or f"/overrides/{at}" for at in variant),
        status=plan.status,
        cost_minor=plan.cost or 0,
        bound_minor=plan.bound,
        split_penalty_minor=terms.rules.split_penalty * max(0, len({at for _, at, _ in plan.takes}) - 1),
        shipments=_shipments(state, terms, problem, rows, plan, now_ns),
        short={entry.sku: entry.requested - entry.available for entry in given.short},
        runner_up_minor=None if runner_up is None else runner_up.cost,
        runner_up=() if runner_up is None else _shipments(state, terms, problem, rows, runner_up, now_ns),
        candidates=tuple(
            _candidate(state, terms, request, problem, node_at, units_at(node_at), now_ns)
            for node_at, name in enumerate(terms.table.names)
            if name not in out
        ),
        excluded=excluded,
    )
    return explained, given


def _whole_problem(state: State, terms: Terms, rows: list[Row], asked: Asked, now_ns: int) -> Problem:
    stock = asked.stock[[asked.row_of[row.sku] for row in rows]]
    return problem_of(state, terms, rows, stock, now_ns)


def _runner_up(
    state: State,
    terms: Terms,
    rows: tuple[list[Row], list[Row]],
    asked: Asked,
    partial: bool,
    plan: Plan,
    now_ns: int,
) -> Plan | None:
    """The cheapest plan that does without one of the chosen nodes, whichever that is."""
    found: list[Plan] = []
    for node_at in dict.fromkeys(at for _, at, _ in plan.takes):
        stock = asked.stock.copy()
        stock[:, node_at] = 0
        if any(row.node_at == node_at for row in rows[0]):
            continue
        served = stock.sum(axis=1)
        if any(served[asked.row_of[row.sku]] < row.quantity for row in rows[1]):
            continue
        other, _ = plan_for(state, terms, *rows, asked._replace(stock=stock), partial, now_ns)
        if other.status != INFEASIBLE and other.cost is not None:
            found.append(other)
    return min(found, key=lambda other: other.cost or 0, default=None)


def _shipments(
    state: State, terms: Terms, problem: Problem, rows: list[Row], plan: Plan, now_ns: int
) -> tuple[Shipment, ...]:
    """What each node sends, and what that costs by its parts."""
    fixed = [column for column in terms.columns if column.per == "order"] + moving_columns(state, terms, now_ns)
    shipments = []
    for node_at in dict.fromkeys(at for _, at, _ in plan.takes):
        takes = [(line, units) for line, at, units in plan.takes if at == node_at]
        parts = [Part(c.name, "order", int(c.values[node_at])) for c in fixed if c.values[node_at]]
        packed_hg = sum(int(problem.weight_hg[line]) * units for line, units in takes)
        weight_hg = sum(weight_hg_of(state, rows[line].sku) * units for line, units in takes)
        parcels_minor = parcels_cost(terms.locations, terms.rules, node_at, packed_hg)
        parts.append(Part("parcels", "parcel", parcels_minor))
        units_by_sku: dict[str, int] = {}
        for line, units in takes:
            sku = rows[line].sku
            units_by_sku[sku] = units_by_sku.get(sku, 0) + units
        for column in terms.columns:
            times = {"unit": sum(units_by_sku.values()), "100 g": weight_hg}.get(column.per, 0)
            if times and column.values[node_at]:
                parts.append(Part(column.name, column.per, times * int(column.values[node_at])))
        for sku, units in units_by_sku.items():
            parts += [
                Part(f"{column.name}: {sku}", "unit", units * int(column.values[node_at]))
                for column in unit_columns(state, terms, sku, now_ns)
                if column.values[node_at]
            ]
        minor = sum(part.minor for part in parts)
        shipments.append(Shipment(terms.table.names[node_at], units_by_sku, tuple(parts), minor))
    return tuple(shipments)


def _candidate(
    state: State, terms: Terms, request: Request, problem: Problem, node_at: int, units: dict[str, int], now_ns: int
) -> Candidate:
    columns: list[Column] = [*terms.columns, *moving_columns(state, terms, now_ns)]
    parts = [Part(c.name, c.per, int(c.values[node_at])) for c in columns if c.values[node_at]]
    parts.append(Part("parcel", "parcel", int(terms.locations.parcel[0, node_at])))
    for sku in units:
        parts += [
            Part(f"{column.name}: {sku}", "unit", int(column.values[node_at]))
            for column in unit_columns(state, terms, sku, now_ns)
            if column.values[node_at]
        ]
    promise = terms.promise(state, node_at, now_ns)
    takes = tuple((line, node_at, int(quantity)) for line, quantity in enumerate(problem.quantity.tolist()))
    wanted: dict[str, int] = {}
    for line in request.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    able = all(units[sku] >= quantity for sku, quantity in wanted.items()) and bool(takes)
    elsewhere = any(line.node not in (None, terms.table.names[node_at]) for line in request.lines)
    return Candidate(
        node=terms.table.names[node_at],
        km=None if terms.km is None else round(float(terms.km[node_at]), 1),
        ships_at_ns=None if promise is None else promise.ships_at_ns,
        delivers_at_ns=None if promise is None else promise.delivers_at_ns,
        parts=tuple(parts),
        alone_minor=cost_of(problem, takes) if able and not elsewhere else None,
        units=units,
    )


def _excluded(state: State, terms: Terms, request: Request, stock: Ints, now_ns: int) -> tuple[Excluded, ...]:
    """Every node that could not send, with the first rule that says so."""
    blocked = dict.fromkeys(terms.blocked(state, now_ns))
    named = dict.fromkeys(line.node for line in request.lines if line.node is not None)
    found = []
    for node_at, name in enumerate(terms.table.names):
        reason = _reason(state, terms, request, node_at, node_at in blocked, name in named)
        if reason is None and not stock[:, node_at].any():
            reason = ("stock", "it may promise no unit of what is asked for")
        if reason is not None:
            found.append(Excluded(name, *reason))
    return tuple(found)


def _reason(
    state: State, terms: Terms, request: Request, node_at: int, blocked: bool, named: bool
) -> tuple[str, str] | None:
    table, settings = terms.table, terms.settings
    name, pickup = table.names[node_at], terms.delivery == PICKUP
    if not table.enabled[node_at]:
        return "enabled", "the node is switched off"
    if not terms.served[node_at]:
        return "channel", "the channel does not sell from it"
    if name in request.excluded:
        return "rejected", "it gave this order back"
    if blocked:
        return _blocked_reason(state, terms, node_at)
    if named and terms.hands_out[node_at]:
        return None
    if not (table.pickup if pickup else table.ships)[node_at]:
        return ("pickup", "nothing is picked up there") if pickup else ("ships", "it sends no parcels")
    if settings.eligible is not None and not any(table.selected(s, terms.km)[node_at] for s in settings.eligible):
        return "/eligible", "no selector takes it"
    for at, selector in enumerate(settings.excluded or ()):
        if table.selected(selector, terms.km)[node_at]:
            return f"/excluded/{at}", "this selector takes it out"
    if not pickup and terms.parcels.rate_at[node_at] < 0:
        return "/carriers", "no row of the carrier table fits it and the destination"
    return None


def _blocked_reason(state: State, terms: Terms, node_at: int) -> tuple[str, str]:
    if terms.settings.deliver_within_days is not None:
        return "/deliver_within_days", f"it would arrive after more than {terms.settings.deliver_within_days} days"
    limit = terms.table.orders_per_day_max[node_at]
    if limit is not None:
        return "orders_per_day_max", f"all {limit} orders of its day are taken"
    return "opening_hours", "it has no working day in sight"
