"""A key store that is missing: nobody is said to be erased, nothing is done twice, and no new one is made in silence."""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.http.endpoint import encode
from api.server.server import Server
from engine.commands.stock import MoveStock
from engine.writer import Change
from tests.api.conftest import ERIKA, INVALIDENSTRASSE, SHOP, Api
from tests.recovery.lives import kontor_process
from tests.recovery.running import RunningNode

CART = {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 1}]}
ORDER: dict[str, Any] = {
    "number": "W-1", "channel": "web-de", "lines": [{"id": "1", "sku": "CUSHION", "quantity": 1}],
    "customer": ERIKA, "ship_to": INVALIDENSTRASSE,
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Erika's order W-1 and the checkout cart-7; then the folder of the keys is moved away."""
    node = RunningNode(tmp_path / "data")
    assert node.call("POST", "/v1/configuration", SHOP)[0] == 200
    assert node.call("POST", "/v1/orders", ORDER)[0] == 201
    line = {"sku": "BRASS-KETTLE", "node": "leipzig", "reason": "receipt", "quantity": 5}
    assert node.call("POST", "/v1/stock/movements", {"lines": [line]})[0] == 201
    status, cart, _ = node.call("POST", "/v1/reservations", CART, key="cart-7")
    assert status == 201, cart
    node.stop()
    (tmp_path / "data" / "parties").rename(tmp_path / "moved away")
    return tmp_path / "data"


def test_a_node_does_not_start_without_the_keys_that_its_journal_needs(shop: Path, tmp_path: Path) -> None:
    said = kontor_process("serve", "--data", shop, "--dev", "--port", "0")
    assert said.code == 1
    assert f"the key store {shop / 'parties'} is missing" in said.complaint
    assert "--new-keys" in said.complaint
    assert "Traceback" not in said.complaint
    assert not (shop / "parties").exists(), "nothing was put in its place"
    (tmp_path / "moved away").rename(shop / "parties")
    node = RunningNode(shop)
    order = node.call("GET", "/v1/orders/W-1")[1]
    node.stop()
    assert (order["customer"]["name"], order["erased"], order["key_missing"]) == ("Erika Mustermann", False, False)


def test_with_new_keys_nothing_is_done_twice_and_nobody_was_erased(shop: Path) -> None:
    node = RunningNode(shop, options=("--new-keys",))
    seq = node.call("GET", "/v1/node")[1]["seq"]
    status, _, headers = node.call("POST", "/v1/reservations", CART, key="cart-7")
    assert (status, headers["idempotent-replayed"]) == (201, "true")
    assert node.call("GET", "/v1/node")[1]["seq"] == seq
    order = node.call("GET", "/v1/orders/W-1")[1]
    assert (order["customer"], order["ship_to"]) == (None, None)
    assert (order["erased"], order["key_missing"]) == (False, True)
    changed = node.call("POST", "/v1/orders/W-1/changes", {"reason": "moved", "ship_to": INVALIDENSTRASSE})[1]
    assert "the key of this order's customer is not on this node" in json.dumps(changed)
    assert node.call("POST", "/v1/orders", {**ORDER, "number": "W-2"})[0] == 201
    node.process.terminate()
    log = node.process.communicate()[1].decode()
    assert node.process.returncode == 0
    assert "NEW KEYS" in log
    node = RunningNode(shop)  # the new ones are there now
    assert node.call("GET", "/v1/orders/W-2")[1]["customer"]["name"] == "Erika Mustermann"
    node.stop()


def test_a_node_that_knows_nobody_may_begin_with_new_keys(tmp_path: Path) -> None:
    assert kontor_process("key", "create", "till", "--data", tmp_path / "data").code == 0
    Server.open(tmp_path / "data").close()
    assert (tmp_path / "data" / "parties" / "master").exists()


def test_keys_that_an_earlier_release_has_digested_are_still_known(tmp_path: Path) -> None:
    api = Api(tmp_path / "data")
    try:
        api.done("/v1/configuration", SHOP)
        body = {"lines": [{"sku": "CUSHION", "node": "leipzig", "reason": "receipt", "quantity": 5}]}
        secret = api.node.parties.node_secret("idempotency")

        def digest(content: bytes) -> bytes:
            return blake2b(content, digest_size=16, key=secret).digest()

        command = msgspec.convert(body, MoveStock)
        payload = digest(b"POST\0/v1/stock/movements\0" + encode(command))
        outcomes: list[Any] = []
        api.node.submit(
            Change(command, "dev", lambda *_: (201, b'{"first":true}'), outcomes.append, digest(b"dev\0van-1"), payload)
        )
        api.node.stop()
        assert len(outcomes) == 1
        api.restart()
        again = api.post("/v1/stock/movements", body, key="van-1")
        assert (again.status_code, again.json()) == (201, {"first": True})
        other = api.post("/v1/stock/movements", {"lines": [{**body["lines"][0], "quantity": 6}]}, key="van-1")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    finally:
        api.close_node()
        api.runner.close()
