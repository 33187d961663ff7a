"""Where customers could pick up a basket, store by store: each for itself, the nearest first, when it would be ready."""

from typing import Any

import pytest

from tests.api.conftest import Api, order_lines
from tests.api.test_promises import KETTLE, MITTE, at

CUSHION = "CUSHION"
ALEX = {"latitude": 52.521, "longitude": 13.413}
CHANNEL = {"name": "Shop", "kind": "web", "country": "DE", "currency": "EUR"}


@pytest.fixture
def chain(empty: Api) -> Api:
    """Six stores with a kettle each; Pankow has two, and cushions; a warehouse has many and hands out none."""
    for sku in (KETTLE, CUSHION):
        empty.put(f"/v1/items/{sku}", {"name": sku})
    empty.put("/v1/channels/shop", CHANNEL)
    for position, name in enumerate(("mitte", "pankow", "spandau", "potsdam", "dresden", "aachen")):
        store = {**MITTE, "name": name, "latitude": 52.52 - position / 10, "ships": position % 2 == 0}
        empty.put(f"/v1/nodes/{name}", store)
        empty.receive(KETTLE, name, 2 if name == "pankow" else 1)
    empty.receive(CUSHION, "pankow", 3)
    empty.put("/v1/nodes/depot", {**MITTE, "kind": "warehouse", "pickup": False, "opening_hours": {}})
    empty.put("/v1/nodes/depot", {**MITTE, "kind": "warehouse", "pickup": False, "cut_off": "12:00"})
    empty.receive(KETTLE, "depot", 100)
    at(empty, "11-29 19:00")  # a Sunday evening
    return empty


def asked(api: Api, *lines: tuple[str, int], **more: Any) -> Any:
    body = {"channel": "shop", "delivery": "pickup", "lines": [{"sku": s, "quantity": q} for s, q in lines], **more}
    return api.done("/v1/availability", body)


def test_a_pickup_is_there_where_one_store_has_all_of_it(chain: Api) -> None:
    one, two, three = (asked(chain, (KETTLE, count)) for count in (1, 2, 3))
    assert [(said["fulfillable"], said["lines"][0]["available"]) for said in (one, two, three)] == [
        (True, 2), (True, 2), (False, 2),
    ]  # fmt: skip
    assert [(source["node"], source["quantity"]) for source in two["sources"]] == [("pankow", 2)]
    assert [(source["node"], source["quantity"]) for source in three["sources"]] == [("pankow", 2)]
    assert "stores" not in two
    basket = asked(chain, (KETTLE, 1), (CUSHION, 3))
    assert {source["node"] for source in basket["sources"]} == {"pankow"}


def test_a_reservation_of_a_pickup_is_held_at_one_store_or_refused(chain: Api) -> None:
    body = {"channel": "shop", "delivery": "pickup", "lines": [{"sku": KETTLE, "quantity": 3}]}
    refused = chain.refused("/v1/reservations", body, 409, "insufficient_stock")
    assert refused["lines"] == [{"sku": KETTLE, "requested": 3, "available": 2}]
    part = chain.done("/v1/reservations", {**body, "allow_partial": True})
    assert [source["node"] for source in part["lines"][0]["sources"]] == ["pankow"]
    assert part["lines"][0]["reserved"] == 2
    named = [{"sku": KETTLE, "quantity": 1, "node": "mitte"}, {"sku": KETTLE, "quantity": 1, "node": "aachen"}]
    assert chain.done("/v1/reservations", {**body, "lines": named})["state"] == "active", "who names two gets two"


def test_the_nearest_stores_come_first_each_with_what_it_has(chain: Api) -> None:
    said = asked(chain, (KETTLE, 2), (CUSHION, 1), near=ALEX)
    stores = said["stores"]
    assert [store["node"] for store in stores] == ["mitte", "pankow", "spandau", "potsdam", "dresden", "aachen"]
    assert stores[0] == {
        "node": "mitte", "fulfillable": False, "ready_at": None, "distance_km": 0.9,
        "lines": [
            {"sku": KETTLE, "requested": 2, "available": 1}, {"sku": CUSHION, "requested": 1, "available": 0},
        ],
    }  # fmt: skip
    assert (stores[1]["fulfillable"], stores[1]["ready_at"]) == (True, "2037-11-30T08:00:00.000000Z")
    assert [store["fulfillable"] for store in stores].count(True) == 1
    assert said["fulfillable"] is True
    assert [(line["sku"], line["available"]) for line in said["lines"]] == [(KETTLE, 2), (CUSHION, 1)]
    assert {source["node"] for source in said["sources"]} == {"pankow"}


