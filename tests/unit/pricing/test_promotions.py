"""Promotions: what each gives, when it applies, and how several go together."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.commands.pricing import Promotion
from engine.facts.money import Discount
from engine.pricing.checking import problems_of_promotion
from tests.unit.pricing.baskets import PRICES, configuration, discounts, quoted, reasons

KITCHEN = {"item_groups": ["kitchen"]}


def gives(when: dict[str, Any] | None = None, **effect: Any) -> dict[str, Any]:
    return {"when": when or {}, "gives": effect}


@pytest.mark.parametrize(
    ("promotion", "lines", "expected"),
    [
        (gives(amount=1_000), [("KETTLE", 1), ("TOWEL", 1), ("TRAY", 1)], [500, 167, 333]),
        (gives(amount=100), [("TOWEL", 1), ("TOWEL", 1), ("TOWEL", 1)], [34, 33, 33]),
        (gives(amount=9_999_999), [("KETTLE", 1), ("TOWEL", 1)], [3_000, 1_000]),
        (gives(amount=1_000, on="items", when=KITCHEN), [("KETTLE", 1), ("TOWEL", 1), ("TRAY", 1)], [600, 0, 400]),
        (gives(percent="7.5"), [("BOOK", 1), ("BOOK", 1), ("BOOK", 1)], [81, 80, 80]),
        (gives(percent="7.5", on="items"), [("BOOK", 1), ("BOOK", 1), ("BOOK", 1)], [80, 80, 80]),
        (gives(percent="10", when=KITCHEN), [("KETTLE", 2), ("TOWEL", 1)], [600, 0]),
        (gives(percent="50", max_minor=700), [("KETTLE", 1), ("TOWEL", 1)], [525, 175]),
        (gives(percent="50", on="items", max_units=2), [("TOWEL", 3), ("KETTLE", 1)], [1_000, 0]),
        (gives(percent="50", on="cheapest"), [("KETTLE", 1), ("TOWEL", 3)], [0, 500]),
        (gives(amount_per_item=150, when=KITCHEN), [("KETTLE", 2), ("TOWEL", 2)], [300, 0]),
        (gives(amount_per_item=5_000), [("TOWEL", 2)], [2_000]),
        (gives(fixed_price=1_500, when=KITCHEN), [("KETTLE", 1), ("TRAY", 2), ("TOWEL", 1)], [1_500, 1_000, 0]),
        (gives(fixed_price=2_500, when=KITCHEN), [("KETTLE", 1), ("TRAY", 1)], [500, 0]),
        (gives(buy_x_get_y={"buy": 2, "get": 2}), [("KETTLE", 3), ("TOWEL", 1)], [3_000, 1_000]),
        (gives(buy_x_get_y={"buy": 2, "get": 2}), [("TOWEL", 3)], [0]),
        (gives(buy_x_get_y={"buy": 2, "get": 1, "percent": "50"}), [("TOWEL", 7)], [1_000]),
        (gives(bundle_price={"items": ["KETTLE", "TOWEL"], "price": 3_500}), [("KETTLE", 2), ("TOWEL", 1)], [375, 125]),
        (
            gives(bundle_price={"items": ["KETTLE", {"sku": "TOWEL", "quantity": 2}], "price": 4_000}),
            [("KETTLE", 2), ("TOWEL", 5)],
            [1_200, 800],
        ),
        (gives(bundle_price={"items": ["KETTLE", "TOWEL"], "price": 3_500}), [("KETTLE", 2)], [0]),
        (gives(free_item="TOWEL", when={"items": ["KETTLE"]}), [("KETTLE", 1), ("TOWEL", 2)], [0, 1_000]),
    ],
)
def test_a_promotion_takes_off_what_it_says(
    promotion: dict[str, Any], lines: list[tuple[str, int]], expected: list[int]
) -> None:
    assert discounts(quoted(configuration(p=promotion), *lines)) == expected


@pytest.mark.parametrize(
    ("when", "asked", "reason"),
    [
        ({"channels": ["shop"]}, {}, "channel"),
        ({"countries": ["AT"]}, {}, "country"),
        ({"customer_groups": ["staff"]}, {}, "customer_group"),
        ({"from": "2026-11-25"}, {}, "not_begun"),
        ({"to": "2026-11-23"}, {}, "ended"),
        ({"to": "2026-11-24T12:00:00Z"}, {}, "ended"),
        ({"first_order": True}, {}, "not_first_order"),
        ({"voucher": True}, {}, "no_voucher"),
        ({"min_quantity": 3}, {}, "min_quantity"),
        ({"min_goods_minor": 6_001}, {}, "min_goods_minor"),
        (
            {"min_goods_minor": 3_001, "items": ["KETTLE"], "item_groups": []},
            {"lines": [("KETTLE", 1)]},
            "min_goods_minor",
        ),
        ({"countries": ["AT"]}, {"country": "AT"}, None),
        ({"customer_groups": ["staff"]}, {"customer_group": "staff"}, None),
        ({"from": "2026-11-24", "to": "2026-11-24"}, {}, None),
        ({"first_order": True}, {"first_order": True}, None),
        ({"voucher": True}, {"vouchers": frozenset({"p"})}, None),
        ({"min_goods_minor": 6_000, "min_quantity": 2}, {}, None),
    ],
)
def test_a_promotion_applies_only_if_all_its_conditions_hold_and_the_quote_says_which_does_not(
    when: dict[str, Any], asked: dict[str, Any], reason: str | None
) -> None:
    lines = asked.pop("lines", [("KETTLE", 2)])
    found = quoted(configuration(p=gives(when, amount=100)), *lines, **asked)
    assert reasons(found) == {"p": reason}
    assert found.discount == (100 if reason is None else 0)


def test_a_promotion_about_other_items_is_not_even_looked_at() -> None:
    assert reasons(quoted(configuration(p=gives(KITCHEN, amount=100)), ("TOWEL", 1))) == {}


def test_stacked_promotions_take_off_what_the_ones_before_have_left_the_highest_priority_first() -> None:
    known = configuration(ten=gives(percent="10"), five_euros={**gives(amount=500), "priority": 1})
    assert quoted(known, ("KETTLE", 1)).lines[0].discounts == (Discount("five_euros", 500), Discount("ten", 250))


def test_of_a_group_only_the_best_applies_and_the_others_say_so() -> None:
    known = configuration(
        ten={**gives(percent="10"), "combines": "best_of:autumn"},
        amount={**gives(amount=400), "combines": "best_of:autumn"},
        shipping=gives(free_shipping=True),
    )
    found = quoted(known, ("KETTLE", 1), shipping_minor=490)
    assert reasons(found) == {"ten": "another_of_its_group_is_better", "amount": None, "shipping": None}
    assert (found.discount, found.shipping.total_minor, found.total) == (890, 0, 2_600)
    assert discounts(quoted(known, ("KETTLE", 2))) == [600]


def test_an_exclusive_promotion_applies_alone_and_only_if_it_gives_more_than_the_others_together() -> None:
    known = configuration(
        alone={**gives(percent="20"), "combines": "exclusive"}, ten=gives(percent="10"), two_euros=gives(amount=200)
    )
    found = quoted(known, ("KETTLE", 1))
    assert (found.discount, reasons(found)) == (600, {"alone": None, "ten": "exclusive", "two_euros": "exclusive"})
    found = quoted(known, ("TOWEL", 1))
    assert (found.discount, reasons(found)["alone"]) == (300, "others_give_more")


def test_free_shipping_and_a_share_of_it() -> None:
    known = configuration(half=gives(percent="50", on="shipping"))
    assert quoted(known, ("TOWEL", 1), shipping_minor=491).shipping.total_minor == 245
    known = configuration(capped=gives(free_shipping=True, max_minor=400))
    assert quoted(known, ("TOWEL", 1), shipping_minor=491).shipping.total_minor == 91


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"gives": {}}, "/gives"),
        ({"gives": {"percent": "5", "amount": 100}}, "/gives"),
        ({"gives": {"free_item": "TOWEL", "on": "shipping"}}, "/gives/on"),
        ({"gives": {"amount": 1}, "when": {"from": "2026-02-30"}}, "/when/from"),
    ],
)
def test_a_promotion_that_cannot_work_is_pointed_at(body: dict[str, Any], pointer: str) -> None:
    problems = list(problems_of_promotion(msgspec.convert({"name": "p", **body}, Promotion)))
    assert [found for found, _ in problems] == [pointer]


EFFECTS = st.one_of(
    st.builds(lambda percent, on: {"percent": str(percent), "on": on}, st.integers(0, 100),
              st.sampled_from(["order", "items", "cheapest", "shipping"])),
    st.builds(lambda amount, on: {"amount": amount, "on": on}, st.integers(0, 5_000),
              st.sampled_from(["order", "items", "cheapest", "shipping"])),
    st.builds(lambda amount: {"amount_per_item": amount}, st.integers(0, 2_000)),
    st.builds(lambda price: {"fixed_price": price}, st.integers(0, 3_000)),
    st.builds(lambda buy, get: {"buy_x_get_y": {"buy": buy, "get": get}}, st.integers(1, 3), st.integers(1, 3)),
    st.builds(lambda items, price: {"bundle_price": {"items": items, "price": price}},
              st.lists(st.sampled_from(sorted(PRICES)), min_size=1, max_size=4), st.integers(0, 5_000)),
    st.just({"free_shipping": True}),
    st.builds(lambda sku: {"free_item": sku}, st.sampled_from(sorted(PRICES))),
)  # fmt: skip
BODIES = st.builds(
    lambda effect, limit, units, combines, priority, group: {
        "gives": effect
        | ({} if limit is None else {"max_minor": limit})
        | ({} if units is None else {"max_units": units}),
        "combines": combines,
        "priority": priority,
        "when": {} if group is None else {"item_groups": [group]},
    },
    EFFECTS,
    st.none() | st.integers(0, 2_000),
    st.none() | st.integers(1, 4),
    st.sampled_from(["stack", "exclusive", "best_of:a", "best_of:b"]),
    st.integers(-2, 2),
    st.none() | st.sampled_from(["kitchen", "linen"]),
)
LINES = st.lists(st.tuples(st.sampled_from(sorted(PRICES)), st.integers(1, 7)), min_size=1, max_size=6)


@given(st.lists(BODIES, max_size=6), LINES, st.integers(0, 900))
def test_whatever_promotions_there_are_nothing_costs_less_than_nothing_and_everything_adds_up(
    bodies: list[dict[str, Any]], lines: list[tuple[str, int]], shipping_minor: int
) -> None:
    known = configuration(**{f"p{at}": body for at, body in enumerate(bodies)})
    found = quoted(known, *lines, shipping_minor=shipping_minor)
    for priced in (*found.lines, found.shipping):
        assert priced.total_minor >= priced.tax_minor >= 0
        assert priced.goods_minor - priced.discount_minor == priced.total_minor
        assert min([0, *(each.minor for each in priced.discounts)]) >= 0
    assert found.total == found.goods + shipping_minor - found.discount
    by_promotion = {each.promotion: each.minor for each in found.verdicts if each.reason is None}
    assert sum(by_promotion.values()) == found.discount
    for name, minor in by_promotion.items():
        limit = known.promotions[name].gives.max_minor
        assert limit is None or minor <= limit
