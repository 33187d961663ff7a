"""The money books over HTTP: what is booked when, under which document, and how an account stands."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_money import placed, shop

__all__ = ["shop"]


def account(api: Api, number: str = "W-1") -> Any:
    answer = api.get(f"/v1/orders/{number}/account")
    assert answer.status_code == 200, answer.text
    return answer.json()


def booked(entry: Any) -> list[tuple[str, str, int]]:
    return [(each["source_account"], each["target_account"], each["amount_minor"]) for each in entry["postings"]]


def ship(api: Api, order: Any) -> None:
    for fulfilment in order["fulfilments"]:
        api.done(f"/v1/fulfilments/{fulfilment['id']}/ship")


def accounts(api: Api) -> dict[str, int]:
    """The trial balance in euros, without what is zero."""
    answer = api.get("/v1/ledger/money").json()
    assert answer["balanced"] is True
    found: dict[str, int] = answer["currencies"][0]["accounts"]
    assert sum(found.values()) == 0
    return {name: amount for name, amount in found.items() if amount}


def documents(api: Api, number: str = "W-1") -> list[tuple[str, str, int]]:
    found = api.get(f"/v1/orders/{number}").json()["money"]["documents"]
    return [(each["type"], each["id"][-6:], each["total_minor"]) for each in found]


def give_back(api: Api, line: str, quantity: int, **more: Any) -> Any:
    made = api.post("/v1/orders/W-1/returns", {"lines": [{"id": line, "quantity": quantity}], **more}).json()
    lines = [{"id": line, "quantity": quantity}]
    api.done(f"/v1/returns/{made['id']}/receive", {"node": "leipzig", "lines": lines})
    return api.done(f"/v1/returns/{made['id']}/settle")


def test_money_that_comes_before_the_goods_is_a_prepayment_until_they_leave(shop: Api) -> None:
    order = placed(shop)
    assert [(entry["document"]["id"], booked(entry), entry["balance_minor"]) for entry in account(shop)["entries"]] == [
        ("W-1/p-1", [("prepayment", "clearing:card", 2_640)], -2_640),
        ("W-1/p-2", [("prepayment", "clearing:paypal", 1_000)], -3_640),
    ]
    ship(shop, order)
    invoiced = account(shop)["entries"][-1]
    assert invoiced["document"]["type"] == "invoice"
    assert booked(invoiced) == [
        ("revenue:DE:S:0.19", "prepayment", 2_647),
        ("tax_payable:DE:S:0.19", "prepayment", 581),
        ("revenue:DE:S:0.19", "discounts:DE:S:0.19", 294),
        ("shipping:DE:S:0.19", "prepayment", 412),
    ]
    assert (invoiced["balance_minor"], account(shop)["balance_minor"]) == (0, 0)
    assert documents(shop) == [("order_confirmation", "000001", 3_640), ("invoice", "000001", 3_640)]


def test_goods_that_leave_before_the_money_comes_are_a_receivable(shop: Api) -> None:
    ship(shop, placed(shop, payments=[]))
    assert accounts(shop)["receivable"] == 3_640
    body = {"id": "p-1", "method": "invoice", "amount_minor": 3_640, "state": "captured"}
    assert shop.post("/v1/orders/W-1/payments", body).status_code == 201
    assert booked(account(shop)["entries"][-1]) == [("receivable", "clearing:invoice", 3_640)]
    assert "receivable" not in accounts(shop)


def test_each_shipment_has_its_invoice_and_shipping_is_on_the_first(shop: Api) -> None:
    order = placed(shop, payments=[])
    fulfilment = order["fulfilments"][0]["id"]
    shop.post(f"/v1/fulfilments/{fulfilment}/split", {"lines": [{"line": "1", "quantity": 1}]})
    ship(shop, shop.get("/v1/orders/W-1").json())
    assert [(kind, number) for kind, number, _ in documents(shop)] == [
        ("order_confirmation", "000001"), ("invoice", "000001"), ("invoice", "000002"),
    ]  # fmt: skip
    assert sum(minor for kind, _, minor in documents(shop) if kind == "invoice") == 3_640
    assert [any(source.startswith("shipping") for source, _, _ in booked(e)) for e in account(shop)["entries"]] == [
        True, False,
    ]  # fmt: skip


def test_what_comes_back_gets_a_credit_note_and_its_money_waits_to_be_paid_out(shop: Api) -> None:
    ship(shop, placed(shop))
    assert give_back(shop, "1", 2, refund_shipping=True)["refund_minor"] == 2_290
    assert documents(shop)[-1] == ("credit_note", "000001", 2_290)
    note = account(shop)["entries"][-3]
    assert sorted(booked(note)) == [
        ("discounts:DE:S:0.19", "revenue:DE:S:0.19", 168),
        ("prepayment", "revenue:DE:S:0.19", 1_512),
        ("prepayment", "shipping:DE:S:0.19", 412),
        ("prepayment", "tax_payable:DE:S:0.19", 366),
    ]
    assert accounts(shop)["refunds_payable"] == -2_290
    paid_out = shop.done("/v1/orders/W-1/payments/p-2/pay-out", {"all": True})
    assert [payment["paid_out_minor"] for payment in paid_out["money"]["payments"]] == [0, 1_000]
    assert accounts(shop)["refunds_payable"] == -1_290
    assert "clearing:paypal" not in accounts(shop)
    again = shop.post("/v1/orders/W-1/payments/p-2/pay-out", {}).json()
    assert again["code"] == "invalid_transition"
    too_much = shop.post("/v1/orders/W-1/payments/p-1/pay-out", {"amount_minor": 1_291}).json()
    assert (too_much["code"], too_much["errors"][0]["pointer"]) == ("exceeds_owed", "/amount_minor")


def test_units_that_never_left_need_no_credit_note(shop: Api) -> None:
    placed(shop)
    shop.done("/v1/orders/W-1/cancel", {"reason": "changed their mind"})
    assert [kind for kind, _, _ in documents(shop)] == ["order_confirmation"]
    assert accounts(shop) == {"clearing:card": 2_640, "clearing:paypal": 1_000, "refunds_payable": -3_640}
    assert account(shop)["balance_minor"] == 0


def test_everything_that_comes_back_leaves_no_cent_of_revenue_or_tax(shop: Api) -> None:
    ship(shop, placed(shop))
    for line, quantity in (("1", 1), ("2", 1), ("1", 1), ("1", 1)):
        give_back(shop, line, quantity, refund_shipping=True)
    assert accounts(shop) == {"clearing:card": 2_640, "clearing:paypal": 1_000, "refunds_payable": -3_640}
    assert sum(minor for kind, _, minor in documents(shop) if kind == "credit_note") == 3_640


def test_an_appeasement_is_a_credit_note_that_later_credit_notes_take_up(shop: Api) -> None:
    ship(shop, placed(shop))
    shop.post("/v1/orders/W-1/appeasements", {"amount_minor": 1_000, "reason": "scratched"})
    assert documents(shop)[-1] == ("credit_note", "000001", 1_000)
    assert accounts(shop)["appeasement"] == 1_000
    give_back(shop, "1", 3, refund_shipping=True)
    assert accounts(shop)["appeasement"] == 450
    give_back(shop, "2", 1)
    assert "appeasement" not in accounts(shop)
    assert sum(minor for kind, _, minor in documents(shop) if kind == "credit_note") == 3_640


def test_what_was_written_off_and_comes_after_all_is_written_back(shop: Api) -> None:
    order = placed(shop, payments=[])
    nothing = shop.post("/v1/orders/W-1/write-offs", {"reason": "moved"}).json()
    assert nothing["code"] == "invalid_transition"
    ship(shop, order)
    too_much = shop.post("/v1/orders/W-1/write-offs", {"reason": "moved", "amount_minor": 3_641}).json()
    assert (too_much["code"], too_much["errors"][0]["pointer"]) == ("exceeds_owed", "/amount_minor")
    money = shop.post("/v1/orders/W-1/write-offs", {"reason": "moved away"}).json()["money"]
    assert (money["balance_minor"], money["written_off_minor"], money["due_minor"]) == (0, 3_640, 3_640)
    body = {"id": "p-1", "method": "transfer", "amount_minor": 2_000, "state": "captured"}
    money = shop.post("/v1/orders/W-1/payments", body).json()["money"]
    assert (money["balance_minor"], money["written_off_minor"], money["paid_minor"]) == (0, 1_640, 2_000)
    assert accounts(shop)["write_off"] == 1_640


def test_a_voucher_of_a_value_is_owed_until_it_is_used(shop: Api) -> None:
    voucher = {"kind": "value", "balance_minor": 5_000, "currency": "EUR"}
    assert shop.put("/v1/vouchers/GIFT", voucher).status_code == 200
    assert accounts(shop) == {"voucher_liability": -5_000, "vouchers_issued": 5_000}
    ship(shop, placed(shop, payments=[], vouchers=["GIFT"]))
    assert accounts(shop)["voucher_liability"] == -1_360
    give_back(shop, "2", 1)
    assert accounts(shop)["voucher_liability"] == -1_810
    assert "refunds_payable" not in accounts(shop)
    shop.put("/v1/vouchers/GIFT", {**voucher, "balance_minor": 4_000})
    assert accounts(shop)["voucher_liability"] == -810


def test_prices_in_another_currency_and_country_have_accounts_of_their_own(shop: Api) -> None:
    shop.put("/v1/tax-rates/CH", {"classes": {"standard": [{"rate": "0.081"}]}})
    ship(shop, placed(shop, payments=[], ship_to={"country": "CH", "postal_code": "8001"}))
    assert {name for name in accounts(shop) if name.startswith(("revenue", "tax"))} == {
        "revenue:CH:S:0.081", "tax_payable:CH:S:0.081",
    }  # fmt: skip


def test_the_journal_of_money_is_filtered_and_paged(shop: Api) -> None:
    ship(shop, placed(shop))
    placed(shop, number="W-2")
    whole = shop.get("/v1/journal/money").json()["items"]
    assert [entry["order"] for entry in whole] == ["W-2", "W-2", "W-1", "W-1", "W-1"]
    assert [entry["seq"] for entry in whole] == sorted((entry["seq"] for entry in whole), reverse=True)
    first = shop.get("/v1/journal/money?limit=3").json()
    rest = shop.get(f"/v1/journal/money?limit=3&cursor={first['next_cursor']}").json()
    assert first["items"] + rest["items"] == whole
    of_one = shop.get("/v1/journal/money?order=W-1").json()["items"]
    assert of_one == [entry for entry in whole if entry["order"] == "W-1"]
    invoice = of_one[0]["document"]["id"]
    assert shop.get(f"/v1/journal/money?document={invoice}").json()["items"] == of_one[:1]
    assert shop.get("/v1/journal/money?account=revenue").json()["items"] == of_one[:1]
    assert shop.get("/v1/journal/money?account=rev").status_code == 400
    assert shop.get("/v1/journal/money?to=2020-01-01T00:00:00Z").json() == {"items": [], "next_cursor": None}


def test_the_books_are_the_same_after_a_restart(shop: Api) -> None:
    ship(shop, placed(shop))
    give_back(shop, "1", 1)
    before = [shop.get(path).json() for path in ("/v1/ledger/money", "/v1/orders/W-1/account", "/v1/journal/money")]
    shop.restart()
    after = [shop.get(path).json() for path in ("/v1/ledger/money", "/v1/orders/W-1/account", "/v1/journal/money")]
    assert after == before


def test_only_days_that_are_over_are_locked_and_a_lock_stays(shop: Api) -> None:
    assert shop.get("/v1/ledger/money").json()["locked_through"] is None
    answer = shop.put("/v1/ledger/money/lock", {"through": "2025-12-31"})
    assert (answer.status_code, answer.json()) == (200, {"locked_through": "2025-12-31"})
    for through in ("2025-12-31", "2025-06-30", "2199-01-01"):
        refused = shop.put("/v1/ledger/money/lock", {"through": through}).json()
        assert (refused["code"], refused["errors"][0]["pointer"]) == ("invalid_transition", "/through")
    assert shop.put("/v1/ledger/money/lock", {"through": "2025-02-30"}).json()["code"] == "malformed_request"
    assert shop.get("/v1/ledger/money").json()["locked_through"] == "2025-12-31"


@pytest.mark.parametrize("number", ["W-9", "no%20id"])
def test_an_order_that_is_not_there_has_no_account(shop: Api, number: str) -> None:
    assert shop.get(f"/v1/orders/{number}/account").json()["code"] == "not_found"


def test_an_order_without_prices_has_an_empty_account(shop: Api) -> None:
    lines = [{"id": "1", "sku": "CUSHION", "quantity": 1}]
    assert shop.post("/v1/orders", {"number": "W-3", "channel": "web-de", "lines": lines}).status_code == 201
    assert account(shop, "W-3") == {"order": "W-3", "currency": None, "balance_minor": 0, "entries": []}
    assert shop.get("/v1/ledger/money").json()["currencies"] == []
