"""What the parcels of a shipment cost by its weight, and straight lines below that staircase."""

import numpy as np
from numpy.typing import NDArray

from engine.solver.problem import Ints

Floats = NDArray[np.float64]


def prices(parcel: Ints, steps: tuple[int, ...], location: Ints, weight: Ints) -> Ints:
    """Minor units int64[m] for m shipments of `weight` int64[m] hg from `location` int64[m], by `parcel` int64[K, L]."""
    if not steps:
        return np.asarray(parcel[0, location])
    full = np.maximum(1, -(-weight // steps[-1])) - 1
    step = np.searchsorted(np.array(steps), weight - full * steps[-1])
    return np.asarray(full * parcel[-1, location] + parcel[step, location])


def price_of(parcel: list[int], steps: tuple[int, ...], weight: int) -> int:
    """The same for one shipment, by one location's `parcel` [K]."""
    if not steps:
        return parcel[0]
    full = max(1, -(-weight // steps[-1])) - 1
    rest = weight - full * steps[-1]
    return full * parcel[-1] + next(cents for cents, up_to in zip(parcel, steps, strict=True) if rest <= up_to)


def stair(steps: tuple[int, ...], weight: int) -> tuple[int, int]:
    """The first and the last weight in hg that cost the same as this one, step by step."""
    full = max(1, -(-weight // steps[-1])) - 1
    rest = weight - full * steps[-1]
    first = 0 if full == 0 else 1
    for up_to in steps:
        if rest <= up_to:
            return full * steps[-1] + first, full * steps[-1] + up_to
        first = up_to + 1
    raise AssertionError("the rest is at most the last step")


def line_below(parcel: list[int], steps: tuple[int, ...], low: int, high: int) -> tuple[float, float]:
    """The steepest line through the price at `low` hg that is nowhere above the price up to `high`: (price at low, slope).

    The staircase repeats with the last step: in a later period a slope is between that of the first and the mean.
    """
    at_low = price_of(parcel, steps, low)
    slopes: list[float] = []
    weight, until = low, min(high, low + 2 * steps[-1] + 1)
    while weight <= until:
        first, last = stair(steps, weight)
        ends = (max(first, low), min(last, high))
        slopes += [(price_of(parcel, steps, end) - at_low) / (end - low) for end in ends if end > low]
        weight = last + 1
    return float(at_low), min(slopes, default=0.0)


def least(parcel: Ints, steps: tuple[int, ...], weight: Ints) -> Ints:
    """The lowest price int64[L] that any shipment of at most `weight` int64[L] hg can have, by `parcel` int64[K, L]."""
    if not steps:
        return np.asarray(parcel[0])
    starts = np.array((0, *(up_to + 1 for up_to in steps[:-1])))[:, None]
    reachable = np.where(starts <= weight, parcel, np.iinfo(np.int64).max)
    return np.asarray(reachable.min(axis=0))


def per_weight(parcel: Ints, steps: tuple[int, ...]) -> Floats:
    """The lowest price per hg float64[L] that any shipment can have; the parcel of the last step repeats."""
    ends = np.array(steps, np.float64)[:, None]
    return np.asarray((parcel / ends).min(axis=0))
