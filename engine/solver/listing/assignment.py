"""The cheapest way to send an order from locations that are already chosen.

Without caps and weight steps every line takes from its cheapest locations. Otherwise: branch and bound over linear
programs, where a staircase of parcel prices is replaced by a line below it and cut where that line is too low.
"""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from engine.solver.listing import simplex
from engine.solver.listing.effort import Effort
from engine.solver.listing.packing import line_below, price_of, stair
from engine.solver.listing.reduced import Reduced, Takes
from engine.solver.listing.simplex import Floats
from engine.solver.problem import Ints

NEVER = 1 << 62


class Assigned(NamedTuple):
    """The best plan found with these locations, if any below the limit, and a bound that no such plan is below."""

    cost: int
    takes: Takes
    bound: int


class Chosen(NamedTuple):
    """A problem of o chosen locations; `units` int64[n, o] columns are lines and locations. As in Reduced otherwise."""

    quantity: Ints
    weight: Ints
    cost: Ints
    held: Ints
    base: int
    parcel: list[list[int]]
    steps: tuple[int, ...]
    cap: list[int]
    lost: Ints | None
    value: Ints | None
    least_value: int


class Part(NamedTuple):
    """A node of the search: bounds of the weights per location and of the units."""

    lightest: tuple[int, ...]
    heaviest: tuple[int, ...]
    low: Ints
    high: Ints


def assign(reduced: Reduced, locations: list[int], limit: int, effort: Effort) -> Assigned:
    """The cheapest legal plan below `limit` that uses only these locations and pays the base of all of them."""
    chosen = _choose(reduced, locations)
    units = fill(chosen)
    missing = chosen.quantity - units.sum(axis=1)
    if chosen.lost is None and missing.any():
        return Assigned(NEVER, (), NEVER)
    bound = _value(chosen, units, missing) + sum(_lowest(chosen))
    if bound >= limit:
        return Assigned(NEVER, (), bound)
    best, found = NEVER, units
    if _legal(chosen, units):
        best = _cost(chosen, units, missing)
        if best == bound:
            return _assigned(reduced, chosen, locations, units, best, bound)
    low, high = _weights(chosen)
    root = Part(tuple(low), tuple(high), np.zeros_like(units), chosen.held)
    best, found, bound = _search(chosen, root, min(limit, best), (best, found), effort)
    if best >= NEVER:
        return Assigned(NEVER, (), bound)
    return _assigned(reduced, chosen, locations, found, best, bound)


def _assigned(reduced: Reduced, chosen: Chosen, locations: list[int], units: Ints, cost: int, bound: int) -> Assigned:
    """A plan does not pay for locations that send nothing."""
    for column in np.flatnonzero(~units.any(axis=0)).tolist():
        cost -= int(reduced.base[locations[column]]) + price_of(chosen.parcel[column], chosen.steps, 0)
    return Assigned(cost, _takes(units, locations), bound)


def fill(chosen: Chosen) -> Ints:
    """Units int64[n, o] where each line takes from its cheapest locations first, whatever the caps."""
    order = np.argsort(chosen.cost, axis=1, kind="stable")
    held = chosen.held
    if chosen.lost is not None:
        held = np.where(chosen.cost < chosen.lost[:, None], held, 0)
    sorted_held = np.take_along_axis(held, order, axis=1)
    before = np.cumsum(sorted_held, axis=1) - sorted_held
    taken = np.clip(chosen.quantity[:, None] - before, 0, sorted_held)
    units = np.zeros_like(held)
    np.put_along_axis(units, order, taken, axis=1)
    return units


def _choose(reduced: Reduced, locations: list[int]) -> Chosen:
    several = len(locations) > 1 and reduced.split_value_min > 0
    return Chosen(
        reduced.quantity,
        reduced.weight,
        reduced.cost[:, locations],
        reduced.held[:, locations],
        int(reduced.base[locations].sum()),
        reduced.parcel[:, locations].T.tolist(),
        reduced.steps,
        reduced.cap[locations].tolist(),
        reduced.lost,
        reduced.value if several else None,
        reduced.split_value_min if several else 0,
    )


def _weights(chosen: Chosen) -> tuple[list[int], list[int]]:
    heaviest = (chosen.weight @ chosen.held).tolist()
    return [0] * len(heaviest), heaviest


