"""A client that got several things wrong is told all of them at once, each with a whole pointer."""

import copy
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import app
from api.answers import faults
from api.answers.problems import from_validation
from api.http.operations import Operation
from engine.commands.configuration import Configure
from tests.api.conftest import SHOP, Api

EXAMPLES = [(o.id, o.body, o.example) for o in app.operations() if o.example is not None and o.body is not msgspec.Raw]
DOCUMENTS: list[tuple[str, Any, Any]] = [*EXAMPLES, ("a shop", Configure, SHOP)]
WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1.5,
        2**70,
        "",
        "x",
        "a b",
        "a/b",
        "ä",
        [],
        {},
        [1],
        [[]],
        {"a": 1},
        {"": {}},
        "2026-02-30",
        "\n",
    ]
)


def told(api: Api, path: str, body: Any, method: str = "POST") -> list[str]:
    """The pointers of the refusal."""
    answer = api.call(method, path, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), answer.text
    return [error["pointer"] for error in answer.json()["errors"]]


def test_an_order_with_many_faults_is_told_all_of_them(api: Api) -> None:
    order = {
        "number": "W 1",
        "lines": [
            {"sku": "BRASS-KETTLE", "quantity": 0},
            {"id": "2", "sku": "CUSHION", "quantity": 1.5, "colour": "red"},
        ],
        "ship_to": {"country": "de", "latitude": 91},
        "delivery": "pigeon",
        "gift": True,
    }
    assert sorted(told(api, "/v1/orders", order)) == sorted([
        "/number", "/lines/0/quantity", "/lines/0/id", "/lines/1/quantity", "/lines/1/colour", "/ship_to/country",
        "/ship_to/latitude", "/delivery", "/gift", "/channel",
    ])  # fmt: skip


def test_the_first_order_of_a_newcomer_takes_two_tries_at_most(api: Api) -> None:
    assert set(told(api, "/v1/orders", {"sku": "BRASS-KETTLE", "qty": 1})) == {
        "/sku",
        "/qty",
        "/number",
        "/channel",
        "/lines",
    }


def test_a_pointer_names_the_keys_of_maps(api: Api) -> None:
    shop = copy.deepcopy(SHOP)
    shop["nodes"]["berlin"]["name"] = 7
    shop["nodes"]["far away"] = shop["nodes"]["krakow"]
    shop["items"]["TEA POT 2L"]["weight_grams"] = "heavy"
    shop["items"]["a/b"] = {"name": "Slash"}
    shop["items"]["a~b"] = {"name": ""}
    assert set(told(api, "/v1/configuration", shop)) == {
        "/nodes/berlin/name", "/nodes/far away", "/items/TEA POT 2L/weight_grams", "/items/a~1b", "/items/a~0b/name",
    }  # fmt: skip


def test_an_unknown_and_a_missing_field_are_pointed_at(api: Api) -> None:
    assert told(api, "/v1/nodes/berlin", {**SHOP["nodes"]["berlin"], "colour": "red"}, "PUT") == ["/colour"]
    missing = {name: value for name, value in SHOP["nodes"]["berlin"].items() if name != "country"}
    assert told(api, "/v1/nodes/berlin", missing, "PUT") == ["/country"]
    api.refused("/v1/reservations", {"channel": "web-de"}, 400, "malformed_request", "/lines")


def test_each_item_of_a_batch_is_told_all_its_faults(api: Api) -> None:
    item = {"channel": "web de", "lines": [{"sku": "CUSHION", "quantity": 0, "x": 1}]}
    problem = api.done("/v1/reservations/batch", {"items": [item]})["items"][0]["body"]
    assert [error["pointer"] for error in problem["errors"]] == ["/channel", "/lines/0/quantity", "/lines/0/x"]


def test_a_hundred_faults_are_enough(api: Api) -> None:
    order = {"number": "W-1", "channel": "web-de", "lines": [{"id": "", "sku": "", "quantity": 0}] * 900}
    assert len(told(api, "/v1/orders", order)) == faults.FAULTS_MAX


