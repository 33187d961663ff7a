"""kill -9 while clients reserve, order, ship and return, and snapshots are made: nothing acknowledged is lost, nothing invented."""

import http.client
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.recovery.mixed_load import SKUS, Client, Model, send
from tests.recovery.running import ROOT, RunningNode
from tests.recovery.test_kill_node import open_shop

CLIENTS = 6


def settle(node: RunningNode, clients: list[Client], model: Model) -> int:
    """Send everything again that the killed node was sent; gives how many requests were in doubt."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    in_doubt = 0
    for client in clients:
        for request in client.sent:
            status, body = send(connection, request)
            assert status in (200, 201), (request, body)
            if request.key in client.told:
                assert (status, body) == client.told[request.key], (
                    "an acknowledged answer is given again, byte for byte"
                )
            else:
                in_doubt += 1
            model.apply(request, json.loads(body))
    connection.close()
    return in_doubt


def compare(node: RunningNode, model: Model) -> None:
    """The accounts hold what the answers add up to."""
    for sku in SKUS:
        stock = node.call("GET", f"/v1/stock/{sku}")[1]
        assert (stock["on_hand"], stock["reserved"], stock["allocated"]) == model.balances(sku), sku
    assert node.call("GET", "/v1/ledger/trial-balance")[1]["balanced"] is True


def verified(directory: Path) -> dict[str, object]:
    """What `kontor verify` finds, by replay from the first record."""
    command = [sys.executable, "-m", "api.cli.main", "verify", "--data", str(directory), "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def kill_rounds(directory: Path, rounds: int, seed: int) -> None:
    """Load, SIGKILL, restart, ask again; over and over on the same directory."""
    chance, model = random.Random(seed), Model()
    node = RunningNode(directory, options=("--segment-mib", "1", "--snapshots-kept", "2"))
    try:
        open_shop(node)
        for round_number in range(rounds):
            clients = [Client(node.port, f"{round_number}-{i}", chance.randrange(2**32)) for i in range(CLIENTS)]
            for client in clients:
                client.start()
            if chance.random() < 0.4:
                time.sleep(chance.uniform(0.0, 0.2))  # any moment will do; nothing is timed
                node.call("POST", "/v1/snapshots")
            time.sleep(chance.uniform(0.02, 0.5))  # any moment will do; nothing is timed
            node.kill()
            for client in clients:
                client.join()
            node.start()
            settle(node, clients, model)
            compare(node, model)
        before = node.call("GET", "/v1/node?digest=fresh")[1]
        node.kill()
        found = verified(directory)
        assert (found["seq"], found["digest"]) == (before["seq"], before["digest"])
    finally:
        node.stop()


def test_nothing_is_lost_or_invented_by_a_kill_under_mixed_load(tmp_path: Path) -> None:
    kill_rounds(tmp_path / "data", rounds=3, seed=11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 110))
def test_nothing_is_lost_or_invented_by_fifty_kills(tmp_path: Path, seed: int) -> None:
    kill_rounds(tmp_path / "data", rounds=50, seed=seed)
