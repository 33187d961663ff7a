"""Units that are missing: what a node says it has not is never sold, and what comes is for the promises first."""

from typing import Any

import pytest

from tests.api.conftest import Api

KETTLE, CUSHION = "BRASS-KETTLE", "CUSHION"


def there(api: Api, sku: str = KETTLE, node: str = "leipzig") -> dict[str, int]:
    """What is there of a SKU, where it is something."""
    words = ("on_hand", "available", "reserved", "allocated", "unsellable", "missing")
    stock = api.stock(sku, node)
    assert stock["on_hand"] == (
        stock["available"] + stock["reserved"] + stock["allocated"] + stock["unsellable"] - stock["missing"]
    )
    assert stock["missing"] == 0 or stock["available"] == 0
    assert 0 <= stock["missing"] <= stock["reserved"] + stock["allocated"]
    return {word: stock[word] for word in words if stock[word]}


def count(api: Api, units: int, sku: str = KETTLE, node: str = "leipzig", **more: Any) -> Any:
    body = {"node": node, "lines": [{"sku": sku, "counted": units, **more}]}
    return api.done("/v1/counts", body)["lines"][0]


def feed(api: Api, units: int, sku: str = KETTLE, node: str = "leipzig") -> Any:
    return api.done("/v1/stock/feed", {"node": node, "lines": [{"sku": sku, "quantity": units}]})["lines"][0]


def sell(api: Api, units: int, reason: str = "sale", sku: str = KETTLE, node: str = "leipzig") -> Any:
    line = {"sku": sku, "node": node, "reason": reason, "quantity": units}
    return api.done("/v1/stock/movements", {"reference": "till 3, receipt 4711", "lines": [line]})["lines"][0]


def reserve(api: Api, units: int, ttl_seconds: int = 900, sku: str = KETTLE) -> Any:
    body = {"channel": "web-de", "ttl_seconds": ttl_seconds, "lines": [{"sku": sku, "quantity": units}]}
    return api.done("/v1/reservations", body)["id"]


def postings(api: Api, sku: str = KETTLE) -> list[tuple[str, str, str, int]]:
    """(kind of fact, source, target, units), the oldest first."""
    entries = api.read(f"/v1/journal?sku={sku}")["items"]
    return [
        (entry["kind"], posting["source_account"], posting["target_account"], posting["quantity"])
        for entry in reversed(entries)
        for posting in entry["postings"]
    ]


def work_of(api: Api, number: str) -> str:
    """The fulfilment of an order that has one."""
    (work,) = api.read(f"/v1/orders/{number}")["fulfilments"]
    return str(work["id"])


def refuse_order(api: Api, units: int, sku: str = KETTLE) -> None:
    lines = [{"id": "1", "sku": sku, "quantity": units}]
    answer = api.post("/v1/orders", {"number": "W-late", "channel": "web-de", "lines": lines})
    assert (answer.status_code, answer.json()["code"]) == (409, "insufficient_stock"), answer.text


def test_what_a_feed_says_is_not_there_is_not_sold_when_its_reservation_expires(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 3)
    reserve(api, 3, ttl_seconds=1)
    said = feed(api, 0)
    assert (said["oversold"], said["on_hand"], said["missing"], said["expected"]) == (3, 0, 3, 3)
    assert there(api) == {"reserved": 3, "missing": 3}
    api.later(2)
    refuse_order(api, 1)
    assert there(api) == {}
    assert api.read("/v1/channels/web-de/stock-feed")["items"][0] == {"sku": KETTLE, "available": 0}
    api.receive(KETTLE, "leipzig", 2)
    assert there(api) == {"on_hand": 2, "available": 2}


def test_a_count_that_changes_only_what_is_missing_is_in_the_journal(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 8))
    assert count(api, 3)["oversold"] == 5
    assert count(api, 1)["oversold"] == 2
    assert count(api, 6)["oversold"] == 0
    assert there(api) == {"on_hand": 6, "allocated": 8, "missing": 2}
    assert postings(api)[2:] == [
        ("stock_moved", "available", "adjustment", 2),
        ("stock_moved", "missing", "adjustment", 5),
        ("stock_moved", "missing", "adjustment", 2),
        ("stock_moved", "adjustment", "available", 5),
        ("missing_paid", "available", "missing", 5),
    ]
    assert api.read("/v1/ledger/trial-balance")["accounts"]["missing"] == -2


