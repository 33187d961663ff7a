"""A node in a temporary directory, called in process."""

import asyncio
import copy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api import app
from api.server.server import Server
from tests.api.wire import WireTransport

SHOP: dict[str, Any] = {
    "nodes": {
        "leipzig": {"name": "Leipzig", "kind": "warehouse", "country": "DE", "latitude": 51.34, "longitude": 12.37},
        "berlin": {"name": "Berlin", "kind": "store", "country": "DE", "latitude": 52.52, "longitude": 13.4},
        "krakow": {"name": "Kraków", "kind": "warehouse", "country": "PL", "latitude": 50.06, "longitude": 19.94},
    },
    "items": {
        "BRASS-KETTLE": {"name": "Brass kettle", "weight_grams": 900},
        "TEA POT 2L": {"name": "Tea pot", "weight_grams": 700},
        "CUSHION": {"name": "Cushion", "backorderable": True},
    },
    "channels": {
        "web-de": {"name": "Web shop Germany", "kind": "web", "country": "DE", "currency": "EUR"},
        "phone-pl": {"name": "Phone", "kind": "phone", "country": "PL", "currency": "PLN", "nodes": ["krakow"]},
    },
}
BERLIN = {"country": "DE", "postal_code": "10115", "latitude": 52.53, "longitude": 13.38}
ERIKA = {"name": "Erika Mustermann", "email": "erika@example.org", "phone": "+49 30 901820", "reference": "c-17"}
INVALIDENSTRASSE = {"name": "Erika Mustermann", "street": "Invalidenstraße 43", "city": "Berlin", **BERLIN}


class Api:
    """Calls the application and gives answers; one loop for all calls of a test."""

    def __init__(self, directory: Path, lane: bool = False) -> None:
        self.directory = directory
        self.lane = lane
        self.runner = asyncio.Runner()
        self.headers: dict[str, str] = {}
        self._open()

    def _open(self) -> None:
        self.node = Server.open(self.directory, dev=True)
        self.app = app.build(self.node, fast_lane=self.lane)
        self.node.attach(self.runner.get_loop())

    def later(self, seconds: int) -> None:
        """Let the node's clock stand this much ahead from now on."""
        self.node.writer._clock_ns = lambda: time.time_ns() + seconds * 1_000_000_000

    def restart(self) -> None:
        """Stop as a process that is killed does, and come back."""
        self.close_node()
        self._open()

    def close_node(self) -> None:
        self.node.close()

    async def _call(self, method: str, path: str, **options: Any) -> httpx2.Response:
        transport: httpx2.AsyncBaseTransport
        if self.lane:
            transport = WireTransport(self.app)
        else:
            transport = httpx2.ASGITransport(app=self.app, client=("127.0.0.1", 50000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, **options)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> httpx2.Response:
        options: dict[str, Any] = {"headers": {**self.headers, **(headers or {})}}
        if isinstance(body, bytes):
            options["content"] = body
        elif body is not None:
            options["json"] = body
        return self.runner.run(self._call(method, path, **options))

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.call("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def read(self, path: str) -> Any:
        """The body of a GET that must succeed."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, key: str | None = None) -> httpx2.Response:
        return self.call("POST", path, body, {} if key is None else {"idempotency-key": key})

    def put(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        return self.call("PUT", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def delete(self, path: str) -> httpx2.Response:
        return self.call("DELETE", path)

    def done(self, path: str, body: Any = None, key: str | None = None) -> Any:
        """The body of a POST that must succeed."""
        answer = self.post(path, body, key)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def refused(self, path: str, body: Any, status: int, code: str, pointer: str | None = None) -> Any:
        """The problem of a POST that must be refused, with nothing changed."""
        seq, digest = self.node.state.seq, self.node.digest(True)[1]
        answer = self.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        if pointer is not None:
            assert pointer in [error["pointer"] for error in answer.json()["errors"]], answer.text
        assert self.node.journal.last_seq == self.node.state.seq == seq
        assert self.node.digest(True)[1] == digest
        return answer.json()

    def receive(self, sku: str, node: str, quantity: int) -> Any:
        """Goods arrive."""
        line = {"sku": sku, "node": node, "reason": "receipt", "quantity": quantity}
        return self.done("/v1/stock/movements", {"lines": [line]})

    def stock(self, sku: str, node: str) -> dict[str, int]:
        """Balances of a SKU at a node."""
        return next(entry for entry in self.read(f"/v1/stock/{sku}?all=true")["nodes"] if entry["node"] == node)

    def order(self, number: str, *lines: tuple[str, int], **more: Any) -> Any:
        """An order that must be accepted; line ids count from 1."""
        body = {"number": number, "channel": "web-de", "lines": order_lines(*lines), "ship_to": BERLIN, **more}
        return self.done("/v1/orders", body)

    def journal_bytes(self) -> bytes:
        """Everything in the journal's files."""
        return b"".join(file.read_bytes() for file in sorted((self.directory / "journal").rglob("*.mdb")))


def order_lines(*lines: tuple[str, int]) -> list[dict[str, Any]]:
    return [{"id": str(at), "sku": sku, "quantity": quantity} for at, (sku, quantity) in enumerate(lines, 1)]


@pytest.fixture(params=["application", "lane"])
def empty(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Api]:
    """A node that knows nothing: called as an application, and over a connection that has the fast lane."""
    api = Api(tmp_path / "data", lane=request.param == "lane")
    yield api
    api.node.stop()
    api.close_node()
    api.runner.close()


@pytest.fixture
def api(empty: Api) -> Api:
    """A node with a small shop and no stock."""
    empty.done("/v1/configuration", copy.deepcopy(SHOP))
    return empty
