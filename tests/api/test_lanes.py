"""The same bytes on two connections, one with the fast lane and one without: the same bytes come back but for time and chance."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.http.lane_protocol import LaneProtocol
from engine import limits
from tests.api.conftest import SHOP, Api
from tests.api.wire import Wire, connect, is_whole

RESERVE = b'{"channel":"web-de","lines":[{"sku":"BRASS-KETTLE","quantity":1}]}'
ASK = b'{"channel":"web-de","lines":[{"sku":"BRASS-KETTLE","quantity":2}]}'
ORDER = b'{"number":"W-%d","channel":"web-de","lines":[{"id":"1","sku":"BRASS-KETTLE","quantity":1}]}'
TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def request(path: str, body: bytes = b"", *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
    """One request with a right Content-Length, unless a header names one."""
    lines = [f"{method} {path} HTTP/{version}", "host: localhost", *headers]
    if body and not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


WELL_FORMED = {
    "a reservation": request("/v1/reservations", RESERVE),
    "a reservation with its media type": request("/v1/reservations", RESERVE, "content-type: application/json"),
    "a key": request("/v1/reservations", RESERVE, "idempotency-key: cart-1"),
    "availability": request("/v1/availability", ASK),
    "a release": request("/v1/reservations/res-5/release", b"{}"),
    "a release in part": request("/v1/reservations/res-5/release", b'{"lines":[{"sku":"BRASS-KETTLE","quantity":1}]}'),
    "an extension": request("/v1/reservations/res-5/extend", b'{"ttl_seconds":60}'),
    "an order": request("/v1/orders", ORDER % 1),
    "no lane at all": request("/v1/stock/BRASS-KETTLE", method="GET"),
    "a request id": request("/v1/reservations", RESERVE, "x-request-id: 4711"),
    "a trace": request("/v1/availability", ASK, "traceparent: 00-1-2-03"),
    "the old protocol": request("/v1/availability", ASK, version="1.0"),
    "the last one": request("/v1/availability", ASK, "connection: close"),
    "a condition": request("/v1/reservations/res-5/release", b"{}", 'if-match: "nothing"'),
    "chunks": request("/v1/availability", b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASK), ASK), "transfer-encoding: chunked"),
    "a large body": request("/v1/availability", ASK + b" " * limits.LANE_BODY_BYTES_MAX),
    "a blank key": request("/v1/reservations", RESERVE, "idempotency-key:  "),
    "an offer of another protocol": request("/v1/availability", ASK, "connection: upgrade", "upgrade: h2c"),
    "an offer and a body in chunks": request(
        "/v1/availability",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(ASK), ASK),
        "connection: upgrade",
        "upgrade: h2c",
        "transfer-encoding: chunked",
    ),
    "capital letters": request("/v1/availability", ASK, "CONTENT-TYPE: Application/JSON; charset=UTF-8"),
}
ILL_FORMED = {
    "no JSON": request("/v1/reservations", b"{"),
    "nothing": request("/v1/reservations"),
    "an unknown field": request("/v1/availability", b'{"channel":"web-de","lines":[],"x":1}'),
    "a release that says nothing": request("/v1/reservations/res-5/release"),
    "a float": request("/v1/reservations", RESERVE.replace(b"1}", b"1.5}")),
    "a bomb": request("/v1/reservations", b"[" * 5_000),
    "no UTF-8": request("/v1/reservations", RESERVE.replace(b"web-de", b"web-\xff\xfe")),
    "an unknown channel": request("/v1/reservations", RESERVE.replace(b"web-de", b"fax")),
    "an unknown SKU": request("/v1/availability", ASK.replace(b"BRASS-KETTLE", b"GHOST")),
    "too many": request("/v1/reservations", RESERVE.replace(b":1}", b":99999}")),
    "a stranger": request("/v1/reservations", RESERVE, "authorization: Bearer kontor_nobody"),
    "another scheme": request("/v1/reservations", RESERVE, "authorization: Basic a2V5"),
    "a media type": request("/v1/reservations", RESERVE, "content-type: text/xml"),
    "an encoding": request("/v1/reservations", RESERVE, "content-encoding: gzip"),
    "a long key": request("/v1/reservations", RESERVE, "idempotency-key: " + "k" * 300),
    "a query": request("/v1/reservations?a=1", RESERVE),
    "a bare question": request("/v1/reservations?", RESERVE),
    "a method": request("/v1/reservations", RESERVE, method="PUT"),
    "a slash": request("/v1/reservations/", RESERVE),
    "an id that is none": request("/v1/reservations/r%2e/release", b"{}"),
    "an id of nobody": request("/v1/reservations/res-999999/release", b"{}"),
    "a dot": request("/v1/reservations/../release", b"{}"),
    "a length that promises more": request("/v1/availability", ASK, "content-length: 500"),
    "a length of words": request("/v1/availability", ASK, "content-length: many"),
    "a negative length": request("/v1/availability", ASK, "content-length: -1"),
    "two lengths": request("/v1/availability", ASK, f"content-length: {len(ASK)}", "content-length: 3"),
    "length and chunks": request("/v1/availability", b"0\r\n\r\n", "content-length: 3", "transfer-encoding: chunked"),
    "a length beyond all": request("/v1/availability", ASK, "content-length: 99999999999"),
    "a length too large": request("/v1/availability", ASK, f"content-length: {limits.BODY_BYTES_MAX + 1}"),
    "no HTTP": b"HELLO kontor\r\n\r\n",
    "too many headers": request("/v1/availability", ASK, *(f"x-{at}: 1" for at in range(limits.HEADERS_MAX + 1))),
}


class Pair:
    """Two nodes with the same shop, that are asked the same."""

    def __init__(self, directory: Path) -> None:
        self.runner = asyncio.Runner()
        self.nodes = [Api(directory / name, lane=name == "lane") for name in ("application", "lane")]
        for api in self.nodes:
            api.runner.close()
            api.runner = self.runner
            api.node.attach(self.runner.get_loop())
            api.done("/v1/configuration", SHOP)
            api.receive("BRASS-KETTLE", "leipzig", 9_000)
            for _ in range(4):
                api.done("/v1/reservations", msgspec.json.decode(RESERVE))

    async def talk(self, api: Api, pieces: list[bytes], answers: int) -> tuple[bytes, bool, LaneProtocol]:
        """Everything a connection says to these pieces, and whether it closed."""
        connection, wire = connect(api.app)
        for piece in pieces:
            if not wire.closed:
                connection.data_received(piece)
            await asyncio.sleep(0)
        await heard(wire, answers)
        said, closed = wire.written, wire.closed
        connection.connection_lost(None)
        return TIME.sub(b"TIME", said), closed, connection

    def say(self, pieces: list[bytes], answers: int = 1) -> tuple[bytes, bool]:
        """What both say, which is the same."""
        plain, lane = (self.runner.run(self.talk(api, pieces, answers))[:2] for api in self.nodes)
        assert lane == plain
        return lane


async def heard(wire: Wire, answers: int) -> None:
    """Until so many answers came, the connection closed, or nothing more comes."""
    for _ in range(200):
        rest, count = wire.written, 0
        while is_whole(rest):
            head, _, body = rest.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            rest = body[int(length.group(1)) if length else 0 :]
            count += 1
        if wire.closed or count >= answers:
            return
        await asyncio.sleep(0.001)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    pair = Pair(tmp_path_factory.mktemp("lanes"))
    yield pair
    for api in pair.nodes:
        api.node.stop()
        api.close_node()
    pair.runner.close()


@pytest.mark.parametrize("what", [*WELL_FORMED, *ILL_FORMED])
def test_both_lanes_say_the_same(pair: Pair, what: str) -> None:
    said, _ = pair.say([{**WELL_FORMED, **ILL_FORMED}[what]])
    assert said or what == "a length that promises more", "silence"


def test_what_follows_a_length_that_is_too_short_is_no_request(pair: Pair) -> None:
    lies = request("/v1/availability", ASK, "content-length: 5")
    said, closed = pair.say([lies], answers=2)
    assert said.startswith(b"HTTP/1.1 400 Bad Request")
    assert said.count(b"HTTP/1.1 400 malformed_request") == 1
    assert closed


@pytest.mark.parametrize("what", ["a reservation", "a release in part", "chunks", "no JSON", "a stranger"])
def test_however_a_request_is_cut_it_is_answered_the_same(pair: Pair, what: str) -> None:
    whole = {**WELL_FORMED, **ILL_FORMED}[what]
    for cut in range(1, len(whole)):
        pair.say([whole[:cut], whole[cut:]])
    pair.say([bytes([byte]) for byte in whole])


def test_requests_in_a_row_are_answered_in_their_order(pair: Pair) -> None:
    several = [
        WELL_FORMED["availability"],
        WELL_FORMED["no lane at all"],
        WELL_FORMED["a reservation"],
        ILL_FORMED["no JSON"],
    ]
    for first in several:
        for second in several:
            for third in several:
                said, closed = pair.say([first + second + third], answers=3)
                assert said.count(b"HTTP/1.1 ") == 3
                assert not closed


def test_one_connection_is_used_again_and_again(pair: Pair) -> None:
    said, closed = pair.say(
        [WELL_FORMED["availability"], WELL_FORMED["a large body"], ILL_FORMED["no JSON"]] * 5, answers=15
    )
    assert (said.count(b"HTTP/1.1 "), closed) == (15, False)


def test_a_caller_that_goes_away_does_not_take_its_reservation_back(pair: Pair) -> None:
    api = pair.nodes[1]

    async def leave() -> bytes:
        connection, wire = connect(api.app)
        connection.data_received(WELL_FORMED["a reservation"])
        connection.connection_lost(None)
        async with asyncio.timeout(60):
            while len(api.node.state.reservations.active) == before:  # noqa: ASYNC110 - nobody is told of it
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.01)  # an answer would come with it
        return wire.written

    before = len(api.node.state.reservations.active)
    assert pair.runner.run(leave()) == b""
    assert len(api.node.state.reservations.active) == before + 1
    pair.nodes[0].done("/v1/reservations", msgspec.json.decode(RESERVE))


def test_hot_operations_do_take_the_lane(pair: Pair) -> None:
    def taken(name: str) -> bool:
        connection, _ = connect(pair.nodes[1].app)
        head = WELL_FORMED[name].partition(b"\r\n\r\n")[0]
        connection.data_received(head + b"\r\ncontent-length: 3\r\n\r\n" if name == "a release" else head + b"\r\n\r\n")
        found: Any = connection._found
        return found is not None

    async def all_taken() -> list[bool]:
        return [
            taken(name) for name in ("a reservation", "availability", "a release in part", "an extension", "an order")
        ]

    assert pair.runner.run(all_taken()) == [True] * 5


def test_a_node_that_stops_answers_what_it_took_and_closes(pair: Pair) -> None:
    api = pair.nodes[1]

    async def stop() -> tuple[bytes, bool]:
        connection, wire = connect(api.app)
        connection.data_received(WELL_FORMED["availability"])
        connection.shutdown()
        await heard(wire, 1)
        return wire.written, wire.closed

    said, closed = pair.runner.run(stop())
    assert said.startswith(b"HTTP/1.1 200")
    assert b"connection: close\r\n" in said
    assert closed


def test_a_connection_that_says_nothing_more_is_closed_after_a_while(pair: Pair) -> None:
    from api.http.protocol import close_overdue

    api = pair.nodes[1]

    async def idle() -> list[bool]:
        connection, wire = connect(api.app)
        connection.data_received(WELL_FORMED["availability"])
        await heard(wire, 1)
        assert connection.idle_since is not None
        states = []
        for seconds in (limits.KEEP_ALIVE_SECONDS - 1, limits.KEEP_ALIVE_SECONDS + 1):
            close_overdue({connection}, connection.idle_since + seconds)
            states.append(wire.closed)
        return states

    assert pair.runner.run(idle()) == [False, True]
