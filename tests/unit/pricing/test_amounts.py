"""Amounts are divided without losing or inventing a cent."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.amounts import (
    half_up,
    millionths_of_percent,
    millionths_of_rate,
    of_first,
    of_span,
    part_of,
    spread,
    text_of_rate,
)

MINOR = st.integers(0, 10**12)


@given(st.integers(0, 10**18), st.integers(1, 10**9))
def test_halves_go_up_and_nothing_is_further_than_a_half(numerator: int, denominator: int) -> None:
    rounded = half_up(numerator, denominator)
    assert -Fraction(1, 2) < rounded - Fraction(numerator, denominator) <= Fraction(1, 2)


@given(st.lists(MINOR, min_size=1, max_size=30), st.data())
def test_shares_add_up_and_none_is_further_than_one_cent_or_above_what_it_is_taken_from(
    weights: list[int], data: st.DataObject
) -> None:
    total = sum(weights)
    amount = data.draw(st.integers(0, total))
    shares = spread(amount, weights)
    assert sum(shares) == amount
    for share, weight in zip(shares, weights, strict=True):
        assert 0 <= share <= weight
        assert abs(share - (Fraction(amount * weight, total) if total else Fraction(0))) < 1


def test_the_odd_cent_goes_to_the_largest_remainder_and_ties_to_the_first_line() -> None:
    assert spread(100, [1, 1, 1]) == [34, 33, 33]
    assert spread(10, [3, 3, 1]) == [4, 4, 2]
    assert spread(1_000, [1_999, 4_999, 2_999]) == [200, 500, 300]


@given(MINOR, st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_over_any_cutting_into_spans_the_units_of_a_line_have_all_of_its_amount(amount: int, cuts: list[int]) -> None:
    units, before, given_back = sum(cuts), 0, 0
    for count in cuts:
        given_back += of_span(amount, units, before, count)
        before += count
        assert abs(given_back - Fraction(amount * before, units)) < units
    assert given_back == amount


def test_a_third_split_of_ten_euros_gives_the_odd_cent_to_the_first_unit() -> None:
    assert [of_span(1_000, 3, before, 1) for before in range(3)] == [334, 333, 333]
    assert of_first(1_000, 3, 2) == 667


@pytest.mark.parametrize(("text", "millionths"), [("0.19", 190_000), ("0", 0), ("1", 1_000_000), ("0.000001", 1)])
def test_rates_are_read_and_written_exactly(text: str, millionths: int) -> None:
    assert millionths_of_rate(text) == millionths
    assert text_of_rate(millionths) == text


@pytest.mark.parametrize(("text", "millionths"), [("7.5", 75_000), ("100", 1_000_000), ("33.3333", 333_333)])
def test_percentages_are_read_exactly(text: str, millionths: int) -> None:
    assert millionths_of_percent(text) == millionths


def test_seven_and_a_half_per_cent_of_one_euro_is_eight_cents() -> None:
    assert part_of(100, 75_000) == 8
