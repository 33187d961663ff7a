"""The OpenAPI document is valid, and is what the node does."""

import re
from typing import Any

import msgspec
import openapi_spec_validator
import pytest

from api import app
from api.http import openapi
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
