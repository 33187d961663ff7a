"""Progress of long work, on stderr: a bar on a terminal, nothing for machines."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from engine.replay.recovery import Tell, tell_nobody


@contextmanager
def progress(quiet: bool = False) -> Iterator[Tell]:
    """A function to tell how far the work is."""
    if quiet or not sys.stderr.isatty():
        yield tell_nobody
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        tasks = {}

        def tell(doing: str, done: int, total: int) -> None:
            if doing not in tasks:
                tasks[doing] = shown.add_task(doing, total=total)
            shown.update(tasks[doing], completed=done, total=total)

        yield tell
