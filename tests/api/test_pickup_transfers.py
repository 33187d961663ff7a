"""Transfers for pickups over HTTP: they follow their order, fail and are planned anew, and are explained."""

import copy
import json
from typing import Any

import pytest
from click.testing import CliRunner

from api.cli.main import main
from tests.api.conftest import SHOP, Api

POT = "TEA POT 2L"


@pytest.fixture
def shop(empty: Api) -> Api:
    """Customers come to Berlin; what is missing there is brought within two days. Two tea pots are in Leipzig, three in Kraków."""
    document = copy.deepcopy(SHOP)
    document["nodes"]["berlin"]["pickup"] = True
    document["sourcing_policies"] = {"bring": {"name": "Bring", "pickup_transfer_days": 2}}
    document["channels"]["web-de"]["sourcing_policy"] = "bring"
    empty.done("/v1/configuration", document)
    empty.receive(POT, "leipzig", 2)
    empty.receive(POT, "krakow", 3)
    return empty


def pickup(api: Api, number: str, units: int) -> Any:
    return api.order(number, (POT, units), delivery="pickup", pickup_node="berlin")


def changed(api: Api, number: str, **different: Any) -> Any:
    proposed = api.done(f"/v1/orders/{number}/changes", {"reason": "customer called", **different})
    return api.done(f"/v1/changes/{proposed['id']}/confirm")


def available(api: Api, units: int) -> Any:
    lines = [{"sku": POT, "quantity": units}]
    return api.done("/v1/availability", {"channel": "web-de", "lines": lines})["fulfillable"]


