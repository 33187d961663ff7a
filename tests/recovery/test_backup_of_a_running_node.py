"""Backups of a node that clients write to: each is one moment, exactly, and the node does not notice."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.recovery.lives import Said, kontor_process, manifest_of, named_in, tree
from tests.recovery.logged_node import LoggedNode, until
from tests.recovery.test_kill_node import SHOP, Client, open_shop, reservation


@pytest.fixture
def node(tmp_path: Path) -> Iterator[LoggedNode]:
    running = LoggedNode(tmp_path / "data", "--snapshot-seconds", "0")
    try:
        open_shop(running)
        yield running
    finally:
        running.leave_nobody()


def answered(said: Said) -> dict[str, object]:
    assert said.code == 0, said.complaint
    found: dict[str, object] = json.loads(said.output)
    return found


def state_at(data: Path, seq: object) -> str:
    """The digest after record `seq`, by the node's own directory."""
    found = answered(kontor_process("state", "--data", data, "--at", seq, "--json"))
    assert found["seq"] == seq
    return str(found["digest"])


def made_one(node: LoggedNode) -> bool:
    """Whether there is a snapshot; asks for one if none is being made."""
    page = node.snapshots()
    if not page["items"] and page["making"] is None:
        node.call("POST", "/v1/snapshots")
    return bool(page["items"])


def test_a_backup_while_clients_write_is_one_moment_exactly(node: LoggedNode, tmp_path: Path) -> None:
    clients = [Client(node.port, first * 1_000_000) for first in range(4)]
    for client in clients:
        client.start()
    backups = [tmp_path / "again", tmp_path / "again"]
    seqs = []
    try:
        for target in backups:
            assert kontor_process("backup", target, "--data", node.directory).code == 0
            seqs.append(manifest_of(target)["seq"])
        until(lambda: made_one(node), "a snapshot is there")
        assert kontor_process("backup", tmp_path / "with-snapshot", "--data", node.directory).code == 0
    finally:
        node.kill_all()
        for client in clients:
            client.join()
    assert seqs[0] < seqs[1], "clients were writing"
    node.start()
    for target in dict.fromkeys([*backups, tmp_path / "with-snapshot"]):
        manifest = manifest_of(target)
        assert tree(target).keys() == named_in(target) | {"manifest.json", "lock"}
        data = tmp_path / f"{target.name}-data"
        made = answered(kontor_process("restore", "--from", target, "--data", data, "--json"))
        assert (made["seq"], made["digest"]) == (manifest["seq"], state_at(node.directory, manifest["seq"]))
    assert any(file["path"].startswith("snapshots/") for file in manifest_of(tmp_path / "with-snapshot")["files"])


def test_whatever_was_acknowledged_before_the_backup_began_is_in_it(node: LoggedNode, tmp_path: Path) -> None:
    made = [node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")[1] for number in range(20)]
    assert kontor_process("backup", tmp_path / "backup", "--data", node.directory).code == 0
    node.call("POST", "/v1/reservations", reservation(99), "cart-99")
    answered(kontor_process("restore", "--from", tmp_path / "backup", "--data", tmp_path / "again", "--json"))
    again = LoggedNode(tmp_path / "again")
    try:
        for each in made:
            assert again.call("GET", f"/v1/reservations/{each['id']}")[1] == each
        last = int(made[-1]["id"].removeprefix("r-")) + 1
        assert again.call("GET", f"/v1/reservations/r-{last}")[0] == 404, "what came later is not in it"
        status, new, _ = again.call("POST", "/v1/reservations", reservation(1), "cart-new")
        assert status == 201
        assert again.call("GET", f"/v1/reservations/{new['id']}")[1] == new
        assert again.call("GET", "/v1/ledger/trial-balance")[1]["balanced"] is True
        before = again.digest()
        again.kill_all()
        again.start()
        assert again.digest() == before
        again.stop()
        assert kontor_process("verify", "--data", tmp_path / "again").code == 0
    finally:
        again.leave_nobody()


def test_a_node_can_not_be_verified_or_restored_over_while_it_runs(node: LoggedNode, tmp_path: Path) -> None:
    said = kontor_process("verify", "--data", node.directory)
    assert (said.code, f"is in use by process {node.process.pid}" in said.complaint) == (1, True)
    assert kontor_process("backup", tmp_path / "backup", "--data", node.directory).code == 0
    said = kontor_process("restore", "--from", tmp_path / "backup", "--data", node.directory)
    assert (said.code, "is not empty" in said.complaint) == (1, True)
    assert node.call("GET", f"/v1/stock/{next(iter(SHOP['items']))}")[0] == 200
