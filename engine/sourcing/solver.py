"""The cheapest plan for one order, proven: quick where it is easy, exact where it is not, honest where it would take too long."""

import numpy as np

from engine.sourcing.numbers import Numbers, numbers_of
from engine.sourcing.ones import First, first_look
from engine.sourcing.problem import BIG, INFEASIBLE, OPTIMAL, UNPROVEN, Plan, Problem, cost_of, violations
from engine.sourcing.search import Search
from engine.sourcing.subsets import LINES_MAX, Parts, cheapest_parts

EFFORT_DEFAULT = 6_000
Takes = tuple[tuple[int, int, int], ...]


def solve(problem: Problem, effort: int = EFFORT_DEFAULT) -> Plan:
    """The cheapest legal plan.

    `effort` limits the work of hard cases (about 40 µs each); when it is used up the best plan found comes back as unproven,
    with a bound. Ties go to the location that stands first. Raises ValueError if the costs can't be added up exactly.
    """
    assert problem.rules.ship_complete or problem.lost is not None
    first = first_look(problem)
    if not first.servable:
        return _infeasible(problem)
    if not first.others.size:
        return _one(problem, first)
    numbers = numbers_of(problem, first.others)
    parts: Parts | None = None
    if problem.quantity.size <= LINES_MAX:
        parts = cheapest_parts(numbers)
        if numbers.whole or _wholes_suffice(numbers):
            if parts is None or parts.cost >= first.cost:
                return _one(problem, first)
            takes = _takes(numbers, parts)
            if len(set(parts.locations)) == len(parts.locations) or (
                cost_of(problem, takes) == parts.cost and not violations(problem, takes)
            ):  # else two parts of one location are together cheaper than counted, or over its cap
                return _plan(problem, OPTIMAL, parts.cost, parts.cost, takes)
    search = Search(numbers, effort)
    if first.cost < BIG:
        search.offer(first.cost, _one(problem, first).takes)
    if parts is not None:
        takes = _takes(numbers, parts)
        if not violations(problem, takes):
            search.offer(cost_of(problem, takes), takes)
    found = search.run()
    if found.cost is None:
        return _infeasible(problem) if found.proven else _unproven(problem, found.bound)
    cost = cost_of(problem, found.takes)
    assert cost <= found.cost, "a plan costs more than its search said"
    return _plan(
        problem, OPTIMAL if found.proven else UNPROVEN, cost, cost if found.proven else found.bound, found.takes
    )


def solve_most(problem: Problem, effort: int = EFFORT_DEFAULT) -> Plan:
    """The plan that serves the most units, and of those the cheapest; its cost and bound are without what is lost."""
    units = int(problem.quantity.sum())
    locations = problem.locations
    each = np.abs(locations.unit) + np.abs(locations.rate) * int(problem.weight_hg.max(initial=0))
    dearest = int(each.max(initial=0)) + (0 if problem.adj is None else int(np.abs(problem.adj).max(initial=0)))
    one = int(np.abs(locations.fixed).max(initial=0)) + problem.rules.split_penalty
    parcels = int(np.abs(locations.parcel).max(initial=0)) * (1 + int(problem.weight_hg @ problem.quantity))
    lost_minor = min(1 + 2 * (units * dearest + units * one + parcels), (BIG >> 4) // max(1, units))
    lost = np.full(problem.quantity.size, lost_minor, np.int64)
    plan = solve(problem._replace(rules=problem.rules._replace(ship_complete=False), lost=lost), effort)
    without = lost_minor * sum(plan.unsourced)
    return plan._replace(cost=None if plan.cost is None else plan.cost - without, bound=plan.bound - without)


def _one(problem: Problem, first: First) -> Plan:
    """The plan of one location, of nothing sent, or that there is none."""
    if first.cost >= BIG:
        return _infeasible(problem)
    quantity = problem.quantity.tolist()
    takes = () if first.at < 0 else tuple((line, first.at, units) for line, units in enumerate(quantity))
    return _plan(problem, OPTIMAL, first.cost, first.cost, takes)


def _wholes_suffice(numbers: Numbers) -> bool:
    """Lines may be split, but nothing is gained by it: every location has all of a line or nothing, and nothing couples lines."""
    all_or_nothing = (numbers.units == 0) | (numbers.units == numbers.problem.quantity[:, None])
    return not numbers.coupled and bool(all_or_nothing.all())


def _takes(numbers: Numbers, parts: Parts) -> Takes:
    quantity = numbers.problem.quantity.tolist()
    takes = [
        (line, int(numbers.at[where]), quantity[line])
        for mask, where in zip(parts.masks, parts.locations, strict=True)
        for line in range(len(quantity))
        if mask >> line & 1
    ]
    return tuple(sorted(takes))


def _plan(problem: Problem, status: str, cost: int, bound: int, takes: Takes) -> Plan:
    missing = problem.quantity.tolist()
    for line, _, units in takes:
        missing[line] -= units
    return Plan(status, cost, bound, takes, tuple(missing))


def _unproven(problem: Problem, bound: int) -> Plan:
    """No plan found, but there may be one."""
    return Plan(UNPROVEN, None, bound, (), tuple(problem.quantity.tolist()))


def _infeasible(problem: Problem) -> Plan:
    return Plan(INFEASIBLE, None, 0, (), tuple(problem.quantity.tolist()))
