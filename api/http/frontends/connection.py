"""A connection in a frontend: a hot request that is whole goes to the writer as a message; for anything else the
connection itself does.

A hand-over is possible at any time because what was received is kept until it is answered, and nothing else happens on
the connection while a request is in flight. Hence one request a connection is all that ever waits.
"""

import asyncio
import time
from typing import Protocol, cast

import httptools

from api.http import heads
from api.http.frontends.messages import Answer
from api.http.lane import UNUSUAL, Lane, rendered
from engine import limits


class Frontend(Protocol):
    """The process a connection is in."""

    connections: "set[Connection]"
    lane: Lane[None]
    stopping: bool
    default_headers: list[tuple[bytes, bytes]]

    @property
    def is_crowded(self) -> bool: ...
    def ask(
        self,
        connection: "Connection",
        method: bytes,
        url: bytes,
        client: tuple[str, int] | None,
        headers: dict[bytes, bytes],
        content: bytes,
    ) -> None: ...
    def hand_over(self, descriptor: int, since: float, received: bytes) -> None: ...
    def left(self, connection: "Connection") -> None: ...


LEFT_OUT = frozenset((b"user-agent", b"accept", b"accept-encoding", b"accept-language", b"connection"))
"""Headers that no hot operation looks at."""


class Connection(asyncio.Protocol):
    """`since` is when the request that arrives began, None for none; `idle_since` when the last one was answered."""

    def __init__(self, frontend: Frontend) -> None:
        self._frontend = frontend
        self._parser = httptools.HttpRequestParser(self)
        self._received = b""
        self._full = False
        self.in_flight = False
        self.since: float | None = time.monotonic()
        self.idle_since: float | None = None
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._content = b""
        self._headers: dict[bytes, bytes] = {}
        self._messages = self._lines = 0
        self._unusual = self._whole = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """One more; its writes are counted from the first byte that does not leave."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(0)
        peer = transport.get_extra_info("peername")
        self._client = (str(peer[0]), int(peer[1])) if peer else None
        self._frontend.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """What is in flight will be answered to nobody."""
        self._frontend.left(self)

    def pause_writing(self) -> None:
        """The caller does not read: it is not read from either."""
        self._full = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It has read everything."""
        self._full = False
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """A part of a request, one, or several."""
        self._received += data
        if self.in_flight or self._full:
            self._transport.pause_reading()
            return
        if self.since is None:
            self.since, self.idle_since = time.monotonic(), None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._unusual = True
        if self._unusual or (not self._whole and len(self._received) > limits.HEADER_BYTES_MAX and not self._content):
            self.hand_over()
        elif self._whole:
            self._ask()

    def _ask(self) -> None:
        self.in_flight, self.since, self._received = True, None, b""
        method = self._parser.get_method()
        self._frontend.ask(self, method, self._url, self._client, self._headers, self._content)
        self._begin()

    def answered(self, answer: Answer, now: float) -> None:
        """Write the answer to the request that is in flight."""
        self.in_flight = False
        if self._transport.is_closing():
            return
        frontend = self._frontend
        content, closing = rendered(
            answer.status, answer.media_type, answer.headers, answer.body, frontend.default_headers, frontend.stopping
        )
        self.idle_since = now
        self._transport.write(content)
        if closing:
            self._transport.close()
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Look at what arrived meanwhile."""
        if self._received and not self.in_flight and not self._full:
            data, self._received = self._received, b""
            self._transport.resume_reading()
            self.data_received(data)
        elif not self._full:
            self._transport.resume_reading()

    def hand_over(self) -> None:
        """Let the writer serve this connection from now on."""
        self._transport.pause_reading()
        descriptor = self._transport.get_extra_info("socket").fileno()
        self._frontend.hand_over(descriptor, self.since or time.monotonic(), self._received)
        self._transport.abort()  # closes this process's descriptor, not the connection

    def shutdown(self) -> None:
        """Stop: what is in flight is answered, what is idle closed, and what is arriving is the writer's."""
        if self.in_flight:
            return
        if self._received and not self._full:
            self.hand_over()
        else:
            self._transport.close()

    def look(self, now: float) -> None:
        """Whether it is idle or arriving for too long; the writer refuses what is overdue."""
        if self.in_flight or self._transport.is_closing():
            return
        if self.since is not None:
            if now - self.since > limits.BODY_SECONDS_MAX:
                self.hand_over()
        elif self.idle_since is not None and now - self.idle_since > limits.KEEP_ALIVE_SECONDS:
            self._transport.close()

    # The parser's callbacks

    def on_message_begin(self) -> None:
        """A second one in what was read at once is unusual."""
        self._messages += 1
        self._unusual = self._unusual or self._messages > 1

    def on_url(self, url: bytes) -> None:
        """A part of the address."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._lines += 1
        name = name.lower()
        if name not in LEFT_OUT:
            self._unusual = self._unusual or name in self._headers
            self._headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide whether it is a request for the lane."""
        parser, headers = self._parser, self._headers
        length = headers.get(b"content-length", b"0")
        self._unusual = (
            self._unusual
            or self._frontend.lane.find(parser.get_method(), self._url) is None
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
            or not UNUSUAL.isdisjoint(headers)
            or not heads.is_host(headers.get(b"host", b""))
            or self._lines > limits.HEADERS_MAX
            or len(length) > 9
            or not length.isdigit()
            or int(length) > limits.LANE_BODY_BYTES_MAX
            or len(self._received) > limits.HEADER_BYTES_MAX + int(length)
            or self._frontend.is_crowded
        )

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._content += body

    def on_message_complete(self) -> None:
        """All of it is there."""
        self._whole = True
