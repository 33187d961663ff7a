"""Where the commit runs: variants of the node, for the measurement behind docs/decisions/0001.

`python -m bench.placement VARIANT DIRECTORY PORT` serves one: `loop` (as shipped), `commit-thread` (decide and answer on the
loop, commit in a thread) or `writer-thread` (the whole batch in a thread, answers handed back to the loop).
"""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop

from api.app import build
from api.serve import calm_collector, server_of
from api.server.server import Server
from engine.results import Rejection
from engine.writer import Change, Query


class CommitThreadNode(Server):
    """Decides on the loop, commits in a thread, answers on the loop; requests are read in the meantime."""

    _committing = False

    def _turn(self) -> None:
        if not self._committing:
            self._committing = True
            self.loop.create_task(self._batch())

    async def _batch(self) -> None:
        now_ns = self.writer.decide()
        await self.loop.run_in_executor(_thread, self.writer.commit, now_ns)
        more = self.writer.answer(now_ns)
        self._committing = False
        self._turn_scheduled = more
        if more:
            self.loop.call_soon(self._turn)


class WriterThreadNode(Server):
    """Does the whole batch in a thread; the loop only reads requests and sends answers."""

    _busy = False

    def submit(self, item: Change | Query) -> Rejection | None:
        """Queue it so that its answer comes back on the loop."""
        return super().submit(item._replace(deliver=_Handed(self, item.deliver)))

    def _turn(self) -> None:
        if not self._busy:
            self._busy = True
            self.outcomes: list[tuple[Callable[[Any], None], Any]] = []
            self.loop.create_task(self._batch())

    async def _batch(self) -> None:
        more = await self.loop.run_in_executor(_thread, self.writer.settle)
        self._busy = False
        for deliver, outcome in self.outcomes:
            deliver(outcome)
        self._turn_scheduled = more or bool(self.writer.queue)
        if self._turn_scheduled:
            self.loop.call_soon(self._turn)


class _Handed:
    """Keeps an outcome until the loop has its turn."""

    def __init__(self, node: WriterThreadNode, deliver: Callable[[Any], None]) -> None:
        self._node = node
        self._deliver = deliver

    def __call__(self, outcome: Any) -> None:
        self._node.outcomes.append((self._deliver, outcome))


_thread = ThreadPoolExecutor(1)
VARIANTS: dict[str, type[Server]] = {
    "loop": Server,
    "commit-thread": CommitThreadNode,
    "writer-thread": WriterThreadNode,
}


async def serve(node: Server, port: int) -> None:
    """Serve until terminated."""
    node.attach(asyncio.get_running_loop())
    calm_collector()
    try:
        await server_of(build(node), "127.0.0.1", port).serve()
    finally:
        node.close()


if __name__ == "__main__":
    variant, directory, port = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(VARIANTS[variant].open(Path(directory), dev=True), int(port)))
