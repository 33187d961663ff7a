"""What one location would best send if every line offers a price: a knapsack over the weight of its shipment, parcels included.

For bounds where parcels couple the lines of a location. Dynamic programming over exact weights, many locations at once
(Bellman, 1957); weights are divided by their greatest common divisor.
"""

from typing import NamedTuple

import numpy as np

from engine.solver.numbers import Floats, Numbers
from engine.solver.problem import Ints

WEIGHTS_MAX = 6_000
CELLS_MAX = 600_000


class Grid(NamedTuple):
    """The weights a shipment may have, `gcd_hg` apart. `items` are (line, units, weight in grid steps), each taken or not."""

    gcd_hg: int
    size: int
    items: tuple[tuple[int, int, int], ...]
    full: Ints
    step: Ints


def grid_of(numbers: Numbers) -> Grid | None:
    """The grid of an order's weights; None where it would be too fine, or nothing weighs anything."""
    problem = numbers.problem
    weights = problem.weight_hg
    gcd_hg = int(np.gcd.reduce(weights))
    if not gcd_hg:
        return None
    steps = (weights // gcd_hg).tolist()
    quantity = problem.quantity.tolist()
    size = sum(q * w for q, w in zip(quantity, steps, strict=True)) + 1
    count = len(quantity) if numbers.whole else sum(quantity)
    if size > WEIGHTS_MAX or count * size > CELLS_MAX:
        return None
    items = []
    for line, weight in enumerate(steps):
        if not weight:
            continue
        if numbers.whole:
            items.append((line, quantity[line], quantity[line] * weight))
        else:
            items += [(line, unit, weight) for unit in range(1, quantity[line] + 1)]
    up_to = np.array(problem.rules.parcel_up_to_hg, np.int64)
    hg = np.arange(size, dtype=np.int64) * gcd_hg
    full = np.maximum(1, -(-hg // up_to[-1])) - 1
    return Grid(gcd_hg, size, tuple(items), full, np.searchsorted(up_to, hg - full * up_to[-1]))


def best_loads(grid: Grid, gain: Floats, units: Floats, parcel: Floats, whole: bool) -> tuple[Floats, Floats]:
    """The most that each location can gain, parcels paid, and the units of each line it would send for that.

    gain float64[n, C] per unit, units float64[n, C] that can be taken, parcel float64[K, C].
    Gives float64[C] and float64[n, C].
    """
    count = gain.shape[1]
    table = np.full((count, grid.size), -np.inf)
    table[:, 0] = 0.0
    taken = np.where(gain > 0, units, 0.0)
    weighty = sorted({line for line, _, _ in grid.items})
    taken[weighty] = 0.0
    base = (gain * taken).sum(axis=0)
    before = []
    reach = 1
    for line, unit, weight in grid.items:
        before.append(table)
        worth = np.where(units[line] >= unit, gain[line] * (unit if whole else 1), -np.inf)
        following = table.copy()
        end = min(grid.size, reach + weight)
        np.maximum(table[:, weight:end], table[:, : end - weight] + worth[:, None], out=following[:, weight:end])
        table, reach = following, end
    prices = grid.full * parcel[-1][:, None] + parcel[grid.step].T
    value = table - prices
    best = value.argmax(axis=1)
    profit = base + value[np.arange(count), best]
    for column, heaviest in enumerate(best.tolist()):
        weight_at, after = heaviest, table
        for (line, unit, weight), earlier in zip(reversed(grid.items), reversed(before), strict=True):
            if earlier[column, weight_at] != after[column, weight_at]:
                taken[line, column] += unit if whole else 1
                weight_at -= weight
            after = earlier
    return profit, taken
