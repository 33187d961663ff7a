"""The writer's end of a frontend: requests come in as messages and go to their operations, connections to the server."""

import asyncio
import socket
from collections.abc import Callable
from time import perf_counter
from typing import cast

from api.http.endpoint import Prepared
from api.http.frontends.messages import Answer, Frames, Handed, Orders, Request, Taking, framed, requests_of
from api.http.lane import Lane
from api.http.operations import Reply

TAKEN_AT_ONCE_MAX = 64


class Link(asyncio.Protocol):
    """One frontend, seen from the writer. `gone` is done when it has ended."""

    def __init__(self, channel: socket.socket, adopt: Callable[[Handed], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._frames = Frames()
        self._lane: Lane[Prepared] = Lane([])
        self._answers: list[Answer] = []
        self._taking = Taking()
        self._channel = channel
        self._adopt = adopt
        channel.setblocking(False)
        self._loop.add_reader(channel, self._take)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It can be written to."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        """It has ended."""
        self._loop.remove_reader(self._channel)
        self._take()
        self._channel.close()
        self.gone.set_result(None)

    def open(self, lane: Lane[Prepared]) -> None:
        """From now on requests to these addresses are taken."""
        self._lane = lane
        self._transport.write(framed(Orders(hot=lane.addresses)))

    def stop(self) -> None:
        """Have it accept no more, finish and end."""
        self._transport.write(framed(Orders(stop=True)))

    def abort(self) -> None:
        """Wait for it no longer."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Requests, as many as were ready."""
        for frame in self._frames.cut(data):
            for request in requests_of(frame):
                self._answer(request)

    def _answer(self, request: Request) -> None:
        started = perf_counter()
        found = self._lane.find(request.method, request.url)
        assert found is not None, "a frontend asks for what it was told is hot"
        prepared, ticket = found.prepared, request.ticket

        def answered(reply: Reply) -> None:
            prepared.metrics.done(reply.status, perf_counter() - started)
            if not self._answers:
                self._loop.call_soon(self._flush)
            self._answers.append(Answer(ticket, reply.status, reply.media_type, reply.headers, reply.body))

        reply = prepared.answer(
            request.headers, request.client, found.path, found.parameters, request.content, answered
        )
        if reply is not None:
            answered(reply)

    def _flush(self) -> None:
        answers, self._answers = self._answers, []
        if not self._transport.is_closing():
            self._transport.write(framed(Orders(answers)))

    def _take(self) -> None:
        """Take the connections that are handed over."""
        try:
            for _ in range(TAKEN_AT_ONCE_MAX):
                handed = self._taking.take(self._channel)
                if handed is not None:
                    self._adopt(handed)
        except BlockingIOError:
            return
        except (EOFError, OSError):
            self._loop.remove_reader(self._channel)
