"""Whole lines: the cheapest shipment for every set of lines, then the cheapest way to cut the order into such sets.

Exact where no line is split and sending two sets from one location as one shipment is neither illegal nor dearer; else
what it finds is a lower bound. Exponential in lines, linear in locations. Set partitioning by dynamic programming over
submasks; the part with the lowest line is chosen first, so that every partition is seen once.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from engine.solver.numbers import Numbers
from engine.solver.problem import BIG, Ints

LINES_MAX = 10


class Parts(NamedTuple):
    """The sets of lines (bit masks) and the location of each, by position in the numbers; `cost` with the first split penalty off."""

    cost: int
    masks: tuple[int, ...]
    locations: tuple[int, ...]


class _Pairs(NamedTuple):
    """For every mask 1 … 2^n - 1 its submasks with the lowest line, `sub` int64[P], and the rests; `start` int64[2^n - 1].

    `levels` are the same cut by the number of lines in the mask: (masks, sub, rest, start).
    """

    sub: Ints
    rest: Ints
    start: Ints
    levels: tuple[tuple[Ints, Ints, Ints, Ints], ...]


@lru_cache(maxsize=LINES_MAX)
def _pairs(lines_count: int) -> _Pairs:
    subs: list[list[int]] = []
    for mask in range(1, 1 << lines_count):
        low = mask & -mask
        others = mask ^ low
        found, part = [], others
        while True:
            found.append(part | low)
            if not part:
                break
            part = (part - 1) & others
        subs.append(found)
    sub = np.array([part for found in subs for part in found], np.int64)
    sizes = np.array([len(found) for found in subs], np.int64)
    masks = np.arange(1, 1 << lines_count, dtype=np.int64)
    rest = np.repeat(masks, sizes) ^ sub
    start = np.cumsum(sizes) - sizes
    levels = []
    counts = np.array([mask.bit_count() for mask in masks.tolist()])
    for count in range(1, lines_count + 1):
        chosen = masks[counts == count]
        level_sub = np.concatenate([np.array(subs[mask - 1], np.int64) for mask in chosen.tolist()])
        level_sizes = sizes[chosen - 1]
        level_rest = np.repeat(chosen, level_sizes) ^ level_sub
        levels.append((chosen, level_sub, level_rest, np.cumsum(level_sizes) - level_sizes))
    return _Pairs(sub, rest, start, tuple(levels))


def cheapest_parts(numbers: Numbers) -> Parts | None:
    """The cheapest partition of the order, or None if there is none. Needs at most LINES_MAX lines."""
    lines_count = numbers.units.shape[0]
    assert lines_count <= LINES_MAX
    if not numbers.at.size:
        return _nothing_sent(numbers)
    best, where = _shipments(numbers)
    if numbers.valued:
        return _valuable_parts(numbers, best, where)
    covers = _covers(best, numbers.most, lines_count)
    return _read(numbers, covers, best, where)


def _shipments(numbers: Numbers) -> tuple[Ints, Ints]:
    """For every mask the cheapest shipment of exactly these lines and its location, int64[2^n] each; BIG if there is none."""
    lines_count, locations_count = numbers.units.shape
    quantity = numbers.problem.quantity
    line_cost = numbers.each * quantity[:, None]
    line_cost[numbers.units < quantity[:, None]] = BIG
    cost = np.empty((1 << lines_count, locations_count), np.int64)
    cost[0] = 0 if numbers.stepped else numbers.opening
    for line in range(lines_count):
        bit = 1 << line
        np.add(cost[:bit], line_cost[line], out=cost[bit : 2 * bit])
    if numbers.stepped:
        _add_parcels(numbers, cost)
    if numbers.capped:
        masks = _bits(lines_count)
        cost[(masks @ quantity)[:, None] > numbers.cap] = BIG
    where = cost.argmin(axis=1)
    best = cost[np.arange(cost.shape[0]), where]
    best[best >= BIG // 2] = BIG
    return best, where


@lru_cache(maxsize=LINES_MAX)
def _bits(lines_count: int) -> Ints:
    """Which lines each mask has, int64[2^n, n]."""
    masks = np.arange(1 << lines_count)[:, None] >> np.arange(lines_count)
    return (masks & 1).astype(np.int64)


def _add_parcels(numbers: Numbers, cost: Ints) -> None:
    """Opening and parcels of each mask's weight."""
    problem = numbers.problem
    up_to = np.array(problem.rules.parcel_up_to_hg, np.int64)
    weight = _bits(numbers.units.shape[0]) @ (problem.weight_hg * problem.quantity)
    full = np.maximum(1, -(-weight // up_to[-1])) - 1
    step = np.searchsorted(up_to, weight - full * up_to[-1])
    base = problem.locations.fixed[numbers.at] + problem.rules.split_penalty
    parcel = problem.locations.parcel[:, numbers.at]
    cost += base + full[:, None] * parcel[-1] + parcel[step]


def _covers(best: Ints, parts_max: int, lines_count: int) -> list[Ints]:
    """Cheapest costs of covering each mask, int64[2^n]: one table for any number of parts, or one for each number up to the limit."""
    pairs = _pairs(lines_count)
    if parts_max >= lines_count:
        cover = np.full(1 << lines_count, BIG, np.int64)
        cover[0] = 0
        for masks, sub, rest, start in pairs.levels:
            cover[masks] = np.minimum.reduceat(best[sub] + cover[rest], start)
        return [cover]
    covers = [np.full(1 << lines_count, BIG, np.int64)]
    covers[0][0] = 0
    for _ in range(parts_max):
        following = covers[-1].copy()
        found = np.minimum.reduceat(best[pairs.sub] + covers[-1][pairs.rest], pairs.start)
        following[1:] = np.minimum(following[1:], found)
        covers.append(np.minimum(following, BIG))
    return covers


def _read(numbers: Numbers, covers: list[Ints], best: Ints, where: Ints) -> Parts | None:
    lines_count = numbers.units.shape[0]
    penalty = numbers.problem.rules.split_penalty
    mask = (1 << lines_count) - 1
    cover = covers[-1]
    if numbers.lost is None:
        if cover[mask] >= BIG // 2:
            return None
        cost = int(cover[mask]) - penalty
    else:
        lost = _bits(lines_count)[::-1] @ (numbers.lost * numbers.problem.quantity)
        total = cover + lost
        total[1:] -= penalty
        mask = int(total.argmin())
        cost = int(total[mask])
    masks: list[int] = []
    level = len(covers) - 1
    while mask:
        before = covers[max(level - 1, 0)] if len(covers) > 1 else covers[0]
        if len(covers) > 1 and before[mask] == covers[level][mask]:
            level -= 1
            continue
        part = _first_part(mask, int(covers[level][mask]), best, before)
        masks.append(part)
        mask ^= part
        level = max(level - 1, 0)
    return Parts(cost, tuple(masks), tuple(int(where[part]) for part in masks))


def _first_part(mask: int, cost: int, best: Ints, before: Ints) -> int:
    """The part with the lowest line of a cheapest cover of `mask`."""
    low = mask & -mask
    others = mask ^ low
    part = others
    while True:
        if int(best[part | low]) + int(before[mask ^ (part | low)]) == cost:
            return part | low
        assert part, "no part explains the cost of a cover"
        part = (part - 1) & others


def _valuable_parts(numbers: Numbers, best: Ints, where: Ints) -> Parts | None:
    """Several parts only if each is worth enough; one part whatever it is worth."""
    lines_count = numbers.units.shape[0]
    problem = numbers.problem
    assert problem.value is not None
    worth = _bits(lines_count) @ (problem.value * problem.quantity)
    alone = _read(numbers, _covers(best, 1, lines_count), best, where)
    enough = np.where(worth >= problem.rules.split_value_min, best, BIG)
    several = _read(numbers, _covers(enough, numbers.most, lines_count), enough, where)
    if alone is None or several is None:
        return alone or several
    return several if several.cost < alone.cost else alone


def _nothing_sent(numbers: Numbers) -> Parts | None:
    if numbers.lost is None:
        return None
    return Parts(int(numbers.lost @ numbers.problem.quantity), (), ())
