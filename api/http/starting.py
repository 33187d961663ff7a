"""What is answered while a node recovers: that it lives, and how far it is."""

from typing import Any

from api.http.endpoint import Receive, Scope, Send, refusal_reply, send_reply
from api.http.operations import Reply
from api.server.server import Server
from engine.results import Rejection, ResultCode

_CLOSE = ((b"connection", b"close"),)  # the next connection is answered by the node itself


class Starting:
    """The application of a node that is not ready yet: 503 with progress for everything but its life."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers: dict[bytes, Any] = dict(scope["headers"])
        if scope["path"] == "/health/live":
            await send_reply(send, Reply(200, b'{"status":"ok"}', headers=_CLOSE), headers)
            return
        doing, done, total = self._server.progress
        share = f", {done} of {total} ({done * 100 // total} %)" if total else ""
        rejection = Rejection(ResultCode.NOT_READY, f"the node is recovering: {doing}{share}")
        await send_reply(send, refusal_reply(rejection, headers, _CLOSE), headers)
