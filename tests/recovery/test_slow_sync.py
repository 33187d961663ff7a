"""A disk that takes its time: everybody is answered in the end, a node's memory stays flat, and it recovers at once."""

import re
from pathlib import Path

import pytest

from tests.recovery.crowd import Crowd, request_bytes
from tests.recovery.injecting import Fault, InjectedNode, needs_strace
from tests.recovery.test_kill_node import open_shop, reservation, reserved_units

pytestmark = needs_strace

MEMORY_GROWTH_MAX = 48 * 1024 * 1024


def memory_bytes(node: InjectedNode) -> int:
    """What the node keeps in memory now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{node.process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def stall(directory: Path, fault: Fault, clients: int, requests: int) -> None:
    """All requests while every commit is held up, then as many undisturbed; nothing is lost and nothing piles up."""
    node = InjectedNode(directory, [fault], [directory / "journal" / f"{1:020d}" / "data.mdb"])
    try:
        open_shop(node)
        asked = [request_bytes("/v1/reservations", reservation(n), f"cart-{n}") for n in range(requests)]
        before = memory_bytes(node)
        first = Crowd(node.port, asked, clients).run()
        assert {answer.status for answer in first} == {201}
        assert len({answer.body for answer in first}) == requests
        assert memory_bytes(node) - before < MEMORY_GROWTH_MAX
        expected = dict.fromkeys(reserved_units(node), 0)
        for number in range(requests):
            line = reservation(number)["lines"][0]
            expected[line["sku"]] += line["quantity"]
        assert reserved_units(node) == expected
        digest = node.call("GET", "/v1/node?digest=fresh")[1]["digest"]
        node.kill()
        node.faults = ()
        node.start()
        assert node.call("GET", "/v1/node?digest=fresh")[1]["digest"] == digest
        again = Crowd(node.port, asked, clients).run()
        assert again == first, "the same keys find the same answers"
    finally:
        node.stop()


@pytest.mark.slow
def test_everybody_is_answered_although_every_sync_takes_long(tmp_path: Path) -> None:
    stall(tmp_path / "data", Fault("fdatasync", "delay_exit=200000", "3+"), clients=200, requests=600)


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fdatasync", "pwrite64"])
def test_everybody_is_answered_although_many_writes_take_a_second(tmp_path: Path, call: str) -> None:
    stall(tmp_path / "data", Fault(call, "delay_exit=1000000", "6..20"), clients=1_000, requests=10_000)


def test_a_sync_that_is_stuck_for_a_while_holds_up_and_loses_nothing(tmp_path: Path) -> None:
    stall(tmp_path / "data", Fault("fdatasync", "delay_exit=1000000", "4"), clients=300, requests=600)
