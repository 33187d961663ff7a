"""Ratios taken in turn on one machine, kept line by line, so that a slow drift shows: `python -m bench.drift`, or `make drift`.

A time says more about the machine than about the code. A ratio of two things done one after the other, several times, does not.
"""

import json
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click

from bench import core, http
from bench.conditions import conditions, host_class
from bench.workloads import SIZES
from engine.replay.recovery import Fold
from engine.state.state import State
from engine.wal import LmdbJournal, MemoryClosedTable

HISTORY = Path(__file__).parent / "results" / "ratios.jsonl"
LINES_COMPARED = 20
LINES_MIN = 3
SPREADS_MAX = 4.0
CHANGE_MIN = 0.1
CALIBRATION_STEPS = 200_000

Rates = dict[str, float]


class Amount(NamedTuple):
    """How much one round does."""

    size: str
    durable: int
    orders: int
    connections: int
    seconds: float


AMOUNTS = {"tiny": Amount("tiny", 50, 20, 2, 0.3), "small": Amount("small", 10_000, 2_000, 32, 1.5)}

# name: (what is divided, by what)
RATIOS = {
    "a reservation in memory / plain Python": ("core", "calibration"),
    "a durable reservation / one in memory": ("journal", "core"),
    "a whole order / a durable reservation": ("orders", "journal"),
    "a replayed record / a durable reservation": ("replay", "journal"),
    "over HTTP / an empty Starlette endpoint": ("http", "floor"),
    "over HTTP with keys / without": ("keyed", "http"),
}


def calibration_per_second() -> float:
    """Steps a second of a loop over a dictionary: what this Python does on this machine just now."""
    table: dict[int, tuple[int, int]] = {}
    started = time.perf_counter()
    for step in range(CALIBRATION_STEPS):
        before = table.get(step & 4_095, (0, 0))
        table[step & 4_095] = (before[0] + 1, step)
    return CALIBRATION_STEPS / (time.perf_counter() - started)


def replayed_per_second(directory: Path) -> float:
    """Records a second of a journal that is there."""
    journal = LmdbJournal(directory)
    try:
        started = time.perf_counter()
        Fold(State(MemoryClosedTable()), journal.read(), keep_closed=False).advance(journal.last_seq)
        return journal.last_seq / (time.perf_counter() - started)
    finally:
        journal.close()


def one_round(directory: Path, amount: Amount, ports: tuple[int, int], seed: int) -> Rates:
    """Everything once, one after the other, in work per second."""
    size = SIZES[amount.size]

    def by_http(port: int, keyed: bool) -> float:
        rate: float = http.load(port, amount.connections, amount.seconds, amount.size, seed, keyed)["per_second"]
        return rate

    kontor, floor = ports
    rates = {"calibration": calibration_per_second(), "core": core.reserve_in_memory(size, "zipf", seed)["per_second"]}
    journal = directory / f"journal-{seed}"
    rates["journal"] = core.reserve_durably(journal, size, "zipf", 50, amount.durable, seed)["per_second"]
    rates["replay"] = replayed_per_second(journal)
    rates["orders"] = core.whole_orders(directory / f"orders-{seed}", size, 50, amount.orders, seed)["per_second"]
    rates |= {"http": by_http(kontor, False), "floor": by_http(floor, False), "keyed": by_http(kontor, True)}
    return rates


def measure(directory: Path, amount: Amount, rounds: int) -> dict[str, float]:
    """Every ratio: the median of those of each round."""
    data = directory / "data"
    http.prepare(data, amount.size)
    with http.serving(data) as kontor, http.running("-m", "bench.floor", "PORT") as floor:
        found = []
        for seed in range(1, rounds + 1):
            click.echo(f"round {seed} of {rounds}", err=True)
            found.append(one_round(directory, amount, (kontor, floor), seed))
    http.audit(data)
    return {
        name: round(statistics.median(rates[above] / rates[below] for rates in found), 4)
        for name, (above, below) in RATIOS.items()
    }


def drifted(value: float, before: list[float]) -> float | None:
    """By how much of the median a ratio has moved, where that is more than its history explains; None if not.

    The history explains a tenth, and SPREADS_MAX times the median distance from the median.
    """
    if len(before) < LINES_MIN:
        return None
    middle = statistics.median(before)
    spread = statistics.median(abs(one - middle) for one in before)
    moved = value - middle
    return moved / middle if abs(moved) > max(SPREADS_MAX * spread, CHANGE_MIN * middle) else None


def compared(ratios: dict[str, float], history: list[dict[str, Any]]) -> tuple[list[str], bool]:
    """The table, and whether anything has drifted."""
    lines = [f"{'ratio':44} {'now':>9} {'before':>9} {'change':>8}"]
    any_drift = False
    for name, value in ratios.items():
        before = [line["ratios"][name] for line in history if name in line["ratios"]]
        if not before:
            lines.append(f"{name:44} {value:9.4f} {'-':>9} {'-':>8}  first of its kind")
            continue
        middle = statistics.median(before)
        moved = drifted(value, before)
        any_drift = any_drift or moved is not None
        word = "" if moved is None else ("  FASTER than its history" if moved > 0 else "  SLOWER than its history")
        lines.append(f"{name:44} {value:9.4f} {middle:9.4f} {(value - middle) / middle:+8.1%}{word}")
    return lines, any_drift


def read_history(file: Path, host: str, amount: str) -> list[dict[str, Any]]:
    """The newest lines of this kind of machine and this amount of work."""
    if not file.exists():
        return []
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [line for line in lines if (line["host"], line["amount"]) == (host, amount)][-LINES_COMPARED:]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--size", type=click.Choice(list(AMOUNTS)), default="small", show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Everything in turn, so often.")
@click.option(
    "--history",
    type=click.Path(dir_okay=False, path_type=Path),
    default=HISTORY,
    help="A line for every measurement.  [default: bench/results/ratios.jsonl]",
)
@click.option("--write/--no-write", default=True, help="Whether to add this measurement to the history.")
@click.option("--strict", is_flag=True, help="Exit with 1 if a ratio has drifted.")
def drift(size: str, rounds: int, history: Path, write: bool, strict: bool) -> None:
    """Measure ratios of speeds and hold them against their history on machines of this kind."""
    host = host_class()
    with tempfile.TemporaryDirectory() as folder:
        ratios = measure(Path(folder), AMOUNTS[size], rounds)
        line = {
            "date": time.strftime("%Y-%m-%d"),
            "version": version("kontor"),
            "host": host,
            "amount": size,
            "rounds": rounds,
            "conditions": conditions(Path(folder)),
            "ratios": ratios,
        }
    table, any_drift = compared(ratios, read_history(history, host, size))
    click.echo("\n".join(table))
    if write:
        history.parent.mkdir(parents=True, exist_ok=True)
        with history.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
    else:
        click.echo(json.dumps(line))
    if any_drift and strict:
        sys.exit(1)


if __name__ == "__main__":
    drift()
