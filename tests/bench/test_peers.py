"""What Kontor is compared with runs tiny, where it is installed, and keeps books that are audited like Kontor's."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bench.peers import compare, postgresql, redis, sqlite
from bench.peers.common import AREAS_COUNT, NotInstalled, Unsound, Wanted, node_orders, requests
from bench.workloads import SIZES


def figures_of(measure: Any) -> list[dict[str, Any]]:
    try:
        return list(measure)
    except NotInstalled as reason:
        pytest.skip(str(reason))


def test_every_peer_gets_the_same_requests_and_the_nodes_from_near_to_far() -> None:
    assert list(requests(SIZES["tiny"], 20, hot=False)) == list(requests(SIZES["tiny"], 20, hot=False))
    assert {len(one.lines) for one in requests(SIZES["tiny"], 20, hot=True)} == {1}
    orders = node_orders(SIZES["tiny"])
    assert len(orders) == AREAS_COUNT
    assert all(sorted(order) == [0, 1, 2] for order in orders)


def test_sqlite_reserves_all_or_nothing_from_the_first_node_that_has_everything(tmp_path: Path) -> None:
    store = sqlite.Store(tmp_path, "tiny")
    near, next_one, *_ = store.orders[5]
    store.connection.execute("UPDATE stock SET available = 1, reserved = reserved WHERE sku = 4 AND node = ?", (near,))
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), b"one") == (1, near)
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), b"two") == (2, next_one)
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), b"two") == (2, -1)  # the same key, the same reservation
    store.connection.execute("UPDATE stock SET available = 0 WHERE sku = 4")
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), b"three") is None
    made = store.connection.execute("SELECT count(*) FROM journal").fetchone()
    assert made == (4,)


def test_books_that_do_not_add_up_are_found_out(tmp_path: Path) -> None:
    store = sqlite.Store(tmp_path, "tiny")
    store.reserve(Wanted(((3, 2),), 0), None)
    assert store.audit() == 1
    store.connection.execute("UPDATE journal SET units = 1")
    with pytest.raises(Unsound):
        store.audit()


def test_sqlite_in_process_makes_every_reservation(tmp_path: Path) -> None:
    found = list(sqlite.in_process(tmp_path, "tiny", 60, batches=(1, 50)))
    assert [(one["count"], one["batch"], one["hot"]) for one in found] == [
        (60, 1, False), (60, 50, False), (60, 1, True), (60, 50, True)
    ]  # fmt: skip
    assert {one["sqlite"] for one in found} == {sqlite3.sqlite_version}


def test_postgresql_reserves_by_clients_and_in_batches(tmp_path: Path) -> None:
    found = figures_of(postgresql.measure(tmp_path, "tiny", (2,), 1))
    assert [one["clients"] for one in found] == [2, 1, 2, 1]
    assert all(one["per_second"] > 0 for one in found)


def test_redis_reserves_by_clients(tmp_path: Path) -> None:
    found = figures_of(redis.measure(tmp_path, "tiny", (2,), 0.1))
    assert [(one["clients"], one["hot"]) for one in found] == [(2, False), (2, True)]


def test_kontor_and_the_others_are_asked_in_turn_over_http(tmp_path: Path) -> None:
    found = compare.over_http(tmp_path, "tiny", 2, hot=False, seconds=0.3, rounds=1)
    assert found["failed"] == 0
    for name in compare.SERVERS:
        assert found[name]["per_second"] > 0
    assert {name for name in found if name.startswith("times ")} == {f"times {name}" for name in compare.SERVERS[1:]}
