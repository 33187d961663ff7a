"""What is said at an address: nothing there, HEAD, and pages from elsewhere that call a node without keys."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api import app
from api.http.operations import Operation
from api.server.server import Server
from tests.api.conftest import SHOP, Api
from tests.api.test_said_all import path_of

READS = [o for o in app.operations() if o.method == "GET"]
OWN = "http://localhost"


class Guarded(Api):
    """A node that was not started with --dev, called with or without its key."""

    key = ""

    def _open(self) -> None:
        super()._open()
        self.key = self.key or self.done("/v1/keys", {"name": "till"})["secret"]
        self.close_node()
        self.node = Server.open(self.directory, dev=False)
        self.app = app.build(self.node, fast_lane=self.lane)
        self.node.attach(self.runner.get_loop())


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    """A node with keys."""
    node = Guarded(tmp_path / "guarded")
    yield node
    node.node.stop()
    node.close_node()
    node.runner.close()


@pytest.mark.parametrize(
    "path", ["/v1/orders/", "/v1/stock/", "/v1/orders/W-1/", "/health/live/", "/nowhere", "/v1", "//v1/orders"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "DELETE"])
def test_without_a_key_one_does_not_learn_what_is_there(guarded: Guarded, path: str, method: str) -> None:
    unknown = guarded.call(method, path)
    assert (unknown.status_code, unknown.headers["content-type"]) == (401, "application/problem+json")
    assert unknown.headers["www-authenticate"] == "Bearer"
    known = guarded.call(method, path, headers={"authorization": f"Bearer {guarded.key}", "host": "evil.example"})
    assert (known.status_code, known.headers["content-type"]) == (404, "application/problem+json")
    for answer in (known, unknown):
        assert "location" not in answer.headers
        assert "evil.example" not in answer.text


def test_a_slash_at_the_end_is_another_address_and_said_so(api: Api) -> None:
    for path in ("/v1/orders/", "/v1/nodes/leipzig/", "/openapi.json/", "/metrics/"):
        problem = api.get(path).json()
        assert (problem["status"], problem["code"]) == (404, "not_found")
        assert "no `/` at their end" in problem["detail"]


@pytest.mark.parametrize("operation", READS, ids=lambda o: o.id)
def test_head_is_get_without_the_body(api: Api, operation: Operation) -> None:
    path = path_of(operation).replace("{code}", "not_found").replace("{name:path}", "docs.css")
    got, head = api.call("GET", path), api.call("HEAD", path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    for name in ("content-type", "etag"):
        assert head.headers.get(name) == got.headers.get(name), name
    if operation.id not in ("getMetrics", "getNode"):  # other figures each time
        assert head.headers["content-length"] == got.headers["content-length"]


def test_head_of_a_stream_ends_at_once(api: Api) -> None:
    async def ask() -> Any:
        return await asyncio.wait_for(api._call("HEAD", "/v1/events", headers={"accept": "text/event-stream"}), 10)

    answer = api.runner.run(ask())
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"].startswith("text/event-stream")


def test_head_is_taken_where_get_is_and_nowhere_else(api: Api) -> None:
    assert api.call("HEAD", "/v1/availability").status_code == 405
    answer = api.call("PATCH", "/v1/nodes/leipzig")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


def test_head_does_not_ask_for_a_condition_less_than_get(api: Api) -> None:
    tag = api.get("/v1/nodes/leipzig").headers["etag"]
    assert api.call("HEAD", "/v1/nodes/leipzig", headers={"if-none-match": tag}).status_code == 304


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "http://localhost:3000",
        "http://localhost.evil.example",
        "file://",
        "chrome-extension://x",
        "",
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET", "PUT"])
def test_a_page_from_elsewhere_may_not_call_a_node_without_keys(api: Api, origin: str, method: str) -> None:
    path, body = {"POST": ("/v1/configuration", SHOP), "GET": ("/v1/orders", None), "PUT": ("/v1/nodes/x", {})}[method]
    seq = api.node.state.seq
    for headers in ({"origin": origin}, {"origin": origin, "content-type": ""}):
        answer = api.call(method, path, body, headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), answer.text
    assert api.node.state.seq == seq


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "kontor", "127.0.0.1.nip.io"]
)
@pytest.mark.parametrize("path", ["/v1/orders", "/v1/availability", "/health/live", "/metrics", "/nowhere"])
def test_a_name_that_is_not_this_machines_is_421_on_a_node_without_keys(api: Api, host: str, path: str) -> None:
    body: Any = {} if path == "/v1/availability" else None
    method = "GET" if body is None else "POST"
    answer = api.call(method, path, body, {"host": host, "origin": f"http://{host}"})
    assert (answer.status_code, answer.json()["code"]) == (421, "misdirected_request")


def test_a_form_that_a_foreign_page_sends_is_refused_by_what_the_browser_says_of_it(api: Api) -> None:
    for site in ("cross-site", "same-site"):
        answer = api.call("POST", "/v1/availability", b"{}", {"sec-fetch-site": site})
        assert answer.status_code == 403
    assert api.get("/v1/orders", sec_fetch_site="cross-site").status_code == 200, "a link to it may be followed"


@pytest.mark.parametrize(("host", "origin"), [
    ("localhost", OWN), ("localhost:8080", "http://localhost:8080"), ("127.0.0.1:8080", "http://127.0.0.1:8080"),
    ("[::1]:8080", "http://[::1]:8080"), ("LOCALHOST", "http://localhost"), ("localhost:80", OWN), ("127.0.1.1", None),
])  # fmt: skip
def test_its_own_pages_and_the_command_line_are_served(api: Api, host: str, origin: str | None) -> None:
    headers = {"host": host} | ({} if origin is None else {"origin": origin, "sec-fetch-site": "same-origin"})
    ask = {"channel": "web-de", "lines": [{"sku": "CUSHION", "quantity": 1}]}
    assert api.call("POST", "/v1/availability", ask, headers).status_code == 200


def test_who_has_a_key_may_call_from_anywhere(guarded: Guarded, api: Api) -> None:
    secret = api.done("/v1/keys", {"name": "shop"})["secret"]
    for node, key in ((guarded, guarded.key), (api, secret)):
        headers = {"authorization": f"Bearer {key}", "host": "oms.shop.example", "origin": "https://admin.shop.example"}
        assert node.call("GET", "/v1/orders", headers=headers).status_code == 200


def test_a_node_without_keys_says_so(guarded: Guarded, api: Api) -> None:
    assert api.read("/v1/node")["dev"] is True
    assert "kontor_dev_mode 1.0" in api.get("/metrics").text
    assert guarded.get("/v1/node", authorization=f"Bearer {guarded.key}").json()["dev"] is False
    assert "kontor_dev_mode 0.0" in guarded.get("/metrics").text


def test_a_provider_signs_what_it_reports_and_may_reach_the_node_under_any_name(api: Api) -> None:
    answer = api.call("POST", "/v1/payment-providers/nobody/events", {}, {"host": "tunnel.example"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
