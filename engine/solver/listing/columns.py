"""Which shipments to use, by ever larger limits on what the plan may cost above the bound."""

from typing import NamedTuple

import numpy as np

from engine.solver.listing.branching import Found
from engine.solver.listing.effort import Effort
from engine.solver.listing.packing import Floats
from engine.solver.listing.partition import parted
from engine.solver.listing.reduced import Reduced, Takes
from engine.solver.listing.relaxation import FREE, Relaxation, value
from engine.solver.listing.shipments import Levels, Priced, Shipments, enumerate_shipments, levels_of, reprice
from engine.solver.problem import Ints

FIRST_GAP = 0.01
GAP_GROWTH = 3.0
PARTED_LINES_MAX = 10
UNKNOWN = 1 << 58

Shipped = tuple[tuple[int, int], ...]
"""(location, packed levels of lines) of each shipment of a plan."""


def combine(reduced: Reduced, relaxation: Relaxation, prices: Floats, start: Found, effort: Effort) -> Found:
    """The cheapest plan; `start` is the best known one, `prices` float64[n] a good set of prices.

    For whole lines, or few units: every shipment that matters is listed.
    """
    levels = levels_of(reduced)
    free = np.full((1, reduced.at.size), FREE, np.int8)
    valued = value(relaxation, prices[None, :], free)
    bound = float(valued.bound[0]) - relaxation.slack
    saved = np.where(valued.sends[0].any(axis=0), valued.opens[0], 0.0)
    lower = max(start.bound, int(np.ceil(bound)))
    gap = max(1.0, FIRST_GAP * abs(bound))
    worst = _worst(reduced)
    while levels is not None and lower < min(start.cost, worst):
        limit = min(start.cost, lower + int(gap))
        shipments = enumerate_shipments(reduced, levels, prices, saved, limit - 1 - bound, effort)
        if shipments is None:
            return start._replace(bound=lower)
        search = Search(reduced, levels, shipments, limit, effort)
        proven = search.run(prices, relaxation)
        if search.plan is not None:
            return Found(search.cost, search.takes(), search.cost if proven else lower)
        if not proven:
            return start._replace(bound=lower)
        lower = limit
        gap *= GAP_GROWTH
    return start._replace(bound=lower if levels is None or lower < min(start.cost, worst) else start.cost)


