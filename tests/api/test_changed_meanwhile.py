"""Changes of orders whose lines, addresses and states are others by the time they are confirmed."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.api.conftest import INVALIDENSTRASSE, SHOP, Api

KETTLE = "BRASS-KETTLE"
VIENNA = {"name": "Erika Mustermann", "street": "Ring 1", "city": "Wien", "country": "AT", "postal_code": "1010"}
PASSAU = {"name": "Erika Mustermann", "street": "Ort 1", "city": "Passau", "country": "DE", "postal_code": "94032"}


@pytest.fixture
def three(api: Api) -> Api:
    """An order W-1 of three kettles, all in Leipzig, where seven more are."""
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 3))
    return api


def proposed(api: Api, **different: Any) -> str:
    found: str = api.done("/v1/orders/W-1/changes", {"reason": "customer called", **different})["id"]
    return found


def confirmed(api: Api, change: str) -> Any:
    return api.done(f"/v1/changes/{change}/confirm")


def refused(api: Api, change: str) -> str:
    detail: str = api.refused(f"/v1/changes/{change}/confirm", None, 409, "invalid_transition")["detail"]
    return detail


def units(api: Api) -> tuple[int, int, int]:
    line = api.read("/v1/orders/W-1")["lines"][0]
    return line["quantity"], line["allocated"], line["cancelled"]


def test_a_change_is_not_confirmed_for_a_line_of_which_units_were_cancelled_meanwhile(three: Api) -> None:
    change = proposed(three, set=[{"id": "1", "quantity": 1}])
    three.done("/v1/orders/W-1/cancel", {"reason": "one less", "lines": [{"id": "1", "quantity": 1}]})
    assert "1 cancelled" in refused(three, change)
    assert units(three) == (3, 2, 1)
    three.done(f"/v1/changes/{change}/decline")
    confirmed(three, proposed(three, set=[{"id": "1", "quantity": 2}]))
    assert units(three) == (2, 1, 1)


def test_a_change_is_not_confirmed_for_a_line_that_another_change_made_another(three: Api) -> None:
    to_one, to_two = (
        proposed(three, set=[{"id": "1", "quantity": 1}]),
        proposed(three, set=[{"id": "1", "quantity": 2}]),
    )
    confirmed(three, to_one)
    refused(three, to_two)
    assert units(three) == (1, 1, 0)


def test_a_change_is_not_confirmed_for_a_line_of_which_units_came_back_or_were_lost_meanwhile(three: Api) -> None:
    three.done("/v1/fulfilments/f-1/split", {"lines": [{"line": "1", "quantity": 2}]})
    three.done("/v1/fulfilments/f-2/ship")
    change = proposed(three, set=[{"id": "1", "quantity": 2}])
    agreed = three.done("/v1/orders/W-1/returns", {"lines": [{"id": "1", "quantity": 1}]})["id"]
    three.done(f"/v1/returns/{agreed}/receive", {"node": "leipzig", "lines": [{"id": "1", "quantity": 1}]})
    assert "1 returned" in refused(three, change)
    again = proposed(three, set=[{"id": "1", "quantity": 2}])
    three.done("/v1/orders/W-1/claims", {"lines": [{"id": "1", "quantity": 1}]})
    assert "1 lost" in refused(three, again)


def test_a_change_means_the_same_after_some_of_the_line_has_shipped(three: Api) -> None:
    change = proposed(three, set=[{"id": "1", "quantity": 2}])
    three.done("/v1/fulfilments/f-1/split", {"lines": [{"line": "1", "quantity": 1}]})
    three.done("/v1/fulfilments/f-2/ship")
    assert confirmed(three, change)["state"] == "confirmed"
    line = three.read("/v1/orders/W-1")["lines"][0]
    assert (line["quantity"], line["shipped"], line["allocated"]) == (2, 1, 1)


def test_zero_takes_a_line_out_also_after_units_of_it_were_cancelled(three: Api) -> None:
    three.done("/v1/orders/W-1/cancel", {"reason": "one less", "lines": [{"id": "1", "quantity": 1}]})
    change = proposed(three, set=[{"id": "1", "quantity": 0}], add=[{"id": "2", "sku": KETTLE, "quantity": 1}])
    confirmed(three, change)
    first, second = three.read("/v1/orders/W-1")["lines"]
    assert (first["allocated"], first["cancelled"], second["allocated"]) == (0, 1, 1)


def test_zero_is_refused_for_a_line_that_has_shipped_in_part(three: Api) -> None:
    three.done("/v1/fulfilments/f-1/split", {"lines": [{"line": "1", "quantity": 1}]})
    three.done("/v1/fulfilments/f-2/ship")
    nothing = {"reason": "called", "set": [{"id": "1", "quantity": 0}]}
    three.refused("/v1/orders/W-1/changes", nothing, 409, "below_shipped")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("cancel", {"reason": "too late"}),
        ("changes", {"reason": "too late", "set": [{"id": "1", "quantity": 1}]}),
        ("holds", {"handle": "fraud", "reason": "odd"}),
        ("source-again", None),
    ],
)
def test_what_a_shipped_order_is_said_to_allow_is_what_it_lists(three: Api, path: str, body: Any) -> None:
    three.done("/v1/fulfilments/f-1/ship")
    allowed = three.read("/v1/orders/W-1")["allowed"]
    detail = three.refused(f"/v1/orders/W-1/{path}", body, 409, "invalid_transition")["detail"]
    assert "return" in allowed
    assert detail.endswith(f"what is: {', '.join(allowed)}")


@pytest.fixture
def carriers(empty: Api) -> Api:
    """Leipzig sends within Germany in one day and to Austria in three; Berlin only within Germany. Three kettles in each."""
    document = copy.deepcopy(SHOP)
    step = [{"cost_minor": 500}]
    document["sourcing_policies"] = {
        "post": {
            "name": "Post",
            "carriers": [
                {"carrier": "DHL", "steps": step, "countries": ["DE"], "transit_days": 1},
                {
                    "carrier": "Post",
                    "steps": step,
                    "countries": ["AT"],
                    "transit_days": 3,
                    "origins": {"nodes": ["leipzig"]},
                },
            ],
        }
    }
    document["channels"]["web-de"]["sourcing_policy"] = "post"
    empty.done("/v1/configuration", document)
    return empty


def test_a_packed_parcel_for_another_country_is_unpacked_and_promised_anew(carriers: Api) -> None:
    carriers.receive(KETTLE, "leipzig", 3)
    before = carriers.order("W-1", (KETTLE, 2), ship_to=INVALIDENSTRASSE)["fulfilments"][0]
    carriers.done("/v1/fulfilments/f-1/pack")
    carriers.done("/v1/fulfilments/f-1/parcels", {"parcels": [{"lines": [{"line": "1", "quantity": 2}]}]})
    confirmed(carriers, proposed(carriers, ship_to=VIENNA))
    after = carriers.read("/v1/fulfilments/f-1")
    assert (after["state"], after["parcels"]) == ("picked", [])
    assert after["delivers_at"] > before["delivers_at"]
    events = carriers.read("/v1/events?after=0&limit=500")["items"]
    told = next(event for event in events if event["type"] == "fulfilment_readdressed")
    assert told["data"]["fulfilment"] == "f-1"
    carriers.done("/v1/fulfilments/f-1/ship")
    carriers.restart()


def test_work_of_a_node_that_cannot_send_there_is_done_by_one_that_can(carriers: Api) -> None:
    carriers.receive(KETTLE, "berlin", 3)
    carriers.order("W-1", (KETTLE, 2), ship_to=INVALIDENSTRASSE)
    carriers.receive(KETTLE, "leipzig", 3)
    confirmed(carriers, proposed(carriers, ship_to=VIENNA))
    found = carriers.read("/v1/orders/W-1")["fulfilments"]
    assert [(work["node"], work["state"]) for work in found] == [("berlin", "cancelled"), ("leipzig", "released")]


@pytest.mark.parametrize("step", ["accept", "pack"])
def test_an_address_that_nobody_who_has_it_sends_to_is_refused_with_the_reason(carriers: Api, step: str) -> None:
    carriers.receive(KETTLE, "berlin", 3)
    carriers.order("W-1", (KETTLE, 2), ship_to=INVALIDENSTRASSE)
    to_vienna = {"reason": "moved", "ship_to": VIENNA}
    carriers.refused("/v1/orders/W-1/changes", to_vienna, 409, "insufficient_stock")
    carriers.receive(KETTLE, "leipzig", 3)
    carriers.done(f"/v1/fulfilments/f-1/{step}")
    problem = carriers.refused("/v1/orders/W-1/changes", to_vienna, 409, "invalid_transition")
    assert "f-1" in problem["detail"] or "fulfilment 1" in problem["detail"]
    assert "no carrier" in problem["detail"]


def test_a_packed_parcel_for_another_street_is_labelled_anew(carriers: Api) -> None:
    carriers.receive(KETTLE, "leipzig", 3)
    carriers.order("W-1", (KETTLE, 2), ship_to=INVALIDENSTRASSE)
    carriers.done("/v1/fulfilments/f-1/pack")
    confirmed(carriers, proposed(carriers, ship_to=PASSAU))
    assert carriers.read("/v1/fulfilments/f-1")["state"] == "picked"
    carriers.done("/v1/fulfilments/f-1/pack")
    confirmed(carriers, proposed(carriers, ship_to={**PASSAU, "street": "Ort 2"}))
    assert carriers.read("/v1/fulfilments/f-1")["state"] == "picked"
    confirmed(carriers, proposed(carriers, set=[{"id": "1", "quantity": 1}]))


def test_what_is_promised_from_inbound_is_promised_anew_for_another_country(carriers: Api) -> None:
    policy = carriers.read("/v1/sourcing-policies/post")
    body = {key: value for key, value in policy.items() if key in ("name", "carriers")}
    assert carriers.put("/v1/sourcing-policies/post", {**body, "inbound_days_max": 30}).status_code == 200
    in_a_week = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    lines = [{"sku": KETTLE, "quantity": 2}]
    for node in ("leipzig", "berlin"):
        expected = {"supplier": "smith", "node": node, "lines": lines, "expected_at": in_a_week}
        carriers.done("/v1/inbound", expected)
    before = carriers.order("W-1", (KETTLE, 2), ship_to=INVALIDENSTRASSE)["lines"][0]["promised"][0]
    confirmed(carriers, proposed(carriers, ship_to=VIENNA))
    after = carriers.read("/v1/orders/W-1")["lines"][0]["promised"][0]
    assert (after["inbound"], after["delivers_at"] > before["delivers_at"]) == ("in-1", True)
    carriers.order("W-2", (KETTLE, 2), ship_to=INVALIDENSTRASSE)
    change = carriers.post("/v1/orders/W-2/changes", {"reason": "moved", "ship_to": VIENNA})
    assert (change.status_code, change.json()["code"]) == (409, "insufficient_stock")
    carriers.restart()
