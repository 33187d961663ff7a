"""The floor below ASGI: a bare uvloop protocol on httptools that decodes the same body and encodes the same answer.

`python -m bench.bare PORT`.
"""

import asyncio
import sys
from typing import Any

import httptools
import uvloop

from api.serve import calm_collector
from bench.floor import answer


class Bare(asyncio.Protocol):
    """Parse, decode, encode, write. No limits, no deadlines, no errors, one path."""

    def connection_made(self, transport: Any) -> None:
        """Keep the way to write."""
        self._transport = transport
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        """Feed the parser."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body += body

    def on_message_complete(self) -> None:
        """Answer."""
        body, self._body = answer(self._body), b""
        self._transport.write(
            b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"kontor-seq: 1000000\r\n\r\n%b" % (len(body), body)
        )


async def serve(port: int) -> None:
    """Serve until terminated."""
    calm_collector()
    server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
