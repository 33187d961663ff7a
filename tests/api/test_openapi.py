"""The OpenAPI document is valid, and is what the node does."""

import re
from typing import Any

import msgspec
import openapi_spec_validator
import pytest

from api import app
from api.http import describing, openapi
from api.http.operations import Operation
from engine.results import ResultCode
from tests.api.conftest import Api

OPERATIONS = app.operations()


@pytest.fixture(scope="module")
def document() -> Any:
    return openapi.document(OPERATIONS)


def test_the_document_is_valid_openapi(document: Any) -> None:
    openapi_spec_validator.validate(document)
    assert document["openapi"].startswith("3.1")


def test_the_node_serves_the_document(api: Api, document: Any) -> None:
    assert api.read("/openapi.json") == document


def test_every_operation_is_described_once(document: Any) -> None:
    described = [operation for path in document["paths"].values() for operation in path.values()]
    ids = [operation["operationId"] for operation in described]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    assert all(re.fullmatch(r"[a-z][A-Za-z]+", name) for name in ids)
    assert all(operation["summary"] for operation in described)


def test_a_pair_of_times_is_described_so_that_every_tool_reads_it(document: Any) -> None:
    hours = document["components"]["schemas"]["Node"]["properties"]["opening_hours"]["anyOf"][0]
    span = hours["additionalProperties"]["items"]
    assert (span["minItems"], span["maxItems"], span["items"]["type"]) == (2, 2, "string")


def test_every_schema_says_what_it_is_for(document: Any) -> None:
    nameless = [name for name, schema in document["components"]["schemas"].items() if not schema.get("description")]
    assert nameless == []


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.example is not None], ids=lambda o: o.id)
def test_every_example_is_taken_by_its_operation(operation: Operation) -> None:
    assert msgspec.json.decode(msgspec.json.encode(operation.example), type=operation.body) is not None


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.method == "POST"], ids=lambda o: o.id)
def test_every_post_takes_an_idempotency_key(operation: Operation, document: Any) -> None:
    parameters = document["paths"][operation.path]["post"]["parameters"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in parameters]


def test_every_code_has_an_example_and_every_operation_names_what_it_may_refuse(document: Any) -> None:
    assert document["components"]["examples"].keys() == {code.wire for code in ResultCode}
    placing = document["paths"]["/v1/orders"]["post"]["responses"]
    assert "order_number_taken" in placing["409"]["content"]["application/problem+json"]["examples"]
    assert "storage_full" in placing["507"]["content"]["application/problem+json"]["examples"]


def test_it_says_what_clients_must_know(document: Any) -> None:
    description = document["info"]["description"]
    assert "100.0" in description
    assert "Enumerations are open" in description
    assert document["components"]["securitySchemes"]["api_key"]["scheme"] == "bearer"
    assert document["paths"]["/health/live"]["get"]["security"] == []


def test_every_group_says_what_is_in_it(document: Any) -> None:
    said = {tag["name"]: tag.get("description", "") for tag in document["tags"]}
    assert said.keys() == {operation.tag for operation in OPERATIONS}
    assert all(text.endswith(".") for text in said.values())


def test_every_field_says_what_it_is(document: Any) -> None:
    mute = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]
    assert mute == [], "put a string below the field in its struct, or its name into api/http/field_words.py"


def test_every_parameter_says_what_it_is(document: Any) -> None:
    mute = [
        f"{operation['operationId']} {parameter['name']}"
        for path in document["paths"].values()
        for operation in path.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert mute == [], "put a string below the field in its query struct, or its name into api/http/describing.py"


def test_a_string_below_a_field_is_its_text() -> None:
    assert describing.texts_of(Described)["colour"] == "What colour it has."


class Described(msgspec.Struct):
    """A struct as other people write them."""

    colour: str
    """What colour it has."""


def test_summaries_are_plain_words_since_tools_show_them_as_they_are() -> None:
    assert [operation.id for operation in OPERATIONS if "`" in operation.summary] == []


def test_an_order_is_placed_before_it_is_changed_and_groups_come_as_one_meets_them(document: Any) -> None:
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert ids.index("placeOrder") < ids.index("getOrder") < ids.index("cancelOrder") < ids.index("confirmChange")
    assert ids.index("putItem") < ids.index("moveStock") < ids.index("reserveStock") < ids.index("placeOrder")


def test_examples_of_answers_are_values_of_a_real_shop(document: Any) -> None:
    line = document["components"]["schemas"]["OrderLineAnswer"]["properties"]
    assert line["sku"]["examples"] == ["BRASS-KETTLE"]
    assert document["components"]["schemas"]["ReservationAnswer"]["properties"]["id"]["examples"] == ["r-3"]
