"""At the counter: what is ready is handed out in part, divided, or found to be short."""

import copy
from typing import Any

import pytest

from tests.api.conftest import SHOP, Api

KETTLE = "BRASS-KETTLE"


@pytest.fixture
def ready(empty: Api) -> Api:
    """Three kettles at 19.99 and two cushions are ready for pickup in Berlin."""
    document = copy.deepcopy(SHOP)
    document["nodes"]["berlin"]["pickup"] = True
    document["tax_rates"] = {"DE": {"classes": {"standard": [{"rate": "0.19"}]}}}
    empty.done("/v1/configuration", document)
    empty.receive(KETTLE, "berlin", 3)
    empty.receive("CUSHION", "berlin", 2)
    lines = [
        {"id": "1", "sku": KETTLE, "quantity": 3, "unit_price_minor": 1999},
        {"id": "2", "sku": "CUSHION", "quantity": 2, "unit_price_minor": 900},
    ]
    body = {"number": "W-1", "channel": "web-de", "lines": lines, "delivery": "pickup", "pickup_node": "berlin"}
    empty.done("/v1/orders", body)
    empty.done("/v1/fulfilments/f-1/ready")
    return empty


def lines(*units: tuple[str, int]) -> dict[str, Any]:
    return {"lines": [{"line": line, "quantity": quantity} for line, quantity in units]}


def test_a_part_is_handed_out_and_the_rest_goes_on_waiting(ready: Api) -> None:
    until = ready.read("/v1/fulfilments/f-1")["pickup_until"]
    handed_out = ready.done("/v1/fulfilments/f-1/collect", lines(("1", 2)))
    assert (handed_out["state"], handed_out["lines"]) == ("collected", [{"line": "1", "sku": KETTLE, "quantity": 2}])
    rest = ready.read("/v1/fulfilments/f-2")
    assert (rest["state"], rest["pickup_until"]) == ("ready", until)
    assert [(line["line"], line["quantity"]) for line in rest["lines"]] == [("1", 1), ("2", 2)]
    assert ready.stock(KETTLE, "berlin")["on_hand"] == 1
    assert ready.read("/v1/orders/W-1")["lines"][0]["shipped"] == 2
    ready.restart()
    ready.done("/v1/fulfilments/f-2/collect")
    assert ready.read("/v1/orders/W-1")["state"] == "collected"


def test_what_is_handed_out_in_parts_is_invoiced_in_parts(ready: Api) -> None:
    ready.done("/v1/fulfilments/f-1/collect", lines(("1", 1)))
    ready.done("/v1/fulfilments/f-2/collect", lines(("1", 2), ("2", 2)))
    money = ready.read("/v1/orders/W-1")["money"]
    invoices = [one["total_minor"] for one in money["documents"] if one["type"] == "invoice"]
    assert (invoices, money["total_minor"]) == ([1999, 2 * 1999 + 2 * 900], 3 * 1999 + 2 * 900)
    assert ready.read("/v1/ledger/money")["balanced"]


def test_more_than_is_there_is_not_handed_out(ready: Api) -> None:
    ready.refused("/v1/fulfilments/f-1/collect", lines(("1", 4)), 409, "exceeds_allocated", "/lines/0/quantity")
    ready.refused("/v1/fulfilments/f-1/collect", lines(("9", 1)), 422, "unknown_line", "/lines/0/line")
    ready.refused("/v1/fulfilments/f-1/collect", {"lines": []}, 400, "malformed_request")


def test_what_is_ready_can_be_divided_and_joined(ready: Api) -> None:
    assert {"split", "short", "merge"} <= set(ready.read("/v1/fulfilments/f-1")["allowed"])
    part = ready.done("/v1/fulfilments/f-1/split", lines(("2", 2)))
    assert (part["id"], part["state"]) == ("f-2", "ready")
    ready.done("/v1/fulfilments/f-1/merge", {"with": "f-2"})
    assert len(ready.read("/v1/fulfilments/f-1")["lines"]) == 2


def test_what_turns_out_broken_at_the_counter_is_short_and_the_rest_stays_ready(ready: Api) -> None:
    found = {"lines": [{"line": "1", "found": 2}], "reason": "damaged"}
    left = ready.done("/v1/fulfilments/f-1/short", found)
    assert (left["state"], left["lines"][0]["quantity"]) == ("ready", 2)
    assert ready.read("/v1/orders/W-1")["lines"][0]["unsourceable"] == 1
    assert ready.stock(KETTLE, "berlin")["unsellable"] == 1
    ready.done("/v1/fulfilments/f-1/collect")
