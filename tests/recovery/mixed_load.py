"""Clients that do everything a shop does, each with its own carts and orders, and remember what they were told."""

import http.client
import json
import random
import threading
from typing import Any, NamedTuple

from tests.recovery.test_kill_node import SHOP, STOCKED

SKUS, NODES = list(SHOP["items"]), list(SHOP["nodes"])


class Request(NamedTuple):
    """One keyed request, as it will be sent again."""

    key: str
    path: str
    body: dict[str, Any]


class Client(threading.Thread):
    """Sends one request after the other until its connection breaks; `told` is what it was answered, by key."""

    def __init__(self, port: int, name: str, seed: int) -> None:
        super().__init__()
        self.port = port
        self.label = name
        self.chance = random.Random(seed)
        self.sent: list[Request] = []
        self.told: dict[str, tuple[int, bytes]] = {}
        self.carts: list[dict[str, Any]] = []
        self.work: list[str] = []
        self.shipped: list[dict[str, Any]] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            while True:
                request = self.next_request()
                self.sent.append(request)
                status, body = send(connection, request)
                self.told[request.key] = status, body
                self.remember(request, status, json.loads(body))
        except (OSError, http.client.HTTPException):
            return  # the node was killed
        finally:
            connection.close()

    def next_request(self) -> Request:
        """Anything a shop does; what it needs is one of its own."""
        key, sku = f"{self.label}-{len(self.sent)}", self.chance.choice(SKUS)
        kind = self.chance.choice(
            ("reserve", "reserve", "order", "order", "direct", "ship", "receive", "release", "return")
        )
        if kind == "order" and self.carts:
            cart = self.carts.pop()
            return Request(key, "/v1/orders", {"number": key, "channel": "web-de", **cart})
        if kind == "release" and self.carts:
            return Request(key, f"/v1/reservations/{self.carts.pop()['reservation']}/release", {})
        if kind == "ship" and self.work:
            return Request(key, f"/v1/fulfilments/{self.work.pop()}/ship", {})
        if kind == "return" and self.shipped:
            order = self.shipped.pop()
            line = {"id": "1", "quantity": order["lines"][0]["quantity"], "reason": "too large"}
            return Request(key, f"/v1/orders/{order['order']}/returns", {"lines": [line]})
        if kind == "receive":
            line = {
                "sku": sku,
                "node": self.chance.choice(NODES),
                "reason": "receipt",
                "quantity": self.chance.randint(1, 9),
            }
            return Request(key, "/v1/stock/movements", {"lines": [line]})
        quantity = self.chance.randint(1, 3)
        if kind == "direct":
            body = {"number": key, "channel": "web-de", "lines": [{"id": "1", "sku": sku, "quantity": quantity}]}
            return Request(key, "/v1/orders", body)
        lines = [{"sku": sku, "quantity": quantity}]
        return Request(key, "/v1/reservations", {"channel": "web-de", "ttl_seconds": 86_400, "lines": lines})

    def remember(self, request: Request, status: int, answer: dict[str, Any]) -> None:
        """Something to go on with."""
        assert status in (200, 201), answer
        if request.path == "/v1/reservations":
            line = answer["lines"][0]
            self.carts.append(
                {"reservation": answer["id"], "lines": [{"id": "1", "sku": line["sku"], "quantity": line["requested"]}]}
            )
        elif request.path == "/v1/orders":
            self.work += [fulfilment["id"] for fulfilment in answer["fulfilments"]]
        elif request.path.endswith("/ship"):
            self.shipped.append(answer)


def send(connection: http.client.HTTPConnection, request: Request) -> tuple[int, bytes]:
    """(status, body)."""
    headers = {"content-type": "application/json", "idempotency-key": request.key}
    connection.request("POST", request.path, json.dumps(request.body), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


class Model:
    """Units by SKU, from nothing but the final answers: what must be on the accounts in the end."""

    def __init__(self) -> None:
        self.on_hand = dict.fromkeys(SKUS, STOCKED * len(NODES))
        self.carts: dict[str, tuple[str, int]] = {}
        self.allocated = dict.fromkeys(SKUS, 0)

    def apply(self, request: Request, answer: dict[str, Any]) -> None:
        """One request was carried out, once."""
        if request.path == "/v1/stock/movements":
            line = request.body["lines"][0]
            self.on_hand[line["sku"]] += line["quantity"]
        elif request.path == "/v1/reservations":
            line = answer["lines"][0]
            self.carts[answer["id"]] = line["sku"], line["reserved"]
        elif request.path == "/v1/orders":
            line = answer["lines"][0]
            self.carts.pop(request.body.get("reservation", ""), None)
            self.allocated[line["sku"]] += line["quantity"]
        elif request.path.endswith("/release"):
            del self.carts[request.path.split("/")[3]]
        elif request.path.endswith("/ship"):
            for line in answer["lines"]:
                self.allocated[line["sku"]] -= line["quantity"]
                self.on_hand[line["sku"]] -= line["quantity"]

    def balances(self, sku: str) -> tuple[int, int, int]:
        """(on hand, reserved, allocated)."""
        reserved = sum(units for held, units in self.carts.values() if held == sku)
        return self.on_hand[sku], reserved, self.allocated[sku]