def _lowest(chosen: Chosen) -> list[int]:
    """The lowest price of each location's parcels, at any weight it can send."""
    if not chosen.steps:
        return [parcel[0] for parcel in chosen.parcel]
    starts = (0, *(up_to + 1 for up_to in chosen.steps[:-1]))
    _, heaviest = _weights(chosen)
    return [
        min(cents for cents, start in zip(parcel, starts, strict=True) if start <= most)
        for parcel, most in zip(chosen.parcel, heaviest, strict=True)
    ]


def _value(chosen: Chosen, units: Ints, missing: Ints) -> int:
    lost = 0 if chosen.lost is None else int(missing @ chosen.lost)
    return chosen.base + int((units * chosen.cost).sum()) + lost


def _cost(chosen: Chosen, units: Ints, missing: Ints) -> int:
    weights = (chosen.weight @ units).tolist()
    parcels = sum(price_of(parcel, chosen.steps, weight) for parcel, weight in zip(chosen.parcel, weights, strict=True))
    return _value(chosen, units, missing) + parcels


def _legal(chosen: Chosen, units: Ints) -> bool:
    if any(sent > cap for sent, cap in zip(units.sum(axis=0).tolist(), chosen.cap, strict=True)):
        return False
    return chosen.value is None or min((chosen.value @ units).tolist()) >= chosen.least_value


def _takes(units: Ints, locations: list[int]) -> Takes:
    lines, columns = np.nonzero(units)
    return tuple(
        (int(line), locations[column], int(units[line, column])) for line, column in zip(lines, columns, strict=True)
    )


def _search(chosen: Chosen, root: Part, limit: int, best: tuple[int, Ints], effort: Effort) -> tuple[int, Ints, int]:
    """Best-first over parts; returns cost, units and a bound."""
    cost, units = best
    queue: list[tuple[float, int, Part]] = [(-np.inf, 0, root)]
    made, open_bound = 0, np.inf  # of parts that rounding errors keep from being searched
    while queue:
        lower, _, part = heappop(queue)
        if lower > limit - 1:
            break
        relaxed = _relax(chosen, part, limit)
        if not effort.spend(20 + 12 * relaxed.iterations):
            open_bound = min([open_bound, lower, *(entry[0] for entry in queue)])
            break
        if relaxed.status == simplex.IMPOSSIBLE or relaxed.objective > limit - 1 + relaxed.slack:
            continue
        if relaxed.status == simplex.STOPPED:
            open_bound = min(open_bound, relaxed.objective - relaxed.slack)
            continue
        whole = np.rint(relaxed.units).astype(np.int64)
        fraction = np.abs(relaxed.units - whole)
        fits = fraction.max() < 1e-5 and _right(chosen, whole)
        if fits:
            now = _cost(chosen, whole, chosen.quantity - whole.sum(axis=1))
            if now < limit:
                limit, cost, units = now, now, whole
            if now <= _up(relaxed.objective - relaxed.slack):
                continue
        children = _cut(chosen, part, relaxed.units, fraction)
        if not children and not fits:
            open_bound = min(open_bound, relaxed.objective - relaxed.slack)
        for child in children:
            made += 1
            heappush(queue, (relaxed.objective - relaxed.slack, made, child))
    return cost, units, min(limit, _up(open_bound))


def _up(bound: float) -> int:
    return int(np.ceil(bound)) if np.isfinite(bound) else (NEVER if bound > 0 else -NEVER)


def _right(chosen: Chosen, units: Ints) -> bool:
    sent = units.sum(axis=1)
    if (sent > chosen.quantity).any() or (chosen.lost is None and (sent < chosen.quantity).any()):
        return False
    return bool((units <= chosen.held).all()) and _legal(chosen, units)


class Relaxed(NamedTuple):
    """The linear program of a part. `slack`: what rounding errors may add to the objective."""

    status: str
    objective: float
    units: Floats
    iterations: int
    slack: float


