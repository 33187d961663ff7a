"""A problem made ready to be solved: costs a line and location, units that can be taken, and what couples lines at a location."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.solver.problem import BIG, NO_CAP, Ints, Problem, full_parcels

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


def numbers_of(problem: Problem, chosen: Ints) -> Numbers:
    """Make a problem ready, at the locations in these positions that can send anything."""
    rules, quantity, stock = problem.rules, problem.quantity, problem.stock
    everything = chosen.size == stock.shape[1]
    units = np.minimum(stock if everything else stock[:, chosen], quantity[:, None])
    cap, capped = _caps(problem, chosen)
    if capped:
        units = np.minimum(units, cap)
    if not rules.line_split:
        units[units < quantity[:, None]] = 0
    alive = np.flatnonzero(units.any(axis=0))
    if alive.size < chosen.size:
        units, chosen, cap = units[:, alive], chosen[alive], cap[alive]
    locations = problem.locations
    parcel = locations.parcel[:, chosen]
    weight_hg = int(problem.weight_hg @ quantity)
    parcels_count = full_parcels(rules, weight_hg) + 1 if rules.parcel_up_to_hg else 0
    stepped = bool(rules.parcel_up_to_hg) and weight_hg > rules.parcel_up_to_hg[0]
    first = parcel.min(axis=0) if stepped else parcel[0]
    most = int(chosen.size) if rules.locations_max is None else min(int(chosen.size), rules.locations_max)
    return Numbers(
        problem=problem,
        at=chosen,
        each=_each(problem, chosen),
        units=units,
        opening=locations.fixed[chosen] + first + rules.split_penalty,
        cap=cap,
        lost=None if rules.ship_complete else problem.lost,
        whole=not rules.line_split,
        capped=capped and bool((cap < units.sum(axis=0)).any()),
        stepped=stepped,
        valued=rules.split_value_min > 0 and most > 1,
        most=most,
        parcels_least=(
            int(parcel.min(initial=BIG)) if parcels_count else 0,
            parcels_count if rules.ship_complete else 0,
        ),
    )


def _each(problem: Problem, chosen: Ints) -> Ints:
    """Costs per unit at some locations, int64[n, C]."""
    rate, unit = problem.locations.rate[chosen], problem.locations.unit[chosen]
    costs: Ints = problem.weight_hg[:, None] * rate
    costs += unit
    if problem.adj is not None:
        costs += problem.adj[:, chosen]
    return costs


def _caps(problem: Problem, chosen: Ints) -> tuple[Ints, bool]:
    if problem.locations.cap is None:
        return np.full(chosen.size, BIG, np.int64), False
    cap = problem.locations.cap[chosen]
    free = cap == NO_CAP
    return np.where(free, BIG, cap), not free.all()
