"""Many orders of one line each: the cheapest location that has it all for every one, in the order they came.

The same as one by one, with what earlier orders took gone. Stock only shrinks: a location that was the cheapest for an order
before the others came still is if it still has enough, so all are looked up at once and few are looked up again.
"""

import numpy as np

from engine.sourcing.problem import BIG, Ints

HEAD = 32
ORDERS_PER_HEAD_MIN = 4
BLOCK = 64


class SingleLines:
    """m orders of one line, a stock of s SKUs at L locations, c classes of costs.

    `quantity`, `sku`, `cost_class` int64[m]; `stock` int64[s, L] units, which is not changed; `base` int64[c, L] minor units
    that one shipment from each location costs an order of the class, BIG where it may not send; `split_floor` int64[c]
    minor units that a plan of several locations costs at least, without it no such plan is looked for.
    """

    def __init__(
        self, quantity: Ints, sku: Ints, cost_class: Ints, stock: Ints, base: Ints, split_floor: Ints | None = None
    ) -> None:
        self._stock, self._base = stock, base
        self._taken: dict[int, dict[int, int]] = {}
        self._rows: dict[int, Ints] = {}  # what is left, of the SKUs looked up again
        self._quantity: list[int] = quantity.tolist()
        self._sku: list[int] = sku.tolist()
        self._class: list[int] = cost_class.tolist()
        self._floor: list[int] = [BIG] * base.shape[0] if split_floor is None else split_floor.tolist()
        at = self._first(quantity, sku, cost_class)
        self._at: list[int] = at.tolist()
        self._units: list[int] = stock[sku, at].tolist()
        self._cost: list[int] = base[cost_class, at].tolist()

    def plan(self) -> Ints:
        """Place all: the location of each order, int64[m]. Orders with -1 take nothing."""
        return np.array([self.place(order) for order in range(len(self._quantity))], np.int64)

    def place(self, order: int) -> int:
        """The location that serves an order, with the stock taken; call it in the order they came.

        -1, and nothing taken, if no location has all of it or a plan of several could be cheaper: then the caller solves
        the order at its turn and reports what its plan uses by `take`.
        """
        sku, units, at = self._sku[order], self._quantity[order], self._at[order]
        cost = self._cost[order]
        if at >= 0:
            taken = self._taken.get(sku)
            if taken is not None and self._units[order] - taken.get(at, 0) < units:
                at, cost = self._again(sku, units, self._class[order])
        if at < 0 or self._floor[self._class[order]] < cost:
            return -1
        self.take(sku, at, units)
        return at

    def take(self, sku: int, location: int, units: int) -> None:
        """Units of a SKU are gone from a location."""
        taken = self._taken.setdefault(sku, {})
        taken[location] = taken.get(location, 0) + units
        if sku in self._rows:
            self._rows[sku][location] -= units

    def left(self, sku: int) -> Ints:
        """What is left of a SKU, int64[L]."""
        return self._row(sku).copy()

    def _row(self, sku: int) -> Ints:
        row = self._rows.get(sku)
        if row is None:
            row = np.array(self._stock[sku])
            for location, units in self._taken.get(sku, {}).items():
                row[location] -= units
            self._rows[sku] = row
        return row

    def _again(self, sku: int, units: int, cost_class: int) -> tuple[int, int]:
        """The cheapest location that still has so many units, and its cost; -1 if there is none."""
        cost = np.where(self._row(sku) >= units, self._base[cost_class], BIG)
        at = int(cost.argmin())
        return (at, int(cost[at])) if cost[at] < BIG else (-1, BIG)

    def _first(self, quantity: Ints, sku: Ints, cost_class: Ints) -> Ints:
        """The cheapest location for each order if it were alone, int64[m]; -1 if there is none."""
        at = np.full(quantity.size, -1, np.int64)
        rest = np.arange(quantity.size)
        size = self._base.shape[1]
        if size > 2 * HEAD:
            popular = np.flatnonzero(np.bincount(cost_class, minlength=self._base.shape[0]) >= ORDERS_PER_HEAD_MIN)
            row = np.full(self._base.shape[0], -1, np.int64)
            row[popular] = np.arange(popular.size)
            orders = np.flatnonzero(row[cost_class] >= 0)
            if orders.size:
                heads, known = self._heads(popular)
                mine = row[cost_class[orders]]
                able = self._stock[sku[orders, None], heads[mine]] >= quantity[orders, None]
                able &= known[mine]
                found = able.argmax(axis=1)
                sure = able[np.arange(orders.size), found]
                at[orders[sure]] = heads[mine[sure], found[sure]]
                rest = np.flatnonzero(at < 0)
        for start in range(0, rest.size, BLOCK):
            some = rest[start : start + BLOCK]
            cost = np.where(self._stock[sku[some]] >= quantity[some, None], self._base[cost_class[some]], BIG)
            best = cost.argmin(axis=1)
            at[some] = np.where(cost[np.arange(some.size), best] < BIG, best, -1)
        return at

    def _heads(self, classes: Ints) -> tuple[Ints, np.ndarray[tuple[int, int], np.dtype[np.bool_]]]:
        """The cheapest locations of some classes, cheapest first, int64[k, HEAD], and which of them are surely in their place.

        Those as dear as the last of them may have equals that stand before them and were not picked.
        """
        base = self._base[classes]
        head = np.sort(np.argpartition(base, HEAD, axis=1)[:, :HEAD], axis=1)
        cost = np.take_along_axis(base, head, axis=1)
        by_cost = np.argsort(cost, axis=1, kind="stable")
        head, cost = np.take_along_axis(head, by_cost, axis=1), np.take_along_axis(cost, by_cost, axis=1)
        return head, (cost < cost[:, -1:]) & (cost < BIG)