def test_a_receipt_is_for_what_is_missing_first(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 8))
    count(api, 3)
    api.receive(KETTLE, "leipzig", 4)
    assert there(api) == {"on_hand": 7, "allocated": 8, "missing": 1}
    refuse_order(api, 1)
    api.receive(KETTLE, "leipzig", 2)
    assert there(api) == {"on_hand": 9, "allocated": 8, "available": 1}


@pytest.mark.parametrize(
    "ending", ["released", "part released", "cancelled", "part cancelled", "not collected", "rejected"]
)
def test_a_promise_that_ends_pays_off_what_is_missing_before_anything_is_free(api: Api, ending: str) -> None:
    web = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR", "collect_within_seconds": 60}
    assert api.put("/v1/channels/web-de", web).status_code == 200
    leipzig = {"name": "Leipzig", "kind": "store", "country": "DE", "latitude": 51.3, "longitude": 12.4, "pickup": True}
    assert api.put("/v1/nodes/leipzig", leipzig).status_code == 200
    api.receive(KETTLE, "leipzig", 10)
    held = reserve(api, 4)
    pickup = {"delivery": "pickup", "pickup_node": "leipzig"} if ending == "not collected" else {}
    api.order("W-1", (KETTLE, 4), **pickup)
    count(api, 5)
    assert there(api) == {"on_hand": 5, "reserved": 4, "allocated": 4, "missing": 3}
    match ending:
        case "released":
            api.done(f"/v1/reservations/{held}/release", {})
        case "part released":
            api.done(f"/v1/reservations/{held}/release", {"lines": [{"sku": KETTLE, "quantity": 2}]})
        case "cancelled":
            api.done("/v1/orders/W-1/cancel", {"reason": "changed my mind"})
        case "part cancelled":
            api.done("/v1/orders/W-1/cancel", {"reason": "one less", "lines": [{"id": "1", "quantity": 2}]})
        case "not collected":
            api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/ready", {})
            api.later(120)
            refuse_order(api, 3)
        case "rejected":
            api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/reject", {"reason": "no_capacity"})
    left = {"reserved": 2, "allocated": 4} if ending == "part released" else {"reserved": 4, "allocated": 2}
    if "part" in ending:
        assert there(api) == {"on_hand": 5, "missing": 1, **left}
    else:
        other = "allocated" if ending == "released" else "reserved"
        assert there(api) == {"on_hand": 5, "available": 1, other: 4}


@pytest.mark.parametrize(
    "ending", ["lowered", "transfer cancelled", "restored", "found", "changed reservation", "split off"]
)
def test_whatever_else_frees_or_brings_units_pays_off_what_is_missing(api: Api, ending: str) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 4))
    held = reserve(api, 3)
    plan = {"from": "leipzig", "to": "berlin", "lines": [{"sku": KETTLE, "quantity": 2}]}
    moved = api.done("/v1/transfers", plan)["id"]
    move = {"sku": KETTLE, "node": "leipzig", "note": "seen"}
    api.done("/v1/stock/movements", {"lines": [{**move, "reason": "quarantine", "quantity": 1}]})
    count(api, 6)
    api.done("/v1/stock/movements", {"lines": [{**move, "reason": "sale", "quantity": 1}]})
    assert api.stock(KETTLE, "leipzig")["missing"] == 4
    api.done("/v1/stock/movements", {"lines": [{**move, "reason": "sale_return", "quantity": 1}]})
    assert there(api) == {"on_hand": 6, "reserved": 3, "allocated": 6, "missing": 3}
    match ending:
        case "lowered":
            change = api.done("/v1/orders/W-1/changes", {"reason": "called", "set": [{"id": "1", "quantity": 2}]})
            api.done(f"/v1/changes/{change['id']}/confirm", {})
        case "transfer cancelled":
            api.done(f"/v1/transfers/{moved}/cancel", {})
        case "restored":
            lines = [{**move, "reason": "receipt", "quantity": 2}, {**move, "reason": "damage", "quantity": 2}]
            api.done("/v1/stock/movements", {"lines": lines})
            assert there(api) == {"on_hand": 8, "unsellable": 2, "reserved": 3, "allocated": 6, "missing": 3}
            api.done("/v1/stock/movements", {"lines": [{**move, "reason": "restore", "quantity": 2}]})
        case "found":
            api.done("/v1/stock/movements", {"lines": [{**move, "reason": "adjustment", "quantity": 2}]})
        case "changed reservation":
            lines = [{"sku": KETTLE, "quantity": 1}]
            api.done(f"/v1/reservations/{held}/change", {"lines": lines})
        case "split off":
            api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/split", {"lines": [{"line": "1", "quantity": 2}]})
            part = api.read("/v1/orders/W-1")["fulfilments"][1]["id"]
            api.done(f"/v1/fulfilments/{part}/cancel", {"reason": "not wanted"})
    assert api.stock(KETTLE, "leipzig")["missing"] == 1
    assert there(api)["on_hand"] == (8 if ending in ("restored", "found") else 6)
    refuse_order(api, 1)


