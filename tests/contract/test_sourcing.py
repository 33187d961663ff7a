"""Whoever sources, by loops or by arrays: the same promises, and the same plan."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.sourcing import Ints, Locations, Plan, Rules, plan_cost, source
from tests.contract.naive_sourcing import cost_naively, source_naively

Source = Callable[[Ints, Ints, Ints, Locations, Rules], Plan]


def ints(*values: object) -> Ints:
    return np.array(values, np.int64)


def locations(fixed: list[int], unit: list[list[int]] | None = None, lines: int = 1) -> Locations:
    count = len(fixed)
    per_unit = np.zeros((lines, count), np.int64) if unit is None else np.array(unit, np.int64)
    return Locations(ints(*fixed), np.zeros(count, np.int64), per_unit)


class SourcingContract:
    """What any implementation promises."""

    source: Source

    def plan(self, quantity: list[int], stock: list[list[int]], where: Locations, rules: Rules) -> Plan:
        """Source with weightless units."""
        wanted = ints(*quantity)
        return type(self).source(wanted, np.zeros_like(wanted), np.array(stock, np.int64), where, rules)

    def test_the_cheapest_location_that_has_everything(self) -> None:
        plan = self.plan([2], [[1, 5, 5]], locations([1, 30, 20]), Rules())
        assert plan.units.tolist() == [[0, 0, 2]]
        assert plan.cost == 20

    def test_a_tie_goes_to_the_location_that_stands_first(self) -> None:
        assert self.plan([2], [[0, 5, 5]], locations([1, 7, 7]), Rules()).units.tolist() == [[0, 2, 0]]

    def test_one_location_is_taken_even_if_two_were_cheaper(self) -> None:
        plan = self.plan([1, 1], [[1, 0, 1], [0, 1, 1]], locations([1, 1, 9], lines=2), Rules())
        assert plan.units.tolist() == [[0, 0, 1], [0, 0, 1]]

    def test_two_locations_when_no_one_has_everything(self) -> None:
        plan = self.plan([3], [[2, 2, 1]], locations([5, 1, 0]), Rules(split_penalty=4))
        assert plan.units.tolist() == [[0, 2, 1]]
        assert plan.cost == 5

    def test_in_a_pair_the_cheaper_location_of_each_line_gives_first(self) -> None:
        where = locations([0, 0], [[5, 1], [1, 5]], lines=2)
        assert self.plan([3, 3], [[2, 2], [2, 2]], where, Rules()).units.tolist() == [[1, 2], [2, 1]]

    def test_many_locations_when_two_are_not_enough(self) -> None:
        plan = self.plan([6], [[2, 3, 1, 0]], locations([0, 0, 0, 0]), Rules())
        assert plan.units.tolist() == [[2, 3, 1, 0]]

    def test_nothing_when_it_must_be_complete_and_is_not(self) -> None:
        plan = self.plan([7], [[2, 3]], locations([1, 1]), Rules(ship_complete=True))
        assert (plan.units.sum(), plan.short.tolist(), plan.cost) == (0, [7], 0)

    def test_what_there_is_when_it_need_not_be_complete(self) -> None:
        plan = self.plan([7], [[2, 3]], locations([1, 1]), Rules(ship_complete=False))
        assert (plan.units.tolist(), plan.short.tolist()) == ([[2, 3]], [2])

    def test_a_line_that_may_not_be_split_comes_whole_or_not_at_all(self) -> None:
        rules = Rules(line_split=False, ship_complete=False)
        plan = self.plan([3, 1], [[2, 2], [0, 1]], locations([1, 1], lines=2), rules)
        assert plan.units.tolist() == [[0, 0], [0, 1]]

    def test_no_more_locations_than_allowed(self) -> None:
        plan = self.plan([6], [[3, 2, 1]], locations([0, 0, 0]), Rules(locations_max=2, ship_complete=False))
        assert (plan.units.tolist(), plan.short.tolist()) == ([[3, 2, 0]], [1])
        assert self.plan([5], [[3, 2]], locations([0, 0]), Rules(locations_max=1)).short.tolist() == [5]

    def test_heavy_orders_pay_for_every_parcel(self) -> None:
        where = Locations(ints(0, 9), ints(5, 1), np.zeros((1, 2), np.int64))
        plan = type(self).source(ints(4), ints(10), ints([4, 4]), where, Rules(parcel_hg=15))
        assert (plan.units.tolist(), plan.cost) == ([[0, 4]], 12)


class TestLoops(SourcingContract):
    source = staticmethod(source_naively)


class TestArrays(SourcingContract):
    source = staticmethod(source)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Ints, Ints, Ints, Locations, Rules]:
    """Small orders over a few locations, with stock that is often not enough."""
    n, count = draw(st.integers(1, 4)), draw(st.integers(1, 7))

    def table(shape: tuple[int, ...], low: int, high: int) -> Ints:
        return draw(arrays.arrays(np.int64, shape, elements=st.integers(low, high)))

    rules = Rules(
        line_split=draw(st.booleans()),
        ship_complete=draw(st.booleans()),
        locations_max=draw(st.none() | st.integers(1, 4)),
        split_penalty=draw(st.integers(0, 9)),
        parcel_hg=draw(st.none() | st.integers(1, 40)),
    )
    where = Locations(table((count,), 0, 20), table((count,), 0, 20), table((n, count), 0, 5))
    return table((n,), 1, 6), table((n,), 0, 9), table((n, count), 0, 6), where, rules


@settings(max_examples=600, deadline=None)
@given(problems())
def test_arrays_and_loops_give_the_same_plan(problem: tuple[Ints, Ints, Ints, Locations, Rules]) -> None:
    fast, slow = source(*problem), source_naively(*problem)
    assert fast.units.tolist() == slow.units.tolist()
    assert fast.short.tolist() == slow.short.tolist()
    assert fast.cost == slow.cost


@settings(max_examples=400, deadline=None)
@given(problems())
def test_a_plan_takes_what_is_there_and_what_is_wanted_and_no_more(
    problem: tuple[Ints, Ints, Ints, Locations, Rules],
) -> None:
    quantity, weight, stock, where, rules = problem
    before = [part.copy() for part in (quantity, weight, stock, *where)]
    plan = source(*problem)
    assert all((a == b).all() for a, b in zip(before, (quantity, weight, stock, *where), strict=True)), (
        "inputs are kept"
    )
    assert (plan.units >= 0).all()
    assert (plan.units <= stock).all()
    assert (plan.units.sum(axis=1) + plan.short == quantity).all()
    assert plan.cost == plan_cost(plan.units, weight, where, rules) == cost_naively(plan.units, weight, where, rules)
    if rules.ship_complete:
        assert not plan.short.any() or not plan.units.any()
    if rules.locations_max is not None:
        assert plan.units.any(axis=0).sum() <= rules.locations_max
    if not rules.line_split:
        assert ((plan.units > 0).sum(axis=1) <= 1).all()
    if rules.line_split and rules.locations_max is None and (stock.sum(axis=1) >= quantity).all():
        assert not plan.short.any(), "what could be served was not"


def test_an_empty_shelf_is_no_error() -> None:
    plan = source(ints(2), ints(0), np.zeros((1, 0), np.int64), locations([]), Rules(ship_complete=False))
    assert plan.short.tolist() == [2]


@pytest.mark.parametrize("count", [129, 300])
def test_beyond_the_pair_limit_the_cover_still_serves_all(count: int) -> None:
    plan = source(ints(count), ints(0), np.ones((1, count), np.int64), locations([1] * count), Rules())
    assert plan.short.tolist() == [0]
