"""A table of stores becomes nodes; what is not understood is named and left out."""

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from api.cli.main import main
from api.geography.postcodes import Postcodes
from api.geography.stores import Columns, LeftOut, Places, id_of, read_places
from api.geography.tables import BadTable
from engine.commands.configuration import Configure

COLUMNS = Columns("store-{ref}", "Store {addr:city}", "lat", "lon", "addr:postcode", "opening_hours")
HEADER = "ref,addr:city,addr:postcode,lat,lon,opening_hours\n"
COMMON = {"kind": "store", "country": "DE"}
BERLIN = "1,Berlin,10115,52.53234,13.38461,Mo-Sa 07:00-21:00; PH off"
OSM = os.environ.get("KONTOR_STORES_OSM")


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "stores.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def read(tmp_path: Path, *rows: str, **more: Any) -> Places:
    return read_places(table(tmp_path, *rows), COLUMNS, COMMON, **more)


def test_a_row_becomes_a_node(tmp_path: Path) -> None:
    places = read(tmp_path, BERLIN)
    assert places.left_out == []
    assert places.nodes == {
        "store-1": {
            "name": "Store Berlin",
            "kind": "store",
            "country": "DE",
            "latitude": 52.53234,
            "longitude": 13.38461,
            "postal_code": "10115",
            "opening_hours": {day: [("07:00", "21:00")] for day in ("mon", "tue", "wed", "thu", "fri", "sat")},
        }
    }


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_of_stores_is_read_as_spreadsheets_save_it(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = (HEADER.strip(), "1,Gießen,35390,50.58,8.67,Mo-Fr 09:00-18:00; Sa 09:00-14:00")
    path = tmp_path / "stores.csv"
    path.write_text("".join(f"{row.replace(',', delimiter)}\n" for row in rows if delimiter != ";"), encoding=encoding)
    if delimiter == ";":
        path.write_text(
            rows[0].replace(",", ";") + '\n1;Gießen;35390;50.58;8.67;"Mo-Fr 09:00-18:00; Sa off"\n', encoding
        )
    (node,) = read_places(path, COLUMNS, COMMON).nodes.values()
    assert (node["name"], node["postal_code"]) == ("Store Gießen", "35390")
    assert node["opening_hours"]["mon"] == [("09:00", "18:00")]


def test_two_columns_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text("ref,addr:city,addr:postcode,lat,lon,lat,opening_hours\n1,Ulm,89073,48.4,9.99,1,\n")
    with pytest.raises(BadTable, match="two columns are called `lat`"):
        read_places(path, COLUMNS, COMMON)


def test_public_holidays_close_the_stores_that_say_so(tmp_path: Path) -> None:
    rows = (BERLIN, "2,Ulm,89073,48.4,9.99,Mo-Su 07:00-21:00")
    places = read(tmp_path, *rows, public_holidays=("2026-12-25", "2026-12-26"))
    assert places.nodes["store-1"]["closed_dates"] == ["2026-12-25", "2026-12-26"]
    assert "closed_dates" not in places.nodes["store-2"]


def test_a_store_without_hours_is_a_node_without_hours(tmp_path: Path) -> None:
    (node,) = read(tmp_path, "1,Berlin,,52.5,13.4,").nodes.values()
    assert node.keys() == {"name", "kind", "country", "latitude", "longitude"}


def test_rows_that_are_not_understood_are_left_out_and_named(tmp_path: Path) -> None:
    places = read(
        tmp_path,
        BERLIN,
        "1,Ulm,89073,48.4,9.99,",
        "3,Ulm,89073,48.4,9.99,Occasional",
        "4,Ulm,89073,48.4,999,",
        "5,Ulm,89073,x,9.99,",
        "6,Ulm,89073,,,",
        "7,Ulm,89073 and a half mile,48.4,9.99,",
    )
    assert list(places.nodes) == ["store-1"]
    assert places.left_out == [
        LeftOut(3, "the id store-1 is that of line 2 already"),
        LeftOut(4, "opening hours 'Occasional': not understood from 'Occasional' on"),
        LeftOut(5, "no coordinates in decimal degrees: '48.4', '999'"),
        LeftOut(6, "no coordinates in decimal degrees: 'x', '9.99'"),
        LeftOut(7, "no coordinates"),
        LeftOut(8, "/postal_code: Expected `str` of length <= 16"),
    ]


def test_an_id_whose_first_row_was_left_out_is_free(tmp_path: Path) -> None:
    assert list(read(tmp_path, "1,Ulm,,x,y,", BERLIN).nodes) == ["store-1"]


def test_a_table_of_postal_codes_places_those_that_have_no_coordinates(tmp_path: Path) -> None:
    codes = tmp_path / "postcodes.csv"
    codes.write_text("country_code,zipcode,latitude,longitude\nDE,10115,52.53,13.38\n")
    places = read(tmp_path, "1,Berlin,10115,,,", "2,Berlin,10117,,,", postcodes=Postcodes.load(codes))
    assert (places.nodes["store-1"]["latitude"], places.nodes["store-1"]["longitude"]) == (52.53, 13.38)
    assert places.left_out == [LeftOut(3, "no coordinates, and '10117' is not in the table of postal codes")]


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="line 1: there is no column `town`; there are: ref, addr:city"):
        read_places(table(tmp_path, BERLIN), COLUMNS._replace(name="{town}"), COMMON)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("store-1", "store-1"),
        ("The Co-operative Group 1010", "The-Co-operative-Group-1010"),
        ("Übach-Palenberg", "Ubach-Palenberg"),
        ("Große Straße, Łódź", "Grosse-Strasse-Lodz"),
        (" -x- ", "x"),
        ("x" * 80, "x" * 64),
        ("東京", ""),
        ("", ""),
    ],
)
def test_an_id_is_made_of_any_text(text: str, made: str) -> None:
    assert id_of(text) == made


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["nodes-from-csv", *map(str, arguments)])


