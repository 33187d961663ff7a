"""Starlette over SQLite with group commit: what a good Python developer writes in an afternoon.

`python -m bench.peers.starlette_sqlite DIRECTORY SIZE PORT` serves `POST /v1/reservations`. Everything that waits goes into one
transaction, on the loop's own thread, and is answered when that is durable.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import uvloop

from bench.peers import endpoint
from bench.peers.common import Wanted
from bench.peers.sqlite import Store

BATCH_MAX = 512


class Shop:
    """The queue in front of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Wanted, str | None, asyncio.Future[Any]]] = []

    async def reserve(self, wanted: Wanted, key: str | None) -> tuple[int, int] | None:
        """(reservation, node) once the transaction is durable, or None."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[int, int] | None] = loop.create_future()
        self._waiting.append((wanted, key, done))
        if len(self._waiting) == 1:
            loop.call_soon(lambda: loop.call_soon(self._commit))  # those that are ready now come along
        return await done

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
    await endpoint.serve(Shop(Store(directory, size)).reserve, port)


if __name__ == "__main__":
    directory, size, port = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(Path(directory), size, int(port)))
