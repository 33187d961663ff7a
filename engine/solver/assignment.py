"""Given the open locations: which takes what of each line, exactly. Few locations, so plain Python over small lists.

Lines that nothing couples are served one by one, cheapest location first. With caps on units alone it is a transportation
problem: successive cheapest augmenting paths (Ford and Fulkerson; Bellman-Ford distances). With weights or values, or whole
lines under caps, a search over lines whose state is what each location has been given so far.
"""

from typing import NamedTuple

from engine.solver.numbers import Numbers
from engine.solver.problem import BIG, parcels_cost

Takes = tuple[tuple[int, int, int], ...]


class Assigned(NamedTuple):
    """`takes` are (line, location by position in the numbers, units); `cost` minor units, without the first split penalty."""

    cost: int
    takes: Takes


class TooMany(Exception):
    """More steps than allowed."""


class Steps:
    """Counts the steps of a search and ends it when there are too many."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self, count: int) -> None:
        """Count steps that are about to be made. Raises TooMany."""
        self.taken += min(count, self.most)
        if self.taken > self.most:
            raise TooMany


class Small(NamedTuple):
    """The open locations as lists: `where` their positions; each[line][k], units[line][k], cap[k], opening[k]."""

    where: tuple[int, ...]
    each: list[list[int]]
    units: list[list[int]]
    cap: list[int]
    opening: list[int]
    quantity: list[int]
    lost: list[int] | None


def _small(numbers: Numbers, where: tuple[int, ...]) -> Small:
    chosen = list(where)
    return Small(
        where,
        numbers.each[:, chosen].tolist(),
        numbers.units[:, chosen].tolist(),
        numbers.cap[chosen].tolist(),
        numbers.opening[chosen].tolist(),
        numbers.problem.quantity.tolist(),
        None if numbers.lost is None else numbers.lost.tolist(),
    )


def assign(numbers: Numbers, where: tuple[int, ...], below: int, steps: Steps) -> Assigned | None:
    """The cheapest assignment that uses every one of the locations `where`, or uses fewer and pays for all.

    None if there is none that costs less than `below`. Raises TooMany when the search would need more `steps`.
    """
    small = _small(numbers, where)
    limited = any(cap < sum(line[k] for line in small.units) for k, cap in enumerate(small.cap))
    valued = numbers.valued and len(where) > 1
    if numbers.stepped or valued or (limited and numbers.whole):
        return _search(numbers, small, below, steps)
    found = _transport(small) if limited else _line_by_line(small, numbers.whole)
    return None if found is None or found.cost >= below else found


def assign_roughly(numbers: Numbers, where: tuple[int, ...]) -> Assigned | None:
    """An assignment to some of the locations that forgets about the weight of parcels and the worth of parts; None if there is none."""
    small = _small(numbers, where)
    if numbers.whole:
        return None if numbers.capped else _line_by_line(small, whole=True)
    return _transport(small)


def _line_by_line(small: Small, whole: bool) -> Assigned | None:
    cost, takes = sum(small.opening), []
    for line, quantity in enumerate(small.quantity):
        left = quantity
        lost = None if small.lost is None else small.lost[line]
        for each, k in sorted((each, k) for k, each in enumerate(small.each[line]) if small.units[line][k]):
            if not left or (lost is not None and each >= lost):
                break
            units = min(left, small.units[line][k])
            if whole and units < quantity:
                continue
            takes.append((line, small.where[k], units))
            cost += each * units
            left -= units
        if left:
            if lost is None:
                return None
            cost += left * lost
    return Assigned(cost, tuple(takes))


def _transport(small: Small) -> Assigned | None:
    """Units of lines to locations under caps; a line's lost units go to a location of their own."""
    lines_count, open_count = len(small.quantity), len(small.where)
    flow = [[0] * (open_count + 1) for _ in range(lines_count)]
    room = [*small.cap, BIG]
    price = [[*row, BIG if small.lost is None else small.lost[i]] for i, row in enumerate(small.each)]
    limit = [[*row, 0 if small.lost is None else small.quantity[i]] for i, row in enumerate(small.units)]
    for line, quantity in enumerate(small.quantity):
        left = quantity
        while left:
            path, units = _cheapest_path(line, left, flow, room, price, limit)
            if not path:
                return None
            for at, (i, k) in enumerate(path):
                flow[i][k] += units if at % 2 == 0 else -units
            room[path[-1][1]] -= units
            left -= units
    cost = sum(small.opening)
    takes = []
    for i, row in enumerate(flow):
        for k, units in enumerate(row):
            cost += units * price[i][k] if units else 0
            if units and k < open_count:
                takes.append((i, small.where[k], units))
    return Assigned(cost, tuple(takes))


def _cheapest_path(
    line: int,
    left: int,
    flow: list[list[int]],
    room: list[int],
    price: list[list[int]],
    limit: list[list[int]],
) -> tuple[list[tuple[int, int]], int]:
    """Steps (line, location): give to it, then take back from it, and so on to a location with room; and the units that fit."""
    lines_count, places = len(flow), len(room)
    far = BIG * 64
    to_line = [far] * lines_count
    to_place = [far] * places
    by_line: list[int] = [-1] * places
    by_place: list[int] = [-1] * lines_count
    to_line[line] = 0
    changed = True
    while changed:
        changed = False
        for i in range(lines_count):
            if to_line[i] == far:
                continue
            for k in range(places):
                if flow[i][k] < limit[i][k] and to_line[i] + price[i][k] < to_place[k]:
                    to_place[k], by_line[k], changed = to_line[i] + price[i][k], i, True
        for k in range(places):
            if to_place[k] == far:
                continue
            for i in range(lines_count):
                if i != line and flow[i][k] and to_place[k] - price[i][k] < to_line[i]:
                    to_line[i], by_place[i], changed = to_place[k] - price[i][k], k, True
    ends = [k for k in range(places) if room[k] and to_place[k] < far]
    if not ends:
        return [], 0
    k = min(ends, key=lambda end: (to_place[end], end))
    units, path = min(left, room[k]), []
    while True:
        i = by_line[k]
        path.append((i, k))
        units = min(units, limit[i][k] - flow[i][k])
        if i == line:
            break
        k = by_place[i]
        path.append((i, k))
        units = min(units, flow[i][k])
    return path[::-1], units


