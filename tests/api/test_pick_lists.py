"""Several orders of a node in one walk."""

import pytest

from tests.api.conftest import Api


@pytest.fixture
def leipzig(api: Api) -> Api:
    """Kettles in bin A-02, cushions in A-01, tea pots somewhere; three orders of them, all for Leipzig."""
    for sku, where in (("BRASS-KETTLE", "A-02"), ("CUSHION", "A-01")):
        api.put(f"/v1/nodes/leipzig/items/{sku}", {"bin": where})
    for sku in ("BRASS-KETTLE", "CUSHION", "TEA POT 2L"):
        api.receive(sku, "leipzig", 20)
    api.order("W-1", ("BRASS-KETTLE", 2), ("TEA POT 2L", 1))
    api.order("W-2", ("CUSHION", 1), ("BRASS-KETTLE", 3))
    api.order("W-3", ("CUSHION", 4))
    return api


def test_one_walk_passes_every_bin_once_and_says_which_box_gets_what(leipzig: Api) -> None:
    made = leipzig.done("/v1/pick-lists", {"node": "leipzig"})
    assert (made["id"], made["state"], made["allowed"]) == ("p-1", "open", ["pick", "cancel"])
    assert [(stop["bin"], stop["sku"], stop["quantity"]) for stop in made["stops"]] == [
        ("A-01", "CUSHION", 5), ("A-02", "BRASS-KETTLE", 5), (None, "TEA POT 2L", 1),
    ]  # fmt: skip
    assert made["stops"][1]["boxes"] == [
        {"box": 1, "fulfilment": "f-1", "quantity": 2}, {"box": 2, "fulfilment": "f-2", "quantity": 3},
    ]  # fmt: skip
    assert len(leipzig.read("/v1/fulfilments?node=leipzig&state=accepted")["items"]) == 3
    assert leipzig.done("/v1/pick-lists/p-1/pick")["state"] == "picked"
    assert len(leipzig.read("/v1/fulfilments?node=leipzig&state=picked")["items"]) == 3


def test_what_went_its_own_way_is_on_the_walk_no_more(leipzig: Api) -> None:
    leipzig.done("/v1/pick-lists", {"node": "leipzig", "fulfilments": ["f-2", "f-1"]})
    leipzig.done("/v1/orders/W-2/cancel", {"reason": "changed my mind"})
    leipzig.done("/v1/fulfilments/f-1/short", {"lines": [{"line": "1", "found": 1}], "reason": "damaged"})
    stops = leipzig.read("/v1/pick-lists/p-1")["stops"]
    assert [(stop["sku"], stop["quantity"]) for stop in stops] == [("BRASS-KETTLE", 1), ("TEA POT 2L", 1)]
    leipzig.restart()
    leipzig.done("/v1/pick-lists/p-1/pick")
    assert leipzig.read("/v1/fulfilments/f-2")["state"] == "cancelled"
    assert leipzig.read("/v1/fulfilments/f-1")["state"] == "picked"


def test_work_is_on_one_list_at_a_time(leipzig: Api) -> None:
    leipzig.done("/v1/pick-lists", {"node": "leipzig", "fulfilments_max": 2})
    leipzig.refused(
        "/v1/pick-lists", {"node": "leipzig", "fulfilments": ["f-3", "f-1"]}, 409, "in_use", "/fulfilments/1"
    )
    assert leipzig.done("/v1/pick-lists", {"node": "leipzig"})["fulfilments"] == ["f-3"]
    leipzig.refused("/v1/pick-lists", {"node": "leipzig"}, 409, "invalid_transition")
    leipzig.done("/v1/pick-lists/p-1/cancel")
    leipzig.refused("/v1/pick-lists/p-1/pick", {}, 409, "invalid_transition")
    assert leipzig.done("/v1/pick-lists", {"node": "leipzig"})["fulfilments"] == ["f-1", "f-2"]


def test_lists_that_cannot_be_are_refused(leipzig: Api) -> None:
    leipzig.refused("/v1/pick-lists", {"node": "moon"}, 422, "unknown_node")
    for wrong in ("f-99", "x", "r-1"):
        leipzig.refused("/v1/pick-lists", {"node": "leipzig", "fulfilments": [wrong]}, 422, "unknown_fulfilment")
    leipzig.refused("/v1/pick-lists", {"node": "berlin", "fulfilments": ["f-1"]}, 422, "unknown_fulfilment")
    leipzig.refused("/v1/pick-lists", {"node": "leipzig", "fulfilments": ["f-1", "f-1"]}, 400, "malformed_request")
    leipzig.done("/v1/fulfilments/f-1/pick")
    leipzig.refused("/v1/pick-lists", {"node": "leipzig", "fulfilments": ["f-1"]}, 409, "invalid_transition")
    leipzig.refused("/v1/pick-lists/p-9/cancel", {}, 404, "not_found")


def test_lists_are_listed_by_node_and_state(leipzig: Api) -> None:
    for _ in range(3):
        leipzig.done("/v1/pick-lists", {"node": "leipzig", "fulfilments_max": 1})
    leipzig.done("/v1/pick-lists/p-2/pick")
    assert [item["id"] for item in leipzig.read("/v1/pick-lists")["items"]] == ["p-3", "p-2", "p-1"]
    assert [item["id"] for item in leipzig.read("/v1/pick-lists?state=open&node=leipzig")["items"]] == ["p-3", "p-1"]
    page = leipzig.read("/v1/pick-lists?limit=2")
    assert [item["id"] for item in leipzig.read(f"/v1/pick-lists?cursor={page['next_cursor']}")["items"]] == ["p-1"]
    assert leipzig.read("/v1/pick-lists?node=berlin")["items"] == []


def test_numbers_in_bins_are_walked_by_value(api: Api) -> None:
    bins = {
        "S-1": "A-10",
        "S-2": "A-9",
        "S-3": "A-9-2",
        "S-4": "b-1",
        "S-5": "10",
        "S-6": "9",
        "S-7": "A-009",
        "S-8": None,
    }
    api.done("/v1/configuration", {"items": {sku: {"name": sku} for sku in bins}})
    for sku, where in bins.items():
        if where is not None:
            api.put(f"/v1/nodes/leipzig/items/{sku}", {"bin": where})
        api.receive(sku, "leipzig", 1)
    api.order("W-1", *((sku, 1) for sku in bins))
    stops = api.done("/v1/pick-lists", {"node": "leipzig"})["stops"]
    assert [stop["bin"] for stop in stops] == ["9", "10", "A-009", "A-9", "A-9-2", "A-10", "b-1", None]
