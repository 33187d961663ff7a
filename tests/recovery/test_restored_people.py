"""What a restore does with people: with a backup of the keys they are back, without one they stay sealed, and nothing fails."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.parties.keystore import PartyKeysMissing
from api.server.server import Server
from tests.api.conftest import ERIKA, INVALIDENSTRASSE, SHOP, Api
from tests.recovery.lives import flip, kontor, kontor_process, tree

MAX = {"name": "Max Beispiel", "email": "max@example.org", "reference": "c-18"}


class Kept(NamedTuple):
    """The backups of a node that has gone, and how its orders read."""

    books: Path
    keys: Path
    orders: dict[str, Any]


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    """W-1 and W-2 are Erika's, one shipped and one open; W-3 is Max's, reopened by a return; W-4 is nobody's."""
    api = Api(tmp_path / "data")
    try:
        api.done("/v1/configuration", SHOP)
        api.receive("CUSHION", "leipzig", 100)
        billing = {"name": "Mustermann GmbH", "city": "Potsdam", "country": "DE"}
        for number, people in (
            ("W-1", {"customer": ERIKA, "ship_to": INVALIDENSTRASSE}),
            ("W-2", {"customer": ERIKA, "ship_to": INVALIDENSTRASSE, "billing": billing}),
            ("W-3", {"customer": MAX}),
        ):
            api.order(number, ("CUSHION", 2), **people)
        line = {"id": "1", "sku": "CUSHION", "quantity": 1}
        api.done("/v1/orders", {"number": "W-4", "channel": "web-de", "lines": [line]}, key="cart-4")
        for number in ("W-1", "W-3"):
            fulfilment = api.read(f"/v1/orders/{number}")["fulfilments"][0]["id"]
            api.done(f"/v1/fulfilments/{fulfilment}/ship")
        api.node.writer.flush_closed()
        api.done("/v1/orders/W-3/returns", {"lines": [{"id": "1", "quantity": 1}]})
        orders = {number: api.read(f"/v1/orders/{number}") for number in ("W-1", "W-2", "W-3", "W-4")}
        assert kontor_process("backup", tmp_path / "books", "--data", api.directory).code == 0
        said = kontor_process("backup-keys", tmp_path / "keys", "--data", api.directory, "--json")
        assert said.code == 0, said.complaint
    finally:
        api.node.stop()
        api.close_node()
        api.runner.close()
    return Kept(tmp_path / "books", Path(json.loads(said.output)["backup"]["path"]), orders)


def opened(data: Path) -> Api:
    return Api(data)


def opened_with_new_keys(data: Path) -> Api:
    Server.open(data, dev=True, new_keys=True).close()
    return Api(data)


def closed(api: Api) -> None:
    api.node.stop()
    api.close_node()
    api.runner.close()


def test_with_the_keys_everybody_is_back(kept: Kept, tmp_path: Path) -> None:
    said = kontor("restore", "--from", kept.books, "--data", tmp_path / "again", "--keys", kept.keys)
    assert said.code == 0, said.complaint
    assert "stay sealed" not in said.output
    api = opened(tmp_path / "again")
    try:
        for number, before in kept.orders.items():
            assert api.read(f"/v1/orders/{number}") == before
        line = {"id": "1", "sku": "CUSHION", "quantity": 1}
        again = api.post("/v1/orders", {"number": "W-4", "channel": "web-de", "lines": [line]}, key="cart-4")
        assert (again.status_code, again.headers.get("idempotent-replayed")) == (201, "true"), "keys are recognised"
        made = api.order("W-5", ("CUSHION", 1), customer=ERIKA)
        assert api.read("/v1/orders/W-5")["customer"] == ERIKA
        assert made["state"] == "open"
    finally:
        closed(api)


