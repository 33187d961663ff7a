"""What a shop and its open reservations take: a process of its own for each, its resident memory before and after.

`python -m bench.memory SKUS NODES OPEN_RESERVATIONS` prints one JSON object.
"""

import gc
import json
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from bench.core import check
from bench.workloads import Size, reservations, shop
from engine import machine
from engine.commands import Command
from engine.results import Rejection
from engine.state.state import State
from engine.wal import MemoryClosedTable

BASKETS = 5_000


def rss_bytes(pid: int | str = "self") -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def measure(skus: int, nodes: int, open_reservations: int) -> dict[str, Any]:
    """In a process of its own."""
    words = [sys.executable, "-m", "bench.memory", str(skus), str(nodes), str(open_reservations)]
    found: dict[str, Any] = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    return found


def taken(skus: int, nodes: int, open_reservations: int) -> dict[str, Any]:
    """Stock every SKU at every node, then hold that many reservations of two lines, and see what each took."""
    size = Size(skus, nodes, open_reservations)
    state = State(MemoryClosedTable())
    empty = _settled()
    for command in shop(size):
        _apply(state, command)
    stocked = _settled()
    baskets = [*islice(reservations(size, 1), min(BASKETS, open_reservations))]
    before = _settled()
    for command in islice(cycle(baskets), open_reservations):
        _apply(state, command)
    state.closed.drop_pending()
    after = _settled()
    check(state, None)
    return {
        "what": "memory",
        "skus": skus,
        "nodes": nodes,
        "open_reservations": open_reservations,
        "lines": 2,
        "empty_mib": round(empty / 2**20),
        "stocked_mib": round(stocked / 2**20),
        "bytes_a_sku_and_node": round((stocked - empty) / (skus * nodes), 1),
        "full_mib": round(after / 2**20),
        "bytes_a_reservation": round((after - before) / open_reservations),
    }


def _apply(state: State, command: Command) -> None:
    now_ns = time.time_ns()
    facts = machine.decide(state, command, now_ns)
    assert not isinstance(facts, Rejection), facts
    machine.evolve(state, state.seq + 1, now_ns, facts, None)


def _settled() -> int:
    gc.collect()
    return rss_bytes()


if __name__ == "__main__":
    print(json.dumps(taken(*(int(word) for word in sys.argv[1:]))))
