"""Goods on their way, over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import Api

MONDAY, TUESDAY = "2026-12-07T08:00:00.000000Z", "2026-12-08T08:00:00.000000Z"


def announced(api: Api, *lines: tuple[str, int], node: str = "leipzig", **more: Any) -> Any:
    body = {
        "supplier": "brass-and-sons",
        "node": node,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "expected_at": MONDAY,
        **more,
    }
    answer = api.post("/v1/inbound", body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def ids(page: Any) -> list[str]:
    return [entry["id"] for entry in page["items"]]


def test_goods_are_announced_and_arrive_in_parts(api: Api) -> None:
    made = announced(api, ("CUSHION", 10), ("BRASS-KETTLE", 2))
    assert {name: made[name] for name in ("id", "state", "supplier", "node", "expected_at")} == {
        "id": "in-1",
        "state": "expected",
        "supplier": "brass-and-sons",
        "node": "leipzig",
        "expected_at": MONDAY,
    }
    assert made["lines"][0] == {"sku": "CUSHION", "quantity": 10, "received": 0, "cancelled": 0}
    assert api.stock("CUSHION", "leipzig")["inbound"] == 10
    part = api.done("/v1/inbound/in-1/receive", {"lines": [{"sku": "CUSHION", "quantity": 12}]})
    assert (part["state"], part["lines"][0]["received"]) == ("expected", 12)
    whole = api.done("/v1/inbound/in-1/receive", {"all": True})
    assert (whole["state"], whole["lines"][1]["received"]) == ("received", 2)
    assert api.stock("CUSHION", "leipzig")["available"] == 12
    balance = api.read("/v1/ledger/trial-balance")
    assert (balance["balanced"], balance["accounts"]["inbound"], balance["accounts"]["supplier"]) == (True, 0, -14)
    api.restart()
    assert api.read("/v1/inbound/in-1") == whole
    api.refused("/v1/inbound/in-1/receive", {}, 409, "invalid_transition")


def test_backorders_are_served_as_goods_arrive(api: Api) -> None:
    assert api.order("W-1", ("CUSHION", 3))["state"] == "backordered"
    announced(api, ("CUSHION", 10), node="berlin")
    api.done("/v1/inbound/in-1/receive", {"lines": [{"sku": "CUSHION", "quantity": 3}]})
    order = api.read("/v1/orders/W-1")
    assert (order["state"], order["fulfilments"][0]["node"]) == ("open", "berlin")


def test_a_date_moves_and_units_are_cancelled(api: Api) -> None:
    announced(api, ("CUSHION", 10))
    assert api.done("/v1/inbound/in-1/delay", {"expected_at": TUESDAY})["expected_at"] == TUESDAY
    fewer = api.done("/v1/inbound/in-1/cancel", {"lines": [{"sku": "CUSHION", "quantity": 4}]})
    assert (fewer["state"], fewer["lines"][0]["cancelled"]) == ("expected", 4)
    body = {"lines": [{"sku": "CUSHION", "quantity": 7}]}
    api.refused("/v1/inbound/in-1/cancel", body, 409, "exceeds_cancellable", "/lines/0/quantity")
    assert api.done("/v1/inbound/in-1/cancel", {"all": True})["state"] == "cancelled"
    assert api.stock("CUSHION", "leipzig")["inbound"] == 0


@pytest.mark.parametrize(
    ("change", "status", "code", "pointer"),
    [
        ({"node": "atlantis"}, 422, "unknown_node", "/node"),
        ({"lines": [{"sku": "NO-SUCH", "quantity": 1}]}, 422, "unknown_sku", "/lines/0/sku"),
        ({"lines": [{"sku": "CUSHION", "quantity": 1}] * 2}, 400, "malformed_request", "/lines/1/sku"),
        ({"lines": []}, 400, "malformed_request", "/lines"),
        ({"expected_at": "2026-12-07T08:00:00"}, 400, "malformed_request", "/expected_at"),
        ({"lines": [{"sku": "CUSHION", "quantity": 0}]}, 400, "malformed_request", "/lines/0/quantity"),
    ],
)
def test_what_is_wrong_is_said_and_pointed_at(
    api: Api, change: dict[str, Any], status: int, code: str, pointer: str
) -> None:
    body = {
        "supplier": "s-1",
        "node": "berlin",
        "lines": [{"sku": "CUSHION", "quantity": 1}],
        "expected_at": MONDAY,
        **change,
    }
    api.refused("/v1/inbound", body, status, code, pointer)


def test_what_is_not_there_is_not_found(api: Api) -> None:
    for path in ("in-1", "in-0", "f-1", "nonsense"):
        assert api.get(f"/v1/inbound/{path}").status_code == 404
        api.refused(f"/v1/inbound/{path}/receive", {}, 404, "not_found")


def test_lists_are_by_node_sku_and_state_and_come_in_pages(api: Api) -> None:
    announced(api, ("CUSHION", 1))
    announced(api, ("CUSHION", 1), node="berlin")
    announced(api, ("BRASS-KETTLE", 1), node="berlin")
    api.done("/v1/inbound/in-2/receive", {})
    assert ids(api.read("/v1/inbound")) == ["in-3", "in-2", "in-1"]
    assert ids(api.read("/v1/inbound?node=berlin")) == ["in-3", "in-2"]
    assert ids(api.read("/v1/inbound?sku=CUSHION&state=expected")) == ["in-1"]
    assert ids(api.read("/v1/inbound?state=received")) == ["in-2"]
    first = api.read("/v1/inbound?limit=2")
    assert (ids(first), first["next_cursor"]) == (["in-3", "in-2"], "2")
    last = api.read("/v1/inbound?limit=2&cursor=2")
    assert (ids(last), last["next_cursor"]) == (["in-1"], None)
    assert api.get("/v1/inbound?state=lost").status_code == 400


def test_events_tell_of_it_under_its_own_id(api: Api) -> None:
    announced(api, ("CUSHION", 1))
    entry = api.read("/v1/journal?sku=CUSHION")["items"][-1]
    assert entry["document"] == {"type": "inbound", "id": "in-1"}


@pytest.fixture
def forward(api: Api) -> Api:
    """The web shop promises what comes within thirty days. One kettle in Leipzig, five more in a week."""
    api.put("/v1/sourcing-policies/forward", {"name": "Forward", "inbound_days_max": 30})
    channel = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "forward"}
    assert api.put("/v1/channels/web-de", channel).status_code == 200
    api.receive("BRASS-KETTLE", "leipzig", 1)
    announced(api, ("BRASS-KETTLE", 5), expected_at=in_days(7))
    return api


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT00:00:00.000000Z")


def kettles(quantity: int) -> dict[str, Any]:
    return {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": quantity}]}


def test_availability_shows_what_could_be_promised_for_later(forward: Api) -> None:
    answer = forward.done("/v1/availability", kettles(3))
    assert answer["fulfillable"]
    assert answer["lines"] == [
        {
            "sku": "BRASS-KETTLE",
            "requested": 3,
            "available": 1,
            "projected": [{"expected_at": in_days(7), "quantity": 5}],
        }
    ]
    assert [(s["quantity"], s.get("inbound")) for s in answer["sources"]] == [(1, None), (2, "in-1")]
    assert answer["sources"][1]["ships_at"] >= in_days(7)
    assert "projected" not in forward.done("/v1/availability", {**kettles(1), "channel": "phone-pl"})["lines"][0]


def test_a_reservation_and_its_order_show_what_inbound_will_bring(forward: Api) -> None:
    held = forward.done("/v1/reservations", kettles(4))
    assert [s.get("inbound") for s in held["lines"][0]["sources"]] == [None, "in-1"]
    stock = forward.stock("BRASS-KETTLE", "leipzig")
    assert (stock["inbound"], stock["reserved"], stock["on_hand"]) == (5, 1, 1)
    assert forward.read("/v1/stock/BRASS-KETTLE")["inbound"] == 5
    order = forward.order("W-1", ("BRASS-KETTLE", 4), reservation=held["id"])
    assert (order["state"], order["lines"][0]["backordered"]) == ("backordered", 3)
    promised = order["lines"][0]["promised"]
    assert [(p["inbound"], p["node"], p["quantity"]) for p in promised] == [("in-1", "leipzig", 3)]
    forward.done("/v1/inbound/in-1/delay", {"expected_at": in_days(20)})
    assert forward.read("/v1/orders/W-1")["lines"][0]["promised"][0]["ships_at"] >= in_days(20)
    balance = forward.read("/v1/ledger/trial-balance")
    assert (balance["balanced"], balance["accounts"]["inbound_allocated"]) == (True, 3)
    forward.done("/v1/inbound/in-1/receive", {})
    after = forward.read("/v1/orders/W-1")
    assert (after["state"], after["lines"][0]["allocated"]) == ("open", 4)
    assert "promised" not in after["lines"][0]
    forward.restart()
    assert forward.read("/v1/orders/W-1") == after


def test_a_date_that_moves_is_told_in_the_history_of_the_order_and_as_an_event(forward: Api) -> None:
    forward.order("W-1", ("BRASS-KETTLE", 4))
    forward.done("/v1/inbound/in-1/delay", {"expected_at": in_days(20)})
    told = forward.read("/v1/orders/W-1/history")["items"][-1]
    assert told["kind"] == "order_sourced"
    (claim,) = told["data"]["waiting"][0]["claims"]
    assert (claim["inbound"], claim["quantity"]) == ("in-1", 3)
    assert claim["ships_at"] >= in_days(20)
    events = forward.read("/v1/events?limit=500")["items"]
    assert [event["type"] for event in events][-2:] == ["inbound_delayed", "order_sourced"]
    assert events[-1]["data"] == told["data"]


def test_a_decision_that_promised_inbound_can_be_made_again(forward: Api) -> None:
    held = forward.done("/v1/reservations", kettles(4))
    seqs = [forward.node.state.seq]
    forward.done(f"/v1/reservations/{held['id']}/release", {})
    forward.order("W-1", ("BRASS-KETTLE", 4))
    seqs.append(forward.node.state.seq)
    for seq in seqs:
        explained = forward.done("/v1/sourcing/explain", {"seq": seq})
        assert (explained["seq"], explained["reproduced"], explained["short"]) == (seq, True, {})


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59Z", "2600-01-01T00:00:00Z", "2200-01-01T00:00:00Z", "1969-12-31T23:59:59Z"]
)
def test_a_date_that_nobody_can_mean_is_refused_and_the_node_goes_on(api: Api, moment: str) -> None:
    body = {"supplier": "s", "node": "leipzig", "lines": [{"sku": "CUSHION", "quantity": 1}], "expected_at": moment}
    refusal = api.refused("/v1/inbound", body, 400, "malformed_request", "/expected_at")
    assert "between 1970 and 2200" in refusal["detail"]
    announced(api, ("CUSHION", 10))
    api.refused("/v1/inbound/in-1/delay", {"expected_at": moment}, 400, "malformed_request", "/expected_at")
    assert api.read("/v1/inbound/in-1")["expected_at"] == MONDAY


def test_what_comes_damaged_is_unsellable_and_serves_nobody(api: Api) -> None:
    first, second = api.order("W-1", ("CUSHION", 2)), api.order("W-2", ("CUSHION", 2))
    assert (first["state"], second["state"]) == ("backordered", "backordered")
    announced(api, ("CUSHION", 5), ("BRASS-KETTLE", 2))
    arrived = {
        "lines": [{"sku": "CUSHION", "quantity": 4, "damaged": 1}, {"sku": "BRASS-KETTLE", "quantity": 3, "damaged": 3}]
    }
    lines = api.done("/v1/inbound/in-1/receive", arrived)["lines"]
    assert lines == [
        {"sku": "CUSHION", "quantity": 5, "received": 4, "cancelled": 0, "damaged": 1},
        {"sku": "BRASS-KETTLE", "quantity": 2, "received": 3, "cancelled": 0, "damaged": 3},
    ]
    there = api.stock("CUSHION", "leipzig")
    assert (there["on_hand"], there["allocated"], there["unsellable"], there["available"]) == (4, 3, 1, 0)
    kettles = api.stock("BRASS-KETTLE", "leipzig")
    assert (kettles["on_hand"], kettles["unsellable"], kettles["inbound"]) == (3, 3, 0)
    assert api.read("/v1/orders/W-2")["lines"][0]["backordered"] == 1
    too_many = {"lines": [{"sku": "CUSHION", "quantity": 1, "damaged": 2}]}
    api.refused("/v1/inbound/in-1/receive", too_many, 400, "malformed_request")
    assert api.read("/v1/ledger/trial-balance")["balanced"]
    api.restart()


def test_damaged_units_that_were_promised_leave_the_youngest_promise_waiting(api: Api) -> None:
    api.put("/v1/sourcing-policies/forward", {"name": "Forward", "inbound_days_max": 30})
    channel = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "forward"}
    assert api.put("/v1/channels/web-de", channel).status_code == 200
    announced(api, ("BRASS-KETTLE", 4), expected_at=in_days(7))
    lines = [{"sku": "BRASS-KETTLE", "quantity": 2}]
    held = api.done("/v1/reservations", {"channel": "web-de", "lines": lines})["id"]
    api.order("W-1", ("BRASS-KETTLE", 2))
    arrived = {"lines": [{"sku": "BRASS-KETTLE", "quantity": 4, "damaged": 1}]}
    assert api.done("/v1/inbound/in-1/receive", arrived)["state"] == "received"
    assert api.read(f"/v1/reservations/{held}")["lines"][0]["reserved"] == 2
    line = api.read("/v1/orders/W-1")["lines"][0]
    assert (line["allocated"], line["backordered"], line.get("promised", [])) == (1, 1, [])
    api.restart()
