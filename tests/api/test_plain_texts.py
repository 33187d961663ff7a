"""Names are one line and texts are texts: control characters are refused wherever they come in, with a pointer."""

from typing import Any

import pytest

from api import app
from tests.api.conftest import SHOP, Api
from tests.api.test_said_all import path_of

NODE = SHOP["nodes"]["leipzig"]
CONTROLS = ["\x00", "\x01", "\x07", "\x08", "\t", "\n", "\r", "\x1b", "\x1f", "\x7f", "\x85", "\x9f"]
LINES = ["\n", "\r\n", "\t"]


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{ord(control):02x}")
def test_a_name_has_no_control_characters(api: Api, control: str) -> None:
    for name in (f"Lei{control}pzig", f"Leipzig{control}", control):
        problem = api.call("PUT", "/v1/nodes/leipzig", {**NODE, "name": name}).json()
        assert (problem["code"], problem["errors"][0]["pointer"]) == ("malformed_request", "/name")
    assert api.read("/v1/nodes/leipzig")["name"] == "Leipzig"


def test_it_does_not_matter_how_a_character_is_written(api: Api) -> None:
    written = b'{"name":"%b","kind":"warehouse","country":"DE","latitude":51.34,"longitude":12.37}'
    for name in (rb"a\u0000", rb"a\n", rb"a\u001F", rb"a\u007f", b"a\x7f", "a\x85".encode(), rb"a\u0085"):
        answer = api.call("PUT", "/v1/nodes/leipzig", written % name, {"content-type": "application/json"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/name"), name
    for name in (
        rb"Caf\u00e9",
        rb"\"Hof\"",
        rb"back\\nslash",
        rb"back\\u0000slash",
        "Straße".encode(),
        "Âme".encode(),
        rb"a\/b",
    ):
        answer = api.call("PUT", "/v1/nodes/leipzig", written % name, {"content-type": "application/json"})
        assert answer.status_code == 200, (name, answer.text)


def test_all_control_characters_of_a_document_are_told_at_once(api: Api) -> None:
    shop = {
        "nodes": {"leipzig": {**NODE, "name": "L\x00"}, "berlin": {**NODE, "name": "B\x1b"}},
        "items": {"CUSHION": {"name": "C\n"}},
    }
    pointers = ["/nodes/leipzig/name", "/nodes/berlin/name", "/items/CUSHION/name"]
    problem = api.refused("/v1/configuration", shop, 400, "malformed_request")
    assert [error["pointer"] for error in problem["errors"]] == pointers


def test_people_and_addresses_have_none(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    order: dict[str, Any] = {
        "number": "W-1", "channel": "web-de", "lines": [{"id": "1", "sku": "BRASS-KETTLE", "quantity": 1}],
        "customer": {"name": "Erika\x00", "email": "e\n@example.org"},
        "ship_to": {"street": "Invaliden\x1bstraße", "country": "DE", "extra": ["second floor", "back\x07yard"]},
    }  # fmt: skip
    problem = api.refused("/v1/orders", order, 400, "malformed_request")
    assert [error["pointer"] for error in problem["errors"]] == [
        "/customer/name", "/customer/email", "/ship_to/street", "/ship_to/extra/1",
    ]  # fmt: skip


def test_a_text_may_have_lines_and_nothing_else(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    api.order("W-1", ("BRASS-KETTLE", 1))
    for end in LINES:
        api.done("/v1/orders/W-1/notes", {"text": f"rang the bell{end}nobody was there"})
    for control in set(CONTROLS) - {"\t", "\n", "\r"}:
        api.refused("/v1/orders/W-1/notes", {"text": f"ring{control}"}, 400, "malformed_request", "/text")
    api.refused("/v1/orders/W-1/cancel", {"reason": "no\x00"}, 400, "malformed_request", "/reason")


def test_items_of_a_batch_and_names_of_keys_have_none(api: Api) -> None:
    line = {"sku": "CUSHION", "node": "leipzig", "reason": "receipt", "quantity": 1}
    answers = api.done(
        "/v1/stock/movements/bulk", {"items": [{"lines": [line], "reference": "note\x00"}, {"lines": [line]}]}
    )
    assert [each["status"] for each in answers["items"]] == [400, 201]
    api.refused("/v1/keys", {"name": "till\n4"}, 400, "malformed_request", "/name")


READS = [o for o in app.operations() if o.method == "GET" and o.query.__struct_fields__]


@pytest.mark.parametrize("operation", READS, ids=lambda o: o.id)
def test_a_query_parameter_is_what_its_type_says(api: Api, operation: Any) -> None:
    path = path_of(operation)
    for name in operation.query.__struct_encode_fields__:
        for control in ("%00", "%0A", "%7F", "%C2%85"):
            answer = api.get(f"{path}?{name}=a{control}")
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"/{name}"), answer.text
        for no_text in ("%FF", "%C3", "%ED%A0%80"):
            assert api.get(f"{path}?{name}={no_text}").status_code == 400


@pytest.mark.parametrize(
    "limit",
    [
        "1e1",
        "10.0",
        "+10",
        " 10",
        "10 ",
        "1_0",
        "0x10",
        "",
        "null",
        "true",
        "NaN",
        "inf",
        "-1",
        "0",
        "501",
        "%D9%A1",
        "9" * 99,
    ],
)
def test_a_limit_is_a_whole_number(api: Api, limit: str) -> None:
    answer = api.get(f"/v1/orders?limit={limit}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/limit"), answer.text
    assert api.get("/v1/orders?limit=10").status_code == 200


def test_null_is_no_value_of_a_filter(api: Api) -> None:
    for query in (
        "/v1/inbound?state=null",
        "/v1/transfers?state=null",
        "/v1/pick-lists?state=null",
        "/v1/inbound?state=",
    ):
        assert api.get(query).status_code == 400, query
    for query in (
        "/v1/orders?from=null",
        "/v1/orders?to=2026-11-23",
        "/v1/stock/CUSHION?as_of=null",
        "/v1/stock/CUSHION?as_of=",
    ):
        assert api.get(query).status_code == 400, query


def test_all_faults_of_a_query_are_told_at_once(api: Api) -> None:
    problem = api.get("/v1/orders?limit=1e1&from=yesterday&colour=red&limits=4").json()
    assert sorted(error["pointer"] for error in problem["errors"]) == ["/colour", "/from", "/limit", "/limits"]
    assert problem["detail"].startswith("in the query: `limit`: Expected a whole number")
    assert api.get("/v1/orders?limit=1&limit=2").status_code == 400
    assert api.get("/v1/orders?" + "&".join(f"p{at}=1" for at in range(60))).status_code == 400