def test_without_the_keys_the_books_are_back_and_people_stay_sealed(kept: Kept, tmp_path: Path) -> None:
    said = kontor("restore", "--from", kept.books, "--data", tmp_path / "again")
    assert said.code == 0, said.complaint
    assert "the names and addresses of 2 people stay sealed" in said.output
    for file, content in tree(tmp_path / "again").items():
        assert b"Erika" not in content, file
    with pytest.raises(PartyKeysMissing, match="start with --new-keys"):
        opened(tmp_path / "again")
    api = opened_with_new_keys(tmp_path / "again")
    try:
        for number in range(6, 30):
            api.order(f"W-{number}", ("CUSHION", 1), customer={**MAX, "reference": f"c-{number}"})
        for _ in range(2):
            for name, before in kept.orders.items():
                now = api.read(f"/v1/orders/{name}")
                was_known = before["customer"] is not None
                assert (now["customer"], now["ship_to"], now["billing"]) == (None, None, None)
                assert (now["erased"], now["key_missing"]) == (False, was_known), "nobody was erased"
                assert {**now, "customer": 0, "ship_to": 0, "billing": 0, "key_missing": 0} == {
                    **before, "customer": 0, "ship_to": 0, "billing": 0, "key_missing": 0
                }  # fmt: skip
            assert api.read("/v1/orders/W-6")["customer"]["reference"] == "c-6"
            listed = api.read("/v1/orders?limit=500")["items"]
            assert len(listed) == 28
            api.restart()
        api.done("/v1/orders/W-2/cancel", {"reason": "no"})
        api.done("/v1/returns/ret-1/receive", {"node": "berlin", "lines": [{"id": "1", "quantity": 1}]})
        assert api.get("/v1/orders/W-3?as_of=1").status_code == 404
        assert api.read("/v1/ledger/trial-balance")["balanced"] is True
    finally:
        closed(api)
    assert kontor("verify", "--data", tmp_path / "again").code == 0


def test_the_number_of_people_is_told_to_machines_too(kept: Kept, tmp_path: Path) -> None:
    said = kontor("restore", "--from", kept.books, "--data", tmp_path / "again", "--json")
    assert json.loads(said.output)["sealed_parties"] == 2
    said = kontor("restore", "--from", kept.books, "--data", tmp_path / "full", "--keys", kept.keys, "--json")
    assert json.loads(said.output)["sealed_parties"] == 0


def test_keys_that_come_later_open_what_was_sealed(kept: Kept, tmp_path: Path) -> None:
    assert kontor("restore", "--from", kept.books, "--data", tmp_path / "again").code == 0
    said = kontor("restore-keys", kept.keys, "--data", tmp_path / "again")
    assert said.code == 0, said.complaint
    api = opened(tmp_path / "again")
    try:
        for number, before in kept.orders.items():
            assert api.read(f"/v1/orders/{number}") == before
    finally:
        closed(api)


def test_damaged_keys_are_refused_before_anything_is_made(kept: Kept, tmp_path: Path) -> None:
    for name in ("master", "pads", "data.mdb", "manifest.json"):
        flip(kept.keys / name, (kept.keys / name).stat().st_size // 2)
        for more in ((), ("--dry-run",)):
            said = kontor("restore", "--from", kept.books, "--data", tmp_path / "again", "--keys", kept.keys, *more)
            assert (said.code, "can't be restored" in said.complaint) == (1, True), said
            assert not (tmp_path / "again").exists()
            assert not (tmp_path / "again.restoring").exists()
        flip(kept.keys / name, (kept.keys / name).stat().st_size // 2)
    said = kontor("restore", "--from", kept.books, "--data", tmp_path / "again", "--keys", kept.keys, "--dry-run")
    assert (said.code, f"keys      from {kept.keys}" in said.output) == (0, True)


def test_people_are_not_in_a_backup_of_the_books(kept: Kept) -> None:
    for name, content in tree(kept.books).items():
        for text in (b"Erika", b"Mustermann", b"erika@example.org", b"Invaliden", b"Beispiel"):
            assert text not in content, name
    assert not list(kept.books.rglob("master"))
