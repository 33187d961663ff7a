"""Make german-stores.json and postcodes-de.csv again from the shared data files.

    python examples/make_german_stores.py SHARED_DATA_DIR [TARGET_DIR]

The same input gives the same output: nothing is drawn at random. README.md says what is selected and why.
"""

from __future__ import annotations

import csv
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from api.geography.opening_hours import NotUnderstood, parse_opening_hours
from api.geography.postcodes import Postcodes
from api.geography.stores import id_of
from engine.supply.node_table import distance_km

STORES_COUNT = 40
STORES_APART_KM_MIN = 25.0
ROWS_OF_A_CODE_MAX = 2
CODES_OF_AN_AREA_MAX = 2
COLUMNS = ("country_code", "zipcode", "place", "latitude", "longitude")
TIME_ZONE = "Europe/Berlin"

# Invented; each at the coordinates of a postal code near a freight park.
WAREHOUSES = {"warehouse-grossbeeren": "14979", "warehouse-kassel": "34123", "warehouse-neu-ulm": "89231"}
WAREHOUSE_NAMES = {
    "warehouse-grossbeeren": "Warehouse Großbeeren",
    "warehouse-kassel": "Warehouse Kassel",
    "warehouse-neu-ulm": "Warehouse Neu-Ulm",
}
ITEMS = {
    "BRASS-KETTLE": {"name": "Brass kettle", "weight_grams": 900},
    "CUSHION": {"name": "Cushion", "weight_grams": 400},
    "TEA-POT": {"name": "Tea pot", "weight_grams": 700},
}
POLICY = {
    "name": "Near before far, few parcels",
    "parcel_cost_minor": 395,
    "cost_per_100_km_minor": 60,
    "cross_border_cost_minor": 1_000,
    "split_penalty_minor": 300,
}
CHANNEL = {"name": "Web shop Germany", "kind": "web", "country": "DE", "currency": "EUR", "sourcing_policy": "near"}


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Every row of a gzipped CSV file with a header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def place_of(row: dict[str, str]) -> tuple[float, float]:
    """Latitude and longitude to about a metre."""
    return round(float(row["lat"]), 5), round(float(row["lon"]), 5)


def week_of(row: dict[str, str]) -> dict[str, Any]:
    """The opening hours, or {} if they are not understood or not there."""
    try:
        return parse_opening_hours(row["opening_hours"]).week
    except NotUnderstood:
        return {}


def choose_stores(data: Path, codes: Postcodes) -> list[dict[str, str]]:
    """One store for each of 40 cities, the cities with most stores first, no two stores nearer than 25 km.

    A city's store is the first of the file that has a street, opening hours and a postal code of the table.
    """
    by_city: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows(data / "stores_de_osm.csv.gz"):
        if row["addr:city"]:
            by_city[row["addr:city"]].append(row)
    chosen: list[dict[str, str]] = []
    for city in sorted(by_city, key=lambda name: (-len(by_city[name]), name)):
        whole = (
            row
            for row in by_city[city]
            if row["addr:street"] and week_of(row) and codes.find_exactly("DE", row["addr:postcode"])
        )
        best = next(whole, None)
        if best is not None and _apart(best, chosen):
            chosen.append(best)
        if len(chosen) == STORES_COUNT:
            return chosen
    raise SystemExit(f"only {len(chosen)} cities lie far enough apart")


def _apart(row: dict[str, str], others: list[dict[str, str]]) -> bool:
    if not others:
        return True
    places = np.array([place_of(other) for other in others])
    return bool(distance_km(places[:, 0], places[:, 1], *place_of(row)).min() >= STORES_APART_KM_MIN)


def store_node(row: dict[str, str]) -> dict[str, Any]:
    """A store that ships and hands over."""
    latitude, longitude = place_of(row)
    return {
        "name": f"Store {row['addr:city']}",
        "kind": "store",
        "country": "DE",
        "latitude": latitude,
        "longitude": longitude,
        "postal_code": row["addr:postcode"],
        "time_zone": TIME_ZONE,
        "pickup": True,
        "handling_cost_minor": 180,
        "cut_off": "14:00",
        "opening_hours": week_of(row),
    }


def warehouse_node(name: str, code: str, codes: Postcodes) -> dict[str, Any]:
    """A warehouse at its postal code."""
    place = codes.find_exactly("DE", code)
    if place is None:
        raise SystemExit(f"the postal code {code} of {name} is not in the table")
    return {
        "name": name,
        "kind": "warehouse",
        "country": "DE",
        "latitude": place[0],
        "longitude": place[1],
        "postal_code": code,
        "time_zone": TIME_ZONE,
        "handling_cost_minor": 80,
        "cut_off": "16:00",
    }


def choose_postcodes(data: Path, nodes: dict[str, dict[str, Any]]) -> list[dict[str, str]]:
    """Rows of the codes of all nodes, and of two codes in each area of two digits: those with most stores.

    A code with a store has streets; many others are of a single firm and name it as their place.
    """
    german = [row for row in rows(data / "postcodes_europe.csv.gz") if row["country_code"] == "DE"]
    known = {row["zipcode"] for row in german}
    count = Counter(
        row["addr:postcode"] for row in rows(data / "stores_de_osm.csv.gz") if row["addr:postcode"] in known
    )
    of_area: dict[str, list[str]] = defaultdict(list)
    for code in sorted(count, key=lambda code: (-count[code], code)):
        of_area[code[:2]].append(code)
    wanted = {node["postal_code"] for node in nodes.values()}
    wanted |= {code for codes in of_area.values() for code in codes[:CODES_OF_AN_AREA_MAX]}
    taken: Counter[str] = Counter()
    chosen = []
    for row in sorted(german, key=lambda row: row["zipcode"]):  # stable: rows of a code stay in their order
        if row["zipcode"] in wanted and taken[row["zipcode"]] < ROWS_OF_A_CODE_MAX:
            taken[row["zipcode"]] += 1
            chosen.append({column: row[column] for column in COLUMNS})
    return chosen


def document_text(document: dict[str, dict[str, Any]]) -> str:
    """JSON with one entry a line."""
    parts = []
    for part, entries in document.items():
        lines = (f"  {json.dumps(key)}: {json.dumps(body, ensure_ascii=False)}" for key, body in entries.items())
        parts.append(f" {json.dumps(part)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(data: Path, target: Path) -> None:
    """Write the two files into `target`."""
    codes = Postcodes.load(data / "postcodes_europe.csv.gz")
    nodes = {node: warehouse_node(WAREHOUSE_NAMES[node], code, codes) for node, code in WAREHOUSES.items()}
    for row in choose_stores(data, codes):
        nodes["store-" + id_of(row["addr:city"]).lower()] = store_node(row)
    document = {
        "sourcing_policies": {"near": POLICY},
        "nodes": nodes,
        "items": ITEMS,
        "channels": {"web-de": CHANNEL},
    }
    (target / "german-stores.json").write_text(document_text(document), encoding="utf-8")
    with (target / "postcodes-de.csv").open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, fieldnames=COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(choose_postcodes(data, nodes))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent)
