"""No request body is lost and no answer is swallowed, however a request comes: alone and behind a frontend."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.conftest import SHOP
from tests.recovery.raw import answers, chunked, request
from tests.recovery.running import RunningNode

OFFER = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)
RESERVE = json.dumps({"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 5}]})
RELEASE_ONE = json.dumps({"lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]})
ASK = json.dumps({"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]})


@pytest.fixture(scope="module", params=["0", "1"], ids=["alone", "behind a frontend"])
def node(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningNode]:
    """A shop with kettles enough for all of these."""
    running = RunningNode(tmp_path_factory.mktemp("node") / "data", options=("--frontends", request.param))
    assert running.call("POST", "/v1/configuration", SHOP)[0] == 200
    line = {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 100_000}
    assert running.call("POST", "/v1/stock/movements", {"lines": [line]})[0] in (200, 201)
    yield running
    running.stop()


def reservation(node: RunningNode) -> str:
    """Five kettles are claimed."""
    made: str = node.call("POST", "/v1/reservations", json.loads(RESERVE))[1]["id"]
    return made


def held(node: RunningNode, reservation: str) -> int:
    """So many are claimed now."""
    answer = node.call("GET", f"/v1/reservations/{reservation}")[1]
    return sum(line["reserved"] for line in answer["lines"]) if answer["state"] == "active" else 0


SHAPES: dict[str, Callable[[str, str], tuple[bytes, ...]]] = {
    "in one segment": lambda path, body: (request("POST", path, body, *OFFER),),
    "in a later segment": lambda path, body: (request("POST", path, b"", *OFFER, f"Content-Length: {len(body)}"), body.encode()),
    "in several segments": lambda path, body: (
        request("POST", path, b"", *OFFER, f"Content-Length: {len(body)}"), body[:7].encode(), body[7:9].encode(), body[9:].encode()
    ),
    "in chunks": lambda path, body: (request("POST", path, chunked(body), *OFFER, "Transfer-Encoding: chunked"),),
    "in later chunks": lambda path, body: (
        request("POST", path, b"", *OFFER, "Transfer-Encoding: chunked"), chunked(body)[:12], chunked(body)[12:]
    ),
    "after a question": lambda path, body: (
        request("POST", path, b"", *OFFER, "Expect: 100-continue", f"Content-Length: {len(body)}"), body.encode()
    ),
    "with an offer in pieces": lambda path, body: tuple(
        bytes(request("POST", path, body, *OFFER)[at : at + 60]) for at in range(0, len(request("POST", path, body, *OFFER)), 60)
    ),
    "with a socket offered": lambda path, body: (request("POST", path, body, "Connection: upgrade", "Upgrade: websocket"),),
    "with several offers": lambda path, body: (
        request("POST", path, body, "connection: keep-alive, UPGRADE", "upgrade: TLS/1.2", "upgrade: h2c"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_the_body_of_a_request_that_offers_another_protocol_is_read(node: RunningNode, shape: str) -> None:
    made = reservation(node)
    path = f"/v1/reservations/{made}/release"
    found, closed = answers(node.port, *SHAPES[shape](path, RELEASE_ONE))
    assert (found[0][0], held(node, made), closed) == (200, 4, False)


def test_what_follows_a_request_with_an_offer_is_answered_in_its_order(node: RunningNode) -> None:
    made = reservation(node)
    release = request("POST", f"/v1/reservations/{made}/release", RELEASE_ONE, *OFFER)
    read = request("GET", f"/v1/reservations/{made}", b"", *OFFER)
    ask = request("POST", "/v1/availability", ASK)
    found, closed = answers(node.port, release + read + ask + release + read, count=5)
    assert [status for status, _ in found] == [200] * 5
    assert [found[1][1]["lines"][0]["reserved"], found[4][1]["lines"][0]["reserved"]] == [4, 3]
    assert not closed


def test_a_hundred_offers_on_one_connection_are_a_hundred_answers(node: RunningNode) -> None:
    found, closed = answers(node.port, request("POST", "/v1/availability", ASK, *OFFER) * 100, count=100)
    assert ({status for status, _ in found}, len(found), closed) == ({200}, 100, False)


def test_an_offer_does_not_lift_a_limit(node: RunningNode) -> None:
    many = request("POST", "/v1/availability", ASK, *OFFER, *(f"x-{at}: 1" for at in range(200)))
    assert answers(node.port, many)[0][0][0] == 431
    assert (
        answers(node.port, request("POST", "/v1/availability", b"", *OFFER, "Content-Length: 99999999999"))[0][0][0]
        == 413
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not there")
def test_curl_may_offer_http_2(node: RunningNode) -> None:
    made = reservation(node)
    url = f"http://127.0.0.1:{node.port}/v1/reservations/{made}/release"
    command = ["curl", "--silent", "--http2", "--json", RELEASE_ONE, url]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    assert (said["state"], held(node, made)) == ("active", 4)


JAVA = """
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.io.ByteArrayInputStream;

