"""Work beside a node that must not be felt by it. `python -m api.server.giving_way ARGUMENTS` is `kontor ARGUMENTS` that gives way.

It imports nothing before it has done so: what `kontor` imports costs half a second of a processor.
"""

import os
import runpy
from contextlib import suppress


def give_way() -> None:
    """From now on this process runs when nobody else wants the processor: the scheduler's idle class, or the lowest priority."""
    with suppress(OSError):
        os.nice(19)
    if hasattr(os, "SCHED_IDLE"):
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


if __name__ == "__main__":
    give_way()
    runpy.run_module("api.cli.main", run_name="__main__", alter_sys=True)
