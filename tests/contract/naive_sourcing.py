"""Sourcing in plain loops: slow, obvious, and the yardstick for the vectorised one."""

from itertools import combinations

import numpy as np

from engine.sourcing import Ints, Locations, Plan, Rules


def source_naively(quantity: Ints, weight_hg: Ints, stock: Ints, locations: Locations, rules: Rules) -> Plan:
    """The same problem, the same rule, cell by cell."""
    n, count = stock.shape
    wanted = quantity.tolist()
    held = [[int(stock[i, at]) for at in range(count)] for i in range(n)]
    unit = [[int(locations.unit[i, at]) for at in range(count)] for i in range(n)]
    base = [int(locations.fixed[at] + locations.parcel[at]) for at in range(count)]

    units = _one(wanted, weight_hg, held, locations, unit, rules)
    if units is None and rules.line_split and (rules.locations_max is None or rules.locations_max >= 2):
        units = _pair(wanted, held, base, unit)
    if units is None:
        units = _greedy(wanted, held, base, unit, rules)
    short = [wanted[i] - sum(units[i]) for i in range(n)]
    if rules.ship_complete and any(short):
        units, short = [[0] * count for _ in range(n)], wanted
    found = np.array(units, np.int64).reshape(n, count)
    return Plan(found, np.array(short, np.int64), cost_naively(found, weight_hg, locations, rules))


def cost_naively(units: Ints, weight_hg: Ints, locations: Locations, rules: Rules) -> int:
    """What a plan costs, location by location."""
    cost, used = 0, 0
    for at in range(units.shape[1]):
        column = [int(u) for u in units[:, at]]
        if not any(column):
            continue
        used += 1
        weight = sum(u * int(w) for u, w in zip(column, weight_hg, strict=True))
        parcels = 1 if rules.parcel_hg is None else max(1, -(-weight // rules.parcel_hg))
        cost += int(locations.fixed[at]) + int(locations.parcel[at]) * parcels
        cost += sum(u * int(locations.unit[i, at]) for i, u in enumerate(column))
    return cost + rules.split_penalty * max(0, used - 1)


def _one(
    wanted: list[int], weight_hg: Ints, held: list[list[int]], locations: Locations, unit: list[list[int]], rules: Rules
) -> list[list[int]] | None:
    best = None
    for at in range(len(held[0])):
        if all(held[i][at] >= wanted[i] for i in range(len(wanted))):
            weight = sum(q * int(w) for q, w in zip(wanted, weight_hg, strict=True))
            parcels = 1 if rules.parcel_hg is None else max(1, -(-weight // rules.parcel_hg))
            cost = int(locations.fixed[at]) + int(locations.parcel[at]) * parcels
            cost += sum(q * unit[i][at] for i, q in enumerate(wanted))
            if best is None or cost < best[0]:
                best = (cost, at)
    if best is None:
        return None
    return [[q if at == best[1] else 0 for at in range(len(held[0]))] for q in wanted]


def _pair(wanted: list[int], held: list[list[int]], base: list[int], unit: list[list[int]]) -> list[list[int]] | None:
    count, best = len(base), None
    for first, second in combinations(range(count), 2):
        if not all(held[i][first] + held[i][second] >= wanted[i] for i in range(len(wanted))):
            continue
        taken = []
        for i, q in enumerate(wanted):
            second_gives_first = unit[i][first] > unit[i][second]
            from_first = max(0, q - held[i][second]) if second_gives_first else min(q, held[i][first])
            taken.append((from_first, q - from_first))
        cost = base[first] + base[second]
        cost += sum(a * unit[i][first] + b * unit[i][second] for i, (a, b) in enumerate(taken))
        if best is None or cost < best[0]:
            best = (cost, first, second, taken)
    if best is None:
        return None
    _, first, second, taken = best
    return [[a if at == first else b if at == second else 0 for at in range(count)] for a, b in taken]


def _greedy(
    wanted: list[int], held: list[list[int]], base: list[int], unit: list[list[int]], rules: Rules
) -> list[list[int]]:
    n, count = len(wanted), len(base)
    left, units = list(wanted), [[0] * count for _ in range(n)]
    used: set[int] = set()
    for _ in range(count if rules.locations_max is None else rules.locations_max):
        best = None
        for at in range(count):
            if at in used:
                continue
            take = [0] * n
            whole = 0
            for i in range(n):
                if left[i] and held[i][at] >= left[i]:
                    take[i], whole = left[i], whole + 1
                elif rules.line_split:
                    take[i] = min(left[i], held[i][at])
            rank = (-whole, -sum(take), base[at] + sum(t * unit[i][at] for i, t in enumerate(take)), at)
            if any(take) and (best is None or rank < best[0]):
                best = (rank, at, take)
        if best is None:
            break
        _, at, take = best
        used.add(at)
        for i in range(n):
            units[i][at] += take[i]
            left[i] -= take[i]
    return units
