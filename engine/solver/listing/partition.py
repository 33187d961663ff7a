"""The cheapest way to part a set of lines into shipments, when the cheapest shipment of every subset is known.

Formula: set partition by dynamic programming, where the part that holds the highest line is chosen and the rest is a
smaller set: D[top | rest] = min over T within rest of G[top | T] + D[rest - T]. 3^n / 2 pairs, listed once per n.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from engine.solver.problem import Ints

LISTS_LINES_MAX = 4


class Pairs(NamedTuple):
    """For all masks from 1 up, one after the other: `part` with its highest line and `rest`, int64[p]; `start` int64[2^n]."""

    part: Ints
    rest: Ints
    start: Ints


@lru_cache(maxsize=16)
def pairs_of(lines: int) -> Pairs:
    """All ways to take the part with the highest line out of a mask of so many lines."""
    part: list[int] = []
    rest: list[int] = []
    start = [0]
    for mask in range(1, 1 << lines):
        top = 1 << (mask.bit_length() - 1)
        lower = inside = mask ^ top
        start.append(len(part))
        while True:
            part.append(top | inside)
            rest.append(lower ^ inside)
            if not inside:
                break
            inside = (inside - 1) & lower
    return Pairs(np.array(part), np.array(rest), np.array(start))


@lru_cache(maxsize=16)
def pair_lists(lines: int) -> list[list[tuple[int, int]]]:
    """The same for plain loops: by mask, the (part, rest)."""
    pairs = pairs_of(lines)
    ends = [*pairs.start[2:].tolist(), pairs.part.size]
    both = list(zip(pairs.part.tolist(), pairs.rest.tolist(), strict=True))
    return [[], *(both[start:end] for start, end in zip(pairs.start[1:].tolist(), ends, strict=True))]


def parted(cheapest: Ints, parts_max: int) -> tuple[list[int] | Ints, list[list[int] | Ints]]:
    """Cost of every mask in at most `parts_max` shipments, and of those with fewer where that was needed.

    cheapest int64[2^n], 0 for nothing. Returns the costs by mask, and a table per number of parts (empty: any number).
    """
    lines = cheapest.size.bit_length() - 1
    if parts_max >= lines:
        return _any_number(cheapest, lines), []
    tables: list[list[int] | Ints] = [cheapest]
    pairs = pairs_of(lines)
    for _ in range(parts_max - 1):
        last = np.asarray(tables[-1])
        table = np.minimum.reduceat(cheapest[pairs.part] + last[pairs.rest], pairs.start[1:])
        tables.append(np.concatenate((cheapest[:1], table)))
    return tables[-1], tables


def _any_number(cheapest: Ints, lines: int) -> list[int] | Ints:
    if lines <= LISTS_LINES_MAX:
        one = cheapest.tolist()
        costs = [0]
        for ways in pair_lists(lines)[1:]:
            costs.append(min([one[part] + costs[rest] for part, rest in ways]))
        return costs
    pairs = pairs_of(lines)
    table = np.zeros(cheapest.size, np.int64)
    for top in range(lines):
        low, high = 1 << top, 2 << top
        first = pairs.start[low]
        last = pairs.start[high] if high < cheapest.size else pairs.part.size
        both = cheapest[pairs.part[first:last]] + table[pairs.rest[first:last]]
        table[low:high] = np.minimum.reduceat(both, pairs.start[low:high] - first)
    return table


def backtrack(cheapest: Ints, costs: list[int] | Ints, tables: list[list[int] | Ints], mask: int) -> list[int]:
    """The shipments behind what `parted` returned for a mask."""
    lines = cheapest.size.bit_length() - 1
    pairs = pairs_of(lines)
    found = []
    left = len(tables)
    while mask:
        if tables and left == 1:
            found.append(mask)
            break
        first = pairs.start[mask]
        last = pairs.start[mask + 1] if mask + 1 < cheapest.size else pairs.part.size
        below = np.asarray(tables[left - 2] if tables else costs)
        best = first + int(np.argmin(cheapest[pairs.part[first:last]] + below[pairs.rest[first:last]]))
        found.append(int(pairs.part[best]))
        mask = int(pairs.rest[best])
        left -= 1
    return found
