"""Kontor, what it could be replaced by, and the floors: in turn, on one machine, in one run."""

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.conditions import fdatasync_ms
from bench.peers import contestants, postgresql, redis, sqlite, starlette_postgresql
from bench.peers.common import NotInstalled
from bench.peers.contestants import Contestant, Load

LOADS = ((1, False), (32, False), (32, True), (128, False), (128, True))
"""Connections, and whether everyone wants the same SKU."""
IN_PROCESS_COUNT = 20_000
FDATASYNC_COUNT = 500
SHOWN = ("per_second", "mean_ms", "p50_ms", "p99_ms", "longest_ms", "generator_cpu")
NEEDED: dict[str, Callable[[], object]] = {
    "PostgreSQL": postgresql.check,
    "Starlette over PostgreSQL": starlette_postgresql.check,
    "Redis": redis.check,
}


def available() -> dict[str, str | None]:
    """For every peer that needs more than Python: None if it is here, or else why not."""
    return {name: _missing(check) for name, check in NEEDED.items()}


def _missing(check: Callable[[], object]) -> str | None:
    try:
        check()
    except NotInstalled as reason:
        return str(reason)
    return None


def measure(directory: Path, size: str, seconds: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Everything that is installed; what is not is said."""
    for name, reason in available().items():
        if reason is not None:
            yield {"what": f"peer: {name}", "skipped": reason}
    for connections, hot in LOADS:
        where = directory / f"{connections}-{'hot' if hot else 'spread'}"
        yield side_by_side(where, Load(size, connections, hot, seconds), rounds)
    yield from sqlite.in_process(directory, size, IN_PROCESS_COUNT)


def side_by_side(directory: Path, load: Load, rounds: int) -> dict[str, Any]:
    """One durable reservation a request: all of them in turn, `rounds` times. Medians; ratios are those of each round."""
    directory.mkdir(parents=True)
    fdatasync = fdatasync_ms(directory, FDATASYNC_COUNT)
    everyone: list[Contestant] = []
    with ExitStack() as stack:
        for name, opens in contestants.ALL.items():
            try:
                everyone += stack.enter_context(opens(directory / name, load))
            except NotInstalled:
                continue  # said by `measure`
        for seed in range(rounds):
            for one in everyone:
                one.go(seed)
    figures: dict[str, Any] = {
        "what": "one durable reservation a request, with a key: Kontor and others in turn",
        "connections": load.connections,
        "hot": load.hot,
        "rounds": rounds,
        "seconds": load.seconds,
        "fdatasync_median_ms": fdatasync["fdatasync_median_ms"],
        "failed": _total(everyone, "failed"),
        "refused": _total(everyone, "refused"),
        **{f"times {one.name}": _times(everyone[0], one) for one in everyone[1:]},
    }
    return figures | {one.name: _medians(one) for one in everyone}


def _total(everyone: list[Contestant], name: str) -> int:
    return sum(run.get(name, 0) for one in everyone for run in one.runs)


def _times(ours: Contestant, theirs: Contestant) -> float:
    """How many times as many reservations a second; the median of the rounds."""
    ratios = [mine["per_second"] / other["per_second"] for mine, other in zip(ours.runs, theirs.runs, strict=True)]
    return float(round(statistics.median(ratios), 2))


def _medians(one: Contestant) -> dict[str, Any]:
    shown = [name for name in SHOWN if name in one.runs[0]]
    return {name: round(statistics.median(run[name] for run in one.runs), 3) for name in shown} | one.notes
