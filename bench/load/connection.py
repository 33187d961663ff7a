"""One connection: a client's next request goes out, the answer comes back whole, both are timed. One request at a time."""

import asyncio
import time
from typing import Protocol, cast

from bench.load.clients import Client
from bench.load.tally import Tally


class Loop(Protocol):
    """When connections send, and what becomes of their figures."""

    tallies: dict[str, Tally]

    def ready(self, connection: "Connection", now: float) -> None:
        """It has nothing in flight: send, or wait."""

    def answered(self, tally: Tally, started: float, now: float, answer: bytes) -> None:
        """Note an answer."""

    def lost(self, connection: "Connection") -> None:
        """It was closed from the other side."""


class Connection(asyncio.Protocol):
    """Sends when told to. `started` is when a request was sent (closed loop) or due (open loop)."""

    def __init__(self, loop: Loop, client: Client) -> None:
        self._loop = loop
        self._client = client
        self._step = next(client)
        self._received = b""
        self._length = 0
        self.started = 0.0
        self.in_flight = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self.transport = cast(asyncio.Transport, transport)

    def send(self, started: float) -> None:
        """The client's next request."""
        self.started = started
        self.in_flight = True
        self.transport.write(self._step[1])

    def data_received(self, data: bytes) -> None:
        """Mostly one segment is one whole answer."""
        if self._received:
            data = self._received + data
        length = self._length or _length_of(data)
        if not length or len(data) < length:
            self._received, self._length = data, length
            return
        assert self.in_flight, data
        assert len(data) == length, data
        now = time.perf_counter()
        self._received, self._length = b"", 0
        self.in_flight = False
        loop = self._loop
        loop.answered(loop.tallies[self._step[0]], self.started, now, data)
        self._step = self._client.send(data)
        loop.ready(self, now)

    def connection_lost(self, error: Exception | None) -> None:
        """Only a loss if somebody is still waiting."""
        self._loop.lost(self)


def _length_of(data: bytes) -> int:
    """How long the whole answer is; 0 while its head is not there yet."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return 0
    at = data.find(b"content-length: ", 0, end)
    if at < 0:
        at = data[:end].lower().find(b"content-length: ")
        if at < 0:
            raise ValueError(f"an answer without content-length: {data[:end]!r}")
    return end + 4 + int(data[at + 16 : data.index(b"\r", at)])
