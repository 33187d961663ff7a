"""The load generator: raw HTTP/1.1 over asyncio, one request in flight a connection, in a process of its own.

`python -m bench.generator PORT CONNECTIONS SECONDS SEED SIZE [keyed] [hot]` prints one JSON object.
"""

import asyncio
import json
import random
import sys
import time
from itertools import islice
from typing import cast

import msgspec
import uvloop

from bench.workloads import SIZES, reservations

WARM_UP_SECONDS = 0.5
HEAD = b"POST /v1/reservations HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"


class Connection(asyncio.Protocol):
    """Sends the next request as soon as the answer to the last one is whole."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._received = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start."""
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._load.next_request())

    def data_received(self, data: bytes) -> None:
        """Note the latency of a whole answer and go on until time is up."""
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return
        now = time.perf_counter()
        self._load.note(now, now - self._sent_at, head.startswith(b"HTTP/1.1 201"))
        self._received = b""
        if now < self._load.ends_at:
            self._send()
        else:
            self._transport.close()


class Load:
    """What all connections share: requests made beforehand, and what was measured after the warm-up."""

    def __init__(self, seconds: float, seed: int, size: str, keyed: bool, hot: bool) -> None:
        encode = msgspec.json.encode
        made = reservations(SIZES[size], seed, "hot" if hot else "zipf")
        self._bodies = [encode(command) for command in islice(made, 5_000)]
        self._keys = random.Random(time.time_ns()) if keyed else None
        self._next = 0
        self.counted_from = time.perf_counter() + WARM_UP_SECONDS
        self.ends_at = self.counted_from + seconds
        self.latencies: list[float] = []
        self.failed = 0

    def next_request(self) -> bytes:
        """One request; every one with a key of its own if keys are wanted."""
        body = self._bodies[self._next % len(self._bodies)]
        self._next += 1
        key = b"" if self._keys is None else b"idempotency-key: %032x\r\n" % self._keys.getrandbits(128)
        return b"%s%scontent-length: %d\r\n\r\n%s" % (HEAD, key, len(body), body)

    def note(self, now: float, latency: float, succeeded: bool) -> None:
        """One answer."""
        if now >= self.counted_from:
            self.latencies.append(latency)
            self.failed += not succeeded


async def run(
    port: int, connections: int, seconds: float, seed: int, size: str, keyed: bool, hot: bool
) -> dict[str, object]:
    """Rate, latencies, and how busy the generator itself was: near 1.0 it measures itself."""
    load = Load(seconds, seed, size, keyed, hot)
    loop = asyncio.get_running_loop()
    busy = time.process_time()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(load), "127.0.0.1", port)
    await asyncio.sleep(max(0.0, load.ends_at - time.perf_counter()) + 0.3)
    latencies = sorted(load.latencies)
    return {
        "per_second": round(len(latencies) / seconds),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 3),
        "p99_ms": round(latencies[int(len(latencies) * 0.99)] * 1000, 3),
        "longest_ms": round(latencies[-1] * 1000, 3),
        "failed": load.failed,
        "generator_cpu": round((time.process_time() - busy) / (seconds + WARM_UP_SECONDS), 2),
    }


if __name__ == "__main__":
    port, connections, seconds, seed, size, *rest = sys.argv[1:]
    figures = uvloop.run(
        run(int(port), int(connections), float(seconds), int(seed), size, "keyed" in rest, "hot" in rest)
    )
    print(json.dumps(figures))
