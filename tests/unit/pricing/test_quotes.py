"""Quotes: which price holds, which tax is in it, and what can't be priced."""

from typing import Any

import msgspec
import pytest

from engine.commands.pricing import PriceList, ShippingPrices, TaxRates
from engine.pricing.checking import problems_of_shipping_prices
from engine.pricing.history import lowest_before, prices_over_time
from engine.pricing.lists import Buyer
from engine.pricing.moments import begins_ns, ends_ns
from engine.results import Rejection, ResultCode
from tests.unit.pricing.baskets import ask, configuration, quoted


def price_list(minor: int, **more: Any) -> PriceList:
    body = {"currency": "EUR", "prices": {"KETTLE": [{"unit_price_minor": minor}]}, **more}
    return msgspec.convert(body, PriceList)


def test_tax_is_taken_out_of_prices_that_include_it_line_by_line_at_the_rate_of_the_item() -> None:
    found = quoted(configuration(), ("KETTLE", 1), ("BOOK", 2), shipping_minor=490)
    assert [(line.total_minor, line.tax_minor, line.rate_millionths) for line in found.lines] == [
        (3_000, 479, 190_000),
        (2_140, 140, 70_000),
    ]
    assert (found.shipping.tax_minor, found.goods, found.tax, found.total) == (78, 5_140, 697, 5_630)


def test_tax_comes_on_top_of_prices_before_tax() -> None:
    known = configuration()
    known.price_lists["trade"] = price_list(2_525, tax_included=False, customer_groups=["trade"], priority=1)
    line = quoted(known, ("KETTLE", 3), customer_group="trade").lines[0]
    assert (line.goods_minor, line.tax_minor, line.total_minor, line.price_list) == (7_575, 1_439, 9_014, "trade")


def test_the_country_that_the_goods_go_to_says_the_rate_if_its_rates_are_set() -> None:
    known = configuration()
    assert quoted(known, ("KETTLE", 1), country="AT").tax == 500
    assert quoted(known, ("KETTLE", 1), country="FR").tax == 479
    known.tax_rates.clear()
    line = quoted(known, ("KETTLE", 1)).lines[0]
    assert (line.tax_minor, line.category) == (0, "O")


@pytest.mark.parametrize(
    ("treatment", "category"),
    [("reverse_charge", "AE"), ("intra_community", "K"), ("export", "G"), ("exempt", "E")],
)
def test_a_sale_without_tax_costs_what_is_left_without_the_tax_at_home(treatment: str, category: str) -> None:
    line = quoted(configuration(), ("KETTLE", 2), treatment=treatment, country="AT").lines[0]
    assert (line.unit_price_minor, line.goods_minor, line.total_minor, line.tax_minor) == (2_521, 5_042, 5_042, 0)
    assert (line.rate_millionths, line.category) == (0, category)


def test_the_rate_of_the_day_holds() -> None:
    known = configuration()
    dated = {"classes": {"standard": [{"rate": "0.175"}, {"from": "2011-01-04", "rate": "0.2"}]}}
    known.tax_rates = {"GB": msgspec.convert(dated, TaxRates)}
    before = quoted(known, ("KETTLE", 1), country="GB", at_ns=begins_ns("2011-01-04") - 1)
    after = quoted(known, ("KETTLE", 1), country="GB", at_ns=begins_ns("2011-01-04"))
    assert (before.tax, after.tax) == (447, 500)


def test_the_price_list_with_the_highest_priority_holds_and_of_equal_ones_the_lowest_price() -> None:
    known = configuration()
    known.price_lists["sale"] = price_list(2_800)
    assert quoted(known, ("KETTLE", 1)).lines[0].unit_price_minor == 2_800
    known.price_lists["catalogue"] = price_list(3_300, priority=5)
    assert quoted(known, ("KETTLE", 1), ("TOWEL", 1)).lines[0].price_list == "catalogue"


@pytest.mark.parametrize(
    "condition",
    [
        {"currency": "GBP"},
        {"channels": ["shop"]},
        {"countries": ["AT"]},
        {"customer_groups": ["trade"]},
        {"valid_from": "2026-11-25"},
        {"valid_to": "2026-11-23"},
    ],
)
def test_a_price_list_for_others_or_another_time_is_passed_over(condition: dict[str, Any]) -> None:
    known = configuration()
    known.price_lists["other"] = price_list(1, **condition)
    assert quoted(known, ("KETTLE", 1)).lines[0].price_list == "shelf"


