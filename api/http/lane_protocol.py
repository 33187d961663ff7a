"""The connection's side of the fast lane: from the parser's callbacks to the operation, and from the commit back to the
socket.

There is no ASGI scope, no task and no future for such a request. While one is in flight, what follows on its connection
waits.
"""

import time
from time import perf_counter
from typing import Any

from api.http.endpoint import Headers, Prepared
from api.http.lane import UNUSUAL, Found, Lane, rendered
from api.http.operations import Reply
from api.http.protocol import KontorProtocol
from engine import limits


class _NoEvent:
    """Nobody waits for the body of a request in the fast lane."""

    def set(self) -> None:
        """Nothing to tell."""


class _InFlight:
    """Stands in uvicorn's books for the request that is being answered."""

    __slots__ = ("disconnected", "keep_alive", "message_event", "response_complete", "response_started")

    def __init__(self) -> None:
        self.response_complete = True
        self.response_started = False
        self.disconnected = False
        self.keep_alive = True
        self.message_event = _NoEvent()


class LaneProtocol(KontorProtocol):
    """A connection that answers hot operations itself, where its application has a lane for them."""

    _lane: Lane[Prepared] | None = None
    _found: Found[Prepared] | None = None
    _content = b""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._lane = getattr(self.app, "lane", None)
        self._in_flight: Any = _InFlight()

    def on_message_begin(self) -> None:
        """The scope is made when the application needs one."""
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def begin(self) -> None:
        self._found = self._find()
        if self._found is not None:
            self._content = b""
            self._in_flight.response_complete = self._in_flight.disconnected = False
            self._in_flight.keep_alive = True
            self.cycle = self._in_flight
            return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().begin()

    def _find(self) -> Found[Prepared] | None:
        """The operation of the request that begins, if it can be answered here and nothing about it is unusual."""
        if self._lane is None or self.flow.write_paused or not self._is_free():
            return None
        found = self._lane.find(self.parser.get_method(), self.url)
        if found is None or self._version != "1.1" or not self.parser.should_keep_alive():
            return None
        headers = self._request_headers
        if not UNUSUAL.isdisjoint(headers):
            return None
        length = headers.get(b"content-length", b"0")
        if len(length) > 9 or not length.isdigit() or int(length) > limits.LANE_BODY_BYTES_MAX:
            return None
        return found

    def _is_free(self) -> bool:
        """Whether nothing that came before on this connection is still to be answered."""
        cycle: Any = self.cycle
        return cycle is None or cycle.response_complete

    def on_body(self, body: bytes) -> None:
        if self._found is None:
            super().on_body(body)
        else:
            self._content += body

    def on_message_complete(self) -> None:
        found = self._found
        if found is None or self._refused:
            super().on_message_complete()
            return
        self._found = None
        self.waiting_since = None
        self._in_head = True
        self._answer(found, self._request_headers, self._content)

    def _answer(self, found: Found[Prepared], headers: Headers, content: bytes) -> None:
        started = perf_counter()
        prepared = found.prepared

        def answered(reply: Reply) -> None:
            prepared.metrics.done(reply.status, perf_counter() - started)
            self._send(reply)

        reply = prepared.answer(headers, self.client, found.path, found.parameters, content, answered)
        if reply is not None:
            answered(reply)

    def _send(self, reply: Reply) -> None:
        """Write an answer, as the server would write the application's."""
        in_flight, transport = self._in_flight, self.transport
        in_flight.response_complete = True
        if in_flight.disconnected or transport.is_closing():
            return
        content, closing = rendered(
            reply.status,
            reply.media_type,
            reply.headers,
            reply.body,
            self.server_state.default_headers,
            closing=not in_flight.keep_alive,
        )
        transport.write(content)
        if closing:
            transport.close()
        if closing or self.pipeline or self._refusal is not None:
            self.on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.idle_since = time.monotonic()
