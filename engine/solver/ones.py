"""The first look at an order: the cheapest plan of one location, and the locations that a cheaper plan could use.

Most orders end here. A plan of several locations pays two openings at least, and for every line the cheapest price anywhere:

    cost >= opening_l + least opening + sum of the cheapest lines - split penalty        for every location l it uses

Where that is no less than what one location asks, l is left out; if nothing is left, one location is the proven answer.
"""

from typing import NamedTuple

import numpy as np

from engine.solver.problem import BIG, COST_MAX, NO_CAP, Ints, Problem, full_parcels, parcels_costs, unit_costs

NONE: Ints = np.zeros(0, np.int64)


class First(NamedTuple):
    """`cost` minor units of the plan of one location `at`; -1 for sending nothing, and with a cost of BIG for no plan yet.

    `others` int64[] are positions that a cheaper plan may use. `servable` is false where some line is nowhere to be had.
    """

    cost: int
    at: int
    others: Ints
    servable: bool


def first_look(problem: Problem) -> First:
    """Look at plans of one location. Raises ValueError if costs are too large to be added up exactly."""
    rules, locations, quantity = problem.rules, problem.locations, problem.quantity
    units_count = int(quantity.sum())
    line_cost = unit_costs(problem)
    dearest = max(int(line_cost.max()), -int(line_cost.min()))
    first = locations.parcel[0] if locations.parcel.shape[0] == 1 else locations.parcel.min(axis=0)
    opening = locations.fixed + first
    _check_size(problem, units_count, dearest, opening)
    line_cost *= quantity[:, None]
    able = problem.stock >= quantity[:, None]
    if locations.cap is not None:
        free = locations.cap == NO_CAP
        able &= (locations.cap >= quantity[:, None]) | free
    served = np.logical_and.reduce(able, axis=0)
    if locations.cap is not None:
        served &= (locations.cap >= units_count) | free
    cost, at = _cheapest(problem, np.flatnonzero(served), opening, line_cost)
    if rules.ship_complete and (rules.locations_max == 1 or (quantity.size == 1 and not rules.line_split)):
        return First(cost, at, NONE, servable=True)
    line_cost[~(able if not rules.line_split else problem.stock > 0)] = BIG
    cheapest = np.minimum.reduce(line_cost, axis=1)
    if problem.lost is not None and not rules.ship_complete:
        lost = problem.lost * quantity
        least = int(np.minimum(cheapest, lost).sum())
        if (nothing := int(lost.sum())) <= cost:
            cost, at = nothing, -1
    else:
        if int(cheapest.max()) == BIG:
            return First(BIG, -1, NONE, servable=False)
        least = int(cheapest.sum()) + int(opening.min()) + rules.split_penalty
    return First(cost, at, np.flatnonzero(opening < cost - least), servable=True)


def _cheapest(problem: Problem, served: Ints, opening: Ints, line_cost: Ints) -> tuple[int, int]:
    """Cost and position of the cheapest of the locations that can send everything."""
    if not served.size or problem.rules.locations_max == 0:
        return BIG, -1
    if served.size * 4 < opening.size:
        line_cost, opening = line_cost[:, served], opening[served]
        everywhere = False
    else:
        everywhere = True
    cost = np.add.reduce(line_cost, axis=0)
    if problem.rules.parcel_up_to_hg:
        at = np.arange(opening.size) if everywhere else served
        cost += problem.locations.fixed[at]
        cost += parcels_costs(problem.locations, problem.rules, at, int(problem.weight_hg @ problem.quantity))
    else:
        cost += opening
    if everywhere:
        cost = cost[served]
    best = int(cost.argmin())
    return int(cost[best]), int(served[best])


def _check_size(problem: Problem, units_count: int, dearest: int, opening: Ints) -> None:
    """No sum of costs may leave what whole numbers are exact in."""
    rules = problem.rules
    used = min(opening.size, units_count)
    total = dearest * units_count + used * (int(opening.max()) + rules.split_penalty)
    if rules.parcel_up_to_hg:
        more = full_parcels(rules, int(problem.weight_hg @ problem.quantity))
        total += (used + more) * int(problem.locations.parcel.max())
    if problem.lost is not None and not rules.ship_complete:
        total += int(problem.lost.max()) * units_count
    if total > COST_MAX:
        raise ValueError("quantities times costs are too large to be added up exactly")
