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
    nowhere = {"stated_at": "2026-11-24T11:00:00Z", "cancelled": True}
    assert refused(api, nowhere, ORDER.replace("web-de", "moon")) == (422, "unknown_channel")
    assert refused(api, statement(1)) == (400, "malformed_request")
    fulfilment = stated(api, statement(1, (KETTLE, 2), ("CUSHION", 1)))["fulfilments"][0]["id"]
    assert refused(api, statement(2, ("CUSHION", 2))) == (409, "invalid_transition")
    assert refused(api, statement(2, ("NO-SUCH", 2))) == (422, "unknown_sku")
    elsewhere = ORDER.replace("web-de", "phone-pl")
    assert refused(api, statement(2, (KETTLE, 2)), elsewhere) == (409, "order_number_taken")
    api.done(f"/v1/fulfilments/{fulfilment}/ship")
    assert refused(api, statement(3, (KETTLE, 1), ("CUSHION", 1))) == (409, "below_shipped")
    assert refused(api, statement(3, (KETTLE, 1)), ORDER.replace("web-de", "moon").replace("302", "9"))[0] == 422


def test_a_cancellation_that_comes_before_its_order_is_kept_for_it(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    off = stated(api, {"stated_at": "2026-11-24T13:00:00Z", "cancelled": True})
    assert (off["state"], off["lines"], off["ignored"], off["allowed"]) == ("cancelled", [], False, [])
    assert stated(api, {"stated_at": "2026-11-24T12:30:00Z", "cancelled": True})["ignored"]
    api.restart()
    late = stated(api, {**statement(1, (KETTLE, 2), customer=ERIKA), "stated_at": "2026-11-24T12:00:00Z"})
    assert (late["state"], late["lines"][0]["cancelled"], late["fulfilments"]) == ("cancelled", 2, [])
    assert (late["ignored"], late["newest_stated_at"]) == (True, "2026-11-24T13:00:00.000000Z")
    assert api.stock(KETTLE, "berlin")["available"] == 5
    assert api.read("/v1/orders/302-8841")["customer"]["name"] == ERIKA["name"]
    assert [item["number"] for item in api.read("/v1/orders?state=cancelled")["items"]] == ["302-8841"]
    again = stated(api, {**statement(1, (KETTLE, 2)), "stated_at": "2026-11-24T12:00:00Z"})
    assert (again["state"], again["ignored"]) == ("cancelled", True)
    api.restart()


def test_an_order_stated_after_its_own_cancellation_is_an_order_again(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    stated(api, {"stated_at": "2026-11-24T13:00:00Z", "cancelled": True})
    newer = stated(api, {**statement(1, (KETTLE, 2)), "stated_at": "2026-11-24T14:00:00Z"})
    assert (newer["state"], newer["ignored"]) == ("open", False)
    types = [event["type"] for event in api.read("/v1/events?after=0&limit=500")["items"]]
    assert "statement_kept" in types


def test_a_cancellation_that_names_its_lines_is_a_cancelled_order_at_once(api: Api) -> None:
    off = stated(api, statement(1, (KETTLE, 2), cancelled=True))
    assert (off["state"], off["lines"][0]["cancelled"], off["ignored"]) == ("cancelled", 2, False)
    assert stated(api, statement(0, (KETTLE, 2)))["ignored"]


def test_a_cancellation_of_the_same_second_wins_whichever_comes_first(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    stated(api, statement(1, (KETTLE, 2)))
    off = stated(api, statement(1, cancelled=True))
    assert (off["state"], off["ignored"]) == ("cancelled", False)
    assert stated(api, statement(1, (KETTLE, 2)))["ignored"]
    other = ORDER.replace("302", "9")
    assert api.put(other, statement(1, cancelled=True)).json()["state"] == "cancelled"
    late = api.put(other, statement(1, (KETTLE, 2))).json()
    assert (late["state"], late["ignored"], api.stock(KETTLE, "berlin")["available"]) == ("cancelled", True, 5)


def test_a_statement_that_is_ignored_says_so_and_a_repeated_one_does_not(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    assert not stated(api, statement(5, (KETTLE, 3)))["ignored"]
    assert not stated(api, statement(5, (KETTLE, 3)))["ignored"]
    for minute, units in ((4, 3), (4, 1), (5, 1)):
        found = stated(api, statement(minute, (KETTLE, units)))
        assert (found["ignored"], found["lines"][0]["quantity"]) == (True, 3)
        assert found["newest_stated_at"] == "2026-11-24T10:05:00.000000Z"


def test_a_clock_that_is_days_ahead_is_refused_before_it_locks_the_order(api: Api) -> None:
    api.receive(KETTLE, "berlin", 5)
    stated(api, statement(1, (KETTLE, 2)))
    answer = api.put(ORDER, {"stated_at": "2099-01-01T00:00:00Z", "lines": order_lines((KETTLE, 3))})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/stated_at")
    assert stated(api, statement(2, (KETTLE, 1)))["lines"][0]["quantity"] == 1


def test_what_was_sold_is_kept_though_it_cannot_be_promised(api: Api) -> None:
    api.receive(KETTLE, "berlin", 3)
    sold = stated(api, statement(1, (KETTLE, 9), ("CUSHION", 2), ship_to=INVALIDENSTRASSE))
    kettle, cushion = sold["lines"]
    assert (sold["state"], kettle["allocated"], kettle["unsourceable"], cushion["backordered"]) == (
        "unsourceable",
        3,
        6,
        2,
    )
    assert [item["number"] for item in api.read("/v1/orders?state=unsourceable")["items"]] == ["302-8841"]
    event = next(e for e in api.read("/v1/events?after=0&limit=500")["items"] if e["type"] == "order_placed")
    assert event["data"]["lines"][0]["unsourceable"] == 6
    api.receive(KETTLE, "leipzig", 6)
    assert api.done("/v1/orders/302-8841/source-again")["state"] == "backordered"
    api.restart()


def test_the_rest_of_a_statement_is_applied_where_more_units_cannot_be_promised(api: Api) -> None:
    api.receive(KETTLE, "berlin", 3)
    api.receive("CUSHION", "berlin", 5)
    stated(api, statement(1, (KETTLE, 2), ("CUSHION", 1), ship_to=INVALIDENSTRASSE))
    more = statement(2, (KETTLE, 9), ("CUSHION", 3), ship_to={"city": "Passau", "country": "DE"})
    kettle, cushion = stated(api, more)["lines"]
    assert (kettle["allocated"] + kettle["unsourceable"], kettle["quantity"], cushion["quantity"]) == (9, 9, 3)
    assert api.read("/v1/orders/302-8841")["ship_to"]["city"] == "Passau"
    fewer = stated(api, statement(3, (KETTLE, 2), ("CUSHION", 3)))
    assert (fewer["state"], fewer["lines"][0]["quantity"]) == ("open", 2)
    raised = stated(api, statement(4, (KETTLE, 7), ("CUSHION", 3)))["lines"][0]
    assert (raised["allocated"], raised["unsourceable"]) == (3, 4)


def test_what_the_merchant_did_himself_is_not_undone_by_the_next_statement(api: Api) -> None:
    api.receive(KETTLE, "berlin", 9)
    api.receive("CUSHION", "berlin", 9)
    stated(api, statement(1, (KETTLE, 3), ("CUSHION", 2)))
    api.done("/v1/orders/302-8841/cancel", {"reason": "broken", "lines": [{"id": "1", "quantity": 1}]})
    change = {
        "reason": "called",
        "set": [{"id": "2", "quantity": 1}],
        "add": [{"id": "gift", "sku": KETTLE, "quantity": 1}],
    }
    api.done(f"/v1/changes/{api.done('/v1/orders/302-8841/changes', change)['id']}/confirm")

    def open_units(found: Any) -> list[int]:
        return [line["allocated"] for line in found["lines"]]

    assert open_units(stated(api, statement(2, (KETTLE, 3), ("CUSHION", 2)))) == [2, 1, 1]
    assert open_units(stated(api, statement(3, (KETTLE, 2), ("CUSHION", 2)))) == [2, 1, 1], (
        "it knows of the cancelled one"
    )
    assert open_units(stated(api, statement(4, (KETTLE, 4), ("CUSHION", 2)))) == [4, 1, 1]
    assert open_units(stated(api, statement(5, (KETTLE, 1), ("CUSHION", 2)))) == [1, 1, 1]
    assert open_units(stated(api, statement(6, (KETTLE, 1)))) == [1, 0, 1]


def test_an_address_that_the_merchant_corrected_stays_until_the_marketplace_states_another(api: Api) -> None:
    api.receive(KETTLE, "berlin", 9)
    stated(api, statement(1, (KETTLE, 3), customer=ERIKA, ship_to=INVALIDENSTRASSE))
    right = {**INVALIDENSTRASSE, "street": "Invalidenstraße 44"}
    change = {"reason": "called", "ship_to": right}
    api.done(f"/v1/changes/{api.done('/v1/orders/302-8841/changes', change)['id']}/confirm")
    stated(api, statement(2, (KETTLE, 2), ship_to=INVALIDENSTRASSE))
    assert api.read("/v1/orders/302-8841")["ship_to"]["street"] == "Invalidenstraße 44"
    api.restart()
    stated(api, statement(3, (KETTLE, 2), ship_to={**INVALIDENSTRASSE, "street": "Kastanienallee 1"}))
    found = api.read("/v1/orders/302-8841")
    assert (found["ship_to"]["street"], found["customer"]["name"]) == ("Kastanienallee 1", ERIKA["name"])
    stated(api, statement(4, (KETTLE, 2), ship_to={**INVALIDENSTRASSE, "street": "Kastanienallee 1"}))
    assert len(api.read("/v1/orders/302-8841/versions")["items"]) == 4
