"""A node whose journal meets an I/O error: no answer for that batch, exit code 1, and a clean restart with all before it."""

import errno
import http.client
import json
from pathlib import Path
from typing import Any

import pytest

from tests.recovery.injecting import Called, InjectedNode, needs_strace, recorded
from tests.recovery.test_kill_node import open_shop, reservation, reserved_units
from tests.recovery.traced_writer import error

pytestmark = needs_strace

ACKNOWLEDGED = 3


def journal_file(directory: Path) -> Path:
    return directory / "journal" / f"{1:020d}" / "data.mdb"


def work(node: InjectedNode) -> list[tuple[int, Any]]:
    """A shop and some reservations; the answers to these."""
    open_shop(node)
    return [node.call("POST", "/v1/reservations", reservation(n), f"cart-{n}")[:2] for n in range(ACKNOWLEDGED)]


def last_commit(directory: Path) -> list[Called]:
    """The calls of the commit after `work`, found in a run without faults: pages, sync, meta page."""
    node = InjectedNode(directory, paths=[journal_file(directory)])
    work(node)
    before = len(recorded(node.record))
    assert node.call("POST", "/v1/reservations", reservation(ACKNOWLEDGED), f"cart-{ACKNOWLEDGED}")[0] == 201
    calls = recorded(node.record)[before:]
    node.stop()
    assert [call.is_meta_write for call in calls] == [False] * (len(calls) - 1) + [True]
    assert calls[-2].name == "fdatasync"
    return calls


def fail(directory: Path, call: Called, what: str) -> None:
    """Let that call fail under the next reservation, and look at what is left."""
    node = InjectedNode(directory, [call.fault(what)], [journal_file(directory)])
    try:
        answers = work(node)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            node.call("POST", "/v1/reservations", reservation(ACKNOWLEDGED), f"cart-{ACKNOWLEDGED}")
        code, said = node.ended()
        assert code == 1
        last = json.loads(said.splitlines()[-1])
        assert (last["level"], last["event"]) == ("critical", "the node ends: a batch could not be made durable")
        node.faults = ()
        node.start()
        everything_is_there(node, answers)
    finally:
        node.stop()


def everything_is_there(node: InjectedNode, answers: list[tuple[int, Any]]) -> None:
    """All that was acknowledged and no more, under its keys too; and what failed can be asked for again."""
    assert node.call("GET", "/v1/node")[1]["seq"] == 2 + ACKNOWLEDGED
    for number, (_, body) in enumerate(answers):
        assert node.call("GET", f"/v1/reservations/{body['id']}")[:2] == (200, body)
        assert node.call("POST", "/v1/reservations", reservation(number), f"cart-{number}")[:2] == (201, body)
    assert node.call("POST", "/v1/reservations", reservation(ACKNOWLEDGED), f"cart-{ACKNOWLEDGED}")[0] == 201
    lines = [reservation(number)["lines"][0] for number in range(ACKNOWLEDGED + 1)]
    expected = {sku: sum(line["quantity"] for line in lines if line["sku"] == sku) for sku in reserved_units(node)}
    assert reserved_units(node) == expected


@pytest.fixture(scope="module")
def commit(tmp_path_factory: pytest.TempPathFactory) -> list[Called]:
    """The calls of the commit that is to fail."""
    return last_commit(tmp_path_factory.mktemp("whole") / "data")


def test_an_error_at_the_sync_ends_the_node_unanswered_and_it_starts_again(
    commit: list[Called], tmp_path: Path
) -> None:
    fail(tmp_path / "data", commit[-2], error(errno.EIO))


def test_an_error_at_a_page_ends_the_node_unanswered_and_it_starts_again(commit: list[Called], tmp_path: Path) -> None:
    fail(tmp_path / "data", commit[0], error(errno.EIO))


@pytest.mark.parametrize("what", [error(errno.EIO), "retval=60"])
def test_an_error_at_the_meta_page_ends_the_node_unanswered_and_it_starts_again(
    commit: list[Called], tmp_path: Path, what: str
) -> None:
    fail(tmp_path / "data", commit[-1], what)
