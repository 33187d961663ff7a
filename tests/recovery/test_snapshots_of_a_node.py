"""Snapshots of a running node: asked for, made by another process, listed, used by the next start, and never half there."""

import random
import shutil
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from engine.wal import snapshots_in
from tests.recovery.lives import kontor, kontor_process
from tests.recovery.logged_node import LoggedNode, until
from tests.recovery.test_full_disk import fill, small_disk
from tests.recovery.test_kill_node import open_shop, reservation

__all__ = ["small_disk"]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LoggedNode]:
    running = LoggedNode(tmp_path / "data", "--snapshot-seconds", "0")
    try:
        open_shop(running)
        yield running
    finally:
        running.leave_nobody()


def reserve(node: LoggedNode, number: int) -> None:
    assert node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")[0] == 201


def has_snapshot_of(node: LoggedNode, seq: int) -> bool:
    return node.metric("kontor_snapshot_seq") >= seq


def files(node: LoggedNode) -> list[str]:
    return sorted(path.name for path in (node.directory / "snapshots").iterdir() if path.name != "lock")


def test_a_snapshot_is_asked_for_and_listed_with_the_digest_of_that_moment(node: LoggedNode) -> None:
    assert node.snapshots() == {"items": [], "making": None, "next_cursor": None}
    reserve(node, 1)
    seq, digest = node.digest()
    status, wanted, _ = node.call("POST", "/v1/snapshots")
    assert (status, wanted) == (202, {"name": f"{seq:020d}.kjs", "seq": seq})
    assert node.snapshots()["making"] == wanted
    assert node.call("POST", "/v1/snapshots")[1] == wanted, "asked again while it is being made"
    until(lambda: node.snapshots()["making"] is None, "the snapshot is made")
    (found,) = node.snapshots()["items"]
    assert (found["name"], found["seq"], found["digest"]) == (wanted["name"], seq, digest)
    assert found["bytes"] == (node.directory / "snapshots" / found["name"]).stat().st_size
    before = node.call("GET", "/v1/node")[1]["seq"]
    assert node.call("POST", "/v1/snapshots")[1] == wanted, "nothing has changed: it is the newest one"
    assert node.snapshots()["making"] is None
    assert node.call("GET", "/v1/node")[1]["seq"] == before
    reserve(node, 2)
    later = node.snapshot()
    assert later["seq"] > seq
    assert [item["name"] for item in node.snapshots()["items"]] == [later["name"], found["name"]]


def test_a_restart_begins_with_the_snapshot_and_gives_the_same_state(node: LoggedNode) -> None:
    for number in range(5):
        reserve(node, number)
    made = node.snapshot()
    reserve(node, 9)
    before = node.digest()
    node.kill_all()
    node.start()
    (recovered,) = node.log("recovered")
    assert (recovered["seq"], node.log("recovery")) == (before[0], []), "nothing was warned of"
    assert node.digest() == before
    assert node.metric("kontor_snapshot_seq") == made["seq"]
    node.stop()
    found = (node.directory / "snapshots" / made["name"]).read_bytes()
    (node.directory / "snapshots" / made["name"]).write_bytes(found[:-1])
    node.start()
    assert node.digest() == before, "a damaged snapshot is left out"
    (warning,) = [line for line in node.log("recovery") if made["name"] in line["problem"]]
    assert "checksum" in warning["problem"] or "cut short" in warning["problem"]


def test_snapshots_are_made_by_the_schedule_and_old_ones_go(tmp_path: Path) -> None:
    node = LoggedNode(tmp_path / "data", "--snapshot-seconds", "1", "--snapshots-kept", "2")
    try:
        open_shop(node)
        assert node.metric("kontor_snapshot_seq") == 0
        seen: list[str] = []
        for number in range(4):
            answer = node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")
            seq = int(answer[2]["kontor-seq"])
            until(partial(has_snapshot_of, node, seq), "a snapshot of what is there now")
            seen += [item["name"] for item in node.snapshots()["items"] if item["name"] not in seen]
            until(lambda: node.snapshots()["making"] is None, "nothing is being made")
        assert len(seen) >= 4
        assert files(node) == sorted(seen)[-2:]
        assert (node.metric("kontor_snapshot_failures"), node.metric("kontor_replay_diverged")) == (0, 0)
        assert 0 <= node.metric("kontor_snapshot_age_seconds") < 600
        node.stop()
        assert kontor("verify", "--data", node.directory).code == 0
    finally:
        node.leave_nobody()


