"""A node that was restored has another history: positions of feeds from before are refused, and nobody reads on blindly."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import SHOP, Api
from tests.recovery.lives import kontor, kontor_process

FEED = "/v1/channels/web-de/stock-feed"
STREAM = {"accept": "text/event-stream"}


def closed(api: Api) -> None:
    api.node.stop()
    api.close_node()
    api.runner.close()


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Api]:
    """A shop with goods."""
    api = Api(tmp_path / "data")
    api.done("/v1/configuration", SHOP)
    for _ in range(5):
        api.receive("BRASS-KETTLE", "leipzig", 10)
    yield api
    closed(api)


def restored(shop: Api, seq: int) -> Api:
    """The shop as it was after a record, from a backup."""
    assert kontor_process("backup", shop.directory.parent / "books", "--data", shop.directory).code == 0
    again = shop.directory.parent / "again"
    said = kontor("restore", "--from", shop.directory.parent / "books", "--data", again, "--to-seq", seq)
    assert said.code == 0, said.complaint
    return Api(again)


def gone(answer: Any, *words: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (410, "history_changed"), answer.text
    for word in words:
        assert word in answer.json()["detail"]


def test_node_pages_and_events_say_which_history_they_are_of(shop: Api) -> None:
    history = shop.read("/v1/node")["history"]
    page = shop.read("/v1/events?limit=500")
    assert page["history"] == history
    assert {event["history"] for event in page["items"]} == {history}
    assert shop.read(FEED)["history"] == history


def test_a_restart_is_the_same_history_and_a_restore_another(shop: Api) -> None:
    history, seq = shop.read("/v1/node")["history"], shop.node.journal.last_seq
    shop.restart()
    assert shop.read("/v1/node")["history"] == history
    assert shop.get(f"/v1/events?after={seq}&history={history}").status_code == 200
    again = restored(shop, seq)
    try:
        theirs = again.read("/v1/node")["history"]
        assert theirs != history
        again.restart()
        assert again.read("/v1/node")["history"] == theirs, "it stays what it is"
        gone(again.get(f"/v1/events?after=3&history={history}"), history, theirs)
        gone(again.get(f"{FEED}?after=3&history={history}"), history, theirs)
        assert again.get(f"/v1/events?after=3&history={theirs}").status_code == 200
        assert again.get("/v1/events?after=3").status_code == 200, "a plain seq stays a position"
    finally:
        closed(again)


def test_a_position_beyond_the_end_is_refused_everywhere(shop: Api) -> None:
    seq = shop.node.journal.last_seq
    again = restored(shop, seq - 2)
    try:
        gone(again.get(f"/v1/events?after={seq}"), f"record {seq}", f"ends at record {seq - 2}")
        gone(again.get(f"/v1/events?after={seq}", **STREAM))
        gone(again.get("/v1/events", last_event_id=str(seq), **STREAM))
        gone(again.get(f"{FEED}?after={seq}"))
        gone(again.get(f"{FEED}?after=1&cursor={seq}.1"))
        assert again.get(f"/v1/events?after={seq - 2}").json()["items"] == [], "the end itself is a position"
        assert again.read(f"{FEED}?after={seq - 2}")["items"] == []
    finally:
        closed(again)


def test_who_comes_back_with_the_id_of_an_event_is_told_that_it_is_of_another_history(shop: Api) -> None:
    history = shop.read("/v1/node")["history"]
    again = restored(shop, shop.node.journal.last_seq)
    try:
        gone(again.get("/v1/events", last_event_id=f"{history}.3", **STREAM))
        for nonsense in (".3", "x.", f"{history}.x", f"{history}.{'9' * 30}", "3.-1"):
            assert again.get("/v1/events", last_event_id=nonsense, **STREAM).status_code == 400, nonsense
    finally:
        closed(again)


def test_a_copy_of_the_data_directory_is_a_history_of_its_own(shop: Api, tmp_path: Path) -> None:
    history = shop.read("/v1/node")["history"]
    shop.close_node()
    shutil.copytree(shop.directory, tmp_path / "copy", copy_function=shutil.copy2)
    shop._open()
    copy = Api(tmp_path / "copy")
    try:
        assert copy.read("/v1/node")["history"] != history == shop.read("/v1/node")["history"]
    finally:
        closed(copy)


def test_an_older_journal_in_its_place_is_another_history(shop: Api, tmp_path: Path) -> None:
    history = shop.read("/v1/node")["history"]
    shop.close_node()
    shutil.copytree(shop.directory / "journal", tmp_path / "older")
    shop._open()
    shop.receive("BRASS-KETTLE", "leipzig", 10)
    assert shop.read("/v1/node")["history"] == history
    shop.close_node()
    for derived in ("journal", "closed"):
        shutil.rmtree(shop.directory / derived)
    (tmp_path / "older").rename(shop.directory / "journal")
    shop._open()
    assert shop.read("/v1/node")["history"] != history
    assert json.loads((shop.directory / "history").read_bytes())["id"] == shop.read("/v1/node")["history"]