public class Shop {
    public static void main(String[] words) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int at = 0; at < 3; at++) {
            var known = BodyPublishers.ofString(words[1]);
            var streamed = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(words[1].getBytes()));
            var request = HttpRequest.newBuilder(URI.create(words[0]))
                .header("content-type", "application/json")
                .expectContinue(at == 2)
                .POST(at == 1 ? streamed : known);
            System.out.println(client.send(request.build(), BodyHandlers.ofString()).statusCode());
        }
    }
}
"""


@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not there")
def test_the_standard_client_of_java_works_as_it_is(node: RunningNode, tmp_path: Path) -> None:
    source = tmp_path / "Shop.java"
    source.write_text(JAVA)
    made = reservation(node)
    url = f"http://127.0.0.1:{node.port}/v1/reservations/{made}/release"
    command = ["java", str(source), url, RELEASE_ONE]
    ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=300)
    assert ran.stdout.split() == ["200"] * 3
    assert held(node, made) == 2


def test_a_good_request_is_answered_before_the_garbage_that_follows_it(node: RunningNode) -> None:
    for path, body, right in (("/v1/reservations", RESERVE, 201), ("/v1/stock/BRASS-KETTLE", "", 200)):
        good = request("POST" if body else "GET", path, body)
        found, closed = answers(node.port, good + b"GARBAGE\r\n\r\n", count=3)
        assert ([status for status, _ in found], closed) == ([right, 400], True)
        assert found[1][1]["code"] == "malformed_request"


ASKED = request("POST", "/v1/availability", ASK)
READ = request("GET", "/v1/stock/BRASS-KETTLE")
BAD_ENDS = {
    "garbage": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "a head that is too large": (request("POST", "/v1/availability", ASK, *(f"x-{at}: 1" for at in range(200))), 431),
    "an endless head": (b"POST /v1/availability HTTP/1.1\r\nhost: localhost\r\nx: " + b"a" * 70_000, 431),
    "no host": (request("POST", "/v1/availability", ASK, host=None), 400),
    "two lengths": (request("POST", "/v1/availability", ASK, "content-length: 1", "content-length: 2"), 400),
    "a chunk that is none": (request("POST", "/v1/availability", b"zz\r\n", "transfer-encoding: chunked"), 400),
    "another encoding": (request("POST", "/v1/availability", b"0\r\n\r\n", "transfer-encoding: gzip, chunked"), 501),
    "a large body": (request("POST", "/v1/availability", b"", "content-length: 99999999999"), 413),
}


@pytest.mark.parametrize("end", BAD_ENDS)
def test_all_good_requests_are_answered_before_the_bad_one_and_nothing_after_it(node: RunningNode, end: str) -> None:
    bad, status = BAD_ENDS[end]
    for good in ([ASKED], [READ], [ASKED, ASKED, READ], [READ, ASKED, READ, ASKED]):
        found, closed = answers(node.port, b"".join(good) + bad + READ, count=len(good) + 3)
        assert ([each for each, _ in found], closed) == ([200] * len(good) + [status], True)


def test_a_body_that_breaks_in_the_middle_is_refused_and_nothing_is_done(node: RunningNode) -> None:
    made = reservation(node)
    broken = request("POST", f"/v1/reservations/{made}/release", b'5\r\n{"lin\r\nzz\r\n', "transfer-encoding: chunked")
    for segments in ((broken,), (broken[:-4], broken[-4:]), (ASKED + broken,), (READ + broken,)):
        found, closed = answers(node.port, *segments, count=4)
        assert ([status for status, _ in found][-1], closed) == (400, True)
    assert held(node, made) == 5


def test_what_follows_a_body_in_chunks_is_no_header(node: RunningNode) -> None:
    body = chunked(
        RESERVE, "Idempotency-Key: trailing", "Authorization: Bearer nobody", "Connection: upgrade", "Upgrade: h2c"
    )
    found, closed = answers(
        node.port, request("POST", "/v1/reservations", body, "transfer-encoding: chunked") * 2, count=2
    )
    assert ([status for status, _ in found], closed) == ([201, 201], False)
    assert found[0][1]["id"] != found[1][1]["id"]


SMUGGLED = {
    "no host": (request("POST", "/v1/reservations", RESERVE, host=None), 400),
    "two hosts": (request("POST", "/v1/reservations", RESERVE, "Host: localhost"), 400),
    "an empty host": (request("POST", "/v1/reservations", RESERVE, host=""), 400),
    "a host that is a path": (request("POST", "/v1/reservations", RESERVE, host="localhost/v1"), 400),
    "a host with blanks": (request("POST", "/v1/reservations", RESERVE, host="local host"), 400),
    "two hosts in one": (request("POST", "/v1/reservations", RESERVE, host="localhost, evil.example"), 400),
    "a user in the host": (request("POST", "/v1/reservations", RESERVE, host="evil.example@localhost"), 400),
    "a port of words": (request("POST", "/v1/reservations", RESERVE, host="localhost:http"), 400),
    "a port beyond all": (request("POST", "/v1/reservations", RESERVE, host="localhost:65536"), 400),
    "an address that is none": (request("POST", "/v1/reservations", RESERVE, host="[::g]"), 400),
    "a script as host": (request("POST", "/v1/reservations", RESERVE, host="<script>"), 400),
    "gzip before chunks": (request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: gzip, chunked"), 501),
    "gzip alone": (request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: gzip"), 501),
    "identity": (request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: identity"), 501),
    "two encodings": (
        request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: gzip", "transfer-encoding: chunked"), 400
    ),
    "chunks twice": (request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: chunked, chunked"), 400),
    "chunks of another name": (request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: xchunked"), 501),
    "chunks and a length": (
        request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: chunked", "content-length: 4"), 400
    ),
    "chunks before their time": (
        request("POST", "/v1/reservations", chunked(RESERVE), "transfer-encoding: chunked").replace(b"HTTP/1.1", b"HTTP/1.0"), 400
    ),
    "a length with a sign": (request("POST", "/v1/reservations", RESERVE, f"content-length: +{len(RESERVE)}"), 400),
    "a length twice in one": (request("POST", "/v1/reservations", RESERVE, f"content-length: {len(RESERVE)}, {len(RESERVE)}"), 400),
    "a blank before the colon": (request("POST", "/v1/reservations", RESERVE, f"content-length : {len(RESERVE)}"), 400),
    "a header in two lines": (request("POST", "/v1/reservations", RESERVE, "x: a\r\n b"), 400),
    "a NUL in a header": (request("POST", "/v1/reservations", RESERVE, "x: a\x00b"), 400),
    "two keys": (request("POST", "/v1/reservations", RESERVE, "idempotency-key: a", "idempotency-key: b"), 400),
    "two API keys": (request("POST", "/v1/reservations", RESERVE, "authorization: Bearer a", "authorization: Bearer b"), 400),
    "two media types": (
        request("POST", "/v1/reservations", RESERVE, "content-type: text/plain", "content-type: application/json"), 400
    ),
    "another version": (request("POST", "/v1/reservations", RESERVE).replace(b"HTTP/1.1", b"HTTP/2.0"), 400),
    "bare line ends": (request("POST", "/v1/reservations", RESERVE).replace(b"\r\n", b"\n"), 400),
    "a proxy's method": (b"CONNECT localhost:80 HTTP/1.1\r\nhost: localhost\r\n\r\n", 405),
}  # fmt: skip


@pytest.mark.parametrize("what", SMUGGLED)
def test_what_two_programs_could_read_differently_is_refused(node: RunningNode, what: str) -> None:
    before = node.call("GET", "/v1/node")[1]["seq"]
    bad, status = SMUGGLED[what]
    found, closed = answers(node.port, bad + READ, count=2)
    assert ([each for each, _ in found], closed) == ([status], True)
    assert node.call("GET", "/v1/node")[1]["seq"] == before


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080", "localhost."]
)
def test_whoever_names_the_node_rightly_is_served(node: RunningNode, host: str) -> None:
    assert answers(node.port, request("POST", "/v1/availability", ASK, host=host))[0][0][0] == 200


def test_an_old_client_need_not_name_the_host(node: RunningNode) -> None:
    old = request("POST", "/v1/availability", ASK, host=None).replace(b"HTTP/1.1", b"HTTP/1.0")
    assert answers(node.port, old)[0][0][0] == 200


def test_a_page_from_elsewhere_may_not_call_a_node_that_needs_no_keys(node: RunningNode) -> None:
    before = node.call("GET", "/v1/node")[1]["seq"]
    for headers, host, status in (
        (("Origin: https://evil.example",), "localhost", 403),
        (("Origin: null",), "localhost", 403),
        (("Sec-Fetch-Site: cross-site",), "localhost", 403),
        ((), "evil.example", 421),
        (("Origin: http://evil.example",), "evil.example", 421),
    ):
        found, _ = answers(node.port, request("POST", "/v1/reservations", RESERVE, *headers, host=host))
        assert found[0][0] == status, headers
    assert node.call("GET", "/v1/node")[1]["seq"] == before
    own = f"localhost:{node.port}"
    asked = request("POST", "/v1/availability", ASK, f"Origin: http://{own}", "Sec-Fetch-Site: same-origin", host=own)
    assert answers(node.port, asked)[0][0][0] == 200


def test_head_is_answered_without_a_body_and_the_connection_goes_on(node: RunningNode) -> None:
    heads = [request("HEAD", path) for path in ("/v1/stock/BRASS-KETTLE", "/health/live", "/v1/nowhere", "/v1/events")]
    stream = request("HEAD", "/v1/events", b"", "Accept: text/event-stream")
    methods = [*["HEAD"] * 5, "GET"]
    found, closed = answers(node.port, b"".join(heads) + stream + READ, count=6, methods=methods)
    assert ([status for status, _ in found], closed) == ([200, 200, 404, 200, 200, 200], False)
    assert found[5][1]["sku"] == "BRASS-KETTLE"


def test_what_a_node_without_keys_logs_when_it_starts(tmp_path: Path) -> None:
    started = RunningNode(tmp_path / "data")
    started.process.terminate()
    assert started.process.stderr is not None
    lines = [json.loads(line) for line in started.process.stderr.read().splitlines()]
    started.process.wait(60)
    started.process.stderr.close()
    assert [line["level"] for line in lines if line["event"] == "dev mode"] == ["warning"]
