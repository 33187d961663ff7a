"""The life of an order over HTTP, beyond placing and shipping: holds, pickup, short picks, parcels, suppliers, changes."""

from typing import Any

import pytest

from tests.api.conftest import ERIKA, INVALIDENSTRASSE, SHOP, Api

KETTLE = "BRASS-KETTLE"


def work(api: Api, number: str) -> list[tuple[str, str, int]]:
    """(node, state, units) of every fulfilment of an order."""
    order = api.read(f"/v1/orders/{number}")
    return [(f["node"], f["state"], sum(line["quantity"] for line in f["lines"])) for f in order["fulfilments"]]


def node_with(api: Api, node: str, **more: Any) -> None:
    """Set a node anew with something different about it."""
    assert api.put(f"/v1/nodes/{node}", {**SHOP["nodes"][node], **more}).status_code == 200


@pytest.fixture
def kettles(api: Api) -> Api:
    """Five kettles each in Leipzig and Berlin."""
    api.receive(KETTLE, "leipzig", 5)
    api.receive(KETTLE, "berlin", 5)
    return api


def test_a_held_order_is_on_no_nodes_list_until_its_last_hold_is_lifted(kettles: Api) -> None:
    kettles.order("W-1", (KETTLE, 2))
    held = kettles.done("/v1/orders/W-1/holds", {"handle": "fraud", "reason": "address looks odd"})
    assert (held["holds"][0]["scope"], held["lines"][0]["held"]) == ("release", 2)
    kettles.done("/v1/orders/W-1/holds", {"handle": "payment", "reason": "not paid yet"})
    assert kettles.read("/v1/fulfilments?node=berlin&state=released")["items"] == []
    assert kettles.delete("/v1/orders/W-1/holds/fraud").json()["lines"][0]["held"] == 2
    assert kettles.delete("/v1/orders/W-1/holds/payment").json()["lines"][0]["released"] == 2
    assert len(kettles.read("/v1/fulfilments?node=berlin&state=released")["items"]) == 1
    assert kettles.delete("/v1/orders/W-1/holds/payment").status_code == 404
    kinds = [entry["kind"] for entry in kettles.read("/v1/orders/W-1/history")["items"]]
    assert kinds == ["order_placed", "order_held", "order_held", "hold_lifted", "hold_lifted"]


def test_a_hold_is_lifted_once_and_only_of_the_order_that_was_seen(kettles: Api) -> None:
    kettles.order("W-1", (KETTLE, 2), holds=[{"handle": "payment", "reason": "not paid yet"}])
    path, before = "/v1/orders/W-1/holds/payment", kettles.get("/v1/orders/W-1").headers["etag"]
    kettles.done("/v1/orders/W-1/holds", {"handle": "fraud", "reason": "address looks odd"})
    assert kettles.call("DELETE", path, headers={"if-match": before}).status_code == 412
    now = kettles.get("/v1/orders/W-1").headers["etag"]
    lifted = kettles.call("DELETE", path, headers={"if-match": now})
    assert (lifted.status_code, len(lifted.json()["holds"])) == (200, 1)
    for missing in (path, "/v1/orders/W-404/holds/payment"):
        problem = kettles.delete(missing)
        assert (problem.status_code, problem.json()["code"]) == (404, "not_found")


def test_an_order_can_be_placed_held(kettles: Api) -> None:
    order = kettles.order("W-1", (KETTLE, 2), holds=[{"handle": "payment", "reason": "not paid yet"}])
    assert [f["state"] for f in order["fulfilments"]] == ["held"]
    assert order["allowed"] == ["cancel", "change", "hold", "lift", "note", "appease"]
    twice = [{"handle": "a", "reason": "x"}, {"handle": "a", "reason": "y"}]
    body = {"number": "W-2", "channel": "web-de", "lines": [{"id": "1", "sku": KETTLE, "quantity": 1}], "holds": twice}
    kettles.refused("/v1/orders", body, 400, "malformed_request")


def test_a_hold_on_shipping_lets_the_node_work_and_nothing_leave(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 2))["fulfilments"][0]["id"]
    kettles.done("/v1/orders/W-1/holds", {"handle": "customs", "reason": "papers missing", "scope": "ship"})
    packed = kettles.done(f"/v1/fulfilments/{fulfilment}/pack")
    assert "ship" not in packed["allowed"]
    problem = kettles.refused(f"/v1/fulfilments/{fulfilment}/ship", {}, 409, "invalid_transition")
    assert "what is: unpack" in problem["detail"]
    kettles.delete("/v1/orders/W-1/holds/customs")
    assert kettles.done(f"/v1/fulfilments/{fulfilment}/ship")["state"] == "shipped"


