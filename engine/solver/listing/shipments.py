"""Every shipment that can be part of a better plan.

A shipment is a location and how much it sends of each line. At given prices of lines, a plan costs the bound and the excess of each of
its shipments and lost lines, so only those whose excess fits between the bound and the best plan matter (reduced cost
fixing; the master problem of column generation for vehicle routing, Baldacci, Christofides and Mingozzi 2008).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.solver.listing import packing
from engine.solver.listing.effort import Effort
from engine.solver.listing.packing import Floats
from engine.solver.listing.reduced import Reduced
from engine.solver.problem import Ints

SHIPMENTS_MAX = 300_000
BITS_MAX, LEVELS_MAX = 62, 12
PRICING_ROUNDS = 60
PATIENCE = 5


class Levels(NamedTuple):
    """How much of each line a shipment holds, packed into one integer: a field per line with a guard bit on top.

    `size` int64[n] units of one level: 1 where lines may be split, else the whole line; `counts` levels of a whole line;
    `shift` and `mask` of each field; `guards` all guard share; `full` every line at its highest level.
    """

    size: Ints
    counts: list[int]
    shift: list[int]
    mask: list[int]
    guards: int
    full: int

    def level(self, packed: int, line: int) -> int:
        """How many levels of a line are in it."""
        return packed >> self.shift[line] & self.mask[line]


def levels_of(reduced: Reduced) -> Levels | None:
    """The levels of a problem; None if they do not fit into an integer."""
    count = reduced.quantity.tolist() if reduced.line_split else [1] * reduced.quantity.size
    shift, at = [], 0
    for levels in count:
        shift.append(at)
        at += levels.bit_length() + 1
    if at > BITS_MAX or max(count) > LEVELS_MAX:
        return None
    size = np.ones_like(reduced.quantity) if reduced.line_split else reduced.quantity
    mask = [(1 << levels.bit_length()) - 1 for levels in count]
    guards = sum(1 << low + levels.bit_length() for low, levels in zip(shift, count, strict=True))
    return Levels(size, count, shift, mask, guards, sum(n << low for n, low in zip(count, shift, strict=True)))


class Shipments(NamedTuple):
    """m shipments in order of location: `location`, `packed` levels of lines, `cost` and `worth` in minor units, int64[m]."""

    location: Ints
    packed: Ints
    cost: Ints
    worth: Ints

    def only(self, kept: Ints) -> "Shipments":
        """Some of them."""
        return Shipments(self.location[kept], self.packed[kept], self.cost[kept], self.worth[kept])


class Priced(NamedTuple):
    """At `prices` float64[n] per line: no plan costs less than `bound`; `excess` float64[m] of each shipment over it."""

    prices: Floats
    bound: float
    excess: Floats


class Grown(NamedTuple):
    """Shipments of the first lines: location, packed levels, weight in hg, units, worth, cost, all int64; excess float64."""

    where: Ints
    packed: Ints
    weight: Ints
    units: Ints
    worth: Ints
    cost: Ints
    excess: Floats

    def only(self, kept: Ints) -> "Grown":
        """Some of them."""
        return Grown(
            self.where[kept],
            self.packed[kept],
            self.weight[kept],
            self.units[kept],
            self.worth[kept],
            self.cost[kept],
            self.excess[kept],
        )


def enumerate_shipments(
    reduced: Reduced, levels: Levels, prices: Floats, saved: Floats, gap: float, effort: Effort
) -> Shipments | None:
    """Every shipment with an excess of at most `gap`; None if there are too many.

    `prices` float64[n] per line, `saved` float64[L] what a location takes off the bound, min(0, h).
    """
    n, count = reduced.cost.shape
    gains = reduced.cost - (prices / reduced.quantity)[:, None]
    left = np.zeros((n + 1, count))
    left[:n] = np.cumsum((np.minimum(gains, 0.0) * reduced.held)[::-1], axis=0)[::-1]
    heaviest = np.full(count, int(reduced.weight @ reduced.quantity))
    lowest = packing.least(reduced.parcel, reduced.steps, heaviest)
    rising = bool(reduced.steps) and bool((np.diff(reduced.parcel, axis=0) >= 0).all())
    zeros = np.zeros(count, np.int64)
    grown = Grown(np.arange(count), zeros, zeros, zeros, zeros, reduced.base, reduced.base + lowest - saved)
    for line in range(n):
        grown = _grow(reduced, levels, line, grown, gains[line], left[line + 1], gap)
        if rising:
            paid = packing.prices(reduced.parcel, reduced.steps, grown.where, grown.weight) - lowest[grown.where]
            grown = grown.only(np.flatnonzero(grown.excess + paid + left[line + 1, grown.where] <= gap))
        if grown.where.size > SHIPMENTS_MAX or not effort.spend(20 + grown.where.size // 8):
            return None
    parcels = packing.prices(reduced.parcel, reduced.steps, grown.where, grown.weight)
    kept = np.flatnonzero((grown.packed > 0) & (grown.excess + (parcels - lowest[grown.where]) <= gap))
    grown, cost = grown.only(kept), (grown.cost + parcels)[kept]
    kept = _undominated(reduced, levels, grown, cost)
    kept = kept[np.lexsort((grown.packed[kept], grown.where[kept]))]
    return Shipments(grown.where[kept], grown.packed[kept], cost[kept], grown.worth[kept])


def _undominated(reduced: Reduced, levels: Levels, grown: Grown, cost: Ints) -> NDArray[np.intp]:
    """Of shipments with the same contents only the cheapest, as many as the rest of a plan could have in use."""
    order = np.lexsort((grown.where, cost, grown.packed))
    packed = grown.packed[order]
    starts = np.flatnonzero(np.r_[True, packed[1:] != packed[:-1]])
    rank = np.arange(packed.size) - np.repeat(starts, np.diff(np.r_[starts, packed.size]))
    level = packed[:, None] >> np.array(levels.shift) & np.array(levels.mask)
    others = sum(levels.counts) - level.sum(axis=1)
    return np.asarray(order[rank <= np.minimum(others, reduced.locations_max - 1)])


def _grow(reduced: Reduced, levels: Levels, line: int, grown: Grown, gains: Floats, left: Floats, gap: float) -> Grown:
    """Add every level of one line to every shipment, where that can still fit the gap."""
    parts = [grown.only(np.flatnonzero(grown.excess + left[grown.where] <= gap))]
    worth = 0 if reduced.value is None else int(reduced.value[line])
    size = int(levels.size[line])
    for level in range(1, levels.counts[line] + 1):
        units = level * size
        fits = (reduced.held[line, grown.where] >= units) & (grown.units + units <= reduced.cap[grown.where])
        excess = grown.excess + units * gains[grown.where]
        more = np.flatnonzero(fits & (excess + left[grown.where] <= gap))
        if not more.size:
            continue
        where = grown.where[more]
        parts.append(
            Grown(
                where,
                grown.packed[more] + (level << levels.shift[line]),
                grown.weight[more] + units * reduced.weight[line],
                grown.units[more] + units,
                grown.worth[more] + units * worth,
                grown.cost[more] + units * reduced.cost[line, where],
                excess[more],
            )
        )
    return Grown(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def reprice(
    shipments: Shipments,
    levels: Levels,
    prices: Floats,
    price_max: Floats,
    locations_max: int,
    upper: float,
    effort: Effort,
) -> Priced:
    """Better prices, now that every shipment is known with its parcels and caps; subgradient steps as in ascent.py."""
    share = (shipments.packed[:, None] >> np.array(levels.shift) & np.array(levels.mask)) / np.array(levels.counts)
    starts = np.flatnonzero(np.r_[True, shipments.location[1:] != shipments.location[:-1]])
    count = np.diff(np.r_[starts, shipments.location.size])
    best: Priced | None = None
    length, stale = 1.0, 0
    for _ in range(PRICING_ROUNDS):
        now = shipments.cost - share @ prices
        lowest = np.minimum.reduceat(now, starts)
        used = np.flatnonzero(lowest < 0)
        if used.size > locations_max:
            used = used[np.argsort(lowest[used], kind="stable")[:locations_max]]
        bound = float(prices.sum() + lowest[used].sum())
        saved = np.zeros(starts.size)
        saved[used] = lowest[used]
        if best is None or bound > best.bound:
            best, stale = Priced(prices, bound, now - np.repeat(saved, count)), 0
        else:
            stale += 1
            if stale % PATIENCE == 0:
                length /= 2
        taken = [int(starts[k] + np.argmin(now[starts[k] : starts[k] + count[k]])) for k in used]
        missing = 1.0 - share[taken].sum(axis=0)
        missing[(prices >= price_max) & (missing > 0)] = 0.0
        norm = float(missing @ missing)
        if norm == 0 or best.bound > upper - 1 or not effort.spend(5 + shipments.cost.size // 60):
            break
        if stale and stale % PATIENCE == 0:
            prices = best.prices
        target = upper
        prices = np.minimum(prices + length * (target - bound) / norm * missing, price_max)
    assert best is not None
    return best
