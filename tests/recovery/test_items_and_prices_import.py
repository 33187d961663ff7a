"""`kontor items import` and `kontor prices import` against a running node."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.main import main
from tests.recovery.running import RunningNode
from tests.recovery.test_stock_import import SHOP, table


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    running = RunningNode(tmp_path_factory.mktemp("items") / "data")
    running.call("POST", "/v1/configuration", SHOP)
    yield running
    running.stop()


def imported(node: RunningNode, what: str, file: Path, *options: str) -> Result:
    return CliRunner().invoke(main, [what, "import", str(file), "--url", f"http://127.0.0.1:{node.port}", *options])


def item(node: RunningNode, sku: str) -> Any:
    return node.call("GET", f"/v1/items/{sku}")[1]


def price_list(node: RunningNode, name: str) -> Any:
    return node.call("GET", f"/v1/price-lists/{name}")[1]


def test_items_are_made_of_the_rows_of_a_table(node: RunningNode, tmp_path: Path) -> None:
    header = "Artikelnummer;Bezeichnung;Gewicht (kg);EAN;Nachlieferbar;Warengruppe"
    rows = ("SPADE;Spaten;1,25;4006381333931;ja;garden tools", "RAKE;Rechen;0,9;;nein;garden")
    file = table(tmp_path / "artikel.csv", *rows, header=header, encoding="utf-16")
    dry = imported(node, "items", file, "--dry-run")
    assert (dry.exit_code, dry.stdout) == (
        0, "artikel.csv: 2 rows, 2 would be taken (2 new, 0 as they were), 0 not\n",
    )  # fmt: skip
    assert node.call("GET", "/v1/items/SPADE")[0] == 404
    assert imported(node, "items", file).exit_code == 0
    spade = item(node, "SPADE")
    assert (spade["name"], spade["weight_grams"], spade["gtin"]) == ("Spaten", 1_250, "4006381333931")
    assert (spade["backorderable"], spade["groups"]) == (True, ["garden", "tools"])
    assert (item(node, "RAKE")["weight_grams"], item(node, "RAKE")["backorderable"]) == (900, False)
    again = imported(node, "items", file)
    assert (again.exit_code, again.stdout) == (0, "artikel.csv: 2 rows, 2 taken (0 new, 2 as they were), 0 not\n")


def test_what_a_table_does_not_say_of_an_item_stays(node: RunningNode, tmp_path: Path) -> None:
    node.call("PUT", "/v1/items/LAMP", {"name": "Lamp", "backorderable": True, "value_minor": 900, "weight_grams": 70})
    file = table(tmp_path / "names.csv", "LAMP,Desk lamp,", header="sku,name,weight_grams")
    assert imported(node, "items", file).exit_code == 0
    lamp = item(node, "LAMP")
    assert (lamp["name"], lamp["backorderable"], lamp["value_minor"], lamp["weight_grams"]) == (
        "Desk lamp",
        True,
        900,
        70,
    )


def test_rows_of_items_that_are_wrong_are_told_with_row_and_column(node: RunningNode, tmp_path: Path) -> None:
    header = "sku,name,weight_grams,gtin,backorderable,groups"
    rows = (
        "VASE,Vase,100,,,",
        "BAD-SKU/,Bad,1,,,",
        "CUP-1,Cup,heavy,,,",
        "CUP-2,Cup,1,123,,",
        "CUP-3,Cup,1,,perhaps,",
        "CUP-4,,1,,,",
        "CUP-5,Cup,1,,,bad!group",
        "TWIN,Twin,1,,,",
        "TWIN,Twin,2,,,",
        ",Nobody,2,,,",
    )
    file = table(tmp_path / "items.csv", *rows, header=header)
    errors = tmp_path / "wrong.csv"
    done = imported(node, "items", file, "--json", "--errors", str(errors))
    found = json.loads(done.stdout)
    assert (done.exit_code, found["taken"], found["new"]) == (1, 1, 1)
    assert [(error["row"], error["column"]) for error in found["errors"]] == [
        (3, "sku"), (4, "weight_grams"), (5, "gtin"), (6, "backorderable"), (7, "name"), (8, "groups"), (9, "sku"),
        (10, "sku"), (11, "sku"),
    ]  # fmt: skip
    assert len(errors.read_text().splitlines()) == 10
    assert item(node, "VASE")["weight_grams"] == 100
    assert node.call("GET", "/v1/items/TWIN")[0] == 404, "of two rows of one SKU neither is taken"


def test_thousands_of_items_go_in_many_requests(node: RunningNode, tmp_path: Path) -> None:
    file = table(tmp_path / "many.csv", *(f"NAIL-{at},Nail {at}" for at in range(1_001)), header="sku,name")
    done = imported(node, "items", file)
    assert done.stdout == "many.csv: 1,001 rows, 1,001 taken (1,001 new, 0 as they were), 0 not\n"
    assert item(node, "NAIL-1000")["name"] == "Nail 1000"


def test_prices_of_a_list_are_made_of_the_rows_of_a_table(node: RunningNode, tmp_path: Path) -> None:
    rows = ("BRASS-KETTLE;1.299,00;", "TEA-TOWEL;5,90;", "TEA-TOWEL;4,50 EUR;10", "OAK-TRAY;12;1")
    file = table(tmp_path / "preise.csv", *rows, header="SKU;Preis;Ab Menge")
    unnamed = imported(node, "prices", file, "--price-list", "retail")
    assert (unnamed.exit_code, "say --currency" in unnamed.output) == (2, True)
    done = imported(
        node, "prices", file, "--price-list", "retail", "--currency", "EUR", "--channel", "web", "--tax-excluded"
    )
    assert (done.exit_code, done.stdout) == (0, "preise.csv: 4 rows, 4 taken for 3 SKUs, 0 not\n"), done.output
    made = price_list(node, "retail")
    assert (made["currency"], made["channels"], made["tax_included"]) == ("EUR", ["web"], False)
    assert made["prices"] == {
        "BRASS-KETTLE": [{"unit_price_minor": 129_900}],
        "TEA-TOWEL": [{"unit_price_minor": 590}, {"unit_price_minor": 450, "from_quantity": 10}],
        "OAK-TRAY": [{"unit_price_minor": 1_200}],
    }
    change = table(tmp_path / "change.csv", "OAK-TRAY,11.5", header="sku,price")
    assert imported(node, "prices", change, "--price-list", "retail", "--dry-run").exit_code == 0
    assert price_list(node, "retail") == made
    assert imported(node, "prices", change, "--price-list", "retail").exit_code == 0
    now = price_list(node, "retail")
    assert now["prices"] == {**made["prices"], "OAK-TRAY": [{"unit_price_minor": 1_150}]}, "others keep their prices"
    assert (now["channels"], now["tax_included"]) == (["web"], False)


def test_rows_of_prices_that_are_wrong_are_told_and_a_sku_is_taken_whole_or_not_at_all(
    node: RunningNode, tmp_path: Path
) -> None:
    rows = (
        "TEA-TOWEL,1.00,,EUR",
        "NO-SUCH,1.00,,EUR",
        "OAK-TRAY,1.00,,USD",
        "BRASS-KETTLE,8.00,,EUR",
        "BRASS-KETTLE,7.005,10,EUR",
        "GLASS-JAR,-3.00,,EUR",
    )
    file = table(tmp_path / "prices.csv", *rows, header="sku,price,from_quantity,currency")
    done = imported(node, "prices", file, "--price-list", "wrong", "--currency", "EUR", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["taken"]) == (1, 1)
    assert [(error["row"], error["column"]) for error in found["errors"]] == [
        (3, "sku"), (4, "currency"), (5, "sku"), (6, "price"), (7, "price"),
    ]  # fmt: skip
    assert price_list(node, "wrong")["prices"] == {"TEA-TOWEL": [{"unit_price_minor": 100}]}
    twice = table(tmp_path / "twice.csv", "TEA-TOWEL,1.00", "TEA-TOWEL,2.00", header="sku,price")
    told = imported(node, "prices", twice, "--price-list", "wrong")
    assert told.stderr.count("rows 2 and 3 both have its price from 1 on") == 2
    assert price_list(node, "wrong")["prices"] == {"TEA-TOWEL": [{"unit_price_minor": 100}]}


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("sku,price", "TEA-TOWEL,12.000", "this may be 12 or 12000"),
        ("sku,price,unit_price_minor", "TEA-TOWEL,12.00,1200", "two columns have prices"),
        ("sku,name", "TEA-TOWEL,Towel", "no column has the prices"),
        ("sku,Preis,Unit price", "TEA-TOWEL,1.00,2.00", "may both be the price"),
    ],
)
def test_prices_are_not_guessed(node: RunningNode, tmp_path: Path, header: str, row: str, words: str) -> None:
    file = table(tmp_path / "unclear.csv", row, header=header)
    done = imported(node, "prices", file, "--price-list", "unclear", "--currency", "EUR")
    assert done.exit_code == 1
    assert words in done.output


def test_prices_in_cells_are_what_the_cells_hold_beside_texts(node: RunningNode, tmp_path: Path) -> None:
    xlsx = pytest.importorskip("openpyxl", reason="openpyxl writes the file this test reads")
    book = xlsx.Workbook()
    sheet: Any = book.active
    for row in (("SKU", "Preis"), ("TEA-TOWEL", 5.9), ("OAK-TRAY", "1.299,00"), ("BRASS-KETTLE", 1299.5)):
        sheet.append(row)
    book.save(tmp_path / "preise.xlsx")
    done = imported(node, "prices", tmp_path / "preise.xlsx", "--price-list", "cells", "--currency", "EUR")
    assert done.exit_code == 0, done.output
    prices = {sku: steps[0]["unit_price_minor"] for sku, steps in price_list(node, "cells")["prices"].items()}
    assert prices == {"TEA-TOWEL": 590, "OAK-TRAY": 129_900, "BRASS-KETTLE": 129_950}


def test_currencies_have_the_decimals_that_they_have(node: RunningNode, tmp_path: Path) -> None:
    yen = table(tmp_path / "yen.csv", "TEA-TOWEL,590", "OAK-TRAY,1.5", header="sku,price")
    assert imported(node, "prices", yen, "--price-list", "jp", "--currency", "JPY").exit_code == 1
    assert price_list(node, "jp")["prices"] == {"TEA-TOWEL": [{"unit_price_minor": 590}]}
    dinar = table(tmp_path / "dinar.csv", "TEA-TOWEL,1.250", header="sku,price")
    assert imported(node, "prices", dinar, "--price-list", "kw", "--currency", "KWD", "--decimal", ".").exit_code == 0
    assert price_list(node, "kw")["prices"] == {"TEA-TOWEL": [{"unit_price_minor": 1_250}]}