def test_notes_and_appeasements_are_told_in_the_history_of_a_closed_order_too(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 2))["fulfilments"][0]["id"]
    kettles.done(f"/v1/fulfilments/{fulfilment}/deliver")
    kettles.done("/v1/orders/W-1/notes", {"text": "asked for a call"})
    kettles.done("/v1/orders/W-1/appeasements", {"amount_minor": 500, "reason": "came late"})
    entries = kettles.read("/v1/orders/W-1/history")["items"]
    assert [entry["kind"] for entry in entries[2:]] == [
        "order_reopened", "order_noted", "order_reopened", "order_appeased",
    ]  # fmt: skip
    assert entries[-1]["data"]["amount_minor"] == 500
    assert kettles.read("/v1/orders/W-1")["state"] == "delivered"


def test_a_pickup_is_made_ready_and_collected_and_never_sent(kettles: Api) -> None:
    node_with(kettles, "berlin", pickup=True)
    order = kettles.order("W-1", (KETTLE, 2), delivery="pickup", pickup_node="berlin")
    fulfilment = order["fulfilments"][0]
    assert (order["pickup_node"], fulfilment["node"]) == ("berlin", "berlin")
    kettles.refused(f"/v1/fulfilments/{fulfilment['id']}/ship", {}, 409, "invalid_transition")
    ready = kettles.done(f"/v1/fulfilments/{fulfilment['id']}/ready", {"pickup_until": "2030-01-01T12:00:00Z"})
    assert (ready["state"], ready["pickup_until"]) == ("ready", "2030-01-01T12:00:00.000000Z")
    assert kettles.stock(KETTLE, "berlin")["on_hand"] == 5
    kettles.refused(f"/v1/fulfilments/{fulfilment['id']}/collect", None, 400, "malformed_request")
    kettles.done(f"/v1/fulfilments/{fulfilment['id']}/collect", {"all": True})
    after = kettles.read("/v1/orders/W-1")
    assert (after["state"], after["lines"][0]["collected"], after["lines"][0]["shipped"]) == ("collected", 2, 2)
    assert kettles.stock(KETTLE, "berlin")["on_hand"] == 3


def test_what_nobody_collects_is_given_back_at_its_time(kettles: Api) -> None:
    node_with(kettles, "berlin", pickup=True)
    order = kettles.order("W-1", (KETTLE, 2), delivery="reserve_in_store", pickup_node="berlin")
    kettles.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ready")
    kettles.later(7 * 86_400 - 60)
    kettles.receive(KETTLE, "leipzig", 1)
    assert work(kettles, "W-1") == [("berlin", "ready", 2)]
    kettles.later(7 * 86_400 + 60)
    kettles.receive(KETTLE, "leipzig", 1)
    assert work(kettles, "W-1")[0][1] == "lapsed"
    after = kettles.read("/v1/orders/W-1")
    assert (after["state"], after["lines"][0]["cancelled"]) == ("cancelled", 2)
    assert kettles.stock(KETTLE, "berlin")["available"] == 5


def test_a_store_that_cannot_hand_it_out_never_makes_a_parcel_of_it(kettles: Api) -> None:
    node_with(kettles, "berlin", pickup=True)
    order = kettles.order("W-1", (KETTLE, 2), delivery="pickup", pickup_node="berlin")
    kettles.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/reject", {"reason": "not_found"})
    after = kettles.read("/v1/orders/W-1")
    assert (after["state"], after["lines"][0]["unsourceable"]) == ("unsourceable", 2)
    assert kettles.stock(KETTLE, "leipzig")["available"] == 5
    assert kettles.stock(KETTLE, "berlin")["on_hand"] == 3, (
        "these two were not found, of the others nobody said anything"
    )


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"delivery": "pickup", "pickup_node": "krakow"}, 422, "no_pickup"),
        ({"delivery": "pickup", "pickup_node": "moon"}, 422, "unknown_node"),
        ({"delivery": "pickup"}, 400, "malformed_request"),
        ({"pickup_node": "berlin"}, 400, "malformed_request"),
        ({"pickup_until": "2030-01-01T12:00:00Z"}, 400, "malformed_request"),
        ({"delivery": "drone"}, 400, "malformed_request"),
    ],
)
def test_a_pickup_that_cannot_be_is_refused(kettles: Api, more: dict[str, str], status: int, code: str) -> None:
    lines = [{"id": "1", "sku": KETTLE, "quantity": 1}]
    kettles.refused("/v1/orders", {"number": "W-1", "channel": "web-de", "lines": lines, **more}, status, code)