def test_stores_that_are_named_answer_in_that_order(chain: Api) -> None:
    said = asked(chain, (KETTLE, 2), nodes=["aachen", "depot", "pankow"])
    assert [(store["node"], store["fulfillable"]) for store in said["stores"]] == [
        ("aachen", False), ("depot", False), ("pankow", True),
    ]  # fmt: skip
    none = asked(chain, (KETTLE, 2), nodes=["aachen", "mitte"])
    assert (none["fulfillable"], none["sources"], none["lines"][0]["available"]) == (False, [], 1)
    body = {"channel": "shop", "delivery": "pickup", "lines": [{"sku": KETTLE, "quantity": 1}]}
    chain.refused("/v1/availability", {**body, "nodes": ["mitte", "nowhere"]}, 422, "unknown_node", "/nodes/1")


@pytest.mark.parametrize(
    "more",
    [
        {"delivery": "ship", "near": ALEX},
        {"delivery": "ship", "nodes": ["mitte"]},
        {"near": ALEX, "nodes": ["mitte"]},
        {"near": {"latitude": 91, "longitude": 0}},
        {"nodes": []},
    ],
)
def test_stores_are_asked_about_in_one_way_and_for_pickups_only(chain: Api, more: dict[str, Any]) -> None:
    body = {"channel": "shop", "delivery": "pickup", "lines": [{"sku": KETTLE, "quantity": 1}], **more}
    chain.refused("/v1/availability", body, 400, "malformed_request")


def test_an_order_is_told_what_availability_said_of_its_store(chain: Api) -> None:
    chain.put("/v1/nodes/pankow", {**MITTE, "latitude": 52.42, "preparation_minutes": 45})
    said = asked(chain, (KETTLE, 2), nodes=["pankow"])["stores"][0]
    assert said["ready_at"] == "2037-11-30T08:45:00.000000Z"
    order = {"number": "W-1", "channel": "shop", "lines": order_lines((KETTLE, 2)), "delivery": "pickup"}
    placed = chain.done("/v1/orders", {**order, "pickup_node": "pankow"})
    assert placed["fulfilments"][0]["ships_at"] == said["ready_at"]
    assert asked(chain, (KETTLE, 2), nodes=["pankow"])["stores"][0]["fulfillable"] is False


def test_what_a_store_lacks_is_ready_when_it_was_brought_and_the_store_is_open(chain: Api) -> None:
    chain.put("/v1/sourcing-policies/bring", {"name": "Bring", "pickup_transfer_days": 5})
    chain.put("/v1/channels/shop", {**CHANNEL, "sourcing_policy": "bring"})
    said = asked(chain, (KETTLE, 4), nodes=["mitte"])
    # It leaves the depot on Monday noon and is there on Saturday noon.
    assert said["stores"][0]["fulfillable"] is True
    assert said["stores"][0]["ready_at"] == "2037-12-05T11:00:00.000000Z"
    assert said["fulfillable"] is True
    chain.put("/v1/sourcing-policies/bring", {"name": "Bring", "pickup_transfer_days": 6})
    assert asked(chain, (KETTLE, 4), nodes=["mitte"])["stores"][0]["ready_at"] == "2037-12-07T08:00:00.000000Z"
    order = {"number": "W-1", "channel": "shop", "lines": order_lines((KETTLE, 4)), "delivery": "pickup"}
    claims = chain.done("/v1/orders", {**order, "pickup_node": "mitte"})["lines"][0]["promised"]
    assert {claim["ships_at"] for claim in claims} == {"2037-12-07T08:00:00.000000Z"}


def test_the_buffer_of_the_channel_is_kept_from_every_store(chain: Api) -> None:
    chain.put("/v1/channels/shop", {**CHANNEL, "buffer": 6})
    said = asked(chain, (KETTLE, 2), nodes=["pankow", "mitte"])
    assert [store["lines"][0]["available"] for store in said["stores"]] == [1, 1]
    assert said["fulfillable"] is False
