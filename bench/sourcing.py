"""Sourcing alone: how long the cheapest plan takes, by lines, options and locations, beside plain loops doing the same."""

import gc
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from engine.solver.problem import BIG, OPTIMAL, UNPROVEN, Ints, Locations, Plan, Problem, Rules, cost_of, violations
from engine.solver.together import NOWHERE, Orders, first_looks
from engine.sourcing import solve

SEED = 20_261_123


class Row(NamedTuple):
    """One line of the report: `lines` an order, whether they may be split under caps, and how many orders."""

    lines: int
    split: bool
    orders: int


ROWS = (
    Row(1, False, 500),
    Row(2, False, 500),
    Row(4, False, 500),
    Row(8, False, 300),
    Row(10, False, 300),
    Row(20, False, 200),
    Row(1, True, 300),
    Row(2, True, 300),
    Row(4, True, 300),
    Row(20, True, 200),
)


class Wrong(Exception):
    """A plan that is not legal or does not cost what it says, so its time does not count."""


def retail_order(chance: np.random.Generator, row: Row, locations: int) -> Problem:
    """A few warehouses with deep stock, many stores with little; costs by distance, some prices per item and location."""
    n = row.lines
    deep = chance.random(locations) < 0.02
    deep[0] = True
    shallow = chance.integers(0, 6, (n, locations)) * (chance.random((n, locations)) < 0.4)
    stock = np.where(deep, chance.integers(0, 200, (n, locations)), shallow)
    km = chance.random(locations) * 800
    where = Locations(
        fixed=(np.where(deep, 60, 200) + chance.integers(0, 40, locations)).astype(np.int64),
        parcel=(350 + km * 0.2).astype(np.int64)[None, :],
        unit=chance.integers(0, 20, locations),
        rate=chance.integers(0, 3, locations),
        cap=np.where(deep, -1, chance.integers(1, 8, locations)) if row.split else None,
    )
    adj = chance.integers(-60, 60, (n, locations)) * (chance.random((n, locations)) < 0.1)
    quantity = chance.choice(np.array([1, 1, 1, 2, 2, 3, 5]), n)
    return Problem(quantity, chance.integers(1, 50, n), stock, where, Rules(row.split, True, None, 300), adj)


def by_loops(problem: Problem) -> int | None:
    """The cost of the cheapest plan of whole lines, by plain loops over sets of lines and locations; None if there is none."""
    lines, locations = problem.stock.shape
    quantity, stock = problem.quantity.tolist(), problem.stock.tolist()
    unit, rate = problem.locations.unit.tolist(), problem.locations.rate.tolist()
    weight = problem.weight_hg.tolist()
    adj = np.zeros_like(problem.stock).tolist() if problem.adj is None else problem.adj.tolist()
    start = (problem.locations.fixed + problem.locations.parcel[0]).tolist()
    best: dict[int, int] = {}
    for mask in range(1, 1 << lines):
        chosen = [i for i in range(lines) if mask >> i & 1]
        for at in range(locations):
            if all(stock[i][at] >= quantity[i] for i in chosen):
                cost = start[at] + sum(quantity[i] * (unit[at] + rate[at] * weight[i] + adj[i][at]) for i in chosen)
                best[mask] = min(cost, best.get(mask, cost))
    cover = {0: -problem.rules.split_penalty}
    for mask in range(1, 1 << lines):
        for part, cost in best.items():
            if part & mask == part and mask ^ part in cover:
                total = cover[mask ^ part] + cost + problem.rules.split_penalty
                cover[mask] = min(total, cover.get(mask, total))
    return cover.get((1 << lines) - 1)


def measure(locations: int, scale: float = 1.0) -> Iterator[dict[str, Any]]:
    """Every row at so many locations; `scale` shortens the rows."""
    for row in ROWS:
        yield one_row(row, locations, max(3, int(row.orders * scale)))
    yield batch(max(10, int(10_000 * scale)), locations)


