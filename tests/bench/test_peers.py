"""What Kontor is compared with runs tiny, where it is installed, and keeps books that are audited like Kontor's."""

import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.peers import compare, contestants, postgresql, redis, sqlite
from bench.peers.common import AREAS_COUNT, Unsound, Wanted, node_orders, requests
from bench.peers.contestants import Load
from bench.workloads import SIZES


def or_skip(name: str) -> None:
    reason = compare.available()[name]
    if reason is not None:
        pytest.skip(reason)


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
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), "one") == (1, near)
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), "two") == (2, next_one)
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), "two") == (2, next_one)  # the same key, the same reservation
    store.connection.execute("UPDATE stock SET available = 0 WHERE sku = 4")
    assert store.reserve(Wanted(((3, 1), (4, 1)), 5), "three") is None
    made = store.connection.execute("SELECT count(*) FROM journal").fetchone()
    assert made == (4,)


def test_postgresql_reserves_all_or_nothing_from_the_first_node_that_has_everything(tmp_path: Path) -> None:
    or_skip("PostgreSQL")
    near, next_one, *_ = node_orders(SIZES["tiny"])[5]
    with postgresql.cluster(tmp_path / "cluster", "tiny") as found:

        def reserve(key: str) -> str:
            return found.sql(f"SELECT number, chosen FROM reserve('{key}', ARRAY[3, 4], ARRAY[1, 1], 5)").strip()

        found.sql(f"UPDATE stock SET available = 1 WHERE sku = 4 AND node = {near}")
        assert [reserve(key) for key in ("one", "two", "two")] == [f"1|{near}", f"2|{next_one}", f"2|{next_one}"]
        found.sql("UPDATE stock SET available = 0 WHERE sku = 4")
        assert reserve("three") == "|"
        assert found.sql("SELECT count(*) FROM journal").strip() == "4"
        with pytest.raises(Unsound):
            postgresql.audit(found)  # stock was taken away by hand


def test_redis_reserves_all_or_nothing_from_the_first_node_that_has_everything(tmp_path: Path) -> None:
    or_skip("Redis")
    near, next_one, *_ = node_orders(SIZES["tiny"])[5]
    with redis.server(tmp_path / "redis", "tiny") as command:

        def ask(*words: str) -> str:
            return subprocess.run([*command, *words], capture_output=True, text=True, check=True).stdout.strip()

        def reserve(key: str) -> str:
            return ask("EVAL", redis.script("tiny"), "0", key, "5", "1", "3", "4")

        ask("HSET", f"available:{near}", "4", "1")
        assert [reserve(key) for key in ("one", "two", "two")] == ["1", "2", "2"]
        for node in range(3):
            ask("HSET", f"available:{node}", "4", "0")
        assert reserve("three") == ""
        assert ask("LRANGE", "journal", "0", "-1").splitlines() == [
            f"1 3 {near} 1", f"1 4 {near} 1", f"2 3 {next_one} 1", f"2 4 {next_one} 1"
        ]  # fmt: skip
        with pytest.raises(Unsound):
            redis.audit(command, "tiny")  # stock was taken away by hand


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


def test_kontor_and_all_others_are_asked_in_turn_and_their_books_are_what_they_answered(tmp_path: Path) -> None:
    found = compare.side_by_side(tmp_path / "spread", Load("tiny", 2, False, 0.3), rounds=1)
    assert (found["failed"], found["refused"]) == (0, 0)
    names = [name for name, value in found.items() if isinstance(value, dict)]
    assert names[0] == "kontor"
    assert {"starlette over sqlite", "empty starlette", "bare protocol"} <= set(names)
    assert all(found[name]["per_second"] > 0 for name in names)
    assert {name for name in found if name.startswith("times ")} == {f"times {name}" for name in names[1:]}


def test_everyone_may_want_the_same_sku(tmp_path: Path) -> None:
    found = compare.side_by_side(tmp_path / "hot", Load("tiny", 2, True, 0.3), rounds=1)
    assert (found["hot"], found["failed"], found["refused"]) == (True, 0, 0)


@pytest.mark.parametrize("name", compare.NEEDED)
def test_what_is_installed_takes_part(tmp_path: Path, name: str) -> None:
    or_skip(name)
    opens = contestants.ALL[name.lower().rpartition(" ")[2]]
    with opens(tmp_path / "one", Load("tiny", 2, False, 0.3)) as everyone:
        for one in everyone:
            one.go(seed=0)
        assert name.lower() in " ".join(one.name for one in everyone)


def test_what_is_not_installed_is_said_with_how_to_have_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None)
    monkeypatch.setattr(compare, "LOADS", ())
    monkeypatch.setattr(compare, "IN_PROCESS_COUNT", 10)
    found = list(compare.measure(tmp_path, "tiny", 0.3, rounds=1))
    (redis_is,) = [one for one in found if one["what"] == "peer: Redis"]
    assert "make bench-peers" in redis_is["skipped"]
    assert found[-1]["what"].startswith("peer: SQLite in process")


def test_a_peer_that_answered_more_than_it_wrote_is_found_out(tmp_path: Path) -> None:
    with (
        pytest.raises(Unsound, match="Starlette over SQLite"),
        contestants.over_sqlite(tmp_path, Load("tiny", 1, False, 0.3)) as (one,),
    ):
        one.runs.append({"accepted": 1})


def test_a_run_that_is_stopped_leaves_no_server_and_no_data_behind(tmp_path: Path) -> None:
    words = ("--size", "tiny", "--only", "peers", "--data", str(tmp_path))
    stopped = subprocess.Popen([sys.executable, "-m", "bench", *words], stdout=subprocess.DEVNULL)
    try:
        opened = "redis/appendonlydir" if compare.available()["Redis"] is None else "sqlite/shop.db"
        while not list(tmp_path.glob(f"*/peers/1-spread/{opened}")):
            assert stopped.poll() is None
            time.sleep(0.02)  # the peers are starting
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(300) == 128 + signal.SIGTERM
    finally:
        stopped.kill()
    assert list(tmp_path.iterdir()) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tmp_path) not in running
