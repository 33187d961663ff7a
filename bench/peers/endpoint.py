"""What every peer behind Starlette shares: the body it reads, the answer it writes, the server it runs on."""

import zlib
from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.resources.reservations import ReservationAnswer, ReservedLineAnswer, SourceAnswer
from api.serve import calm_collector, server_of
from bench.peers.common import AREAS_COUNT, Wanted
from engine.commands.reservations import ReserveStock

TIME = "2026-11-23T14:32:00.000000Z"
_decode = msgspec.json.Decoder(ReserveStock).decode
_encode = msgspec.json.Encoder().encode

Reserve = Callable[[Wanted, str | None], Awaitable[tuple[int, int] | None]]
"""The lines wanted and an idempotency key, to (reservation, node), or None if no node has everything."""


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


async def serve(reserve: Reserve, port: int) -> None:
    """Serve `POST /v1/reservations` until terminated."""

    async def endpoint(request: Request) -> Response:
        asked = _decode(await request.body())
        found = await reserve(wanted_of(asked), request.headers.get("idempotency-key"))
        if found is None:
            return Response(b'{"code":"insufficient_stock"}', 409, media_type="application/json")
        return Response(answer_of(asked, *found), 201, {"kontor-seq": str(found[0])}, "application/json")

    calm_collector()
    app = Starlette(routes=[Route("/v1/reservations", endpoint, methods=["POST"])])
    await server_of(app, "127.0.0.1", port).serve()
