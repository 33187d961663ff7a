"""Returns over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import ERIKA, INVALIDENSTRASSE, Api


@pytest.fixture
def shipped(api: Api) -> Api:
    """Order W-1 with four cushions and a kettle, all shipped and closed, on disk."""
    api.receive("CUSHION", "leipzig", 4)
    api.receive("BRASS-KETTLE", "leipzig", 1)
    order = api.order("W-1", ("CUSHION", 4), ("BRASS-KETTLE", 1))
    api.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship")
    api.node.writer.flush_closed()
    return api


def agreed(api: Api, *lines: dict[str, Any]) -> Any:
    answer = api.post("/v1/orders/W-1/returns", {"lines": list(lines)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_units_come_back_in_parts_and_go_where_they_should(shipped: Api) -> None:
    made = agreed(shipped, {"id": "1", "quantity": 3, "reason": "wrong colour"})
    assert (made["id"], made["order"], made["state"]) == ("ret-1", "W-1", "authorised")
    assert made["lines"][0] == {
        "id": "1", "sku": "CUSHION", "quantity": 3, "received": 0, "reason": "wrong colour",
        "settled": 0, "refund_minor": None,
    }  # fmt: skip
    part = {"node": "berlin", "lines": [{"id": "1", "quantity": 1}]}
    assert shipped.done("/v1/returns/ret-1/receive", part)["state"] == "authorised"
    rest = [
        {"id": "1", "quantity": 1, "disposition": "quarantine"},
        {"id": "1", "quantity": 1, "disposition": "scrap"},
    ]
    received = shipped.done("/v1/returns/ret-1/receive", {"node": "krakow", "lines": rest})
    assert (received["state"], received["lines"][0]["received"]) == ("received", 3)
    assert shipped.stock("CUSHION", "berlin")["available"] == 1
    assert shipped.stock("CUSHION", "krakow")["unsellable"] == 1
    balance = shipped.read("/v1/ledger/trial-balance")
    assert (balance["balanced"], balance["accounts"]["loss"]) == (True, 1)
    assert shipped.read("/v1/orders/W-1")["lines"][0]["returned"] == 3
    shipped.restart()
    assert shipped.read("/v1/returns/ret-1") == received


def test_no_more_comes_back_than_was_shipped(shipped: Api) -> None:
    agreed(shipped, {"id": "1", "quantity": 3})
    body = {"lines": [{"id": "1", "quantity": 2}]}
    shipped.refused("/v1/orders/W-1/returns", body, 409, "exceeds_returnable", "/lines/0/quantity")
    both = {"lines": [{"id": "2", "quantity": 1}, {"id": "2", "quantity": 1}]}
    shipped.refused("/v1/orders/W-1/returns", both, 409, "exceeds_returnable", "/lines/1/quantity")
    arrived = {"node": "leipzig", "lines": [{"id": "1", "quantity": 4}]}
    shipped.refused("/v1/returns/ret-1/receive", arrived, 409, "exceeds_returnable", "/lines/0/quantity")


def test_a_cancelled_return_frees_what_did_not_come(shipped: Api) -> None:
    agreed(shipped, {"id": "1", "quantity": 4})
    shipped.done("/v1/returns/ret-1/receive", {"node": "leipzig", "lines": [{"id": "1", "quantity": 1}]})
    assert shipped.done("/v1/returns/ret-1/cancel")["state"] == "received"
    shipped.refused("/v1/returns/ret-1/cancel", {}, 409, "invalid_transition")
    assert agreed(shipped, {"id": "1", "quantity": 3})["id"] == "ret-2"
    assert shipped.done("/v1/returns/ret-2/cancel", {})["state"] == "cancelled"


def test_what_is_wrong_with_a_return_is_named(shipped: Api) -> None:
    agreed(shipped, {"id": "1", "quantity": 1})
    line = {"id": "1", "quantity": 1}
    shipped.refused("/v1/orders/W-1/returns", {"lines": [{**line, "id": "9"}]}, 422, "unknown_line", "/lines/0/id")
    shipped.refused("/v1/orders/W-1/returns", {"lines": []}, 400, "malformed_request", "/lines")
    nowhere = {"node": "atlantis", "lines": [line]}
    shipped.refused("/v1/returns/ret-1/receive", nowhere, 422, "unknown_node", "/node")
    kettle = {"node": "leipzig", "lines": [{**line, "id": "2"}]}
    shipped.refused("/v1/returns/ret-1/receive", kettle, 422, "unknown_line", "/lines/0/id")
    burnt = {"node": "leipzig", "lines": [{**line, "disposition": "burn"}]}
    shipped.refused("/v1/returns/ret-1/receive", burnt, 400, "malformed_request", "/lines/0/disposition")
    for unknown in ("ret-2", "ret-x", "1"):
        assert shipped.get(f"/v1/returns/{unknown}").status_code == 404
        shipped.refused(f"/v1/returns/{unknown}/cancel", None, 404, "not_found")


def test_what_came_back_serves_those_who_wait(shipped: Api) -> None:
    assert shipped.order("W-2", ("CUSHION", 1))["state"] == "backordered"
    agreed(shipped, {"id": "1", "quantity": 1})
    shipped.done("/v1/returns/ret-1/receive", {"node": "leipzig", "lines": [{"id": "1", "quantity": 1}]})
    assert shipped.read("/v1/orders/W-2")["state"] == "open"


def test_an_exchange_goes_out_to_the_same_customer_when_the_return_has_come(shipped: Api) -> None:
    shipped.receive("TEA POT 2L", "berlin", 1)
    body = {
        "lines": [{"id": "2", "quantity": 1, "reason": "dented"}],
        "exchange": [{"id": "1", "sku": "TEA POT 2L", "quantity": 1}],
        "refund_shipping": True,
    }
    made = shipped.done("/v1/orders/W-1/returns", body)
    assert (made["exchange_order"], made["refund_shipping"]) == ("W-1.r1", True)
    exchange = shipped.read("/v1/orders/W-1.r1")
    assert (exchange["replaces"], exchange["holds"][0]["handle"]) == ("W-1", "exchange-ret-1")
    assert shipped.read("/v1/orders/W-1")["replaced_by"] == ["W-1.r1"]
    shipped.done("/v1/returns/ret-1/receive", {"node": "berlin", "lines": [{"id": "2", "quantity": 1}]})
    assert shipped.read("/v1/orders/W-1.r1")["holds"] == []


def test_the_customer_of_a_replacement_is_sealed_for_it(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 2)
    order = api.order("W-1", ("CUSHION", 1), customer=ERIKA, ship_to=INVALIDENSTRASSE)
    api.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship")
    body = {"lines": [{"id": "1", "quantity": 1, "reason": "lost"}], "resolution": "replacement"}
    claimed = api.done("/v1/orders/W-1/claims", body)
    assert (claimed["lines"][0]["lost"], claimed["replaced_by"]) == (1, ["W-1.r1"])
    replacement = api.read("/v1/orders/W-1.r1")
    assert (replacement["customer"]["name"], replacement["ship_to"]["city"]) == (ERIKA["name"], "Berlin")
    assert api.read("/v1/ledger/trial-balance")["accounts"]["loss"] == 1


def test_more_than_was_shipped_cannot_be_claimed(shipped: Api) -> None:
    body = {"lines": [{"id": "1", "quantity": 5}]}
    shipped.refused("/v1/orders/W-1/claims", body, 409, "exceeds_returnable", "/lines/0/quantity")
    shipped.refused("/v1/orders/W-404/claims", body, 404, "not_found")
    bad = {"lines": [{"id": "1", "quantity": 1, "reason": "bored"}]}
    shipped.refused("/v1/orders/W-1/claims", bad, 400, "malformed_request")


def test_goods_without_an_order_are_taken_read_and_listed(api: Api) -> None:
    for number in range(1, 4):
        line = {"sku": "CUSHION", "quantity": number, "reason": "no note"}
        taken = api.done("/v1/returns", {"channel": "phone-pl", "lines": [line], "reference": f"parcel {number}"})
        assert (taken["order"], taken["node"], taken["state"]) == (None, "krakow", "received")
    assert api.read("/v1/returns/ret-2")["lines"][0]["quantity"] == 2
    assert api.stock("CUSHION", "krakow")["unsellable"] == 6
    page = api.read("/v1/returns?without_order=true&limit=2")
    assert [item["id"] for item in page["items"]] == ["ret-3", "ret-2"]
    rest = api.read(f"/v1/returns?without_order=true&limit=2&cursor={page['next_cursor']}")
    assert ([item["id"] for item in rest["items"]], rest["next_cursor"]) == (["ret-1"], None)
    assert api.read("/v1/returns")["items"] == []
    api.restart()
    assert api.read("/v1/returns/ret-3")["reference"] == "parcel 3"


def test_returns_are_listed_by_order_and_state(shipped: Api) -> None:
    agreed(shipped, {"id": "1", "quantity": 1})
    agreed(shipped, {"id": "1", "quantity": 1})
    shipped.done("/v1/returns/ret-1/cancel")
    assert [item["id"] for item in shipped.read("/v1/returns")["items"]] == ["ret-2", "ret-1"]
    assert [item["id"] for item in shipped.read("/v1/returns?state=authorised")["items"]] == ["ret-2"]
    page = shipped.read("/v1/returns?order=W-1&limit=1")
    assert [item["id"] for item in page["items"]] == ["ret-2"]
    assert [i["id"] for i in shipped.read(f"/v1/returns?limit=1&cursor={page['next_cursor']}")["items"]] == ["ret-1"]
    assert shipped.get("/v1/returns?order=W-404").status_code == 400


def test_an_exchange_names_every_line_once(shipped: Api) -> None:
    line = {"id": "1", "sku": "CUSHION", "quantity": 1}
    body = {"lines": [{"id": "2", "quantity": 1}], "exchange": [line, line]}
    shipped.refused("/v1/orders/W-1/returns", body, 400, "malformed_request", "/exchange/1/id")
