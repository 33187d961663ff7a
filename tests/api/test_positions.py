"""Every place where a client says how far it is: what nobody gave out is 400, never 500, at every list and feed."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from api import app
from api.http.listing import POSITION_MAX
from api.http.operations import Operation
from tests.api.conftest import SHOP, Api
from tests.api.test_said_all import path_of

BAD = [
    " ", "-1", "+1", "1.", ".1", "1.0.0", "1.5e3", "1e3", "NaN", "nan", "inf", "-inf", "None", "null", "true", "0x10", "1_000", "٣",
    "٣.٣", "\uff11\uff12", "²", "1,0", "1 0", "1.-1", "-1.0", "\x00", "1\n", "1\x00", "../..", "'", "{}", "[1]", "latest",
    "99999999999999999999999999", "99999999999999999999999999.0", "0.99999999999999999999999999",
    "9" * 400, f"{2**63}", f"{2**63}.0", f"{2**64}", f"{POSITION_MAX + 1}", f"{POSITION_MAX + 1}.{POSITION_MAX + 1}",
]  # fmt: skip
LARGE = [
    f"{POSITION_MAX}",
    f"{POSITION_MAX}.{POSITION_MAX}",
    f"{10**17}",
    f"{10**18}.0",
    f"0.{10**18}",
    f"{2**32}",
    f"{2**32}.{2**32}",
]


def fields(operation: Operation) -> set[str]:
    """The names of its query parameters."""
    return {field.encode_name for field in msgspec.structs.fields(operation.query)}


LISTS = [o for o in app.operations() if "cursor" in fields(o)]
FEEDS = [o for o in app.operations() if "after" in fields(o)]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """Some of everything that lists can have; nothing here changes it."""
    api = Api(Path(tmp_path_factory.mktemp("lists")) / "data")
    api.done("/v1/configuration", SHOP)
    for sku in ("BRASS-KETTLE", "CUSHION"):
        api.receive(sku, "leipzig", 100)
        api.done("/v1/reservations", {"channel": "web-de", "lines": [{"sku": sku, "quantity": 1}]})
        api.order(f"W-{sku}", (sku, 2))
    for at in (1, 2, 3):
        api.order(f"W-{at}", ("CUSHION", 1))
    yield api
    api.node.stop()
    api.close_node()
    api.runner.close()


def variants(operation: Operation) -> list[str]:
    """Addresses of a list: with the filters that make it another list, too."""
    path = path_of(operation).replace("/x/", "/web-de/" if "{channel}" in operation.path else "/leipzig/")
    more = {"listFulfilments": "node=leipzig&state=released&", "listReturns": "without_order=true&"}.get(operation.id)
    return [f"{path}?", *([f"{path}?{more}"] if more else [])]


@pytest.mark.parametrize("operation", LISTS, ids=lambda o: o.id)
def test_a_cursor_that_nobody_gave_out_is_400(shop: Api, operation: Operation) -> None:
    for address in variants(operation):
        for cursor in BAD:
            answer = shop.get(f"{address}cursor={quote(cursor)}")
            problem = answer.json()
            assert (answer.status_code, problem["code"]) == (400, "malformed_request"), (address, cursor, answer.text)
            assert "`cursor`" in problem["detail"]
            assert problem["errors"][0]["pointer"] == "/cursor"


@pytest.mark.parametrize("operation", LISTS, ids=lambda o: o.id)
def test_a_cursor_far_beyond_the_end_is_an_empty_page_or_a_refusal(shop: Api, operation: Operation) -> None:
    for address in variants(operation):
        for cursor in LARGE:
            answer = shop.get(f"{address}cursor={cursor}&limit=1")
            assert answer.status_code in (200, 400, 404, 410), (address, cursor, answer.text)


@pytest.mark.parametrize("operation", LISTS, ids=lambda o: o.id)
def test_a_cursor_of_another_kind_of_list_is_400(shop: Api, operation: Operation) -> None:
    for address in variants(operation):
        shapes = [shop.get(f"{address}cursor={cursor}").status_code for cursor in ("1", "1.0")]
        assert sorted(status == 400 for status in shapes) == [False, True], (address, shapes)


@pytest.mark.parametrize("operation", FEEDS, ids=lambda o: o.id)
def test_a_position_that_is_none_is_400(shop: Api, operation: Operation) -> None:
    path = path_of(operation).replace("/x/", "/web-de/")
    for position in BAD:
        answer = shop.get(f"{path}?after={quote(position)}")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), (position, answer.text)
    for position in LARGE:
        assert shop.get(f"{path}?after={position}").status_code in (200, 400, 410), position


def test_the_id_of_the_last_event_is_a_position(shop: Api) -> None:
    for position in BAD:
        if position.isprintable() and position.isascii() and position == position.strip():
            answer = shop.get("/v1/events", accept="text/event-stream", last_event_id=position)
            code = answer.json()["code"]
            assert (answer.status_code, code) in ((400, "malformed_request"), (410, "history_changed")), position


def test_a_list_of_all_that_was_begun_in_the_future_is_refused(shop: Api) -> None:
    began = shop.node.journal.last_seq
    assert shop.get(f"/v1/channels/web-de/stock-feed?cursor={began}.0").status_code == 200
    answer = shop.get(f"/v1/channels/web-de/stock-feed?cursor={began + 1}.0")
    assert (answer.status_code, answer.json()["code"]) == (410, "history_changed"), "it was begun before a restore"


def test_every_list_goes_through_with_its_own_cursors(shop: Api) -> None:
    for operation in LISTS:
        for address in variants(operation):
            cursor: str | None = ""
            pages = 0
            while cursor is not None and pages < 200:
                answer = shop.get(f"{address}limit=1" + (f"&cursor={cursor}" if cursor else ""))
                if answer.status_code == 404:
                    break
                assert answer.status_code == 200, (address, cursor, answer.text)
                cursor = answer.json()["next_cursor"]
                pages += 1


SPANS = [o for o in app.operations() if "from" in fields(o) and o.id != "listTransfers"]
EXTREMES = [
    "0001-01-01T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
]


@pytest.mark.parametrize("operation", SPANS, ids=lambda o: o.id)
def test_a_span_may_begin_and_end_whenever(shop: Api, operation: Operation) -> None:
    for begin in EXTREMES:
        for end in EXTREMES:
            answer = shop.get(f"{path_of(operation)}?from={quote(begin)}&to={quote(end)}")
            assert answer.status_code in (200, 400), (begin, end, answer.text)


@pytest.mark.parametrize(
    "operation", [o for o in app.operations() if "{" in o.path and o.method == "GET"], ids=lambda o: o.id
)
def test_an_id_that_nobody_gave_out_is_never_500(shop: Api, operation: Operation) -> None:
    prefix = {
        "reservation": "res-",
        "fulfilment": "f-",
        "inbound": "in-",
        "transfer": "t-",
        "return": "ret-",
        "list": "pick-",
        "change": "chg-",
    }
    parts = operation.path.split("/")
    for number in ("0", "-1", "1.5", "1e3", "٣", "9" * 30, f"{2**63}", f"{2**64}", "", "%00", "%2E%2E", "x" * 5_000):
        path = "/".join(
            prefix.get(part.strip("{}"), "") + quote(number, safe="%") if part.startswith("{") else part
            for part in parts
        )
        answer = shop.get(path)
        assert answer.status_code in (400, 404), (path, answer.status_code, answer.text)
