"""`kontor calendars make`: what the library knows, date by date, as a document that a node takes."""

import json
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from api.cli.main import main
from engine.commands.configuration import Configure
from tests.api.conftest import Api


def make(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["calendars", "make", *map(str, arguments)])


def test_a_country_and_a_part_of_it_become_calendars(api: Api) -> None:
    made = make("DE", "DE-BY", "--from", 2026, "--to", 2027)
    assert made.exit_code == 0, made.output
    document = json.loads(made.stdout)
    msgspec.convert(document, Configure)
    whole, bavaria = document["calendars"]["DE"], document["calendars"]["DE-BY"]
    assert (whole["countries"], "countries" in bavaria) == (["DE"], False)
    assert {"2026-12-25", "2026-12-26", "2027-01-01"} <= set(whole["dates"])
    assert set(bavaria["dates"]) > set(whole["dates"])
    assert "2026-01-06" in bavaria["dates"], "Epiphany"
    assert all("2026" <= date < "2028" for date in bavaria["dates"])
    assert made.stderr == f"DE: {len(whole['dates'])} dates, DE-BY: {len(bavaria['dates'])} dates, 2026 to 2027\n"
    assert api.done("/v1/configuration", document)["calendars"] == 2
    assert api.read("/v1/calendars/DE-BY")["dates"] == bavaria["dates"]


def test_dates_of_ones_own_are_added_and_others_left_out(tmp_path: Path) -> None:
    file = tmp_path / "holidays.json"
    made = make("AT", "--from", 2026, "--also", "2026-12-24", "--without", "2026-12-26", "--out", file)
    assert (made.exit_code, made.stdout) == (0, "")
    dates = json.loads(file.read_text())["calendars"]["AT"]["dates"]
    assert ("2026-12-24" in dates, "2026-12-26" in dates, "2028-12-25" in dates) == (True, False, True)
    assert dates == sorted(dates)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["XX"], "XX"),
        (["DE-ZZ"], "DE-ZZ"),
        (["DE", "--from", 2027, "--to", 2026], "--to 2026 is before --from 2027"),
        (["DE", "--also", "24.12.2026"], "is no date"),
        ([], "Missing argument"),
    ],
)
def test_what_nobody_knows_is_told(arguments: list[object], said: str) -> None:
    made = make(*arguments)
    assert (made.exit_code, made.stdout) == (2, "")
    assert said in made.stderr


def test_without_the_library_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    made = make("DE")
    assert (made.exit_code, "kontor[calendar]" in made.stderr) == (1, True)
