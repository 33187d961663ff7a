"""The cheapest plan for one order, proven: quick where it is easy, exact where it is not, honest where it would take too long."""

import numpy as np

from engine.solver.listing.find import find
from engine.solver.numbers import Numbers, numbers_of
from engine.solver.ones import First, first_look
from engine.solver.problem import BIG, INFEASIBLE, OPTIMAL, UNPROVEN, Plan, Problem, cost_of, violations
from engine.solver.search import Found, Search
from engine.solver.subsets import LINES_MAX, Parts, cheapest_parts

EFFORT_DEFAULT = 6_000
FIRST_EFFORT = 100
LISTED_LINES_MAX = 16
LISTING_EFFORT_MIN = 1_000
LISTING_STEPS_PER_EFFORT = 16
CELLS_MAX = 500_000  # sets of lines times locations, from which on it pays to leave out locations first
STEPPED_CELLS_MAX = 100_000
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
    search = Search(numbers_of(problem, first.others), effort)
    if first.cost < BIG:
        search.offer(first.cost, _one(problem, first).takes)
    settled = problem.quantity.size <= LINES_MAX and _by_subsets(search)
    found = search.found() if settled else _searched(search, effort)
    if found.cost is None:
        return _infeasible(problem) if found.proven else _unproven(problem, found.bound)
    if found.proven:
        return _plan(problem, OPTIMAL, found.cost, found.cost, found.takes)
    return _plan(problem, UNPROVEN, found.cost, found.bound, found.takes)


def _searched(search: Search, effort: int) -> Found:
    """Open locations, for a little while; list shipments, if there is time for it; open locations again, from the best plan so far."""
    numbers, problem = search.numbers, search.numbers.problem
    if problem.quantity.size > LISTED_LINES_MAX or effort < LISTING_EFFORT_MIN:
        search.work_left = effort
        return search.run()
    search.work_left = FIRST_EFFORT
    found = search.run()
    if found.proven:
        return found
    known = search.best_cost, search.takes
    cost, takes, bound = find(problem, numbers.at, known, effort * LISTING_STEPS_PER_EFFORT)
    again = Search(numbers, effort)
    again.offer(cost, takes)
    if bound >= again.best_cost:
        return again.found()
    last = again.run()
    return last if last.proven else last._replace(bound=max(last.bound, bound, found.bound))


def _by_subsets(search: Search) -> bool:
    """Offer the search what subsets of whole lines give; whether that settles it."""
    numbers, problem = search.numbers, search.numbers.problem
    exact = numbers.whole or _wholes_suffice(numbers)
    cells = numbers.at.size << problem.quantity.size
    if exact and cells > (STEPPED_CELLS_MAX if numbers.stepped else CELLS_MAX):
        search.narrow()
        numbers = search.numbers
    parts = cheapest_parts(numbers)
    if parts is None or parts.cost >= search.best_cost:
        return exact
    takes = _takes(numbers, parts)
    if len(set(parts.locations)) < len(parts.locations):
        if violations(problem, takes):  # two parts of one location are together over its cap
            return False
        cost = cost_of(problem, takes)
        exact = exact and cost == parts.cost
    else:
        cost = parts.cost
    search.offer(cost, takes)
    return exact


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