def test_a_cancelled_pickup_gives_back_what_was_to_be_brought(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    planned = shop.read("/v1/transfers/t-1")
    assert (planned["order"], planned["lines"][0]["promised"]) == ("W-1", 2)
    shop.done("/v1/orders/W-1/cancel", {"reason": "changed my mind"})
    assert shop.read("/v1/transfers/t-1")["state"] == "cancelled"
    assert shop.read("/v1/inbound/in-1")["state"] == "cancelled"
    assert (shop.stock(POT, "leipzig")["allocated"], available(shop, 5)) == (0, True)
    assert shop.read("/v1/ledger/trial-balance")["balanced"]


def test_a_lowered_pickup_lowers_its_transfer_and_a_raised_one_has_more_brought(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    changed(shop, "W-1", set=[{"id": "1", "quantity": 1}])
    line = shop.read("/v1/transfers/t-1")["lines"][0]
    assert (line["quantity"], line.get("not_sent", 0), shop.stock(POT, "leipzig")["available"]) == (1, 1, 1)
    changed(shop, "W-1", set=[{"id": "1", "quantity": 4}])
    assert sum(item["lines"][0]["quantity"] for item in shop.read("/v1/transfers?state=planned")["items"]) == 4
    types = [event["type"] for event in shop.read("/v1/events?after=2&limit=500")["items"]]
    assert "transfer_lowered" in types


def test_a_pickup_that_becomes_a_parcel_is_sent_from_the_depot_itself(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    changed(shop, "W-1", delivery="ship")
    order = shop.read("/v1/orders/W-1")
    assert (order["state"], [work["node"] for work in order["fulfilments"]]) == ("open", ["leipzig"])
    assert shop.read("/v1/transfers/t-1")["state"] == "cancelled"


def test_what_is_under_way_already_is_told_to_be_free_when_it_arrives(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    shop.done("/v1/transfers/t-1/ship")
    shop.done("/v1/orders/W-1/cancel", {"reason": "too late"})
    events = shop.read("/v1/events?after=2&limit=500")["items"]
    told = next(event for event in events if event["type"] == "transfer_freed")
    assert told["data"]["of_order"] == "W-1"
    assert shop.read("/v1/transfers/t-1")["lines"][0].get("promised", 0) == 0
    shop.done("/v1/transfers/t-1/receive")
    assert shop.stock(POT, "berlin")["available"] == 2


@pytest.mark.parametrize(
    "failing",
    [
        [("cancel", None)],
        [("ship", None), ("receive", {"lines": [{"sku": POT, "received": 0}]})],
        [("ship", None), ("receive", {"lines": [{"sku": POT, "received": 2, "damaged": 2}]})],
        [("ship", None), ("turn-back", None)],
    ],
)
def test_a_pickup_whose_transfer_fails_is_brought_anew_and_promised_anew(shop: Api, failing: list[Any]) -> None:
    pickup(shop, "W-1", 2)
    for step, body in failing:
        shop.done(f"/v1/transfers/t-1/{step}", body)
    anew = shop.read("/v1/transfers/t-2")
    assert (anew["from"], anew["order"], anew["lines"][0]["quantity"]) == ("krakow", "W-1", 2)
    promised = shop.read("/v1/orders/W-1")["lines"][0]["promised"]
    assert [(one["inbound"], one["quantity"]) for one in promised] == [("in-2", 2)]
    for step in ("ship", "receive"):
        shop.done(f"/v1/transfers/t-2/{step}")
    assert shop.read("/v1/orders/W-1")["fulfilments"][0]["node"] == "berlin"
    assert checked(shop)["different"] == 0


def test_a_pickup_that_nobody_can_bring_has_no_promise_until_somebody_has_it(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    pickup(shop, "W-2", 3)
    shop.done("/v1/transfers/t-1/cancel")
    line = shop.read("/v1/orders/W-1")["lines"][0]
    assert (line["backordered"], line.get("promised", [])) == (2, [])
    shop.refused("/v1/orders/W-1/source-again", None, 409, "insufficient_stock")
    shop.receive(POT, "krakow", 2)
    again = shop.done("/v1/orders/W-1/source-again")
    assert [one["quantity"] for one in again["lines"][0]["promised"]] == [2]


def checked(api: Api) -> Any:
    """What `kontor sourcing check` says of the node's journal."""
    api.close_node()
    result = CliRunner().invoke(main, ["sourcing", "check", "--data", str(api.directory), "--json"])
    api._open()
    assert result.exit_code in (0, 1), (result.output, result.exception)
    return json.loads(result.output)


def test_a_pickup_that_is_brought_is_explained_by_the_rule_that_brings_it(shop: Api) -> None:
    order = pickup(shop, "W-1", 2)
    seq = next(e["seq"] for e in shop.read("/v1/events?after=2&limit=500")["items"] if e["type"] == "order_placed")
    told = shop.done("/v1/sourcing/explain", {"seq": seq})
    assert order["state"] == "backordered"
    assert told["reproduced"]
    brought = told["brought"]
    assert brought["rule"] == "/pickup_transfer_days"
    assert [(move["from"], move["to"], move["units"]) for move in brought["transfers"]] == [
        ("leipzig", "berlin", {POT: 2})
    ]
    assert {candidate["node"] for candidate in told["candidates"]} == {"leipzig", "krakow"}
    assert [entry["node"] for entry in told["excluded"]] == ["berlin"]
    assert told["short"] == {}
    now = {"channel": "web-de", "delivery": "pickup", "lines": [{"sku": POT, "quantity": 1, "node": "berlin"}]}
    assert shop.done("/v1/sourcing/explain", now)["brought"]["transfers"][0]["from"] == "krakow"
    pickup(shop, "W-2", 1)
    changed(shop, "W-2", delivery="ship")
    found = checked(shop)
    assert (found["different"], found["decisions"]) == (0, 3)


def test_a_transfer_that_comes_later_says_so_and_is_received_as_a_transfer(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    assert shop.read("/v1/inbound/in-1")["allowed"] == ["delay", "cancel"]
    shop.refused("/v1/inbound/in-1/receive", {}, 409, "invalid_transition")
    shop.done("/v1/inbound/in-1/delay", {"expected_at": "2030-01-02T08:00:00Z"})
    assert shop.read("/v1/transfers/t-1")["expected_at"].startswith("2030-01-02")
    assert shop.read("/v1/orders/W-1")["lines"][0]["promised"][0]["ships_at"] >= "2030-01-02"


def test_the_steps_of_a_transfer_are_those_that_are_allowed(shop: Api) -> None:
    pickup(shop, "W-1", 2)
    shop.done("/v1/orders/W-1/holds", {"handle": "fraud", "reason": "looks odd"})
    assert shop.read("/v1/transfers/t-1")["allowed"] == ["cancel"]
    shop.refused("/v1/transfers/t-1/ship", None, 409, "invalid_transition")
    shop.delete("/v1/orders/W-1/holds/fraud")
    assert shop.done("/v1/transfers/t-1/ship")["allowed"] == ["receive", "turn_back"]
