"""A journal that is dated ahead of the clock: the start is refused, and where it is allowed, time does not stop."""

import time
import urllib.request
from pathlib import Path

import pytest

from tests.api.conftest import SHOP, Api
from tests.recovery.lives import kontor_process
from tests.recovery.running import RunningNode

CART = {"channel": "web-de", "ttl_seconds": 2, "lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]}


@pytest.fixture
def ahead(tmp_path: Path) -> Path:
    """A data directory with one change of a moment when the clock stood two days ahead."""
    api = Api(tmp_path / "data")
    api.done("/v1/configuration", SHOP)
    api.later(2 * 86_400)
    api.receive("BRASS-KETTLE", "leipzig", 5)
    api.node.stop()
    api.close_node()
    api.runner.close()
    return tmp_path / "data"


def test_a_start_two_days_behind_the_journal_is_refused_with_the_ways_out(ahead: Path) -> None:
    for command in (("serve", "--dev", "--port", "0"), ("key", "create", "till")):
        said = kontor_process(*command, "--data", ahead)
        assert said.code == 1, said
        assert "clock" in said.complaint
        assert "--clock-ahead-max" in said.complaint
        assert "Traceback" not in said.complaint


def test_where_it_is_allowed_a_reservation_of_seconds_lasts_seconds(ahead: Path) -> None:
    node = RunningNode(ahead, options=("--clock-ahead-max", "180000"))
    try:
        status, cart, _ = node.call("POST", "/v1/reservations", CART)
        assert status == 201
        deadline = time.monotonic() + 30
        while node.call("GET", f"/v1/reservations/{cart['id']}")[1]["state"] == "active":
            assert time.monotonic() < deadline, "time stands still"
            time.sleep(0.1)  # the reservation has some seconds left
        assert 170_000 < clock_ahead_seconds(node) < 172_800
    finally:
        node.stop()


def clock_ahead_seconds(node: RunningNode) -> float:
    """What `kontor_clock_ahead_seconds` says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    return float(next(line for line in lines if line.startswith("kontor_clock_ahead_seconds ")).split()[1])
