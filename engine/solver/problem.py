"""One order to source: the problem, the plan, what a plan costs and whether it is legal. Numbers only.

The model (money in whole minor units, weights in units of 100 g, "hg"). Lines i, locations l:

    minimise  sum over used l (fixed_l + parcels_l) + split_penalty x (used - 1) + sum x_li c_li + sum lost_i u_i
    c_li = unit_l + rate_l x weight_i + adj_li          x_li units from l, u_i units from nowhere

A shipment of w hg is packed into m = max(1, ceil(w / W)) parcels, W the last of `parcel_up_to_hg`: m - 1 full ones at
the price of the last step, and one with the rest at the price of its step. Without `parcel_up_to_hg` it is one parcel.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

OPTIMAL, INFEASIBLE, UNPROVEN = "optimal", "infeasible", "unproven"

NO_CAP = -1
COST_MAX = 2**52  # whole numbers up to here are exact in float64, in which bounds are computed
BIG = 2**55  # dearer than any plan; sums of a few stay within int64


class Locations(NamedTuple):
    """What each of L locations costs. `parcel` int64[K, L] is a parcel by weight step; `cap` are units an order may take, -1 for any."""

    fixed: Ints
    parcel: Ints
    unit: Ints
    rate: Ints
    cap: Ints | None = None


class Rules(NamedTuple):
    """How a plan may look.

    `line_split`: a line may come from several locations; without it a line comes whole from one or not at all.
    `ship_complete`: nothing may be lost. `parcel_up_to_hg`: K ascending weight steps, or () for one parcel of any weight.
    `split_value_min`: where several locations are used, each must send goods worth at least this (minor units).
    """

    line_split: bool = True
    ship_complete: bool = True
    locations_max: int | None = None
    split_penalty: int = 0
    parcel_up_to_hg: tuple[int, ...] = ()
    split_value_min: int = 0


class Problem(NamedTuple):
    """n lines and L locations.

    `quantity` int64[n] >= 1, `weight_hg` int64[n] per unit, `stock` int64[n, L] promisable units, `adj` int64[n, L] minor
    units per unit of line and location (may be negative), `lost` int64[n] minor units per unit that nobody sends (needed
    unless `ship_complete`), `value` int64[n] minor units per unit (needed for `split_value_min`). n and L are at least 1;
    stock, fixed and parcel prices, the split penalty and `lost` are not negative; weight times rate fits int64.
    """

    quantity: Ints
    weight_hg: Ints
    stock: Ints
    locations: Locations
    rules: Rules
    adj: Ints | None = None
    lost: Ints | None = None
    value: Ints | None = None


class Plan(NamedTuple):
    """An answer. `takes` are (line, location, units), by line, then location; `unsourced` units per line.

    `status` optimal: `bound` == `cost`. infeasible: no legal plan, `cost` is None. unproven: the best plan found, and
    no plan costs less than `bound`.
    """

    status: str
    cost: int | None
    bound: int
    takes: tuple[tuple[int, int, int], ...]
    unsourced: tuple[int, ...]


def unit_costs(problem: Problem) -> Ints:
    """c_li, int64[n, L] in minor units."""
    locations = problem.locations
    costs: Ints = problem.weight_hg[:, None] * locations.rate
    costs += locations.unit
    if problem.adj is not None:
        costs += problem.adj
    return costs


def full_parcels(rules: Rules, weight_hg: int) -> int:
    """How many full parcels a shipment has besides its last one."""
    return max(1, -(-weight_hg // rules.parcel_up_to_hg[-1])) - 1


def parcels_cost(locations: Locations, rules: Rules, location: int, weight_hg: int) -> int:
    """What the parcels of one shipment cost, in minor units."""
    return int(parcels_costs(locations, rules, np.array([location]), weight_hg)[0])


def parcels_costs(locations: Locations, rules: Rules, at: Ints, weight_hg: int) -> Ints:
    """What the parcels of the same shipment cost from each of some locations, in minor units."""
    steps = rules.parcel_up_to_hg
    if not steps:
        first: Ints = locations.parcel[0, at]
        return first
    full = full_parcels(rules, weight_hg)
    rest = weight_hg - full * steps[-1]
    step = next(k for k, up_to in enumerate(steps) if rest <= up_to)
    parcels: Ints = full * locations.parcel[-1, at] + locations.parcel[step, at]
    return parcels


def cost_of(problem: Problem, takes: tuple[tuple[int, int, int], ...]) -> int:
    """What a plan costs in minor units, by the model at the top. Plain arithmetic: the yardstick of every fast way."""
    locations, rules = problem.locations, problem.rules
    weight: dict[int, int] = {}
    cost = 0
    missing = problem.quantity.tolist()
    for line, location, units in takes:
        hg = int(problem.weight_hg[line])
        weight[location] = weight.get(location, 0) + hg * units
        each = int(locations.unit[location]) + int(locations.rate[location]) * hg
        cost += units * (each + (0 if problem.adj is None else int(problem.adj[line, location])))
        missing[line] -= units
    for location, hg in weight.items():
        cost += int(locations.fixed[location]) + parcels_cost(locations, rules, location, hg)
    if problem.lost is not None:
        cost += sum(units * int(each) for units, each in zip(missing, problem.lost, strict=True))
    return cost + rules.split_penalty * max(0, len(weight) - 1)


def violations(problem: Problem, takes: tuple[tuple[int, int, int], ...]) -> list[str]:
    """What is not allowed about a plan, in words. Empty for a legal plan."""
    rules, wrong = problem.rules, []
    from_location: dict[int, int] = {}
    value: dict[int, int] = {}
    given: dict[int, list[int]] = {}
    if len({(line, location) for line, location, _ in takes}) != len(takes):
        wrong.append("a line is taken twice from one location")
    for line, location, units in takes:
        if not 0 < units <= problem.stock[line, location]:
            wrong.append(
                f"{units} units of line {line} from location {location}, which has {problem.stock[line, location]}"
            )
        from_location[location] = from_location.get(location, 0) + units
        if problem.value is not None:
            value[location] = value.get(location, 0) + units * int(problem.value[line])
        given.setdefault(line, []).append(units)
    for line, quantity in enumerate(problem.quantity.tolist()):
        units = sum(given.get(line, []))
        if units > quantity or (rules.ship_complete and units < quantity):
            wrong.append(f"line {line} gets {units} of {quantity} units")
        if not rules.line_split and given.get(line, [quantity]) != [quantity]:
            wrong.append(f"line {line} is split")
    for location, units in from_location.items():
        cap = NO_CAP if problem.locations.cap is None else int(problem.locations.cap[location])
        if cap != NO_CAP and units > cap:
            wrong.append(f"location {location} sends {units} units and may send {cap}")
    if rules.locations_max is not None and len(from_location) > rules.locations_max:
        wrong.append(f"{len(from_location)} locations are used, at most {rules.locations_max} may be")
    if len(from_location) > 1 and any(worth < rules.split_value_min for worth in value.values()):
        wrong.append("a part of a split is worth too little")
    return wrong
