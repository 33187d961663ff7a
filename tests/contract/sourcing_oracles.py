"""Two other ways to find the cheapest plan: try every plan there is, and ask HiGHS. Slow, independent, and right."""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp
from scipy.sparse import csr_array

from engine.solver.problem import (
    BIG,
    INFEASIBLE,
    NO_CAP,
    OPTIMAL,
    UNPROVEN,
    Ints,
    Plan,
    Problem,
    cost_of,
    unit_costs,
    violations,
)

Takes = tuple[tuple[int, int, int], ...]

INFINITE = np.inf


class NaiveSolver:
    """Every plan there is, in the order of its locations; the first of the cheapest legal ones. For tiny problems."""

    def solve(self, problem: Problem) -> Plan:
        """The cheapest legal plan."""
        best: tuple[int, Takes] | None = None
        ways = [list(_ways_of_line(problem, line)) for line in range(len(problem.quantity))]
        for chosen in product(*ways):
            takes = tuple(take for line in chosen for take in line)
            if not violations(problem, takes):
                cost = cost_of(problem, takes)
                if best is None or cost < best[0]:
                    best = (cost, takes)
        if best is None:
            return no_plan(problem)
        return Plan(OPTIMAL, best[0], best[0], best[1], unsourced(problem, best[1]))

    def plans(self, problem: Problem) -> int:
        """How many plans would be tried."""
        count = 1
        for line in range(len(problem.quantity)):
            count *= sum(1 for _ in _ways_of_line(problem, line))
        return count


def _ways_of_line(problem: Problem, line: int) -> Iterator[Takes]:
    """Every way to send one line: some units from each location, no more than it has and no more than are wanted."""
    wanted = int(problem.quantity[line])
    held = [range(min(wanted, units) + 1) for units in problem.stock[line].tolist()]
    for units in product(*reversed(held)):
        if sum(units) <= wanted and (sum(units) == wanted or not problem.rules.ship_complete):
            yield tuple((line, at, taken) for at, taken in enumerate(reversed(units)) if taken)


def no_plan(problem: Problem) -> Plan:
    """The answer when nothing is legal."""
    return Plan(INFEASIBLE, None, 0, (), tuple(problem.quantity.tolist()))


def unsourced(problem: Problem, takes: Takes) -> tuple[int, ...]:
    """Units per line that nobody sends."""
    left = problem.quantity.tolist()
    for line, _, units in takes:
        left[line] -= units
    return tuple(left)


class HighsSolver:
    """The whole model as one mixed integer program, solved by HiGHS to a gap of zero.

    HiGHS calculates in floating point: its plan is rounded to whole units and priced again. Where the price is not the
    one HiGHS names, the answer is `unproven`, with the bound of HiGHS: between the two is the truth. So it is when its time
    is over. With a million units its presolve may lose the cheapest plan, or all of them; without it HiGHS is slower.
    """

    def __init__(self, seconds_max: float = 60.0, presolve: bool = True) -> None:
        self.seconds_max = seconds_max
        self.presolve = presolve

    def solve(self, problem: Problem) -> Plan:
        """The cheapest legal plan."""
        model = Model()
        cells = _describe(model, problem)
        found = model.solve(self.seconds_max, self.presolve)
        if found.status == 2:
            return no_plan(problem)
        if found.x is None:  # time was up before it had any plan
            assert found.status == 1, found.message
            return Plan(UNPROVEN, None, -BIG, (), tuple(problem.quantity.tolist()))
        takes = _takes_of(problem, cells, found.x)
        bound = int(np.ceil(found.mip_dual_bound - 0.01))
        if violations(problem, takes):
            return Plan(UNPROVEN, None, bound, (), tuple(problem.quantity.tolist()))
        cost = cost_of(problem, takes)
        proven = found.status == 0 and abs(cost - found.fun) < 0.5 and cost - found.mip_dual_bound < 0.99
        return Plan(OPTIMAL if proven else UNPROVEN, cost, cost if proven else bound, takes, unsourced(problem, takes))


class Cells(NamedTuple):
    """The (line, location) pairs that can send anything; `units` is what one step of the variable means."""

    line: Ints
    at: Ints
    units: Ints
    columns: Ints


class Model:
    """A mixed integer program that grows by blocks of columns and rows."""

    def __init__(self) -> None:
        self.cost: list[NDArray[np.float64]] = []
        self.upper: list[NDArray[np.float64]] = []
        self.whole: list[NDArray[np.int64]] = []
        self.entries: list[tuple[Ints, Ints, NDArray[np.float64]]] = []
        self.low: list[NDArray[np.float64]] = []
        self.high: list[NDArray[np.float64]] = []
        self.columns = self.rows = 0

    def variables(self, count: int, cost: Any, upper: Any, whole: bool = True) -> Ints:
        """Columns from 0 to `upper`; returns their numbers."""
        self.cost.append(np.broadcast_to(np.asarray(cost, float), count))
        self.upper.append(np.broadcast_to(np.asarray(upper, float), count))
        self.whole.append(np.full(count, int(whole)))
        self.columns += count
        return np.arange(self.columns - count, self.columns)

    def rows_between(self, count: int, low: float, high: float, *entries: tuple[Any, Any, Any]) -> None:
        """`count` rows, low <= sum of (row, column, factor) <= high."""
        for row, column, factor in entries:
            rows, columns, factors = np.broadcast_arrays(np.asarray(row) + self.rows, column, np.asarray(factor, float))
            self.entries.append((rows.ravel(), columns.ravel(), factors.ravel()))
        self.low.append(np.full(count, low))
        self.high.append(np.full(count, high))
        self.rows += count

    def solve(self, seconds_max: float, presolve: bool = True) -> OptimizeResult:
        """Ask HiGHS."""
        rows, columns, factors = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        matrix = csr_array((factors, (rows, columns)), shape=(self.rows, self.columns))
        return milp(
            np.concatenate(self.cost),
            integrality=np.concatenate(self.whole),
            bounds=Bounds(np.zeros(self.columns), np.concatenate(self.upper)),
            constraints=LinearConstraint(matrix, np.concatenate(self.low), np.concatenate(self.high)),
            options={"mip_rel_gap": 0.0, "time_limit": seconds_max, "presolve": presolve},
        )


