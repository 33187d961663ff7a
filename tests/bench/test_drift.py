"""Ratios of speeds and their history."""

import json
from pathlib import Path

from click.testing import CliRunner

from bench.drift import RATIOS, compared, drift, drifted


def history(*values: float) -> list[dict[str, dict[str, float]]]:
    return [{"ratios": {"over HTTP with keys / without": value}} for value in values]


def test_a_ratio_that_stays_within_what_it_always_did_has_not_drifted() -> None:
    assert drifted(0.93, [0.90, 0.88, 0.91]) is None
    assert drifted(0.50, [0.60, 0.40, 0.55, 0.45]) is None


def test_a_ratio_that_leaves_its_history_has_drifted_by_so_much() -> None:
    assert drifted(0.45, [0.90, 0.88, 0.91]) == -0.5
    assert drifted(0.45, [0.90, 0.88]) is None, "two lines are no history"


def test_the_table_says_which_way_it_went() -> None:
    lines, any_drift = compared({"over HTTP with keys / without": 0.45}, history(0.90, 0.88, 0.91))
    assert any_drift
    assert lines[-1].endswith("-50.0%  SLOWER than its history")
    assert compared({"new": 1.0}, history(0.9))[0][-1].endswith("first of its kind")


def test_every_ratio_is_measured_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "ratios.jsonl"
    for _ in range(2):
        done = CliRunner().invoke(drift, ["--size", "tiny", "--rounds", "1", "--history", str(file), "--strict"])
        assert done.exit_code == 0, done.output
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert [set(line["ratios"]) for line in kept] == [set(RATIOS)] * 2
    assert all(value > 0 for line in kept for value in line["ratios"].values())