def one_row(row: Row, locations: int, orders: int) -> dict[str, Any]:
    """Mean and quantiles of the time of one order, the whole problem in and the plan out."""
    chance = np.random.default_rng(SEED + row.lines)
    problems = [retail_order(chance, row, locations) for _ in range(orders)]
    solve(problems[0])
    plans, microseconds = [], []
    gc.collect()
    for problem in problems:
        started = time.perf_counter_ns()
        plans.append(solve(problem))
        microseconds.append((time.perf_counter_ns() - started) / 1_000)
    _audit(problems, plans)
    times = np.array(microseconds)
    figures = {
        "what": f"sourcing: {row.lines} lines, {'split, capped' if row.split else 'whole'}",
        "mean_us": round(float(times.mean()), 1),
        "p50_us": round(float(np.median(times)), 1),
        "p99_us": round(float(np.quantile(times, 0.99)), 1),
        "max_us": round(float(times.max()), 1),
        "orders": orders,
        "locations": locations,
        "unproven": sum(plan.status == UNPROVEN for plan in plans),
        "largest_gap": max(map(_gap, plans)),
    }
    if not row.split and row.lines <= 4:
        figures["loops_take_times"] = _loops(problems[:5], plans[:5], float(times.mean()))
    return figures


def _gap(plan: Plan) -> float:
    return 0.0 if not plan.cost else round((plan.cost - plan.bound) / plan.cost, 4)


def _loops(problems: list[Problem], plans: list[Plan], mean_us: float) -> int:
    started = time.perf_counter()
    costs = [by_loops(problem) for problem in problems]
    seconds = (time.perf_counter() - started) / len(problems)
    if costs != [plan.cost for plan in plans]:
        raise Wrong("the loops find other costs")
    return round(seconds * 1e6 / mean_us)


def _audit(problems: list[Problem], plans: list[Plan]) -> None:
    for problem, plan in zip(problems, plans, strict=True):
        if plan.cost is None:
            continue
        if violations(problem, plan.takes) or cost_of(problem, plan.takes) != plan.cost:
            raise Wrong("a plan is not legal, or does not cost what it says")
        if plan.status == OPTIMAL and plan.bound != plan.cost:
            raise Wrong("an optimal plan whose bound is another")


def batch(orders: int, locations: int) -> dict[str, Any]:
    """Single-line orders, those of one cost class in one pass; at its turn each takes what it was told, or is solved alone."""
    chance = np.random.default_rng(SEED)
    skus, classes = max(10, orders // 2), 200
    stock = chance.integers(0, 12, (skus, locations)) * (chance.random((skus, locations)) < 0.3)
    base = chance.integers(300, 1_500, (classes, locations))
    sku, cost_class = chance.integers(0, skus, orders), chance.integers(0, classes, orders)
    quantity = chance.integers(1, 4, orders)
    nothing = np.zeros(locations, np.int64)
    where = [Locations(base[row], nothing[None, :], nothing, nothing) for row in range(classes)]
    left = stock.copy()
    started = time.perf_counter()
    at = np.full(orders, NOWHERE)
    for row in range(classes):
        mine = np.flatnonzero(cost_class == row)
        if mine.size:
            goods, which = np.unique(sku[mine], return_inverse=True)
            table = Problem(np.ones_like(goods), np.zeros_like(goods), stock[goods], where[row], Rules(False))
            at[mine] = first_looks(table, Orders(which, quantity[mine], np.arange(mine.size))).at
    told = at.tolist()
    again = 0
    for order, (item, units) in enumerate(zip(sku.tolist(), quantity.tolist(), strict=True)):
        if told[order] == NOWHERE or left[item, told[order]] < units:
            again += 1
            rules, one = Rules(False), quantity[order : order + 1]
            alone = Problem(one, np.zeros(1, np.int64), left[item : item + 1], where[cost_class[order]], rules)
            plan = solve(alone)
            told[order] = plan.takes[0][1] if plan.takes else NOWHERE
        if told[order] != NOWHERE:
            left[item, told[order]] -= units
    milliseconds = (time.perf_counter() - started) * 1_000
    _audit_batch(told, stock, base, sku, cost_class, quantity)
    return {
        "what": "sourcing: a batch of single-line orders",
        "milliseconds": round(milliseconds, 1),
        "orders": orders,
        "solved_alone": again,
        "locations": locations,
        "skus": skus,
        "cost_classes": classes,
    }


def _audit_batch(told: list[int], stock: Ints, base: Ints, sku: Ints, cost_class: Ints, quantity: Ints) -> None:
    """The same, one by one."""
    left = stock.copy()
    for order, at in enumerate(told):
        able = left[sku[order]] >= quantity[order]
        cheapest = int(np.where(able, base[cost_class[order]], BIG).argmin()) if able.any() else NOWHERE
        if cheapest != at:
            raise Wrong("a batch differs from one by one")
        if at != NOWHERE:
            left[sku[order], at] -= quantity[order]
