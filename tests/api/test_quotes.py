"""Prices over HTTP: lists, taxes and promotions are set, and a basket is quoted."""

from typing import Any

import pytest

from tests.api.conftest import BERLIN, Api

SHELF = {
    "currency": "EUR",
    "prices": {"BRASS-KETTLE": [{"unit_price_minor": 2999}], "CUSHION": [{"unit_price_minor": 1000}]},
}
RATES = {"classes": {"standard": [{"rate": "0.19"}]}}
TEN = {"name": "Ten per cent", "gives": {"percent": "10"}}
BASKET = {
    "channel": "web-de",
    "lines": [{"id": "1", "sku": "BRASS-KETTLE", "quantity": 1}, {"id": "2", "sku": "CUSHION", "quantity": 3}],
    "ship_to": BERLIN,
    "shipping_minor": 490,
}


def put(api: Api, path: str, body: dict[str, Any]) -> Any:
    answer = api.put(f"/v1/{path}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def priced(api: Api) -> Api:
    """A shop with a price list, German rates and ten per cent off everything."""
    put(api, "price-lists/shelf", SHELF)
    put(api, "tax-rates/DE", RATES)
    put(api, "promotions/ten", TEN)
    return api


def quote(api: Api, **more: Any) -> Any:
    answer = api.post("/v1/quotes", {**BASKET, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_basket_is_quoted_line_by_line_with_its_discounts_and_the_tax_in_it(priced: Api) -> None:
    found = quote(priced)
    assert found["lines"] == [
        {
            "id": "1", "sku": "BRASS-KETTLE", "quantity": 1, "unit_price_minor": 2999, "price_list": "shelf",
            "goods_minor": 2999, "discounts": [{"promotion": "ten", "amount_minor": 300, "label": None}], "discount_minor": 300,
            "total_minor": 2699, "tax_minor": 431, "tax_rate": "0.19", "tax_category": "S", "tax_included": True,
        },
        {
            "id": "2", "sku": "CUSHION", "quantity": 3, "unit_price_minor": 1000, "price_list": "shelf",
            "goods_minor": 3000, "discounts": [{"promotion": "ten", "amount_minor": 300, "label": None}], "discount_minor": 300,
            "total_minor": 2700, "tax_minor": 431, "tax_rate": "0.19", "tax_category": "S", "tax_included": True,
        },
    ]  # fmt: skip
    assert (found["currency"], found["shipping"]["total_minor"], found["shipping"]["tax_minor"]) == ("EUR", 490, 78)
    sums = {name: found[f"{name}_minor"] for name in ("goods", "discount", "tax", "total")}
    assert sums == {"goods": 5_999, "discount": 600, "tax": 940, "total": 5_889}
    assert found["explain"] is None


def test_a_shops_own_price_wins_and_a_channel_says_whether_tax_is_in_it(priced: Api) -> None:
    lines = [{"id": "1", "sku": "BRASS-KETTLE", "quantity": 1, "unit_price_minor": 2000}]
    assert quote(priced, lines=lines)["lines"][0]["price_list"] is None
    channel = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR", "prices_include_tax": False}
    put(priced, "channels/web-de", channel)
    line = quote(priced, lines=lines)["lines"][0]
    assert (line["goods_minor"], line["tax_minor"], line["total_minor"]) == (2000, 342, 2142)


def test_a_quote_explains_why_a_promotion_did_or_did_not_apply(priced: Api) -> None:
    put(priced, "promotions/friends", {"name": "Friends", "when": {"voucher": True}, "gives": {"amount": 500}})
    put(priced, "promotions/big", {"name": "Big", "when": {"min_goods_minor": 100_000}, "gives": {"amount": 500}})
    assert quote(priced, explain=True)["explain"] == [
        {"promotion": "friends", "name": "Friends", "applied": False, "amount_minor": 0, "reason": "no_voucher"},
        {"promotion": "big", "name": "Big", "applied": False, "amount_minor": 0, "reason": "min_goods_minor"},
        {"promotion": "ten", "name": "Ten per cent", "applied": True, "amount_minor": 600, "reason": None},
    ]


def test_a_quote_is_of_the_time_that_is_asked_for(priced: Api) -> None:
    classes = {"standard": [{"rate": "0.175"}, {"from": "2011-01-04", "rate": "0.2"}]}
    put(priced, "tax-rates/DE", {"classes": classes})
    assert quote(priced, at="2011-01-03T23:59:59Z")["lines"][0]["tax_rate"] == "0.175"
    assert quote(priced, at="2011-01-04T00:00:00Z")["lines"][0]["tax_rate"] == "0.2"


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"channel": "web-fr"}, "unknown_channel", "/channel"),
        ({"lines": [{"id": "1", "sku": "NOPE", "quantity": 1}]}, "unknown_sku", "/lines/0/sku"),
        ({"lines": [{"id": "1", "sku": "TEA POT 2L", "quantity": 1}]}, "no_price", "/lines/0/sku"),
        ({"lines": [{"id": "1", "sku": "CUSHION", "quantity": 1}] * 2}, "malformed_request", "/lines/1/id"),
        ({"shipping_minor": -1}, "malformed_request", "/shipping_minor"),
    ],
)
def test_what_cannot_be_quoted_is_pointed_at(priced: Api, change: dict[str, Any], code: str, pointer: str) -> None:
    problem = priced.post("/v1/quotes", {**BASKET, **change}).json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("promotions/none", {"name": "None", "gives": {}}, "/gives"),
        ("promotions/late", {"name": "Late", "gives": {"amount": 1}, "when": {"to": "2026-13-01"}}, "/when/to"),
        ("tax-rates/DE", {"classes": {"standard": [{"rate": "19"}]}}, "/classes/standard/0/rate"),
        ("tax-rates/DE", {"classes": {"standard": [{"rate": "0.1"}, {"rate": "0.2"}]}}, "/classes/standard"),
        ("price-lists/bad", {"currency": "EUR", "prices": {"CUSHION": []}}, "/prices/CUSHION"),
        ("price-lists/bad", {**SHELF, "valid_to": "2026-02-30"}, "/valid_to"),
    ],
)
def test_what_cannot_be_kept_is_pointed_at(api: Api, path: str, body: dict[str, Any], pointer: str) -> None:
    problem = api.put(f"/v1/{path}", body).json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("malformed_request", pointer)


