"""The frontends of a node: started, started again when one ends by itself, and stopped with it."""

import asyncio
import socket
import subprocess
import sys

import uvicorn

from api.http.endpoint import Prepared
from api.http.frontends.adopted import adopt
from api.http.frontends.link import Link
from api.http.frontends.messages import Handed
from api.http.lane import Lane
from api.server.server import log
from engine import limits

STOP_SECONDS_MAX = 3.0
AGAIN_SECONDS = 1.0


class Frontends:
    """So many processes that accept connections from one listening socket, each with its link."""

    def __init__(self, count: int, listening: socket.socket, server: uvicorn.Server) -> None:
        self._connections_max = max(1, limits.CONNECTIONS_MAX // count)
        self._listening = listening
        self._server = server
        self._lane: Lane[Prepared] | None = None
        self._links: set[Link] = set()
        self._adopting: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._keeping = [asyncio.get_running_loop().create_task(self._keep()) for _ in range(count)]

    def open(self, lane: Lane[Prepared] | None) -> None:
        """The node is ready: let hot operations come as messages."""
        self._lane = lane
        for link in self._links:
            self._tell(link)

    def _tell(self, link: Link) -> None:
        if self._lane is not None:
            link.open(self._lane)

    async def _keep(self) -> None:
        """Have one frontend running. What its callers asked when it ends is unknown to them, as when a connection is cut."""
        while not self._stopping:
            try:
                process, link = await self._start()
            except OSError as error:
                log.error("a frontend could not be started; it is tried again", reason=error.strerror)
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self._links.add(link)
            self._tell(link)
            await link.gone
            self._links.discard(link)
            process.kill()
            code = process.wait()
            if not self._stopping:
                log.error("a frontend ended by itself; it is started again", code=code)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _start(self) -> tuple[subprocess.Popen[bytes], Link]:
        """A fresh interpreter: nothing of the node is in it."""
        ours, theirs = socket.socketpair()
        packets, their_packets = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, their_packets:
            process = _spawn(self._connections_max, self._listening, theirs, their_packets)
        loop = asyncio.get_running_loop()
        _, link = await loop.create_unix_connection(lambda: Link(packets, self._adopt), sock=ours)
        return process, link

    def _adopt(self, handed: Handed) -> None:
        task = asyncio.get_running_loop().create_task(adopt(handed, self._server))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def stop(self) -> None:
        """Nothing more is accepted; what is in flight is finished, what is arriving handed over."""
        self._stopping = True
        self._listening.close()
        for link in self._links:
            link.stop()
        _, late = await asyncio.wait(self._keeping, timeout=STOP_SECONDS_MAX)
        for link in list(self._links):
            link.abort()
        if late:
            await asyncio.wait(late)
        if self._adopting:
            await asyncio.wait(self._adopting)


def _spawn(connections_max: int, *sockets: socket.socket) -> subprocess.Popen[bytes]:
    """A frontend that has these sockets and nothing else of this process."""
    descriptors = [each.fileno() for each in sockets]
    words = [sys.executable, "-m", "api.http.frontends.process", *map(str, descriptors), str(connections_max)]
    return subprocess.Popen(words, pass_fds=descriptors, stdin=subprocess.DEVNULL)
