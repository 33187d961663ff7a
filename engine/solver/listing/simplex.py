"""A small linear program with bounded variables, by the dual simplex method on a dense tableau.

Formula: Lemke 1954; with bounds as in Koberstein, "The Dual Simplex Method", 2005, chapter 3. It starts from a basis that
is dual feasible, so that its objective is a lower bound all the way and a caller may stop it early.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ITERATIONS_MAX = 2_000
PIVOT_MIN = 1e-9

SOLVED, IMPOSSIBLE, STOPPED = "solved", "impossible", "stopped"


class Outcome(NamedTuple):
    """`objective` of the program, or a lower bound of it when `status` is stopped; `values` float64[N]."""

    status: str
    objective: float
    values: Floats
    iterations: int


def minimise(
    matrix: Floats, right: Floats, cost: Floats, low: Floats, high: Floats, basis: NDArray[np.intp], enough: float
) -> Outcome:
    """Minimise cost x with matrix x = right and low <= x <= high.

    matrix float64[m, N], right float64[m]; cost, low, high float64[N]. `basis` intp[m] are columns whose matrix is
    regular and whose reduced costs are not negative where every other variable is at `low`, which is finite.
    It stops early when the bound reaches `enough`.
    """
    inverse = np.linalg.inv(matrix[:, basis])
    table = inverse @ matrix
    reduced = cost - cost[basis] @ table
    reduced[basis] = 0.0
    values = low.copy()
    values[basis] = 0.0
    values[basis] = inverse @ (right - matrix @ values)
    basic = np.zeros(cost.size, bool)
    basic[basis] = True
    basis = basis.copy()
    tolerance = 1e-9 * max(1.0, float(np.abs(right).max(initial=0.0)))
    movable = high > low
    for iteration in range(ITERATIONS_MAX):
        inside = values[basis]
        over, under = inside - high[basis], low[basis] - inside
        wrong = np.maximum(over, under)
        row = int(np.argmax(wrong))
        if wrong[row] <= tolerance:
            return Outcome(SOLVED, float(cost @ values), values, iteration)
        if float(cost @ values) >= enough:
            return Outcome(STOPPED, float(cost @ values), values, iteration)
        falling = over[row] > under[row]
        slopes = table[row] if falling else -table[row]
        at_high = values >= high
        able = movable & ~basic & np.where(at_high, slopes < -PIVOT_MIN, slopes > PIVOT_MIN)
        candidates = np.flatnonzero(able)
        if not candidates.size:
            return Outcome(IMPOSSIBLE, np.inf, values, iteration)
        ratios = np.abs(reduced[candidates]) / np.abs(slopes[candidates])
        best = candidates[ratios <= ratios.min() * (1 + 1e-12) + 1e-12]
        entering = int(best[np.argmax(np.abs(slopes[best]))])
        leaving = int(basis[row])
        bound = high[leaving] if falling else low[leaving]
        move = (values[leaving] - bound) / table[row, entering]
        values[basis] -= table[:, entering] * move
        values[entering] += move
        values[leaving] = bound
        pivot_row = table[row] / table[row, entering]
        reduced -= reduced[entering] * pivot_row
        column = table[:, entering].copy()
        column[row] = 0.0
        table -= np.outer(column, pivot_row)
        table[row] = pivot_row
        reduced[entering] = 0.0
        basic[leaving], basic[entering] = False, True
        basis[row] = entering
    return Outcome(STOPPED, float(cost @ values), values, ITERATIONS_MAX)
