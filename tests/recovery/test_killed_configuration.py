"""A large configuration is applied whole or not at all, wherever the node is killed while it takes it."""

import http.client
import json
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from tests.recovery.logged_node import LoggedNode, until

ITEMS = {f"SKU-{number:05}": {"name": f"Thing number {number}"} for number in range(12_000)}
ENTRIES_A_RECORD = 200


def _last_seq(node: LoggedNode) -> int:
    """0 as long as nothing is told."""
    try:
        return int(node.call("GET", "/v1/node")[1]["seq"])
    except (OSError, http.client.HTTPException, ValueError):
        return 0


def _ask(node: LoggedNode) -> None:
    with suppress(OSError, http.client.HTTPException):  # it is killed
        node.call("POST", "/v1/configuration", {"items": ITEMS}, key="whole-range")


def _is_free(node: LoggedNode) -> bool:
    return node.call("PUT", "/v1/items/MUG", {"name": "Mug"})[0] == 200


@pytest.mark.parametrize("after", [0, 1, 9, 34])
def test_killed_while_it_applies_a_configuration_a_node_ends_with_all_of_it_or_none(tmp_path: Path, after: int) -> None:
    node = LoggedNode(tmp_path / "data")
    try:
        asking = threading.Thread(target=_ask, args=(node,))
        asking.start()
        if after:
            until(lambda: _last_seq(node) >= after, "some records are written")
        node.kill_all()
        asking.join()
        node.start()
        begun = bool(node.log("going on with a configuration"))
        until(lambda: _is_free(node), "it is applied")
        document = node.call("GET", "/v1/configuration")[1]
        there = [sku for sku in document["items"] if sku != "MUG"]
        assert len(there) in ((len(ITEMS),) if begun or after else (0, len(ITEMS)))
        status, answer, headers = node.call("POST", "/v1/configuration", {"items": ITEMS}, key="whole-range")
        assert (status, answer["items"]) == (200, len(ITEMS)), (begun, headers)
        assert len(json.dumps(node.call("GET", "/v1/configuration")[1]["items"])) > 100 * ENTRIES_A_RECORD
    finally:
        node.leave_nobody()
