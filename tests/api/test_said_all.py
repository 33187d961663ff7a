"""That all of something is meant is said: a body that is lost on the way is never taken for it."""

from typing import Any

import msgspec
import pytest

from api import app
from api.http.operations import Operation
from api.http.part_or_all import PARTS, PartOrAll
from tests.api.conftest import Api

WITH_A_BODY = [o for o in app.operations() if o.body is not None and o.body is not msgspec.Raw]
MEANING_ALL = [o for o in WITH_A_BODY if issubclass(o.body, PartOrAll)]
AT = {
    "reservation": "res-1",
    "number": "W-1",
    "payment": "p-1",
    "inbound": "in-1",
    "transfer": "t-1",
    "fulfilment": "f-1",
}
SAID = {"cancelOrder": {"reason": "changed their mind"}, "writeOff": {"reason": "moved away"}}


def path_of(operation: Operation) -> str:
    """Its path with ids that may be there."""
    path = operation.path
    for name in (
        "node",
        "sku",
        "channel",
        "policy",
        "price_list",
        "country",
        "promotion",
        "voucher",
        "table",
        "provider",
    ):
        path = path.replace(f"{{{name}}}", "x")
    for name, value in AT.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def optional_parts(body: Any) -> list[str]:
    """Fields that name a part and may be left out."""
    return [
        field.encode_name for field in msgspec.structs.fields(body) if field.encode_name in PARTS and not field.required
    ]


@pytest.mark.parametrize("operation", WITH_A_BODY, ids=lambda o: o.id)
def test_whatever_may_name_a_part_must_have_a_body(operation: Operation) -> None:
    if optional_parts(operation.body):
        assert not operation.body_optional
    if issubclass(operation.body, PartOrAll):
        assert optional_parts(operation.body)
        assert not operation.body_optional


def test_these_steps_take_a_part_or_all() -> None:
    assert {o.id for o in MEANING_ALL} >= {
        "releaseReservation", "receiveInbound", "cancelInbound", "receiveTransfer", "cancelOrder", "capturePayment",
        "payOutRefund", "writeOff",
    }  # fmt: skip


@pytest.mark.parametrize("operation", [o for o in WITH_A_BODY if not o.body_optional], ids=lambda o: o.id)
def test_a_body_that_is_lost_is_400_and_changes_nothing(api: Api, operation: Operation) -> None:
    for lost in (None, b"", b"  \r\n"):
        seq = api.node.state.seq
        answer = api.call(operation.method, path_of(operation), lost, {"content-type": "application/json"})
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "malformed_request"), answer.text
        assert "a body is needed" in problem["detail"]
        if issubclass(operation.body, PartOrAll):
            assert '{"all": true}' in problem["detail"]
        assert api.node.state.seq == seq


@pytest.mark.parametrize("operation", MEANING_ALL, ids=lambda o: o.id)
def test_all_is_said_as_a_word_or_by_an_empty_object_and_excludes_a_part(operation: Operation) -> None:
    said = SAID.get(operation.id, {})
    word, empty = (msgspec.convert({**said, **more}, operation.body) for more in ({"all": True}, {}))
    assert word == empty
    for wrong in ({"all": False}, {"all": "yes"}, {"all": 1}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({**said, **wrong}, operation.body)
    part = {"lines": [{"sku": "CUSHION", "quantity": 1, "received": 1, "id": "1"}], "amount_minor": 1}
    lines = {name: part[name] for name in optional_parts(operation.body)}
    if "amount_minor" in lines:
        with pytest.raises(msgspec.ValidationError, match="`all` is left out where a part is named"):
            msgspec.convert({**said, **lines, "all": True}, operation.body)


def test_a_release_of_all_must_be_said(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    claim = {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 5}]}
    for said in ({}, {"all": True}):
        held = api.done("/v1/reservations", claim)["id"]
        api.refused(f"/v1/reservations/{held}/release", None, 400, "malformed_request")
        both = {"all": True, "lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]}
        api.refused(f"/v1/reservations/{held}/release", both, 400, "malformed_request", "/all")
        api.refused(f"/v1/reservations/{held}/release", {"all": False}, 400, "malformed_request", "/all")
        assert api.done(f"/v1/reservations/{held}/release", said)["state"] == "released"
        assert api.stock("BRASS-KETTLE", "leipzig")["available"] == 10


def test_both_words_for_all_are_the_same_to_an_idempotency_key(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    held = api.done("/v1/reservations", {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 5}]})["id"]
    first = api.post(f"/v1/reservations/{held}/release", {"all": True}, "give-back")
    again = api.post(f"/v1/reservations/{held}/release", {}, "give-back")
    assert (first.status_code, again.status_code, again.headers["idempotent-replayed"]) == (200, 200, "true")


def test_an_arrival_in_full_must_be_said(api: Api) -> None:
    inbound = {
        "supplier": "mill", "node": "leipzig", "expected_at": "2026-12-01T12:00:00Z", "lines": [{"sku": "CUSHION", "quantity": 40}],
    }  # fmt: skip
    for said in ({}, {"all": True}):
        coming = api.done("/v1/inbound", inbound)["id"]
        before = api.stock("CUSHION", "leipzig")["on_hand"]
        api.refused(f"/v1/inbound/{coming}/receive", None, 400, "malformed_request")
        api.done(f"/v1/inbound/{coming}/receive", {"lines": [{"sku": "CUSHION", "quantity": 3}]})
        api.refused(f"/v1/inbound/{coming}/receive", None, 400, "malformed_request")
        api.done(f"/v1/inbound/{coming}/receive", said)
        assert api.stock("CUSHION", "leipzig")["on_hand"] == before + 40


@pytest.mark.parametrize("said", [None, {}, {"all": True}], ids=["nothing", "an empty object", "a word"])
def test_a_step_that_takes_no_part_may_go_without_a_body(api: Api, said: Any) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    work = api.order("W-1", ("BRASS-KETTLE", 2))["fulfilments"][0]["id"]
    for step in ("accept", "pick", "pack", "ship", "deliver"):
        api.done(f"/v1/fulfilments/{work}/{step}", said)
    goods = {"from": "leipzig", "to": "berlin", "lines": [{"sku": "BRASS-KETTLE", "quantity": 3}]}
    moved = api.done("/v1/transfers", goods)["id"]
    assert api.done(f"/v1/transfers/{moved}/ship", said)["state"] == "in_transit"
    api.refused(f"/v1/transfers/{moved}/receive", None, 400, "malformed_request")