def kill_while_making(node: LoggedNode, rounds: int, seed: int) -> None:
    """SIGKILL somewhere in the making of a snapshot, to the node alone or to its follower as well."""
    chance = random.Random(seed)
    for round_number in range(rounds):
        reserve(node, 1000 + round_number)
        before = node.digest()
        made = [item["digest"] for item in node.snapshots()["items"]]
        assert node.call("POST", "/v1/snapshots")[0] == 202
        time.sleep(chance.uniform(0.0, 0.8))  # any moment will do; nothing is timed
        if chance.random() < 0.5:
            node.kill()
        else:
            node.kill_all()
        usable, damaged = snapshots_in(node.directory / "snapshots")
        assert damaged == []
        assert set(made[:2]) <= {snapshot.digest for snapshot in usable}, "the older ones are there"
        node.start()
        assert node.log("recovery") == []
        seq, digest = node.digest()
        assert (digest == before[1]) == (seq == before[0])
        assert before[0] <= seq <= before[0] + 1, "at most the record of the digest has come"
        node.wait_for_follower()
    made_at_last = node.snapshot()
    assert files(node)[-1] == made_at_last["name"]
    assert not [name for name in files(node) if not name.endswith(".kjs")], "what was half made is gone"
    node.stop()
    said = kontor_process("verify", "--data", node.directory)
    assert said.code == 0, said.output


def test_kill_9_while_a_snapshot_is_made_leaves_none_that_is_half(node: LoggedNode) -> None:
    kill_while_making(node, rounds=3, seed=1)


@pytest.mark.slow
def test_many_kills_while_snapshots_are_made_leave_none_that_is_half(node: LoggedNode) -> None:
    kill_while_making(node, rounds=40, seed=2)


def test_a_full_disk_fails_the_snapshot_and_the_node_goes_on(tmp_path: Path, small_disk: Path) -> None:
    node = LoggedNode(tmp_path / "data", "--snapshot-seconds", "0")
    try:
        open_shop(node)
        old = node.snapshot()
        node.stop()
        shutil.copytree(node.directory / "snapshots", small_disk / "snapshots")
        shutil.rmtree(node.directory / "snapshots")
        (node.directory / "snapshots").symlink_to(small_disk / "snapshots")  # only snapshots lie on the full disk
        node.start()
        reserve(node, 1)
        ballast = fill(small_disk)
        before = node.digest()
        assert node.call("POST", "/v1/snapshots")[0] == 202
        until(lambda: node.metric("kontor_snapshot_failures") == 1, "the failure is counted")
        assert [item["name"] for item in node.snapshots()["items"]] == [old["name"]]
        assert node.metric("kontor_snapshot_seq") == old["seq"]
        (logged,) = node.log("no snapshot was made; the older ones are kept")
        assert logged["seq"] == before[0]
        assert "could not be written" in logged["reason"]
        reserve(node, 2)
        assert files(node) == [old["name"]], "nothing is left of it"
        ballast.unlink()
        assert node.snapshot()["seq"] > before[0]
    finally:
        node.leave_nobody()


def test_the_command_waits_for_the_snapshot_of_a_running_node(node: LoggedNode) -> None:
    url = f"http://127.0.0.1:{node.port}"
    said = kontor_process("snapshot", "--url", url, "--wait")
    assert said.code == 0, said.complaint
    (made,) = node.snapshots()["items"]
    assert said.output == f"snapshot {made['name']} is there\n"
    node.stop()
    assert kontor_process("snapshot", "--url", url).code == 1
