"""A node that stops leaves a snapshot of itself, so that its next start has next to nothing to replay."""

import time
from pathlib import Path
from typing import Any

import pytest

from api.server import last_snapshot
from api.server.server import Server
from api.server.snapshots import Schedule
from engine.wal import DirectoryLock, snapshots_in
from tests.api.conftest import ERIKA, SHOP, Api
from tests.recovery.lives import kontor, kontor_process
from tests.recovery.logged_node import LoggedNode


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """A shop with open and closed orders, for which a few records are much to replay."""
    monkeypatch.setattr(last_snapshot, "RECORDS_MIN", 10)
    api = Api(tmp_path / "data")
    api.done("/v1/configuration", SHOP)
    api.receive("CUSHION", "leipzig", 100)
    for number in range(12):
        placed = api.order(f"W-{number}", ("CUSHION", 1), customer=ERIKA)
        if number % 2:
            api.done(f"/v1/fulfilments/{placed['fulfilments'][0]['id']}/ship")
    return api


def stopped(api: Api, seconds_max: float = 4, **schedule: int) -> Path:
    """Stop the node as `kontor serve` does; its directory."""
    api.node.snapshots._schedule = Schedule(**schedule)
    api.node.stop()
    api.node.close(snapshot_seconds_max=seconds_max)
    api.runner.close()
    return api.directory


def names(data: Path) -> list[int]:
    return [found.seq for found in snapshots_in(data / "snapshots")[0]]


def test_a_stop_leaves_a_snapshot_of_the_last_record_and_the_next_start_begins_there(busy: Api) -> None:
    seq, digest = busy.node.state.seq, busy.node.digest(True)[1]
    orders: dict[str, Any] = {number: busy.read(f"/v1/orders/{number}") for number in ("W-1", "W-2")}
    data = stopped(busy)
    assert names(data) == [seq]
    told: list[tuple[str, int, int]] = []
    node = Server(data, dev=True)
    node._tell = lambda *progress: told.append(progress)  # type: ignore[method-assign]
    node.recover()
    assert node.digest(True) == (seq, digest)
    node.close()
    assert "loading the snapshot" in {doing for doing, _, _ in told}
    assert "replaying" not in {doing for doing, _, _ in told}
    again = Api(data)
    assert {number: again.read(f"/v1/orders/{number}") for number in orders} == orders
    stopped(again)
    said = kontor("verify", "--data", data)
    assert said.code == 0, said.complaint
    assert f"equal to replay: {seq:020d}.kjs" in said.output, "verify proves it"


def test_a_stop_after_little_makes_none_and_older_ones_are_removed(busy: Api) -> None:
    data = stopped(busy, kept=1)
    first = names(data)
    api = Api(data)
    api.receive("CUSHION", "leipzig", 1)
    assert names(stopped(api, kept=1)) == first, "little has happened since"
    api = Api(data)
    for _ in range(10):
        api.receive("CUSHION", "leipzig", 1)
    assert names(stopped(api, kept=1)) == [first[0] + 11]


def test_a_stop_makes_none_where_none_are_wanted_or_time_is_up(busy: Api) -> None:
    assert names(stopped(busy, every_seconds=0)) == []
    assert names(stopped(Api(busy.directory), seconds_max=-1)) == []
    api = Api(busy.directory)
    api.node.snapshots._schedule = Schedule()
    began = time.perf_counter()
    assert last_snapshot.make(api.node.state, api.node.journal, api.node.paths.snapshots, 3, 0) is None
    assert time.perf_counter() - began < 2
    lock = DirectoryLock(api.node.paths.snapshots)
    assert last_snapshot.make(api.node.state, api.node.journal, api.node.paths.snapshots, 3, 4) is None, (
        "one is at work"
    )
    lock.close()
    stopped(api, every_seconds=0)
    assert list((busy.directory / "snapshots").glob("*.new")) == []


def test_a_served_node_leaves_one_by_itself(busy: Api, tmp_path: Path) -> None:
    for _ in range(-(-last_snapshot.RECORDS_MIN // 10)):
        busy.receive("CUSHION", "leipzig", 1)
    data = stopped(busy, every_seconds=0)
    script = "import api.server.last_snapshot as last; last.RECORDS_MIN = 10; from api.cli.main import main; main()"
    node = LoggedNode(data)
    node.stop()
    assert names(data) == [], "little has happened"
    node.command = lambda: [  # type: ignore[method-assign]
        __import__("sys").executable, "-c", script, "serve", "--data", str(data), "--dev", "--port", str(node.port)
    ]  # fmt: skip
    node.start()
    seq = node.call("GET", "/v1/node")[1]["seq"]
    node.stop()
    assert node.process.returncode == 0
    assert names(data) == [seq]
    assert node.log("snapshot made at the stop")[0]["seq"] == seq
    assert kontor_process("verify", "--data", data).code == 0
