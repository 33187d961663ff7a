"""Order numbers and SKUs as shops write them: `#1001`, `1001/2`, `M6/40`, in addresses too."""

from urllib.parse import quote

import pytest

from tests.api.conftest import Api

NUMBERS = ["#1001", "1001/2", "#1001/2", "2026/11/29-7", "a//b", "W-1"]
SKUS = ["M6/40", "M6/40 A2", "50%/50%", "a/b/c", "M6~1/x", "#7", "M6?40"]


def sent(text: str) -> str:
    return quote(text, safe="")


@pytest.mark.parametrize("number", NUMBERS)
def test_an_order_is_found_and_changed_by_the_number_that_the_shop_gave_it(api: Api, number: str) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 9)
    assert api.order(number, ("BRASS-KETTLE", 2))["number"] == number
    assert api.read(f"/v1/orders/{sent(number)}")["number"] == number
    assert api.read(f"/v1/orders/{sent(number)}/history")["items"][0]["kind"] == "order_placed"
    assert [order["number"] for order in api.read("/v1/orders?state=open")["items"]] == [number]
    assert api.read(f"/v1/journal?order={sent(number)}")["items"][0]["document"] == {"type": "order", "id": number}
    cancelled = api.done(f"/v1/orders/{sent(number)}/cancel", {"reason": "second thoughts"}, "key-1")
    assert cancelled["state"] == "cancelled"
    again = api.post(f"/v1/orders/{sent(number)}/cancel", {"reason": "second thoughts"}, "key-1")
    assert again.headers["idempotent-replayed"] == "true"
    api.restart()
    assert api.read(f"/v1/orders/{sent(number)}")["state"] == "cancelled"
    assert api.get(f"/v1/orders/{sent(number + 'x')}").status_code == 404


@pytest.mark.parametrize("sku", SKUS)
def test_a_sku_may_have_the_separators_of_article_numbers(api: Api, sku: str) -> None:
    assert api.put(f"/v1/items/{sent(sku)}", {"name": "Bolt"}).status_code == 200
    assert api.read(f"/v1/items/{sent(sku)}")["sku"] == sku
    assert api.put(f"/v1/nodes/leipzig/items/{sent(sku)}", {"bin": "A-7"}).status_code == 200
    api.receive(sku, "leipzig", 4)
    assert api.read(f"/v1/stock/{sent(sku)}")["on_hand"] == 4
    assert api.read(f"/v1/stock/{sent(sku)}?as_of={api.node.state.seq}")["on_hand"] == 4
    assert api.read(f"/v1/journal?sku={sent(sku)}")["items"][0]["postings"][0]["sku"] == sku
    assert api.order("W-1", (sku, 1))["state"] == "open"
    assert api.get(f"/v1/items/{sent(sku)}/price?channel=web-de").json()["code"] == "no_price"


def test_an_address_means_what_was_sent_not_what_it_reads_like_when_decoded(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 9)
    api.order("1001", ("BRASS-KETTLE", 1))
    assert api.post("/v1/orders/1001%2Fcancel", {"reason": "lost"}).status_code == 405, "it is the order 1001/cancel"
    assert api.read("/v1/orders/1001")["state"] == "open"
    assert api.get("/v1/orders/1001%2fhistory").status_code == 404
    assert api.get("/v1/items/%2FKETTLE").status_code == 400


@pytest.mark.parametrize("number", ["/1001", "1001/", "/", "10 01", "1001?", "", "é", "1" * 65, "#1001\n"])
def test_a_number_that_addresses_could_lose_is_refused(api: Api, number: str) -> None:
    body = {"number": number, "channel": "web-de", "lines": [{"id": "1", "sku": "CUSHION", "quantity": 1}]}
    api.refused("/v1/orders", body, 400, "malformed_request", "/number")


def test_a_mistake_in_an_item_with_a_slash_is_pointed_at(api: Api) -> None:
    assert api.put("/v1/items/M6%2F40", {"name": "Bolt"}).status_code == 200
    answer = api.put("/v1/nodes/leipzig/items/M6%2F40", {"stocked_since": "2026-02-30"})
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/stocked_since"]
    document = {"node_items": {"leipzig": {"M6/40": {"stocked_since": "2026-02-30"}}}}
    api.refused("/v1/configuration", document, 400, "malformed_request", "/node_items/leipzig/M6~140/stocked_since")
    prices = {"M6/40": [{"unit_price_minor": 1, "from_quantity": 2}, {"unit_price_minor": 2}]}
    lists = {"price_lists": {"retail": {"currency": "EUR", "prices": prices}}}
    api.refused("/v1/configuration", lists, 400, "malformed_request", "/price_lists/retail/prices/M6~140")


def test_a_marketplace_states_orders_by_its_own_numbers(api: Api) -> None:
    market = {"name": "Market", "kind": "marketplace", "country": "DE", "currency": "EUR"}
    assert api.put("/v1/channels/market", market).status_code == 200
    api.receive("BRASS-KETTLE", "leipzig", 3)
    body = {"stated_at": "2026-11-23T12:00:00Z", "lines": [{"id": "1", "sku": "BRASS-KETTLE", "quantity": 1}]}
    assert api.put("/v1/channels/market/orders/%23DE%2F77", body).status_code == 200
    assert api.read("/v1/orders/%23DE%2F77")["channel"] == "market"
