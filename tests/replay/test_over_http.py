"""The same plan over HTTP, against a real node, which may be killed on the way."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.rehearsal import connection
from api.rehearsal.connection import Connection
from api.rehearsal.progress import ReplayFailed
from api.rehearsal.run import Options, Report, Watcher, replay
from tests.recovery.running import RunningNode, free_port

ROOT = Path(__file__).resolve().parents[2]
DECEMBER = ROOT / "examples" / "online_retail_2010-12.csv.gz"
DAYS = 2


@pytest.fixture(name="node")
def _node(tmp_path: Path) -> Iterator[RunningNode]:
    node = RunningNode(tmp_path)
    yield node
    node.stop()


def over(node: RunningNode) -> Options:
    """The first days against this node."""
    return Options(url=f"http://127.0.0.1:{node.port}", days_max=DAYS)


@pytest.fixture(name="in_process", scope="module")
def _in_process() -> Report:
    return replay(DECEMBER, Options(days_max=DAYS))


class Killer(Watcher):
    """Kills the node once, when so many steps are done, and starts it again a moment later."""

    def __init__(self, node: RunningNode, after: int) -> None:
        self.node = node
        self.after = after
        self.restart: threading.Thread | None = None

    def at(self, steps: int) -> None:
        if steps >= self.after and self.restart is None:
            self.restart = threading.Thread(target=self._kill_and_start)
            self.restart.start()

    def _kill_and_start(self) -> None:
        self.node.kill()
        self.node.start()


def test_over_http_the_rows_end_as_they_do_in_process(node: RunningNode, in_process: Report) -> None:
    report = replay(DECEMBER, over(node))
    assert report.good
    assert report.rows.sums == in_process.rows.sums
    assert report.findings["accounts"] == in_process.findings["accounts"]
    assert report.latencies["reserve"]["count"] == report.counts.orders == in_process.counts.orders
    order = node.call("GET", "/v1/orders/536365")[1]
    assert order["state"] == "shipped"
    assert order["placed_at"].startswith("2010-12-01T08:26:00")


def test_a_node_killed_on_the_way_does_everything_once(node: RunningNode, in_process: Report) -> None:
    killer = Killer(node, after=200)
    report = replay(DECEMBER, over(node), killer)
    assert killer.restart is not None
    killer.restart.join()
    assert report.retries > 0
    assert report.good
    assert report.rows.sums == in_process.rows.sums
    assert report.findings["accounts"] == in_process.findings["accounts"]


def test_run_again_under_the_same_keys_it_changes_nothing(node: RunningNode) -> None:
    first = replay(DECEMBER, over(node))
    again = replay(DECEMBER, over(node))
    assert again.rows.sums == first.rows.sums
    assert again.findings["seq"] == first.findings["seq"]
    assert again.findings["digest"] == first.findings["digest"]


def test_without_a_key_where_one_is_needed_it_says_so(node: RunningNode) -> None:
    options = Options(url=f"http://127.0.0.1:{node.port}", key="kontor_wrong", days_max=1)
    with pytest.raises(ReplayFailed, match="unauthenticated"):
        replay(DECEMBER, options)


def test_where_nobody_answers_it_gives_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "PATIENCE_SECONDS", 0.2)
    with pytest.raises(ReplayFailed, match="can't be used: ConnectionRefusedError"):
        replay(DECEMBER, Options(url=f"http://127.0.0.1:{free_port()}", days_max=1))


def test_an_overloaded_node_is_asked_again_under_the_same_key() -> None:
    seen: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for status in (b"503 Service Unavailable", b"201 Created"):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            seen.append(head + await reader.readexactly(length))
            writer.write(b"HTTP/1.1 " + status + b"\r\nretry-after: 0\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async def ask() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        caller = Connection(f"http://127.0.0.1:{port}", {})
        found = await caller.call("POST", "/v1/orders", b'{"number":"W-1001"}', "place W-1001")
        assert (found.status, found.body, found.tries) == (201, b"{}", 2)
        caller.close()
        server.close()
        await server.wait_closed()

    asyncio.run(ask())
    assert seen[0] == seen[1]
    assert b"idempotency-key: place W-1001\r\n" in seen[0]