def _search(numbers: Numbers, small: Small, below: int, steps: Steps) -> Assigned | None:
    """Lines one after the other; a state is (units, weight, value) given to each location, as far as they matter."""
    problem, rules = numbers.problem, numbers.problem.rules
    open_count = len(small.where)
    weight = problem.weight_hg.tolist() if numbers.stepped else [0] * len(small.quantity)
    value = problem.value.tolist() if numbers.valued and problem.value is not None else [0] * len(small.quantity)
    least = sum(small.opening) + _further_parcels(numbers, small)
    rest = _least_rests(small)
    if rest is None:
        return None
    start = ((0,) * open_count, (0,) * open_count, (0,) * open_count)
    states: dict[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], tuple[int, Takes]] = {start: (0, ())}
    worth = rules.split_value_min if open_count > 1 else 0
    for line in range(len(small.quantity)):
        following: dict[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]], tuple[int, Takes]] = {}
        options = _options(small, line, numbers.whole, steps)
        steps.take(len(states) * len(options))
        for (units, hg, minor), (cost, takes) in states.items():
            for given, price in options:
                new_cost = cost + price
                if new_cost + rest[line + 1] + least >= below:
                    continue
                new_units = tuple(map(sum, zip(units, given, strict=True)))
                if any(new > cap for new, cap in zip(new_units, small.cap, strict=True)):
                    continue
                new_minor = tuple(min(worth, m + g * value[line]) for m, g in zip(minor, given, strict=True))
                new_hg = tuple(h + g * weight[line] for h, g in zip(hg, given, strict=True))
                key = (new_units if numbers.capped else start[0], new_hg, new_minor)
                before = following.get(key)
                if before is None or new_cost < before[0]:
                    taken = tuple((line, small.where[k], g) for k, g in enumerate(given) if g)
                    following[key] = (new_cost, takes + taken)
        states = following
    best: Assigned | None = None
    for (_, hg, minor), (cost, takes) in states.items():
        if worth and any(m < worth for m in minor):
            continue
        whole_cost = cost + _openings(numbers, small, hg)
        if whole_cost < below and (best is None or whole_cost < best.cost):
            best = Assigned(whole_cost, takes)
    return best


def _further_parcels(numbers: Numbers, small: Small) -> int:
    """What the parcels cost at least that the whole weight needs beyond one for each location."""
    if not numbers.stepped:
        return 0
    each, count = numbers.parcels_least
    return max(0, each) * max(0, count - len(small.where))


def _openings(numbers: Numbers, small: Small, hg: tuple[int, ...]) -> int:
    """What the open locations and their parcels cost."""
    if not numbers.stepped:
        return sum(small.opening)
    problem = numbers.problem
    cost = 0
    for k, weight in enumerate(hg):
        at = int(numbers.at[small.where[k]])
        cost += int(problem.locations.fixed[at]) + problem.rules.split_penalty
        cost += parcels_cost(problem.locations, problem.rules, at, weight)
    return cost


def _least_rests(small: Small) -> list[int] | None:
    """The least that lines from each one on can cost at these locations; None if a line can't be served."""
    rests = [0]
    for line in range(len(small.quantity) - 1, -1, -1):
        left, cost = small.quantity[line], 0
        lost = None if small.lost is None else small.lost[line]
        for each, k in sorted((each, k) for k, each in enumerate(small.each[line])):
            if lost is not None and each >= lost:
                break
            units = min(left, small.units[line][k])
            cost += units * each
            left -= units
        if left:
            if lost is None:
                return None
            cost += left * lost
        rests.append(rests[-1] + cost)
    return rests[::-1]


def _options(small: Small, line: int, whole: bool, steps: Steps) -> list[tuple[tuple[int, ...], int]]:
    """Every way to give a line to the locations, with its cost (lost units included), cheapest first."""
    quantity, each, units = small.quantity[line], small.each[line], small.units[line]
    lost = None if small.lost is None else small.lost[line]
    found: list[tuple[tuple[int, ...], int]] = []
    if whole:
        found = [
            (tuple(quantity if j == k else 0 for j in range(len(each))), quantity * each[k])
            for k in range(len(each))
            if units[k] == quantity
        ]
        if lost is not None:
            found.append(((0,) * len(each), quantity * lost))
        return sorted(found, key=lambda option: option[1])
    partial: list[tuple[tuple[int, ...], int, int]] = [((), quantity, 0)]
    for k in range(len(each)):
        later = sum(units[k + 1 :])
        steps.take(len(partial) * min(quantity, units[k]))
        partial = [
            ((*given, g), left - g, cost + g * each[k])
            for given, left, cost in partial
            for g in range(0 if lost is not None else max(0, left - later), min(left, units[k]) + 1)
        ]
    for given, left, cost in partial:
        if not left or lost is not None:
            found.append((given, cost + left * (lost or 0)))
    return sorted(found, key=lambda option: option[1])
