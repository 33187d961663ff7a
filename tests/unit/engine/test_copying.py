"""What both call by the same name is copied; what only one of them has is named, or it is an error at import."""

import msgspec
import pytest

from engine.copying import copying


class Wish(msgspec.Struct):
    sku: str
    quantity: int
    gift_note: str = ""


class Parcel(msgspec.Struct):
    number: int
    sku: str
    seals: list[str] = []
    weight_grams: int = 0
    quantity: int = 1
    scans: list[str] = []


KETTLE = Wish("BRASS-KETTLE", 2, "for Ada")
packed = copying(Wish, Parcel, given="number weight_grams", apart="gift_note seals scans")


def test_fields_of_the_same_name_are_copied_and_the_others_given_or_begun() -> None:
    assert packed(KETTLE, 7, 900) == Parcel(7, "BRASS-KETTLE", [], 900, 2, [])
    assert packed(KETTLE, number=7, weight_grams=900) == packed(KETTLE, 7, 900)


def test_no_two_things_share_a_list_they_begin_with() -> None:
    first, second = packed(KETTLE, 1, 900), packed(KETTLE, 2, 900)
    assert first.seals is not second.seals
    assert first.scans is not second.scans


@pytest.mark.parametrize(
    "apart", ["seals scans", "gift_note seals", "gift_note seals scans sku", "gift_note seals scans x"]
)
def test_a_field_that_only_one_has_is_named_and_no_other(apart: str) -> None:
    with pytest.raises(AssertionError, match="Wish and Parcel"):
        copying(Wish, Parcel, given="number weight_grams", apart=apart)


def test_nothing_is_given_that_has_no_place() -> None:
    with pytest.raises(AssertionError, match="Parcel has not all of"):
        copying(Wish, Parcel, given="number weight_grams colour", apart="gift_note seals scans")


def test_what_is_given_comes_whole_and_in_its_order() -> None:
    with pytest.raises(AssertionError):
        packed(KETTLE, 7)
    with pytest.raises(AssertionError, match="in this order"):
        packed(KETTLE, weight_grams=900, number=7)
