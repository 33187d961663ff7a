"""Long work of one request, cut into turns: others are answered in between."""

import asyncio
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, TypeVar

import msgspec

from api.http.endpoint import encode
from api.http.operations import Call, Handled, Reply
from api.server.server import Server
from engine import limits
from engine.results import Rejection
from engine.state.state import State
from engine.writer import Failed, Query

Start = TypeVar("Start")
StartOf = Callable[[str | None], Start | Rejection | None]
PageFrom = Callable[[Call, State, Start | None], Any]


class Turns:
    """When it is somebody else's turn. What is done must not care what happens in between."""

    def __init__(self) -> None:
        self._until = perf_counter() + limits.SLICE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether this turn has been long enough."""
        return perf_counter() > self._until

    async def next(self) -> None:
        """Let everybody else have a turn."""
        await asyncio.sleep(0)
        self._until = perf_counter() + limits.SLICE_SECONDS


async def reading(server: Server, read: Callable[[State, int], Any]) -> Any | Rejection:
    """What `read(state, now_ns)` gives at its place in a batch. Raises what it raises."""
    outcome: asyncio.Future[Any] = server.loop.create_future()
    refusal = server.submit(Query(read, outcome.set_result))
    found = refusal or await outcome
    if isinstance(found, Failed):
        raise found.error
    return found


def in_slices(start_of: StartOf[Start], page: PageFrom[Start]) -> Callable[[Call], Awaitable[Handled]]:
    """The handler of a list whose page may be much work: `page(call, state, start)` gives what LIST_SLICE_LINES of
    orders have for it, and is asked to go on from there until the page is full."""

    async def list_(call: Call) -> Handled:
        whole: Any = None
        cursor, left = call.query.cursor, call.query.limit
        for _ in range(limits.LIST_SLICES_MAX):
            found = await _slice(call, start_of(cursor), page, left)
            if isinstance(found, Rejection):
                return found
            if whole is not None:
                found.items[:0] = whole.items
            whole, cursor, left = found, found.next_cursor, call.query.limit - len(found.items)
            if cursor is None or left == 0:
                break
        return Reply(200, encode(whole))

    return list_


async def _slice(call: Call, start: Start | Rejection | None, page: PageFrom[Start], limit: int) -> Any | Rejection:
    if isinstance(start, Rejection):
        return start
    query = msgspec.structs.replace(call.query, limit=limit)
    asked = Call(call.server, call.actor, call.path, query, call.body, call.headers, call.key, call.content)
    return await reading(call.server, lambda state, now_ns: page(asked, state, start))
