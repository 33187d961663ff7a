"""Real till receipts with three kinds of discount come to what was paid, to the cent, from shelf prices and discounts."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.replay.tills import KINDS, Basket, baskets, by_promotions, by_the_shop

EXCERPT = Path(__file__).parents[2] / "examples" / "till_receipts_2017-01-01.csv.gz"
QUARTER = os.environ.get("KONTOR_TILL_RECEIPTS")


def repriced(file: Path, with_promotions: bool) -> tuple[Counter[str], Counter[str]]:
    """Look at every receipt; how many were, and what they came to in cents."""
    counts: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for basket in baskets(file):
        counts["receipts"] += 1
        counts["lines"] += len(basket.lines)
        counts["with a coupon worth more than its line"] += not basket.is_line_by_line
        if basket.paid < 0:
            counts["a coupon paid out, no sale"] += 1
            assert by_the_shop(basket).total == 0
            continue
        look_at(basket, sums)
        products = {line.product for line in basket.lines}
        if with_promotions and basket.is_line_by_line and len(products) == len(basket.lines):
            found = by_promotions(basket)
            assert [line.total_minor for line in found.lines] == [line.paid for line in basket.lines], basket.number
            counts["by promotions"] += 1
    return counts, sums


def look_at(basket: Basket, sums: Counter[str]) -> None:
    found = by_the_shop(basket)
    assert found.total == basket.paid, basket.number
    if basket.is_line_by_line:
        assert [line.total_minor for line in found.lines] == [line.paid for line in basket.lines], basket.number
    sums["shelf"] += found.goods
    sums["paid"] += found.total
    given: Counter[str] = Counter()
    for line in found.lines:
        for each in line.discounts:
            given[each.label or ""] += each.minor
    assert [given[kind] for kind in KINDS] == [sum(line.discounts[at] for line in basket.lines) for at in range(3)]
    sums.update(given)


def test_a_day_of_receipts_comes_to_what_was_paid_by_discounts_and_by_promotions() -> None:
    counts, sums = repriced(EXCERPT, with_promotions=True)
    assert counts["receipts"] > 100
    assert counts["by promotions"] > 100
    assert all(sums[kind] > 0 for kind in ("loyalty", "coupon"))
    assert sums["shelf"] - sum(sums[kind] for kind in KINDS) == sums["paid"]


@pytest.mark.slow
@pytest.mark.skipif(QUARTER is None, reason="KONTOR_TILL_RECEIPTS does not name the file of a quarter's receipts")
def test_a_quarter_of_receipts_comes_to_what_was_paid() -> None:
    counts, sums = repriced(Path(str(QUARTER)), with_promotions=False)
    assert (counts["receipts"], counts["lines"], counts["a coupon paid out, no sale"]) == (37_489, 362_683, 2)
    assert sums["shelf"] - sum(sums[kind] for kind in KINDS) == sums["paid"] == 109_567_681
    assert {kind: sums[kind] for kind in KINDS} == {"loyalty": 19_052_679, "coupon": 557_925, "coupon match": 114_124}