def test_units_that_come_back_from_a_customer_are_for_what_is_missing(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 3)
    api.order("W-1", (KETTLE, 1))
    api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/ship", {})
    api.order("W-2", (KETTLE, 2))
    count(api, 0)
    back = api.done("/v1/orders/W-1/returns", {"lines": [{"id": "1", "quantity": 1}]})["id"]
    api.done(
        f"/v1/returns/{back}/receive",
        {"node": "leipzig", "lines": [{"id": "1", "quantity": 1, "disposition": "restock"}]},
    )
    assert there(api) == {"on_hand": 1, "allocated": 2, "missing": 1}


def test_who_waits_is_served_only_from_what_is_left_when_nothing_is_missing(api: Api) -> None:
    api.receive(CUSHION, "leipzig", 3)
    api.order("W-1", (CUSHION, 3))
    api.order("W-2", (CUSHION, 2))
    count(api, 1, CUSHION)
    api.receive(CUSHION, "leipzig", 2)
    assert there(api, CUSHION) == {"on_hand": 3, "allocated": 3}
    assert api.read("/v1/orders/W-2")["state"] == "backordered"
    api.receive(CUSHION, "leipzig", 2)
    assert there(api, CUSHION) == {"on_hand": 5, "allocated": 5}
    assert api.read("/v1/orders/W-2")["state"] == "open"


def test_a_promised_inbound_goes_to_its_promise_and_only_the_rest_pays_off(api: Api) -> None:
    assert api.put("/v1/sourcing-policies/early", {"name": "Early", "inbound_days_max": 30}).status_code == 200
    web = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "early"}
    assert api.put("/v1/channels/web-de", web).status_code == 200
    api.receive(KETTLE, "leipzig", 4)
    api.order("W-1", (KETTLE, 4))
    coming = {"supplier": "acme", "node": "leipzig", "expected_at": "2026-12-01T08:00:00Z"}
    inbound = api.done("/v1/inbound", {**coming, "lines": [{"sku": KETTLE, "quantity": 5}]})["id"]
    held = reserve(api, 2)
    count(api, 0)
    api.done(f"/v1/inbound/{inbound}/receive", {"lines": [{"sku": KETTLE, "quantity": 5}]})
    assert api.read(f"/v1/reservations/{held}")["lines"][0]["reserved"] == 2
    assert there(api) == {"on_hand": 5, "allocated": 4, "reserved": 2, "missing": 1}


def test_units_that_are_not_found_are_those_that_were_missing(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 8)
    api.order("W-1", (KETTLE, 6))
    count(api, 3)
    work = work_of(api, "W-1")
    api.done(f"/v1/fulfilments/{work}/short", {"lines": [{"line": "1", "found": 2}]})
    assert there(api) == {"on_hand": 2, "allocated": 2}
    accounts = api.read("/v1/ledger/trial-balance")["accounts"]
    assert (accounts["missing"], accounts["loss"]) == (0, 1)


