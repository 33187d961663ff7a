"""Errors beside the journal: the derived table of closed things, and the keys of the people in it."""

import errno
import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.injecting import Called, InjectedNode, needs_strace, recorded
from tests.recovery.logged_node import until
from tests.recovery.test_kill_node import open_shop, reservation
from tests.recovery.traced_writer import error

pytestmark = needs_strace

ERIKA = {"name": "Erika Mustermann", "email": "erika@example.org", "reference": "c-17"}
CLOSED, PARTIES = "closed", "parties"


def file_of(directory: Path, part: str) -> Path:
    return directory / part / "data.mdb"


def close_one(node: InjectedNode, number: int) -> str:
    """Make a reservation and release it, and wait until the node tried to put that into the table; its id."""
    made: str = node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")[1]["id"]
    before = len(recorded(node.record))
    assert node.call("POST", f"/v1/reservations/{made}/release", {})[0] == 200

    def tried() -> bool:
        return node.process.poll() is not None or any(call.is_meta_write for call in recorded(node.record)[before:])

    until(tried, "the table is written, or the node has ended over it")
    return made


def order(number: int) -> dict[str, Any]:
    """An order of somebody whose key must be durable first."""
    lines = [{"id": "1", "sku": "BRASS-KETTLE", "quantity": 1}]
    place = {"country": "DE", "postal_code": "10115", "latitude": 52.53, "longitude": 13.38}
    return {"number": f"W-{number}", "channel": "web-de", "lines": lines, "ship_to": place, "customer": ERIKA}


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> list[Called]:
    """The calls on the table of closed things when two reservations were closed one after the other."""
    directory = tmp_path_factory.mktemp("whole") / "data"
    node = InjectedNode(directory, paths=[file_of(directory, CLOSED)])
    open_shop(node)
    for number in range(2):
        close_one(node, number)
    calls = recorded(node.record)
    node.stop()
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("at", ["fdatasync", "meta page"])
def test_closed_things_that_cannot_be_made_durable_end_the_node_and_are_there_after_a_restart(
    stores: list[Called], tmp_path: Path, at: str
) -> None:
    call = [call for call in stores if (call.is_meta_write if at == "meta page" else call.name == at)][-1]
    node = InjectedNode(tmp_path / "data", [call.fault(error(errno.EIO))], [file_of(tmp_path / "data", CLOSED)])
    try:
        open_shop(node)
        closed = [close_one(node, number) for number in range(2)]
        code, said = node.ended()
        assert code == 1
        assert json.loads(said.splitlines()[-1])["level"] == "critical"
        node.faults = ()
        node.start()
        assert [node.call("GET", f"/v1/reservations/{made}")[0] for made in closed] == [200] * 2
        assert node.call("POST", "/v1/orders", order(1), "order-1")[0] == 201
    finally:
        node.stop()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> list[Called]:
    """The calls on the keys of people under a first order."""
    directory = tmp_path_factory.mktemp("whole") / "data"
    node = InjectedNode(directory, paths=[file_of(directory, PARTIES)])
    open_shop(node)
    before = len(recorded(node.record))
    assert node.call("POST", "/v1/orders", order(1), "order-1")[0] == 201
    calls = recorded(node.record)[before:]
    node.stop()
    assert calls[-1].is_meta_write
    return calls


@pytest.mark.parametrize("at", [-1, -2], ids=["meta page", "sync"])
def test_keys_that_cannot_be_made_durable_end_the_node_before_any_fact_rests_on_them(
    keys: list[Called], tmp_path: Path, at: int
) -> None:
    directory = tmp_path / "data"
    node = InjectedNode(directory, [keys[at].fault(error(errno.EIO))], [file_of(directory, PARTIES)])
    open_shop(node)
    seq = node.call("GET", "/v1/node")[1]["seq"]
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        node.call("POST", "/v1/orders", order(1), "order-1")
    code, said = node.ended()
    assert code == 1
    assert json.loads(said.splitlines()[-1])["level"] == "critical"
    assert "Erika" not in said
    node.faults = ()
    node.start()
    assert node.call("GET", "/v1/node")[1]["seq"] == seq
    assert node.call("POST", "/v1/orders", order(1), "order-1")[0] == 201
    assert node.call("GET", "/v1/orders/W-1")[1]["customer"]["name"] == "Erika Mustermann"
    node.stop()
