"""Many HTTP clients at once, each on a connection of its own, in one loop."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What came back; `status` 0: the connection broke before an answer was whole."""

    status: int
    body: bytes


BROKEN = Answer(0, b"")


def request_bytes(path: str, body: Any, key: str | None = None) -> bytes:
    """A POST, ready to be sent."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n"
    if key is not None:
        head += f"idempotency-key: {key}\r\n"
    return head.encode() + b"\r\n" + content


class Connection:
    """One client's connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def ask(self, request: bytes) -> Answer:
        """Send a request and wait for its answer."""
        try:
            self._writer.write(request)
            await self._writer.drain()
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return Answer(int(head.split()[1]), await self._reader.readexactly(length))
        except (OSError, asyncio.IncompleteReadError):
            return BROKEN

    def close(self) -> None:
        self._writer.close()


class Crowd:
    """Sends `requests` over up to `connections` connections at once. `on_answer(count)` is told of every answer as it comes."""

    def __init__(
        self,
        port: int,
        requests: Sequence[bytes],
        connections: int = 200,
        on_answer: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.port = port
        self.requests = requests
        self.connections = min(connections, len(requests))
        self.on_answer = on_answer
        self.answered = 0
        self.answers = [BROKEN] * len(requests)

    def run(self) -> list[Answer]:
        """Connect everybody, send everything; gives the answers in the order of the requests."""
        asyncio.run(self._run())
        return self.answers

    async def _run(self) -> None:
        opened = [await Connection.open(self.port) for _ in range(self.connections)]
        await asyncio.gather(*(self._client(number, connection) for number, connection in enumerate(opened)))
        for connection in opened:
            connection.close()

    async def _client(self, number: int, connection: Connection) -> None:
        for at in range(number, len(self.requests), self.connections):
            self.answers[at] = await connection.ask(self.requests[at])
            if self.answers[at] is not BROKEN:
                self.answered += 1
                self.on_answer(self.answered)
