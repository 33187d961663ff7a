"""A full disk: changes get 507 and change nothing, reads go on, and it recovers when space comes back."""

import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.running import RunningNode
from tests.recovery.test_kill_node import open_shop, reservation


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(where)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.decode().strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", str(where)], check=True)


def fill(disk: Path) -> Path:
    """Leave no free block on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(65_536))
        except OSError:
            pass
    return ballast


def gauges(node: RunningNode) -> dict[str, float]:
    """What the metrics say of the disk."""
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.partition(" ") for line in lines)
        if "_disk_" in name or "free" in name
    }


def ready_within(node: RunningNode, seconds: float, status: int) -> None:
    deadline = time.monotonic() + seconds
    while node.call("GET", "/health/ready")[0] != status:
        assert time.monotonic() < deadline, f"not {status} after {seconds} seconds"
        time.sleep(0.2)


def test_a_disk_that_fills_is_told_before_anybody_asks_for_a_change_and_so_is_room(small_disk: Path) -> None:
    node = RunningNode(small_disk / "data", options=("--disk-free-warn-mib", "2"))
    try:
        open_shop(node)
        ballast = fill(small_disk)
        ready_within(node, 30, 503)
        ballast.unlink()
        ready_within(node, 30, 200)
        assert node.call("POST", "/v1/reservations", reservation(2), "cart-2")[0] == 201
        assert gauges(node)["kontor_disk_full"] == 0
    finally:
        node.process.terminate()
        log = node.process.communicate()[1].decode()
    assert log.count("there is little room on the disk") == 2, "of the data directory and of the archive"
    assert log.count("the disk is full") == 1
    assert log.count("there is room on the disk again") == 1


def test_a_full_disk_refuses_changes_with_507_and_recovers(small_disk: Path) -> None:
    node = RunningNode(small_disk / "data")
    try:
        open_shop(node)
        first = node.call("POST", "/v1/reservations", reservation(1), "cart-1")
        assert first[0] == 201
        ballast = fill(small_disk)
        before = node.call("GET", "/v1/node")[1]

        status, problem, _ = node.call("POST", "/v1/reservations", reservation(2), "cart-2")
        assert (status, problem["code"]) == (507, "storage_full")
        assert node.call("POST", "/v1/reservations", reservation(1), "cart-1")[1] == first[1], "an old key is answered"
        assert node.call("GET", f"/v1/reservations/{first[1]['id']}")[0] == 200, "reads go on"
        status, problem, _ = node.call("GET", "/health/ready")
        assert (status, problem["code"]) == (503, "not_ready")
        assert "changes are refused, reads go on: less than 1 MiB is free on the disk" in problem["detail"]
        assert node.call("GET", "/health/live")[0] == 200
        assert gauges(node)["kontor_disk_full"] == 1
        assert gauges(node)["kontor_disk_free_bytes"] == gauges(node)["kontor_archive_free_bytes"] < 1_048_576
        after = node.call("GET", "/v1/node")[1]
        assert (after["seq"], after["digest"]) == (before["seq"], before["digest"])

        ballast.unlink()
        assert node.call("POST", "/v1/reservations", reservation(2), "cart-2")[0] == 201
        digest = node.call("GET", "/v1/node?digest=fresh")[1]["digest"]
        node.kill()
        node.start()
        assert node.call("GET", "/v1/node?digest=fresh")[1]["digest"] == digest
    finally:
        node.stop()
