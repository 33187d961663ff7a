"""Exact arithmetic on whole minor units. There is one rounding rule: half up.

Rates and percentages are counted in millionths, so that nothing is ever a float.
"""

from collections.abc import Sequence
from functools import lru_cache

MILLION = 1_000_000


def half_up(numerator: int, denominator: int) -> int:
    """The nearest whole number of a fraction that is not negative; halves go up."""
    assert numerator >= 0
    assert denominator > 0
    return (2 * numerator + denominator) // (2 * denominator)


@lru_cache(maxsize=4_096)
def millionths_of_rate(text: str) -> int:
    """0.19 as 190000."""
    whole, _, fraction = text.partition(".")
    return int(whole) * MILLION + int(fraction.ljust(6, "0"))


def millionths_of_percent(text: str) -> int:
    """7.5 as 75000."""
    whole, _, fraction = text.partition(".")
    return int(whole) * 10_000 + int(fraction.ljust(4, "0"))


@lru_cache(maxsize=4_096)
def text_of_rate(millionths: int) -> str:
    """190000 as 0.19."""
    whole, fraction = divmod(millionths, MILLION)
    digits = f"{fraction:06}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def part_of(amount: int, millionths: int) -> int:
    """So many millionths of an amount, rounded half up."""
    return half_up(amount * millionths, MILLION)


def spread(amount: int, weights: Sequence[int]) -> list[int]:
    """Divide an amount in proportion to weights: exact shares, floor, then one each to the largest remainders, ties to the first.

    Hamilton's method. The sum is `amount`, and no share is further than one from the exact one. An amount that is no more than the
    sum of the weights gives no share above its weight.
    """
    assert amount >= 0
    total = sum(weights)
    if amount == total:
        return list(weights)
    assert total, "there is nothing to spread it over"
    shares, remainders = [], []
    for weight in weights:
        share, remainder = divmod(amount * weight, total)
        shares.append(share)
        remainders.append(remainder)
    odd = amount - sum(shares)
    if odd:
        for at in sorted(range(len(weights)), key=lambda at: -remainders[at])[:odd]:
            shares[at] += 1
    return shares


def of_first(amount: int, units: int, first: int) -> int:
    """What the first units of a line have of an amount that is spread over all of them, odd ones to the first."""
    assert 0 <= first <= units
    share, odd = divmod(amount, units)
    return share * first + min(first, odd)


def of_span(amount: int, units: int, before: int, count: int) -> int:
    """What `count` units have after the first `before` ones. Over any cutting of a line into spans the sum is `amount`."""
    if count == units:
        return amount
    return of_first(amount, units, before + count) - of_first(amount, units, before)