def _worst(reduced: Reduced) -> int:
    """More than any plan costs: every unit from its dearest location, every level in a shipment of its own."""
    dearest = np.maximum(np.where(reduced.held > 0, reduced.cost, 0).max(axis=1, initial=0), 0)
    count = int(reduced.quantity.sum()) if reduced.line_split else reduced.quantity.size
    parcels = count + (int(reduced.weight @ reduced.quantity) // reduced.steps[-1] if reduced.steps else 0)
    shipments = count * max(0, int(reduced.base.max(initial=0))) + parcels * max(0, int(reduced.parcel.max(initial=0)))
    lost = 0 if reduced.lost is None else int(reduced.lost @ reduced.quantity)
    return int(dearest @ reduced.quantity) + shipments + max(0, lost) + 1


class Node(NamedTuple):
    """What is still open of the lines (packed), what the rest costs and exceeds the prices by, the shipments; `first` is
    the place in the list of the line's shipments from where to go on."""

    open: int
    excess: float
    cost: int
    plan: Shipped
    line: int
    first: int


Row = tuple[float, int, int, int]


class Search:
    """Depth first: an open line goes into each shipment that holds it, in order of excess, or its rest is lost."""

    def __init__(self, reduced: Reduced, levels: Levels, shipments: Shipments, limit: int, effort: Effort) -> None:
        self.reduced, self.levels, self.shipments, self.effort = reduced, levels, shipments, effort
        self.cost = limit
        self.plan: Shipped | None = None
        self.lost = None if reduced.lost is None else (reduced.lost * levels.size).tolist()

    def takes(self) -> Takes:
        """The plan as (line, location, units)."""
        size = self.levels.size.tolist()
        return tuple(
            (line, at, self.levels.level(packed, line) * units)
            for at, packed in self.plan or ()
            for line, units in enumerate(size)
            if self.levels.level(packed, line)
        )

    def run(self, prices: Floats, relaxation: Relaxation) -> bool:
        """Find the cheapest plan below the limit; False if effort was used up."""
        self._ship_once()
        kept = np.flatnonzero(self.shipments.worth >= self.reduced.split_value_min)
        if not kept.size:
            return True
        shipments = self.shipments.only(kept)
        limits = (relaxation.price_max, self.reduced.locations_max)
        priced = reprice(shipments, self.levels, prices, *limits, float(self.cost), self.effort)
        bound = priced.bound - relaxation.slack
        kept = np.flatnonzero(priced.excess <= self.cost - 1 - bound)
        if bound > self.cost - 1 or not kept.size:
            return True
        shipments = shipments.only(kept)
        return self._dive(shipments, priced._replace(bound=bound, excess=np.maximum(0.0, priced.excess[kept])))

    def _ship_once(self) -> None:
        """A single shipment may be worth as little as it likes."""
        for k in np.flatnonzero(self.shipments.worth < self.reduced.split_value_min):
            packed, cost = int(self.shipments.packed[k]), int(self.shipments.cost[k])
            if packed != self.levels.full and self.lost is None:
                continue
            for line, lost in enumerate(self.lost or ()):
                cost += lost * (self.levels.counts[line] - self.levels.level(packed, line))
            if cost < self.cost:
                self.cost, self.plan = cost, ((int(self.shipments.location[k]), packed),)

    def _dive(self, shipments: Shipments, priced: Priced) -> bool:
        levels = self.levels
        if not self.effort.spend(shipments.cost.size * (10 + len(levels.counts)) // 20):
            return False
        order = np.lexsort((shipments.location, shipments.packed, priced.excess))
        columns = (priced.excess, shipments.packed, shipments.location, shipments.cost)
        rows: list[Row] = list(zip(*(column[order].tolist() for column in columns), strict=True))
        by_line = [[row for row in rows if levels.level(row[1], line)] for line in range(len(levels.counts))]
        lines = sorted(range(len(levels.counts)), key=lambda line: (len(by_line[line]), line))
        rest = self._rest(shipments)
        stack = [Node(levels.full, 0.0, 0, (), -1, 0)]
        while stack:
            node = stack.pop()
            if priced.bound + node.excess > self.cost - 1:
                continue
            if rest is not None and node.cost + rest[_mask(levels, node.open)] >= self.cost:
                continue
            if not self.effort.spend(2):
                return False
            if node.line < 0 or not levels.level(node.open, node.line):
                line = next((i for i in lines if levels.level(node.open, i)), -1)
                node = node._replace(line=line, first=0)
            if node.line >= 0:
                stack.extend(reversed(self._children(node, by_line[node.line], priced)))
            elif node.plan and node.cost < self.cost:
                self.cost, self.plan = node.cost, node.plan
        return True

    def _children(self, node: Node, rows: list[Row], priced: Priced) -> list[Node]:
        children = []
        used = [at for at, _ in node.plan]
        excess_max = self.cost - 1 - priced.bound - node.excess
        guards, guarded = self.levels.guards, node.open | self.levels.guards
        if len(used) < self.reduced.locations_max:
            for place in range(node.first, len(rows)):
                excess, packed, at, cost = rows[place]
                if excess > excess_max:
                    break
                if (guarded - packed) & guards == guards and at not in used:
                    plan = (*node.plan, (at, packed))
                    opened = node.open - packed
                    children.append(Node(opened, node.excess + excess, node.cost + cost, plan, node.line, place + 1))
        if self.lost is not None:
            line, level = node.line, self.levels.level(node.open, node.line)
            lost = level * self.lost[line]
            excess = max(0.0, lost - level / self.levels.counts[line] * float(priced.prices[line]))
            opened = node.open - (level << self.levels.shift[line])
            children.append(Node(opened, node.excess + excess, node.cost + lost, node.plan, line, 0))
        self.effort.spend(len(children))
        return children

    def _rest(self, shipments: Shipments) -> list[int] | Ints | None:
        """By mask of whole lines: what they cost at least, if any location could ship twice; int64[2^n]."""
        n = len(self.levels.counts)
        if n > PARTED_LINES_MAX or max(self.levels.counts) > 1:
            return None
        cheapest = np.full(1 << n, UNKNOWN, np.int64)
        mask = sum((shipments.packed >> low & 1) << line for line, low in enumerate(self.levels.shift))
        np.minimum.at(cheapest, mask, shipments.cost)
        for line, lost in enumerate(self.lost or ()):
            cheapest[1 << line] = min(int(cheapest[1 << line]), lost)
        cheapest[0] = 0
        return parted(cheapest, n)[0]


def _mask(levels: Levels, packed: int) -> int:
    return sum((packed >> low & 1) << line for line, low in enumerate(levels.shift))
