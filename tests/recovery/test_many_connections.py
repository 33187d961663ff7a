"""Thousands of connections, silent, broken off or half open: reclaimed within the deadline, and others are served."""

import contextlib
import http.client
import json
import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import limits
from tests.recovery.running import RunningNode
from tests.recovery.test_bad_connections import HEAD
from tests.recovery.test_kill_node import open_shop, reservation, reserved_units

CONNECTIONS = 3_000
BODY = json.dumps(reservation(1)).encode()
# The node looks twice a second; the rest is for a busy machine.
DEADLINE_SECONDS = limits.BODY_SECONDS_MAX + 60  # a slow machine takes its time as well


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """One node with a shop for all of these, allowed as many descriptors as it takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.CONNECTIONS_MAX + 1_000
    if hard != resource.RLIM_INFINITY and hard < needed:
        pytest.skip(f"only {hard} open files are permitted here, {needed} are needed: raise ulimit -n")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    running = RunningNode(tmp_path_factory.mktemp("node") / "data")
    open_shop(running)
    yield running
    running.stop()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextlib.contextmanager
def connected(node: RunningNode, count: int, says: bytes = b"") -> Iterator[list[socket.socket]]:
    """So many connections, each having said that much and no more."""
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            opened.append(socket.create_connection(("127.0.0.1", node.port), timeout=60))
            if says:
                opened[-1].sendall(says)
        yield opened
    finally:
        for connection in opened:
            connection.close()


def reset(connection: socket.socket) -> None:
    """Go away without a farewell, as a client whose process died."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def descriptors(node: RunningNode) -> int:
    """Files and sockets the node has open."""
    return len(list(Path(f"/proc/{node.process.pid}/fd").iterdir()))


def wait_for_descriptors(node: RunningNode, at_most: int) -> None:
    """Until the node has let its connections go."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while descriptors(node) > at_most:
        assert time.monotonic() < deadline, f"{descriptors(node)} are still open"
        time.sleep(0.05)  # the node closes them on its own time


def test_others_are_served_while_thousands_of_connections_say_nothing(node: RunningNode) -> None:
    before = descriptors(node)
    with connected(node, CONNECTIONS):
        for number in range(20):
            assert node.call("POST", "/v1/reservations", reservation(number), f"beside-{number}")[0] == 201
        assert node.call("GET", "/health/ready")[0] == 200
    wait_for_descriptors(node, before)


def asked_beyond_the_limit(node: RunningNode) -> tuple[int, str | None, str | None]:
    """(status, media type, Retry-After) that one client more than the node takes is given; checks that it recovers."""
    before = descriptors(node)
    with connected(node, limits.CONNECTIONS_MAX + 50):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        connection.close()
    wait_for_descriptors(node, before)
    assert node.call("GET", "/health/ready")[0] == 200
    return answer.status, answer.getheader("content-type"), answer.getheader("retry-after")


def test_beyond_the_limit_of_connections_it_answers_503_and_recovers(node: RunningNode) -> None:
    assert asked_beyond_the_limit(node)[0] == 503


def test_beyond_the_limit_of_connections_it_says_when_to_come_back(node: RunningNode) -> None:
    wait = str(limits.RETRY_AFTER_SECONDS)
    assert asked_beyond_the_limit(node) == (503, "application/problem+json", wait)


@pytest.mark.parametrize("whole", [0, 1, len(BODY) - 1])
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_clients_that_leave_in_the_middle_of_a_body_leave_no_reservation(
    node: RunningNode, whole: int, leave: Callable[[socket.socket], None]
) -> None:
    before, files = reserved_units(node), descriptors(node)
    seq = node.call("GET", "/v1/node")[1]["seq"]
    head = HEAD + b"content-length: %d\r\n\r\n" % len(BODY)
    with connected(node, 200, head + BODY[:whole]) as opened:
        for connection in opened:
            leave(connection)
    wait_for_descriptors(node, files)
    assert reserved_units(node) == before
    assert node.call("GET", "/v1/node")[1]["seq"] == seq


def test_a_client_that_leaves_before_its_answer_leaves_one_reservation_that_a_retry_finds(node: RunningNode) -> None:
    head = HEAD + b"idempotency-key: gone\r\ncontent-length: %d\r\n\r\n" % len(BODY)
    seq = node.call("GET", "/v1/node")[1]["seq"]
    with connected(node, 1, head + BODY) as opened:
        reset(opened[0])
    status, _, headers = node.call("POST", "/v1/reservations", reservation(1), "gone")
    assert status == 201
    assert node.call("GET", "/v1/node")[1]["seq"] == seq + 1, "one effect, whether the first one came through or not"
    assert headers["kontor-seq"] == str(seq + 1)


@pytest.mark.slow
def test_thousands_of_silent_connections_are_reclaimed_within_the_deadline(node: RunningNode) -> None:
    before = descriptors(node)
    with connected(node, CONNECTIONS) as opened:
        wait_for_descriptors(node, before)
        opened[0].settimeout(60)
        assert opened[0].recv(65_536).startswith(b"HTTP/1.1 408 "), "and told why"
    assert node.call("GET", "/health/ready")[0] == 200


@pytest.mark.slow
def test_hundreds_that_trickle_a_byte_a_second_are_reclaimed_while_others_are_served(node: RunningNode) -> None:
    before, units = descriptors(node), reserved_units(node)
    head = HEAD + b"content-length: %d\r\n\r\n" % len(BODY)
    with connected(node, 500, head) as opened:
        deadline = time.monotonic() + DEADLINE_SECONDS
        sent = 0
        while descriptors(node) > before:
            assert time.monotonic() < deadline, f"{descriptors(node)} are still open"
            for connection in opened:
                with contextlib.suppress(OSError):  # it has been closed
                    connection.sendall(BODY[sent : sent + 1])
            sent += 1
            assert node.call("GET", "/v1/stock/BRASS-KETTLE")[0] == 200
            time.sleep(1)  # that is what trickling means
        assert sent < len(BODY)
    assert reserved_units(node) == units