def test_a_country_is_two_letters(api: Api) -> None:
    assert api.put("/v1/tax-rates/germany", RATES).json()["code"] == "malformed_request"
    assert api.get("/v1/tax-rates/FR").json()["code"] == "not_found"


def test_prices_are_there_after_a_restart_and_in_the_document_that_sets_them_again(priced: Api) -> None:
    before = quote(priced)
    priced.restart()
    assert quote(priced) == before
    document = priced.get("/v1/configuration").json()
    assert document["price_lists"] == {"shelf": SHELF}
    assert document["tax_rates"] == {"DE": RATES}
    assert document["promotions"] == {"ten": TEN}
    assert [each["id"] for each in priced.get("/v1/promotions").json()["items"]] == ["ten"]
    assert priced.get("/v1/tax-rates").json()["items"][0]["country"] == "DE"


def test_a_quote_says_what_vouchers_do(priced: Api) -> None:
    put(priced, "promotions/friends", {"name": "Friends", "when": {"voucher": True}, "gives": {"amount": 500}})
    put(priced, "vouchers/FRIEND", {"kind": "promotion", "promotion": "friends"})
    put(priced, "vouchers/GIFT", {"kind": "value", "balance_minor": 1000, "currency": "EUR"})
    found = quote(priced, vouchers=["FRIEND", "GIFT", "NOPE"])
    assert found["vouchers"] == [
        {"code": "FRIEND", "applied_minor": 500, "refused": None},
        {"code": "GIFT", "applied_minor": 1000, "refused": None},
        {"code": "NOPE", "applied_minor": 0, "refused": "unknown"},
    ]
    assert found["to_pay_minor"] == found["total_minor"] - 1_000
    assert priced.get("/v1/vouchers/GIFT").json()["code"] == "GIFT"


def test_the_price_of_an_item_and_the_lowest_before_it_come_from_the_journal(api: Api) -> None:
    def set_to(minor: int) -> None:
        body = {"currency": "EUR", "prices": {"CUSHION": [{"unit_price_minor": minor}]}}
        assert api.put("/v1/price-lists/cushions", body).status_code == 200

    def asked(**query: Any) -> Any:
        words = "".join(f"&{name}={value}" for name, value in query.items())
        return api.get(f"/v1/items/CUSHION/price?channel=web-de{words}").json()

    assert asked()["code"] == "no_price"
    for minor in (1_500, 1_200, 1_800, 1_400):
        set_to(minor)
    answer = asked()
    assert (answer["unit_price_minor"], answer["price_list"], answer["days"]) == (1_400, "cushions", 30)
    assert answer["lowest_before_minor"] == 1_200
    api.restart()
    assert asked() == answer
    assert asked(at="2020-01-01T00:00:00Z")["code"] == "no_price"
    assert api.get("/v1/items/CUSHION/price?channel=nowhere").json()["code"] == "unknown_channel"
    assert api.get("/v1/items/NOTHING/price?channel=web-de").json()["code"] == "not_found"