MAPPING = ("--id", "store-{ref}", "--name", "Store {addr:city}", "--latitude", "lat", "--longitude", "lon")
MORE = ("--country", "DE", "--postal-code", "addr:postcode", "--opening-hours", "opening_hours")


def test_the_command_writes_a_document_that_can_be_applied(tmp_path: Path) -> None:
    each = '{"pickup": true, "time_zone": "Europe/Berlin"}'
    done = run(table(tmp_path, BERLIN), *MAPPING, *MORE, "--each", each, "--public-holiday", "2026-12-25")
    assert done.exit_code == 0, done.output
    node = msgspec.json.decode(done.stdout, type=Configure).nodes["store-1"]
    assert (node.kind, node.country, node.pickup, node.time_zone) == ("store", "DE", True, "Europe/Berlin")
    assert node.closed_dates == ("2026-12-25",)
    assert done.stderr == "stores.csv: 1 nodes, 0 rows left out\n"


def test_the_command_says_what_it_left_out_and_ends_with_one(tmp_path: Path) -> None:
    rows = [f"{number},Ulm,89073,48.4,9.99,Occasional" for number in range(2, 9)]
    out = tmp_path / "nodes.json"
    done = run(table(tmp_path, BERLIN, *rows), *MAPPING, *MORE, "--out", out)
    assert done.exit_code == 1
    assert list(json.loads(out.read_text())["nodes"]) == ["store-1"]
    lines = done.stderr.splitlines()
    assert lines[0] == "stores.csv: 1 nodes, 7 rows left out"
    assert lines[1] == "  line 3: opening hours 'Occasional': not understood from 'Occasional' on"
    assert lines[-1] == "  and 2 more"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--kind", "shop"), "no node can be made: /kind: Invalid enum value 'shop'"),
        (("--each", "[]"), "Invalid value for '--each': a JSON object, please"),
        (("--each", '{"colour": "red"}'), "unknown field `colour`"),
        (("--public-holiday", "Christmas"), "/closed_dates/0: Expected a date such as 2026-11-23"),
        (("--latitude", "north"), "stores.csv: line 1: there is no column `north`"),
    ],
)
def test_a_mistake_in_the_call_is_no_finding(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run(table(tmp_path, BERLIN), *MAPPING, *MORE, *arguments)
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.mark.skipif(OSM is None, reason="KONTOR_STORES_OSM does not name the file of German stores")
def test_nearly_all_german_stores_are_understood() -> None:
    columns = Columns("{osm_type}-{osm_id}", "{name} {addr:city}", "lat", "lon", "addr:postcode", "opening_hours")
    places = read_places(Path(str(OSM)), columns, COMMON)
    assert (len(places.nodes), len(places.left_out)) == (3_198, 25)
    assert sum("opening_hours" in node for node in places.nodes.values()) == 2_628
