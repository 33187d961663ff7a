"""The suite's command: `python -m bench`, which is `kontor bench` too."""

import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from bench import suite
from bench.conditions import conditions, fdatasync_ms, host_class
from bench.report import as_html, as_text
from bench.scales import SCALES, Scale

RESULTS = Path(__file__).parent / "results"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--size",
    type=click.Choice(list(SCALES)),
    default="small",
    show_default=True,
    help="How much is done: tiny and small take minutes, medium an hour, full a night.",
)
@click.option("--only", multiple=True, type=click.Choice(list(suite.PARTS)), help="Only this part; may be repeated.")
@click.option("--seconds", type=float, help="Length of each run over HTTP.  [default: by size]")
@click.option("--rounds", type=int, help="Runs in turn, of which the median counts.  [default: by size]")
@click.option("--connections", type=int, multiple=True, help="Connections of closed loops; may be repeated.")
@click.option("--open-reservations", type=int, help="For upkeep, restart and memory.  [default: by size]")
@click.option("--rate", type=float, help="Requests a second, for upkeep and stall.  [default: by size]")
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), help="Where to put data.  [default: a temporary folder]"
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=RESULTS,
    help="Where results go.  [default: bench/results]",
)
def bench(
    size: str,
    only: tuple[str, ...],
    seconds: float | None,
    rounds: int | None,
    connections: tuple[int, ...],
    open_reservations: int | None,
    rate: float | None,
    data: Path | None,
    out: Path,
) -> None:
    """Measure this machine: every figure with its conditions, none without its books in order.

    Writes <date>-<host class>.json, and the same as a page to read.
    """
    base = SCALES[size]
    scale = base._replace(
        seconds=seconds or base.seconds,
        rounds=rounds or base.rounds,
        connections=connections or base.connections,
        open_reservations=open_reservations or base.open_reservations,
        rate_per_second=rate or base.rate_per_second,
    )
    parts = list(only) or suite.DEFAULT
    with _stoppable(), tempfile.TemporaryDirectory(dir=data) as folder:
        found = _measured(Path(folder), size, scale, parts)
    out.mkdir(parents=True, exist_ok=True)
    name = f"{found['date']}-{host_class()}"
    (out / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (out / f"{name}.html").write_text(as_html(found), encoding="utf-8")
    click.echo(f"\n{out / name}.html and .json")


@contextmanager
def _stoppable() -> Iterator[None]:
    """On SIGTERM, stop the servers that were started and take away the data before ending."""
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _measured(directory: Path, size: str, scale: Scale, parts: list[str]) -> dict[str, Any]:
    """Run the parts, tell every figure as soon as it is there."""
    found: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d"),
        "size": size,
        "scale": scale._asdict(),
        "conditions": conditions(directory),
        "figures": [],
    }
    click.echo(", ".join(f"{name} {value}" for name, value in found["conditions"].items()))
    for number, part in enumerate(parts, 1):
        click.echo(f"\n[{number}/{len(parts)}] {part}: {suite.PARTS[part].__doc__}", err=True)
        started = time.perf_counter()
        for figures in suite.PARTS[part](directory / part, scale):
            found["figures"].append({"part": part, **figures})
            click.echo(as_text(figures))
        click.echo(f"    took {time.perf_counter() - started:.0f} s", err=True)
    found["conditions"] |= {f"{name}_after": value for name, value in fdatasync_ms(directory).items()}
    return found
