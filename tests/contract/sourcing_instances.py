"""Orders to source, made from a seed: of every kind that the model knows, and of every size.

`instance(kind, size, seed)` is always the same problem. A kind says what is special about it, a size how large it is.
"""

import zlib
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from engine.solver.problem import NO_CAP, Ints, Locations, Problem, Rules


class Shape(NamedTuple):
    """How large a problem is: lines, locations, and the most units of a line."""

    lines: int
    locations: int
    quantity_max: int


def tiny(rng: Generator) -> Shape:
    """Small enough to try every plan there is."""
    lines = int(rng.integers(1, 4))
    return Shape(lines, int(rng.integers(3, 8 if lines == 1 else 6 if lines == 2 else 4)), int(rng.integers(1, 4)))


def small(rng: Generator) -> Shape:
    """A few lines, a few locations: where most mistakes live."""
    return Shape(int(rng.integers(1, 6)), int(rng.integers(3, 16)), int(rng.choice([1, 2, 3, 6, 12])))


def middle(rng: Generator) -> Shape:
    """An order of a retailer with some dozens of stores."""
    return Shape(int(rng.integers(1, 9)), int(rng.integers(10, 80)), int(rng.choice([1, 2, 3, 6])))


def shop(rng: Generator) -> Shape:
    """As orders come: most have one to four lines, and there are 5 to 2,000 locations."""
    lines = int(rng.choice(16, p=np.array([35, 20, 12, 9, 6, 4, 3, 3, 2, 1, 1, 1, 1, 0.7, 0.7, 0.6]) / 100)) + 1
    return Shape(lines, int(np.exp(rng.uniform(np.log(5), np.log(2000)))), int(rng.choice([1, 2, 4])))


def large(rng: Generator) -> Shape:
    """1-16 lines and hundreds to 2,000 locations."""
    return Shape(int(rng.integers(1, 17)), int(rng.integers(300, 2001)), int(rng.choice([1, 2, 4])))


SIZES: dict[str, Callable[[Generator], Shape]] = {
    "tiny": tiny,
    "small": small,
    "middle": middle,
    "shop": shop,
    "large": large,
}


def instance(kind: str, size: str, seed: int) -> Problem:
    """The one problem of this kind, size and seed."""
    rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), zlib.crc32(size.encode())])
    return kinds[kind](rng, SIZES[size](rng))


