"""Orders to source as text: one JSON object a line in, one answer a line out. The format is in the docs of `kontor sourcing solve`."""

from typing import Annotated

import msgspec
import numpy as np

from engine.solver.problem import Ints, Locations, Plan, Problem, Rules

# Limits that keep every product of two numbers within what integers of the machine hold; the solver checks the sums.
Units = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Weight = Annotated[int, msgspec.Meta(ge=0, le=10**6)]
Minor = Annotated[int, msgspec.Meta(ge=-(10**12), le=10**12)]
Price = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Stock = Annotated[int, msgspec.Meta(ge=-(10**18), le=10**18)]
Cap = Annotated[int, msgspec.Meta(ge=-1, le=10**18)]
Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Position = Annotated[int, msgspec.Meta(ge=0)]


class InstanceUnusable(ValueError):
    """A line that can't be solved as it is written. Says why."""


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class Line(_Strict, frozen=True):
    """`hg` is 100 g per unit; `lost` minor units per unit that nobody sends."""

    qty: Units
    hg: Weight
    lost: Price | None = None


class Columns(_Strict, frozen=True):
    """What L locations cost, in minor units; `cap` in units, -1 for any."""

    fixed: list[Price]
    parcel: list[Price]
    unit: list[Minor]
    rate: list[Annotated[int, msgspec.Meta(ge=-(10**9), le=10**9)]]
    cap: list[Cap] | None = None


class Policy(_Strict, frozen=True):
    """How a plan may look."""

    line_split: bool
    ship_complete: bool
    max_locations: Count | None = None
    split_penalty: Price = 0
    parcel_hg: Annotated[int, msgspec.Meta(ge=1, le=10**15)] | None = None


class Instance(_Strict, frozen=True):
    """One order. `adj` are (line, location, minor units per unit), added up."""

    lines: Annotated[list[Line], msgspec.Meta(min_length=1)]
    locations: Columns
    stock: list[list[Stock]]
    policy: Policy
    adj: list[tuple[Position, Position, Minor]] = []
    id: str | int | None = None


class Answer(msgspec.Struct, frozen=True):
    """The plan as (line, location, units); `unsourced` units by line."""

    id: str | int | None
    status: str
    cost: int | None
    bound: int
    plan: tuple[tuple[int, int, int], ...]
    unsourced: tuple[int, ...]


_decoder = msgspec.json.Decoder(Instance)


def read_instance(text: bytes) -> Instance:
    """One line. Raises InstanceUnusable."""
    try:
        instance = _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InstanceUnusable(str(error)) from None
    wrong = _shape_error(instance)
    if wrong:
        raise InstanceUnusable(wrong)
    return instance


def _shape_error(instance: Instance) -> str | None:
    lines, columns = instance.lines, instance.locations
    size = len(columns.fixed)
    if not size:
        return "`locations` has no locations"
    for name in ("parcel", "unit", "rate", "cap"):
        column = getattr(columns, name)
        if column is not None and len(column) != size:
            return f"`locations.{name}` has {len(column)} entries and `locations.fixed` {size}"
    if len(instance.stock) != len(lines):
        return f"`stock` has {len(instance.stock)} rows for {len(lines)} lines"
    for row, units in enumerate(instance.stock):
        if len(units) != size:
            return f"`stock[{row}]` has {len(units)} entries for {size} locations"
    for at, (line, location, _) in enumerate(instance.adj):
        if line >= len(lines) or location >= size:
            return f"`adj[{at}]` names line {line}, location {location}: there are {len(lines)} lines, {size} locations"
    if not instance.policy.ship_complete:
        for row, line_asked in enumerate(lines):
            if line_asked.lost is None:
                return f"`lines[{row}].lost` is missing, which `ship_complete` false needs"
    return None


def problem_of(instance: Instance) -> Problem:
    """The same in arrays. Stock below zero is no stock."""
    lines, columns, policy = instance.lines, instance.locations, instance.policy
    locations = Locations(
        fixed=_ints(columns.fixed),
        parcel=_ints(columns.parcel)[None, :],
        unit=_ints(columns.unit),
        rate=_ints(columns.rate),
        cap=None if columns.cap is None else _ints(columns.cap),
    )
    rules = Rules(
        line_split=policy.line_split,
        ship_complete=policy.ship_complete,
        locations_max=policy.max_locations,
        split_penalty=policy.split_penalty,
        parcel_up_to_hg=() if policy.parcel_hg is None else (policy.parcel_hg,),
    )
    adj = None
    if instance.adj:
        adj = np.zeros((len(lines), len(columns.fixed)), np.int64)
        entries = np.array(instance.adj, np.int64)
        np.add.at(adj, (entries[:, 0], entries[:, 1]), entries[:, 2])
    return Problem(
        quantity=_ints([line.qty for line in lines]),
        weight_hg=_ints([line.hg for line in lines]),
        stock=np.maximum(np.array(instance.stock, np.int64), 0),
        locations=locations,
        rules=rules,
        adj=adj,
        lost=None if policy.ship_complete else _ints([line.lost or 0 for line in lines]),
    )


def answer_line(instance: Instance, plan: Plan) -> bytes:
    """The answer as one line of JSON, without its end."""
    answer = Answer(instance.id, plan.status, plan.cost, plan.bound, plan.takes, plan.unsourced)
    return msgspec.json.encode(answer)


def _ints(values: list[int]) -> Ints:
    return np.array(values, np.int64)
