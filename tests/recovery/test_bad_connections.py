"""Clients that do not behave: refused with a problem document or reclaimed, while others are served."""

import json
import socket
from collections.abc import Iterator

import pytest

from tests.recovery.running import RunningNode


@pytest.fixture(scope="module", params=["0", "1"], ids=["alone", "behind a frontend"])
def node(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningNode]:
    """One node for all of these."""
    running = RunningNode(tmp_path_factory.mktemp("node") / "data", options=("--frontends", request.param))
    yield running
    running.stop()


def answer_to(node: RunningNode, request: bytes, seconds: float = 60) -> tuple[int, dict[str, object]]:
    """Send bytes; the status and the problem document that come back before the node closes."""
    with socket.create_connection(("127.0.0.1", node.port), timeout=seconds) as connection:
        connection.sendall(request)
        received = b""
        while True:
            part = connection.recv(65_536)
            received += part
            head, _, body = received.partition(b"\r\n\r\n")
            if not part or (body and body.endswith(b"}")):
                break
    return int(head.split()[1]), json.loads(body)


HEAD = b"POST /v1/reservations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (HEAD + b"".join(b"x-%d: 1\r\n" % i for i in range(200)) + b"\r\n", 431, "headers_too_large"),
        (HEAD + b"x: " + b"a" * 40_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (HEAD + b"content-length: 99999999999\r\n\r\n", 413, "body_too_large"),
        (HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"),
        (HEAD + b"content-length: 5\r\ncontent-length: 6\r\n\r\nhello", 400, "malformed_request"),
        (HEAD + b"content-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", 415, "unsupported_media_type"),
        (b"no http at all\r\n\r\n", 400, "malformed_request"),
    ],
)
def test_what_is_no_proper_request_is_refused_by_name(
    node: RunningNode, request_bytes: bytes, status: int, code: str
) -> None:
    before = node.call("GET", "/v1/node")[1]["seq"]
    found, problem = answer_to(node, request_bytes)
    assert (found, problem["code"]) == (status, code)
    assert node.call("GET", "/v1/node")[1]["seq"] == before


@pytest.mark.slow
def test_a_client_that_trickles_is_reclaimed_and_others_are_served(node: RunningNode) -> None:
    found, problem = answer_to(node, HEAD + b"content-length: 100\r\n\r\n{")
    assert (found, problem["code"]) == (408, "request_timeout")
    assert node.call("GET", "/health/ready")[0] == 200


def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_nothing_behind(node: RunningNode) -> None:
    before = node.call("GET", "/v1/node")[1]["seq"]
    with socket.create_connection(("127.0.0.1", node.port), timeout=60) as connection:
        connection.sendall(HEAD + b"content-length: 100\r\n\r\n{")
    assert node.call("GET", "/v1/node")[1]["seq"] == before
