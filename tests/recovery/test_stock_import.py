"""`kontor stock import` against a running node: good rows are taken, bad ones told, nothing is done twice."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import main
from tests.recovery.running import RunningNode

SHOP = {
    "nodes": {
        name: {"name": name, "kind": "warehouse", "country": "DE", "latitude": 51.3, "longitude": 12.4}
        for name in ("leipzig", "berlin")
    },
    "items": {sku: {"name": sku} for sku in ("BRASS-KETTLE", "TEA-TOWEL", "OAK-TRAY")},
    "channels": {"web": {"name": "Web", "kind": "web", "country": "DE", "currency": "EUR"}},
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    running = RunningNode(tmp_path_factory.mktemp("stock") / "data")
    running.call("POST", "/v1/configuration", SHOP)
    yield running
    running.stop()


def imported(node: RunningNode, file: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["stock", "import", str(file), "--url", f"http://127.0.0.1:{node.port}", *options])


def on_hand(node: RunningNode, sku: str, where: str) -> int:
    there = node.call("GET", f"/v1/stock/{sku}")[1]["nodes"]
    return next((entry["on_hand"] for entry in there if entry["node"] == where), 0)


def table(path: Path, *rows: str, header: str = "sku,node,quantity", encoding: str = "utf-8") -> Path:
    path.write_bytes("\r\n".join((header, *rows)).encode(encoding))
    return path


def test_good_rows_are_taken_and_the_same_file_again_changes_nothing(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "delivery.csv", "BRASS-KETTLE,leipzig,40", "", "TEA-TOWEL,berlin,7")
    before = on_hand(node, "BRASS-KETTLE", "leipzig")
    for _ in range(2):
        done = imported(node, file)
        assert (done.exit_code, done.stdout) == (0, "delivery.csv: 2 rows, 2 taken, 0 not\n"), done.output
    assert on_hand(node, "BRASS-KETTLE", "leipzig") == before + 40


def test_people_name_columns_as_they_like(node: RunningNode, tmp_path: Path) -> None:
    file = table(
        tmp_path / "lager.csv", "OAK-TRAY;12;berlin", header="Artikel-Nr.;Menge (Stück);Lager", encoding="cp1252"
    )
    unnamed = imported(node, file)
    assert unnamed.exit_code == 1
    assert "name it: --map quantity=COLUMN" in unnamed.output
    done = imported(node, file, "--map", "quantity=Menge (Stück)", "--reason", "feed")
    assert done.exit_code == 0, done.output
    assert on_hand(node, "OAK-TRAY", "berlin") == 12


def test_bad_rows_are_told_with_their_place_and_written_so_that_no_spreadsheet_runs_them(
    node: RunningNode, tmp_path: Path
) -> None:
    file = table(
        tmp_path / "bad.csv",
        "BRASS-KETTLE,leipzig,1",
        "=cmd|' /C calc'!A0,leipzig,1",
        "TEA-TOWEL,moon,1",
        "TEA-TOWEL,leipzig,1.5",
        "TEA-TOWEL,leipzig,0",
        ",leipzig,3",
    )
    errors = tmp_path / "errors.csv"
    done = imported(node, file, "--errors", str(errors), "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["taken"]) == (1, 1)
    assert [(error["row"], error["column"]) for error in found["errors"]] == [
        (3, "sku"), (4, "node"), (5, "quantity"), (6, "quantity"), (7, "sku"),
    ]  # fmt: skip
    with errors.open(newline="") as written:
        rows = list(csv.reader(written))
    assert rows[0] == ["row", "column", "value", "error"]
    assert rows[1] == ["3", "sku", "'=cmd|' /C calc'!A0", "there is no such sku"]
    assert rows[3][3] == "a whole number is needed, without separators"


def test_a_dry_run_changes_nothing(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "dry.csv", "BRASS-KETTLE,leipzig,5", "NO-SUCH,leipzig,5")
    seq = node.call("GET", "/v1/node")[1]["seq"]
    done = imported(node, file, "--dry-run")
    assert (done.exit_code, done.stdout) == (1, "dry.csv: 2 rows, 1 would be taken, 1 not\n")
    assert node.call("GET", "/v1/node")[1]["seq"] == seq


def test_a_row_the_node_refuses_is_left_out_and_the_others_go_on(node: RunningNode, tmp_path: Path) -> None:
    header = "sku,node,quantity,reason"
    file = table(tmp_path / "out.csv", "TEA-TOWEL,leipzig,3,receipt", "OAK-TRAY,leipzig,9,damage", header=header)
    done = imported(node, file)
    assert done.exit_code == 1
    assert "row 3, quantity '9': insufficient_stock: only 0 units" in done.stderr
    assert "1 taken, 1 not" in done.stdout
    assert on_hand(node, "TEA-TOWEL", "leipzig") >= 3


def test_a_row_that_became_right_does_not_make_the_others_count_twice(node: RunningNode, tmp_path: Path) -> None:
    rows = [f"{'NEW-MUG' if at == 3 else 'TEA-TOWEL'},berlin,1" for at in range(1_500)]
    file = table(tmp_path / "mugs.csv", *rows)
    before = on_hand(node, "TEA-TOWEL", "berlin")
    assert "1,499 taken, 1 not" in imported(node, file).stdout
    node.call("PUT", "/v1/items/NEW-MUG", {"name": "Mug"})
    again = imported(node, file)
    assert "rows 2 to 999 of this file were imported before" in again.stderr
    assert (again.exit_code, on_hand(node, "TEA-TOWEL", "berlin")) == (1, before + 1_499)
    assert on_hand(node, "NEW-MUG", "berlin") == 0


def test_the_same_file_with_another_reason_is_another_import(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "twice.csv", "OAK-TRAY,leipzig,9")
    assert imported(node, file).exit_code == 0
    assert imported(node, file, "--reason", "count").exit_code == 0
    assert on_hand(node, "OAK-TRAY", "leipzig") == 9


def test_an_excel_file_is_read_as_it_is(node: RunningNode, tmp_path: Path) -> None:
    xlsx = pytest.importorskip("openpyxl", reason="openpyxl writes the file this test reads")
    book = xlsx.Workbook()
    sheet: Any = book.active
    for row in (
        ("SKU", "Node", "Counted"),
        ("BRASS-KETTLE", "berlin", 17.0),
        (None, None, None),
        ("TEA-TOWEL", "berlin", 4),
    ):
        sheet.append(row)
    book.save(tmp_path / "count.xlsx")
    assert imported(node, tmp_path / "count.xlsx", "--reason", "count").exit_code == 0
    assert on_hand(node, "BRASS-KETTLE", "berlin") == 17
    missing = imported(node, tmp_path / "count.xlsx", "--sheet", "March")
    assert "it has Sheet" in missing.output


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("note.xlsx", b"no workbook", "note.xlsx is no Excel file"),
        ("torn.csv", b'sku,node,quantity\n"BRASS', "torn.csv: "),
    ],
)
def test_what_is_no_table_is_said_in_one_line(
    node: RunningNode, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = imported(node, tmp_path / name)
    assert done.exit_code == 1
    assert words in done.output


def test_a_field_nobody_knows_is_a_mistake_in_the_call(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "delivery.csv", "BRASS-KETTLE,leipzig,40")
    assert imported(node, file, "--map", "colour=red").exit_code == 2
