"""The floor: an empty Starlette endpoint on the same server with the same settings, that decodes the same body and encodes
the same answer, and does nothing in between. `python -m bench.floor PORT`."""

import asyncio
import sys

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.resources.reservations import ReservationAnswer, ReservedLineAnswer, SourceAnswer
from api.serve import calm_collector, server_of
from engine.commands.reservations import ReserveStock

_decode = msgspec.json.Decoder(ReserveStock).decode
_encode = msgspec.json.Encoder().encode
TIME = "2026-11-23T14:32:00.000000Z"


def answer(body: bytes) -> bytes:
    """Decode, encode."""
    asked = _decode(body)
    lines = tuple(
        ReservedLineAnswer(line.sku, line.quantity, line.quantity, (SourceAnswer("node-1", line.quantity, TIME, TIME),))
        for line in asked.lines
    )
    return _encode(ReservationAnswer("r-1000000", "active", asked.channel, TIME, TIME, lines))


async def reserve(request: Request) -> Response:
    """Answer at once."""
    return Response(answer(await request.body()), 201, {"kontor-seq": "1000000"}, "application/json")


async def serve(port: int) -> None:
    """Serve until terminated."""
    calm_collector()
    app = Starlette(routes=[Route("/v1/reservations", reserve, methods=["POST"])])
    await server_of(app, "127.0.0.1", port).serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
