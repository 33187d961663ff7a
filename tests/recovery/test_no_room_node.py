"""A node that finds no room to grow its journal: 507 for changes, reads go on, and it goes on by itself when that has passed."""

import errno
import random
from pathlib import Path
from typing import Any

import pytest

from engine.wal.errors import FULL_ERRNOS
from tests.recovery.injecting import Called, Fault, InjectedNode, needs_strace, recorded
from tests.recovery.test_kill_node import open_shop, reservation
from tests.recovery.traced_writer import error

pytestmark = needs_strace

SEGMENT_BYTES_MAX = 300_000
QUOTA_AND_LIMIT = [pytest.param(n, marks=pytest.mark.slow) for n in FULL_ERRNOS if n != errno.ENOSPC]


def journal_file(directory: Path) -> Path:
    return directory / "journal" / f"{1:020d}" / "data.mdb"


def movement(number: int, lines: int) -> dict[str, Any]:
    """A receipt of many lines with long notes, which no packing makes short: much for the journal to make room for."""
    line = {"sku": "TEA-TOWEL", "node": "berlin", "reason": "receipt", "quantity": 1}
    chance = random.Random(number)
    return {"lines": [line | {"note": f"{number}-{i} {chance.randbytes(245).hex()}"} for i in range(lines)]}


LARGE = movement(0, 450)  # more than the first map takes


def opened(node: InjectedNode) -> Any:
    """A shop with one reservation, as it was answered."""
    open_shop(node)
    status, first, _ = node.call("POST", "/v1/reservations", reservation(1), "cart-1")
    assert status == 201
    return first


def refused_then_taken(node: InjectedNode, first: Any) -> int:
    """A change is refused with 507 for a while, and at last taken. Gives how often it was refused; ends the node."""
    try:
        before = node.call("GET", "/v1/node?digest=fresh")[1]
        refused = 0
        while (answer := node.call("POST", "/v1/stock/movements", LARGE, "large"))[0] != 201:
            assert (answer[0], answer[1]["code"]) == (507, "storage_full")
            again = node.call("POST", "/v1/reservations", reservation(1), "cart-1")
            assert again[:2] == (201, first), "an old key is answered"
            assert node.call("GET", f"/v1/reservations/{first['id']}")[:2] == (200, first), "reads go on"
            after = node.call("GET", "/v1/node?digest=fresh")[1]
            assert (after["seq"], after["digest"]) == (before["seq"], before["digest"]), "nothing half done"
            refused += 1
            assert refused < 20, "it does not go on"
        after = node.call("GET", "/v1/node?digest=fresh")[1]
        assert after["seq"] == before["seq"] + 1
        node.kill()
        node.faults = ()
        node.start()
        found = node.call("GET", "/v1/node?digest=fresh")[1]
        assert (found["seq"], found["digest"]) == (after["seq"], after["digest"])
    finally:
        node.stop()
    return refused


@pytest.fixture(scope="module")
def growth(tmp_path_factory: pytest.TempPathFactory) -> list[Called]:
    """The calls with which the map grows under `LARGE`, found in a run without faults: promise the blocks, write them, sync."""
    directory = tmp_path_factory.mktemp("whole") / "data"
    node = InjectedNode(directory, paths=[journal_file(directory)])
    record = node.record
    assert refused_then_taken(node, opened(node)) == 0
    calls = recorded(record)
    begin = next(i for i, call in enumerate(calls) if call.name == "fallocate")
    end = next(i for i in range(begin, len(calls)) if calls[i].name == "fsync")
    return calls[begin : end + 1]


@pytest.mark.parametrize("number", [errno.ENOSPC, *QUOTA_AND_LIMIT])
def test_a_node_that_is_not_given_blocks_answers_507_and_goes_on_when_it_is(tmp_path: Path, number: int) -> None:
    directory = tmp_path / "data"
    node = InjectedNode(directory, [Fault("fallocate", error(number), "1..3")], [journal_file(directory)])
    assert refused_then_taken(node, opened(node)) == 3


@pytest.mark.parametrize("number", [errno.ENOSPC, *QUOTA_AND_LIMIT])
@pytest.mark.parametrize("at", [1, -1], ids=["blocks", "sync"])
def test_a_node_whose_new_blocks_cannot_be_written_answers_507_and_goes_on(
    growth: list[Called], tmp_path: Path, at: int, number: int
) -> None:
    directory = tmp_path / "data"
    node = InjectedNode(directory, [growth[at].fault(error(number))], [journal_file(directory)])
    assert refused_then_taken(node, opened(node)) == 1


@pytest.mark.parametrize("number", [errno.ENOSPC, *QUOTA_AND_LIMIT])
def test_a_node_that_cannot_start_a_segment_answers_507_and_goes_on_when_it_can(tmp_path: Path, number: int) -> None:
    directory = tmp_path / "data"
    # Any may be the next one. A read looks for room too, so there are more failures than refusals.
    folders = [directory / "journal" / f"{seq:020d}.new" for seq in range(2, 300)]
    node = InjectedNode(directory, [Fault("mkdir", error(number), "1..12")], folders, SEGMENT_BYTES_MAX)
    first, sent = opened(node), 0
    while node.call("GET", "/v1/node")[1]["journal_bytes"] < SEGMENT_BYTES_MAX:
        sent += 1
        assert node.call("POST", "/v1/stock/movements", movement(sent, 100))[0] == 201
    assert refused_then_taken(node, first) >= 2
    assert len(list((directory / "journal").iterdir())) >= 2
