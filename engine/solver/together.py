"""The first look at many orders in one pass: for each of them what `first_look` would prove, if it came alone.

The lines of all orders stand one behind the other, and share one table of goods. First only the locations that are
cheapest to open are looked at; where none outside of them can be as cheap, that is the answer.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.solver.problem import BIG, COST_MAX, Ints, Problem, full_parcels, unit_costs

HEAD = 32  # locations looked at first
CELLS_MAX = 1 << 18  # lines times locations looked at in one go: what stays in the processor's cache
NOWHERE = -1


class Orders(NamedTuple):
    """m orders with T lines: `goods` int64[T] rows of the table, `quantity` int64[T], `start` int64[m] first line of each."""

    goods: Ints
    quantity: Ints
    start: Ints


class Found(NamedTuple):
    """`at` int64[m]: the one location that is the proven cheapest plan of an order, NOWHERE if that is not proven; its `cost` int64[m]."""

    at: Ints
    cost: Ints


def first_looks(table: Problem, orders: Orders) -> Found:
    """Look at plans of one location for every order, each as if nothing was taken by the others.

    `table` has a line for every kind of goods; its quantities, values and losses are not looked at. Everything has to be
    sent, and locations have no caps. What this proves is what `solve` answers, ties included.
    """
    rules, locations = table.rules, table.locations
    assert rules.ship_complete
    assert locations.cap is None
    count = orders.start.size
    at, cost = np.full(count, NOWHERE, np.int64), np.full(count, BIG, np.int64)
    each = unit_costs(table)
    first = locations.parcel[0] if locations.parcel.shape[0] == 1 else locations.parcel.min(axis=0)
    opening = locations.fixed + first
    if rules.locations_max == 0 or _too_large(table, orders, each, opening):
        return Found(at, cost)
    left = np.arange(count)
    if opening.size > 2 * HEAD:
        head = np.sort(np.argpartition(opening, HEAD)[:HEAD])
        beyond = np.ones(opening.size, np.bool_)
        beyond[head] = False
        look = _Look(table, each, opening, head)
        look.beyond = int(opening[beyond].min())
        left = _settle(look, orders, left, at, cost)
    _settle(_Look(table, each, opening, None), orders, left, at, cost)
    return Found(at, cost)


class _Look:
    """Goods at some locations, or (None) at all of them. `beyond`: what opening one of the others costs at least."""

    def __init__(self, table: Problem, each: Ints, opening: Ints, chosen: Ints | None) -> None:
        self.rules, self.chosen = table.rules, chosen
        self.stock = table.stock if chosen is None else np.ascontiguousarray(table.stock[:, chosen])
        self.each = each if chosen is None else np.ascontiguousarray(each[:, chosen])
        self.fixed = table.locations.fixed if chosen is None else table.locations.fixed[chosen]
        self.parcel = table.locations.parcel if chosen is None else table.locations.parcel[:, chosen]
        self.weight_hg = table.weight_hg
        self.least_opening = int(opening.min())
        self.least_each = each.min(axis=1)
        self.beyond: int | None = None

    def at(self, orders: Orders) -> Found:
        """The cheapest location of each order, NOWHERE where none has everything or another plan may be as cheap."""
        quantity = orders.quantity[:, None]
        stock = self.stock[orders.goods]
        able = stock >= quantity
        line_cost = self.each[orders.goods] * quantity
        served = np.logical_and.reduceat(able, orders.start, axis=0)
        cost = np.add.reduceat(line_cost, orders.start, axis=0)
        cost += self._shipments(orders)
        cost[~served] = BIG
        best = cost.argmin(axis=1)
        least = cost[np.arange(best.size), best]
        sure = (least < BIG) & self._nothing_cheaper(orders, least, stock, able, line_cost)
        at = best if self.chosen is None else self.chosen[best]
        return Found(np.where(sure, at, NOWHERE), least)

    def _shipments(self, orders: Orders) -> Ints:
        """Opening and parcels of each order's weight from each location, int64[m, L], or int64[L] if weight does not count."""
        if not self.rules.parcel_up_to_hg:
            opening: Ints = self.fixed + self.parcel[0]
            return opening
        up_to = np.array(self.rules.parcel_up_to_hg, np.int64)
        weight = np.add.reduceat(self.weight_hg[orders.goods] * orders.quantity, orders.start)
        full = np.maximum(1, -(-weight // up_to[-1])) - 1
        step = np.searchsorted(up_to, weight - full * up_to[-1])
        shipments: Ints = self.fixed + full[:, None] * self.parcel[-1] + self.parcel[step]
        return shipments

    def _nothing_cheaper(
        self, orders: Orders, cost: Ints, stock: Ints, able: NDArray[np.bool_], line_cost: Ints
    ) -> NDArray[np.bool_]:
        """Whether no other plan can cost less; outside of the chosen locations, not even as much."""
        rules = self.rules
        anywhere = np.add.reduceat(self.least_each[orders.goods] * orders.quantity, orders.start)
        sure: NDArray[np.bool_] = cost < (BIG if self.beyond is None else anywhere + self.beyond)
        if rules.locations_max == 1:
            return sure
        if self.beyond is None:
            line_cost[~(stock > 0 if rules.line_split else able)] = BIG
            lines = np.minimum.reduce(line_cost, axis=1)
            anywhere = np.add.reduceat(lines, orders.start)
        lines_count = np.diff(orders.start, append=orders.goods.size)
        several = anywhere + 2 * self.least_opening + rules.split_penalty
        sure &= (cost <= several) | ((lines_count == 1) & (not rules.line_split))
        return sure


def _settle(look: _Look, orders: Orders, left: Ints, at: Ints, cost: Ints) -> Ints:
    """Write down what a look proves for the orders that are left; gives those that it does not settle."""
    lines_max = max(1, CELLS_MAX // look.fixed.size)
    open_ones = []
    ends = np.append(orders.start[1:], orders.goods.size)
    for some in _pieces(left, (ends - orders.start)[left], lines_max):
        part = _only(orders, some, ends)
        found = look.at(part)
        at[some], cost[some] = found.at, found.cost
        open_ones.append(some[found.at == NOWHERE])
    return np.concatenate(open_ones) if open_ones else left


def _pieces(left: Ints, lines: Ints, lines_max: int) -> list[Ints]:
    """The orders in pieces of about so many lines."""
    if not left.size:
        return []
    number = (np.cumsum(lines) - 1) // lines_max
    return np.split(left, np.flatnonzero(np.diff(number)) + 1)


def _only(orders: Orders, some: Ints, ends: Ints) -> Orders:
    """Some of the orders."""
    if some.size == orders.start.size:
        return orders
    lengths = ends[some] - orders.start[some]
    start = np.cumsum(lengths) - lengths
    lines = np.arange(int(lengths.sum())) + np.repeat(orders.start[some] - start, lengths)
    return Orders(orders.goods[lines], orders.quantity[lines], start)


def _too_large(table: Problem, orders: Orders, each: Ints, opening: Ints) -> bool:
    """Whether costs could leave what whole numbers are exact in: then each order is looked at alone, and refused alone."""
    units = int(np.add.reduceat(orders.quantity, orders.start).max())
    dearest = max(int(each.max()), -int(each.min()))
    parcels = 0
    if table.rules.parcel_up_to_hg:
        parcels = full_parcels(table.rules, units * int(table.weight_hg.max())) * int(table.locations.parcel.max())
    opened = min(opening.size, units) * (int(table.locations.fixed.max()) + int(table.locations.parcel.max()))
    return dearest * units + opened + units * table.rules.split_penalty + parcels > COST_MAX