def _relax(chosen: Chosen, part: Part, limit: int) -> Relaxed:
    n, o = chosen.cost.shape
    lines = [
        line_below(parcel, chosen.steps, low, high) if chosen.steps else (float(parcel[0]), 0.0)
        for parcel, low, high in zip(chosen.parcel, part.lightest, part.heaviest, strict=True)
    ]
    slopes = np.array([slope for _, slope in lines])
    constant = chosen.base + sum(
        at_low - slope * low for (at_low, slope), low in zip(lines, part.lightest, strict=True)
    )
    each = chosen.cost + chosen.weight[:, None] * slopes
    rows = _rows(chosen, part)
    width = n * o + n + len(rows)
    matrix = np.zeros((n + len(rows), width))
    cell = np.arange(n * o).reshape(n, o)
    matrix[np.arange(n)[:, None], cell] = 1.0
    matrix[np.arange(n), n * o + np.arange(n)] = 1.0
    low, high = np.zeros(width), np.zeros(width)
    low[: n * o], high[: n * o] = part.low.ravel(), part.high.ravel()
    for row, (column, factor, least, most) in enumerate(rows, n):
        matrix[row, cell[:, column]] = factor
        matrix[row, n * o + row] = -1.0
        low[n * o + row], high[n * o + row] = least, most
    cost = np.zeros(width)
    cost[: n * o] = each.ravel()
    if chosen.lost is not None:
        cost[n * o : n * o + n] = chosen.lost
        high[n * o : n * o + n] = chosen.quantity
        options = np.column_stack((each, chosen.lost))
    else:
        options = each
    cheapest = np.argmin(options, axis=1)
    basis = np.where(cheapest == o, n * o + np.arange(n), np.arange(n) * o + cheapest)
    basis = np.concatenate((basis, n * o + np.arange(n, n + len(rows))))
    right = np.zeros(n + len(rows))
    right[:n] = chosen.quantity
    scale = abs(constant) + float(np.abs(cost).max(initial=0) * chosen.quantity.sum())
    slack = max(1e-5, 1e-12 * scale)
    found = simplex.minimise(matrix, right, cost, low, high, basis, limit - constant)
    return Relaxed(
        found.status, found.objective + constant, found.values[: n * o].reshape(n, o), found.iterations, slack
    )


def _rows(chosen: Chosen, part: Part) -> list[tuple[int, Ints, float, float]]:
    """What couples the lines of a location: (location, factor per line, least, most)."""
    rows: list[tuple[int, Ints, float, float]] = []
    total = part.high.sum(axis=0).tolist()
    heaviest = (chosen.weight @ part.high).tolist()
    for column, cap in enumerate(chosen.cap):
        if cap < total[column]:
            rows.append((column, np.ones_like(chosen.weight), 0.0, float(cap)))
        if part.lightest[column] > 0 or part.heaviest[column] < heaviest[column]:
            rows.append((column, chosen.weight, float(part.lightest[column]), float(part.heaviest[column])))
        if chosen.value is not None:
            worth = float((chosen.value @ part.high)[column])
            rows.append((column, chosen.value, float(chosen.least_value), max(worth, float(chosen.least_value))))
    return rows


def _cut(chosen: Chosen, part: Part, units: Floats, fraction: Floats) -> list[Part]:
    """Two parts that hold every whole plan of this one, but not its relaxed plan."""
    worst, at, where = 1e-3, -1, 0
    for column in range(len(chosen.cap) if chosen.steps else 0):
        low, high = part.lightest[column], part.heaviest[column]
        weight = min(high, max(low, int(np.ceil(float(chosen.weight @ units[:, column]) - 1e-6))))
        start, slope = line_below(chosen.parcel[column], chosen.steps, low, high)
        gap = price_of(chosen.parcel[column], chosen.steps, weight) - start - slope * (weight - low)
        first, last = stair(chosen.steps, weight)
        split = last if first <= low else first - 1
        if gap > worst and low <= split < high:
            worst, at, where = gap, column, split
    if at >= 0:
        lighter, heavier = list(part.heaviest), list(part.lightest)
        lighter[at], heavier[at] = where, where + 1
        return [part._replace(heaviest=tuple(lighter)), part._replace(lightest=tuple(heavier))]
    if fraction.max() < 1e-5:
        return []
    cell = np.unravel_index(int(np.argmax(fraction)), fraction.shape)
    below = int(np.floor(units[cell]))
    fewer, more = part.high.copy(), part.low.copy()
    fewer[cell], more[cell] = below, below + 1
    return [part._replace(high=fewer), part._replace(low=more)]
