"""While a node recovers it lives, is not ready, says how far it is, and can be stopped."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from api.http.starting import Starting
from api.server.server import Server
from engine.commands.stock import MoveStock
from engine.wal import LmdbJournal
from tests.recovery.lives import Lived, digest_of
from tests.recovery.logged_node import LoggedNode, until


@pytest.fixture
def held(life: Lived) -> Iterator[LoggedNode]:
    """A node whose recovery waits for a snapshot that is a pipe nobody writes to."""
    os.mkfifo(life.directory / "snapshots" / f"{10**19:020d}.kjs")
    node = LoggedNode(life.directory, "--snapshot-seconds", "0", ready=False)
    try:
        yield node
    finally:
        node.leave_nobody()


def test_a_recovering_node_lives_and_is_not_ready_and_answers_nothing_else(held: LoggedNode, lived_once: Lived) -> None:
    assert held.call("GET", "/health/live")[:2] == (200, {"status": "ok"})
    for method, path in (("GET", "/health/ready"), ("GET", "/v1/node"), ("POST", "/v1/orders"), ("GET", "/nowhere")):
        status, problem, headers = held.call(method, path)
        assert (status, problem["code"]) == (503, "not_ready")
        assert "the node is recovering: " in problem["detail"]
        assert headers["content-type"] == "application/problem+json"
        assert int(headers["retry-after"]) >= 1
        assert headers["connection"] == "close"
    until(lambda: held.log("recovering"), "progress is logged")
    pipe = next(held.directory.glob(f"snapshots/{10**19:020d}.kjs"))
    descriptor = os.open(pipe, os.O_WRONLY)
    pipe.unlink()
    os.close(descriptor)
    until(held._ready, "it recovers as soon as it can")
    assert held.log("recovered")[0]["seq"] == lived_once.last_seq
    held.stop()
    assert held.process.returncode == 0


def test_a_recovering_node_is_stopped_at_once_and_nothing_has_changed(held: LoggedNode, lived_once: Lived) -> None:
    held.stop()
    assert held.process.returncode == 0
    assert held.log("stopped while it was recovering")
    for pipe in held.directory.glob(f"snapshots/{10**19:020d}.kjs"):
        pipe.unlink()
    assert digest_of(held.directory) == lived_once.digests[lived_once.last_seq]


def test_the_words_say_what_is_done_and_how_far_it_is(tmp_path: Path) -> None:
    node = Server(tmp_path / "data", dev=True)

    async def ask(path: str) -> httpx2.Response:
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=Starting(node)), base_url="http://kontor"
        ) as client:
            return await client.get(path)

    try:
        for progress, words in (
            (("starting", 0, 0), "the node is recovering: starting"),
            (("replaying", 0, 40_000), "the node is recovering: replaying, 0 of 40000 (0 %)"),
            (("replaying", 10_000, 40_000), "the node is recovering: replaying, 10000 of 40000 (25 %)"),
            (("loading the snapshot", 3, 3), "the node is recovering: loading the snapshot, 3 of 3 (100 %)"),
        ):
            node.progress = progress
            answer = asyncio.run(ask("/health/ready"))
            assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (503, "not_ready", words)
            assert asyncio.run(ask("/health/live")).json() == {"status": "ok"}
    finally:
        node._lock.close()


@pytest.mark.slow
def test_a_big_journal_is_recovered_with_progress_that_ascends(life: Lived) -> None:
    from engine.commands.stock import MovementLine
    from engine.facts import records
    from tests.recovery.lives import LifeOnDisk

    on = LifeOnDisk(30, life.directory, life)
    on.do(MoveStock((MovementLine("TIN-MUG", "munich", "receipt", 1),)))
    last = records.decode(on.journal.record(on.journal.last_seq)[1])
    encoded = records.encode(last)
    on.end()
    journal = LmdbJournal(life.directory / "journal", archive_directory=life.directory / "archive", covered_seq=1)
    for number in range(100):
        journal.make_room(1_500 * len(encoded))
        journal.append(journal.last_time_ns + 1 + number, [encoded] * 1_500)
    end = journal.last_seq
    journal.close()
    node = LoggedNode(life.directory, "--snapshot-seconds", "0", ready=False)
    shares: list[int] = []
    try:

        def ready() -> bool:
            status, problem, _ = node.call("GET", "/health/ready")
            if status == 503 and "replaying, " in problem["detail"]:
                shares.append(int(problem["detail"].split("replaying, ")[1].split()[0]))
            assert node.call("GET", "/health/live")[0] == 200
            return status == 200

        until(ready, "the node is ready")
        assert shares == sorted(shares)
        assert len(set(shares)) > 2
        assert node.log("recovered")[0]["seq"] == end
        assert json.loads(json.dumps(node.call("GET", "/v1/node")[1]))["seq"] >= end
    finally:
        node.leave_nobody()
