"""Orders as marketplaces state them: whole, often, and in any order."""

from typing import Any

from tests.api.conftest import ERIKA, INVALIDENSTRASSE, Api, order_lines

KETTLE = "BRASS-KETTLE"
ORDER = "/v1/channels/web-de/orders/302-8841"


def statement(minute: int, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    return {"stated_at": f"2026-11-24T10:{minute:02}:00Z", "lines": order_lines(*lines), **more}


def stated(api: Api, body: dict[str, Any]) -> Any:
    answer = api.put(ORDER, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(api: Api, body: dict[str, Any], path: str = ORDER) -> tuple[int, str]:
    seq = api.node.journal.last_seq
    answer = api.put(path, body)
    assert api.node.journal.last_seq == seq
    return answer.status_code, answer.json()["code"]


def test_the_same_statement_places_an_order_once(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    first = stated(api, statement(1, (KETTLE, 2), customer=ERIKA, ship_to=INVALIDENSTRASSE))
    assert (first["number"], first["lines"][0]["allocated"]) == ("302-8841", 2)
    seq = api.node.journal.last_seq
    assert stated(api, statement(1, (KETTLE, 2), customer=ERIKA, ship_to=INVALIDENSTRASSE)) == first
    assert api.node.journal.last_seq == seq
    assert api.read("/v1/orders/302-8841")["customer"]["name"] == ERIKA["name"]


def test_a_newer_statement_changes_what_is_different(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    api.receive("CUSHION", "berlin", 5)
    stated(api, statement(1, (KETTLE, 2), ship_to=INVALIDENSTRASSE))
    changed = stated(api, statement(2, (KETTLE, 1), ("CUSHION", 3), ship_to={"city": "Passau", "country": "DE"}))
    assert [(line["sku"], line["quantity"], line["allocated"]) for line in changed["lines"]] == [
        (KETTLE, 1, 1), ("CUSHION", 3, 3),
    ]  # fmt: skip
    assert api.read("/v1/orders/302-8841")["ship_to"]["city"] == "Passau"
    assert api.read("/v1/orders/302-8841/versions")["items"][1]["reason"] == "restated"
    fewer = stated(api, {**statement(3), "lines": order_lines((KETTLE, 1))})
    assert [line["quantity"] for line in fewer["lines"]] == [1, 0]
    assert api.stock("CUSHION", "berlin")["available"] == 5


def test_an_older_statement_that_comes_late_changes_nothing(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    stated(api, statement(5, (KETTLE, 3)))
    assert stated(api, statement(4, (KETTLE, 1)))["lines"][0]["quantity"] == 3
    api.restart()
    assert stated(api, statement(5, (KETTLE, 1)))["lines"][0]["quantity"] == 3


def test_what_is_called_off_is_cancelled_as_far_as_it_has_not_left(api: Api) -> None:
    api.receive(KETTLE, "berlin", 2)
    api.receive(KETTLE, "leipzig", 3)
    fulfilments = stated(api, statement(1, (KETTLE, 5)))["fulfilments"]
    api.done(f"/v1/fulfilments/{fulfilments[0]['id']}/ship")
    off = stated(api, {"stated_at": "2026-11-24T11:00:00Z", "cancelled": True})
    assert (off["state"], off["lines"][0]["shipped"] + off["lines"][0]["cancelled"]) == ("shipped", 5)
    assert stated(api, {"stated_at": "2026-11-24T12:00:00Z", "cancelled": True})["state"] == "shipped"


def test_statements_that_cannot_be_are_refused_whole(api: Api) -> None:
    api.receive(KETTLE, "berlin", 3)
    assert refused(api, statement(1, (KETTLE, 9))) == (409, "insufficient_stock")
    assert refused(api, {"stated_at": "2026-11-24T11:00:00Z", "cancelled": True}) == (404, "not_found")
    assert refused(api, statement(1)) == (400, "malformed_request")
    fulfilment = stated(api, statement(1, (KETTLE, 2), ("CUSHION", 1)))["fulfilments"][0]["id"]
    assert refused(api, statement(2, (KETTLE, 9), ("CUSHION", 1))) == (409, "insufficient_stock")
    assert refused(api, statement(2, ("CUSHION", 2))) == (409, "invalid_transition")
    assert refused(api, statement(2, ("NO-SUCH", 2))) == (422, "unknown_sku")
    elsewhere = ORDER.replace("web-de", "phone-pl")
    assert refused(api, statement(2, (KETTLE, 2)), elsewhere) == (409, "order_number_taken")
    api.done(f"/v1/fulfilments/{fulfilment}/ship")
    assert refused(api, statement(3, (KETTLE, 1), ("CUSHION", 1))) == (409, "below_shipped")
    assert refused(api, statement(3, (KETTLE, 1)), ORDER.replace("web-de", "moon").replace("302", "9"))[0] == 422
