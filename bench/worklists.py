"""A node with many open orders: how long its people wait for a list, and for each step, one client over HTTP."""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from bench import http as serving
from bench.workloads import SIZES

NODE = "node-0"
STEPS = ("accept", "pick", "ship")


class Client:
    """One connection, one request at a time."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def call(self, method: str, path: str, body: Any = None) -> tuple[Any, float]:
        """The decoded answer and the milliseconds it took. Raises AssertionError for a refusal."""
        content = None if body is None else json.dumps(body)
        started = time.perf_counter()
        self._connection.request(method, path, content, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        received = answer.read()
        taken = (time.perf_counter() - started) * 1_000
        assert answer.status < 300, received
        return json.loads(received), taken


def measure(directory: Path, size: str, open_orders: int, times: int) -> Iterator[dict[str, Any]]:
    """Open so many orders at one node, then list and step through `times` of them."""
    serving.prepare(directory, size)
    skus = SIZES[size].skus
    with serving.serving(directory) as port, closing(Client(port)) as client:
        client.call("POST", "/v1/configuration", {"channels": {"one": {
            "name": "One", "kind": "store", "country": "GB", "currency": "GBP", "nodes": [NODE],
        }}})  # fmt: skip
        placed = []
        for number in range(open_orders):
            line = {"id": "1", "sku": f"SKU-{number % skus}", "quantity": 1}
            body = {"number": f"W-{number}", "channel": "one", "lines": [line]}
            placed.append(client.call("POST", "/v1/orders", body)[1])
        yield _figures("place", open_orders, placed)
        yield from _lists(client, open_orders, times)
        steps: dict[str, list[float]] = {step: [] for step in STEPS}
        for _ in range(times):
            page, _taken = client.call("GET", f"/v1/fulfilments?node={NODE}&state=released&limit=1")
            fulfilment = page["items"][0]["id"]
            for step in STEPS:
                steps[step].append(client.call("POST", f"/v1/fulfilments/{fulfilment}/{step}", {})[1])
        for step, taken in steps.items():
            yield _figures(step, open_orders, taken)
        walks = [
            client.call("POST", "/v1/pick-lists", {"node": NODE, "fulfilments_max": 5})[1] for _ in range(times // 10)
        ]
        yield _figures("make a pick list of 5", open_orders, walks)
    serving.audit(directory, open_orders)


def _lists(client: Client, open_orders: int, times: int) -> Iterator[dict[str, Any]]:
    address = f"/v1/fulfilments?node={NODE}&state=released&limit=50"
    first = [client.call("GET", address)[1] for _ in range(times)]
    yield _figures("list: first page of 50", open_orders, first)
    later, cursor = [], ""
    for _ in range(times):
        page, taken = client.call("GET", f"{address}&cursor={cursor}")
        later.append(taken)
        cursor = page["next_cursor"] or ""
    yield _figures("list: page after page", open_orders, later)


def _figures(what: str, open_orders: int, taken: list[float]) -> dict[str, Any]:
    return {
        "what": f"open orders at one node: {what}",
        "open_orders": open_orders,
        "count": len(taken),
        "p50_ms": round(statistics.median(taken), 2),
        "longest_ms": round(max(taken), 2),
        "durable": True,
    }