def _describe(model: Model, problem: Problem) -> Cells:
    """Write the model at the top of problem.py down, row by row."""
    n, count = problem.stock.shape
    rules, quantity = problem.rules, problem.quantity
    most = np.minimum(problem.stock, quantity[:, None])
    line, at = np.nonzero(most > 0 if rules.line_split else most == quantity[:, None])
    units = np.ones(len(line), np.int64) if rules.line_split else quantity[line]
    steps_max = most[line, at] // units
    columns = model.variables(len(line), unit_costs(problem)[line, at] * units, steps_max)
    cells = Cells(line, at, units, columns)
    used = model.variables(count, problem.locations.fixed + rules.split_penalty, 1)

    lost_max = np.zeros(n) if rules.ship_complete else quantity
    lost = model.variables(n, 0 if problem.lost is None or rules.ship_complete else problem.lost, lost_max)
    for i in range(n):
        mine = line == i
        model.rows_between(1, quantity[i], quantity[i], (0, columns[mine], units[mine]), (0, lost[i], 1))
    each = np.arange(len(line))
    model.rows_between(len(line), -INFINITE, 0, (each, columns, 1), (each, used[at], -steps_max))

    anything = model.variables(1, -rules.split_penalty, 1, whole=False)
    model.rows_between(1, -INFINITE, 0, (0, anything, 1), (0, used, -1))
    if rules.locations_max is not None:
        model.rows_between(1, -INFINITE, rules.locations_max, (0, used, 1))
    _describe_caps(model, problem, cells, used)
    _describe_parcels(model, problem, cells, used)
    _describe_split_value(model, problem, cells, used)
    return cells


def _describe_caps(model: Model, problem: Problem, cells: Cells, used: Ints) -> None:
    """No location sends more units than it may."""
    cap = problem.locations.cap
    if cap is None:
        return
    held = cap[cells.at] != NO_CAP
    row = np.arange(len(used))
    limit = np.where(cap == NO_CAP, 0, cap)
    model.rows_between(
        len(used), -INFINITE, 0, (cells.at[held], cells.columns[held], cells.units[held]), (row, used, -limit)
    )


def _describe_parcels(model: Model, problem: Problem, cells: Cells, used: Ints) -> None:
    """Weight = full parcels x the last limit + the rest; the rest lies between the limits of exactly one step."""
    limits, price = problem.rules.parcel_up_to_hg, problem.locations.parcel
    count, row = len(used), np.arange(len(used))
    if not limits:
        model.cost[1] = model.cost[1] + price[0]
        return
    weight = problem.weight_hg[cells.line] * cells.units
    full = model.variables(count, price[-1], INFINITE)
    rest = model.variables(count, 0, limits[-1])
    model.rows_between(count, 0, 0, (cells.at, cells.columns, weight), (row, full, -limits[-1]), (row, rest, -1))
    in_step = [model.variables(count, price[k], 1) for k in range(len(limits))]
    model.rows_between(count, 0, 0, *((row, step, 1) for step in in_step), (row, used, -1))
    model.rows_between(
        count, -INFINITE, 0, (row, rest, 1), *((row, step, -up_to) for step, up_to in zip(in_step, limits, strict=True))
    )
    more_than = [0, *(up_to + 1 for up_to in limits[:-1])]
    model.rows_between(
        count, 0, INFINITE, (row, rest, 1), *((row, step, -low) for step, low in zip(in_step, more_than, strict=True))
    )


def _describe_split_value(model: Model, problem: Problem, cells: Cells, used: Ints) -> None:
    """Where several locations are used, each sends goods worth enough."""
    least = problem.rules.split_value_min
    if not least or problem.value is None:
        return
    count, row = len(used), np.arange(len(used))
    several = model.variables(1, 0, 1)
    model.rows_between(1, -INFINITE, 1, (0, used, 1), (0, several, -count))
    worth = problem.value[cells.line] * cells.units
    model.rows_between(
        count, -least, INFINITE, (cells.at, cells.columns, worth), (row, used, -least), (row, several[0], -least)
    )


def _takes_of(problem: Problem, cells: Cells, values: NDArray[np.float64]) -> Takes:
    steps = np.rint(values[cells.columns]).astype(np.int64)
    sent = np.flatnonzero(steps)
    return tuple((int(cells.line[k]), int(cells.at[k]), int(steps[k] * cells.units[k])) for k in sent)
