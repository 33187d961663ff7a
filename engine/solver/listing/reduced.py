"""A problem in the form that the searches use: costs per unit, usable units, only locations that can send anything."""

from typing import NamedTuple

import numpy as np

from engine.solver.problem import NO_CAP, Ints, Problem, unit_costs

Takes = tuple[tuple[int, int, int], ...]


class Reduced(NamedTuple):
    """n lines, L locations that can send at least a unit; money in minor units, weights in hg.

    `at` int64[L] locations of the problem; `quantity`, `weight` int64[n]; `cost` int64[n, L] per unit; `held` int64[n, L]
    units that a location can send of a line, alone; `base` int64[L] fixed cost and split penalty; `parcel` int64[K, L];
    `cap` int64[L] units, at most what is held; `lost` int64[n] per unit or None when nothing may be lost; `value` int64[n].
    Costs of plans are one split penalty too high here, unless nothing is sent.
    """

    at: Ints
    quantity: Ints
    weight: Ints
    cost: Ints
    held: Ints
    base: Ints
    parcel: Ints
    steps: tuple[int, ...]
    cap: Ints
    lost: Ints | None
    value: Ints | None
    split_value_min: int
    locations_max: int
    line_split: bool
    split_penalty: int

    def only(self, kept: Ints) -> "Reduced":
        """The same with these of its locations, in their order."""
        return self._replace(
            at=self.at[kept],
            cost=np.ascontiguousarray(self.cost[:, kept]),
            held=np.ascontiguousarray(self.held[:, kept]),
            base=self.base[kept],
            parcel=np.ascontiguousarray(self.parcel[:, kept]),
            cap=self.cap[kept],
            locations_max=min(self.locations_max, kept.size),
        )


def reduce(problem: Problem, among: Ints) -> Reduced:
    """Drop all locations but these, and what cannot send anything."""
    locations, rules, quantity = problem.locations, problem.rules, problem.quantity
    wanted = quantity[:, None]
    cap = locations.cap
    line_split = rules.line_split and int(quantity.max()) > 1
    if line_split:
        held = np.minimum(problem.stock, wanted)
        if cap is not None:
            held = np.where(cap == NO_CAP, held, np.minimum(held, cap))
    else:
        able = problem.stock >= wanted
        if cap is not None:
            able &= (cap == NO_CAP) | (cap >= wanted)
        held = np.where(able, wanted, 0)
    total = held.sum(axis=0)
    limit = total if cap is None else np.where(cap == NO_CAP, total, np.minimum(cap, total))
    kept = among[limit[among] > 0]
    locations_max = kept.size if rules.locations_max is None else min(kept.size, rules.locations_max)
    return Reduced(
        at=np.arange(limit.size),
        quantity=quantity,
        weight=problem.weight_hg,
        cost=unit_costs(problem),
        held=held,
        base=locations.fixed + rules.split_penalty,
        parcel=locations.parcel if rules.parcel_up_to_hg else locations.parcel[:1],
        steps=rules.parcel_up_to_hg,
        cap=limit,
        lost=None if rules.ship_complete else problem.lost,
        value=problem.value,
        split_value_min=rules.split_value_min,
        locations_max=locations_max,
        line_split=line_split,
        split_penalty=rules.split_penalty,
    ).only(kept)