def retail(rng: Generator, shape: Shape) -> Problem:
    """Warehouses with deep stock and cheap handling, stores with a unit or two, suppliers that are slow and dear to reach."""
    n, count, _ = shape
    warehouse = rng.random(count) < max(0.02, 1.5 / count)
    supplier = ~warehouse & (rng.random(count) < 0.05)
    deep = warehouse | supplier
    quantity = np.minimum(rng.geometric(0.7, n), shape.quantity_max)
    shelf = rng.poisson(rng.uniform(0.2, 2.5, (n, 1)), (n, count)) * (rng.random((n, count)) < 0.6)
    stock = np.where(deep, rng.integers(0, 400, (n, count)) * (rng.random((n, count)) < 0.85), shelf)
    zone = rng.integers(0, 6, count)
    fixed = np.where(warehouse, rng.integers(80, 160, count), rng.integers(150, 420, count)) + 700 * supplier
    locations = Locations(
        fixed=fixed.astype(np.int64),
        parcel=(380 + 45 * zone + rng.integers(0, 30, count))[None, :].astype(np.int64),
        unit=np.where(warehouse, 25, rng.integers(40, 120, count)).astype(np.int64),
        rate=rng.integers(0, 6, count) + zone,
        cap=np.where(rng.random(count) < 0.15, rng.integers(0, 6, count), NO_CAP) if rng.random() < 0.3 else None,
    )
    weight = rng.choice([0, 1, 3, 5, 12, 40, 150], n)
    complete = bool(rng.random() < 0.5)
    rules = Rules(
        line_split=bool(rng.random() < 0.5),
        ship_complete=complete,
        locations_max=_perhaps(rng, 0.4, 1, 5),
        split_penalty=int(rng.choice([0, 0, 150, 500])),
        parcel_up_to_hg=(int(rng.choice([50, 100, 315])),) if rng.random() < 0.5 else (),
    )
    season = rng.integers(-150, 400, (n, count)) * (rng.random((n, count)) < 0.2) * (~deep)
    adj = season if rng.random() < 0.6 else None
    value = rng.integers(300, 20_000, n)
    return Problem(quantity, weight, stock, locations, rules, adj, None if complete else value // 2, value)


def partial(rng: Generator, shape: Shape) -> Problem:
    """Everybody holds a part: lines have to be split, whole ones are hard to find."""
    problem = _random(rng, shape)
    quantity = np.maximum(problem.quantity, min(shape.quantity_max, 2))
    part = np.maximum(1, quantity[:, None] * rng.integers(1, 4, problem.stock.shape) // 4)
    stock = np.where(rng.random(problem.stock.shape) < 0.85, part, 0)
    rules = problem.rules._replace(line_split=bool(rng.random() < 0.9))
    return problem._replace(quantity=quantity, stock=stock, rules=rules)


def caps(rng: Generator, shape: Shape) -> Problem:
    """Nearly every location may send only a few units, some none."""
    problem = _random(rng, shape)
    most = max(2, int(problem.quantity.sum()) // 2 + 1)
    cap = np.where(rng.random(shape.locations) < 0.9, rng.integers(0, most + 1, shape.locations), NO_CAP)
    return problem._replace(locations=problem.locations._replace(cap=cap))


def parcels(rng: Generator, shape: Shape) -> Problem:
    """Weight limits so tight that the second and the third parcel count."""
    problem = _random(rng, shape)
    weight = rng.integers(0, 30, shape.lines)
    limit = int(rng.integers(1, max(2, int((weight * problem.quantity).sum()))))
    rules = problem.rules._replace(parcel_up_to_hg=(max(limit, int(weight.sum()) // 40 + 1),))
    return problem._replace(weight_hg=weight, rules=rules)


def few_locations(rng: Generator, shape: Shape) -> Problem:
    """At most one to five locations, and stock so thin that this matters."""
    problem = _random(rng, shape)
    thin = problem.stock * (rng.random(problem.stock.shape) < 0.5)
    return problem._replace(stock=thin, rules=problem.rules._replace(locations_max=int(rng.integers(1, 6))))


def split_penalty(rng: Generator, shape: Shape) -> Problem:
    """A second location costs nothing more, or more than all the rest together."""
    problem = _random(rng, shape)
    penalty = int(rng.choice([0, 1, 100, 10_000, 1_000_000]))
    locations_max = problem.rules.locations_max if rng.random() < 0.5 else None
    return problem._replace(rules=problem.rules._replace(split_penalty=penalty, locations_max=locations_max))


def bargains(rng: Generator, shape: Shape) -> Problem:
    """Taking from somewhere is worth money: remainders of the season, costs below nothing."""
    problem = _random(rng, shape)
    adj = rng.integers(-400, 60, problem.stock.shape) * (rng.random(problem.stock.shape) < 0.5)
    return problem._replace(adj=adj)


def losing(rng: Generator, shape: Shape) -> Problem:
    """Not sending a unit is cheap, often cheaper than sending it, sometimes free."""
    problem = _random(rng, shape)
    lost = rng.integers(0, int(rng.choice([1, 50, 300])) + 1, shape.lines)
    return problem._replace(lost=lost, rules=problem.rules._replace(ship_complete=False))


def weightless(rng: Generator, shape: Shape) -> Problem:
    """No line weighs anything, and parcels have limits all the same."""
    problem = _random(rng, shape)
    rules = problem.rules._replace(parcel_up_to_hg=(1,))
    return problem._replace(weight_hg=np.zeros(shape.lines, np.int64), rules=rules)


def bare(rng: Generator, shape: Shape) -> Problem:
    """A line that nobody holds, or hardly anybody."""
    problem = _random(rng, shape)
    stock = problem.stock.copy()
    stock[rng.integers(shape.lines)] = 0 if rng.random() < 0.6 else rng.random(shape.locations) < 0.2
    rules = problem.rules._replace(ship_complete=bool(rng.random() < 0.3))
    lost = rng.integers(0, 900, shape.lines)
    return problem._replace(stock=stock, rules=rules, lost=None if rules.ship_complete else lost)


def ties(rng: Generator, shape: Shape) -> Problem:
    """Prices of nothing, one and two: many plans are equally cheap."""
    problem = _random(rng, shape)
    n, count = len(problem.quantity), len(problem.locations.fixed)
    steps = len(problem.locations.parcel)
    locations = problem.locations._replace(
        fixed=rng.integers(0, 3, count),
        parcel=np.sort(rng.integers(0, 2, (steps, count)), axis=0),
        unit=rng.integers(0, 2, count),
        rate=np.zeros(count, np.int64),
    )
    lost = None if problem.lost is None else rng.integers(0, 4, n)
    rules = problem.rules._replace(split_penalty=int(rng.integers(0, 2)))
    return problem._replace(locations=locations, adj=None, lost=lost, rules=rules)


def infeasible(rng: Generator, shape: Shape) -> Problem:
    """Everything must be sent, and there is about as much as is wanted, or less."""
    problem = _random(rng, shape)
    wanted = problem.quantity[:, None]
    stock = rng.integers(0, wanted + 1, problem.stock.shape) * (rng.random(problem.stock.shape) < 3 / shape.locations)
    rules = problem.rules._replace(ship_complete=True, line_split=bool(rng.random() < 0.7))
    return problem._replace(stock=stock, rules=rules, lost=None)


def million(rng: Generator, shape: Shape) -> Problem:
    """Quantities of one and of a million, side by side."""
    problem = _random(rng, shape)
    quantity = rng.choice([1, 7, 999_983, 1_000_000], shape.lines)
    parts = rng.choice([0, 1, 333_333, 500_000, 999_999, 1_000_000, 3_000_000], problem.stock.shape)
    cap = problem.locations.cap
    if cap is not None:
        cap = np.where(cap > 0, cap * 250_000, cap)
    limits = tuple(10_000 * limit for limit in problem.rules.parcel_up_to_hg)
    rules = problem.rules._replace(parcel_up_to_hg=limits)
    locations = problem.locations._replace(cap=cap)
    return problem._replace(quantity=quantity, stock=parts, locations=locations, rules=rules)


def steps(rng: Generator, shape: Shape) -> Problem:
    """Several weight steps: two small parcels may be cheaper than a large one, a heavy one cheaper than a light one."""
    problem = _random(rng, shape)
    weight = rng.integers(0, 30, shape.lines)
    most = int((weight * problem.quantity).sum())
    count = int(rng.integers(2, 5))
    limits = np.unique(rng.integers(max(1, most // 12), max(6, int(most * 0.7)), count))
    parcel = rng.integers(0, 900, (len(limits), shape.locations))
    if rng.random() < 0.7:
        parcel = np.sort(parcel, axis=0)
    rules = problem.rules._replace(parcel_up_to_hg=tuple(limits.tolist()))
    return problem._replace(weight_hg=weight, locations=problem.locations._replace(parcel=parcel), rules=rules)


def split_value(rng: Generator, shape: Shape) -> Problem:
    """Whoever takes part in a split must send goods of some worth, which rules out the cheapest plans."""
    problem = _random(rng, shape)
    value = rng.integers(0, 60, shape.lines)
    least = int(rng.integers(1, max(2, int((value * problem.quantity).sum() * 0.7))))
    return problem._replace(value=value, rules=problem.rules._replace(split_value_min=least))


def everything(rng: Generator, shape: Shape) -> Problem:
    """Every option at once: caps, steps, split value, few locations, bargains, losses."""
    problem = steps(rng, shape)
    total = int(problem.quantity.sum())
    cap = np.where(rng.random(shape.locations) < 0.6, rng.integers(0, total + 1, shape.locations), NO_CAP)
    value = rng.integers(0, 60, shape.lines)
    rules = problem.rules._replace(
        locations_max=_perhaps(rng, 0.6, 1, 5),
        split_penalty=int(rng.choice([0, 30, 400])),
        split_value_min=int(rng.integers(0, max(1, int((value * problem.quantity).sum()) // 2) + 1)),
    )
    adj = rng.integers(-200, 200, problem.stock.shape) * (rng.random(problem.stock.shape) < 0.5)
    locations = problem.locations._replace(cap=cap)
    return problem._replace(locations=locations, rules=rules, adj=adj, value=value)


Kind = Callable[[Generator, Shape], Problem]

kinds: dict[str, Kind] = {
    "retail": retail,
    "partial": partial,
    "caps": caps,
    "parcels": parcels,
    "few_locations": few_locations,
    "split_penalty": split_penalty,
    "bargains": bargains,
    "losing": losing,
    "weightless": weightless,
    "bare": bare,
    "ties": ties,
    "infeasible": infeasible,
    "million": million,
    "steps": steps,
    "split_value": split_value,
    "everything": everything,
}

PLAIN = tuple(name for name in kinds if name not in ("steps", "split_value", "everything"))
"""The kinds that the instance format can say."""

ENUMERABLE = tuple(name for name in kinds if name != "million")
"""The kinds of which every plan can be tried."""


def _random(rng: Generator, shape: Shape) -> Problem:
    """Anything goes, so that a kind changes only what it is about."""
    n, count, quantity_max = shape
    quantity = rng.integers(1, quantity_max + 1, n)
    fill = rng.uniform(0.3, 1)
    stock = rng.integers(0, 2 * quantity[:, None] + 1, (n, count)) * (rng.random((n, count)) < fill)
    complete = bool(rng.random() < 0.55)
    limits = (int(rng.integers(3, 60)),) if rng.random() < 0.35 else ()
    locations = Locations(
        fixed=rng.integers(0, int(rng.choice([1, 200, 1500])) + 1, count),
        parcel=rng.integers(0, int(rng.choice([1, 600])) + 1, (1, count)),
        unit=rng.integers(0, int(rng.choice([1, 150])) + 1, count),
        rate=rng.integers(0, int(rng.choice([1, 9])) + 1, count),
        cap=_caps(rng, quantity, count) if rng.random() < 0.3 else None,
    )
    rules = Rules(
        line_split=bool(rng.random() < 0.55),
        ship_complete=complete,
        locations_max=_perhaps(rng, 0.3, 1, 5),
        split_penalty=int(rng.choice([0, 0, 40, 300])),
        parcel_up_to_hg=limits,
    )
    adj = rng.integers(-60, 120, (n, count)) * (rng.random((n, count)) < 0.4) if rng.random() < 0.4 else None
    lost = None if complete else rng.integers(0, int(rng.choice([300, 2500])), n)
    return Problem(quantity, rng.integers(0, 25, n), stock, locations, rules, adj, lost)


def _caps(rng: Generator, quantity: Ints, count: int) -> Ints:
    return np.where(rng.random(count) < 0.5, rng.integers(0, int(quantity.sum()) + 1, count), NO_CAP)


def _perhaps(rng: Generator, chance: float, least: int, most: int) -> int | None:
    return int(rng.integers(least, most + 1)) if rng.random() < chance else None
