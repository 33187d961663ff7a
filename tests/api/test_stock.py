"""Movements, balances, availability and the trial balance over HTTP."""

from typing import Any

import pytest

from tests.api.conftest import BERLIN, Api


def move(api: Api, *lines: tuple[str, str, str, int], **more: Any) -> Any:
    fields = ("sku", "node", "reason", "quantity")
    return api.done("/v1/stock/movements", {"lines": [dict(zip(fields, line, strict=True), **more) for line in lines]})


def test_a_receipt_shows_what_is_there_afterwards(api: Api) -> None:
    answer = api.post(
        "/v1/stock/movements",
        {
            "reference": "delivery 7",
            "lines": [{"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 40}],
        },
    )
    assert answer.status_code == 201
    line = answer.json()["lines"][0]
    assert (line["on_hand"], line["available"], line["oversold"]) == (40, 40, 0)
    assert answer.headers["kontor-seq"] == str(answer.json()["seq"]) == str(api.node.journal.last_seq)


def test_a_movement_posts_all_of_its_lines_or_none(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    lines = [
        {"sku": "TEA POT 2L", "node": "leipzig", "reason": "receipt", "quantity": 3},
        {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "damage", "quantity": 6},
    ]
    problem = api.refused("/v1/stock/movements", {"lines": lines}, 409, "insufficient_stock")
    assert problem["lines"] == [{"sku": "BRASS-KETTLE", "requested": 6, "available": 5}]
    assert api.read("/v1/stock/TEA POT 2L")["on_hand"] == 0


def test_every_reason_moves_units_where_the_contract_says(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    move(api, ("BRASS-KETTLE", "leipzig", "damage", 3), ("BRASS-KETTLE", "leipzig", "quarantine", 2))
    move(api, ("BRASS-KETTLE", "leipzig", "restore", 1), ("BRASS-KETTLE", "leipzig", "write_off", 2))
    move(api, ("BRASS-KETTLE", "leipzig", "adjustment", -1), note="gift to the neighbours")
    there = api.stock("BRASS-KETTLE", "leipzig")
    assert (there["available"], there["unsellable"], there["on_hand"]) == (5, 2, 7)
    accounts = api.read("/v1/ledger/trial-balance")["accounts"]
    assert (accounts["supplier"], accounts["loss"], accounts["adjustment"]) == (-10, 2, 1)


def test_a_count_below_the_promises_keeps_them_and_reports_what_is_oversold(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    held = api.done("/v1/reservations", {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 6}]})
    line = move(api, ("BRASS-KETTLE", "leipzig", "count", 4))["lines"][0]
    assert (line["available"], line["on_hand"], line["oversold"]) == (0, 4, 2)
    assert api.read(f"/v1/reservations/{held['id']}")["lines"][0]["reserved"] == 6
    assert api.stock("BRASS-KETTLE", "leipzig")["reserved"] == 6


def test_a_count_of_zero_empties_the_shelf(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    assert move(api, ("BRASS-KETTLE", "leipzig", "count", 0))["lines"][0]["on_hand"] == 0


def test_stock_is_shown_over_all_nodes_and_at_each(api: Api) -> None:
    api.receive("TEA POT 2L", "leipzig", 4)
    api.receive("TEA POT 2L", "berlin", 3)
    assert api.put("/v1/nodes/leipzig/items/TEA POT 2L", {"safety_stock": 3}).status_code == 200
    assert api.put("/v1/nodes/berlin/items/TEA%20POT%202L", {"sellable": False}).status_code == 200
    found = api.read("/v1/stock/TEA%20POT%202L?all=true")
    assert (found["on_hand"], found["available"], found["available_to_promise"]) == (7, 7, 1)
    by_node = {entry["node"]: entry for entry in found["nodes"]}
    assert by_node["leipzig"]["safety_stock"] == 3
    assert by_node["leipzig"]["available_to_promise"] == 1
    assert by_node["berlin"]["available_to_promise"] == 0
    assert by_node["krakow"]["on_hand"] == 0


@pytest.mark.parametrize("sku", ["GHOST", "x" * 600, "%20KETTLE", "BRASS-KETTLE%0A"])
def test_an_unknown_sku_is_not_found(api: Api, sku: str) -> None:
    answer = api.get(f"/v1/stock/{sku}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_stock_of_all_skus_comes_page_by_page(api: Api) -> None:
    api.receive("CUSHION", "berlin", 2)
    first = api.read("/v1/stock?limit=2")
    rest = api.read(f"/v1/stock?limit=2&cursor={first['next_cursor']}")
    assert [item["sku"] for item in first["items"] + rest["items"]] == ["BRASS-KETTLE", "TEA POT 2L", "CUSHION"]
    assert rest["items"][0]["on_hand"] == 2
    assert rest["next_cursor"] is None


def test_availability_says_from_where_and_changes_nothing(api: Api) -> None:
    api.receive("BRASS-KETTLE", "berlin", 2)
    api.receive("BRASS-KETTLE", "krakow", 9)
    seq = api.node.state.seq
    answer = api.done(
        "/v1/availability",
        {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 2}], "ship_to": BERLIN},
    )
    assert answer["fulfillable"] is True
    assert answer["lines"] == [{"sku": "BRASS-KETTLE", "requested": 2, "available": 11}]
    (source,) = answer["sources"]
    assert (source["sku"], source["node"], source["quantity"]) == ("BRASS-KETTLE", "berlin", 2)
    assert answer["sources"][0]["ships_at"] < answer["sources"][0]["delivers_at"]
    assert api.node.state.seq == seq


def test_lines_of_one_sku_are_available_together_or_not(api: Api) -> None:
    api.receive("BRASS-KETTLE", "krakow", 5)
    lines = [{"sku": "BRASS-KETTLE", "quantity": 3}, {"sku": "BRASS-KETTLE", "quantity": 3}]
    answer = api.done("/v1/availability", {"channel": "phone-pl", "lines": lines})
    assert answer["fulfillable"] is False
    assert answer["lines"] == [{"sku": "BRASS-KETTLE", "requested": 6, "available": 5}]


def test_a_channel_sees_only_its_nodes_less_its_buffer(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 50)
    api.receive("BRASS-KETTLE", "krakow", 5)
    channel = {"name": "Phone", "kind": "phone", "country": "PL", "currency": "PLN", "nodes": ["krakow"], "buffer": 2}
    assert api.put("/v1/channels/phone-pl", channel).status_code == 200
    lines = [{"sku": "BRASS-KETTLE", "quantity": 4}]
    answer = api.done("/v1/availability", {"channel": "phone-pl", "lines": lines})
    assert (answer["fulfillable"], answer["lines"][0]["available"]) == (False, 3)


def test_the_books_balance_whatever_happens(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 10)
    api.order("W-1", ("CUSHION", 12))
    balance = api.read("/v1/ledger/trial-balance")
    assert balance["balanced"] is True
    assert balance["skus"] == 3
    assert sum(balance["accounts"].values()) == 0
    assert balance["accounts"]["allocated"] == 10


BAD_LINES = [
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 100.0}, "/lines/0/quantity"),
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": "2"}, "/lines/0/quantity"),
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": True}, "/lines/0/quantity"),
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 10**30}, "/lines/0/quantity"),
    ({"sku": " KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 1}, "/lines/0/sku"),
    ({"sku": "BRASS-KETTLE", "node": "leip zig", "reason": "receipt", "quantity": 1}, "/lines/0/node"),
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "found", "quantity": 1}, "/lines/0/reason"),
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 0}, "/lines/0/quantity"),
    ({"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "adjustment", "quantity": 1}, "/lines/0"),
    (
        {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 1, "colour": "red"},
        "/lines/0/colour",
    ),
]


@pytest.mark.parametrize(("line", "pointer"), BAD_LINES)
def test_a_bad_line_is_named_and_nothing_is_changed(api: Api, line: dict[str, Any], pointer: str) -> None:
    api.refused("/v1/stock/movements", {"lines": [line]}, 400, "malformed_request", pointer)


def test_unknown_skus_and_nodes_are_named(api: Api) -> None:
    line = {"sku": "GHOST", "node": "leipzig", "reason": "receipt", "quantity": 1}
    api.refused("/v1/stock/movements", {"lines": [line]}, 422, "unknown_sku", "/lines/0/sku")
    line = {"sku": "CUSHION", "node": "atlantis", "reason": "receipt", "quantity": 1}
    api.refused("/v1/stock/movements", {"lines": [line]}, 422, "unknown_node", "/lines/0/node")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"lines": []}', b"null", b'{"lines": [' * 5000, b"\xff\xfe"])
def test_what_is_no_movement_is_refused(api: Api, body: bytes) -> None:
    api.refused("/v1/stock/movements", body, 400, "malformed_request")


def test_a_movement_is_answered_again_under_its_key_after_a_restart(api: Api) -> None:
    body = {"lines": [{"sku": "CUSHION", "node": "berlin", "reason": "receipt", "quantity": 5}]}
    first = api.post("/v1/stock/movements", body, key="delivery-7")
    api.restart()
    again = api.post("/v1/stock/movements", body, key='"delivery-7"')
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert api.stock("CUSHION", "berlin")["on_hand"] == 5
    body["lines"][0]["quantity"] = 6
    assert api.post("/v1/stock/movements", body, key="delivery-7").json()["code"] == "idempotency_key_reused"


def test_what_is_there_of_a_sku_at_a_node_is_said_once_in_a_movement(api: Api) -> None:
    """A stocktaking list by bin: the last row must not win over what lies in the other bins."""
    lines = [
        {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "count", "quantity": 3, "note": "bin 1"},
        {"sku": "BRASS-KETTLE", "node": "berlin", "reason": "count", "quantity": 9},
        {"sku": "CUSHION", "node": "leipzig", "reason": "receipt", "quantity": 1},
        {"sku": "CUSHION", "node": "leipzig", "reason": "receipt", "quantity": 1},
        {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "feed", "quantity": 4, "note": "bin 2"},
    ]
    problem = api.refused("/v1/stock/movements", {"lines": lines}, 400, "malformed_request")
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/0/sku", "/lines/4/sku"]
    answers = api.done("/v1/stock/movements/bulk", {"items": [{"lines": lines}, {"lines": lines[:4]}]})["items"]
    assert [answer["status"] for answer in answers] == [400, 201]
    assert api.stock("BRASS-KETTLE", "leipzig")["on_hand"] == 3
    assert api.stock("CUSHION", "leipzig")["on_hand"] == 2


@pytest.mark.parametrize(("path", "name"), [("/v1/counts", "counted"), ("/v1/stock/feed", "quantity")])
def test_a_count_or_feed_that_names_a_sku_twice_points_at_all_of_its_lines(api: Api, path: str, name: str) -> None:
    lines = [{"sku": sku, name: 2} for sku in ("BRASS-KETTLE", "CUSHION", "BRASS-KETTLE", "BRASS-KETTLE")]
    problem = api.refused(path, {"node": "leipzig", "lines": lines}, 400, "malformed_request")
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/0/sku", "/lines/2/sku", "/lines/3/sku"]


def test_stock_of_a_sku_shows_only_nodes_that_have_any_unless_all_are_asked_for(api: Api) -> None:
    def shown(query: str) -> list[str]:
        return [there["node"] for there in api.read(f"/v1/stock/BRASS-KETTLE{query}")["nodes"]]

    assert shown("") == []
    api.receive("BRASS-KETTLE", "berlin", 2)
    assert shown("") == ["berlin"]
    assert shown(f"?as_of={api.node.state.seq}") == ["berlin"]
    assert shown("?all=true") == ["leipzig", "berlin", "krakow"]
    assert shown("?node=krakow") == ["krakow"]
    assert api.read("/v1/stock/BRASS-KETTLE?node=krakow")["on_hand"] == 2, "the sum is over all nodes"
    api.done(
        "/v1/inbound",
        {"supplier": "acme", "node": "krakow", "expected_at": "2030-01-01T00:00:00Z",
         "lines": [{"sku": "BRASS-KETTLE", "quantity": 3}]},
    )  # fmt: skip
    assert shown("") == ["berlin", "krakow"], "units that are expected are worth showing"


def test_the_stock_of_a_node_comes_page_by_page_without_what_it_has_nothing_of(api: Api) -> None:
    for sku in ("CUSHION", "BRASS-KETTLE"):
        api.receive(sku, "leipzig", 4)
    api.receive("TEA POT 2L", "berlin", 1)
    api.receive("CUSHION", "berlin", 5)
    page = api.read("/v1/stock?node=leipzig&limit=1")
    assert [(item["sku"], item["on_hand"]) for item in page["items"]] == [("BRASS-KETTLE", 4)]
    page = api.read(f"/v1/stock?node=leipzig&limit=1&cursor={page['next_cursor']}")
    assert [(item["sku"], item["on_hand"]) for item in page["items"]] == [("CUSHION", 4)]
    assert page["next_cursor"] is None
    assert api.read("/v1/stock?node=krakow")["items"] == []


def test_what_a_node_may_promise_is_told_as_its_settings_are_now(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    leipzig = {name: value for name, value in api.read("/v1/nodes/leipzig").items() if name != "id"}

    def promisable() -> list[int]:
        detail = api.read("/v1/stock/BRASS-KETTLE")
        listed = [api.read(path)["items"] for path in ("/v1/stock", "/v1/stock?node=leipzig")]
        everywhere, there = (next(each for each in items if each["sku"] == "BRASS-KETTLE") for items in listed)
        at_node = next(each for each in detail["nodes"] if each["node"] == "leipzig")
        return [each["available_to_promise"] for each in (at_node, there, detail, everywhere)]

    assert promisable() == [5] * 4
    for more, units in (({"enabled": False}, 0), ({}, 5), ({"ships": False}, 0), ({"ships": False, "pickup": True}, 5)):
        assert api.put("/v1/nodes/leipzig", {**leipzig, **more}).status_code == 200
        assert promisable() == [units] * 4, more
    assert api.put("/v1/nodes/kiel", {**leipzig, "name": "Kiel"}).status_code == 200
    assert promisable() == [5] * 4, "a node that was not there when it was asked first"