def test_a_reservation_held_elsewhere_is_no_help_at_the_pickup_node(kettles: Api) -> None:
    node_with(kettles, "berlin", pickup=True)
    lines = [{"sku": KETTLE, "quantity": 2, "node": "leipzig"}]
    reservation = kettles.done("/v1/reservations", {"channel": "web-de", "lines": lines})["id"]
    body = {
        "number": "W-1", "channel": "web-de", "lines": [{"id": "1", "sku": KETTLE, "quantity": 2}],
        "reservation": reservation, "delivery": "pickup", "pickup_node": "berlin",
    }  # fmt: skip
    problem = kettles.refused("/v1/orders", body, 409, "exceeds_reservation")
    assert problem["lines"] == [{"sku": KETTLE, "requested": 2, "available": 0}]


def test_a_short_pick_goes_on_with_what_was_found(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 4))["fulfilments"][0]
    first, other = fulfilment["node"], "leipzig" if fulfilment["node"] == "berlin" else "berlin"
    kettles.refused(
        f"/v1/fulfilments/{fulfilment['id']}/short", {"lines": [{"line": "1", "found": 5}]}, 409, "exceeds_allocated"
    )
    kettles.refused(
        f"/v1/fulfilments/{fulfilment['id']}/short", {"lines": [{"line": "9", "found": 1}]}, 422, "unknown_line"
    )
    left = kettles.done(f"/v1/fulfilments/{fulfilment['id']}/short", {"lines": [{"line": "1", "found": 3}]})
    assert left["lines"][0]["quantity"] == 3
    assert work(kettles, "W-1") == [(first, "released", 3), (other, "released", 1)]
    there = kettles.stock(KETTLE, first)
    assert (there["on_hand"], there["available"], there["allocated"]) == (4, 1, 3), "one was not found"


def test_nothing_found_at_all_is_a_rejection(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 2))["fulfilments"][0]
    body = {"lines": [{"line": "1", "found": 0}], "reason": "damaged"}
    assert kettles.done(f"/v1/fulfilments/{fulfilment['id']}/short", body)["state"] == "rejected"
    assert kettles.stock(KETTLE, fulfilment["node"])["unsellable"] == 2


def test_work_is_divided_and_joined_again(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 4))["fulfilments"][0]["id"]
    part = kettles.done(f"/v1/fulfilments/{fulfilment}/split", {"lines": [{"line": "1", "quantity": 1}]})
    assert (part["state"], part["lines"][0]["quantity"]) == ("released", 1)
    everything = {"lines": [{"line": "1", "quantity": 3}]}
    kettles.refused(f"/v1/fulfilments/{fulfilment}/split", everything, 409, "invalid_transition")
    kettles.refused(f"/v1/fulfilments/{fulfilment}/merge", {"with": "f-999"}, 422, "unknown_fulfilment")
    kettles.done(f"/v1/fulfilments/{part['id']}/pick")
    kettles.refused(f"/v1/fulfilments/{fulfilment}/merge", {"with": part["id"]}, 409, "invalid_transition")
    kettles.done(f"/v1/fulfilments/{fulfilment}/pick")
    assert kettles.done(f"/v1/fulfilments/{fulfilment}/merge", {"with": part["id"]})["lines"][0]["quantity"] == 4
    gone = kettles.read(f"/v1/fulfilments/{part['id']}")
    assert (gone["state"], gone["reason"], gone["lines"]) == ("cancelled", "merged", [])


def test_a_fulfilment_leaves_in_several_parcels(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 3))["fulfilments"][0]["id"]
    parcels = [
        {"lines": [{"line": "1", "quantity": 2}], "weight_grams": 1_850, "tracking": {"carrier": "dhl", "code": "1"}},
        {"lines": [{"line": "1", "quantity": 1}]},
    ]
    packed = kettles.done(f"/v1/fulfilments/{fulfilment}/parcels", {"parcels": parcels})
    assert [parcel["weight_grams"] for parcel in packed["parcels"]] == [1_850, None]
    too_much = {"parcels": [*parcels, {"lines": [{"line": "1", "quantity": 1}]}]}
    kettles.refused(f"/v1/fulfilments/{fulfilment}/parcels", too_much, 409, "exceeds_allocated")
    assert len(kettles.done(f"/v1/fulfilments/{fulfilment}/ship")["parcels"]) == 2


