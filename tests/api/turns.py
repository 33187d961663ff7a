"""How long the loop was held: the turns of callbacks, in seconds of the processor, so that slow machines don't count."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from time import thread_time

from api.serve import calm_collector

LONGEST_SECONDS_MAX = 0.02


class Held:
    """What was measured."""

    def __init__(self) -> None:
        self.turns: list[tuple[float, str]] = []

    @property
    def longest(self) -> tuple[float, str]:
        """The longest turn, and whose it was."""
        return max(self.turns)


@contextmanager
def turns_of_the_loop() -> Iterator[Held]:
    """Measures every turn of every loop of this thread in the block, with the collector as calm as a node's."""
    held, run = Held(), asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        started = thread_time()
        run(handle)
        held.turns.append((thread_time() - started, repr(handle)))

    thresholds = gc.get_threshold()
    calm_collector()
    setattr(asyncio.Handle, "_run", timed)  # noqa: B010 - a method, for the time of the block
    try:
        yield held
    finally:
        setattr(asyncio.Handle, "_run", run)  # noqa: B010
        gc.unfreeze()
        gc.set_threshold(*thresholds)
