"""The cheapest plan for an order by listing shipments and by branching on locations: many locations are left out by prices first.

Whole lines and few units are best listed as shipments, of which the cheapest that fit together are chosen; lines that may
be split and have no parcels to fill are branched on, location by location.
"""

from collections.abc import Callable

import numpy as np

from engine.solver.listing.ascent import ascend, first_prices
from engine.solver.listing.assignment import NEVER
from engine.solver.listing.branching import Found, Tried, branch, polish, settle
from engine.solver.listing.columns import combine
from engine.solver.listing.effort import Effort
from engine.solver.listing.greedy import cover
from engine.solver.listing.local import improve, plan_from
from engine.solver.listing.packing import Floats
from engine.solver.listing.reduced import Reduced, Takes, reduce
from engine.solver.listing.relaxation import CLOSED, FREE, Relaxation, relax, uncapped
from engine.solver.problem import BIG, Ints, Problem

ROOT_ROUNDS, AGAIN_ROUNDS = 30, 80
FEW = 40
NOWHERE = -1

Way = Callable[[Reduced, Relaxation, Floats, Found, Effort], Found]


def find(problem: Problem, among: Ints, known: tuple[int, Takes], steps: int) -> tuple[int, Takes, int]:
    """Cost, takes and bound of the cheapest plan that uses only the locations `among`, or of the `known` one if none is cheaper.

    Takes are by position in the problem; a cost of BIG stands for no plan. No plan costs less than the bound. `steps` limit
    the search, about two microseconds each; they decide alone, so the answer is always the same.
    """
    penalty = problem.rules.split_penalty
    reduced = reduce(problem, among)
    start = _nothing(reduced)
    cost, takes = known
    if cost < BIG and cost + penalty < start.cost:
        column = np.full(problem.locations.fixed.size, NOWHERE)
        column[reduced.at] = np.arange(reduced.at.size)
        start = Found(cost + penalty, tuple((line, int(column[at]), units) for line, at, units in takes), -NEVER)
    found = _search(reduced, Effort(steps), start)
    bound = min(found.bound - penalty, BIG)
    if found.cost - penalty >= cost or found.cost >= NEVER:
        return cost, takes, min(bound, cost)
    takes = tuple(sorted((line, int(reduced.at[at]), units) for line, at, units in found.takes))
    return found.cost - penalty, takes, min(bound, found.cost - penalty)


def _nothing(reduced: Reduced) -> Found:
    """The plan that sends nothing, if that is legal."""
    if reduced.lost is None:
        return Found(NEVER, (), -NEVER)
    return Found(int(reduced.quantity @ reduced.lost) + reduced.split_penalty, (), -NEVER)


