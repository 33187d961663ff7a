"""`python -m bench.load --url http://127.0.0.1:8080 --connections 128`: load a node, print one JSON object."""

import argparse
import gc
import json
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import uvloop

from bench.load.clients import WORKLOADS
from bench.load.requests import Target
from bench.load.run import LoadFailed, Plan, pin, run
from bench.workloads import SIZES


def asked() -> tuple[Plan, Path | None]:
    """The plan on the command line, and where rows of (wall-clock start, latency) go."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument(
        "--url", required=True, help="address of a node that has the shop of this size (bench.http.prepare)"
    )
    parser.add_argument("--key", help="API key")
    parser.add_argument("--connections", type=int, default=32, help="one request in flight on each (default: 32)")
    parser.add_argument("--rate", type=float, help="open loop: requests a second, timed from when they are due")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long, after a warm-up (default: 4)")
    parser.add_argument("--workload", choices=WORKLOADS, default="reserve")
    parser.add_argument("--size", choices=SIZES, default="medium", help="SKUs x nodes (default: medium)")
    parser.add_argument("--skew", choices=["zipf", "even", "hot"], default="zipf", help="how SKUs are chosen")
    parser.add_argument("--lines", type=int, default=2, help="lines a reservation (default: 2)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keyed", action="store_true", help="an idempotency key on every reservation")
    parser.add_argument("--no-unit-prices", action="store_true", help="orders without prices of their own")
    parser.add_argument("--rows", type=Path, help="also write every latency there (.npy)")
    chosen = parser.parse_args()
    address = urlsplit(chosen.url)
    if address.scheme != "http" or address.hostname is None:
        parser.error("--url is http://host:port")
    target = Target(address.hostname, address.port or 80, chosen.key)
    return Plan(
        target,
        chosen.connections,
        chosen.seconds,
        chosen.workload,
        chosen.rate,
        chosen.size,
        chosen.skew,
        chosen.seed,
        chosen.lines,
        chosen.keyed,
        chosen.rows is not None,
        not chosen.no_unit_prices,
    ), chosen.rows


def main() -> None:
    """Run and print."""
    plan, rows_file = asked()
    core = pin()
    gc.disable()  # nothing here makes cycles
    try:
        figures, rows = uvloop.run(run(plan))
    except (LoadFailed, OSError) as error:
        raise SystemExit(f"no figures: {error}") from None
    if rows_file is not None:
        np.save(rows_file, np.array(rows))
    print(json.dumps({**figures, "pinned_to_core": core}))


if __name__ == "__main__":
    main()
