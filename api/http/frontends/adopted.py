"""A connection that a frontend began, served by the node itself from the bytes the frontend did not answer."""

import asyncio
from typing import Any

import uvicorn

from api.http.frontends.messages import Handed
from api.http.lane_protocol import LaneProtocol


class AdoptedProtocol(LaneProtocol):
    """Begins with what was received elsewhere, in the time that is left for its request."""

    def __init__(self, handed: Handed, server: uvicorn.Server) -> None:
        super().__init__(server.config, server.server_state, {}, asyncio.get_running_loop())
        self._handed = handed

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.waiting_since = self._handed.since
        if self._handed.received:
            self.data_received(self._handed.received)

    def is_crowded(self) -> bool:
        return self._handed.crowded or super().is_crowded()


async def adopt(handed: Handed, server: uvicorn.Server) -> None:
    """Serve a connection that was handed over."""
    handed.socket.setblocking(False)
    connection = AdoptedProtocol(handed, server)
    try:
        transport, _ = await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, handed.socket)
    except OSError:
        handed.socket.close()  # the caller is gone
        return
    if connection.flow.read_paused:
        transport.pause_reading()  # the transport began to read after its protocol had asked it not to
