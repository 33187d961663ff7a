"""HTTP/1.1 on uvicorn's httptools protocol, with what it lacks: limits on headers, a deadline for the whole request,
offers of another protocol that are passed over, refusals that wait for their turn.
"""

import time
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.answers import problems
from api.http import heads
from engine import limits
from engine.results import Rejection, ResultCode


class KontorProtocol(HttpToolsProtocol):
    """One connection. `waiting_since` is when the request that is still arriving began, or None; `idle_since` when the
    last one was answered, where no timer of uvicorn's looks after that.

    `_offer` is the request line of a head that offers another protocol; `_refusal` is said once what came before it is
    answered.
    """

    waiting_since: float | None = None
    idle_since: float | None = None
    _head_bytes = 0
    _read_bytes = 0
    _in_head = True
    _offer: bytes | None = None
    _refused = False
    _refusal: Rejection | None = None
    _request_headers: dict[bytes, bytes]
    _version: str

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting_since = time.monotonic()  # a connection that says nothing is waited for no longer than a slow one

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self.waiting_since is None:
            self.waiting_since, self.idle_since = time.monotonic(), None
        if self._in_head:
            # What arrives in one read is bounded by the transport; a head that takes more than its limit is refused.
            if self._head_bytes > limits.HEADER_BYTES_MAX:
                self._refuse_head()
                return
            self._head_bytes += len(data)
        self._read_bytes = len(data)
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._pass_over(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("this is no HTTP/1.1")

    def _pass_over(self, rest: bytes) -> None:
        """An offer to speak another protocol is passed over (RFC 9110, 7.8). The parser believes in it and leaves the
        body to that protocol: the request is begun anew, without the offer, and what follows its head read."""
        while not self._refused:
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
            data = self._without_offer() + rest
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[upgrade.args[0] :]
                continue
            except httptools.HttpParserError:
                self.send_400_response("this is no HTTP/1.1")
            return

    def _without_offer(self) -> bytes:
        """The head that was read, but for the header that offers another protocol."""
        lines = [self._offer, *(b"%b: %b" % header for header in self.headers if header[0] != b"upgrade")]
        self._offer = None
        return b"\r\n".join([line for line in lines if line is not None]) + b"\r\n\r\n"

    def _refuse_head(self) -> None:
        detail = f"at most {limits.HEADERS_MAX} headers and {limits.HEADER_BYTES_MAX} bytes of them"
        self.refuse(Rejection(ResultCode.HEADERS_TOO_LARGE, detail))

    def on_header(self, name: bytes, value: bytes) -> None:
        """As uvicorn's own, but what follows a body in chunks is no header of the request."""
        if self._in_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        if len(self.headers) > limits.HEADERS_MAX or (
            self._head_bytes + self._read_bytes > limits.HEADER_BYTES_MAX and self._is_head_too_large()
        ):
            self._refuse_head()
            return
        if self.parser.should_upgrade():
            self._look_at_offer()
            return
        self._head_bytes = 0
        version = self._version = self.parser.get_http_version()
        by_name = self._request_headers = dict(self.headers)
        refusal = None
        if by_name.get(b"host") not in heads.right_hosts or (
            version != "1.1" or len(by_name) != len(self.headers) or b"transfer-encoding" in by_name
        ):
            refusal = heads.refusal_of(self.headers, by_name, version)
        if refusal is None and self.is_crowded():
            refusal = Rejection(ResultCode.OVERLOADED, f"the node has {limits.CONNECTIONS_MAX} connections already")
        if refusal is not None:
            self.refuse(refusal)
            return
        self._in_head = False
        self.begin()

    def _look_at_offer(self) -> None:
        """Keep the request line, so that the request can be begun anew; a proxy's method offers to be one."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.refuse(Rejection(ResultCode.METHOD_NOT_ALLOWED, "this node is no proxy"))
        else:
            self._offer = b"%b %b HTTP/%b" % (method, self.url, self.parser.get_http_version().encode())

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
        if self._offer is not None:
            return
        self.waiting_since = None
        self._in_head = True
        if not self._refused:
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP."""
        self.refuse(problems.malformed(msg))

    def refuse(self, rejection: Rejection) -> None:
        """Answer with a problem document and close, after what came before is answered: what follows on this connection
        can't be trusted."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self._is_answering_another():
            self._refusal = rejection
        else:
            self._say(rejection)

    def _is_answering_another(self) -> bool:
        """Whether the answer to an earlier request is still to come."""
        cycle: Any = self.cycle
        if self._in_head:
            return cycle is not None and not cycle.response_complete
        if self.pipeline:
            self.pipeline.popleft()  # the request whose body can't be read: it waits in vain
            return True
        return False

    def on_response_complete(self) -> None:
        """A refusal has its turn after the last answer."""
        if self._refusal is not None and not self.pipeline:
            self.server_state.total_requests += 1
            self._say(self._refusal)
        else:
            super().on_response_complete()

    def _say(self, rejection: Rejection) -> None:
        if self.transport.is_closing():
            return
        cycle: Any = self.cycle
        if not self._in_head and cycle.response_started:  # it was answered before all of its body was there
            self.transport.close()
            return
        body = problems.body_of(rejection)
        head = f"HTTP/1.1 {rejection.code.status} {rejection.code.wire}\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n"
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
