"""Every bench runs tiny, so that none rots. Nothing here looks at a clock."""

from pathlib import Path

import pytest

from bench import core, http, sourcing, upkeep
from bench.conditions import conditions
from bench.report import as_text
from bench.workloads import SIZES

TINY = SIZES["tiny"]


@pytest.mark.parametrize("skew", ["zipf", "even", "hot"])
def test_the_core_bench_makes_every_reservation(skew: str) -> None:
    figures = core.reserve_in_memory(TINY, skew)
    assert (figures["count"], figures["refused"]) == (TINY.reservations, 0)


@pytest.mark.parametrize("batch", [1, 50])
def test_the_journal_bench_makes_every_reservation(tmp_path: Path, batch: int) -> None:
    figures = core.reserve_durably(tmp_path / "journal", TINY, "zipf", batch, 100)
    assert (figures["count"], figures["refused"], figures["durable"]) == (100, 0, True)


def test_the_order_bench_ships_every_order(tmp_path: Path) -> None:
    assert core.whole_orders(tmp_path / "journal", TINY, 50, 100)["count"] == 100


@pytest.mark.parametrize("keyed", [False, True])
def test_the_http_bench_compares_with_the_floor(tmp_path: Path, keyed: bool) -> None:
    figures = http.against_the_floor(tmp_path / "data", "tiny", connections=2, seconds=0.3, rounds=1, keyed=keyed)
    assert figures["failed"] == 0
    assert figures["kontor"]["per_second"] > 0
    assert "ratio" in as_text(figures)


def test_every_placement_of_the_commit_serves_the_same(tmp_path: Path) -> None:
    figures = http.placements(tmp_path, "tiny", connections=2, seconds=0.3, rounds=1)
    assert [entry["what"].split()[-1] for entry in figures] == ["loop", "commit-thread", "writer-thread"]
    assert all(entry["per_second"] > 0 for entry in figures)


@pytest.mark.slow
def test_the_upkeep_bench_restarts_snapshots_and_backs_up(tmp_path: Path) -> None:
    found = {figures["what"]: figures for figures in upkeep.measure(tmp_path, "tiny", 200, rate=50)}
    assert list(found) == [
        "restart by replay",
        "a steady load, alone",
        "a steady load, snapshot",
        "a steady load, backup",
        "restart from the snapshot",
    ]
    assert found["restart from the snapshot"]["records"] > 200


def test_conditions_name_what_a_number_depends_on(tmp_path: Path) -> None:
    found = conditions(tmp_path)
    assert {"python", "lmdb", "cpus", "file_system", "fdatasync_median_ms"} <= found.keys()


def test_the_sourcing_bench_audits_every_plan() -> None:
    figures = list(sourcing.measure(locations=40, scale=0.01))
    assert [row["what"] for row in figures][-1] == "sourcing: a batch of single-line orders"
    assert all(row["loops_take_times"] >= 0 for row in figures if "loops_take_times" in row)
    assert all(row["unproven"] == 0 for row in figures if row["what"].endswith("whole"))
