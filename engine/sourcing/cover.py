"""Which nodes serve which lines, at what cost. Pure numpy: a problem in, a plan out, no state.

Model (whole minor units of money, weights in units of 100 g): a used location costs its fixed cost, its parcel
cost per parcel, and a unit cost per unit and line; every location after the first costs the split penalty.
Rule for now: the cheapest location that has everything; else two, the cheapest pair; else as few as a greedy
cover finds, taking the location that completes the most lines, then the most units, then the cheapest.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PAIR_LOCATIONS_MAX = 128

Ints = NDArray[np.int64]


class Locations(NamedTuple):
    """What shipping from each of L locations costs: `fixed` and `parcel` int64[L], `unit` int64[n, L] per line and unit."""

    fixed: Ints
    parcel: Ints
    unit: Ints


class Rules(NamedTuple):
    """How a plan may look. `locations_max` caps the used locations; `parcel_hg` is the weight a parcel may have."""

    line_split: bool = True
    ship_complete: bool = True
    locations_max: int | None = None
    split_penalty: int = 0
    parcel_hg: int | None = None


class Plan(NamedTuple):
    """`units` int64[n, L] to take of each line from each location; `short` int64[n] what nobody serves; `cost` in minor units."""

    units: Ints
    short: Ints
    cost: int


def source(quantity: Ints, weight_hg: Ints, stock: Ints, locations: Locations, rules: Rules) -> Plan:
    """Plan one order.

    quantity int64[n] units wanted, weight_hg int64[n] per unit in 100 g, stock int64[n, L] promisable units.
    With `ship_complete` a plan serves everything or nothing. Ties go to the location that stands first.
    """
    assert stock.shape == locations.unit.shape
    assert quantity.shape[0] == stock.shape[0]
    units = _one_location(quantity, weight_hg, stock, locations, rules)
    if units is None and rules.line_split and (rules.locations_max is None or rules.locations_max >= 2):
        units = _two_locations(quantity, weight_hg, stock, locations, rules)
    if units is None:
        units = _greedy_cover(quantity, stock, locations, rules)
    short = quantity - units.sum(axis=1)
    if rules.ship_complete and short.any():
        units, short = np.zeros_like(units), quantity.copy()
    return Plan(units, short, plan_cost(units, weight_hg, locations, rules))


def plan_cost(units: Ints, weight_hg: Ints, locations: Locations, rules: Rules) -> int:
    """The cost of a plan in minor units, by the model at the top."""
    used = units.any(axis=0)
    if not used.any():
        return 0
    parcels = _parcels(weight_hg @ units, rules)
    per_location = locations.fixed + locations.parcel * parcels
    return int(per_location[used].sum() + (units * locations.unit).sum() + rules.split_penalty * (used.sum() - 1))


def _parcels(weight_hg: Ints, rules: Rules) -> Ints:
    if rules.parcel_hg is None:
        return np.ones_like(weight_hg)
    return np.maximum(1, -(-weight_hg // rules.parcel_hg))


def _one_location(quantity: Ints, weight_hg: Ints, stock: Ints, locations: Locations, rules: Rules) -> Ints | None:
    able = np.flatnonzero((stock >= quantity[:, None]).all(axis=0))
    if not able.size:
        return None
    parcels = _parcels(np.asarray([weight_hg @ quantity]), rules)[0]
    cost = locations.fixed[able] + locations.parcel[able] * parcels + quantity @ locations.unit[:, able]
    units = np.zeros_like(stock)
    units[:, able[np.argmin(cost)]] = quantity
    return units


def _two_locations(quantity: Ints, weight_hg: Ints, stock: Ints, locations: Locations, rules: Rules) -> Ints | None:
    """The cheapest pair that has everything together; in a pair the cheaper location of each line gives first."""
    holders = np.flatnonzero(np.minimum(stock, quantity[:, None]).any(axis=0))
    if not 2 <= holders.size <= PAIR_LOCATIONS_MAX:
        return None
    held = np.minimum(stock[:, holders], quantity[:, None])
    able = (held[:, :, None] + held[:, None, :] >= quantity[:, None, None]).all(axis=0)
    firsts, seconds = np.nonzero(np.triu(able, 1))
    if not firsts.size:
        return None
    base = (locations.fixed + locations.parcel)[holders]
    unit = locations.unit[:, holders]
    dearer = unit[:, firsts] > unit[:, seconds]
    from_first = np.where(dearer, quantity[:, None] - held[:, seconds], held[:, firsts])
    from_first = np.maximum(from_first, quantity[:, None] - held[:, seconds])
    from_second = quantity[:, None] - from_first
    cost = base[firsts] + base[seconds] + (from_first * unit[:, firsts] + from_second * unit[:, seconds]).sum(axis=0)
    best = int(np.argmin(cost))
    units = np.zeros_like(stock)
    units[:, holders[firsts[best]]] = from_first[:, best]
    units[:, holders[seconds[best]]] = from_second[:, best]
    return units


def _greedy_cover(quantity: Ints, stock: Ints, locations: Locations, rules: Rules) -> Ints:
    left = quantity.copy()
    units = np.zeros_like(stock)
    free = stock.copy()
    base = locations.fixed + locations.parcel
    rounds = stock.shape[1] if rules.locations_max is None else rules.locations_max
    for _ in range(rounds):
        whole = (free >= left[:, None]) & (left[:, None] > 0)
        take = np.where(whole, left[:, None], np.minimum(free, left[:, None]) if rules.line_split else 0)
        taken = take.sum(axis=0)
        if not taken.any():
            break
        cost = base + (take * locations.unit).sum(axis=0)
        best = int(np.lexsort((cost, -taken, -whole.sum(axis=0)))[0])
        units[:, best] += take[:, best]
        left -= take[:, best]
        free[:, best] = 0
    return units
