"""An item that is not sold any more: promised to nobody, while what was promised stands."""

from typing import Any

import pytest

from engine.replay import dumping
from engine.state.state import State
from engine.wal import MemoryClosedTable
from tests.api.conftest import BERLIN, Api

KETTLE = {"name": "Brass kettle", "weight_grams": 900}


def sell(api: Api, sellable: bool, **more: Any) -> None:
    assert api.put("/v1/items/BRASS-KETTLE", {**KETTLE, "sellable": sellable, **more}).status_code == 200


def sold(api: Api) -> int:
    """Units that the channel could promise, asked in every way there is."""
    lines = [{"sku": "BRASS-KETTLE", "quantity": 1}]
    answer = api.done("/v1/availability", {"channel": "web-de", "lines": lines, "ship_to": BERLIN})
    feed = api.read("/v1/channels/web-de/stock-feed")["items"]
    fed = [item["available"] for item in feed if item["sku"] == "BRASS-KETTLE"]
    units: int = answer["lines"][0]["available"]
    assert fed in ([units], [])
    assert api.read("/v1/stock/BRASS-KETTLE")["available_to_promise"] == units
    return units


@pytest.fixture
def stocked(api: Api) -> Api:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    return api


def test_an_item_that_is_not_sold_is_promised_to_nobody(stocked: Api) -> None:
    assert sold(stocked) == 5
    sell(stocked, False)
    assert sold(stocked) == 0
    line = {"sku": "BRASS-KETTLE", "quantity": 1}
    stocked.refused("/v1/reservations", {"channel": "web-de", "lines": [line]}, 409, "insufficient_stock")
    order = {"number": "W-1", "channel": "web-de", "lines": [{"id": "1", **line}], "ship_to": BERLIN}
    stocked.refused("/v1/orders", order, 409, "insufficient_stock")
    there = stocked.stock("BRASS-KETTLE", "leipzig")
    assert (there["on_hand"], there["sellable"]) == (5, False), "its units are where they were"
    sell(stocked, True)
    assert sold(stocked) == 5


def test_what_was_promised_of_it_stands(stocked: Api) -> None:
    line = {"sku": "BRASS-KETTLE", "quantity": 1}
    held = stocked.done("/v1/reservations", {"channel": "web-de", "lines": [line]})
    placed = stocked.order("W-1", ("BRASS-KETTLE", 2))
    sell(stocked, False)
    assert stocked.order("W-2", ("BRASS-KETTLE", 1), reservation=held["id"])["state"] == "open"
    assert stocked.done(f"/v1/fulfilments/{placed['fulfilments'][0]['id']}/ship", {})["state"] == "shipped"


def test_goods_nodes_and_rules_that_come_later_change_nothing_about_it(stocked: Api) -> None:
    sell(stocked, False)
    stocked.receive("BRASS-KETTLE", "berlin", 3)
    assert stocked.put("/v1/nodes/berlin/items/BRASS-KETTLE", {"safety_stock": 1}).status_code == 200
    leipzig = stocked.read("/v1/nodes/leipzig")
    del leipzig["id"]
    for at in range(70):  # more than the ledger has room for at first
        assert stocked.put(f"/v1/nodes/n{at}", leipzig).status_code == 200
    stocked.receive("BRASS-KETTLE", "n69", 3)
    assert sold(stocked) == 0
    stocked.restart()
    assert sold(stocked) == 0
    sell(stocked, True)
    assert sold(stocked) == 5 + 2 + 3, "what its node rules withhold is withheld again"


def test_it_is_still_not_sold_when_the_state_comes_from_a_dump(stocked: Api) -> None:
    assert stocked.put("/v1/nodes/berlin/items/BRASS-KETTLE", {"safety_stock": 1}).status_code == 200
    sell(stocked, False)
    state, copy = stocked.node.state, State(MemoryClosedTable())
    dumping.load(copy, dumping.dump(state))
    assert (copy.stock.withheld == state.stock.withheld).all()
    assert copy.stock.not_sold == state.stock.not_sold
    sku, node = copy.ledger.sku_index["BRASS-KETTLE"], copy.ledger.node_index["leipzig"]
    assert copy.stock.promisable(sku, node) == 0


def test_an_item_that_is_not_sold_is_no_backorder_either(stocked: Api) -> None:
    sell(stocked, False, backorderable=True)
    line = {"sku": "BRASS-KETTLE", "quantity": 6}
    order = {"number": "W-1", "channel": "web-de", "lines": [{"id": "1", **line}], "ship_to": BERLIN}
    for path, body in (("/v1/orders", order), ("/v1/reservations", {"channel": "web-de", "lines": [line]})):
        problem = stocked.refused(path, body, 409, "insufficient_stock")
        assert problem["lines"] == [{"sku": "BRASS-KETTLE", "requested": 6, "available": 0}]
    asked = {"channel": "web-de", "lines": [line], "ship_to": BERLIN}
    told = stocked.done("/v1/availability", asked)
    assert (told["fulfillable"], told["lines"][0].get("backordered", 0)) == (False, 0)


def test_an_item_that_is_sold_again_serves_who_waits_before_new_customers(stocked: Api) -> None:
    sell(stocked, True, backorderable=True)
    assert stocked.order("W-1", ("BRASS-KETTLE", 7))["lines"][0]["backordered"] == 2
    sell(stocked, False, backorderable=True)
    stocked.receive("BRASS-KETTLE", "leipzig", 3)
    assert stocked.read("/v1/orders/W-1")["state"] == "backordered", "off sale it is for nobody, also not for who waits"
    sell(stocked, True, backorderable=True)
    line = stocked.read("/v1/orders/W-1")["lines"][0]
    assert (line["allocated"], line["backordered"]) == (7, 0)
    assert stocked.stock("BRASS-KETTLE", "leipzig")["available"] == 1