def test_on_hand_less_available_is_promised_after_every_step(kettles: Api) -> None:
    def promised() -> int:
        there = kettles.stock(KETTLE, "berlin")
        assert there["on_hand"] - there["available"] == there["reserved"] + there["allocated"]
        allocated: int = there["allocated"]
        return allocated

    fulfilment = kettles.order("W-1", (KETTLE, 2))["fulfilments"][0]["id"]
    for action, left in (("accept", 2), ("pack", 2), ("unpack", 2), ("pack", 2), ("ship", 0)):
        kettles.done(f"/v1/fulfilments/{fulfilment}/{action}")
        assert promised() == left
    kettles.refused("/v1/orders/W-1/cancel", {"reason": "too late"}, 409, "invalid_transition")
    kettles.refused(f"/v1/fulfilments/{fulfilment}/cancel", {"reason": "too late"}, 409, "invalid_transition")
    other = kettles.order("W-2", (KETTLE, 1))["fulfilments"][0]["id"]
    assert promised() == 1
    assert kettles.done(f"/v1/fulfilments/{other}/cancel", {"reason": "changed my mind"})["state"] == "cancelled"
    assert promised() == 0
    assert kettles.read("/v1/orders/W-2")["state"] == "cancelled"


def test_work_nobody_accepts_goes_elsewhere_and_never_comes_back(kettles: Api) -> None:
    node_with(kettles, "berlin", accept_within_seconds=3_600)
    fulfilment = kettles.order("W-1", (KETTLE, 2))["fulfilments"][0]
    assert (fulfilment["node"], fulfilment["accept_by"] is None) == ("berlin", False)
    kettles.later(3_601)
    kettles.receive(KETTLE, "berlin", 1)
    assert work(kettles, "W-1") == [("berlin", "rejected", 2), ("leipzig", "released", 2)]
    assert kettles.read(f"/v1/fulfilments/{fulfilment['id']}")["reason"] == "not_accepted"


def test_a_supplier_confirms_a_purchase_order_with_a_date(api: Api) -> None:
    node_with(api, "krakow", kind="supplier")
    api.receive(KETTLE, "krakow", 5)
    fulfilment = api.order("W-1", (KETTLE, 2))["fulfilments"][0]
    assert "confirm" in fulfilment["allowed"]
    body = {"lines": [{"id": "1", "ships_at": "2030-01-02T12:00:00Z"}]}
    confirmed = api.done(f"/v1/fulfilments/{fulfilment['id']}/confirm", body)
    assert (confirmed["state"], confirmed["ships_at"]) == ("accepted", "2030-01-02T12:00:00.000000Z")
    assert [f["id"] for f in api.read("/v1/fulfilments?supplier=true")["items"]] == [fulfilment["id"]]
    assert api.read("/v1/fulfilments?supplier=false")["items"] == []
    assert api.read("/v1/fulfilments?node=krakow&state=accepted&supplier=true")["items"]
    assert api.read("/v1/fulfilments?node=krakow&state=accepted&supplier=false")["items"] == []


def test_only_suppliers_confirm(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 2))["fulfilments"][0]["id"]
    kettles.refused(f"/v1/fulfilments/{fulfilment}/confirm", {}, 409, "invalid_transition")


def test_the_list_of_a_node_is_paged_in_the_order_in_which_work_should_leave(kettles: Api) -> None:
    kettles.receive(KETTLE, "berlin", 100)
    numbers = [kettles.order(f"W-{n}", (KETTLE, 1))["fulfilments"][0]["id"] for n in range(7)]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = kettles.read(f"/v1/fulfilments?node=berlin&state=released&limit=3&cursor={cursor}")
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if len(seen) == 3:
            kettles.done(f"/v1/fulfilments/{seen[0]}/accept")  # what has gone shifts nobody
    assert seen == numbers


