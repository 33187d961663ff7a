"""From stock and terms to numbers: what each node may promise of each SKU, and what it costs to take it from there."""

from typing import NamedTuple

import numpy as np

from engine.calendars import day_of_date
from engine.solver.problem import Problem
from engine.state.capacity import NS_PER_DAY, UNIX_EPOCH_DAY
from engine.state.state import State
from engine.state.stock import NOT_SELLABLE
from engine.supply.node_table import Ints
from engine.supply.packing import packed_weights
from engine.supply.policies import selects_item
from engine.supply.prices import Column
from engine.supply.terms import Terms


class Row(NamedTuple):
    """One line of the problem: units of a SKU, from one node position only or (None) from any that sends."""

    sku: str
    quantity: int
    value_minor: int
    node_at: int | None = None


def promisable(state: State, terms: Terms, skus: list[str], excluded: tuple[str, ...], now_ns: int) -> Ints:
    """Units each node may promise the channel, int64[SKUs, L], less safety stock, own rules, and nodes that can't."""
    ledger = state.ledger
    stock = state.stock.promisable_rows([ledger.sku_index[sku] for sku in skus])
    if terms.safety:
        for row, sku in enumerate(skus):
            available, _ = state.stock.cells_of(ledger.sku_index[sku])
            stock[row] = np.maximum(available - withheld(state, terms, sku), 0)
    stock[:, ~terms.hands_out] = 0
    for name in excluded:
        if name in ledger.node_index:
            stock[:, ledger.node_index[name]] = 0
    for node_at in terms.blocked(state, now_ns):
        stock[:, node_at] = 0
    return stock


def withheld(state: State, terms: Terms, sku: str, own: Ints | None = None) -> Ints:
    """Units of a SKU withheld from the channel at every node, int64[L]: the last rule that matches, else the node's
    own.

    `own`, int64[L], are what the nodes themselves withhold where that is about to change.
    """
    if own is None:
        _, own = state.stock.cells_of(state.ledger.sku_index[sku])
    groups = state.configuration.items[sku].groups
    rules = [(rule.units, nodes) for rule, nodes in terms.safety if selects_item(rule.items, sku, groups)]
    if not rules:
        return own
    units_withheld = own.copy()
    for units, nodes in rules:
        units_withheld[nodes] = units
    units_withheld[own == NOT_SELLABLE] = NOT_SELLABLE
    return units_withheld


def weight_hg_of(state: State, sku: str) -> int:
    """What a unit weighs, in steps of 100 g; 0 where that is not known."""
    return -(-(state.configuration.items[sku].weight_grams or 0) // 100)


def problem_of(
    state: State, terms: Terms, rows: list[Row], stock: Ints, now_ns: int, whole_order: bool = True
) -> Problem:
    """The numbers for the solver. `stock` int64[n, L] is what each row may take from each node.

    If the rows are a `whole_order`, its units weigh what counts the parcels that packing needs
    (engine/supply/packing.py); what is paid by weight is still paid for what they weigh.
    """
    moving = moving_columns(state, terms, now_ns)
    locations = terms.locations
    if moving:
        fixed = locations.fixed.copy()
        for column in moving:
            fixed += column.values
        locations = locations._replace(fixed=fixed)
    weight_hg = [weight_hg_of(state, row.sku) for row in rows]
    adj = _adjustments(state, terms, rows, now_ns)
    steps = terms.rules.parcel_up_to_hg
    if steps and whole_order:
        packed = packed_weights(weight_hg, [row.quantity for row in rows], steps[-1])
        if packed != weight_hg:
            lighter = np.array(weight_hg, np.int64)[:, None] - np.array(packed, np.int64)[:, None]
            adj = lighter * locations.rate + (0 if adj is None else adj)
            weight_hg = packed
    return Problem(
        quantity=np.array([row.quantity for row in rows], np.int64),
        weight_hg=np.array(weight_hg, np.int64),
        stock=stock,
        locations=locations,
        rules=terms.rules,
        adj=adj,
        value=np.array([row.value_minor for row in rows], np.int64),
    )


def moving_columns(state: State, terms: Terms, now_ns: int) -> list[Column]:
    """Prices that change from order to order or hour to hour: workload and lateness, once for a node that is used."""
    columns = []
    names, limits_of = terms.table.names, terms.table.orders_per_day_max
    if terms.settings.workload_minor:
        values = np.zeros(len(names), np.int64)
        for node_at, limit in enumerate(limits_of):
            promise = terms.promise(state, node_at, now_ns) if limit else None
            if limit and promise is not None:
                values[node_at] = (
                    terms.settings.workload_minor * state.capacity.count(names[node_at], promise.day) // limit
                )
        columns.append(Column("workload", "order", values))
    if terms.settings.late_minor_per_day:
        arrives_ns = terms.arrivals_ns(state, now_ns)
        earliest_ns = int(arrives_ns[terms.sends].min(initial=np.iinfo(np.int64).max))
        days = -(-np.maximum(arrives_ns - earliest_ns, 0) // NS_PER_DAY)
        columns.append(Column("lateness", "order", np.minimum(days, 366) * terms.settings.late_minor_per_day))
    return columns


def _adjustments(state: State, terms: Terms, rows: list[Row], now_ns: int) -> Ints | None:
    """Prices per unit of single items, int64[n, L]; None if there are none."""
    found: dict[int, Ints] = {}
    for at, row in enumerate(rows):
        for column in unit_columns(state, terms, row.sku, now_ns):
            found[at] = found.get(at, 0) + column.values
    if not found:
        return None
    adj = np.zeros((len(rows), len(terms.table.names)), np.int64)
    for at, values in found.items():
        adj[at] = values
    return adj


def unit_columns(state: State, terms: Terms, sku: str, now_ns: int) -> list[Column]:
    """The named prices per unit of one SKU: preferences of the policy, and what is set for the SKU at single nodes."""
    groups = state.configuration.items[sku].groups
    columns = [Column(p.name, "unit", p.values) for p in terms.unit_preferences if p.takes(sku, groups)]
    special = state.stock.special.get(state.ledger.sku_index[sku])
    if special:
        own, age = np.zeros((2, len(terms.table.names)), np.int64)
        per_month = terms.settings.age_minor_per_30_days or 0
        for node_at, body in special.items():
            own[node_at] = body.sourcing_minor_per_unit
            if per_month and body.stocked_since is not None:
                age[node_at] = -per_month * (_days_since(body.stocked_since, now_ns) // 30)
        columns += [Column("SKU at node", "unit", own), Column("age", "unit", age)]
    return [column for column in columns if column.values.any()]


def _days_since(date: str, now_ns: int) -> int:
    """Whole days since a date (UTC); none since one to come, or one that no calendar has, as old journals may."""
    day = day_of_date(date)
    return 0 if day is None else max(0, UNIX_EPOCH_DAY + now_ns // NS_PER_DAY - day)
