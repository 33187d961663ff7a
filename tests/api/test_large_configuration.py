"""A large configuration: all or nothing, some entries a record, and nobody else waits for it."""

import asyncio
import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.answers import documents
from api.server import configuring
from engine import limits
from engine.commands.configuration import BeginConfiguration
from engine.facts import records
from tests.api.conftest import SHOP, Api
from tests.api.turns import LONGEST_SECONDS_MAX, turns_of_the_loop

TEAS = {f"TEA-{number:05}": {"name": f"Tea number {number}", "weight_grams": 100} for number in range(3_000)}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A node with a small shop."""
    api = Api(tmp_path / "data")
    api.done("/v1/configuration", copy.deepcopy(SHOP))
    yield api
    api.node.stop()
    api.close_node()
    api.runner.close()


def _everything(**more: Any) -> dict[str, Any]:
    """A document of some thousand entries that name each other."""
    return {
        "node_items": {"hamburg": {sku: {"safety_stock": 2} for sku in list(TEAS)[:500]}},
        "items": TEAS,
        "channels": {"web-fr": {**SHOP["channels"]["web-de"], "nodes": ["hamburg"]}},
        "nodes": {"hamburg": {**SHOP["nodes"]["leipzig"], "name": "Hamburg"}},
        **more,
    }


def _records(api: Api, after: int) -> list[list[str]]:
    """The kinds of the facts of each record after one."""
    return [
        [records.kind_of(fact) for fact in records.decode(encoded).facts]
        for batch in api.node.journal.read(after)
        for seq, encoded in enumerate(batch.records, batch.first_seq)
        if seq > after
    ]


def test_a_large_document_is_applied_by_records_of_two_hundred_entries(api: Api) -> None:
    before = api.node.state.seq
    answer = api.post("/v1/configuration", _everything())
    assert answer.status_code == 200, answer.text
    counts = {part: count for part, count in answer.json().items() if count and part != "seq"}
    assert counts == {"nodes": 1, "items": 3_000, "node_items": 500, "channels": 1}
    written = _records(api, before)
    assert written[0] == ["configuration_begun"]
    assert written[-1] == ["configuration_ended"]
    assert [len(facts) for facts in written[1:-1]] == [200] * 17 + [102]
    assert answer.headers["kontor-seq"] == str(api.node.state.seq) == str(answer.json()["seq"])
    assert api.read("/v1/items/TEA-02999")["name"] == "Tea number 2999"
    assert api.read("/v1/nodes/hamburg/items/TEA-00499")["safety_stock"] == 2
    assert not list((api.directory / "configuration").iterdir())


def test_what_is_as_asked_already_is_answered_and_nothing_is_written(api: Api) -> None:
    api.done("/v1/configuration", _everything())
    before = api.node.state.seq
    answer = api.done("/v1/configuration", _everything())
    assert (answer["items"], api.node.state.seq) == (0, before)


def test_the_same_key_gives_the_same_answer_and_another_document_under_it_is_refused(api: Api) -> None:
    first = api.post("/v1/configuration", _everything(), key="season-2027")
    again = api.post("/v1/configuration", _everything(), key="season-2027")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = api.post("/v1/configuration", _everything(items={**TEAS, "TEA-X": {"name": "X"}}), key="season-2027")
    assert other.json()["code"] == "idempotency_key_reused"


def test_every_fault_of_a_large_document_is_told_and_nothing_of_it_is_set(api: Api) -> None:
    teas = {
        **TEAS,
        "TEA-00007": {"name": ""},
        "TEA-01007": {"name": "Oolong", "weight_grams": -1},
        "TEA /": {"name": "x"},
    }
    problem = api.refused(
        "/v1/configuration", _everything(items=teas), 400, "malformed_request", "/items/TEA-00007/name"
    )
    assert [error["pointer"] for error in problem["errors"]] == [
        "/items/TEA-00007/name", "/items/TEA-01007/weight_grams", "/items/TEA ~1",
    ]  # fmt: skip
    channel = {**SHOP["channels"]["web-de"], "nodes": ["hamburg", "atlantis"]}
    unknown = _everything(channels={"web-fr": channel})
    api.refused("/v1/configuration", unknown, 422, "unknown_node", "/channels/web-fr/nodes/1")
    api.refused("/v1/configuration", {**_everything(), "shops": {}}, 400, "malformed_request", "/shops")


@pytest.mark.parametrize(
    "body", [b"[" + b" " * 40_000 + b"]", b'{"items": {' + b" " * 40_000, b'{"items": 7}' + b" " * 40_000 + b"x"]
)
def test_a_large_body_that_is_no_document_is_refused(api: Api, body: bytes) -> None:
    api.refused("/v1/configuration", body, 400, "malformed_request")


def test_more_entries_than_a_document_may_have_are_refused(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONFIGURATION_ENTRIES_MAX", 2_999)
    api.refused("/v1/configuration", _everything(), 400, "malformed_request")


def test_other_configuration_is_refused_until_all_of_it_is_applied(api: Api) -> None:
    content = json.dumps(_everything()).encode()

    async def both() -> tuple[Any, Any, Any]:
        large = asyncio.ensure_future(api._call("POST", "/v1/configuration", content=content))
        while api.node.configuring.checking or api.node.state.configuration.announced is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0)
        item = await api._call("PUT", "/v1/items/MUG", json={"name": "Mug"})
        reading = await api._call("GET", "/v1/items/CUSHION")
        return item, reading, await large

    item, reading, large = api.runner.run(both())
    assert (item.status_code, item.json()["code"]) == (409, "in_use")
    assert "3,502 entries" in item.json()["detail"]
    assert reading.status_code == large.status_code == 200
    assert api.put("/v1/items/MUG", {"name": "Mug"}).status_code == 200


def test_a_node_that_ended_half_way_goes_on_with_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = documents.slices

    def some(document: Any) -> Iterator[Any]:
        for position, part in enumerate(whole(document)):
            if position == 7:
                api.node.stopping = True  # and nothing more is taken
            yield part

    with monkeypatch.context() as patched:
        patched.setattr(
            configuring,
            "slices",
            lambda document: some(document) if api.node.state.configuration.announced else whole(document),
        )
        assert api.post("/v1/configuration", _everything(), key="season-2027").status_code == 503
    assert api.node.state.configuration.announced is not None
    assert len(api.node.state.configuration.items) < 3_000
    api.restart()
    _until_applied(api)
    assert len(api.node.state.configuration.items) == 3_000 + len(SHOP["items"])
    answer = api.post("/v1/configuration", _everything(), key="season-2027")
    assert answer.headers["idempotent-replayed"] == "true"
    assert (answer.json()["items"], answer.json()["node_items"]) == (3_000, 500)
    assert not list((api.directory / "configuration").iterdir())


def _until_applied(api: Api) -> None:
    async def applied() -> None:
        while api.node.state.configuration.announced is not None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.01)

    api.runner.run(asyncio.wait_for(applied(), 60))


def test_a_document_that_is_lost_half_way_frees_the_configuration_for_another(api: Api) -> None:
    async def announce() -> None:
        await api.node.configuring._change(BeginConfiguration("5f" * 32, 9_000, "public"), "public")

    api.runner.run(announce())
    assert api.put("/v1/items/MUG", {"name": "Mug"}).status_code == 409
    api.restart()
    _until_applied(api)
    assert api.put("/v1/items/MUG", {"name": "Mug"}).status_code == 200
    assert api.read("/v1/journal?kind=configuration_ended")["items"][0]["document"]["id"] == "5f" * 32


def test_a_price_list_of_thirty_thousand_prices_holds_the_loop_for_twenty_milliseconds_at_most(api: Api) -> None:
    prices = {f"SKU-{number:06}": [{"unit_price_minor": 495}] for number in range(30_000)}
    content = json.dumps({"price_lists": {"retail": {"currency": "EUR", "prices": prices}}}).encode()
    with turns_of_the_loop() as held:
        answer = api.post("/v1/configuration", content)
    assert answer.json()["price_lists"] == 1
    assert held.longest[0] < LONGEST_SECONDS_MAX, held.longest
    assert len(api.node.state.configuration.price_lists["retail"].prices) == 30_000


def test_faults_of_a_large_price_list_are_told_with_their_places(api: Api) -> None:
    prices: dict[str, Any] = {sku: [{"unit_price_minor": 495}] for sku in TEAS}
    prices["TEA-00009"] = [{"unit_price_minor": 495, "from_quantity": 3}, {"unit_price_minor": 395, "from_quantity": 2}]
    prices["TEA-00011"] = [{"unit_price_minor": -1}]
    body = {"price_lists": {"retail": {"currency": "EUR", "prices": prices, "valid_from": "2026-02-30"}}}
    problem = api.refused("/v1/configuration", body, 400, "malformed_request")
    within = "/price_lists/retail"
    places = [error["pointer"] for error in problem["errors"]]
    assert places == [
        f"{within}/prices/TEA-00009",
        f"{within}/prices/TEA-00011/0/unit_price_minor",
        f"{within}/valid_from",
    ]
    api.refused("/v1/configuration", {"price_lists": {"retail": {"prices": prices}}}, 400, "malformed_request")


def test_a_configuration_of_ninety_thousand_items_holds_the_loop_for_twenty_milliseconds_at_most(api: Api) -> None:
    items = {f"SKU-{number:06}": {"name": f"Thing number {number}", "weight_grams": 7} for number in range(90_000)}
    content = json.dumps({"items": items}).encode()
    with turns_of_the_loop() as held:
        answer = api.post("/v1/configuration", content)
    assert answer.json()["items"] == 90_000
    assert held.longest[0] < LONGEST_SECONDS_MAX, held.longest