def test_what_is_no_json_is_told_as_that(api: Api) -> None:
    assert told(api, "/v1/orders", b'{"number": 1, "lines": [') == ["/number"]
    assert told(api, "/v1/orders", b'{"number": "W-1", ') == [""]
    assert told(api, "/v1/orders", b"[" * 5_000) == [""]
    assert told(api, "/v1/orders", b'{"number": "\xff"}') == [""]


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [path]
    entries = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for name, value in entries:
        found += places(value, (*path, name))
    return found


def spoiled(document: Any, path: tuple[Any, ...], how: str, wrong: Any) -> Any:
    """A document with one thing wrong, or not."""
    if not path:
        return (
            wrong if how == "replaced" else {**document, "unknown": wrong} if isinstance(document, dict) else document
        )
    made = copy.copy(document)
    if len(path) > 1 or how == "more":
        made[path[0]] = spoiled(document[path[0]], path[1:], how, wrong)
    elif how == "gone":
        del made[path[0]]
    else:
        made[path[0]] = wrong
    return made


@pytest.mark.parametrize(("name", "kind", "document"), DOCUMENTS, ids=[name for name, *_ in DOCUMENTS])
@given(data=st.data())
@settings(max_examples=30)
def test_the_fault_the_decoder_finds_is_among_all_faults_and_good_bodies_have_none(
    name: str, kind: Any, document: Any, data: st.DataObject
) -> None:
    made = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(0, 4))):
        path = data.draw(st.sampled_from(places(made)))
        made = spoiled(made, path, data.draw(st.sampled_from(["replaced", "gone", "more"])), data.draw(WRONG))
    content = json.dumps(made).encode()
    try:
        msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        refusal = faults.faults_of(content, kind, error)
        first = from_validation(error).errors[0]
        assert first.detail in {fault.detail for fault in refusal.errors}
        assert len(set(refusal.errors)) == len(refusal.errors)
        for fault in refusal.errors:
            assert is_there(made, fault.pointer), fault
    else:
        search = faults._Search()
        search.look_inside(content, kind, "")
        assert search.found == []


def is_there(document: Any, pointer: str) -> bool:
    """Whether a pointer leads to a place, or to a field that could be in an object that is there."""
    *above, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]] or [""]
    for step in above:
        document = document[int(step) if isinstance(document, list) else step]
    return pointer == "" or isinstance(document, dict) or int(last) < len(document)


def operations_with_a_body() -> list[Operation]:
    return [o for o in app.operations() if o.body is not None and o.body is not msgspec.Raw]


@pytest.mark.parametrize("operation", operations_with_a_body(), ids=lambda o: o.id)
def test_every_body_tells_all_unknown_and_missing_fields(operation: Operation) -> None:
    content = b'{"colour":"red","flavour":"sweet"}'
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.json.decode(content, type=operation.body)
    pointers = {fault.pointer for fault in faults.faults_of(content, operation.body, caught.value).errors}
    required = {field.encode_name for field in msgspec.structs.fields(operation.body) if field.required}
    assert pointers == {"/colour", "/flavour", *(f"/{name}" for name in required)}


def test_lines_that_name_what_is_unknown_are_all_pointed_at(api: Api) -> None:
    line = {"node": "leipzig", "sku": "CUSHION", "reason": "receipt", "quantity": 1}
    unknown = [line, {**line, "sku": "GHOST"}, line, {**line, "sku": "SHADE"}]
    problem = api.refused("/v1/stock/movements", {"lines": unknown}, 422, "unknown_sku")
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/1/sku", "/lines/3/sku"]
    nowhere = [{**line, "node": "atlantis"}, line, {**line, "node": "avalon"}]
    problem = api.refused("/v1/stock/movements", {"lines": nowhere}, 422, "unknown_node")
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/0/node", "/lines/2/node"]
    counted = [{"sku": "CUSHION", "counted": units} for units in (1, 2, 3)]
    problem = api.refused("/v1/counts", {"node": "leipzig", "lines": counted}, 400, "malformed_request")
    assert [error["pointer"] for error in problem["errors"]] == ["/lines/1/sku", "/lines/2/sku"]
