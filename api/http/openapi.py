"""The OpenAPI 3.1 document, made from the operations and the very structs that decode their requests."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from api.answers.problems import Problem, body_of
from api.http.describing import GROUPS, PARAMETERS, describe, texts_of
from api.http.operations import NoQuery, Operation
from engine import limits
from engine.commands.fields import Id, OrderNumber, Sku
from engine.results import Rejection, ResultCode

REF_TEMPLATE = "#/components/schemas/{name}"
PROBLEM_MEDIA_TYPE = "application/problem+json"
VERSION = "1"

DESCRIPTION = f"""\
An omnichannel order engine: stock, reservations, orders, fulfilments, returns.

* **Whole numbers.** Quantities are whole sales units, money is whole minor units beside a currency. `"2"`, `true` and
  `100.0` are refused where an integer is asked for. Request fields that are not documented here are refused.
* **All is said.** Where a body may name a part (`lines`, `amount_minor`), it must be sent: `{{"all": true}}`, or `{{}}`,
  means all of it. A body that is missing there is refused.
* **Enumerations are open.** States, kinds and codes in answers will get new values, and answers new fields: accept both.
* **Retries.** Every POST takes `Idempotency-Key`. Same key and payload: the first answer again, with
  `Idempotent-Replayed: true`, for at least 24 h. "No" answers are not remembered, so a retry may succeed.
* **Problems** are RFC 9457 documents with a `code`; when one is returned, nothing was changed.
* **Positions.** Every answer to a change carries `Kontor-Seq`, its place in the journal.
* **Lists** take `limit` (1-{limits.LIST_LIMIT_MAX}, default {limits.LIST_LIMIT_DEFAULT}) and `cursor`; `next_cursor` null
  is the end. A page can be short, or empty, and still have a next one.
