"""What a channel can sell, as a feed."""

from typing import Any

from tests.api.conftest import SHOP, Api

FEED = "/v1/channels/web-de/stock-feed"


def figures(page: dict[str, Any]) -> dict[str, int]:
    return {item["sku"]: item["available"] for item in page["items"]}


def test_everything_comes_first_then_only_what_changed(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    first = api.read(FEED)
    assert figures(first) == {"BRASS-KETTLE": 5, "TEA POT 2L": 0, "CUSHION": 0}
    assert first["complete"]
    after = first["next_after"]
    assert api.read(f"{FEED}?after={after}")["items"] == []
    api.receive("CUSHION", "berlin", 3)
    api.order("W-1", ("BRASS-KETTLE", 2))
    changed = api.read(f"{FEED}?after={after}")
    assert (figures(changed), changed["complete"], changed["more"]) == ({"CUSHION": 3, "BRASS-KETTLE": 3}, False, False)
    assert changed["next_after"] == api.node.journal.last_seq
    api.restart()
    assert figures(api.read(f"{FEED}?after={after}")) == {"CUSHION": 3, "BRASS-KETTLE": 3}


def test_a_reservation_that_ends_comes_back_for_sale(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    body = {"channel": "web-de", "ttl_seconds": 60, "lines": [{"sku": "BRASS-KETTLE", "quantity": 2}]}
    api.done("/v1/reservations", body)
    after = api.read(FEED)["next_after"]
    api.later(61)
    api.receive("CUSHION", "berlin", 1)
    assert figures(api.read(f"{FEED}?after={after}"))["BRASS-KETTLE"] == 5


def test_safety_stock_buffer_and_the_channels_own_nodes_count(api: Api) -> None:
    api.receive("BRASS-KETTLE", "leipzig", 5)
    api.receive("BRASS-KETTLE", "krakow", 4)
    assert figures(api.read("/v1/channels/phone-pl/stock-feed"))["BRASS-KETTLE"] == 4
    after = api.read(FEED)["next_after"]
    api.put("/v1/nodes/leipzig/items/BRASS-KETTLE", {"safety_stock": 2})
    assert figures(api.read(f"{FEED}?after={after}")) == {"BRASS-KETTLE": 7}
    after = api.read(FEED)["next_after"]
    api.put("/v1/channels/web-de", {**SHOP["channels"]["web-de"], "buffer": 3})
    page = api.read(f"{FEED}?after={after}")
    assert (page["complete"], figures(page)["BRASS-KETTLE"]) == (True, 4)


def test_the_first_list_is_paged_and_loses_nothing_that_changes_meanwhile(api: Api) -> None:
    page = api.read(f"{FEED}?limit=2")
    began = page["next_after"]
    api.receive("BRASS-KETTLE", "leipzig", 9)
    rest = api.read(f"{FEED}?limit=2&cursor={page['next_cursor']}")
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    assert rest["next_after"] == began
    assert figures(api.read(f"{FEED}?after={began}")) == {"BRASS-KETTLE": 9}


def test_changes_come_in_pages_too(api: Api) -> None:
    after = api.read(FEED)["next_after"]
    for sku in ("BRASS-KETTLE", "CUSHION", "TEA POT 2L"):
        api.receive(sku, "leipzig", 1)
    seen: list[str] = []
    more = True
    while more:
        page = api.read(f"{FEED}?after={after}&limit=1")
        seen += figures(page)
        after, more = page["next_after"], page["more"]
    assert seen == ["BRASS-KETTLE", "CUSHION", "TEA POT 2L"]


def test_a_feed_of_no_channel_is_not_found(api: Api) -> None:
    assert api.get("/v1/channels/moon/stock-feed").status_code == 404
    assert api.get(f"{FEED}?after=-1").status_code == 400
    assert api.get(f"{FEED}?cursor=x").status_code == 400
