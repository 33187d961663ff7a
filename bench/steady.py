"""A steady load, open loop: requests begin when they are due, answered before or not, so that a stall shows in full.

`python -m bench.steady PORT CONNECTIONS RATE SECONDS SEED SIZE FILE` writes rows of (due, latency) in seconds to a .npy file;
`due` is wall-clock time.
"""

import asyncio
import random
import sys
import time
from collections import deque
from itertools import islice
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
import uvloop

from bench.generator import HEAD
from bench.workloads import SIZES, reservations


class Connection(asyncio.Protocol):
    """One request in flight; what is due meanwhile waits, and its clock runs."""

    def __init__(self, bodies: list[bytes], rows: list[tuple[float, float]]) -> None:
        self._bodies = bodies
        self._rows = rows
        self._waiting: deque[float] = deque()
        self._in_flight: float | None = None
        self._received = b""
        self._chance = random.Random(id(self))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        self._transport = cast(asyncio.Transport, transport)

    def due(self, at: float) -> None:
        """A request is due now."""
        self._waiting.append(at)
        if self._in_flight is None:
            self._send()

    def _send(self) -> None:
        self._in_flight = self._waiting.popleft()
        body = self._chance.choice(self._bodies)
        self._transport.write(b"%scontent-length: %d\r\n\r\n%s" % (HEAD, len(body), body))

    def data_received(self, data: bytes) -> None:
        """Note how long it took from when it was due."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        assert head.startswith(b"HTTP/1.1 201"), head
        assert self._in_flight is not None
        self._rows.append((self._in_flight, time.time() - self._in_flight))
        self._received, self._in_flight = b"", None
        if self._waiting:
            self._send()


async def run(
    port: int, connections: int, rate: float, seconds: float, seed: int, size: str
) -> list[tuple[float, float]]:
    """(due, latency) of every request."""
    rows: list[tuple[float, float]] = []
    bodies = [msgspec.json.encode(command) for command in islice(reservations(SIZES[size], seed), 2_000)]
    loop = asyncio.get_running_loop()
    made = [
        await loop.create_connection(lambda: Connection(bodies, rows), "127.0.0.1", port) for _ in range(connections)
    ]
    began, sent = time.time(), 0
    while time.time() < began + seconds:
        while began + sent / rate <= time.time():
            made[sent % connections][1].due(began + sent / rate)
            sent += 1
        await asyncio.sleep(0.0005)
    for _ in range(100):
        if len(rows) < sent:
            await asyncio.sleep(0.1)
    assert len(rows) == sent, "some requests were never answered"
    return rows


if __name__ == "__main__":
    port, connections, rate, seconds, seed, size, file = sys.argv[1:]
    found = uvloop.run(run(int(port), int(connections), float(rate), float(seconds), int(seed), size))
    np.save(Path(file), np.array(found))
