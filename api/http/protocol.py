"""HTTP/1.1 on uvicorn's httptools protocol, with what it lacks: limits on headers, and a deadline for the whole request."""

import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.answers import problems
from engine import limits
from engine.results import Rejection, ResultCode


class KontorProtocol(HttpToolsProtocol):
    """One connection. `waiting_since` is when the request that is still arriving began, or None; `idle_since` when the last one was
    answered, where no timer of uvicorn's looks after that."""

    waiting_since: float | None = None
    idle_since: float | None = None
    _head_bytes = 0
    _in_head = True
    _refused = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting_since = time.monotonic()  # a connection that says nothing is waited for no longer than a slow one

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.waiting_since is None:
            self.waiting_since, self.idle_since = time.monotonic(), None
        if self._in_head:
            # What arrives in one read is bounded by the transport; a head that takes more reads than its limit is refused.
            if self._head_bytes > limits.HEADER_BYTES_MAX:
                self._refuse_head()
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def _refuse_head(self) -> None:
        detail = f"at most {limits.HEADERS_MAX} headers and {limits.HEADER_BYTES_MAX} bytes of them"
        self.refuse(Rejection(ResultCode.HEADERS_TOO_LARGE, detail))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.headers) > limits.HEADERS_MAX or (
            self._head_bytes > limits.HEADER_BYTES_MAX and self._is_head_too_large()
        ):
            self._refuse_head()
        self._head_bytes = 0
        if self.is_crowded():
            self.refuse(Rejection(ResultCode.OVERLOADED, f"the node has {limits.CONNECTIONS_MAX} connections already"))
        if not self._refused:
            self.begin()

    def begin(self) -> None:
        """The head of a request is whole and within the limits: hand it to the application."""
        super().on_headers_complete()

    def is_crowded(self) -> bool:
        """Whether there are more connections than are served."""
        return len(self.connections) > limits.CONNECTIONS_MAX

    def _is_head_too_large(self) -> bool:
        """Much may have arrived because a body came along; then the head is measured."""
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > limits.HEADER_BYTES_MAX

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self.waiting_since = None
        self._in_head = True
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self.refuse(problems.malformed(msg))

    def refuse(self, rejection: Rejection) -> None:
        """Answer with a problem document and close: what follows on this connection can't be trusted."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        body = problems.body_of(rejection)
        head = f"HTTP/1.1 {rejection.code.status} {rejection.code.wire}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
        wait = problems.retry_after(rejection.code)
        if wait is not None:
            head += f"retry-after: {wait}\r\n"
        self.transport.write(head.encode() + b"content-type: " + problems.MEDIA_TYPE + b"\r\n\r\n" + body)
        self.transport.close()

    def is_overdue(self, now: float) -> bool:
        """Whether its request has been arriving for too long."""
        return self.waiting_since is not None and now - self.waiting_since > limits.BODY_SECONDS_MAX


def close_overdue(connections: set[Any], now: float) -> None:
    """Reclaim connections whose requests do not arrive: silent, trickling, or half open."""
    for connection in [c for c in connections if isinstance(c, KontorProtocol)]:
        if connection.is_overdue(now):
            connection.refuse(
                Rejection(ResultCode.REQUEST_TIMEOUT, f"a request must arrive within {limits.BODY_SECONDS_MAX} s")
            )
        elif connection.idle_since is not None and now - connection.idle_since > limits.KEEP_ALIVE_SECONDS:
            connection.transport.close()
