"""An order to source in words: lines and places by name, and a plan that reads the same way."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from engine.solver.problem import NO_CAP, Ints, Locations, Plan, Problem, Rules, cost_of, violations

Solve = Callable[[Problem], Plan]


class Line(NamedTuple):
    """What somebody ordered."""

    quantity: int = 1
    hg: int = 0
    lost: int = 0
    value: int = 0


class Place(NamedTuple):
    """Where it may come from. `adj` is per unit of a line, `parcel` one price or one for every weight step."""

    stock: dict[str, int]
    fixed: int = 0
    parcel: int | tuple[int, ...] = 0
    unit: int = 0
    rate: int = 0
    cap: int = NO_CAP
    adj: dict[str, int] | None = None


class Answer(NamedTuple):
    """A plan by name: units by line by place, and units by line that nobody sends."""

    status: str
    cost: int | None
    sends: dict[str, dict[str, int]]
    unsourced: dict[str, int]


def problem_of(lines: dict[str, Line], places: dict[str, Place], **rules: Any) -> Problem:
    """The same order in numbers."""
    limits = rules.get("parcel_up_to_hg", ())
    here = places.values()
    price = [
        place.parcel if isinstance(place.parcel, tuple) else (place.parcel,) * max(1, len(limits)) for place in here
    ]
    cap = _ints([place.cap for place in here])
    adj = _ints([[(place.adj or {}).get(name, 0) for place in here] for name in lines])
    locations = Locations(
        fixed=_ints([place.fixed for place in here]),
        parcel=_ints(price).T,
        unit=_ints([place.unit for place in here]),
        rate=_ints([place.rate for place in here]),
        cap=cap if (cap != NO_CAP).any() else None,
    )
    return Problem(
        quantity=_ints([line.quantity for line in lines.values()]),
        weight_hg=_ints([line.hg for line in lines.values()]),
        stock=_ints([[place.stock.get(name, 0) for place in here] for name in lines]),
        locations=locations,
        rules=Rules(**rules),
        adj=adj if adj.any() else None,
        lost=None if rules.get("ship_complete", True) else _ints([line.lost for line in lines.values()]),
        value=_ints([line.value for line in lines.values()]) if rules.get("split_value_min") else None,
    )


def ask(solve: Solve, lines: dict[str, Line], places: dict[str, Place], **rules: Any) -> Answer:
    """Solve an order that is told by name."""
    problem = problem_of(lines, places, **rules)
    plan = solve(problem)
    assert wrong_with(problem, plan) == []
    line_names, place_names = list(lines), list(places)
    sends: dict[str, dict[str, int]] = {}
    for line, location, units in plan.takes:
        sends.setdefault(place_names[location], {})[line_names[line]] = units
    lost = {name: units for name, units in zip(line_names, plan.unsourced, strict=True) if units}
    return Answer(plan.status, plan.cost, sends, lost)


def wrong_with(problem: Problem, plan: Plan) -> list[str]:
    """What an answer says of itself that is not so."""
    if plan.cost is None:
        return ["a plan without a cost"] if plan.takes else []
    wrong = violations(problem, plan.takes)
    if cost_of(problem, plan.takes) != plan.cost:
        wrong.append(f"says it costs {plan.cost}, and costs {cost_of(problem, plan.takes)}")
    left = problem.quantity.tolist()
    for line, _, units in plan.takes:
        left[line] -= units
    if tuple(left) != tuple(plan.unsourced):
        wrong.append(f"says {plan.unsourced} are unsourced, and {tuple(left)} are")
    if tuple(sorted(plan.takes)) != tuple(plan.takes):
        wrong.append("takes are not by line, then location")
    if plan.status == "optimal" and plan.bound != plan.cost:
        wrong.append(f"optimal at {plan.cost} with a bound of {plan.bound}")
    return wrong


def _ints(values: Any) -> Ints:
    return np.array(values, np.int64)
