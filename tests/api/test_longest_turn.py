"""Nothing holds up everybody else: the longest turn of the loop while heavy requests are answered."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import BERLIN, SHOP, Api
from tests.api.turns import LONGEST_SECONDS_MAX, turns_of_the_loop

SKUS = [f"TEA-{number:04}" for number in range(1_000)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A tea shop of a thousand kinds, with some orders of forty lines."""
    api = Api(tmp_path_factory.mktemp("shop") / "data")
    api.done("/v1/configuration", {**SHOP, "items": {sku: {"name": f"Tea {sku}"} for sku in SKUS}})
    api.done("/v1/stock/movements", _delivery(0))
    for number in range(60):
        api.order(f"W-{number}", *((sku, 1) for sku in SKUS[number : number + 40]))
    yield api
    api.node.stop()
    api.close_node()
    api.runner.close()


def _delivery(first: int) -> dict[str, Any]:
    lines = [
        {"sku": sku, "node": "leipzig", "reason": "receipt", "quantity": 900} for sku in SKUS[first:] + SKUS[:first]
    ]
    return {"lines": lines}


def _baskets() -> dict[str, Any]:
    lines = [[{"sku": SKUS[at], "quantity": 1}, {"sku": SKUS[at * 7 % 1_000], "quantity": 2}] for at in range(1_000)]
    return {
        "items": [
            {"channel": "web-de", "lines": both[: 1 + (both[0] != both[1])], "ship_to": BERLIN} for both in lines[1:]
        ]
    }


def _reserve(api: Api) -> Any:
    return _post("/v1/reservations/batch", _baskets())(api)


def _post(path: str, body: Any) -> Callable[[Api], Any]:
    content = json.dumps(body).encode()
    return lambda api: api.post(path, content)


def _get(path: str) -> Callable[[Api], Any]:
    return lambda api: api.get(path)


HEAVY: dict[str, Callable[[Api], Any]] = {
    "the API's document, for the first time": _get("/openapi.json"),
    "the digest of the state": _get("/v1/node?digest=fresh"),
    "twenty deliveries of a thousand lines": _post(
        "/v1/stock/movements/bulk", {"items": [_delivery(first) for first in range(20)]}
    ),
    "a thousand reservations": _post("/v1/reservations/batch", _baskets()),
    "five hundred orders": _get("/v1/orders?limit=500"),
    "orders of a channel that has none": _get("/v1/orders?limit=500&channel=phone-pl"),
    "five hundred fulfilments": _get("/v1/fulfilments?limit=500"),
    "the work of a node": _get("/v1/fulfilments?limit=500&node=leipzig&state=released"),
    "five hundred entries of the journal": _get("/v1/journal?limit=500"),
    "entries of the journal that nobody made": _get("/v1/journal?limit=500&actor=key:nobody"),
    "all master data": _get("/v1/configuration"),
    "metrics": _get("/metrics"),
}


@pytest.mark.parametrize("heavy", HEAVY)
def test_no_request_holds_the_loop_longer_than_twenty_milliseconds(shop: Api, heavy: str) -> None:
    with turns_of_the_loop() as held:
        answer = HEAVY[heavy](shop)
    assert answer.status_code == 200, answer.text
    assert held.longest[0] < LONGEST_SECONDS_MAX, held.longest


def test_a_page_that_is_made_in_turns_is_the_whole_page(shop: Api) -> None:
    page = shop.read("/v1/orders?limit=500")
    assert [order["number"] for order in page["items"]] == [f"W-{number}" for number in reversed(range(60))]
    assert page["next_cursor"] is None
    first = shop.read("/v1/orders?limit=31")
    rest = shop.read(f"/v1/orders?limit=500&cursor={first['next_cursor']}")
    assert first["items"] + rest["items"] == page["items"]


def test_the_digest_of_a_state_that_keeps_changing_is_the_one_of_a_record(tmp_path: Path) -> None:
    api = Api(tmp_path / "data")
    api.done("/v1/configuration", SHOP)
    api.receive("CUSHION", "leipzig", 5)
    node = api.read("/v1/node?digest=fresh")
    assert (node["digest_seq"], node["digest"]) == api.node.digest(True)
    assert api.read("/v1/node")["digest"] == node["digest"]
    api.close_node()
    api.runner.close()
