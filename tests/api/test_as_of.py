"""Stock and orders as they were: `?as_of=` a seq or a time."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from api.answers.timestamps import iso
from api.server.children import Ended
from api.server.helper import Helper
from tests.api.conftest import ERIKA, INVALIDENSTRASSE, Api
from tests.recovery.logged_node import LoggedNode, until

pytestmark = pytest.mark.usefixtures("api")


def stock_at(api: Api, moment: object, sku: str = "CUSHION") -> Any:
    return api.get(f"/v1/stock/{sku}?as_of={moment}")


def order_at(api: Api, moment: object, number: str = "W-1") -> Any:
    return api.get(f"/v1/orders/{number}?as_of={moment}")


def now(api: Api) -> int:
    return api.node.state.seq


def time_of(api: Api, seq: int) -> str:
    """A record's time as it is shown."""
    return iso(api.node.journal.record(seq)[0])


def test_stock_is_answered_as_it_was_after_any_record(api: Api) -> None:
    seen = {}
    for quantity in (3, 9):
        api.receive("CUSHION", "leipzig", quantity)
        seen[now(api)] = api.read("/v1/stock/CUSHION")
    api.order("W-1", ("CUSHION", 6))
    seen[now(api)] = api.read("/v1/stock/CUSHION")
    api.done("/v1/orders/W-1/cancel", {"reason": "no"})
    for seq, before in seen.items():
        assert stock_at(api, seq).json() == before
        assert stock_at(api, time_of(api, seq)).json() == before, "what is shown with a time belongs to it"
    assert [before["on_hand"] for before in seen.values()] == [3, 12, 12]


def test_stock_before_the_first_movement_is_none(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 3)
    assert stock_at(api, now(api) - 1).json()["on_hand"] == 0


@pytest.mark.parametrize("moment", ["2020-01-01T00:00:00Z", "before"])
def test_stock_of_a_sku_before_it_existed_is_not_found(api: Api, moment: str) -> None:
    seq = now(api)
    api.put("/v1/items/TRAY", {"name": "Tray"})
    answer = stock_at(api, seq if moment == "before" else moment, "TRAY")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("sku", ["GHOST", "%20", "x" * 65])
def test_an_unknown_sku_was_never_there(api: Api, sku: str) -> None:
    answer = stock_at(api, 1, sku)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


MALFORMED = [
    "", "-1", "1.5", "x", "1e3", "2026-11-23", "2026-11-23T14:32:00", "2026-13-01T00:00:00Z", "9" * 19, "%D9%A3", "now",
]  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/stock/CUSHION", "/v1/orders/W-1", "/v1/stock/GHOST"])
def test_a_malformed_moment_is_named(api: Api, path: str) -> None:
    for moment in MALFORMED:
        answer = api.get(f"{path}?as_of={moment}")
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request"), moment
        assert "as_of" in answer.json()["detail"]
    assert api.get(f"{path}?as_of=1&as_of=2").status_code == 400
    assert api.get(f"{path}?at=1").status_code == 400


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00%2B01:00"])
def test_the_ends_of_the_calendar_are_no_internal_error(api: Api, moment: str) -> None:
    api.receive("CUSHION", "leipzig", 3)
    assert order_at(api, moment).status_code in (200, 400, 404)
    assert stock_at(api, moment).status_code in (200, 400, 404)


def test_a_moment_to_come_is_now(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 3)
    api.order("W-1", ("CUSHION", 1), customer=ERIKA)
    for moment in (10**17, "2199-01-01T00:00:00%2B05:30"):
        assert stock_at(api, moment).json() == api.read("/v1/stock/CUSHION")
        assert order_at(api, moment).json() == api.read("/v1/orders/W-1")


def test_an_order_before_it_was_placed_is_not_found(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 3)
    seq = now(api)
    api.order("W-1", ("CUSHION", 1))
    for moment in (0, 1, seq, time_of(api, seq), "1969-01-01T00:00:00Z"):
        answer = order_at(api, moment)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert order_at(api, 10**9, "W-2").status_code == 404
    assert order_at(api, 10**9, "W%202").status_code == 404


def life_of_an_order(api: Api) -> dict[int, Any]:
    """Placed, shipped in two parts and closed, reopened by two returns, closed again; as it was read after each step."""
    api.receive("CUSHION", "leipzig", 2)
    seen = {}

    def read() -> None:
        seen[now(api)] = api.read("/v1/orders/W-1")

    first = api.order("W-1", ("CUSHION", 4), customer=ERIKA, ship_to=INVALIDENSTRASSE)
    read()
    api.receive("CUSHION", "berlin", 5)
    read()
    api.done(f"/v1/fulfilments/{first['fulfilments'][0]['id']}/pick")
    read()
    for fulfilment in api.read("/v1/orders/W-1")["fulfilments"]:
        api.done(f"/v1/fulfilments/{fulfilment['id']}/ship")
        read()
    api.node.writer.flush_closed()
    for number in ("ret-1", "ret-2"):
        api.done("/v1/orders/W-1/returns", {"lines": [{"id": "1", "quantity": 1}]})
        read()
        api.node.writer.flush_closed()
        api.done(f"/v1/returns/{number}/receive", {"node": "berlin", "lines": [{"id": "1", "quantity": 1}]})
        read()
        api.node.writer.flush_closed()
    api.done(f"/v1/fulfilments/{first['fulfilments'][0]['id']}/deliver")
    read()
    return seen


