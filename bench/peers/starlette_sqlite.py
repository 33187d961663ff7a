"""Starlette over SQLite with group commit: what a good Python developer writes in an afternoon.

`python -m bench.peers.starlette_sqlite DIRECTORY SIZE PORT` serves `POST /v1/reservations`. Everything that waits goes into one
transaction, on the loop's own thread, and is answered when that is durable.
"""

import asyncio
import sys
import zlib
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.resources.reservations import ReservationAnswer, ReservedLineAnswer, SourceAnswer
from api.serve import calm_collector, server_of
from bench.peers.common import AREAS_COUNT, Wanted
from bench.peers.sqlite import Store
from engine.commands import ReserveStock

TIME = "2026-11-23T14:32:00.000000Z"
BATCH_MAX = 512
_decode = msgspec.json.Decoder(ReserveStock).decode
_encode = msgspec.json.Encoder().encode


def wanted_of(asked: ReserveStock) -> Wanted:
    """A request as numbers; its place decides the order of the nodes."""
    to = asked.ship_to
    place = b"" if to is None else b"%a %a" % (to.latitude, to.longitude)
    lines = sorted((int(line.sku.partition("-")[2]), line.quantity) for line in asked.lines)
    return Wanted(tuple(lines), zlib.crc32(place) % AREAS_COUNT)


def answer_of(asked: ReserveStock, number: int, node: int) -> bytes:
    """The same answer as Kontor's."""
    lines = tuple(
        ReservedLineAnswer(
            line.sku, line.quantity, line.quantity, (SourceAnswer(f"node-{node}", line.quantity, TIME, TIME),)
        )
        for line in asked.lines
    )
    return _encode(ReservationAnswer(f"res-{number}", "active", asked.channel, TIME, TIME, lines))


class Shop:
    """The endpoint, and the queue in front of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Wanted, bytes | None, asyncio.Future[Any]]] = []

    async def reserve(self, request: Request) -> Response:
        """Decode, wait for the transaction, answer."""
        asked = _decode(await request.body())
        key = request.headers.get("idempotency-key")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        self._waiting.append((wanted_of(asked), None if key is None else key.encode(), done))
        if len(self._waiting) == 1:
            loop.call_soon(lambda: loop.call_soon(self._commit))  # those that are ready now come along
        found = await done
        if found is None:
            return Response(b'{"code":"insufficient_stock"}', 409, media_type="application/json")
        return Response(answer_of(asked, *found), 201, {"kontor-seq": str(found[0])}, "application/json")

    def _commit(self) -> None:
        batch, self._waiting = self._waiting[:BATCH_MAX], self._waiting[BATCH_MAX:]
        execute = self._store.connection.execute
        execute("BEGIN IMMEDIATE")
        found = [self._store.reserve(wanted, key) for wanted, key, _ in batch]
        execute("COMMIT")
        for (_, _, done), outcome in zip(batch, found, strict=True):
            done.set_result(outcome)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._commit)


async def serve(directory: Path, size: str, port: int) -> None:
    """Serve until terminated."""
    shop = Shop(Store(directory, size))
    calm_collector()
    app = Starlette(routes=[Route("/v1/reservations", shop.reserve, methods=["POST"])])
    await server_of(app, "127.0.0.1", port).serve()


if __name__ == "__main__":
    directory, size, port = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(directory), size, int(port)))
