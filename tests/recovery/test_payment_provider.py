"""A node and a payment provider, each in its own process, over HTTP: late, doubled, refused, down, killed in between."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.server.outbound.signing import signature_of
from tests.recovery.logged_node import LoggedNode, until
from tests.recovery.running import ROOT, free_port

ORDER = {
    "number": "W-1",
    "channel": "web",
    "lines": [
        {"id": "1", "sku": "KETTLE", "quantity": 1, "unit_price_minor": 1000},
        {"id": "2", "sku": "TOWEL", "quantity": 1, "unit_price_minor": 2000},
    ],
    "payments": [{"id": "p-1", "method": "card", "amount_minor": 3000, "state": "authorised"}],
}
SHOP = {
    "nodes": {
        "leipzig": {"name": "Leipzig", "kind": "warehouse", "country": "DE", "latitude": 51.3, "longitude": 12.4}
    },
    "items": {"KETTLE": {"name": "Kettle"}, "TOWEL": {"name": "Towel"}},
    "channels": {"web": {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR"}},
}


class Provider:
    """examples/payment_provider.py in a process of its own."""

    def __init__(self, node: LoggedNode, port: int, secret: str, *switches: str) -> None:
        self.port = port
        kontor = f"http://127.0.0.1:{node.port}"
        words = ["--kontor", kontor, "--secret", secret, "--port", str(port), *switches]
        self.process = subprocess.Popen([sys.executable, "examples/payment_provider.py", *words], cwd=ROOT)
        until(self._answers, "the provider answers")

    def _answers(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/seen").status_code == 200
        except httpx2.HTTPError:
            return False

    def seen(self) -> list[tuple[str, str, int]]:
        """What it was asked for: (request, what, amount)."""
        found = httpx2.get(f"http://127.0.0.1:{self.port}/seen").json()
        return [(each["request"], each["what"], each["amount_minor"]) for each in found]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(60)


class Street:
    """A shop with a node, and a provider that can come and go."""

    def __init__(self, directory: Path) -> None:
        self.node = LoggedNode(directory, "--allow-private-outbound")
        self.port = free_port()
        self.provider: Provider | None = None
        assert self.node.call("POST", "/v1/configuration", SHOP)[0] == 200
        body = {"url": f"http://127.0.0.1:{self.port}/", "methods": ["card"]}
        assert self.node.call("PUT", "/v1/payment-providers/acme", body)[0] == 200
        lines = [{"sku": sku, "node": "leipzig", "reason": "receipt", "quantity": 9} for sku in ("KETTLE", "TOWEL")]
        assert self.node.call("POST", "/v1/stock/movements", {"lines": lines})[0] == 201
        self.secret = self.node.call("GET", "/v1/payment-providers/acme/secret")[1]["secret"]

    def opens(self, *switches: str) -> Provider:
        self.provider = Provider(self.node, self.port, self.secret, *switches)
        return self.provider

    def order(self) -> list[str]:
        """An order in two parcels; the fulfilments."""
        placed = self.node.call("POST", "/v1/orders", ORDER)[1]
        whole = placed["fulfilments"][0]["id"]
        body = {"lines": [{"line": "2", "quantity": 1}]}
        assert self.node.call("POST", f"/v1/fulfilments/{whole}/split", body)[0] in (200, 201)
        return [each["id"] for each in self.read()["fulfilments"]]

    def ship(self, fulfilment: str) -> int:
        return self.node.call("POST", f"/v1/fulfilments/{fulfilment}/ship")[0]

    def read(self) -> Any:
        return self.node.call("GET", "/v1/orders/W-1")[1]

    def payment(self) -> Any:
        return self.read()["money"]["payments"][0]

    def captured(self, minor: int) -> None:
        until(lambda: self.payment()["captured_minor"] == minor, f"{minor} are captured")

    def open_requests(self) -> Any:
        return self.node.call("GET", "/v1/payment-requests")[1]["items"]

    def event(self, body: bytes, secret: str | None = None, seconds_ago: int = 0) -> tuple[int, Any]:
        """An event as a provider would send it."""
        timestamp = str(int(time.time()) - seconds_ago)
        signature = signature_of(secret or self.secret, timestamp, body)
        headers = {"content-type": "application/json", "kontor-timestamp": timestamp, "kontor-signature": signature}
        url = f"http://127.0.0.1:{self.node.port}/v1/payment-providers/acme/events"
        answer = httpx2.post(url, content=body, headers=headers)
        return answer.status_code, answer.json()


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Street]:
    made = Street(tmp_path / "data")
    yield made
    made.node.stop()
    if made.provider is not None:
        made.provider.stop()


def test_two_parcels_are_captured_and_a_return_refunded(street: Street) -> None:
    provider = street.opens("--twice", "--late", "0.1")
    first, second = street.order()
    assert street.ship(first) == 200
    street.captured(1_000)
    assert street.ship(second) == 200
    street.captured(3_000)
    call = street.node.call
    made = call("POST", "/v1/orders/W-1/returns", {"lines": [{"id": "2", "quantity": 1}]})[1]["id"]
    call("POST", f"/v1/returns/{made}/receive", {"node": "leipzig", "lines": [{"id": "2", "quantity": 1}]})
    assert call("POST", f"/v1/returns/{made}/settle")[1]["refund_minor"] == 2_000
    until(lambda: street.payment()["paid_out_minor"] == 2_000, "the refund is paid out")
    assert provider.seen() == [("pay-1", "capture", 1_000), ("pay-2", "capture", 2_000), ("pay-3", "refund", 2_000)]
    assert call("GET", "/v1/ledger/money")[1]["currencies"][0]["accounts"].get("refunds_payable") == 0
    assert street.open_requests() == []


def test_a_capture_that_fails_holds_the_order_until_it_is_paid(street: Street) -> None:
    provider = street.opens("--fail-captures-of", "1000")
    first, second = street.order()
    street.ship(first)
    until(lambda: street.read()["holds"], "the order is held")
    assert street.read()["holds"][0]["reason"] == "the capture failed: card declined"
    assert street.ship(second) == 409
    provider.stop()
    street.opens()
    assert street.node.call("POST", "/v1/orders/W-1/payments/ask")[0] == 200
    street.captured(1_000)
    assert street.node.call("DELETE", "/v1/orders/W-1/holds/payment-p-1")[0] == 200
    assert street.ship(second) == 200
    street.captured(3_000)


def test_a_provider_that_is_down_is_asked_until_it_is_back_also_by_a_node_that_was_killed(street: Street) -> None:
    first, _ = street.order()
    street.ship(first)
    until(lambda: street.open_requests()[0]["attempts"] >= 1, "it was tried")
    assert street.open_requests()[0]["error"] == "ConnectError"
    street.node.kill()
    street.node.start()
    assert [(each["id"], each["what"]) for each in street.open_requests()] == [("pay-1", "capture")]
    provider = street.opens()
    street.captured(1_000)
    assert provider.seen() == [("pay-1", "capture", 1_000)]


def test_a_node_that_was_killed_after_its_request_was_taken_hears_of_it_once(street: Street) -> None:
    provider = street.opens("--late", "2", "--twice")
    first, _ = street.order()
    street.ship(first)
    until(provider.seen, "it was taken")
    street.node.kill()
    street.node.start()
    street.captured(1_000)
    assert provider.seen() == [("pay-1", "capture", 1_000)]
    kinds = [entry["kind"] for entry in street.node.call("GET", "/v1/orders/W-1/history?limit=500")[1]["items"]]
    assert kinds.count("payment_captured") == 1


def test_only_events_that_are_signed_and_fresh_are_looked_at(street: Street) -> None:
    street.order()
    event = b'{"id":"evt-9","type":"captured","order":"W-1","payment":"p-1","amount_minor":500}'
    for status, answer in (
        street.event(event, secret="guessed"),
        street.event(event, seconds_ago=400),
        street.event(event, seconds_ago=-400),
    ):
        assert (status, answer["code"]) == (401, "unauthenticated")
    assert street.payment()["captured_minor"] == 0
    assert street.event(event) == (200, {"id": "evt-9"})
    assert street.event(event) == (200, {"id": "evt-9"})
    assert street.payment()["captured_minor"] == 500
    other = event.replace(b"500", b"501")
    assert street.event(other)[1]["code"] == "idempotency_key_reused"
    assert street.event(b'{"id":"evt-10"}')[1]["code"] == "malformed_request"
    assert street.event(event.replace(b"evt-9", b"evt-11").replace(b"W-1", b"W-7"))[1]["code"] == "not_found"


def test_nothing_is_sent_to_private_addresses_unless_that_is_allowed(tmp_path: Path) -> None:
    street = Street(tmp_path / "data")
    try:
        allowed = street.node.options
        street.node.stop()
        street.node.options = ()
        street.node.start()
        first, _ = street.order()
        street.ship(first)
        until(lambda: street.open_requests()[0]["attempts"] >= 1, "it was tried")
        assert street.open_requests()[0]["error"] == "only https addresses are sent to"
        body = {"url": "https://localhost:1/", "methods": ["card"]}
        status, problem, _ = street.node.call("PUT", "/v1/payment-providers/acme", body)
        assert (status, problem["code"]) == (422, "address_not_allowed"), "it is refused when it is set"
        for options in (allowed, ()):  # and set by a node that allows it, nothing is sent there by one that does not
            street.node.stop()
            street.node.options = options
            street.node.start()
            if options:
                assert street.node.call("PUT", "/v1/payment-providers/acme", body)[0] == 200
        words = "localhost leads into a private network"
        until(lambda: street.open_requests()[0]["error"] == words, "it was tried again")
    finally:
        street.node.stop()
