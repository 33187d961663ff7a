"""What nodes report over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import Api


def placed(api: Api, number: str, *lines: tuple[str, int]) -> str:
    """The id of the first fulfilment of a new order."""
    fulfilment: str = api.order(number, *lines)["fulfilments"][0]["id"]
    return fulfilment


def test_steps_go_forward_and_a_shipped_unit_leaves_on_hand(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    fulfilment = placed(api, "W-1", ("BRASS-KETTLE", 2))
    for action, state in (("accept", "accepted"), ("pick", "picked"), ("pack", "packed")):
        assert api.done(f"/v1/fulfilments/{fulfilment}/{action}")["state"] == state
        assert api.stock("BRASS-KETTLE", "leipzig")["on_hand"] == 5
    shipped = api.done(f"/v1/fulfilments/{fulfilment}/ship", {"tracking": {"carrier": "dhl", "code": "0034"}})
    assert (shipped["state"], shipped["tracking"]) == ("shipped", {"carrier": "dhl", "code": "0034"})
    there = api.stock("BRASS-KETTLE", "leipzig")
    assert (there["on_hand"], there["allocated"], there["available"]) == (3, 0, 3)
    assert api.read("/v1/orders/W-1")["state"] == "shipped"
    assert api.done(f"/v1/fulfilments/{fulfilment}/deliver", {})["state"] == "delivered"
    assert api.read("/v1/orders/W-1")["state"] == "delivered"
    assert api.read(f"/v1/fulfilments/{fulfilment}")["tracking"]["code"] == "0034"


def test_steps_may_be_skipped_but_never_taken_back(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    fulfilment = placed(api, "W-1", ("BRASS-KETTLE", 2))
    assert api.done(f"/v1/fulfilments/{fulfilment}/deliver")["state"] == "delivered"
    for action in ("accept", "ship", "deliver"):
        api.refused(f"/v1/fulfilments/{fulfilment}/{action}", {}, 409, "invalid_transition")
    api.refused(f"/v1/fulfilments/{fulfilment}/reject", {"reason": "damaged"}, 409, "invalid_transition")


def test_a_node_that_rejected_an_order_is_never_offered_it_again(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 5)
    api.receive("CUSHION", "berlin", 5)
    first = placed(api, "W-1", ("CUSHION", 4))
    assert api.read(f"/v1/fulfilments/{first}")["node"] == "berlin"
    assert api.done(f"/v1/fulfilments/{first}/reject", {"reason": "no_capacity"})["state"] == "rejected"
    order = api.read("/v1/orders/W-1")
    assert [(f["node"], f["state"]) for f in order["fulfilments"]] == [("berlin", "rejected"), ("leipzig", "released")]
    second = order["fulfilments"][1]["id"]
    api.done(f"/v1/fulfilments/{second}/reject", {"reason": "not_found", "note": "shelf empty"})
    assert api.read("/v1/orders/W-1")["lines"][0]["backordered"] == 4
    api.receive("CUSHION", "berlin", 100)
    api.receive("CUSHION", "leipzig", 100)
    assert api.read("/v1/orders/W-1")["lines"][0]["backordered"] == 4
    api.refused("/v1/orders/W-1/source-again", None, 409, "insufficient_stock")
    api.receive("CUSHION", "krakow", 4)
    order = api.read("/v1/orders/W-1")
    assert (order["state"], order["fulfilments"][-1]["node"]) == ("open", "krakow")


@pytest.mark.parametrize(
    ("reason", "balances"),
    [
        ("not_found", {"available": 0, "allocated": 0, "unsellable": 0}),
        ("damaged", {"available": 3, "allocated": 0, "unsellable": 2}),
        ("no_capacity", {"available": 5, "allocated": 0, "unsellable": 0}),
    ],
)
def test_the_reason_says_what_becomes_of_the_units(api: Api, reason: str, balances: dict[str, int]) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    fulfilment = placed(api, "W-1", ("BRASS-KETTLE", 2))
    assert api.done(f"/v1/fulfilments/{fulfilment}/reject", {"reason": reason})["reason"] == reason
    assert api.stock("BRASS-KETTLE", "leipzig").items() >= balances.items()
    order = api.read("/v1/orders/W-1")
    assert (order["state"], order["lines"][0]["unsourceable"]) == ("unsourceable", 2)


def test_what_no_node_could_send_is_sourced_when_units_come(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 2)
    fulfilment = placed(api, "W-1", ("BRASS-KETTLE", 2))
    api.done(f"/v1/fulfilments/{fulfilment}/reject", {"reason": "damaged"})
    api.receive("BRASS-KETTLE", "krakow", 9)
    order = api.read("/v1/orders/W-1")
    assert (order["state"], order["fulfilments"][-1]["node"]) == ("open", "krakow")
    api.refused("/v1/orders/W-1/source-again", {}, 409, "invalid_transition")


@pytest.mark.parametrize("fulfilment", ["f-99", "99", "f-", "f-01", "f-1x", "f-" + "9" * 30, "r-1"])
def test_an_unknown_fulfilment_is_not_found(api: Api, fulfilment: str) -> None:
    assert api.get(f"/v1/fulfilments/{fulfilment}").status_code == 404
    for action in ("accept", "pick", "pack", "ship", "deliver"):
        api.refused(f"/v1/fulfilments/{fulfilment}/{action}", None, 404, "not_found")
    api.refused(f"/v1/fulfilments/{fulfilment}/reject", {"reason": "damaged"}, 404, "not_found")


@pytest.mark.parametrize(
    ("action", "body", "pointer"),
    [
        ("reject", {}, "/reason"),
        ("reject", {"reason": "bored"}, "/reason"),
        ("ship", {"tracking": {"carrier": "dhl"}}, "/tracking/code"),
        ("ship", {"tracking": {"carrier": "", "code": "1"}}, "/tracking/carrier"),
        ("accept", {"note": "ok"}, "/note"),
    ],
)
def test_a_bad_report_is_named_and_nothing_is_changed(api: Api, action: str, body: Any, pointer: str) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 2)
    fulfilment = placed(api, "W-1", ("BRASS-KETTLE", 2))
    api.refused(f"/v1/fulfilments/{fulfilment}/{action}", body, 400, "malformed_request", pointer)


def test_fulfilments_are_listed_by_node_and_state_page_by_page(api: Api) -> None:
    api.receive("CUSHION", "berlin", 3)
    api.receive("CUSHION", "leipzig", 9)
    for number, quantity in enumerate((2, 2, 2, 2, 4), 1):
        api.order(f"W-{number}", ("CUSHION", quantity))
    fulfilments = [f for n in range(5, 0, -1) for f in reversed(api.read(f"/v1/orders/W-{n}")["fulfilments"])]
    assert len(fulfilments) == 6
    api.done(f"/v1/fulfilments/{fulfilments[-1]['id']}/deliver")
    api.node.writer.flush_closed()
    ids = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.read(f"/v1/fulfilments?limit=1{cursor}")
        assert len(page["items"]) <= 1
        ids += [fulfilment["id"] for fulfilment in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert ids == [fulfilment["id"] for fulfilment in fulfilments]
    at_berlin = api.read("/v1/fulfilments?node=berlin&state=released")["items"]
    assert [f["id"] for f in at_berlin] == [f["id"] for f in fulfilments[:-1] if f["node"] == "berlin"]
    assert [f["id"] for f in api.read("/v1/fulfilments?state=delivered")["items"]] == [fulfilments[-1]["id"]]


def test_a_report_is_answered_again_under_its_key_after_a_restart(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 3)
    fulfilment = placed(api, "W-1", ("CUSHION", 1))
    first = api.post(f"/v1/fulfilments/{fulfilment}/ship", {}, key="scan-1")
    api.restart()
    again = api.post(f"/v1/fulfilments/{fulfilment}/ship", None, key="scan-1")
    assert (again.status_code, again.content) == (200, first.content)
    assert (
        api.post(f"/v1/fulfilments/{fulfilment}/deliver", {}, key="scan-1").json()["code"] == "idempotency_key_reused"
    )
