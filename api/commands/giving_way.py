"""Work beside a node that must not be felt by it."""

import os
from contextlib import suppress


def give_way() -> None:
    """From now on this process runs when nobody else wants the processor: the scheduler's idle class, or the lowest priority."""
    with suppress(OSError):
        os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