def test_not_found_takes_what_was_not_found_and_leaves_the_rest_to_a_count(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 1))
    api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/reject", {"reason": "not_found"})
    assert there(api) == {"on_hand": 9, "available": 9}


@pytest.mark.parametrize("step", ["reject", "short"])
def test_who_does_not_find_units_may_say_what_is_there(api: Api, step: str) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 3))
    api.order("W-2", (KETTLE, 4))
    found = {"lines": [{"line": "1", "found": 1}]} if step == "short" else {}
    work = f"/v1/fulfilments/{work_of(api, 'W-1')}/{step}"
    unknown = {**found, "reason": "not_found", "counted": [{"sku": CUSHION, "counted": 2}]}
    api.refused(work, unknown, 422, "unknown_sku", "/counted/0/sku")
    twice = {**found, "reason": "not_found", "counted": [{"sku": KETTLE, "counted": 2}] * 2}
    api.refused(work, twice, 422, "unknown_sku", "/counted/1/sku")
    api.done(work, {**found, "reason": "not_found", "counted": [{"sku": KETTLE, "counted": 2}]})
    kept = 1 if step == "short" else 0
    assert there(api) == {"on_hand": 2, "allocated": 4 + kept, "missing": 2 + kept}
    entry = api.read("/v1/journal?kind=stock_moved")["items"][0]
    assert (entry["reference"], entry["seq"]) == (work.split("/")[3], api.node.state.seq)


def test_more_may_be_shipped_than_was_counted(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 8)
    api.order("W-1", (KETTLE, 5))
    api.order("W-2", (KETTLE, 3))
    count(api, 3)
    api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/ship", {})
    assert there(api) == {"allocated": 3, "missing": 3}
    assert postings(api)[-2:] == [
        ("fulfilment_advanced", "allocated", "customer", 5),
        ("missing_paid", "adjustment", "missing", 2),
    ]
    api.done(f"/v1/fulfilments/{work_of(api, 'W-2')}/ship", {})
    assert there(api) == {}


def test_a_transfer_that_leaves_takes_no_promise_with_it(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 6)
    plan = {"from": "leipzig", "to": "berlin", "expected_at": "2026-12-01T08:00:00Z"}
    moved = api.done("/v1/transfers", {**plan, "lines": [{"sku": KETTLE, "quantity": 4}]})["id"]
    api.order("W-1", (KETTLE, 2))
    count(api, 1)
    assert there(api) == {"on_hand": 1, "allocated": 6, "missing": 5}
    api.done(f"/v1/transfers/{moved}/ship", {})
    assert there(api) == {"allocated": 2, "missing": 2}
    api.done(f"/v1/transfers/{moved}/receive", {"lines": [{"sku": KETTLE, "received": 4}]})
    assert there(api) == {}
    assert there(api, node="berlin") == {"on_hand": 4, "available": 2, "allocated": 2}, (
        "who lacks units gets them there"
    )


def test_a_sale_at_the_till_is_never_refused_and_a_promise_it_breaks_is_missing(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 5)
    api.order("W-1", (KETTLE, 3))
    line = sell(api, 4)
    assert (line["on_hand"], line["available"], line["oversold"], line["missing"]) == (1, 0, 2, 2)
    assert there(api) == {"on_hand": 1, "allocated": 3, "missing": 2}
    sell(api, 3)
    assert there(api) == {"allocated": 3, "missing": 3}
    sell(api, 2, "sale_return")
    assert there(api) == {"on_hand": 2, "allocated": 3, "missing": 1}
    assert postings(api)[2:] == [
        ("stock_moved", "available", "customer", 2),
        ("stock_moved", "missing", "customer", 2),
        ("stock_moved", "missing", "customer", 1),
        ("stock_moved", "adjustment", "customer", 2),
        ("stock_moved", "customer", "available", 2),
        ("missing_paid", "available", "missing", 2),
    ]
    entry = api.read(f"/v1/journal?sku={KETTLE}")["items"][-3]
    assert entry["reference"] == "till 3, receipt 4711"