def test_a_change_is_shown_then_confirmed_and_the_earlier_version_can_be_read(kettles: Api) -> None:
    seq = kettles.post("/v1/orders", {
        "number": "W-1", "channel": "web-de", "lines": [{"id": "1", "sku": KETTLE, "quantity": 3, "unit_price_minor": 900}],
        "customer": ERIKA, "ship_to": INVALIDENSTRASSE,
    }).headers["kontor-seq"]  # fmt: skip
    body = {"reason": "moved", "set": [{"id": "1", "quantity": 1}], "ship_to": {"name": "Erika", "city": "Passau"}}
    proposed = kettles.done("/v1/orders/W-1/changes", body)
    assert (proposed["state"], proposed["allowed"]) == ("proposed", ["confirm", "decline"])
    assert proposed["effects"]["money_minor"] == -1_800
    assert proposed["effects"]["lines"] == [
        {"id": "1", "sku": KETTLE, "quantity_before": 3, "quantity_after": 1},
    ]
    assert kettles.read("/v1/orders/W-1")["lines"][0]["quantity"] == 3
    confirmed = kettles.done(f"/v1/changes/{proposed['id']}/confirm")
    assert confirmed["state"] == "confirmed"
    after = kettles.read("/v1/orders/W-1")
    assert (after["lines"][0]["quantity"], after["ship_to"]["city"], after["customer"]["name"]) == (
        1, "Passau", ERIKA["name"],
    )  # fmt: skip
    versions = kettles.read("/v1/orders/W-1/versions")["items"]
    assert [(v["version"], v["change"]) for v in versions] == [(1, None), (2, proposed["id"])]
    assert versions[0]["seq"] == int(seq)
    before = kettles.read(f"/v1/orders/W-1?as_of={seq}")
    assert (before["lines"][0]["quantity"], before["ship_to"]["city"]) == (3, "Berlin")
    kettles.refused(f"/v1/changes/{proposed['id']}/confirm", {}, 409, "invalid_transition")
    assert b"Passau" not in kettles.journal_bytes()


def test_a_change_below_what_has_shipped_is_refused(kettles: Api) -> None:
    fulfilment = kettles.order("W-1", (KETTLE, 2), ("CUSHION", 1))["fulfilments"][0]["id"]
    kettles.done(f"/v1/fulfilments/{fulfilment}/ship")
    body = {"reason": "less", "set": [{"id": "1", "quantity": 1}]}
    kettles.refused("/v1/orders/W-1/changes", body, 409, "below_shipped")
    kettles.refused("/v1/orders/W-1/changes", {"reason": "nothing"}, 400, "malformed_request")


def test_a_declined_change_stays_readable_after_the_order_has_closed(kettles: Api) -> None:
    kettles.order("W-1", (KETTLE, 2))
    change = kettles.done("/v1/orders/W-1/changes", {"reason": "more", "set": [{"id": "1", "quantity": 3}]})["id"]
    kettles.done(f"/v1/changes/{change}/decline")
    kettles.done("/v1/orders/W-1/cancel", {"reason": "all of it"})
    kettles.restart()
    assert kettles.read(f"/v1/changes/{change}")["state"] == "declined"
    assert kettles.get("/v1/changes/c-999").status_code == 404


def test_what_is_allowed_is_what_is_taken(kettles: Api) -> None:
    bodies: dict[str, Any] = {
        "short": {"lines": [{"line": "1", "found": 1}]},
        "split": {"lines": [{"line": "1", "quantity": 1}]},
        "parcels": {"parcels": []},
        "reject": {"reason": "no_capacity"},
        "cancel": {"reason": "tried"},
    }
    steps = ("accept", "pick", "pack", "unpack", "ready", "ship", "deliver", "collect", "short", "split", "parcels",
             "confirm", "reject", "cancel")  # fmt: skip
    for before in ("", "accept", "pick", "pack", "ship", "deliver", "reject", "cancel"):
        for step in steps:
            number = f"W-{before or 'new'}-{step}"
            kettles.receive(KETTLE, "berlin", 5)
            fulfilment = kettles.order(number, (KETTLE, 2))["fulfilments"][0]["id"]
            if before:
                kettles.done(f"/v1/fulfilments/{fulfilment}/{before}", bodies.get(before))
            allowed = kettles.read(f"/v1/fulfilments/{fulfilment}")["allowed"]
            answer = kettles.post(f"/v1/fulfilments/{fulfilment}/{step}", bodies.get(step, {}))
            assert (answer.status_code in (200, 201)) == (step in allowed), (before, step, answer.text)
