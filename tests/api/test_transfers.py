"""Transfers, counts and stock feeds over HTTP."""

from tests.api.conftest import Api

KETTLE = "BRASS-KETTLE"


def body(quantity: int, **more: object) -> dict[str, object]:
    return {"from": "leipzig", "to": "berlin", "lines": [{"sku": KETTLE, "quantity": quantity}], **more}


def test_a_transfer_is_planned_sent_and_received(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    planned = api.done("/v1/transfers", body(5, expected_at="2030-01-02T08:00:00Z"))
    assert (planned["id"], planned["state"], planned["allowed"]) == ("t-1", "planned", ["ship", "cancel"])
    assert (planned["from"], planned["to"]) == ("leipzig", "berlin")
    assert api.done("/v1/transfers/t-1/ship", {})["allowed"] == ["receive", "turn_back"]
    there = api.read(f"/v1/stock/{KETTLE}")
    assert (there["on_hand"], there["in_transit"]) == (5, 5)
    assert api.stock(KETTLE, "berlin")["in_transit"] == 5
    arrived = {"lines": [{"sku": KETTLE, "received": 4, "damaged": 1}]}
    assert api.done("/v1/transfers/t-1/receive", arrived)["lines"] == [
        {"sku": KETTLE, "quantity": 5, "received": 4, "damaged": 1, "lost": 1}
    ]
    assert (api.stock(KETTLE, "berlin")["available"], api.stock(KETTLE, "berlin")["unsellable"]) == (3, 1)
    assert api.read("/v1/ledger/trial-balance")["balanced"]
    types = [event["type"] for event in api.read("/v1/events?after=2")["items"]]
    assert types[-3:] == ["transfer_planned", "transfer_shipped", "transfer_received"]
    entry = api.read(f"/v1/journal?sku={KETTLE}&node=berlin")["items"][0]
    assert entry["document"] == {"type": "transfer", "id": "t-1"}


def test_transfers_are_listed_the_youngest_first_and_by_what_is_asked(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    for _ in range(3):
        api.done("/v1/transfers", body(1))
    api.done("/v1/transfers/t-2/cancel")
    assert [item["id"] for item in api.read("/v1/transfers")["items"]] == ["t-3", "t-2", "t-1"]
    first = api.read("/v1/transfers?limit=2")
    assert [item["id"] for item in api.read(f"/v1/transfers?cursor={first['next_cursor']}")["items"]] == ["t-1"]
    assert [item["id"] for item in api.read("/v1/transfers?state=cancelled")["items"]] == ["t-2"]
    assert api.read("/v1/transfers?from=berlin")["items"] == []
    assert len(api.read(f"/v1/transfers?to=berlin&sku={KETTLE}")["items"]) == 3
    assert api.get("/v1/transfers?state=lost").status_code == 400


def test_bad_transfers_are_refused_with_a_pointer(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    problem = api.refused("/v1/transfers", body(11), 409, "insufficient_stock")
    assert problem["lines"] == [{"sku": KETTLE, "requested": 11, "available": 10}]
    api.refused("/v1/transfers", body(1, to="leipzig"), 400, "malformed_request", "/to")
    api.refused("/v1/transfers", body(1, to="moon"), 422, "unknown_node", "/to")
    api.refused("/v1/transfers", body(0), 400, "malformed_request")
    api.done("/v1/transfers", body(1))
    api.refused("/v1/transfers/t-1/receive", {}, 409, "invalid_transition")
    too_many = {"lines": [{"sku": KETTLE, "received": 1, "damaged": 2}]}
    api.refused("/v1/transfers/t-1/receive", too_many, 400, "malformed_request")
    api.refused("/v1/transfers/t-9/ship", {}, 404, "not_found")
    api.refused("/v1/transfers/9/ship", {}, 404, "not_found")


def test_a_count_books_the_variance_and_leaves_promises_alone(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 4))
    lines = [{"sku": KETTLE, "counted": 3}, {"sku": "CUSHION", "counted": 2}]
    counted = api.done("/v1/counts", {"node": "leipzig", "reference": "aisle 7", "lines": lines})
    assert counted["lines"] == [
        {
            "sku": KETTLE,
            "counted": 3,
            "expected": 10,
            "variance": -7,
            "oversold": 1,
            "on_hand": 3,
            "available": 0,
            "missing": 1,
        },
        {
            "sku": "CUSHION",
            "counted": 2,
            "expected": 0,
            "variance": 2,
            "oversold": 0,
            "on_hand": 2,
            "available": 2,
            "missing": 0,
        },
    ]
    twice = {"node": "leipzig", "lines": [lines[0], lines[0]]}
    api.refused("/v1/counts", twice, 400, "malformed_request")
    api.refused("/v1/counts", {"node": "moon", "lines": lines}, 422, "unknown_node")


def test_a_feed_says_what_is_there_and_promises_survive(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.order("W-1", (KETTLE, 4))
    fed = api.done("/v1/stock/feed", {"node": "leipzig", "lines": [{"sku": KETTLE, "quantity": 6}]})
    assert (fed["lines"][0]["variance"], fed["lines"][0]["available"]) == (-4, 2)
    there = api.stock(KETTLE, "leipzig")
    assert (there["on_hand"], there["allocated"], there["available"]) == (6, 4, 2)
    again = api.done("/v1/stock/feed", {"node": "leipzig", "lines": [{"sku": KETTLE, "quantity": 6}]})
    assert again["lines"][0]["variance"] == 0
    movement = api.read("/v1/events?after=0&limit=500")["items"][-1]["data"]["lines"][0]
    assert movement["reason"] == "feed"


def test_a_feed_with_unknown_skus_is_refused_unless_they_may_be_skipped(api: Api) -> None:
    lines = [{"sku": "NO-SUCH", "quantity": 6}, {"sku": KETTLE, "quantity": 6}]
    api.refused("/v1/stock/feed", {"node": "leipzig", "lines": lines}, 422, "unknown_sku")
    fed = api.done("/v1/stock/feed", {"node": "leipzig", "lines": lines, "skip_unknown": True})
    assert (fed["skipped"], len(fed["lines"])) == (["NO-SUCH"], 1)
    nothing = {"node": "leipzig", "lines": lines[:1], "skip_unknown": True}
    api.refused("/v1/stock/feed", nothing, 422, "unknown_sku")


def test_fewer_units_leave_than_were_planned_and_none_of_them_is_lost(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.receive("CUSHION", "leipzig", 3)
    two = [{"sku": KETTLE, "quantity": 10}, {"sku": "CUSHION", "quantity": 3}]
    api.done("/v1/transfers", {**body(10), "lines": two})
    api.refused("/v1/transfers/t-1/ship", {"lines": [{"sku": KETTLE, "quantity": 11}]}, 409, "exceeds_allocated")
    api.refused("/v1/transfers/t-1/ship", {"lines": [{"sku": "TEA POT 2L", "quantity": 1}]}, 422, "unknown_line")
    twice = {"lines": [{"sku": KETTLE, "quantity": 1}, {"sku": KETTLE, "quantity": 1}]}
    api.refused("/v1/transfers/t-1/ship", twice, 400, "malformed_request")
    left = api.done("/v1/transfers/t-1/ship", {"lines": [{"sku": KETTLE, "quantity": 8}]})
    assert [(line["quantity"], line.get("not_sent", 0)) for line in left["lines"]] == [(8, 2), (0, 3)]
    there = api.stock(KETTLE, "leipzig")
    assert (there["available"], there["allocated"], api.stock("CUSHION", "leipzig")["available"]) == (2, 0, 3)
    came = api.done("/v1/transfers/t-1/receive", {})
    assert (came["state"], [line["lost"] for line in came["lines"]]) == ("received", [0, 0])
    assert api.stock(KETTLE, "berlin")["available"] == 8
    api.restart()


def test_an_empty_body_sends_all_of_it(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.done("/v1/transfers", body(10))
    assert api.done("/v1/transfers/t-1/ship", {})["lines"][0]["quantity"] == 10


def test_what_is_turned_back_is_received_where_it_came_from(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.done("/v1/transfers", body(10))
    api.refused("/v1/transfers/t-1/turn-back", None, 409, "invalid_transition")
    api.done("/v1/transfers/t-1/ship", {})
    api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": KETTLE, "received": 3}], "more_to_come": True})
    back = api.done("/v1/transfers/t-1/turn-back")
    assert (back["state"], back["turned_back"], back["allowed"]) == ("in_transit", True, ["receive"])
    assert (api.stock(KETTLE, "berlin")["in_transit"], api.stock(KETTLE, "leipzig")["in_transit"]) == (0, 7)
    api.restart()
    api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": KETTLE, "received": 7, "damaged": 1}]})
    there = api.stock(KETTLE, "leipzig")
    assert (there["available"], there["unsellable"], api.stock(KETTLE, "berlin")["available"]) == (6, 1, 3)
    assert api.read("/v1/ledger/trial-balance")["balanced"]


def test_lost_units_that_turn_up_are_received_after_all(api: Api) -> None:
    api.receive(KETTLE, "leipzig", 10)
    api.done("/v1/transfers", body(10))
    api.done("/v1/transfers/t-1/ship", {})
    lost = api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": KETTLE, "received": 6}]})
    assert (lost["state"], lost["lines"][0]["lost"], lost["allowed"]) == ("received", 4, ["receive"])
    api.refused("/v1/transfers/t-1/receive", {}, 409, "invalid_transition")
    found = api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": KETTLE, "received": 3, "damaged": 1}]})
    assert (found["lines"][0]["received"], found["lines"][0]["lost"], found["allowed"]) == (9, 1, ["receive"])
    there = api.stock(KETTLE, "berlin")
    assert (there["available"], there["unsellable"]) == (8, 1)
    api.restart()
    last = api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": KETTLE, "received": 1}]})
    assert (last["lines"][0]["lost"], last["allowed"]) == (0, [])
    api.refused("/v1/transfers/t-1/receive", {"lines": [{"sku": KETTLE, "received": 1}]}, 409, "invalid_transition")
    assert (api.stock(KETTLE, "berlin")["on_hand"], api.read("/v1/ledger/trial-balance")["balanced"]) == (10, True)


def test_what_turns_up_goes_to_whoever_waits(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 2)
    api.done("/v1/transfers", {**body(2), "lines": [{"sku": "CUSHION", "quantity": 2}]})
    api.done("/v1/transfers/t-1/ship", {})
    api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": "CUSHION", "received": 0}]})
    assert api.order("W-1", ("CUSHION", 2))["state"] == "backordered"
    api.done("/v1/transfers/t-1/receive", {"lines": [{"sku": "CUSHION", "received": 2}]})
    assert api.read("/v1/orders/W-1")["state"] == "open"
