"""A node with frontends: the same bytes come back as from one without, and no process outlives or misses another."""

import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.test_lanes import ILL_FORMED, TIME, WELL_FORMED
from tests.api.wire import is_whole
from tests.recovery.running import RunningNode
from tests.recovery.test_kill_node import open_shop, reservation

DATE = re.compile(rb"\r\ndate: [^\r]+")
FRONTENDS = ("--frontends", "1")
LAST = b"GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"


def frontends_of(node: RunningNode) -> list[int]:
    """The processes a node has started."""
    pid = node.process.pid
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def until(holds: Callable[[], bool]) -> None:
    """Wait for what must become so."""
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)  # other processes are at it


def is_alive(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def answer_on(connection: socket.socket) -> bytes:
    """What comes back until an answer is whole, or the connection closed."""
    received = b""
    while not is_whole(received):
        part = connection.recv(65_536)
        if not part:
            break
        received += part
    return received


def said(node: RunningNode, pieces: list[bytes]) -> bytes:
    """Everything a connection says to these pieces, and to a last request once the first is answered, but for times."""
    received = b""
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.001)  # so that it is read by itself
            received = answer_on(connection)
            connection.sendall(LAST)
            while part := connection.recv(65_536):
                received += part
        except (ConnectionResetError, BrokenPipeError):
            pass  # it was refused and closed before everything was read
    return TIME.sub(b"TIME", DATE.sub(b"", received))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningNode, RunningNode]]:
    """Two nodes with the same shop, the second behind a frontend."""
    nodes = [
        RunningNode(tmp_path_factory.mktemp(f"node-{len(options)}") / "data", options=options)
        for options in ((), FRONTENDS)
    ]
    for node in nodes:
        open_shop(node)
    yield nodes[0], nodes[1]
    for node in nodes:
        node.stop()


def both_say(pair: tuple[RunningNode, RunningNode], pieces: list[bytes]) -> bytes:
    """What both say, which is the same."""
    plain, behind = (said(node, pieces) for node in pair)
    assert behind == plain
    return plain


@pytest.mark.parametrize("what", sorted({*WELL_FORMED, *ILL_FORMED} - {"a length that promises more"}))
def test_a_node_behind_a_frontend_says_the_same(pair: tuple[RunningNode, RunningNode], what: str) -> None:
    assert both_say(pair, [{**WELL_FORMED, **ILL_FORMED}[what]]), "silence"


def test_however_a_request_is_cut_it_is_answered_the_same_behind_a_frontend(
    pair: tuple[RunningNode, RunningNode],
) -> None:
    whole = WELL_FORMED["a key"]
    for cut in range(1, len(whole), 5):
        assert b" 500 " not in both_say(pair, [whole[:cut], whole[cut:]])


def test_requests_in_a_row_are_answered_in_their_order_behind_a_frontend(
    pair: tuple[RunningNode, RunningNode],
) -> None:
    hot, cold, wrong = WELL_FORMED["a key"], WELL_FORMED["no lane at all"], ILL_FORMED["no JSON"]
    for row in ([hot, hot, cold, hot], [hot, wrong, hot, hot + hot], [hot + cold + hot], [cold, hot, wrong]):
        answers = both_say(pair, row)
        assert answers.count(b"HTTP/1.1 ") == b"".join(row).count(b"host: ") + 1


def test_requests_are_counted_once_by_the_node(pair: tuple[RunningNode, RunningNode]) -> None:
    node = pair[1]

    def counted() -> int:
        with socket.create_connection(("127.0.0.1", node.port), timeout=60) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
            page = b"".join(iter(lambda: connection.recv(65_536), b""))
        return sum(
            int(float(each)) for each in re.findall(rb'kontor_requests_total{operation="reserveStock".*} (.+)', page)
        )

    before = counted()
    for number in range(3):
        assert node.call("POST", "/v1/reservations", reservation(9_000 + number))[0] == 201
    assert counted() == before + 3


def test_a_frontend_that_dies_takes_its_own_connections_along_and_is_started_again(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "data", options=("--frontends", "2"))
    open_shop(node)
    before = frontends_of(node)
    assert len(before) == 2
    hot, cold = (socket.create_connection(("127.0.0.1", node.port), timeout=60) for _ in range(2))
    with hot, cold:
        for connection, request in ((hot, WELL_FORMED["a key"]), (cold, WELL_FORMED["no lane at all"])):
            connection.sendall(request)
            assert is_whole(answer_on(connection))
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert hot.recv(65_536) == b""
        cold.sendall(WELL_FORMED["no lane at all"])
        assert is_whole(answer_on(cold)), "it was handed over to the writer"
    assert node.call("POST", "/v1/reservations", reservation(1))[0] == 201
    until(lambda: len(set(frontends_of(node)) - set(before)) == 2)
    node.stop()
    assert node.process.returncode == 0


def test_frontends_end_with_a_writer_that_is_killed(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "data", options=FRONTENDS)
    (frontend,) = frontends_of(node)
    node.kill()
    until(lambda: not is_alive(frontend))
    node.start()
    node.stop()


def test_a_node_that_stops_does_not_wait_for_a_request_that_is_still_arriving(tmp_path: Path) -> None:
    node = RunningNode(tmp_path / "data", options=FRONTENDS)
    open_shop(node)
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as slow:
        slow.sendall(WELL_FORMED["a key"])
        assert is_whole(answer_on(slow))
        slow.sendall(WELL_FORMED["a key"][:50])
        node.stop()
        assert node.process.returncode == 0
        assert slow.recv(65_536) == b"", "had it waited, it would have said 408"
