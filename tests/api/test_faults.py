"""What a client is told when the node is at its limit, or fails on its request: 503 or 500, and nothing was changed."""

import asyncio
import json
from typing import Any

import pytest

from engine import limits, machine
from engine.commands.reservations import ReserveStock
from engine.state.state import State
from tests.api.conftest import Api

KETTLE = {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]}


@pytest.fixture
def stocked(api: Api) -> Api:
    api.receive("BRASS-KETTLE", "leipzig", 10)
    return api


def test_a_full_queue_is_503_with_a_time_to_come_back(stocked: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "QUEUE_COMMANDS_MAX", 0)
    seq = stocked.node.state.seq
    for answer in (stocked.post("/v1/reservations", KETTLE, "cart-1"), stocked.get("/v1/stock/BRASS-KETTLE")):
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert answer.headers["retry-after"] == str(limits.RETRY_AFTER_SECONDS)
    assert stocked.node.state.seq == seq
    monkeypatch.undo()
    assert stocked.post("/v1/reservations", KETTLE, "cart-1").status_code == 201


def test_of_more_requests_than_the_queue_takes_each_is_done_or_told_to_come_back(
    stocked: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "QUEUE_COMMANDS_MAX", 3)

    async def together() -> list[Any]:
        return await asyncio.gather(*(stocked._call("POST", "/v1/reservations", json=KETTLE) for _ in range(10)))

    answers = stocked.runner.run(together())
    codes = sorted(answer.status_code for answer in answers)
    assert set(codes) <= {201, 503}
    assert codes.count(201) >= 3
    assert stocked.stock("BRASS-KETTLE", "leipzig")["reserved"] == codes.count(201)
    assert not stocked.node.writer.queue


def explode(state: State, command: Any, now_ns: int) -> Any:
    raise ZeroDivisionError("Erika Mustermann")


def test_a_request_the_node_fails_on_is_500_and_leaves_no_trace(
    stocked: Api, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(machine.COMMANDS, ReserveStock, machine.CommandRow(explode, None))
    for _ in range(3):
        problem = stocked.refused("/v1/reservations", KETTLE, 500, "internal_error")
        assert "Erika" not in json.dumps(problem)
    assert stocked.read("/v1/stock/BRASS-KETTLE")["reserved"] == 0, "others are served"
    stocked.receive("BRASS-KETTLE", "leipzig", 1)
    assert "Erika" not in "".join(capfd.readouterr()), "what a customer typed is in no log"


def test_a_request_the_node_fails_on_is_no_loop_of_crashes(stocked: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.COMMANDS, ReserveStock, machine.CommandRow(explode, None))
    assert stocked.post("/v1/reservations", KETTLE, "cart-1").status_code == 500
    stocked.receive("BRASS-KETTLE", "leipzig", 1)
    before = stocked.node.digest(True)
    stocked.restart()
    assert stocked.node.digest(True) == before
    assert stocked.post("/v1/reservations", KETTLE, "cart-1").status_code == 500
    monkeypatch.undo()
    assert stocked.post("/v1/reservations", KETTLE, "cart-1").status_code == 201, "its key was not used up"
    assert stocked.post("/v1/reservations", KETTLE, "cart-1").headers["idempotent-replayed"] == "true"