def test_a_sale_of_what_nobody_knew_of_leaves_nothing_on_hand(api: Api) -> None:
    assert sell(api, 2)["on_hand"] == 0
    assert there(api) == {}


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_sale_is_of_at_least_one_unit(api: Api, quantity: int) -> None:
    line = {"sku": KETTLE, "node": "leipzig", "reason": "sale", "quantity": quantity}
    api.refused("/v1/stock/movements", {"lines": [line]}, 400, "malformed_request")


@pytest.mark.parametrize("way", ["movement", "count", "feed"])
def test_nothing_is_posted_where_something_else_is_on_hand_than_was_expected(api: Api, way: str) -> None:
    api.receive(KETTLE, "leipzig", 10)
    ways: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "movement": ("/v1/stock/movements", {"node": "leipzig", "reason": "receipt", "quantity": 3}, {}),
        "count": ("/v1/counts", {"counted": 3}, {"node": "leipzig"}),
        "feed": ("/v1/stock/feed", {"quantity": 3}, {"node": "leipzig"}),
    }
    path, line, more = ways[way]
    wanted = [
        {"sku": CUSHION, **line, "expected_on_hand": 0},
        {"sku": KETTLE, **line, "expected_on_hand": 9},
    ]
    problem = api.refused(path, {**more, "lines": wanted}, 409, "stock_changed", "/lines/1/expected_on_hand")
    assert problem["lines"] == [{"sku": KETTLE, "node": "leipzig", "expected_on_hand": 9, "on_hand": 10}]
    wanted[1]["expected_on_hand"] = 10
    api.done(path, {**more, "lines": wanted})
    assert there(api)["on_hand"] == (13 if way == "movement" else 3)


def test_what_is_expected_on_hand_is_what_is_there_before_the_movement(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 2)
    line = {"sku": KETTLE, "node": "leipzig", "reason": "receipt", "quantity": 1, "expected_on_hand": 2}
    api.done("/v1/stock/movements", {"lines": [line, line]})
    assert there(api)["on_hand"] == 4


def test_what_no_node_gives_to_anybody_is_not_available_to_promise(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 5)
    api.receive(KETTLE, "berlin", 2)
    for more in ({"enabled": False}, {"ships": False, "pickup": False}):
        leipzig = {"name": "Leipzig", "kind": "store", "country": "DE", "latitude": 51.3, "longitude": 12.4, **more}
        assert api.put("/v1/nodes/leipzig", leipzig).status_code == 200
        found = api.read(f"/v1/stock/{KETTLE}")
        assert (found["available"], found["available_to_promise"]) == (7, 2)
        assert api.stock(KETTLE, "leipzig")["available_to_promise"] == 0
        listed = api.read("/v1/stock")["items"][0]
        assert (listed["sku"], listed["available_to_promise"]) == (KETTLE, 2)


def test_what_is_missing_is_known_after_a_restart_and_of_the_past(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 3)
    api.order("W-1", (KETTLE, 3))
    count(api, 1)
    api.restart()
    assert there(api) == {"on_hand": 1, "allocated": 3, "missing": 2}
    api.receive(KETTLE, "leipzig", 1)
    assert there(api) == {"on_hand": 2, "allocated": 3, "missing": 1}


def test_a_list_shows_where_units_are_missing_page_by_page(api: Api) -> None:
    assert api.read("/v1/stock?missing=true") == {"items": [], "next_cursor": None}
    for sku, node in ((KETTLE, "leipzig"), (CUSHION, "leipzig"), (CUSHION, "krakow")):
        api.receive(sku, node, 3)
    api.order("W-1", (KETTLE, 3))
    api.order("W-2", (CUSHION, 6))
    count(api, 1)
    count(api, 2, CUSHION)
    count(api, 0, CUSHION, "krakow")
    first = api.read("/v1/stock?missing=true&limit=1")
    assert [(item["sku"], item["missing"]) for item in first["items"]] == [(KETTLE, 2)]
    rest = api.read(f"/v1/stock?missing=true&limit=1&cursor={first['next_cursor']}")
    (item,) = rest["items"]
    assert (item["sku"], item["on_hand"], item["allocated"], item["missing"]) == (CUSHION, 2, 6, 4)
    assert [(node["node"], node["missing"]) for node in item["nodes"]] == [("leipzig", 1), ("krakow", 3)]
    assert rest["next_cursor"] is None
    assert api.get("/v1/stock?missing=maybe").status_code == 400
    assert "nodes" not in api.read("/v1/stock")["items"][0]
    assert "kontor_missing_units 6.0" in api.get("/metrics").text


