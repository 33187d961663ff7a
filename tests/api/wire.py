"""Requests as bytes on a connection of their own: through the parser, the lane and the application, without a socket."""

import asyncio
from typing import Any, cast

import httpx2
import uvicorn
from uvicorn.server import ServerState

from api.http.lane_protocol import LaneProtocol

DATE = [(b"date", b"Mon, 23 Nov 2026 12:00:00 GMT")]


class Wire(asyncio.Transport):
    """What a connection wrote, and whether it is closed. `said` is set whenever something is written or it closes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False
        self.reading = True
        self.said = asyncio.Event()

    def write(self, data: Any) -> None:
        """Keep it."""
        if not self.closed:
            self.written += bytes(data)
            self.said.set()

    def close(self) -> None:
        """No more is written."""
        self.closed = True
        self.said.set()

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """A caller on the same machine."""
        return {"peername": ("127.0.0.1", 50_000), "sockname": ("127.0.0.1", 8080)}.get(name, default)

    def pause_reading(self) -> None:
        """Ask for no more."""
        self.reading = False

    def resume_reading(self) -> None:
        """Go on."""
        self.reading = True


def connect(app: Any) -> tuple[LaneProtocol, Wire]:
    """A connection to an application."""
    config = uvicorn.Config(app, http=LaneProtocol, lifespan="off", ws="none", access_log=False, log_config=None)
    config.load()
    config.loaded_app = app
    state = ServerState()
    state.default_headers = DATE
    wire = Wire()
    connection = LaneProtocol(config, state, {}, asyncio.get_running_loop())
    connection.connection_made(wire)
    return connection, wire


class WireTransport(httpx2.AsyncBaseTransport):
    """One connection a request."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it, and read the whole answer."""
        body = await request.aread()
        connection, wire = connect(self._app)
        head = f"{request.method} {request.url.raw_path.decode()} HTTP/1.1\r\n".encode()
        for name, value in request.headers.raw:
            head += name + b": " + value + b"\r\n"
        connection.data_received(head + b"\r\n" + body)
        while not is_whole(wire.written, request.method) and not wire.closed:
            wire.said.clear()
            await asyncio.wait_for(wire.said.wait(), 60)
        connection.connection_lost(None)
        return response_of(wire.written)


def is_whole(written: bytes, method: str = "POST") -> bool:
    """Whether an answer has arrived completely."""
    head, found, body = written.partition(b"\r\n\r\n")
    if not found:
        return False
    status = int(head[9:12])
    if method == "HEAD" or status in (204, 304):
        return True
    if b"transfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])


def response_of(written: bytes) -> httpx2.Response:
    """An answer, parsed."""
    head, _, body = written.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    headers = [tuple(line.split(b": ", 1)) for line in lines[1:]]
    if b"transfer-encoding: chunked" in head:
        chunks, rest = [], body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            chunks.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        body = b"".join(chunks)
        headers = [header for header in headers if header[0] != b"transfer-encoding"]
    return httpx2.Response(int(lines[0][9:12]), headers=cast(Any, headers), content=body)
