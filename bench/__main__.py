"""`python -m bench`: run the benches and print a report, every number with its conditions."""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import core, http, sourcing, upkeep
from bench.conditions import conditions
from bench.workloads import SIZES


def in_process(directory: Path, size: str) -> Iterator[dict[str, Any]]:
    """Core, and core with the journal."""
    measures = SIZES[size]
    for skew in ("zipf", "even", "hot"):
        yield core.reserve_in_memory(measures, skew)
    for batch in (1, 50, 512):
        count = min(measures.reservations, 2_000 if batch == 1 else 50_000)
        yield core.reserve_durably(directory / f"reserve-{batch}", measures, "zipf", batch, count)
    yield core.reserve_durably(directory / "hot", measures, "hot", 512, min(measures.reservations, 50_000))
    yield core.whole_orders(directory / "orders", measures, 512, min(measures.reservations, 20_000))


def over_http(directory: Path, size: str, seconds: float, rounds: int) -> Iterator[dict[str, Any]]:
    """Durable reservations against an empty endpoint."""
    for connections in (32, 128):
        for keyed in (False, True):
            where = directory / f"http-{connections}-{keyed}"
            yield http.against_the_floor(where, size, connections, seconds, rounds, keyed)
    for connections in (32, 128):
        yield http.price_of_choice(directory / f"choice-{connections}", connections, seconds, rounds)


def report(figures: dict[str, Any]) -> str:
    """One bench as lines for people."""
    parts = [f"{name} {value}" for name, value in figures.items() if name != "what" and not isinstance(value, dict)]
    lines = [figures["what"], "    " + ", ".join(parts)]
    for name, value in figures.items():
        if isinstance(value, dict):
            lines.append(f"    {name:<8}" + ", ".join(f"{key} {entry}" for key, entry in value.items()))
    return "\n".join(lines)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="medium", help="SKUs x nodes and how many (default: medium)")
    parser.add_argument(
        "--only", choices=["core", "http", "placement", "sourcing", "upkeep"], help="one part of the suite"
    )
    parser.add_argument("--seconds", type=float, default=4.0, help="length of each HTTP run (default: 4)")
    parser.add_argument(
        "--rounds", type=int, default=3, help="HTTP runs in turn, of which the median counts (default: 3)"
    )
    parser.add_argument("--open-reservations", type=int, default=1_000_000, help="for upkeep (default: 1,000,000)")
    parser.add_argument("--rate", type=float, default=1_000, help="requests a second, for upkeep (default: 1,000)")
    parser.add_argument("--data", type=Path, help="where to put data directories (default: a temporary folder)")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.data) as folder:
        directory = Path(folder)
        found: dict[str, Any] = {"conditions": conditions(directory), "size": chosen.size, "figures": []}
        print(", ".join(f"{name} {value}" for name, value in found["conditions"].items()))
        print(f"size {chosen.size}: {SIZES[chosen.size].skus} SKUs x {SIZES[chosen.size].nodes} nodes\n")
        for figures in _suite(chosen, directory):
            found["figures"].append(figures)
            print(report(figures), flush=True)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=2) + "\n")


def _suite(chosen: argparse.Namespace, directory: Path) -> Iterator[dict[str, Any]]:
    if chosen.only in (None, "core"):
        yield from in_process(directory, chosen.size)
    if chosen.only in (None, "http"):
        yield from over_http(directory, chosen.size, chosen.seconds, chosen.rounds)
    if chosen.only in (None, "sourcing"):
        for locations in (100, 2_000):
            yield from sourcing.measure(locations)
    if chosen.only in (None, "upkeep"):
        yield from upkeep.measure(directory, chosen.size, chosen.open_reservations, chosen.rate)
    if chosen.only == "placement":
        for connections in (32, 128):
            where = directory / f"placement-{connections}"
            yield from http.placements(where, chosen.size, connections, chosen.seconds, chosen.rounds)


if __name__ == "__main__":
    main()
