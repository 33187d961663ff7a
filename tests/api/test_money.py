"""What orders cost, how they are paid, and what comes back, over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import Api

LINES = [
    {"id": "1", "sku": "BRASS-KETTLE", "quantity": 3, "unit_price_minor": 1000},
    {"id": "2", "sku": "CUSHION", "quantity": 1, "unit_price_minor": 500},
]
ORDER = {
    "number": "W-1",
    "channel": "web-de",
    "lines": LINES,
    "shipping_minor": 490,
    "discounts": [{"label": "WELCOME", "amount_minor": 350}],
    "payments": [
        {"id": "p-1", "method": "card", "amount_minor": 2640, "state": "captured"},
        {"id": "p-2", "method": "paypal", "amount_minor": 1000, "state": "captured"},
    ],
}


@pytest.fixture
def shop(api: Api) -> Api:
    """Kettles and cushions in Leipzig, and German rates."""
    api.receive("BRASS-KETTLE", "leipzig", 10)
    api.receive("CUSHION", "leipzig", 10)
    assert api.put("/v1/tax-rates/DE", {"classes": {"standard": [{"rate": "0.19"}]}}).status_code == 200
    return api


def placed(api: Api, **more: Any) -> Any:
    answer = api.post("/v1/orders", {**ORDER, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


def shipped(api: Api) -> Any:
    made = placed(api)
    return api.done(f"/v1/fulfilments/{made['fulfilments'][0]['id']}/ship")


def test_an_order_answers_with_the_figures_of_a_quote_frozen(shop: Api) -> None:
    asked = {name: ORDER[name] for name in ("channel", "lines", "shipping_minor", "discounts")}
    quoted = shop.post("/v1/quotes", asked).json()
    money = placed(shop)["money"]
    for name in ("currency", "goods_minor", "discount_minor", "tax_minor", "total_minor"):
        assert money[name] == quoted[name]
    assert (money["total_minor"], money["due_minor"], money["paid_minor"]) == (3_640, 3_640, 3_640)
    assert [(line["id"], line["total_minor"]) for line in money["lines"]] == [("1", 2_700), ("2", 450)]
    shop.restart()
    assert shop.get("/v1/orders/W-1").json()["money"] == money


def test_partial_returns_are_settled_over_the_payments_to_the_cent(shop: Api) -> None:
    shipped(shop)
    made = shop.post("/v1/orders/W-1/returns", {"lines": [{"id": "1", "quantity": 2}], "refund_shipping": True}).json()
    assert (made["refund_minor"], made["lines"][0]["refund_minor"]) == (1_800 + 490, 1_800)
    nothing = shop.post("/v1/returns/ret-1/settle", {})
    assert nothing.json()["code"] == "invalid_transition"
    lines = [{"id": "1", "quantity": 1}, {"id": "1", "quantity": 1, "disposition": "scrap"}]
    received = shop.done("/v1/returns/ret-1/receive", {"node": "leipzig", "lines": lines})
    assert "settle" in received["allowed"]
    assert shop.done("/v1/returns/ret-1/settle") == {
        "refund_minor": 2_290,
        "clawed_back_minor": 0,
        "exchange_minor": 0,
        "shipping_minor": 490,
        "lines": [{"id": "1", "quantity": 2, "refund_minor": 1_800}],
        "refunds": [{"payment": "p-2", "amount_minor": 1_000}, {"payment": "p-1", "amount_minor": 1_290}],
    }
    settled = shop.get("/v1/returns/ret-1").json()
    assert (settled["refund_minor"], settled["lines"][0]["settled"], settled["allowed"]) == (0, 2, [])
    money = shop.get("/v1/orders/W-1").json()["money"]
    assert (money["credited_minor"], money["due_minor"], money["paid_minor"]) == (2_290, 1_350, 1_350)


def test_a_settlement_is_given_once_for_a_key(shop: Api) -> None:
    shipped(shop)
    shop.done("/v1/orders/W-1/returns", {"lines": [{"id": "2", "quantity": 1}]})
    shop.done("/v1/returns/ret-1/receive", {"node": "leipzig", "lines": [{"id": "2", "quantity": 1}]})
    first = shop.post("/v1/returns/ret-1/settle", {}, key="k-1")
    again = shop.post("/v1/returns/ret-1/settle", {}, key="k-1")
    assert first.json()["refund_minor"] == 450
    assert again.content == first.content


def test_a_payment_is_noted_captured_and_voided(shop: Api) -> None:
    placed(shop, payments=[])
    body = {"id": "p-1", "method": "card", "amount_minor": 3640, "state": "authorised"}
    assert shop.post("/v1/orders/W-1/payments", body).status_code == 201
    captured = shop.done("/v1/orders/W-1/payments/p-1/capture", {"amount_minor": 1500})
    assert captured["money"]["paid_minor"] == 1_500
    problem = shop.post("/v1/orders/W-1/payments/p-1/capture", {"amount_minor": 3000}).json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == ("exceeds_authorised", "/amount_minor")
    assert shop.done("/v1/orders/W-1/payments/p-1/void")["money"]["payments"] == [
        {
            "id": "p-1", "method": "card", "amount_minor": 1500, "state": "captured",
            "captured_minor": 1500, "refunded_minor": 0, "paid_out_minor": 0, "moved_minor": 0,
        }
    ]  # fmt: skip
    assert shop.post("/v1/orders/W-1/payments/nope/capture", {}).json()["code"] == "not_found"
    kinds = [entry["kind"] for entry in shop.get("/v1/orders/W-1/history").json()["items"]]
    assert kinds == [
        "order_placed", "order_priced", "document_issued", "payment_added", "payment_captured", "money_booked", "payment_voided",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code", "pointer"),
    [
        ({"lines": [{"id": "1", "sku": "CUSHION", "quantity": 1}]}, "no_price", "/lines/0/sku"),
        ({"discounts": [{"label": "x", "amount_minor": 1, "lines": ["9"]}]}, "unknown_line", "/discounts/0/lines"),
        ({"shipping_minor": 0}, "exceeds_authorised", "/payments"),
    ],
)
def test_money_that_cannot_be_is_pointed_at(shop: Api, change: dict[str, Any], code: str, pointer: str) -> None:
    problem = shop.post("/v1/orders", {**ORDER, **change}).json()
    assert (problem["code"], problem["errors"][0]["pointer"]) == (code, pointer)


def test_what_is_clawed_back_is_foreseen_and_told(shop: Api) -> None:
    gives = {"gives": {"amount": 700}, "when": {"min_goods_minor": 3_000}, "on_partial_return": "claw_back"}
    assert shop.put("/v1/promotions/seven", {"name": "Seven off", **gives}).status_code == 200
    shop.done(f"/v1/fulfilments/{placed(shop, discounts=[], payments=[])['fulfilments'][0]['id']}/ship")
    made = shop.post("/v1/orders/W-1/returns", {"lines": [{"id": "1", "quantity": 1}]}).json()
    assert (made["refund_minor"], made["lines"][0]["refund_minor"]) == (300, 800)
    shop.done("/v1/returns/ret-1/receive", {"node": "leipzig", "lines": [{"id": "1", "quantity": 1}]})
    settled = shop.done("/v1/returns/ret-1/settle")
    assert (settled["refund_minor"], settled["clawed_back_minor"]) == (300, 500)
    money = shop.get("/v1/orders/W-1").json()["money"]
    assert (money["total_minor"], money["clawed_back_minor"], money["due_minor"]) == (3_790, 500, 2_990)


def test_a_customer_is_known_by_the_shops_own_number(shop: Api) -> None:
    promotion = {"name": "Once", "gives": {"amount": 100}, "limits": {"uses_per_customer": 1}}
    assert shop.put("/v1/promotions/once", promotion).status_code == 200

    def quoted(reference: str | None) -> tuple[int, str | None]:
        who = {} if reference is None else {"customer": {"reference": reference}}
        answer = shop.post("/v1/quotes", {"channel": "web-de", "lines": LINES, "explain": True, **who}).json()
        return answer["discount_minor"], answer["explain"][0]["reason"]

    assert (quoted("c-17"), quoted(None)) == ((100, None), (0, "no_customer"))
    ordered = {"discounts": [], "payments": [], "customer": {"reference": "c-17"}}
    assert placed(shop, **ordered)["money"]["discount_minor"] == 100
    assert (quoted("c-17"), quoted("c-18")) == ((0, "used_up_by_customer"), (100, None))
    assert placed(shop, number="W-2", **ordered)["money"]["discount_minor"] == 0
