"""What the page about replay says is so."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from api.cli.main import main
from api.rehearsal.dataset import pounds, read
from api.rehearsal.reconciliation import Fate

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "replay.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^kontor (replay .*)$", PAGE, re.MULTILINE)


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 3


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_works(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    ended = CliRunner().invoke(main, [*shlex.split(command), "--days", "2"])
    assert ended.exit_code == 0, ended.output
    if "--json" in command:
        report = json.loads(ended.stdout)
        assert report["rows"]["matches"] is True
        assert report["rows"]["total"] == report["rows"]["file"]
    else:
        assert "every row accounted for" in ended.stdout


def test_every_fate_and_class_has_a_row_on_the_page() -> None:
    for fate in Fate:
        assert f"| {fate.value} |" in PAGE
    for kind in read(ROOT / "examples" / "online_retail_2010-12.csv.gz").by_class():
        assert f"| {kind.value} |" in PAGE


def test_the_tables_of_the_page_add_up() -> None:
    for first, last in (("| malformed", "| all |"), ("| order line |", "| sum |")):
        table = PAGE[PAGE.index(first) :].split("\n\n")[0].splitlines()
        rows = [[cell.strip().replace(",", "") for cell in line.strip("|").split("|")][-3:] for line in table]
        assert table[-1].startswith(last)
        for column in range(3):
            figures = [int(row[column].replace(".", "")) for row in rows]
            assert sum(figures[:-1]) == figures[-1]
        assert pounds(int(rows[-1][2].replace(".", ""))) == "9,747,747.934"


def test_both_ways_at_once_and_neither_dataset_nor_number_are_usage_errors() -> None:
    december = str(ROOT / "examples" / "online_retail_2010-12.csv.gz")
    for arguments in (
        [december, "--data", "x", "--url", "http://127.0.0.1:1"],
        ["no-such-file.csv"],
        [december, "--stock-factor", "0"],
        [december, "--stock-factor", "plenty"],
        [december, "--connections", "0"],
    ):
        assert CliRunner().invoke(main, ["replay", *arguments]).exit_code == 2
