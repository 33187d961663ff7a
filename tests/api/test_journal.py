"""The journal and the feed over HTTP."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from engine import limits
from tests.api.conftest import ERIKA, Api


def busy(api: Api) -> None:
    """A little of everything."""
    api.receive("CUSHION", "leipzig", 10)
    api.receive("BRASS-KETTLE", "berlin", 8)
    held = api.done("/v1/reservations", {"channel": "web-de", "lines": [{"sku": "BRASS-KETTLE", "quantity": 3}]})
    api.done(
        "/v1/orders",
        {
            "number": "W-1",
            "channel": "web-de",
            "reservation": held["id"],
            "lines": [{"id": "1", "sku": "BRASS-KETTLE", "quantity": 2}],
            "customer": ERIKA,
        },
    )
    order = api.order("W-2", ("CUSHION", 12))
    api.done(f"/v1/fulfilments/{order['fulfilments'][0]['id']}/ship")
    api.receive("CUSHION", "krakow", 5)
    api.done("/v1/orders/W-1/cancel", {"reason": "no"})
    line = {"sku": "CUSHION", "node": "krakow", "reason": "damage", "quantity": 1}
    api.done("/v1/stock/movements", {"reference": "fork lift", "lines": [line]})


def pages(api: Api, query: str, limit: int = 500) -> list[Any]:
    items = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.read(f"/v1/journal?limit={limit}&{query}{cursor}")
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    return items


def test_the_postings_of_a_sku_sum_to_the_stock_that_is_shown(api: Api) -> None:
    busy(api)
    for sku in ("CUSHION", "BRASS-KETTLE"):
        balances: Counter[tuple[str, str]] = Counter()
        for entry in pages(api, f"sku={sku}"):
            for posting in entry["postings"]:
                if posting["sku"] == sku:
                    balances[posting["node"], posting["target_account"]] += posting["quantity"]
                    balances[posting["node"], posting["source_account"]] -= posting["quantity"]
        for there in api.read(f"/v1/stock/{sku}")["nodes"]:
            for account in ("available", "reserved", "allocated", "unsellable"):
                assert there[account] == balances[there["node"], account], (sku, there["node"], account)


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_of_any_size_give_the_same_entries_newest_first(api: Api, limit: int) -> None:
    busy(api)
    everything = pages(api, "")
    assert pages(api, "", limit) == everything
    assert [entry["seq"] for entry in everything] == sorted((entry["seq"] for entry in everything), reverse=True)
    assert everything[0] == {
        "seq": api.node.journal.last_seq,
        "time": everything[0]["time"],
        "kind": "stock_moved",
        "actor": "dev",
        "document": {"type": "movement", "id": f"m-{api.node.journal.last_seq}"},
        "reference": "fork lift",
        "postings": [
            {"sku": "CUSHION", "node": "krakow", "source_account": "available", "target_account": "unsellable", "quantity": 1}
        ],
    }  # fmt: skip


def test_entries_are_filtered_by_what_they_are_about(api: Api) -> None:
    busy(api)

    def kinds(query: str) -> list[str]:
        return [entry["kind"] for entry in pages(api, query)]

    assert kinds("order=W-1") == ["order_cancelled", "order_placed"]
    assert kinds("order=W-2") == ["order_sourced", "fulfilment_advanced", "order_placed"]
    assert api.get("/v1/journal?order=W").status_code == 400
    reservation = api.read("/v1/orders/W-1")["reservation"]
    assert kinds(f"reservation={reservation}") == ["order_placed", "stock_reserved"]
    assert api.get("/v1/journal?reservation=nonsense").status_code == 400
    assert kinds("node=krakow") == ["stock_moved", "order_sourced", "stock_moved"]
    assert kinds("node=krakow&sku=BRASS-KETTLE") == []
    assert kinds("kind=channel_set") == ["channel_set", "channel_set"]
    assert kinds("actor=dev&kind=stock_reserved") == ["stock_reserved"]
    assert kinds("actor=key:nobody") == []
    assert pages(api, "order=W-2")[1]["document"] == {"type": "fulfilment", "id": "f-2"}
    assert not any(entry["kind"].endswith("_set") for entry in pages(api, ""))


def test_entries_are_filtered_by_time(api: Api) -> None:
    busy(api)
    everything = pages(api, "")
    time = everything[3]["time"]
    assert pages(api, f"from={time}") == everything[:4]
    assert pages(api, f"to={time}") == everything[4:]
    assert pages(api, f"from={time}&to={time}") == []
    assert pages(api, f"to={everything[0]['time']}", limit=2) == everything[1:]


def test_a_long_search_gives_up_with_a_cursor_and_goes_on(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.receive("CUSHION", "berlin", 1)
    for _ in range(7):
        api.receive("BRASS-KETTLE", "leipzig", 1)
    monkeypatch.setattr(limits, "JOURNAL_SCAN_RECORDS_MAX", 3)
    first = api.read("/v1/journal?sku=CUSHION")
    assert (first["items"], first["next_cursor"] is None) == ([], False)
    assert [entry["postings"][0]["node"] for entry in pages(api, "sku=CUSHION")] == ["berlin"]


@pytest.mark.parametrize("path", ["/v1/orders", "/v1/journal"])
def test_a_span_may_reach_over_both_ends_of_the_calendar(api: Api, path: str) -> None:
    busy(api)
    first, last = "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-12:00"
    everything = api.read(path)
    assert everything["items"]
    assert api.read(f"{path}?from={first}&to={last}") == everything
    assert api.read(f"{path}?from={last}")["items"] == api.read(f"{path}?to={first}")["items"] == []


@pytest.mark.parametrize(
    "query", ["cursor=7", "cursor=x.1", "cursor=%C2%B2.1", "limit=0", "from=2026-01-01", "actor=a&actor=b"]
)
def test_a_bad_journal_query_is_refused(api: Api, query: str) -> None:
    assert api.get(f"/v1/journal?{query}").status_code == 400


def test_the_feed_gives_every_fact_once_oldest_first(api: Api) -> None:
    busy(api)
    api.done("/v1/keys", {"name": "web shop"})
    everything = api.read("/v1/events?limit=500")
    assert everything["next_after"] == api.node.journal.last_seq
    items = []
    after = 0
    while after < api.node.journal.last_seq:
        page = api.read(f"/v1/events?after={after}&limit=2")
        items += page["items"]
        after = page["next_after"]
    assert items == everything["items"]
    assert sorted({item["seq"] for item in items}) == list(range(1, after + 1))
    assert api.read(f"/v1/events?after={after}") == {"items": [], "next_after": after, "history": api.node.history_id}
    placed = next(item for item in items if item["type"] == "order_placed")["data"]
    assert placed["order"] == "W-1"
    assert placed["reservation"].startswith("r-")
    assert placed["postings"][0]["target_account"] == "allocated"
    reserved = next(item for item in items if item["type"] == "stock_reserved")["data"]
    assert reserved["expires_at"].endswith("Z")
    assert items[-1]["data"] == {"key_id": items[-1]["data"]["key_id"], "name": "web shop", "postings": []}
    text = json.dumps(everything)
    for hidden in ("contact", "billing", "secret", "Erika"):
        assert hidden not in text


async def stream(
    api: Api, frames_wanted: int, *headers: tuple[bytes, bytes]
) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Open the feed as server-sent events, take some frames, go away."""
    start: dict[str, Any] = {}
    frames: list[dict[str, str]] = []
    enough = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        for block in message.get("body", b"").decode().split("\n\n"):
            frame = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if "data" in frame:
                frames.append(frame)
        if len(frames) >= frames_wanted:
            enough.set()

    scope = {
        "type": "http", "method": "GET", "path": "/v1/events", "query_string": b"after=3", "client": ("127.0.0.1", 1),
        "headers": [(b"accept", b"text/event-stream"), *headers], "root_path": "", "app": api.app,
    }  # fmt: skip
    await asyncio.wait_for(api.app(scope, receive, send), 10)
    return start, frames


