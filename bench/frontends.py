"""A node alone against one behind a frontend, in turn: what it brings to parse HTTP in a further process."""

import statistics
from pathlib import Path
from typing import Any

from bench import http


def against_alone(
    directory: Path, size: str, connections: int, seconds: float, rounds: int, keyed: bool
) -> dict[str, Any]:
    """The same reservations on both, `rounds` times; medians and the median of the ratios of each round."""
    for name in ("alone", "behind"):
        http.prepare(directory / name, size)
    options = ("--snapshot-seconds", "0")
    with (
        http.serving(directory / "alone", *options) as alone,
        http.serving(directory / "behind", *options, "--frontends", "1") as behind,
    ):
        pairs = [
            (
                http.load(alone, connections, seconds, size, seed, keyed),
                http.load(behind, connections, seconds, size, seed, keyed),
            )
            for seed in range(rounds)
        ]
    for name in ("alone", "behind"):
        http.audit(directory / name)
    return {
        "what": "HTTP: one durable reservation a request, a node alone against one behind a frontend",
        "connections": connections,
        "keyed": keyed,
        "rounds": rounds,
        "seconds": seconds,
        "alone": http.median(pairs, 0),
        "behind": http.median(pairs, 1),
        "ratio": round(statistics.median(two["per_second"] / one["per_second"] for one, two in pairs), 3),
        "failed": sum(one["failed"] + two["failed"] for one, two in pairs),
    }
