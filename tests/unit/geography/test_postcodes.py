"""A table of postal codes: how codes are read, which of several rows counts, and what is done with a code that is not there."""

import gzip
import math
import os
import time
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.geography.postcodes import Postcodes, _medoids, normalised
from api.geography.tables import BadTable

HEADER = "country_code,zipcode,place,latitude,longitude\n"
ALL = os.environ.get("KONTOR_POSTCODES")


def table(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "postcodes.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def load(tmp_path: Path, *rows: str) -> Postcodes:
    return Postcodes.load(table(tmp_path, *rows))


@pytest.mark.parametrize(
    ("country", "written", "looked_up"),
    [
        ("DE", "10115", "10115"),
        ("DE", " d-10115 ", "10115"),
        ("DE", "DE 10115", "10115"),
        ("DE", "10115 Berlin", "10115"),
        ("DE", "1067", ""),
        ("DE", "101155", ""),
        ("AT", "AT-1010", "1010"),
        ("LU", "L-4968", "4968"),
        ("LU", "4968", "4968"),
        ("NL", "1012 ab", "1012"),
        ("NL", "1012AB", "1012"),
        ("SE", "624 66", "62466"),
        ("CZ", "100 00", "10000"),
        ("PL", "59-700", "59700"),
        ("PT", "1000-001", "1000001"),
        ("PT", "1000", "1000"),
        ("FR", "77001 CEDEX 9", "77001"),
        ("GB", "sw1a 1aa", "SW1A"),
        ("GB", "SW1A1AA", "SW1A"),
        ("GB", "SW1A", "SW1A"),
        ("GB", "SW1A 1", "SW1A"),
        ("GB", "M1 1AA", "M1"),
        ("GB", "M11AA", "M1"),
        ("GB", "BN91 1AA", "BN91"),
        ("GB", "E11", "E11"),
        ("GB", "10115", ""),
        ("IE", "D02 AF30", "D02"),
        ("IE", "D6W", "D6W"),
        ("CA", "K1A 0B1", "K1A0B1"),
        ("BR", "01001-000", "01001000"),
        ("DE", "", ""),
        ("DE", "—", ""),
    ],
)
def test_a_code_is_read_however_it_is_written(country: str, written: str, looked_up: str) -> None:
    assert normalised(country, written) == looked_up


def test_a_code_is_found_in_the_country_it_is_of(tmp_path: Path) -> None:
    codes = load(
        tmp_path, "DE,10115,Berlin,52.5323,13.3846", "FR,10115,Nowhere,48.1,4.2", "LU,L-4968,Schouweiler,49.58,5.96"
    )
    assert codes.find("DE", "10115") == (52.5323, 13.3846)
    assert codes.find("de", "D-10115") == (52.5323, 13.3846)
    assert codes.find("FR", "10115") == (48.1, 4.2)
    assert codes.find("LU", "4968") == (49.58, 5.96)
    assert codes.find("PL", "10-115") is None
    assert codes.find("Germany", "10115") is None
    assert codes.find("", "") is None


def test_a_short_code_is_not_the_beginning_of_a_long_one(tmp_path: Path) -> None:
    codes = load(tmp_path, "GB,E1,Whitechapel,51.51,-0.06", "GB,E10,Leyton,51.57,-0.01", "GB,E1W,Wapping,51.505,-0.06")
    assert codes.find_exactly("GB", "E1 6AN") == (51.51, -0.06)
    assert codes.find_exactly("GB", "E10 5AA") == (51.57, -0.01)
    assert codes.find_exactly("GB", "E1W 1AA") == (51.505, -0.06)
    assert len(codes) == 3


def test_of_several_rows_the_one_nearest_to_all_others_counts(tmp_path: Path) -> None:
    codes = load(
        tmp_path,
        "DE,42895,a firm with the seat of its parent,48.7428,13.7527",
        "DE,42895,Remscheid,51.184,7.2328",
        "DE,42895,Remscheid,51.1833,7.2585",
        "DE,42895,Remscheid,51.1878,7.2555",
    )
    assert codes.find("DE", "42895") == (51.1833, 7.2585)
    assert len(codes) == 1


def test_of_two_rows_the_first_counts(tmp_path: Path) -> None:
    assert load(tmp_path, "DE,10115,a,52.5,13.4", "DE,10115,b,48.1,11.6").find("DE", "10115") == (52.5, 13.4)


def test_the_same_code_written_in_two_ways_is_one(tmp_path: Path) -> None:
    codes = load(
        tmp_path, "LU,L-4968,a,49.5,5.9", "LU,4968,b,49.5,5.9", "FR,77001,a,48.5,2.7", "FR,77001 CEDEX,b,48.5,2.7"
    )
    assert len(codes) == 2


def test_an_unknown_code_is_about_where_those_are_that_begin_like_it(tmp_path: Path) -> None:
    codes = load(
        tmp_path,
        "DE,10115,a,52.54,13.38",
        "DE,10117,b,52.52,13.38",
        "DE,10999,c,52.50,13.42",
        "DE,20095,d,53.55,10.00",
    )
    assert codes.find("DE", "10119") == (52.53, 13.38), "1011 is shared with two"
    assert codes.find("DE", "10997") == (52.50, 13.42), "1099 is shared with one"
    assert codes.find("DE", "10245") == (52.52, 13.39333), "10 is shared with three"
    assert codes.find("DE", "11111") is None, "one character is not enough"
    assert codes.find_exactly("DE", "10119") is None


def test_a_code_that_lost_its_leading_zero_is_no_prefix_of_another(tmp_path: Path) -> None:
    assert load(tmp_path, "DE,10670,Berlin,52.5,13.4", "DE,01067,Dresden,51.05,13.74").find("DE", "1067") is None


def test_a_prefix_that_is_all_over_the_globe_is_no_place(tmp_path: Path) -> None:
    overseas = load(tmp_path, "FR,97400,Saint-Denis,-20.88,55.45", "FR,97110,Pointe-à-Pitre,16.24,-61.53")
    assert overseas.find("FR", "97600") is None
    assert overseas.find("FR", "97410") == (-20.88, 55.45)


def test_the_file_may_be_packed_and_have_more_columns(tmp_path: Path) -> None:
    path = tmp_path / "postcodes.csv.gz"
    text = 'place,longitude,country_code,state,latitude,zipcode\r\n"Fårö, ""norr""",19.1333,SE,,57.9167,624 66\r\n'
    path.write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode(), mtime=0))
    assert Postcodes.load(path).find("SE", "62466") == (57.9167, 19.1333)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            ["DE,10115,Berlin,52.5,13.4", "DE,10117,Berlin,x,13.4"],
            "line 3: no coordinates in decimal degrees: 'x', '13.4'",
        ),
        (["DE,10115,Berlin,,"], "line 2: no coordinates in decimal degrees: '', ''"),
        (["DE,10115,Berlin,nan,13.4"], "line 2: no coordinates in decimal degrees: 'nan', '13.4'"),
        (["DE,10115,Berlin,13.4,520.5"], "line 2: no coordinates in decimal degrees: '13.4', '520.5'"),
        (["DE,10115,Berlin,52.5"], "line 2: 4 fields, where the header has 5"),
        (
            ["DE,10115,Berlin,52.5,13.4", "", "DE,115,Berlin,52.5,13.4"],
            "line 4: no postal code of a country: 'DE', '115'",
        ),
        (["Germany,10115,Berlin,52.5,13.4"], "line 2: no postal code of a country: 'Germany', '10115'"),
        (['"DE\n",10115,Berlin,52.5,13.4'], "line 3: no postal code of a country: 'DE\\n', '10115'"),
        (['DE,10115,"Berlin,52.5,13.4'], "line 2: no CSV: unexpected end of data"),
        ([], "there is no postal code in it"),
    ],
)
def test_a_malformed_row_is_named(tmp_path: Path, rows: list[str], message: str) -> None:
    with pytest.raises(BadTable) as raised:
        load(tmp_path, *rows)
    assert str(raised.value) == f"postcodes.csv: {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1: there is no column `country_code`, `zipcode`, `latitude`, `longitude`; there are: none"),
        (
            b"country_code,zipcode,lat,longitude\n",
            "line 1: there is no column `latitude`; there are: country_code, zipcode, lat",
        ),
        (
            gzip.compress(HEADER.encode() + b"DE,10115,Berlin,52.5,13.4\n" * 9, mtime=0)[:-9],
            "the gzip file is damaged or cut off",
        ),
        (HEADER.encode() + b"DE,10115,M\xfcnchen,48.1,11.6\n", "the text is not in UTF-8"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "postcodes.csv"
    path.write_bytes(content)
    with pytest.raises(BadTable, match=message):
        Postcodes.load(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="Is a directory"):
        Postcodes.load(tmp_path)


def chord(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The straight distance through a globe of radius 1."""
    points = []
    for north, east in (map(math.radians, a), map(math.radians, b)):
        points.append((math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)))
    return math.dist(*points)


places = st.tuples(st.integers(-900, 900), st.integers(-1800, 1800)).map(
    lambda tenths: (tenths[0] / 10, tenths[1] / 10)
)


@given(st.lists(st.lists(places, min_size=1, max_size=6), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_row_in_the_middle_is_the_one_a_plain_loop_finds(
    groups: list[list[tuple[float, float]]], chance: Random
) -> None:
    rows = [(code, place) for code, group in enumerate(groups) for place in group]
    chance.shuffle(rows)
    latitudes, longitudes = (np.array([place[axis] for _, place in rows]) for axis in (0, 1))
    chosen = _medoids(np.array([code for code, _ in rows], np.int32), latitudes, longitudes)
    for code, row in enumerate(chosen.tolist()):
        mine = [place for other, place in rows if other == code]
        assert rows[row][0] == code
        sums = [sum(chord(place, other) for other in mine) for place in mine]
        assert sum(chord(rows[row][1], other) for other in mine) == pytest.approx(min(sums), abs=1e-9)


@pytest.mark.skipif(ALL is None, reason="KONTOR_POSTCODES does not name the file of European postal codes")
def test_the_european_file_is_small_in_memory_and_quick_to_load() -> None:
    started = time.process_time()
    codes = Postcodes.load(Path(str(ALL)))
    assert time.process_time() - started < 10, "about 1 s on an idle machine"
    assert len(codes) == 117_125
    assert codes.memory_bytes == 16 * len(codes)


@pytest.mark.skipif(ALL is None, reason="KONTOR_POSTCODES does not name the file of European postal codes")
@pytest.mark.parametrize(
    ("country", "code", "latitude", "longitude"),
    [
        ("DE", "10115", 52.53, 13.38),
        ("DE", "10875", 52.51, 13.37),  # 36 firms, 19 of them elsewhere
        ("DE", "42895", 51.18, 7.25),
        ("NL", "1012 AB", 52.37, 4.9),
        ("GB", "SW1A 1AA", 51.5, -0.13),
        ("IE", "D02 AF30", 53.34, -6.25),
        ("LU", "4968", 49.58, 5.96),
        ("SE", "62466", 57.92, 19.13),
        ("PL", "00-001", 52.23, 21.0),
    ],
)
def test_places_in_europe_are_where_they_are(country: str, code: str, latitude: float, longitude: float) -> None:
    assert Postcodes.load(Path(str(ALL))).find(country, code) == pytest.approx((latitude, longitude), abs=0.15)