def test_the_feed_streams_and_is_resumed_where_it_stopped(api: Api) -> None:
    busy(api)
    expected = api.read("/v1/events?after=3&limit=500")["items"]
    start, frames = api.runner.run(stream(api, len(expected)))
    assert (b"content-type", b"text/event-stream; charset=utf-8") in start["headers"]
    assert [json.loads(frame["data"]) for frame in frames] == expected
    assert [frame["event"] for frame in frames] == [item["type"] for item in expected]
    last_of_record = {item["seq"]: at for at, item in enumerate(expected)}
    assert [at for at, frame in enumerate(frames) if "id" in frame] == list(last_of_record.values())
    _, rest = api.runner.run(stream(api, 1, (b"last-event-id", frames[last_of_record[5]]["id"].encode())))
    assert [json.loads(frame["data"]) for frame in rest] == [item for item in expected if item["seq"] > 5]


def test_a_streaming_reader_is_told_what_happens_meanwhile(api: Api) -> None:
    seq = str(api.node.journal.last_seq).encode()

    async def both() -> list[dict[str, str]]:
        reading = asyncio.ensure_future(stream(api, 2, (b"last-event-id", seq)))
        await asyncio.sleep(0)
        line = {"sku": "CUSHION", "node": "leipzig", "reason": "receipt", "quantity": 1}
        for _ in range(2):
            assert (await api._call("POST", "/v1/stock/movements", json={"lines": [line]})).status_code == 201
        return (await reading)[1]

    assert [frame["event"] for frame in api.runner.run(both())] == ["stock_moved", "stock_moved"]


def test_a_bad_place_to_resume_is_refused(api: Api) -> None:
    answer = api.get("/v1/events", accept="text/event-stream", last_event_id="yesterday")
    assert answer.status_code == 400
