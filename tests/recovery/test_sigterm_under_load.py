"""SIGTERM under load: the node stops accepting, commits and answers what it took, and ends with 0 in time."""

import http.client
import json
import threading
import time
from pathlib import Path

import pytest

from engine import limits
from tests.recovery.running import RunningNode
from tests.recovery.test_kill_node import open_shop, reservation, reserved_units

CLIENTS = 16


class Hammer(threading.Thread):
    """Sends keyed reservations until the node no longer takes any; remembers what was acknowledged."""

    def __init__(self, port: int, number: int) -> None:
        super().__init__()
        self.port = port
        self.first = number * 1_000_000
        self.sent = 0
        self.acknowledged: dict[int, bytes] = {}
        self.unexpected: list[tuple[int, bytes]] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            while not self.unexpected:
                number = self.first + self.sent
                headers = {"content-type": "application/json", "idempotency-key": f"cart-{number}"}
                self.sent += 1
                connection.request("POST", "/v1/reservations", json.dumps(reservation(number)), headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 201:
                    self.acknowledged[number] = body
                elif answer.status == 503 and json.loads(body)["code"] == "stopping":
                    return
                else:
                    self.unexpected.append((answer.status, body))
        except (OSError, http.client.HTTPException):
            return  # the node has gone
        finally:
            connection.close()


def round_of(node: RunningNode, number: int) -> int:
    """Load, SIGTERM, restart, check; gives how many reservations were acknowledged."""
    hammers = [Hammer(node.port, number * CLIENTS + i) for i in range(CLIENTS)]
    for hammer in hammers:
        hammer.start()
    deadline = time.monotonic() + 60
    while any(len(hammer.acknowledged) < 5 for hammer in hammers):
        assert time.monotonic() < deadline
        time.sleep(0.01)  # all of them are at work
    node.process.terminate()
    assert node.process.wait(limits.STOP_SECONDS_MAX + 60) == 0
    for hammer in hammers:
        hammer.join()
        assert hammer.unexpected == []
    assert node.process.stderr is not None
    assert b"critical" not in node.process.stderr.read()
    node.process.stderr.close()
    node.start()
    for hammer in hammers:
        for body in hammer.acknowledged.values():
            assert node.call("GET", f"/v1/reservations/{json.loads(body)['id']}")[:2] == (200, json.loads(body))
    return sum(len(hammer.acknowledged) for hammer in hammers)


def stopped_and_started(directory: Path, rounds: int, *options: str) -> None:
    node = RunningNode(directory, options=options)
    open_shop(node)
    acknowledged = sum(round_of(node, number) for number in range(rounds))
    seq, digest = (node.call("GET", "/v1/node?digest=fresh")[1][name] for name in ("seq", "digest"))
    assert acknowledged <= seq - 2 <= acknowledged + rounds * CLIENTS, "at most what was on its way is there as well"
    assert sum(reserved_units(node).values()) >= acknowledged
    assert node.call("GET", "/v1/ledger/trial-balance")[1]["balanced"] is True
    node.stop()
    node.start()
    assert node.call("GET", "/v1/node?digest=fresh")[1]["digest"] == digest
    node.stop()


@pytest.mark.parametrize("frontends", ["0", "2"])
def test_sigterm_under_load_ends_with_0_in_time_and_keeps_every_acknowledged_reservation(
    tmp_path: Path, frontends: str
) -> None:
    stopped_and_started(tmp_path / "data", 1, "--frontends", frontends)


@pytest.mark.slow
def test_sigterm_under_load_again_and_again(tmp_path: Path) -> None:
    stopped_and_started(tmp_path / "data", rounds=10)
