"""`kontor stock import` against a running node: good rows are taken, bad ones told, nothing is done twice."""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import main
from tests.recovery.running import RunningNode

SHOP: dict[str, Any] = {
    "nodes": {
        name: {"name": name, "kind": "warehouse", "country": "DE", "latitude": 51.3, "longitude": 12.4}
        for name in ("leipzig", "berlin")
    },
    "items": {sku: {"name": sku} for sku in ("BRASS-KETTLE", "TEA-TOWEL", "OAK-TRAY", "GLASS-JAR")},
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
    status, answer, _ = node.call("GET", f"/v1/stock/{sku}")
    assert status == 200, answer
    there = answer["nodes"]
    return next((entry["on_hand"] for entry in there if entry["node"] == where), 0)


def table(path: Path, *rows: str, header: str = "sku,node,quantity", encoding: str = "utf-8") -> Path:
    path.write_bytes("\r\n".join((header, *rows)).encode(encoding))
    return path


def test_good_rows_are_taken_and_the_same_file_again_says_that_it_changes_nothing(
    node: RunningNode, tmp_path: Path
) -> None:
    file = table(tmp_path / "delivery.csv", "BRASS-KETTLE,leipzig,40", "", "TEA-TOWEL,berlin,7")
    before = on_hand(node, "BRASS-KETTLE", "leipzig")
    done = imported(node, file)
    assert (done.exit_code, done.stdout) == (0, "delivery.csv: 2 rows, 2 taken, 0 not\n"), done.output
    again = imported(node, file)
    assert again.exit_code == 3
    said = r"delivery.csv: 2 rows, 0 taken, 2 already taken at 20..-..-.. ..:.. UTC, nothing changed \(--again takes them once more\), 0 not\n"
    assert re.fullmatch(said, again.stdout), again.output
    found = json.loads(imported(node, file, "--json").stdout)
    assert (found["taken"], found["already_taken"], found["errors"]) == (0, 2, [])
    assert found["already_taken_at"].endswith("Z")
    assert on_hand(node, "BRASS-KETTLE", "leipzig") == before + 40


def test_a_second_delivery_with_the_same_note_is_taken_when_it_is_meant(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "daily.csv", "BRASS-KETTLE,leipzig,6")
    before = on_hand(node, "BRASS-KETTLE", "leipzig")
    for times in (1, 2, 3):
        assert imported(node, file, "--again").exit_code == 0
        assert on_hand(node, "BRASS-KETTLE", "leipzig") == before + 6 * times


@pytest.mark.parametrize("reason", ["feed", "count"])
def test_the_same_feed_or_count_again_says_once_more_what_is_there(
    node: RunningNode, tmp_path: Path, reason: str
) -> None:
    file = table(tmp_path / f"{reason}.csv", "OAK-TRAY,berlin,5")
    miscounted = {"lines": [{"sku": "OAK-TRAY", "node": "berlin", "reason": "count", "quantity": 0}]}
    for _ in range(2):
        done = imported(node, file, "--reason", reason)
        assert (done.exit_code, done.stdout) == (0, f"{reason}.csv: 1 rows, 1 taken, 0 not\n")
        assert on_hand(node, "OAK-TRAY", "berlin") == 5
        assert node.call("POST", "/v1/stock/movements", miscounted)[0] == 201


def test_a_file_of_both_counts_again_and_does_not_receive_again(node: RunningNode, tmp_path: Path) -> None:
    header = "sku,node,quantity,reason"
    file = table(tmp_path / "both.csv", "OAK-TRAY,berlin,5,count", "TEA-TOWEL,berlin,2,receipt", header=header)
    before = on_hand(node, "TEA-TOWEL", "berlin")
    assert imported(node, file).exit_code == 0
    node.call("POST", "/v1/counts", {"node": "berlin", "lines": [{"sku": "OAK-TRAY", "counted": 1}]})
    again = imported(node, file, "--json")
    found = json.loads(again.stdout)
    assert (again.exit_code, found["taken"], found["already_taken"]) == (3, 1, 1)
    assert (on_hand(node, "OAK-TRAY", "berlin"), on_hand(node, "TEA-TOWEL", "berlin")) == (5, before + 2)


def test_of_two_rows_that_say_what_is_there_of_a_sku_neither_is_taken(node: RunningNode, tmp_path: Path) -> None:
    """A stocktaking list by bin: rows of one SKU stand thousands of rows apart, and one of them may be unreadable."""
    node.call("POST", "/v1/configuration", {"items": {f"BOLT-{at}": {"name": "Bolt"} for at in range(2_500)}})
    rows = [f"BOLT-{at},leipzig,2,bin {at}" for at in range(2_500)]
    rows[4] = "BOLT-4,leipzig,four,bin 4"
    rows += ["BOLT-1,leipzig,4,bin 9", " BOLT-4 ,leipzig,4,bin 9", "BOLT-7,berlin,4,bin 9"]
    file = table(tmp_path / "bins.csv", *rows, header="sku,node,quantity,note")
    done = imported(node, file, "--reason", "count")
    assert done.exit_code == 1
    assert "2,499 taken, 4 not" in done.stdout
    assert "row 3, sku 'BOLT-1': row 2502 names it at leipzig too" in done.stderr
    assert "row 2502, sku 'BOLT-1': row 3 names it at leipzig too" in done.stderr
    assert "row 6, quantity 'four'" in done.stderr
    assert "row 2503, sku 'BOLT-4'" in done.stderr
    assert [on_hand(node, sku, "leipzig") for sku in ("BOLT-1", "BOLT-4", "BOLT-7")] == [0, 0, 2]
    assert imported(node, file, "--reason", "receipt").exit_code == 1, "receipts of one SKU add up"
    assert on_hand(node, "BOLT-1", "leipzig") == 6


def test_what_is_counted_and_moved_in_one_file_is_left_out(node: RunningNode, tmp_path: Path) -> None:
    header = "sku,node,quantity,reason"
    file = table(tmp_path / "day.csv", "OAK-TRAY,leipzig,5,count", "OAK-TRAY,leipzig,2,receipt", header=header)
    before = on_hand(node, "OAK-TRAY", "leipzig")
    done = imported(node, file)
    assert (done.exit_code, on_hand(node, "OAK-TRAY", "leipzig")) == (1, before)
    assert "put what comes and goes into a file of its own" in done.stderr


def test_two_columns_that_fit_alike_are_asked_about(node: RunningNode, tmp_path: Path) -> None:
    header = "Artikel;Artikelnummer;Lager;Menge;Bestand"
    node.call("PUT", "/v1/items/HAMMER", {"name": "Hammer"})
    file = table(tmp_path / "erp.csv", "HAMMER;OAK-TRAY;berlin;1;50", header=header)
    refused = imported(node, file, "--reason", "count")
    assert refused.exit_code == 1
    assert "'Menge' and 'Bestand' may both be the quantity: say which one is, --map quantity=COLUMN" in refused.output
    done = imported(node, file, "--reason", "count", "--map", "quantity=Bestand")
    assert done.exit_code == 0, done.output
    assert (on_hand(node, "OAK-TRAY", "berlin"), on_hand(node, "HAMMER", "berlin")) == (50, 0)


def test_columns_of_one_name_are_told_apart_by_their_place(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "twins.csv", "OAK-TRAY,berlin,1,60", header="sku,node,quantity,quantity")
    assert "may both be the quantity" in imported(node, file, "--reason", "count").output
    assert "by its place: #3 or #4" in imported(node, file, "--map", "quantity=quantity").output
    assert imported(node, file, "--reason", "count", "--map", "quantity=#4").exit_code == 0
    assert on_hand(node, "OAK-TRAY", "berlin") == 60


def test_a_type_that_is_no_reason_is_not_taken_for_one(node: RunningNode, tmp_path: Path) -> None:
    header = "ID,Type,SKU,Name,Published,In stock?,Stock"
    file = table(tmp_path / "woocommerce.csv", "7,simple,GLASS-JAR,Glass jar,1,1,33", header=header)
    done = imported(node, file, "--reason", "feed", "--node", "berlin")
    assert (done.exit_code, on_hand(node, "GLASS-JAR", "berlin")) == (0, 33), done.output
    before = on_hand(node, "GLASS-JAR", "leipzig")
    done = imported(node, file, "--node", "leipzig")
    assert "column 'Type' is not taken for the reason" in done.stderr
    assert on_hand(node, "GLASS-JAR", "leipzig") == before + 33
    file = table(tmp_path / "moves.csv", "GLASS-JAR,leipzig,3,Damage", header="sku,node,quantity,type")
    assert imported(node, file).exit_code == 0, "one that is a reason is one"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_table_is_read_in_the_encodings_that_people_save(
    node: RunningNode, tmp_path: Path, encoding: str, delimiter: str
) -> None:
    header = delimiter.join(("Artikel", "Lager", "Stück"))
    file = table(
        tmp_path / "tabelle.txt", delimiter.join(("OAK-TRAY", "berlin", "8")), header=header, encoding=encoding
    )
    done = imported(node, file, "--reason", "count")
    assert (done.exit_code, on_hand(node, "OAK-TRAY", "berlin")) == (0, 8), done.output


def test_a_big_endian_table_with_its_mark_is_read(node: RunningNode, tmp_path: Path) -> None:
    (tmp_path / "mac.txt").write_bytes(b"\xfe\xff" + "sku\tnode\tquantity\nOAK-TRAY\tberlin\t9\n".encode("utf-16-be"))
    assert imported(node, tmp_path / "mac.txt", "--reason", "count").exit_code == 0
    assert on_hand(node, "OAK-TRAY", "berlin") == 9


@pytest.mark.parametrize(
    ("quantities", "options", "counted"),
    [
        (("5.0", "6"), (), (5, 6)),
        (("5,00", "6"), (), (5, 6)),
        (("12.000", "5,00"), (), (12_000, 5)),
        (("12.000", "5.0"), (), (12, 5)),
        (("12.000", "0.000"), (), (12, 0)),
        (("12.000", "1234.000"), (), (12, 1_234)),
        (("12.000", "1.234.567"), (), (12_000, 1_234_567)),
        (("1.234,00", "12,000"), (), (1_234, 12)),
        (("1,234.0", "12.000"), (), (1_234, 12)),
        (("12.000", "7"), ("--decimal", "."), (12, 7)),
        (("12.000", "7"), ("--decimal", ","), (12_000, 7)),
        (("1 234", "1'234"), (), (1_234, 1_234)),
    ],
)
def test_quantities_are_read_as_systems_write_them(
    node: RunningNode, tmp_path: Path, quantities: tuple[str, str], options: tuple[str, ...], counted: tuple[int, int]
) -> None:
    rows = (f"OAK-TRAY;berlin;{quantities[0]}", f"TEA-TOWEL;berlin;{quantities[1]}")
    file = table(tmp_path / "erp.csv", *rows, header="sku;node;quantity")
    done = imported(node, file, "--reason", "count", *options)
    assert done.exit_code == 0, done.output
    assert (on_hand(node, "OAK-TRAY", "berlin"), on_hand(node, "TEA-TOWEL", "berlin")) == counted


@pytest.mark.parametrize(
    ("quantity", "options", "words"),
    [
        ("12.000", (), "this may be 12 or 12000: say which mark is the decimal one"),
        ("5,50", (), "a whole number is needed"),
        ("0.500", (), "a whole number is needed"),
        ("5,00", ("--decimal", "."), "this is no number, if . is the decimal mark"),
        ("1.2.3", (), "this is no number"),
        ("12 Stk", (), "this is no number"),
        ("", (), "there is no quantity in this row"),
        ("1e3", (), "this is no number"),
        ("9999999999", (), "<= 1000000000"),
    ],
)
def test_a_quantity_that_is_none_or_could_be_two_is_told(
    node: RunningNode, tmp_path: Path, quantity: str, options: tuple[str, ...], words: str
) -> None:
    file = table(tmp_path / "erp.csv", f"OAK-TRAY;berlin;{quantity}", header="sku;node;quantity")
    done = imported(node, file, "--reason", "count", *options)
    assert done.exit_code == 1
    assert words in done.stderr, done.output
    assert "row 2, quantity" in done.stderr


def test_a_file_with_titles_says_in_which_row_its_columns_are_named(node: RunningNode, tmp_path: Path) -> None:
    rows = ("sku,node,quantity", "OAK-TRAY,berlin,21", "NO-SUCH,berlin,1")
    file = table(tmp_path / "report.csv", "", *rows, header="Stock of 28 November; printed by Erika")
    assert "--header-row N" in imported(node, file, "--reason", "count").output
    done = imported(node, file, "--reason", "count", "--header-row", "3")
    assert "row 5, sku 'NO-SUCH'" in done.stderr
    assert on_hand(node, "OAK-TRAY", "berlin") == 21
    assert "report.csv has no row 9" in imported(node, file, "--header-row", "9").output


def test_what_excel_says_of_its_delimiter_is_heard(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "excel.csv", "sku;node;quantity", "OAK-TRAY;berlin;22", header="sep=;")
    assert imported(node, file, "--reason", "count").exit_code == 0
    assert on_hand(node, "OAK-TRAY", "berlin") == 22


def test_a_mistake_in_quoting_names_its_row(node: RunningNode, tmp_path: Path) -> None:
    good = ("OAK-TRAY,berlin,1", "TEA-TOWEL,berlin,1")
    cut = table(tmp_path / "cut.csv", *good, '"BRASS-KETTLE,berlin,1')
    assert "cut.csv: row 4: a quotation mark is opened in it and never closed" in imported(node, cut).output
    inch = table(tmp_path / "inch.csv", good[0], '"24" tray",berlin,1', good[1])
    assert "inch.csv: row 3: there is text after a closing quotation mark" in imported(node, inch).output


def test_a_row_with_more_fields_than_columns_is_left_out(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "commas.csv", "OAK-TRAY,Tray, large,berlin,9", header="sku,name,node,quantity")
    done = imported(node, file)
    assert "row 2 has 5 fields, the header 4: is one cut in two?" in done.stderr
    assert "0 taken, 1 not" in done.stdout


def test_a_feed_of_everything_makes_0_of_what_it_does_not_name(node: RunningNode, tmp_path: Path) -> None:
    node.call("PUT", "/v1/nodes/kiel", {**SHOP["nodes"]["berlin"], "name": "Kiel"})
    shelf = [f"BOOK-{at}" for at in range(10)]
    node.call("POST", "/v1/configuration", {"items": {sku: {"name": sku} for sku in shelf}})
    assert imported(node, table(tmp_path / "all.csv", *(f"{sku},kiel,3" for sku in shelf))).exit_code == 0
    leipzig = on_hand(node, "BRASS-KETTLE", "leipzig")
    feed = table(tmp_path / "feed.csv", *(f"{sku},kiel,4" for sku in shelf[:7]), "BOOK-7,kiel,many")
    options = ("--reason", "feed", "--full")
    dry = imported(node, feed, *options, "--dry-run")
    assert "7 would be taken, 1 not, 2 SKUs it does not name would become 0" in dry.stdout
    assert on_hand(node, "BOOK-9", "kiel") == 3
    done = imported(node, feed, *options)
    assert "7 taken, 1 not, 2 SKUs it does not name became 0" in done.stdout
    assert [on_hand(node, sku, "kiel") for sku in shelf] == [4] * 7 + [3, 0, 0], "a row that is wrong names its SKU"
    assert on_hand(node, "BRASS-KETTLE", "leipzig") == leipzig, "other nodes are not spoken of"

    half = table(tmp_path / "half.csv", *(f"{sku},kiel,9" for sku in shelf[:4]))
    refused = imported(node, half, *options)
    assert "4 of 8 SKUs at kiel are not named and would become 0: 50 %, more than 25 %" in refused.output
    assert (refused.exit_code, on_hand(node, "BOOK-0", "kiel")) == (1, 4)
    done = imported(node, half, *options, "--zeros-max", "50", "--json")
    assert (json.loads(done.stdout)["zeroed"], on_hand(node, "BOOK-7", "kiel")) == (4, 0)

    lost = table(tmp_path / "lost.csv", "BOOK-0,kiel,9", "BOOK-1,kil,9")
    assert "row 3 names no node that there is" in imported(node, lost, *options, "--zeros-max", "100").output
    assert imported(node, half, "--full").exit_code == 2, "a receipt of everything means nothing"


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
    assert rows[3][3] == "a whole number is needed"


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


def test_a_number_in_a_cell_is_what_the_cell_holds_and_a_text_is_read_as_one(node: RunningNode, tmp_path: Path) -> None:
    xlsx = pytest.importorskip("openpyxl", reason="openpyxl writes the file this test reads")
    book = xlsx.Workbook()
    sheet: Any = book.active
    sheet.append(("Stock of the week",))
    sheet.append(())
    for row in (
        ("SKU", "Node", "Counted"),
        ("BRASS-KETTLE", "berlin", "1.234,00"),
        ("TEA-TOWEL", "berlin", 12.125),
        ("OAK-TRAY", "berlin", 12.0),
        ("GLASS-JAR", "berlin", "3.000"),
    ):
        sheet.append(row)
    book.save(tmp_path / "week.xlsx")
    done = imported(node, tmp_path / "week.xlsx", "--reason", "count", "--header-row", "3")
    assert done.exit_code == 1
    assert "row 5, Counted '12.125': a whole number is needed" in done.stderr
    assert "3 taken, 1 not" in done.stdout
    counted = [on_hand(node, sku, "berlin") for sku in ("BRASS-KETTLE", "OAK-TRAY", "GLASS-JAR")]
    assert counted == [1_234, 12, 3_000]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("note.xlsx", b"no workbook", "note.xlsx is no Excel file"),
        ("torn.csv", b'sku,node,quantity\n"BRASS', "torn.csv: row 2: "),
        ("cut.txt", b"\xff\xfes\x00k", "cut.txt begins as UTF-16 text, but is damaged or cut off"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR", "picture.csv has zero bytes in it and is no text"),
        ("book.csv", b"PK\x03\x04\x14\x00", "book.csv is no text but an Excel file or an archive"),
        ("titles.csv", b"\n\n", "titles.csv is empty"),
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