def at_risk(api: Api, filters: str = "") -> list[str]:
    return [order["number"] for order in api.read(f"/v1/orders?at_risk=true{filters}")["items"]]


def test_at_risk_are_the_orders_from_the_latest_promise_back(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    held = reserve(api, 2)
    for number, units in (("W-1", 3), ("W-2", 2), ("W-3", 2)):
        api.order(number, (KETTLE, units))
    assert at_risk(api) == []
    count(api, 8)
    assert at_risk(api) == ["W-3"]
    count(api, 7)
    assert at_risk(api) == ["W-3"]
    count(api, 6)
    assert at_risk(api) == ["W-3", "W-2"]
    assert at_risk(api, "&limit=1") == ["W-3"]
    assert at_risk(api, "&state=backordered") == []
    assert [order["number"] for order in api.read("/v1/orders?at_risk=false")["items"]] == ["W-1"]
    api.order("W-4", (KETTLE, 2), reservation=held)  # promised before all others
    assert at_risk(api) == ["W-3", "W-2"]
    count(api, 0)
    assert at_risk(api) == ["W-4", "W-3", "W-2", "W-1"]
    api.receive(KETTLE, "leipzig", 9)
    assert at_risk(api) == []


def test_reservations_that_were_made_last_lack_units_first(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 5)
    api.order("W-1", (KETTLE, 3))
    reserve(api, 2)
    count(api, 3)
    assert at_risk(api) == []
    count(api, 2)
    assert at_risk(api) == ["W-1"]


def test_work_that_nobody_has_begun_goes_to_a_node_that_has_all_of_it(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 4)
    api.receive(CUSHION, "leipzig", 4)
    api.order("W-1", (KETTLE, 2))
    api.order("W-2", (KETTLE, 2), (CUSHION, 1))
    api.receive(KETTLE, "krakow", 2)
    count(api, 2)
    assert at_risk(api) == ["W-2"], "no node has all of it: it stays"
    api.receive(CUSHION, "krakow", 1)
    first, second = api.read("/v1/orders/W-2")["fulfilments"]
    assert (first["node"], first["state"], first["reason"]) == ("leipzig", "cancelled", "units_missing")
    assert (second["node"], second["state"]) == ("krakow", "released")
    assert there(api) == {"on_hand": 2, "allocated": 2}
    assert at_risk(api) == []
    entry = api.read("/v1/journal?kind=order_sourced_elsewhere")["items"][0]
    assert (entry["actor"], entry["document"]) == ("system", {"type": "order", "id": "W-2"})
    assert api.done("/v1/sourcing/explain", {"seq": entry["seq"]})["reproduced"] is True
    assert [work["node"] for work in api.read("/v1/orders/W-1")["fulfilments"]] == ["leipzig"]


@pytest.mark.parametrize("begun", ["accept", "pick"])
def test_work_that_somebody_has_begun_stays(api: Api, begun: str) -> None:
    api.receive(KETTLE, "leipzig", 2)
    api.order("W-1", (KETTLE, 2))
    api.done(f"/v1/fulfilments/{work_of(api, 'W-1')}/{begun}", {})
    api.receive(KETTLE, "krakow", 2)
    count(api, 0)
    assert at_risk(api) == ["W-1"]
    assert [work["node"] for work in api.read("/v1/orders/W-1")["fulfilments"]] == ["leipzig"]


def test_what_is_picked_up_stays_at_its_store(api: Api) -> None:
    store = {"name": "Leipzig", "kind": "store", "country": "DE", "latitude": 51.3, "longitude": 12.4, "pickup": True}
    assert api.put("/v1/nodes/leipzig", store).status_code == 200
    api.receive(KETTLE, "leipzig", 2)
    api.receive(KETTLE, "krakow", 2)
    api.order("W-1", (KETTLE, 1), delivery="pickup", pickup_node="leipzig")
    count(api, 0)
    assert at_risk(api) == ["W-1"]


def test_a_reservation_that_becomes_an_order_is_sourced_elsewhere_if_its_units_are_missing(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 2)
    held = reserve(api, 2)
    api.receive(KETTLE, "krakow", 2)
    count(api, 0)
    api.order("W-1", (KETTLE, 2), reservation=held)
    assert [work["node"] for work in api.read("/v1/orders/W-1")["fulfilments"]] == ["leipzig", "krakow"]
    assert there(api) == {}


def test_a_node_that_starts_again_looks_at_what_is_missing(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 2)
    api.order("W-1", (KETTLE, 2))
    count(api, 1)
    disabled = {
        "name": "Kraków",
        "kind": "warehouse",
        "country": "PL",
        "latitude": 50,
        "longitude": 19,
        "enabled": False,
    }
    assert api.put("/v1/nodes/krakow", disabled).status_code == 200
    api.receive(KETTLE, "krakow", 2)
    assert at_risk(api) == ["W-1"]
    assert api.put("/v1/nodes/krakow", {**disabled, "enabled": True}).status_code == 200
    assert at_risk(api) == []
    api.restart()
    assert there(api) == {"on_hand": 1, "available": 1}


def test_who_waits_gets_what_work_that_goes_elsewhere_leaves_beyond_what_is_missing(api: Api) -> None:
    counter = {"name": "Counter", "kind": "phone", "country": "DE", "currency": "EUR", "nodes": ["leipzig"]}
    assert api.put("/v1/channels/counter", counter).status_code == 200
    api.receive(CUSHION, "leipzig", 4)
    api.order("W-1", (CUSHION, 4))
    api.order("C-1", (CUSHION, 3), channel="counter")
    count(api, 2, CUSHION)
    api.receive(CUSHION, "berlin", 4)
    moved, waited = (api.read(f"/v1/orders/{number}")["fulfilments"] for number in ("W-1", "C-1"))
    assert [(work["node"], work["state"]) for work in moved] == [("leipzig", "cancelled"), ("berlin", "released")]
    assert [(work["node"], work["lines"][0]["quantity"]) for work in waited] == [("leipzig", 2)]
    assert len({work["id"] for work in moved + waited}) == 3
    assert there(api, CUSHION) == {"on_hand": 2, "allocated": 2}


def test_what_is_brought_for_a_pickup_goes_to_it_though_units_are_missing_there(api: Api) -> None:
    bring = {"name": "Bring", "pickup_transfer_days": 1}
    web = {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "bring"}
    store = {"name": "Berlin", "kind": "store", "country": "DE", "latitude": 52.5, "longitude": 13.4, "pickup": True}
    for path, body in (("sourcing-policies/bring", bring), ("channels/web-de", web), ("nodes/berlin", store)):
        assert api.put(f"/v1/{path}", body).status_code == 200
    api.receive(KETTLE, "berlin", 2)
    api.order("W-1", (KETTLE, 2), delivery="pickup", pickup_node="berlin")
    api.receive(KETTLE, "leipzig", 3)
    api.order("W-2", (KETTLE, 3), delivery="pickup", pickup_node="berlin")
    count(api, 0, node="berlin")
    count(api, 2)
    assert at_risk(api) == ["W-2", "W-1"], "what its transfer should bring is missing where it comes from"
    count(api, 3)
    assert at_risk(api) == ["W-1"]
    moved = api.read("/v1/transfers")["items"][0]["id"]
    api.done(f"/v1/transfers/{moved}/ship", {})
    api.done(f"/v1/transfers/{moved}/receive", {"lines": [{"sku": KETTLE, "received": 3}]})
    assert there(api, node="berlin") == {"on_hand": 3, "allocated": 5, "missing": 2}
    assert api.read("/v1/orders/W-2")["lines"][0]["allocated"] == 3
