"""Starlette + asyncpg over PostgreSQL: the usual way. A pool, and the same function that pgbench calls.

`python -m bench.peers.starlette_postgresql SOCKET_FOLDER CLIENTS PORT` serves `POST /v1/reservations`.
"""

import asyncio
import importlib
import importlib.util
import sys
from typing import Any

import uvloop

from bench.peers import endpoint, postgresql
from bench.peers.common import NotInstalled, Wanted

CLIENTS = 32
"""Connections to the database: more wait for each other's locks."""


def check() -> None:
    """Raises NotInstalled."""
    postgresql.check()
    if importlib.util.find_spec("asyncpg") is None:
        raise NotInstalled("asyncpg is not installed: pip install asyncpg (the extra `peers`)")


class Shop:
    """The pool."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def reserve(self, wanted: Wanted, key: str | None) -> tuple[int, int] | None:
        """(reservation, node) once it is committed, or None."""
        assert key is not None
        skus, units = zip(*wanted.lines, strict=True)
        row = await self._pool.fetchrow("SELECT * FROM reserve($1, $2, $3, $4)", key, skus, units, wanted.area)
        return None if row["number"] is None else (row["number"], row["chosen"])


async def serve(folder: str, clients: int, port: int) -> None:
    """Serve until terminated."""
    asyncpg = importlib.import_module("asyncpg")
    async with asyncpg.create_pool(
        host=folder, user=postgresql.USER, database="postgres", min_size=clients, max_size=clients
    ) as pool:
        await endpoint.serve(Shop(pool).reserve, port)


if __name__ == "__main__":
    folder, clients, port = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(folder, int(clients), int(port)))
