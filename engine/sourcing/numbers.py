"""A problem made ready to be solved: costs a line and location, units that can be taken, and what couples lines at a location."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.sourcing.problem import NO_CAP, Ints, Problem, unit_costs

COST_MAX = 2**52  # whole numbers up to here are exact in float64, in which bounds are computed
BIG = 2**55  # dearer than any plan; sums of a few stay within int64
Floats = NDArray[np.float64]


class Numbers(NamedTuple):
    """n lines and the L locations that can send anything.

    `each` int64[n, L] minor units per unit; `units` int64[n, L] the most units of a line from a location (all or none of a
    line that may not be split); `opening` int64[L] the least a used location costs, with one split penalty each;
    `parcels_least` are the price of the cheapest parcel anywhere and how many parcels there are at least.
    `at` int64[L] positions in the problem. `cap` int64[L], BIG for any. What couples the lines of one location:
    `capped` (units), `stepped` (weight), `valued` (worth). Without these, given the open locations, every line is its own.
    """

    problem: Problem
    at: Ints
    each: Ints
    units: Ints
    opening: Ints
    cap: Ints
    lost: Ints | None
    whole: bool
    capped: bool
    stepped: bool
    valued: bool
    most: int
    parcels_least: tuple[int, int]

    @property
    def coupled(self) -> bool:
        """Whether what is taken of one line limits, or makes dearer, what can be taken of another."""
        return self.capped or self.stepped or self.valued

    def only(self, chosen: Ints) -> "Numbers":
        """The same for some of the locations."""
        return self._replace(
            at=self.at[chosen],
            each=np.ascontiguousarray(self.each[:, chosen]),
            units=np.ascontiguousarray(self.units[:, chosen]),
            opening=self.opening[chosen],
            cap=self.cap[chosen],
        )


def numbers_of(problem: Problem) -> Numbers:
    """Make a problem ready. Raises ValueError if its costs are too large to be added up exactly."""
    rules, quantity, stock = problem.rules, problem.quantity, problem.stock
    lines_count, locations_count = stock.shape
    whole = not rules.line_split
    units = np.minimum(stock, quantity[:, None])
    cap, capped = _caps(problem)
    if capped:
        units = np.minimum(units, cap)
    if whole:
        units = np.where(units == quantity[:, None], units, 0)
    alive = np.flatnonzero(units.any(axis=0)) if lines_count > 1 else np.flatnonzero(units[0])
    if alive.size < locations_count:
        units = units[:, alive]
    each = unit_costs(problem)
    each = each[:, alive] if alive.size < locations_count else each
    first = problem.locations.parcel.min(axis=0)
    opening = (problem.locations.fixed + first + rules.split_penalty)[alive]
    weight_hg = int(problem.weight_hg @ quantity)
    parcels_count = -(-weight_hg // rules.parcel_up_to_hg[-1]) if rules.parcel_up_to_hg else 0
    parcel_minor = int(problem.locations.parcel[:, alive].min(initial=BIG)) if parcels_count else 0
    stepped = bool(rules.parcel_up_to_hg) and weight_hg > rules.parcel_up_to_hg[0]
    if rules.parcel_up_to_hg and not stepped:
        opening = (problem.locations.fixed + problem.locations.parcel[0] + rules.split_penalty)[alive]
    lost = None if rules.ship_complete else problem.lost
    most = min(int(alive.size), locations_count if rules.locations_max is None else rules.locations_max)
    numbers = Numbers(
        problem=problem,
        at=alive,
        each=each,
        units=units,
        opening=opening,
        cap=cap[alive],
        lost=lost,
        whole=whole,
        capped=capped and bool((cap[alive] < units.sum(axis=0)).any()),
        stepped=stepped,
        valued=rules.split_value_min > 0 and most > 1,
        most=most,
        parcels_least=(parcel_minor, parcels_count if rules.ship_complete else 0),
    )
    _check_size(numbers, weight_hg)
    return numbers


def _caps(problem: Problem) -> tuple[Ints, bool]:
    cap = problem.locations.cap
    if cap is None:
        return np.full(problem.stock.shape[1], BIG, np.int64), False
    return np.where(cap == NO_CAP, BIG, cap), bool((cap != NO_CAP).any())


def _check_size(numbers: Numbers, weight_hg: int) -> None:
    """No sum of costs may leave what whole numbers are exact in."""
    problem = numbers.problem
    dearest = float(np.abs(numbers.each).max(initial=0))
    used = min(numbers.most, int(problem.quantity.sum()))
    parcels = used
    if problem.rules.parcel_up_to_hg:
        parcels += weight_hg // problem.rules.parcel_up_to_hg[-1]
    total = dearest * float(problem.quantity.sum())
    total += used * float(np.abs(numbers.opening).max(initial=0))
    total += parcels * float(np.abs(problem.locations.parcel).max(initial=0))
    if numbers.lost is not None:
        total += float(np.abs(numbers.lost).astype(np.float64) @ problem.quantity)
    if total > COST_MAX:
        raise ValueError("quantities times costs are too large to be added up exactly")
