"""A frontend: a process that accepts connections, parses HTTP and asks the writer. `python -m api.http.frontends.process DESCRIPTORS MAX`.

It holds nothing that outlives it, and ends when its writer does.
"""

import asyncio
import signal
import socket
import sys
import time
from email.utils import formatdate
from itertools import count
from typing import cast

import uvloop

from api.http.frontends.connection import Connection
from api.http.frontends.messages import Frames, Request, framed, hand_over, orders_of
from api.http.lane import Lane

WATCH_SECONDS = 0.5


class Frontend(asyncio.Protocol):
    """The connections of this process, and the stream to the writer. `lane` says what is hot; before the writer says so, nothing is."""

    def __init__(self, channel: socket.socket, connections_max: int) -> None:
        self._channel = channel
        self._connections_max = connections_max
        self._frames = Frames()
        self._tickets = count()
        self._waiting: dict[int, Connection] = {}
        self._requests: list[Request] = []
        self._server: asyncio.Server | None = None
        self.connections: set[Connection] = set()
        self.lane: Lane[None] = Lane([])
        self.stopping = False
        self.default_headers: list[tuple[bytes, bytes]] = []
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = self._loop.create_future()

    async def run(self, listening: socket.socket) -> None:
        """Accept and watch until the writer is gone or everything is finished."""
        self._set_date()
        self._server = await self._loop.create_server(lambda: Connection(self), sock=listening, backlog=2048)
        while not self._ended.done():
            await asyncio.wait([self._ended], timeout=WATCH_SECONDS)
            self._set_date()
            now = time.monotonic()
            for connection in list(self.connections):
                connection.look(now)

    def _set_date(self) -> None:
        self.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]

    @property
    def is_crowded(self) -> bool:
        """Whether this process has more connections than it may."""
        return len(self.connections) > self._connections_max

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The writer is there."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The writer is gone: what it would have answered, nobody knows."""
        if not self._ended.done():
            self._ended.set_result(None)

    def ask(
        self,
        connection: Connection,
        method: bytes,
        url: bytes,
        client: tuple[str, int] | None,
        headers: dict[bytes, bytes],
        content: bytes,
    ) -> None:
        """Send a request to the writer, with the others that are ready now."""
        ticket = next(self._tickets)
        self._waiting[ticket] = connection
        if not self._requests:
            self._loop.call_soon(self._flush)
        self._requests.append(Request(ticket, method, url, client, headers, content))

    def _flush(self) -> None:
        requests, self._requests = self._requests, []
        if not self._transport.is_closing():
            self._transport.write(framed(requests))

    def data_received(self, data: bytes) -> None:
        """Answers, and what else the writer says."""
        now = time.monotonic()
        for frame in self._frames.cut(data):
            orders = orders_of(frame)
            for answer in orders.answers:
                self._waiting.pop(answer.ticket).answered(answer, now)
            if orders.hot is not None:
                self.lane = Lane([(method, path, None) for method, path in orders.hot])
            if orders.stop:
                self._stop()

    def hand_over(self, descriptor: int, since: float, received: bytes) -> None:
        """Give a connection to the writer."""
        try:
            hand_over(self._channel, descriptor, since, self.is_crowded, received)
        except OSError:
            self.connection_lost(None)

    def left(self, connection: Connection) -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        self._end_if_done()

    def _stop(self) -> None:
        self.stopping = True
        assert self._server is not None
        self._server.close()
        for connection in list(self.connections):
            connection.shutdown()
        self._end_if_done()

    def _end_if_done(self) -> None:
        if self.stopping and not self.connections and not self._ended.done():
            self._ended.set_result(None)


async def _main(listening: socket.socket, link: socket.socket, channel: socket.socket, connections_max: int) -> None:
    frontend = Frontend(channel, connections_max)
    await asyncio.get_running_loop().create_unix_connection(lambda: frontend, sock=link)
    await frontend.run(listening)


def main() -> None:
    """Serve with the sockets that the writer has left open (listening, stream, packets), up to so many connections."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the writer says when to stop
    listening, link, channel = (socket.socket(fileno=int(word)) for word in sys.argv[1:4])
    uvloop.run(_main(listening, link, channel, int(sys.argv[4])))


if __name__ == "__main__":
    main()