"""

ALWAYS = (ResultCode.INTERNAL_ERROR, ResultCode.OVERLOADED, ResultCode.STOPPING)
WITH_KEY = (ResultCode.UNAUTHENTICATED,)
WITH_BODY = (ResultCode.BODY_TOO_LARGE, ResultCode.UNSUPPORTED_MEDIA_TYPE, ResultCode.REQUEST_TIMEOUT)
CHANGING_METHODS = ("POST", "PUT", "DELETE")

_PATH_PARAMETER = re.compile(r"\{([a-z_]+)(?::[a-z]+)?\}")
_PATH_TYPES: dict[str, Any] = {
    "sku": Sku,
    "number": OrderNumber,
    **dict.fromkeys(("node", "channel", "policy", "key"), Id),
}
_PATH_DESCRIPTIONS = {
    "sku": "URL-encoded, a `/` as `%2F`; a SKU may hold blanks and other characters",
    "number": "the merchant's order number, URL-encoded: `#` as `%23`, `/` as `%2F`",
}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document for these operations: plain JSON values."""
    paths: dict[str, dict[str, Any]] = {}
    schemas = _Schemas(operations)
    for operation in sorted(operations, key=_place):
        path = _PATH_PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation, schemas)
    used = {operation.tag for operation in operations}
    made = {
        "openapi": "3.1.0",
        "info": {
            "title": "Kontor",
            "version": VERSION,
            "summary": "An omnichannel order engine",
            "description": DESCRIPTION,
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": text} for tag, text in GROUPS.items() if tag in used],
        "security": [{"api_key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "examples": {code.wire: {"value": msgspec.json.decode(body_of(Rejection(code)))} for code in ResultCode},
            "securitySchemes": {
                "api_key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key. Started with `--dev`, the node takes calls without one from its own machine.",
                }
            },
        },
    }
    plain: dict[str, Any] = _simply(msgspec.json.decode(msgspec.json.encode(made)))
    return plain


def _place(operation: Operation) -> tuple[int, bool, int, str, int]:
    """Groups in their order; in each what is made before what is done with it, and lists before single things."""
    methods = ("POST", "GET", "PUT", "DELETE")
    groups = [*GROUPS, operation.tag]
    noun = f"/v1/{operation.tag.lower()}"
    apart = not (operation.path + "/").startswith(noun + "/")
    return (
        groups.index(operation.tag),
        apart,
        operation.path.count("/"),
        operation.path,
        methods.index(operation.method),
    )


def _simply(value: Any) -> Any:
    """Tuples whose entries are all alike as arrays of fixed length: many tools do not know `prefixItems`."""
    if isinstance(value, list):
        return [_simply(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    made = {name: _simply(entry) for name, entry in value.items()}
    kinds = made.get("prefixItems")
    if kinds and all(kind == kinds[0] for kind in kinds):
        del made["prefixItems"]
        made["items"] = kinds[0]
    return made


class _Schemas:
    """Schemas of all types at once, so that each named type is described once."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        types: list[Any] = [Problem]
        for operation in operations:
            types.append(operation.answer)
            types += [kind for kind in (_body_type(operation),) if kind is not None]
        found, components = msgspec.json.schema_components(types, ref_template=REF_TEMPLATE)
        self.components: dict[str, Any] = dict(sorted(components.items()))
        describe(self.components)
        self._found = list(zip(types, found, strict=True))

    def of(self, kind: Any) -> dict[str, Any]:
        """The schema of a type that some operation uses."""
        return next(schema for known, schema in self._found if known is kind)


def _body_type(operation: Operation) -> Any:
    return operation.body if operation.body_schema is None else operation.body_schema


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        entry["description"] = operation.description
    if operation.public:
        entry["security"] = []
    parameters = [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)]
    if parameters:
        entry["parameters"] = parameters
    body = _body_type(operation)
    if body is not None:
        content: dict[str, Any] = {"schema": schemas.of(body)}
        if operation.example is not None:
            content["example"] = operation.example
        entry["requestBody"] = {
            "required": not operation.body_optional,
            "content": {"application/json": content},
        }
    return entry


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = []
    for name in _PATH_PARAMETER.findall(operation.path):
        schema = msgspec.json.schema(_PATH_TYPES.get(name, str))
        parameter = {"name": name, "in": "path", "required": True, "schema": schema}
        text = _PATH_DESCRIPTIONS.get(name) or PARAMETERS.get(name)
        if text:
            parameter["description"] = text
        parameters.append(parameter)
    return parameters


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is NoQuery:
        return []
    _, components = msgspec.json.schema_components([operation.query], ref_template=REF_TEMPLATE)
    (schema,) = components.values()
    required = schema.get("required", ())
    texts = texts_of(operation.query)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": texts.get(name) or PARAMETERS.get(name, ""),
            "schema": _without_null(part),
        }
        for name, part in schema["properties"].items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query string has no null: what is left out is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return {**kinds[0]}
    return {name: value for name, value in schema.items() if name != "default" or value is not None}


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters = []
    if operation.method == "POST":
        longest = limits.IDEMPOTENCY_KEY_LENGTH_MAX
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Same key and payload: the first answer again. Bare or as a quoted string.",
                "schema": {"type": "string", "minLength": 1, "maxLength": longest, "pattern": "^[ -~]*[!-~][ -~]*$"},
            }
        )
    if operation.resource is not None:
        name = "If-None-Match" if operation.method == "GET" else "If-Match"
        parameters.append(
            {"name": name, "in": "header", "description": "An `ETag` that was read", "schema": {"type": "string"}}
        )
    return parameters


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    answer = {"schema": schemas.of(operation.answer)}
    headers: dict[str, Any] = {}
    if operation.method in CHANGING_METHODS:
        headers["Kontor-Seq"] = {"description": "The journal position", "schema": {"type": "integer"}}
    if operation.method == "POST":
        replayed = {"type": "string", "const": "true"}
        headers["Idempotent-Replayed"] = {"description": "This is the first answer, given again", "schema": replayed}
    if operation.resource is not None and operation.method in ("GET", "PUT"):
        headers["ETag"] = {"description": "Strong validator of this representation", "schema": {"type": "string"}}
    success: dict[str, Any] = {"description": operation.summary, "content": {operation.answer_media_type: answer}}
    if headers:
        success["headers"] = headers
    responses = {str(operation.status): success}
    if "ETag" in headers and operation.method == "GET":
        responses["304"] = {"description": "Still as it was read"}
    by_status: dict[int, list[ResultCode]] = {}
    for code in _codes(operation):
        by_status.setdefault(code.status, []).append(code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = _problem_response(codes)
    return responses


def _codes(operation: Operation) -> list[ResultCode]:
    """Every refusal the operation may give."""
    codes = [*operation.codes, *ALWAYS]
    if not operation.public:
        codes += WITH_KEY
    if operation.body is not None:
        codes += WITH_BODY
    if (
        operation.body is not None
        or operation.query is not NoQuery
        or "{" in operation.path
        or operation.method == "POST"
    ):
        codes.append(ResultCode.MALFORMED_REQUEST)
    if operation.method == "POST":
        codes.append(ResultCode.IDEMPOTENCY_KEY_REUSED)
    if operation.method in CHANGING_METHODS:
        codes.append(ResultCode.STORAGE_FULL)
        if operation.resource is not None:
            codes.append(ResultCode.PRECONDITION_FAILED)
    return list(dict.fromkeys(codes))


def _problem_response(codes: list[ResultCode]) -> dict[str, Any]:
    names = " or ".join(f"`{code.wire}`" for code in codes)
    examples = {code.wire: {"$ref": f"#/components/examples/{code.wire}"} for code in codes}
    schema = {"$ref": REF_TEMPLATE.format(name=Problem.__name__)}
    response: dict[str, Any] = {
        "description": names,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }
    if codes[0].status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}
    return response