def test_who_buys_more_pays_the_price_of_the_step_and_lines_of_a_sku_count_together() -> None:
    known = configuration()
    steps = [{"unit_price_minor": 295}, {"from_quantity": 12, "unit_price_minor": 255}]
    known.price_lists["steps"] = msgspec.convert(
        {"currency": "EUR", "priority": 1, "prices": {"TOWEL": steps}}, PriceList
    )
    assert [line.goods_minor for line in quoted(known, ("TOWEL", 11)).lines] == [3_245]
    assert [line.goods_minor for line in quoted(known, ("TOWEL", 8), ("TOWEL", 4)).lines] == [2_040, 1_020]


def test_what_has_no_price_is_refused_with_every_line_that_has_none() -> None:
    known = configuration()
    known.price_lists["shelf"] = price_list(3_000)
    refused = ask(known, ("TOWEL", 1), ("KETTLE", 1), ("BOOK", 1))
    assert isinstance(refused, Rejection)
    assert refused.code is ResultCode.NO_PRICE
    assert [error.pointer for error in refused.errors] == ["/lines/0/sku", "/lines/2/sku"]


def test_a_date_is_a_whole_day_and_a_time_is_a_moment() -> None:
    assert ends_ns("2026-11-24") == begins_ns("2026-11-25")
    assert ends_ns("2026-11-24T12:00:00Z") == begins_ns("2026-11-24T12:00:00Z")


def shipping_prices(*steps: tuple[int, int], **more: Any) -> ShippingPrices:
    """A table of (from goods, price)."""
    prices = [{"from_goods_minor": goods, "price_minor": price} for goods, price in steps]
    return msgspec.convert({"currency": "EUR", "prices": prices, **more}, ShippingPrices)


def test_sending_costs_what_the_tables_say_where_the_order_does_not() -> None:
    known = configuration()
    known.shipping_prices = {
        "parcel": shipping_prices((0, 490), (5_000, 0), deliveries=["ship"]),
        "austria": shipping_prices((0, 890), countries=["AT"], priority=1),
        "counter": shipping_prices((0, 100), deliveries=["pickup"], tax_included=False),
    }
    assert [quoted(known, ("KETTLE", units)).shipping.total_minor for units in (1, 2)] == [490, 0]
    assert quoted(known, ("KETTLE", 2), country="AT").shipping.total_minor == 890
    assert quoted(known, ("KETTLE", 1), delivery="pickup").shipping.total_minor == 119
    assert quoted(known, ("KETTLE", 1), delivery="reserve_in_store").shipping.total_minor == 0
    assert quoted(known, ("KETTLE", 1), shipping_minor=250).shipping.total_minor == 250
    assert quoted(known, ("KETTLE", 1)).shipping.price_list == "parcel"


def test_goods_are_counted_before_promotions_for_what_sending_costs() -> None:
    known = configuration(half={"gives": {"percent": "50"}})
    known.shipping_prices = {"parcel": shipping_prices((0, 490), (3_000, 0))}
    assert quoted(known, ("KETTLE", 1)).shipping.total_minor == 0


def test_steps_of_shipping_prices_that_do_not_ascend_are_pointed_at() -> None:
    table = shipping_prices((500, 1), (0, 2), valid_from="2026-02-30")
    assert [pointer for pointer, _ in problems_of_shipping_prices(table)] == ["/valid_from", "/prices"]


def test_the_lowest_price_of_thirty_days_is_that_of_all_lists_and_moments_in_them() -> None:
    day = begins_ns("2026-11-01"), begins_ns("2026-11-02")
    length = day[1] - day[0]

    def on(number: int) -> int:
        return day[0] + number * length

    versions = {
        "shelf": [
            (on(-60), price_list(3_000)),
            (on(-40), price_list(2_500)),
            (on(-20), price_list(2_900)),
            (on(0), price_list(2_000)),
        ],
        "sale": [(on(-60), price_list(1_900, valid_from="2026-10-20", valid_to="2026-10-21", priority=1))],
    }
    buyer = Buyer("web", "EUR", "DE", None, on(5))
    held = prices_over_time(versions, buyer, "KETTLE")
    assert [(each.since_ns, each.price and each.price.minor) for each in held] == [
        (on(-60), 3_000), (on(-40), 2_500), (on(-20), 2_900), (begins_ns("2026-10-20"), 1_900), (begins_ns("2026-10-22"), 2_900), (on(0), 2_000),
    ]  # fmt: skip
    assert lowest_before(held, on(-30), on(0)) == 1_900
    assert lowest_before(held, on(-10), on(0)) == 2_900
    assert lowest_before(held, on(-35), on(-20)) == 2_500
    assert lowest_before(held, on(-90), on(-60)) is None
    assert prices_over_time(versions, buyer, "TOWEL")[-1].price is None
