"""Whoever waits is served first, whatever frees the units: goods, a setting, a word of somebody. Over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import BERLIN, Api, order_lines

NODE = {"kind": "store", "country": "DE", "latitude": 52.5, "longitude": 13.4}
LAMP, SHADE = "PAPER-LAMP", "LINEN-SHADE"


def shop(api: Api, policy: dict[str, Any] | None = None, **nodes: dict[str, Any]) -> None:
    """Some nodes of one channel, and two items that may be backordered."""
    document: dict[str, Any] = {
        "nodes": {name: {"name": name, **NODE, **more} for name, more in nodes.items()},
        "items": {sku: {"name": sku, "backorderable": True} for sku in (LAMP, SHADE)},
        "channels": {"web-de": {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR"}},
    }
    if policy is not None:
        document["sourcing_policies"] = {"own": {"name": "Own", **policy}}
        document["channels"]["web-de"]["sourcing_policy"] = "own"
    api.done("/v1/configuration", document)


def put(api: Api, path: str, body: Any) -> None:
    answer = api.put(path, body)
    assert answer.status_code in (200, 201), answer.text


def state(api: Api, number: str) -> tuple[str, list[int]]:
    """The state of an order, and units allocated line by line."""
    order = api.read(f"/v1/orders/{number}")
    return order["state"], [line["allocated"] for line in order["lines"]]


def node(**more: Any) -> dict[str, Any]:
    return {"name": "soho", **NODE, **more}


CHANNEL = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR"}

# What keeps units back at first, by the path it is set at; and what frees them.
SETTINGS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a node is enabled": ("/v1/nodes/soho", node(enabled=False), node()),
    "a node sends again": ("/v1/nodes/soho", node(ships=False, pickup=True), node()),
    "a day limit is lifted": ("/v1/nodes/soho", node(orders_per_day_max=0), node()),
    "a day limit is raised": ("/v1/nodes/soho", node(orders_per_day_max=0), node(orders_per_day_max=9)),
    "a node gets opening hours": ("/v1/nodes/soho", node(opening_hours={}), node()),
    "the buffer is lowered": ("/v1/channels/web-de", {**CHANNEL, "buffer": 5}, {**CHANNEL, "buffer": 0}),
    "the channel gets the node": (
        "/v1/channels/web-de",
        {**CHANNEL, "nodes": ["kiosk"]},
        {**CHANNEL, "nodes": ["kiosk", "soho"]},
    ),
    "safety stock is lowered": (f"/v1/nodes/soho/items/{LAMP}", {"safety_stock": 5}, {"safety_stock": 0}),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_frees_units_serves_who_waits_before_new_customers(empty: Api, setting: str) -> None:
    path, before, after = SETTINGS[setting]
    shop(empty, soho={}, kiosk={})
    put(empty, path, before)
    empty.receive(LAMP, "soho", 5)
    empty.order("W-1", (LAMP, 2))
    assert state(empty, "W-1") == ("backordered", [0])
    put(empty, path, after)
    assert state(empty, "W-1") == ("open", [2])
    assert empty.order("W-2", (LAMP, 4))["lines"][0]["allocated"] == 3
    empty.receive(LAMP, "soho", 1)
    assert state(empty, "W-2") == ("open", [4])


def test_an_item_that_is_sellable_again_serves_who_waits(empty: Api) -> None:
    shop(empty, soho={})
    empty.order("W-1", (LAMP, 2))
    put(empty, f"/v1/nodes/soho/items/{LAMP}", {"sellable": False})
    empty.receive(LAMP, "soho", 5)
    assert state(empty, "W-1") == ("backordered", [0])
    put(empty, f"/v1/nodes/soho/items/{LAMP}", {"sellable": True})
    assert state(empty, "W-1") == ("open", [2])


def test_who_waits_is_served_in_order_of_placing_with_whatever_is_left(empty: Api) -> None:
    shop(empty, soho={"enabled": False})
    empty.receive(LAMP, "soho", 5)
    for number, units in (("W-1", 2), ("W-2", 2), ("W-3", 2)):
        empty.order(number, (LAMP, units))
    put(empty, "/v1/nodes/soho", node())
    assert [state(empty, number) for number in ("W-1", "W-2", "W-3")] == [
        ("open", [2]),
        ("open", [2]),
        ("backordered", [1]),
    ]


def test_a_new_day_of_a_full_node_serves_who_waits(empty: Api) -> None:
    shop(empty, soho={"orders_per_day_max": 1})
    empty.receive(LAMP, "soho", 9)
    empty.order("W-1", (LAMP, 1))
    empty.order("W-2", (LAMP, 1))
    assert [state(empty, "W-1")[0], state(empty, "W-2")[0]] == ["open", "backordered"]
    empty.later(2 * 86_400)
    empty.order("W-3", (LAMP, 1))
    assert [state(empty, "W-2")[0], state(empty, "W-3")[0]] == ["open", "backordered"]


def test_a_place_that_is_free_again_serves_who_waits_for_something_else(empty: Api) -> None:
    shop(empty, soho={"orders_per_day_max": 1})
    empty.receive(LAMP, "soho", 9)
    empty.receive(SHADE, "soho", 9)
    empty.order("W-1", (LAMP, 1))
    empty.order("W-2", (SHADE, 1))
    empty.done("/v1/orders/W-1/cancel", {"reason": "changed my mind"})
    assert state(empty, "W-2") == ("open", [1])


def test_an_order_that_is_sent_complete_waits_until_all_of_it_is_there(empty: Api) -> None:
    shop(empty, {"ship_complete": True}, soho={})
    empty.receive(SHADE, "soho", 5)
    empty.order("W-1", (LAMP, 1), (SHADE, 1))
    empty.order("W-2", (LAMP, 5))
    assert state(empty, "W-1") == ("backordered", [0, 0])
    empty.receive(LAMP, "soho", 1)
    assert state(empty, "W-1") == ("open", [1, 1])
    assert len(empty.read("/v1/orders/W-1")["fulfilments"]) == 1
    empty.receive(LAMP, "soho", 4)
    assert state(empty, "W-2") == ("backordered", [0])
    assert empty.order("W-3", (LAMP, 4))["state"] == "open", "no units are set aside for who is passed over"
    empty.receive(LAMP, "soho", 5)
    assert state(empty, "W-2") == ("open", [5])


def test_an_order_keeps_the_policy_it_was_placed_under(empty: Api) -> None:
    shop(empty, {"ship_complete": True}, soho={})
    empty.order("W-1", (LAMP, 1), (SHADE, 1))
    put(empty, "/v1/sourcing-policies/own", {"name": "Own"})
    empty.order("W-2", (LAMP, 1), (SHADE, 1))
    empty.receive(LAMP, "soho", 1)
    assert (state(empty, "W-1")[1], state(empty, "W-2")[1]) == ([0, 0], [1, 0])
    empty.restart()
    empty.receive(LAMP, "soho", 1)
    empty.receive(SHADE, "soho", 1)
    assert (state(empty, "W-1")[1], state(empty, "W-2")[1]) == ([1, 1], [1, 0])


@pytest.mark.parametrize(
    ("policy", "second"),
    [
        ({"nodes_max": 1}, "backordered"),
        ({"line_split": False}, "backordered"),
        ({"nodes_max": 2}, "open"),
    ],
)
def test_what_comes_elsewhere_serves_an_order_only_as_its_policy_may_split_it(
    empty: Api, policy: dict[str, Any], second: str
) -> None:
    shop(empty, policy, soho={}, kiosk={})
    empty.receive(LAMP, "soho", 3)
    empty.order("W-1", (LAMP, 5))
    empty.receive(LAMP, "kiosk", 2)
    assert state(empty, "W-1")[0] == second
    empty.receive(LAMP, "soho", 2)
    assert state(empty, "W-1")[0] == "open"


def test_what_becomes_due_at_one_node_for_one_order_goes_together(empty: Api) -> None:
    shop(empty, soho={})
    empty.order("W-1", (LAMP, 3))
    empty.receive(LAMP, "soho", 1)
    empty.receive(LAMP, "soho", 1)
    (work,) = empty.read("/v1/orders/W-1")["fulfilments"]
    assert [line["quantity"] for line in work["lines"]] == [2]
    empty.done(f"/v1/fulfilments/{work['id']}/accept")
    empty.receive(LAMP, "soho", 1)
    works = empty.read("/v1/orders/W-1")["fulfilments"]
    assert [(one["state"], one["lines"][0]["quantity"]) for one in works] == [("accepted", 2), ("released", 1)]


def test_a_receipt_elsewhere_serves_an_order_that_its_node_gave_back(empty: Api) -> None:
    shop(empty, soho={}, kiosk={})
    put(empty, f"/v1/items/{LAMP}", {"name": "Lamp"})
    empty.receive(LAMP, "soho", 5)
    work = empty.order("W-1", (LAMP, 2))["fulfilments"][0]["id"]
    empty.done(f"/v1/fulfilments/{work}/reject", {"reason": "no_capacity"})
    empty.receive(LAMP, "soho", 5)
    assert state(empty, "W-1") == ("unsourceable", [0])
    empty.receive(LAMP, "kiosk", 2)
    assert state(empty, "W-1") == ("open", [2])


def test_an_order_that_its_only_node_gave_back_can_be_given_to_it_again(empty: Api) -> None:
    shop(empty, soho={}, kiosk={})
    put(empty, f"/v1/items/{LAMP}", {"name": "Lamp"})
    empty.receive(LAMP, "soho", 5)
    work = empty.order("W-1", (LAMP, 2))["fulfilments"][0]["id"]
    empty.done(f"/v1/fulfilments/{work}/reject", {"reason": "no_capacity"})
    again = "/v1/orders/W-1/source-again"
    refused = empty.refused(again, {}, 409, "insufficient_stock")
    assert "soho gave it back" in refused["detail"]
    assert "also_rejected_by" in refused["detail"]
    empty.refused(again, {"nodes": ["kiosk"], "also_rejected_by": True}, 409, "insufficient_stock")
    empty.refused(again, {"nodes": ["atlantis"]}, 422, "unknown_node", "/nodes/0")
    empty.refused(again, {"nodes": []}, 400, "malformed_request")
    change = {"reason": "called", "set": [{"id": "1", "quantity": 3}]}
    assert "soho gave it back" in empty.refused("/v1/orders/W-1/changes", change, 409, "insufficient_stock")["detail"]
    order = empty.done(again, {"nodes": ["soho"], "also_rejected_by": True})
    assert (order["state"], order["lines"][0]["allocated"]) == ("open", 2)


def test_a_rejected_pickup_that_becomes_a_parcel_is_placed_at_once(empty: Api) -> None:
    shop(empty, soho={"pickup": True}, kiosk={})
    empty.receive(LAMP, "soho", 2)
    empty.receive(LAMP, "kiosk", 5)
    order = empty.order("W-1", (LAMP, 2), delivery="pickup", pickup_node="soho", ship_to=None)
    empty.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/reject", {"reason": "damaged"})
    change = empty.done("/v1/orders/W-1/changes", {"reason": "called", "delivery": "ship"})
    moves = [(each["node"], each["target_account"], each["quantity"]) for each in change["effects"]["stock"]]
    assert moves == [("kiosk", "allocated", 2)]
    empty.done(f"/v1/changes/{change['id']}/confirm")
    assert state(empty, "W-1") == ("open", [2])
    assert empty.read("/v1/orders/W-1")["fulfilments"][-1]["node"] == "kiosk"


def test_work_is_moved_to_a_named_node_in_one_step_or_not_at_all(empty: Api) -> None:
    shop(empty, soho={}, kiosk={})
    empty.receive(LAMP, "soho", 3)
    order = empty.order("W-1", (LAMP, 3))
    move = f"/v1/fulfilments/{order['fulfilments'][0]['id']}/move"
    assert "move" in order["fulfilments"][0]["allowed"]
    empty.receive(LAMP, "kiosk", 2)
    refused = empty.refused(move, {"node": "kiosk"}, 409, "insufficient_stock")
    assert refused["lines"] == [{"sku": LAMP, "requested": 3, "available": 2}]
    empty.refused(move, {"node": "atlantis"}, 422, "unknown_node", "/node")
    empty.refused(move, {"node": "soho"}, 409, "invalid_transition", "/node")
    empty.refused(move, {"node": "kiosk", "lines": [{"line": "9", "quantity": 1}]}, 422, "unknown_line")
    empty.refused(move, {"node": "kiosk", "lines": [{"line": "1", "quantity": 4}]}, 409, "exceeds_allocated")
    left = empty.done(move, {"node": "kiosk", "lines": [{"line": "1", "quantity": 2}]})
    assert (left["state"], left["lines"][0]["quantity"]) == ("released", 1)
    works = empty.read("/v1/orders/W-1")["fulfilments"]
    assert [(one["node"], one["state"], one["lines"][0]["quantity"]) for one in works] == [
        ("soho", "released", 1),
        ("kiosk", "released", 2),
    ]
    assert (empty.stock(LAMP, "soho")["available"], empty.stock(LAMP, "kiosk")["available"]) == (2, 0)
    empty.receive(LAMP, "kiosk", 1)
    assert empty.done(move, {"node": "kiosk"})["reason"] == "moved"
    assert [line["quantity"] for line in empty.read("/v1/orders/W-1")["fulfilments"][1]["lines"]] == [3]


def test_a_claim_is_moved_to_a_named_node_in_one_step_or_not_at_all(empty: Api) -> None:
    shop(empty, soho={}, kiosk={})
    empty.receive(LAMP, "soho", 3)
    held = empty.done("/v1/reservations", {"channel": "web-de", "lines": [{"sku": LAMP, "quantity": 3}]})
    move = f"/v1/reservations/{held['id']}/move"
    empty.receive(LAMP, "kiosk", 2)
    empty.refused(move, {"node": "kiosk"}, 409, "insufficient_stock")
    empty.refused(move, {"node": "kiosk", "lines": [{"sku": SHADE, "quantity": 1}]}, 422, "unknown_line")
    moved = empty.done(move, {"node": "kiosk", "lines": [{"sku": LAMP, "quantity": 2}]})
    assert [(s["node"], s["quantity"]) for s in moved["lines"][0]["sources"]] == [("soho", 1), ("kiosk", 2)]
    assert (empty.stock(LAMP, "soho")["reserved"], empty.stock(LAMP, "kiosk")["reserved"]) == (1, 2)


@pytest.mark.parametrize("node_setting", [{"enabled": False}, {"ships": False, "pickup": True}, {}])
def test_what_no_node_of_the_channel_may_sell_is_not_backordered(empty: Api, node_setting: dict[str, Any]) -> None:
    shop(empty, soho=node_setting)
    if not node_setting:
        put(empty, f"/v1/nodes/soho/items/{LAMP}", {"sellable": False})
    lines = [{"sku": LAMP, "quantity": 2}]
    for path, body in (
        ("/v1/orders", {"number": "W-1", "channel": "web-de", "lines": order_lines((LAMP, 2)), "ship_to": BERLIN}),
        ("/v1/reservations", {"channel": "web-de", "lines": lines}),
    ):
        refused = empty.refused(path, body, 409, "insufficient_stock")
        assert refused["lines"] == [{"sku": LAMP, "requested": 2, "available": 0}]
    answer = empty.done("/v1/availability", {"channel": "web-de", "lines": lines})
    assert (answer["fulfillable"], answer["lines"][0].get("backordered", 0)) == (False, 0)


def test_a_basket_with_a_backorder_is_reserved_and_becomes_the_orders(empty: Api) -> None:
    shop(empty, soho={})
    put(empty, f"/v1/items/{SHADE}", {"name": "Shade"})
    empty.receive(SHADE, "soho", 1)
    lines = [{"sku": SHADE, "quantity": 1}, {"sku": LAMP, "quantity": 2}]
    basket = {"channel": "web-de", "lines": lines}
    asked = empty.done("/v1/availability", basket)
    assert [line.get("backordered", 0) for line in asked["lines"]] == [0, 2]
    held = empty.done("/v1/reservations", basket)
    assert [(line["reserved"], line["backordered"]) for line in held["lines"]] == [(1, 0), (0, 2)]
    assert empty.read(f"/v1/reservations/{held['id']}")["lines"] == held["lines"]
    order = empty.order("W-1", (SHADE, 1), (LAMP, 2), reservation=held["id"])
    assert [(line["allocated"], line["backordered"]) for line in order["lines"]] == [(1, 0), (0, 2)]


def test_a_reservation_that_waits_is_changed_released_served_and_confirmed_with_less(empty: Api) -> None:
    shop(empty, soho={})
    basket = {"channel": "web-de", "lines": [{"sku": LAMP, "quantity": 2}]}
    held = empty.done("/v1/reservations", basket)
    path = f"/v1/reservations/{held['id']}"
    more = empty.done(f"{path}/change", {"lines": [{"sku": LAMP, "quantity": 5}]})
    assert (more["lines"][0]["requested"], more["lines"][0]["backordered"]) == (5, 5)
    empty.order("W-9", (LAMP, 1))
    empty.receive(LAMP, "soho", 3)
    served = empty.read(path)["lines"][0]
    assert (served["reserved"], served["backordered"]) == (3, 2)
    assert state(empty, "W-9") == ("backordered", [0]), "who came later is served later"
    less = empty.done(f"{path}/release", {"lines": [{"sku": LAMP, "quantity": 1}]})
    assert (less["lines"][0]["reserved"], less["lines"][0]["backordered"]) == (3, 1)
    empty.done(f"{path}/extend", {"ttl_seconds": 600})
    refused = {"number": "W-1", "channel": "web-de", "lines": order_lines((LAMP, 5)), "reservation": held["id"]}
    assert empty.refused("/v1/orders", refused, 409, "exceeds_reservation")["lines"][0]["available"] == 4
    empty.order("W-1", (LAMP, 2), reservation=held["id"])
    assert (state(empty, "W-1"), state(empty, "W-9")) == (("open", [2]), ("open", [1]))


def test_a_reservation_that_expires_frees_what_it_held_for_who_waits_next(empty: Api) -> None:
    shop(empty, soho={})
    empty.receive(LAMP, "soho", 1)
    basket = {"channel": "web-de", "lines": [{"sku": LAMP, "quantity": 2}], "ttl_seconds": 60}
    assert empty.done("/v1/reservations", basket)["lines"][0]["backordered"] == 1
    empty.order("W-1", (LAMP, 1))
    empty.later(120)
    empty.receive(SHADE, "soho", 1)
    assert state(empty, "W-1") == ("open", [1])
