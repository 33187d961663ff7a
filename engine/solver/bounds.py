"""Lower bounds by Lagrangian relaxation: every line offers a price per unit, every location opens if the offers pay for it.

For any prices v the least of  sum v_i q_i + sum over opened locations (opening - what the offers exceed the costs by)  is a
lower bound on every plan. Better prices are found by subgradient steps (Held, Wolfe and Crowder, 1974; step length by Polyak).
What a location would add to the bound if it were forced open is its reduced cost: too much, and no better plan uses it.
"""

from typing import NamedTuple

import numpy as np

from engine.solver.loads import Grid, best_loads
from engine.solver.numbers import Floats, Numbers
from engine.solver.problem import Ints

SLACK = 1e-6
LOADED_MAX = 16


class Bound(NamedTuple):
    """`least` minor units that any plan costs; `prices` float64[n]; `reduced` float64[L] by location, negative where it pays.

    A plan that uses a location costs at least `base` + what is positive of its reduced cost.
    """

    least: float
    base: float
    prices: Floats
    reduced: Floats


class Relaxation:
    """The relaxation of some numbers. `forced` locations are open, the others may be.

    With `share_parcels` the parcels that the whole weight needs at least are paid in advance, at the cheapest price of any:
    the bound is better where parcels are many and locations few. With a `grid` parcels are whole, not shared out by weight.
    """

    def __init__(self, numbers: Numbers, share_parcels: bool = False, grid: Grid | None = None) -> None:
        problem = numbers.problem
        self.numbers = numbers
        self.constant = 0.0
        self.grid = grid
        self.cells = 0
        self.quantity = problem.quantity.astype(np.float64)
        self.each = numbers.each.astype(np.float64)
        self.units = numbers.units.astype(np.float64)
        self.opening = numbers.opening.astype(np.float64)
        self.lost = None if numbers.lost is None else numbers.lost.astype(np.float64)
        self.penalty = float(problem.rules.split_penalty)
        self.capped_at = np.flatnonzero(numbers.cap < numbers.units.sum(axis=0)) if numbers.capped else None
        self.by_weight: tuple[Floats, Floats] | None = None
        if numbers.stepped:
            up_to = np.array(problem.rules.parcel_up_to_hg, np.float64)[:, None]
            parcel = problem.locations.parcel[:, numbers.at]
            if share_parcels:
                each, count = numbers.parcels_least
                self.constant = float(each * count)
                self.opening -= each
                parcel = parcel - each
            per_hg = (parcel / up_to).min(axis=0)
            base = (problem.locations.fixed[numbers.at] + problem.rules.split_penalty).astype(np.float64)
            self.parcel = parcel.astype(np.float64)
            self.by_weight = (problem.weight_hg[:, None] * np.maximum(per_hg, 0.0), base)

    def first_prices(self) -> Floats:
        """Prices to begin with: the cheapest unit if the location's opening is shared by all it could send."""
        with np.errstate(divide="ignore"):
            share = self.opening / np.maximum(self.units.sum(axis=0), 1.0)
        each = np.where(self.units > 0, self.each + share, np.inf).min(axis=1, initial=np.inf)
        if self.lost is not None:
            each = np.minimum(each, self.lost)
        return np.where(np.isfinite(each), each, 0.0)

    def _fill(self, gain: Floats, taken: Floats) -> None:
        """Under caps a location takes the units that gain most until it is full."""
        assert self.capped_at is not None
        columns = self.capped_at
        order = np.argsort(-gain[:, columns], axis=0, kind="stable")
        sorted_units = np.take_along_axis(taken[:, columns], order, axis=0)
        before = np.cumsum(sorted_units, axis=0) - sorted_units
        room = np.maximum(self.numbers.cap[columns] - before, 0)
        filled = np.minimum(sorted_units, room)
        back = np.empty_like(filled)
        np.put_along_axis(back, order, filled, axis=0)
        taken[:, columns] = back

    def at(self, prices: Floats, forced: Ints, most: int) -> tuple[Bound, Floats]:
        """The bound these prices give, and the units per line that the opened locations would send."""
        gain = prices[:, None] - self.each
        taken = np.where(gain > 0, self.units, 0.0)
        if self.capped_at is not None and self.capped_at.size:
            self._fill(gain, taken)
        reduced = self.opening - np.einsum("il,il->l", gain, taken)
        if self.by_weight is not None:
            per_unit, without = self.by_weight
            lighter = np.maximum(gain - per_unit, 0.0) * self.units
            reduced = np.maximum(reduced, without - lighter.sum(axis=0))
        if self.grid is not None:
            self._load(gain, taken, reduced, forced)
        opened = self._opened(reduced, forced, most)
        base = self.constant + float(prices @ self.quantity) - self.penalty + float(reduced[opened].sum())
        least = base
        if not opened.size:  # somebody has to send something
            least += float(reduced.min())
            opened = reduced.argmin(keepdims=True) if self.lost is None else opened
        if self.lost is not None and not forced.size:  # or nobody sends anything
            least = min(least, float(self.lost @ self.quantity))
        return Bound(least, base, prices, reduced), taken[:, opened].sum(axis=1)

    def _load(self, gain: Floats, taken: Floats, reduced: Floats, forced: Ints) -> None:
        """Where a location is open or seems to pay, look again with whole parcels."""
        assert self.grid is not None
        assert self.by_weight is not None
        negative = reduced < 0
        negative[forced] = True
        columns = np.flatnonzero(negative)
        if not columns.size:
            return
        if columns.size > LOADED_MAX:
            columns = np.sort(columns[np.argsort(reduced[columns], kind="stable")[:LOADED_MAX]])
        self.cells += columns.size * self.grid.size * len(self.grid.items)
        profit, sent = best_loads(
            self.grid, gain[:, columns], self.units[:, columns], self.parcel[:, columns], self.numbers.whole
        )
        exact = self.by_weight[1][columns] - profit
        better = exact > reduced[columns]
        reduced[columns] = np.maximum(reduced[columns], exact)
        taken[:, columns[better]] = sent[:, better]

    def _opened(self, reduced: Floats, forced: Ints, most: int) -> Ints:
        """The forced ones and those that pay, the best first as far as the limit of locations allows."""
        negative = reduced < 0
        if forced.size:
            negative[forced] = False
        free = np.flatnonzero(negative)
        room = most - forced.size
        if free.size > room:
            free = free[np.argsort(reduced[free], kind="stable")[:room]]
        return np.concatenate([forced, free])

    def improve(self, prices: Floats, forced: Ints, most: int, best_cost: float, steps: int) -> Bound:
        """The best bound of some subgradient steps from these prices, aiming at a plan that costs `best_cost`."""
        best: Bound | None = None
        stride, stale = 1.6, 0
        for _ in range(steps):
            found, sent = self.at(prices, forced, most)
            if best is None or found.least > best.least + 1e-9 * abs(best.least):
                best, stale = found, 0
            else:
                stale += 1
                if stale == 4:
                    stride, stale, prices = stride * 0.5, 0, best.prices
                    continue
            if best.least >= best_cost - 1 + SLACK:
                break
            missing = 1.0 - sent / self.quantity
            if self.lost is not None:
                missing = np.where((prices >= self.lost) & (missing > 0), 0.0, missing)
            length = float(missing @ missing)
            if length < 1e-12:
                break
            gap = max(best_cost - found.least, 1.0)
            prices = prices + stride * gap / length * missing / self.quantity
            if self.lost is not None:
                prices = np.minimum(prices, self.lost)
        assert best is not None
        return best
