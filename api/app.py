"""The route table: every path of the API, made from the operations of the resources."""

import importlib
import pkgutil
import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api import resources
from api.http.auth import actor_of, why_not_here
from api.http.endpoint import Endpoint, Prepared, Receive, Scope, Send, refusal_reply
from api.http.lane import Lane
from api.http.operations import Call, Handled, Operation, Reply
from api.resources import reservations
from api.server.children import Child
from api.server.server import Server
from engine.results import Rejection, ResultCode

ESCAPED_SLASH = re.compile(rb"%2f", re.IGNORECASE)
"""In a number or SKU; the server decodes it before anybody could tell it from one between them."""


def operations() -> list[Operation]:
    """Every operation of the API, hot paths first."""
    modules = [
        importlib.import_module(f"{resources.__name__}.{found.name}")
        for found in pkgutil.iter_modules(resources.__path__)
    ]
    modules.sort(key=lambda module: (module is not reservations, module.__name__))
    return [operation for module in modules for operation in module.OPERATIONS] + [_document_operation()]


def _document_operation() -> Operation:
    made: list[bytes] = []

    async def get(call: Call) -> Handled:
        if not made:  # by a process of its own: it is half a second of work
            ended = await Child(["openapi"]).ended()
            if ended.code != 0:
                call.server.report(RuntimeError("kontor openapi failed"))
                return Rejection(ResultCode.INTERNAL_ERROR, "the document could not be made")
            made.append(ended.output.strip())
        return Reply(200, made[0])

    return Operation(
        id="getOpenApi", method="GET", path="/openapi.json", tag="Operations", handle=get, public=True,
        summary="This API as an OpenAPI 3.1 document", answer=dict[str, Any],
    )  # fmt: skip


def document() -> bytes:
    """The API as an OpenAPI document."""
    from api.http import openapi

    return msgspec.json.encode(openapi.document(operations()))


class App:
    """The ASGI application of a node: Starlette, and a short cut past its middleware for paths without parameters.

    `fixed` are paths without parameters, `parameters` the shapes of those with some, as they are sent. `lane` are the
    operations that connections may answer themselves; None for none.
    """

    def __init__(
        self,
        starlette: Starlette,
        fixed: dict[str, Endpoint],
        parameters: list[tuple[re.Pattern[str], Endpoint]],
        lane: Lane[Prepared] | None,
    ) -> None:
        self._starlette = starlette
        self._parameters = parameters
        self._fixed = fixed
        self.lane = lane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._with_slash(scope) or self._fixed.get(scope.get("path", ""))
        if endpoint is not None and scope["type"] == "http":
            scope.setdefault("path_params", {})
            await endpoint(scope, receive, send)
        else:
            await self._starlette(scope, receive, send)

    def _with_slash(self, scope: Scope) -> Endpoint | None:
        """The endpoint of an address with a `/` in one of its parameters, which then are in the scope."""
        sent: bytes = scope.get("raw_path") or b""
        if ESCAPED_SLASH.search(sent):
            path = sent.decode("latin-1")
            for shape, endpoint in self._parameters:
                match = shape.fullmatch(path)
                if match is not None:
                    scope["path_params"] = {name: unquote(value) for name, value in match.groupdict().items()}
                    return endpoint
        return None


def build(server: Server, *, fast_lane: bool = True) -> App:
    """The application of a node. Fixed paths come before paths with parameters."""
    by_path: dict[str, list[Operation]] = {}
    for operation in operations():
        by_path.setdefault(operation.path, []).append(operation)
    paths = sorted(by_path, key=lambda path: path.count("{"))
    endpoints = {path: Endpoint(server, by_path[path]) for path in paths}
    routes = [Route(path, endpoint) for path, endpoint in endpoints.items()]  # each says itself which methods it takes
    fixed = {path: endpoint for path, endpoint in endpoints.items() if "{" not in path}
    parameters = [(_shape_of(path), endpoint) for path, endpoint in endpoints.items() if "{" in path]
    starlette = Starlette(routes=routes, exception_handlers={HTTPException: _not_routed(server)})
    starlette.router.redirect_slashes = False  # another address is another thing
    return App(starlette, fixed, parameters, _lane(endpoints) if fast_lane else None)


def _shape_of(path: str) -> re.Pattern[str]:
    """Addresses of a path as they are sent: a `/` within a parameter is escaped there, and only there."""
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _lane(endpoints: dict[str, Endpoint]) -> Lane[Prepared]:
    prepared = [(path, each) for path, endpoint in endpoints.items() for each in endpoint.prepared.values()]
    return Lane([(each.operation.method, path, each) for path, each in prepared if each.operation.hot])


def _not_routed(server: Server) -> Callable[[Request, Exception], Awaitable[Response]]:
    """What Starlette refuses by itself, as a problem document. Who has no key does not learn what is there."""

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers, client = dict(request.scope["headers"]), request.scope.get("client")
        refusal = why_not_here(headers, client, request.method) if server.dev else None
        actor = refusal or actor_of(headers, client, server.state.access, server.dev)
        if not isinstance(actor, Rejection):
            detail = "there is nothing at this address"
            if request.scope["path"].endswith("/"):
                detail += "; addresses have no `/` at their end"
            actor = Rejection(ResultCode.NOT_FOUND, detail)
        reply = refusal_reply(actor, headers)
        server.metrics.refused(actor.code.wire)
        told = {name.decode(): value.decode() for name, value in reply.headers}
        return Response(reply.body, reply.status, told, reply.media_type.decode())

    return refuse
