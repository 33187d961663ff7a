"""Orders over HTTP: placing, reading, cancelling, history, and the people in them."""

from typing import Any

import pytest

from tests.api.conftest import BERLIN, ERIKA, INVALIDENSTRASSE, Api, order_lines


def reserve(api: Api, *lines: tuple[str, int], **more: Any) -> Any:
    wanted = [{"sku": sku, "quantity": quantity} for sku, quantity in lines]
    return api.done("/v1/reservations", {"channel": "web-de", "lines": wanted, "ship_to": BERLIN, **more})


def test_an_order_takes_its_reservation_where_it_lies_and_frees_the_rest(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    held = reserve(api, ("BRASS-KETTLE", 5))
    answer = api.post(
        "/v1/orders",
        {
            "number": "W-1001",
            "channel": "web-de",
            "reservation": held["id"],
            "lines": [{"id": "a", "sku": "BRASS-KETTLE", "quantity": 3, "unit_price_minor": 4995}],
            "placed_at": "2026-11-23T14:32:00+01:00",
        },
    )
    assert answer.status_code == 201
    order = answer.json()
    assert (order["number"], order["state"], order["placed_at"]) == ("W-1001", "open", "2026-11-23T13:32:00.000000Z")
    assert order["lines"][0]["allocated"] == 3
    assert order["fulfilments"][0]["lines"] == [{"line": "a", "sku": "BRASS-KETTLE", "quantity": 3}]
    there = api.stock("BRASS-KETTLE", "leipzig")
    assert (there["available"], there["reserved"], there["allocated"]) == (7, 0, 3)
    assert api.read(f"/v1/reservations/{held['id']}")["state"] == "confirmed"


def test_an_order_is_sourced_on_the_spot_near_its_customer(api: Api) -> None:
    api.receive("BRASS-KETTLE", "krakow", 10)
    api.receive("BRASS-KETTLE", "berlin", 10)
    assert api.order("W-1", ("BRASS-KETTLE", 2))["fulfilments"][0]["node"] == "berlin"


def test_lines_of_one_sku_are_all_served_or_none(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    api.receive("TEA POT 2L", "leipzig", 5)
    lines = order_lines(("BRASS-KETTLE", 3), ("TEA POT 2L", 1), ("BRASS-KETTLE", 3))
    problem = api.refused(
        "/v1/orders", {"number": "W-1", "channel": "web-de", "lines": lines}, 409, "insufficient_stock"
    )
    assert problem["lines"] == [{"sku": "BRASS-KETTLE", "requested": 6, "available": 5}]
    assert api.get("/v1/orders/W-1").status_code == 404


def test_a_backorder_is_filled_by_the_next_receipt_oldest_first(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 1)
    first = api.order("W-1", ("CUSHION", 3))
    assert (first["state"], first["lines"][0]["allocated"], first["lines"][0]["backordered"]) == ("backordered", 1, 2)
    api.order("W-2", ("CUSHION", 2))
    api.receive("CUSHION", "berlin", 3)
    first, second = api.read("/v1/orders/W-1"), api.read("/v1/orders/W-2")
    assert (first["state"], first["lines"][0]["allocated"]) == ("open", 3)
    assert [fulfilment["node"] for fulfilment in first["fulfilments"]] == ["leipzig", "berlin"]
    assert (second["state"], second["lines"][0]["backordered"]) == ("backordered", 1)
    assert api.stock("CUSHION", "berlin")["available"] == 0


def test_a_number_is_taken_once(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 9)
    api.order("W-1", ("CUSHION", 1))
    body = {"number": "W-1", "channel": "web-de", "lines": order_lines(("CUSHION", 1)), "customer": ERIKA}
    api.refused("/v1/orders", body, 409, "order_number_taken", "/number")


def test_more_than_was_reserved_is_refused(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    held = reserve(api, ("BRASS-KETTLE", 2))
    body = {"number": "W-1", "channel": "web-de", "reservation": held["id"], "lines": order_lines(("BRASS-KETTLE", 3))}
    problem = api.refused("/v1/orders", body, 409, "exceeds_reservation")
    assert problem["lines"] == [{"sku": "BRASS-KETTLE", "requested": 3, "available": 2}]


def test_an_ended_reservation_serves_no_order(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    held = reserve(api, ("BRASS-KETTLE", 2))
    api.done(f"/v1/reservations/{held['id']}/release", {})
    body = {"number": "W-1", "channel": "web-de", "reservation": held["id"], "lines": order_lines(("BRASS-KETTLE", 1))}
    api.refused("/v1/orders", body, 409, "reservation_not_active")


def test_an_expired_reservation_is_refused_unless_the_order_may_be_sourced_again(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 3)
    held = reserve(api, ("BRASS-KETTLE", 2), ttl_seconds=60)
    api.later(61)
    body = {"number": "W-1", "channel": "web-de", "reservation": held["id"], "lines": order_lines(("BRASS-KETTLE", 3))}
    assert api.post("/v1/orders", body).json()["code"] == "reservation_expired"
    order = api.done("/v1/orders", {**body, "if_expired": "source_again"})
    assert (order["lines"][0]["allocated"], order["reservation"]) == (3, None)


@pytest.mark.parametrize("reservation", ["r-999", "999", "r-0", "r-x", "", "r-" + "9" * 40])
def test_an_unknown_reservation_is_named(api: Api, reservation: str) -> None:
    body = {"number": "W-1", "channel": "web-de", "reservation": reservation, "lines": order_lines(("CUSHION", 1))}
    api.refused("/v1/orders", body, 422, "unknown_reservation", "/reservation")


ONE = order_lines(("CUSHION", 1))
BAD_ORDERS = [
    ({"number": "W 1", "channel": "web-de", "lines": ONE}, "malformed_request", "/number"),
    ({"number": "W-1", "channel": "web-de", "lines": []}, "malformed_request", "/lines"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE + ONE}, "malformed_request", "/lines/1/id"),
    ({"number": "W-1", "channel": "web-de", "lines": [{**ONE[0], "quantity": 1.0}]}, "malformed_request", "/lines/0/quantity"),
    ({"number": "W-1", "channel": "web-de", "lines": [{**ONE[0], "unit_price_minor": -1}]}, "malformed_request", "/lines/0/unit_price_minor"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE, "ship_to": {"latitude": 52.5}}, "malformed_request", "/ship_to"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE, "ship_to": {"latitude": 152.5, "longitude": 1}}, "malformed_request", "/ship_to/latitude"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE, "customer": {"e_mail": "x"}}, "malformed_request", "/customer/e_mail"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE, "delivery": "drone"}, "malformed_request", "/delivery"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE, "placed_at": "2026-11-23T14:32:00"}, "malformed_request", "/placed_at"),
    ({"number": "W-1", "channel": "web-de", "lines": ONE, "placed_at": "9999-11-23T14:32:00Z"}, "malformed_request", "/placed_at"),
    ({"number": "W-1", "channel": "nowhere", "lines": ONE}, "unknown_channel", "/channel"),
    ({"number": "W-1", "channel": "web-de", "lines": order_lines(("GHOST", 1))}, "unknown_sku", "/lines/0/sku"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code", "pointer"), BAD_ORDERS)
def test_a_bad_order_is_named_and_nothing_is_changed(api: Api, body: Any, code: str, pointer: str) -> None:
    api.refused("/v1/orders", body, 400 if code == "malformed_request" else 422, code, pointer)


def test_the_people_in_an_order_are_read_back_and_stand_nowhere_in_the_journal(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 9)
    billing = {"name": "Mustermann Verwaltungs-GmbH", "street": "Hinterhof 9", "city": "Potsdam", "country": "DE"}
    body = {"number": "W-1", "channel": "web-de", "lines": ONE, "customer": ERIKA, "billing": billing}
    answer = api.post("/v1/orders", {**body, "ship_to": INVALIDENSTRASSE}, key="checkout-Erika-1")
    assert "Erika" not in answer.text
    order = api.read("/v1/orders/W-1")
    assert order["customer"] == ERIKA
    assert order["ship_to"] == INVALIDENSTRASSE
    assert order["billing"] == billing
    assert order["erased"] is False
    api.restart()
    content = api.journal_bytes()
    assert b"W-1" in content
    for text in (
        "Erika",
        "Mustermann",
        "erika@example.org",
        "901820",
        "c-17",
        "Invaliden",
        "10115",
        "52.53",
        "Hinterhof",
    ):
        assert text.encode() not in content
    assert api.read("/v1/orders/W-1")["customer"] == ERIKA


def test_an_erased_party_leaves_the_order_without_people(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 9)
    api.order("W-1", ("CUSHION", 1), customer=ERIKA)
    before = api.get("/v1/orders/W-1")
    api.node.parties.destroy(api.node.state.orders.open["W-1"].party or "", ("contact", "billing"), 1)
    for _ in range(2):
        order = api.read("/v1/orders/W-1")
        assert (order["customer"], order["ship_to"], order["billing"], order["erased"]) == (None, None, None, True)
        assert order["lines"][0]["allocated"] == 1
        api.restart()
    assert api.get("/v1/orders/W-1").headers["etag"] != before.headers["etag"]


def test_an_order_without_people_is_not_called_erased(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 9)
    api.done("/v1/orders", {"number": "W-1", "channel": "web-de", "lines": ONE})
    order = api.read("/v1/orders/W-1")
    assert (order["customer"], order["ship_to"], order["erased"]) == (None, None, False)


def test_an_order_is_answered_again_under_its_key_after_a_restart(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 9)
    body = {"number": "W-1", "channel": "web-de", "lines": ONE, "customer": ERIKA, "ship_to": INVALIDENSTRASSE}
    first = api.post("/v1/orders", body, key="cart-4711")
    api.restart()
    parties = api.node.parties.parties_count
    again = api.post("/v1/orders", body, key="cart-4711")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["kontor-seq"] == first.headers["kontor-seq"]
    assert api.node.parties.parties_count == parties
    other = api.post("/v1/orders", {**body, "customer": {**ERIKA, "name": "Max"}}, key="cart-4711")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_no_that_depends_on_stock_is_not_remembered(api: Api) -> None:
    body = {"number": "W-1", "channel": "web-de", "lines": order_lines(("BRASS-KETTLE", 1))}
    assert api.post("/v1/orders", body, key="cart-1").status_code == 409
    api.receive("BRASS-KETTLE", "leipzig", 1)
    assert api.post("/v1/orders", body, key="cart-1").status_code == 201


def test_a_part_is_cancelled_and_its_units_are_free(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    api.order("W-1", ("BRASS-KETTLE", 5))
    order = api.done("/v1/orders/W-1/cancel", {"reason": "too many", "lines": [{"id": "1", "quantity": 2}]})
    line = order["lines"][0]
    assert (line["allocated"], line["cancelled"], order["state"]) == (3, 2, "open")
    assert api.stock("BRASS-KETTLE", "leipzig")["available"] == 7
    too_many = {"reason": "all", "lines": [{"id": "1", "quantity": 4}]}
    api.refused("/v1/orders/W-1/cancel", too_many, 409, "exceeds_cancellable", "/lines/0/quantity")
    unknown = {"reason": "all", "lines": [{"id": "9", "quantity": 1}]}
    api.refused("/v1/orders/W-1/cancel", unknown, 422, "unknown_line", "/lines/0/id")
    assert api.done("/v1/orders/W-1/cancel", {"reason": "changed their mind"})["state"] == "cancelled"
    api.refused("/v1/orders/W-1/cancel", {"reason": "again"}, 409, "invalid_transition")
    api.refused("/v1/orders/W-2/cancel", {"reason": "x"}, 404, "not_found")
    assert api.stock("BRASS-KETTLE", "leipzig")["available"] == 10


def test_what_has_shipped_is_not_cancelled(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 2)
    order = api.order("W-1", ("CUSHION", 5))
    api.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship")
    order = api.done("/v1/orders/W-1/cancel", {"reason": "no patience"})
    assert (order["lines"][0]["shipped"], order["lines"][0]["cancelled"], order["state"]) == (2, 3, "shipped")


def test_a_change_with_an_old_etag_is_refused(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 5)
    api.order("W-1", ("CUSHION", 2), customer=ERIKA)
    etag = api.get("/v1/orders/W-1").headers["etag"]
    assert api.get("/v1/orders/W-1", if_none_match=etag).status_code == 304
    one = {"reason": "x", "lines": [{"id": "1", "quantity": 1}]}
    assert api.call("POST", "/v1/orders/W-1/cancel", one, {"if-match": etag}).status_code == 200
    assert api.call("POST", "/v1/orders/W-1/cancel", one, {"if-match": etag}).status_code == 412
    assert api.read("/v1/orders/W-1")["lines"][0]["cancelled"] == 1


def test_the_history_tells_everything_oldest_first_and_nothing_personal(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 1)
    order = api.order("W-1", ("CUSHION", 2), customer=ERIKA)
    api.order("W-2", ("CUSHION", 1))
    api.receive("CUSHION", "berlin", 9)
    api.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship", {"tracking": {"carrier": "dhl", "code": "0034"}})
    api.done("/v1/orders/W-1/cancel", {"reason": "changed their mind"})
    api.restart()
    answer = api.get("/v1/orders/W-1/history")
    items = answer.json()["items"]
    kinds = ["order_placed", "order_sourced", "fulfilment_advanced", "order_cancelled"]
    assert [item["kind"] for item in items] == kinds
    assert [item["seq"] for item in items] == sorted(item["seq"] for item in items)
    assert {item["actor"] for item in items} == {"dev"}
    assert items[1]["data"]["order"] == "W-1"
    assert items[2]["data"]["tracking_code"] == "0034"
    assert items[0]["data"]["fulfilments"][0] == {
        "fulfilment": order["fulfilments"][0]["id"],
        "node": "leipzig",
        "lines": [{"line_index": 0, "quantity": 1}],
        "ships_at": order["fulfilments"][0]["ships_at"],
        "delivers_at": order["fulfilments"][0]["delivers_at"],
        "day": None,
        "accept_by": None,
    }
    assert order["fulfilments"][0]["ships_at"] is not None
    assert "contact" not in items[0]["data"]
    assert "Erika" not in answer.text
    page = api.read("/v1/orders/W-1/history?limit=3")
    rest = api.read(f"/v1/orders/W-1/history?limit=3&cursor={page['next_cursor']}")
    assert page["items"] + rest["items"] == items
    assert rest["next_cursor"] is None
    assert api.get("/v1/orders/W-9/history").status_code == 404


def test_orders_are_listed_newest_first_open_and_closed_alike(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 100)
    api.receive("CUSHION", "krakow", 100)
    for number in range(1, 8):
        api.order(f"W-{number}", ("CUSHION", 1))
    for number in (2, 3, 6):
        api.done(f"/v1/orders/W-{number}/cancel", {"reason": "no"})
    api.order("P-1", ("CUSHION", 1), channel="phone-pl")
    api.node.writer.flush_closed()
    api.done("/v1/orders/W-7/cancel", {"reason": "no"})
    numbers = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.read(f"/v1/orders?limit=3{cursor}")
        numbers += [order["number"] for order in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert numbers == ["P-1", "W-7", "W-6", "W-5", "W-4", "W-3", "W-2", "W-1"]

    def listed(query: str) -> list[str]:
        return [order["number"] for order in api.read(f"/v1/orders?{query}")["items"]]

    assert listed("state=cancelled") == ["W-7", "W-6", "W-3", "W-2"]
    assert listed("channel=phone-pl") == ["P-1"]
    assert listed("node=krakow") == ["P-1"]
    created = api.read("/v1/orders/W-4")["created_at"]
    assert listed(f"from={created}&state=open") == ["P-1", "W-5", "W-4"]
    assert listed(f"to={created}") == ["W-3", "W-2", "W-1"]
    assert listed("to=2000-01-01T00:00:00Z") == []


def test_an_empty_cursor_is_the_first_page(api: Api) -> None:
    for path in ("orders", "fulfilments", "journal", "nodes", "stock", "keys"):
        assert api.read(f"/v1/{path}?cursor=") == api.read(f"/v1/{path}")


def test_a_return_leaves_the_order_in_the_list_once(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 1)
    order = api.order("W-1", ("CUSHION", 1))
    api.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/deliver")
    api.node.writer.flush_closed()
    api.done("/v1/orders/W-1/returns", {"lines": [{"id": "1", "quantity": 1}]})
    items = api.read("/v1/orders")["items"]
    assert [(order["number"], order["returns"]) for order in items] == [("W-1", ["ret-1"])]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "cursor=x", "from=yesterday", "colour=red", "limit=1&limit=2"]
)
def test_a_bad_query_is_refused(api: Api, query: str) -> None:
    answer = api.get(f"/v1/orders?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize("number", ["W-404", "x" * 700, "a%20b", "%00"])
def test_an_unknown_order_is_not_found(api: Api, number: str) -> None:
    assert api.get(f"/v1/orders/{number}").json()["code"] == "not_found"
    assert api.get(f"/v1/orders/{number}/history").status_code == 404
    api.refused(f"/v1/orders/{number}/cancel", {"reason": "x"}, 404, "not_found")
    api.refused(f"/v1/orders/{number}/source-again", None, 404, "not_found")
    api.refused(f"/v1/orders/{number}/returns", {"lines": [{"id": "1", "quantity": 1}]}, 404, "not_found")
