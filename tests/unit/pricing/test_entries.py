"""Entries of the money books: from, to, and an amount that is never below one."""

import pytest

from engine.money import booking


@pytest.mark.parametrize("amount_minor", [1, 2, 1_999])
def test_an_amount_goes_from_source_to_target_and_one_below_zero_the_other_way(amount_minor: int) -> None:
    signed = booking._signed
    assert signed("receivable", "sales", amount_minor) == [("receivable", "sales", amount_minor)]
    assert signed("receivable", "sales", -amount_minor) == [("sales", "receivable", amount_minor)]


def test_nothing_is_no_entry() -> None:
    assert booking._signed("receivable", "sales", 0) == []