def test_an_order_is_answered_as_it_was_open_closed_and_reopened(api: Api) -> None:
    seen = life_of_an_order(api)
    states = [before["state"] for before in seen.values()]
    assert states[0] == "backordered"
    assert states[1] == "open"
    assert states[-1] == "shipped"
    for at, (seq, before) in enumerate(seen.items()):
        assert order_at(api, seq if at % 2 else time_of(api, seq)).json() == before, f"as of record {seq}"
    api.restart()
    assert order_at(api, min(seen)).json() == seen[min(seen)]


def test_an_order_between_two_of_its_records_is_as_after_the_first(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 2)
    api.order("W-1", ("CUSHION", 1))
    before = api.read("/v1/orders/W-1")
    api.receive("CUSHION", "leipzig", 2)
    between = now(api)
    api.done("/v1/orders/W-1/cancel", {"reason": "no"})
    assert order_at(api, between).json() == before


def test_the_people_in_an_order_are_shown_as_long_as_their_key_is_there(api: Api) -> None:
    seen = life_of_an_order(api)
    first = min(seen)
    assert order_at(api, first).json()["customer"] == ERIKA
    assert order_at(api, first).json()["ship_to"] == INVALIDENSTRASSE
    party = next(order for order in api.node.state.closed.newest_orders()).party
    api.node.parties.destroy(party or "", ("contact", "billing"), 1)
    for seq in (min(seen), max(seen)):
        then = order_at(api, seq).json()
        assert (then["customer"], then["ship_to"], then["erased"]) == (None, None, True), "the past is erased too"


def test_the_past_changes_nothing(api: Api) -> None:
    seen = life_of_an_order(api)
    before = (now(api), api.node.digest(True), api.read("/v1/orders/W-1"))
    for seq in list(seen)[:2]:
        order_at(api, seq)
        stock_at(api, seq)
    assert (now(api), api.node.digest(True), api.read("/v1/orders/W-1")) == before


def test_more_than_four_questions_at_once_are_told_to_come_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = asyncio.Event()

    async def wait(self: Helper, arguments: list[str]) -> Ended:
        await let_go.wait()
        return Ended(0, b'{"asked":true}', "")

    monkeypatch.setattr(Helper, "ask", wait)

    async def ask() -> list[Any]:
        asked = [asyncio.create_task(api._call("GET", "/v1/stock/CUSHION?as_of=1")) for _ in range(6)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED, timeout=60)
        assert done
        now = await api._call("GET", "/v1/stock/CUSHION")
        assert now.status_code == 200, "questions about now are answered all the while"
        let_go.set()
        return await asyncio.gather(*asked)

    answers = api.runner.run(ask())
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [503] * 2
    for answer in answers:
        if answer.status_code == 503:
            assert answer.json()["code"] == "overloaded"
            assert int(answer.headers["retry-after"]) >= 1
    assert stock_at(api, 1).json() == {"asked": True}, "the next one is taken"


def test_a_child_that_fails_is_an_internal_error_and_the_next_question_is_taken(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: Helper, arguments: list[str]) -> Ended:
        return Ended(1, b"", "no memory")

    with monkeypatch.context() as patched:
        patched.setattr(Helper, "ask", fail)
        for _ in range(6):
            answer = stock_at(api, 1)
            assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert stock_at(api, 1).status_code == 200


def _helpers_of(parent: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and fields[0] != "Z":
                found += [int(stat.parent.name), *_helpers_of(int(stat.parent.name))]
    return found


def test_questions_about_the_past_are_asked_of_one_helper_that_ends_with_its_node(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 3)
    stock_at(api, 1)
    helpers = _helpers_of(os.getpid())
    assert len(helpers) == 1
    assert stock_at(api, 2).json()["on_hand"] == 3
    assert _helpers_of(os.getpid()) == helpers
    api.restart()
    assert not _helpers_of(os.getpid())
    assert stock_at(api, 2).json()["on_hand"] == 3


def test_a_helper_that_is_gone_is_started_again(api: Api) -> None:
    api.receive("CUSHION", "leipzig", 3)
    stock_at(api, 2)
    (helper,) = _helpers_of(os.getpid())
    os.kill(helper, signal.SIGKILL)
    assert stock_at(api, 2).json()["on_hand"] == 3


def test_a_helper_ends_when_its_node_is_killed_and_when_nobody_asks(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()  # the other node lies beside it, and a new folder there would be taken for a slip
    node = LoggedNode(tmp_path / "killed")
    try:
        assert node.call("GET", "/v1/stock/GHOST?as_of=0")[0] == 404
        node.call("PUT", "/v1/items/MUG", {"name": "Mug"})
        assert node.call("GET", "/v1/stock/MUG?as_of=1")[0] == 200
        helpers = _helpers_of(node.process.pid)
        assert len(helpers) == 1
        node.kill()
        until(lambda: not Path(f"/proc/{helpers[0]}").exists(), "the helper ends")
    finally:
        node.leave_nobody()
    unasked = "from api.cli import asking; asking.IDLE_SECONDS = 0.01; asking.serve_questions()"
    with subprocess.Popen([sys.executable, "-c", unasked], stdin=subprocess.PIPE) as idle:
        assert idle.wait(60) == 0
