"""Snapshots in the middle of other work: no moment is a bad one to ask, or to stop."""

import asyncio
from pathlib import Path

import pytest

from api.server.server import Server
from engine.commands.stock import MovementLine, MoveStock
from engine.writer import Change
from tests.api.conftest import Api
from tests.recovery.conftest import finished


def submit(node: Server, quantity: int) -> None:
    """A change that waits for its batch."""
    line = MoveStock((MovementLine("CUSHION", "leipzig", "receipt", quantity),))
    refusal = node.submit(Change(line, "test", lambda *_: (201, b""), lambda outcome: None))
    assert refusal is None


def test_what_came_while_the_digest_was_taken_is_worth_a_snapshot_of_its_own(api: Api) -> None:
    async def ask() -> None:
        api.node.snapshots.take()
        submit(api.node, 1)

    api.runner.run(ask())
    finished(api)
    assert api.node.snapshots.failures == 0
    newest = api.node.snapshots.newest_seq
    wanted = api.post("/v1/snapshots").json()
    finished(api)
    assert wanted["seq"] > newest, "a record has changed the stock since"


def test_a_snapshot_asked_for_while_a_batch_is_on_its_way_is_made(api: Api) -> None:
    async def ask() -> None:
        submit(api.node, 1)
        await asyncio.sleep(0)  # the batch gathers once, and is next
        api.node.snapshots.take()

    api.runner.run(ask())
    finished(api)
    assert api.node.snapshots.failures == 0
    assert api.node.snapshots.newest_seq > 0


def test_nothing_has_changed_since_the_snapshot_after_a_restart_either(api: Api) -> None:
    made = api.post("/v1/snapshots").json()
    finished(api)
    api.restart()
    wanted = api.post("/v1/snapshots").json()
    finished(api)
    assert wanted == made


def test_a_node_is_closed_in_peace_while_a_turn_is_scheduled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = Server.open(tmp_path / "data", dev=True)
    deaths: list[BaseException] = []
    monkeypatch.setattr(node, "_die", deaths.append)

    async def stop_with_a_turn_ahead() -> None:
        node.attach(asyncio.get_running_loop())
        submit(node, 1)
        node.stop()
        node.close()
        await asyncio.sleep(0)

    asyncio.run(stop_with_a_turn_ahead())
    assert deaths == []
