"""The longest anyone waits while snapshots are made and segments are sealed: a steady load past several of each."""

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench import http
from engine.wal.journal import segment_names

CONNECTIONS = 32
SEGMENT_MIB = 1


def measure(directory: Path, size: str, rate: float, seconds: float) -> dict[str, Any]:
    """Open loop at a rate; a snapshot every sixth of the time, and small segments, so that many are sealed."""
    http.prepare(directory, size)
    every = max(1, int(seconds / 6))
    options = ("--snapshot-seconds", str(every), "--snapshots-kept", "100", "--segment-mib", str(SEGMENT_MIB))
    with http.serving(directory, *options) as port:
        run = http.load(port, CONNECTIONS, seconds, size, 1, keyed=True, rate=rate)
        _wait_for_a_snapshot(port)
    http.audit(directory, run["accepted"])
    archived = sum(1 for _ in (directory / "archive").glob("*"))
    return {
        "what": "HTTP: one reservation a request, open loop, past snapshots and sealed segments",
        "connections": CONNECTIONS,
        "lines": 2,
        "keyed": True,
        "rate_per_second": rate,
        **http.summed_up([run], seconds),
        "snapshots": sum(1 for _ in (directory / "snapshots").glob("*")),
        "segments": len(segment_names(directory / "journal")),
        "segments_archived": archived,
        "segment_mib": SEGMENT_MIB,
    }


def _wait_for_a_snapshot(port: int) -> None:
    """One is there long before the end, but where others leave no processor to who gives way."""
    for _ in range(6_000):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/snapshots", timeout=60) as answer:
            if json.load(answer)["items"]:
                return
        time.sleep(0.1)  # it is being made
    raise AssertionError("no snapshot was made")
