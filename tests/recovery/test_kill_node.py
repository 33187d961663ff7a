"""kill -9 under HTTP load: what was acknowledged is there exactly once, and retries find the one true answer."""

import http.client
import json
import random
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.running import RunningNode

SHOP: dict[str, dict[str, dict[str, str | float]]] = {
    "nodes": {
        "leipzig": {"name": "Leipzig", "kind": "warehouse", "country": "DE", "latitude": 51.3, "longitude": 12.4},
        "berlin": {"name": "Berlin", "kind": "store", "country": "DE", "latitude": 52.5, "longitude": 13.4},
    },
    "items": {"BRASS-KETTLE": {"name": "Brass kettle"}, "TEA-TOWEL": {"name": "Tea towel"}},
    "channels": {"web-de": {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR"}},
}
STOCKED = 1_000_000
CLIENTS = 8


def open_shop(node: RunningNode) -> None:
    """Master data and plenty of stock."""
    assert node.call("POST", "/v1/configuration", SHOP)[0] in (200, 201)
    lines = [
        {"sku": sku, "node": where, "reason": "receipt", "quantity": STOCKED}
        for sku in SHOP["items"]
        for where in SHOP["nodes"]
    ]
    assert node.call("POST", "/v1/stock/movements", {"lines": lines})[0] == 201


def reservation(number: int) -> dict[str, Any]:
    """What client request `number` asks for; differs from number to number."""
    sku = "BRASS-KETTLE" if number % 2 else "TEA-TOWEL"
    return {"channel": "web-de", "ttl_seconds": 86_400, "lines": [{"sku": sku, "quantity": 1 + number % 3}]}


class Client(threading.Thread):
    """Sends keyed reservations one after the other until its connection breaks; keeps a log of what was acknowledged."""

    def __init__(self, port: int, first: int) -> None:
        super().__init__()
        self.port = port
        self.sent = range(first, first)
        self.acknowledged: dict[int, bytes] = {}

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        number = self.sent.start
        try:
            while True:
                self.sent = range(self.sent.start, number + 1)
                headers = {"content-type": "application/json", "idempotency-key": f"cart-{number}"}
                connection.request("POST", "/v1/reservations", json.dumps(reservation(number)), headers)
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 201, body
                self.acknowledged[number] = body
                number += 1
        except (OSError, http.client.HTTPException):
            return  # the node was killed
        finally:
            connection.close()


def reserved_units(node: RunningNode) -> dict[str, int]:
    """Units on the account reserved, by SKU."""
    return {sku: node.call("GET", f"/v1/stock/{sku}")[1]["reserved"] for sku in SHOP["items"]}


def kill_rounds(directory: Path, rounds: int, seed: int) -> None:
    """Load, SIGKILL, restart, check; again and again on the same directory."""
    chance = random.Random(seed)
    node = RunningNode(directory)
    open_shop(node)
    sent: set[int] = set()
    for round_number in range(rounds):
        clients = [Client(node.port, (round_number * CLIENTS + i) * 1_000_000) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.05, 0.6))  # any moment will do; nothing is timed
        node.kill()
        for client in clients:
            client.join()
        node.start()
        for client in clients:
            sent.update(client.sent)
            for body in client.acknowledged.values():
                found = node.call("GET", f"/v1/reservations/{json.loads(body)['id']}")
                assert (found[0], found[1]) == (200, json.loads(body)), (
                    "an acknowledged reservation is there as it was answered"
                )
            for number in client.sent:
                status, again, headers = node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")
                assert status == 201
                if number in client.acknowledged:
                    assert again == json.loads(client.acknowledged[number])
                    assert headers.get("idempotent-replayed") == "true"
        expected = dict.fromkeys(SHOP["items"], 0)
        for number in sent:
            line = reservation(number)["lines"][0]
            expected[line["sku"]] += line["quantity"]
        assert reserved_units(node) == expected, "every key had exactly one effect"
        assert node.call("GET", "/v1/ledger/trial-balance")[1]["balanced"] is True
    before = node.call("GET", "/v1/node?digest=fresh")[1]
    node.kill()
    node.start()
    after = node.call("GET", "/v1/node?digest=fresh")[1]
    assert (after["seq"], after["digest"]) == (before["seq"], before["digest"])
    node.stop()


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    kill_rounds(tmp_path / "data", rounds=2, seed=1)


@pytest.mark.slow
def test_what_was_acknowledged_survives_many_kills(tmp_path: Path) -> None:
    kill_rounds(tmp_path / "data", rounds=40, seed=2)


def test_a_second_process_on_the_directory_is_told_so_and_ends_with_1(tmp_path: Path) -> None:
    import subprocess
    import sys

    node = RunningNode(tmp_path / "data")
    try:
        command = [sys.executable, "-m", "api.cli.main", "serve", "--data", str(tmp_path / "data"), "--port", "0"]
        second = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
        assert second.returncode == 1
        assert f"is in use by process {node.process.pid}" in second.stderr
    finally:
        node.stop()


def test_sigterm_ends_cleanly_and_everything_answered_is_there(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "data")
    open_shop(node)
    made = node.call("POST", "/v1/reservations", reservation(1), "cart-1")[1]
    node.stop()
    node.start()
    assert node.call("GET", f"/v1/reservations/{made['id']}")[1] == made
    node.stop()
