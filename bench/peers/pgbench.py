"""PostgreSQL by pgbench: a prepared call of the function that reserves, by many clients or 50 calls a transaction by one."""

import re
from typing import Any

from bench.peers.common import AREAS_COUNT, Unsound
from bench.peers.postgresql import USER, Cluster
from bench.workloads import SIZES, Size

DIFFERS = "no HTTP, no JSON; pgbench is C; Zipf by pgbench"
BATCH = 50
THREADS_MAX = 2
SPREAD = r"""\set first random_zipfian(1, {skus}, 1.001)
\set second random_zipfian(1, {skus}, 1.001)
\set lower permute(least(:first, :second) - 1, {skus})
\set upper permute(greatest(:first, :second) - 1, {skus})
\set some random(1, 3)
\set more random(1, 3)
\set area random(0, {areas})
\set key random(1, 9000000000000000000)
\if :first = :second
SELECT * FROM reserve(:key, ARRAY[:lower::int], ARRAY[:some::int], :area);
\else
SELECT * FROM reserve(:key, ARRAY[:lower::int, :upper::int], ARRAY[:some::int, :more::int], :area);
\endif
"""
HOT = r"""\set some random(1, 3)
\set area random(0, {areas})
\set key random(1, 9000000000000000000)
SELECT * FROM reserve(:key, ARRAY[0], ARRAY[:some::int], :area);
"""


def by_clients(found: Cluster, size: str, clients: int, hot: bool, seconds: float) -> dict[str, Any]:
    """Every client a reservation a transaction. `accepted` are all that were made."""
    return _pgbench(found, _script(SIZES[size], hot), clients, seconds, each=1)


def one_writer(found: Cluster, size: str, hot: bool, seconds: float) -> dict[str, Any]:
    """One client that sends 50 reservations and a commit together."""
    several = "BEGIN;\n\\startpipeline\n" + _script(SIZES[size], hot) * BATCH + "\\endpipeline\nCOMMIT;\n"
    return _pgbench(found, several, 1, seconds, each=BATCH)


def _script(size: Size, hot: bool) -> str:
    return (HOT if hot else SPREAD).format(skus=size.skus, areas=AREAS_COUNT - 1)


def _pgbench(found: Cluster, script: str, clients: int, seconds: float, each: int) -> dict[str, Any]:
    (found.folder / "script.sql").write_text(script)
    (found.folder / "script.sql").chmod(0o644)
    said = found.run(
        "pgbench", "-h", str(found.folder), "-U", USER, "-n", "-M", "prepared", "-c", str(clients),
        "-j", str(min(clients, THREADS_MAX)), "-T", str(max(1, round(seconds))),
        "-f", str(found.folder / "script.sql"), "postgres",
    )  # fmt: skip
    if _number(r"failed transactions: (\d+)", said):
        raise Unsound("pgbench: some transactions failed")
    return {
        "per_second": round(_number(r"tps = ([0-9.]+)", said) * each),
        "mean_ms": _number(r"latency average = ([0-9.]+) ms", said),
        "accepted": round(_number(r"actually processed: (\d+)", said)) * each,
    }


def _number(pattern: str, said: str) -> float:
    found = re.search(pattern, said)
    assert found, said
    return float(found.group(1))