def _search(reduced: Reduced, effort: Effort, start: Found) -> Found:
    if reduced.lost is None and (reduced.held.sum(axis=1) < reduced.quantity).any():
        return start._replace(bound=start.cost)
    if not reduced.at.size or reduced.locations_max <= 0:
        return start._replace(bound=start.cost)
    relaxation = uncapped(relax(reduced))
    free = np.full((1, reduced.at.size), FREE, np.int8)
    tried = Tried(reduced, start.cost, start.takes, effort)
    _start(tried, relaxation, [])
    prices, valued = ascend(relaxation, first_prices(relaxation), free, float(tried.cost), 0)
    if np.count_nonzero(settle(relaxation, free, valued, tried.cost) != CLOSED) > FEW + reduced.at.size // 8:
        prices, valued = ascend(relaxation, prices, free, float(tried.cost), ROOT_ROUNDS)
        effort.spend(ROOT_ROUNDS * (30 + reduced.cost.size // 300))
    _start(tried, relaxation, np.flatnonzero(valued.sends[0].any(axis=0)).tolist())
    lower = float(valued.bound[0]) - relaxation.slack
    if reduced.line_split and lower <= tried.cost - 1:
        polish(tried, valued.opens[0])
    if lower > tried.cost - 1:
        return Found(tried.cost, tried.takes, tried.cost)
    kept = np.flatnonzero(settle(relaxation, free, valued, tried.cost)[0] != CLOSED)
    return _among(reduced, kept, prices, Found(tried.cost, tried.takes, int(np.ceil(lower))), effort)


def _among(reduced: Reduced, kept: Ints, prices: Floats, known: Found, effort: Effort) -> Found:
    """Search the locations that are left, after a second look at what they can add; `prices` float64[1, n]."""
    if not kept.size:
        return known._replace(bound=known.cost)
    smaller = reduced.only(kept)
    relaxation = relax(smaller)
    free = np.full((1, kept.size), FREE, np.int8)
    prices, valued = ascend(relaxation, prices, free, float(known.cost), AGAIN_ROUNDS)
    effort.spend(AGAIN_ROUNDS * (30 + smaller.cost.size // 300))
    lower = max(known.bound, int(np.ceil(float(valued.bound[0]) - relaxation.slack)))
    if lower >= known.cost:
        return known._replace(bound=known.cost)
    still = np.flatnonzero(settle(relaxation, free, valued, known.cost)[0] != CLOSED)
    if not still.size:
        return known._replace(bound=known.cost)
    smaller, kept = smaller.only(still), kept[still]
    back = {int(location): column for column, location in enumerate(kept)}
    mapped = tuple((line, back.get(at, NOWHERE), units) for line, at, units in known.takes)
    found = _finish(smaller, prices[0], Found(known.cost, mapped, lower), effort)
    if found.takes == mapped:
        return found._replace(takes=known.takes)
    return found._replace(takes=tuple((line, int(kept[at]), units) for line, at, units in found.takes))


def _start(tried: Tried, relaxation: Relaxation, locations: list[int]) -> None:
    """Try to make a plan out of these locations and others."""
    reduced = tried.reduced
    if not reduced.line_split:
        found = plan_from(reduced, improve(relaxation, locations[: reduced.locations_max]))
        if found is not None and found[0] < tried.cost:
            tried.cost, tried.takes = found
        return
    for chosen in (locations, improve(relaxation, locations[: reduced.locations_max])):
        covering = cover(reduced, relaxation.opening, chosen)
        if covering is not None and len(covering) <= reduced.locations_max:
            tried.bound(tuple(sorted(covering)))


def _finish(reduced: Reduced, prices: Floats, known: Found, effort: Effort) -> Found:
    """Listing shipments is best where lines are whole or parcels hard to fill, branching on locations for the rest.

    Where both can work, the one that is likelier to goes first, with more of the effort. Branching leaves lines whole
    by itself where nothing makes parts of them cheaper, and lines of one unit have no parts.
    """
    relaxation = relax(reduced)
    hard = relaxation.heavy_cost is not None or reduced.split_value_min > 0
    if not reduced.line_split and (hard or relaxation.tight.size) and reduced.quantity.max() > 1:
        return _better(known, combine(reduced, relaxation, prices, known, effort))
    ways = [(branch, 2), (combine, 1)] if reduced.line_split and not hard else [(combine, 2), (branch, 1)]
    if reduced.line_split and not hard:
        ways.insert(0, (combine, 8))
    for way, share in ways:
        known = _better(known, _part(way, share, reduced, relaxation, prices, known, effort))
        if known.bound >= known.cost:
            break
    return known


def _part(
    way: Way, share: int, reduced: Reduced, relaxation: Relaxation, prices: Floats, known: Found, effort: Effort
) -> Found:
    """Go one way with a part of the effort that is left."""
    part = Effort(effort.left // share)
    before = part.left
    found = way(reduced, relaxation, prices, known, part)
    effort.spend(before - part.left)
    return found


def _better(known: Found, found: Found) -> Found:
    return found._replace(bound=min(found.cost, max(found.bound, known.bound)))
