"""What every table of closed things promises, on disk or in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.wal import ClosedEntry, ClosedTable, MemoryClosedTable

Table = ClosedTable | MemoryClosedTable


@pytest.fixture(params=["memory", "lmdb"])
def table(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Table]:
    made: Table = MemoryClosedTable() if request.param == "memory" else ClosedTable(tmp_path / "closed")
    yield made
    made.close()


def order(serial: int, number: str, value: bytes, *aliases: str, table: str = "orders") -> ClosedEntry:
    return ClosedEntry(table, serial, number, aliases, value)


def test_a_new_table_knows_nothing(table: Table) -> None:
    assert table.through_seq == 0
    assert table.get("orders", "W-1") is None
    assert table.get_by_alias("orders", "f1") is None
    assert list(table.newest("orders")) == []


def test_a_closed_thing_is_found_by_key_and_by_every_alias(table: Table) -> None:
    table.store([order(7, "W-1", b"kettle", "f1", "f2", "r1"), order(8, "W-2", b"towel", "f3")], 9)
    assert table.get("orders", "W-1") == b"kettle"
    assert [table.get_by_alias("orders", alias) for alias in ("f1", "f2", "r1", "f3")] == [b"kettle"] * 3 + [b"towel"]
    assert table.through_seq == 9


def test_what_closes_again_replaces_what_was_there(table: Table) -> None:
    table.store([order(7, "W-1", b"shipped", "f1")], 9)
    table.store([order(7, "W-1", b"delivered", "f1", "r1")], 12)
    assert table.get("orders", "W-1") == table.get_by_alias("orders", "f1") == b"delivered"
    assert list(table.newest("orders")) == [(7, b"delivered")]


def test_names_of_one_table_mean_nothing_in_another(table: Table) -> None:
    table.store([order(1, "1", b"an order"), order(1, "1", b"a reservation", table="reservations")], 1)
    assert table.get("orders", "1") == b"an order"
    assert table.get("reservations", "1") == b"a reservation"
    assert list(table.newest("orders")) == [(1, b"an order")]
    assert list(table.newest("reservations")) == [(1, b"a reservation")]
    assert list(table.newest("returns")) == []


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250])
def test_the_youngest_come_first_page_after_page(table: Table, count: int) -> None:
    table.store([order(i * 3, f"W-{i}", b"%d" % i) for i in range(1, count + 1)], count * 3)
    table.store([order(5, "5", b"x", table="reservations"), order(4, "4", b"x", table="a")], count * 3 + 1)
    everything = [(i * 3, b"%d" % i) for i in range(count, 0, -1)]
    assert list(table.newest("orders")) == everything
    for before in (0, 1, 3, 4, 150, 300, 10**9):
        assert list(table.newest("orders", before)) == [entry for entry in everything if entry[0] < before]


def test_storing_nothing_still_says_how_far_it_is(table: Table) -> None:
    table.store([], 42)
    assert table.through_seq == 42


def test_a_cleared_table_is_like_new(table: Table) -> None:
    table.store([order(7, "W-1", b"kettle", "f1")], 9)
    table.clear()
    assert table.through_seq == 0
    assert table.get("orders", "W-1") is None
    assert table.get_by_alias("orders", "f1") is None
    assert list(table.newest("orders")) == []
    table.store([order(7, "W-1", b"again", "f1")], 9)
    assert table.get("orders", "W-1") == b"again"


def test_a_table_on_disk_keeps_what_it_was_told(tmp_path: Path) -> None:
    table = ClosedTable(tmp_path / "closed")
    table.store([order(7, "W-1", b"kettle" * 200_000, "f1")], 9)
    table.close()
    again = ClosedTable(tmp_path / "closed")
    assert (again.through_seq, again.get_by_alias("orders", "f1")) == (9, b"kettle" * 200_000)
    again.close()


def test_a_table_on_disk_grows_past_its_first_map(tmp_path: Path) -> None:
    table = ClosedTable(tmp_path / "closed")
    for i in range(8):
        table.store([order(i, f"W-{i}", bytes([i]) * 1_500_000)], i)
    assert [table.get("orders", f"W-{i}") for i in range(8)] == [bytes([i]) * 1_500_000 for i in range(8)]
    table.close()
