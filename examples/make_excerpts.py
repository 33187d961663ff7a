"""Make shop.json, countries.csv, online_retail_2010-12.csv.gz and till_receipts_2017-01-01.csv.gz again from the shared data files.

    python examples/make_excerpts.py SHARED_DATA_DIR [TARGET_DIR]

The same input gives the same output: nothing is drawn at random. README.md says what is selected and why.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import statistics
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

MONTH_END = "2011-01-01"
RECEIPTS_DAY = "2017-01-01"
STORES_COUNT = 64
PICKUP_ONLY_COUNT = 8
STORES_APART_KM_MIN = 20.0
CHANNEL_ISLANDS_LATITUDE_MAX = 49.8
EARTH_RADIUS_KM = 6_371.0

# Where the file's name of a market is not the name in the country table. The European Community has no
# country code: its orders go to Brussels, its seat. Unspecified orders are taken for domestic ones.
COUNTRY_CODES = {
    "Channel Islands": "JE",
    "Czech Republic": "CZ",
    "EIRE": "IE",
    "European Community": "BE",
    "Netherlands": "NL",
    "RSA": "ZA",
    "USA": "US",
    "Unspecified": "GB",
}
CHANNELS = {"European Community": "web-eu", "Unspecified": "web-unspecified"}

# Postal code and place, near a freight park, whose coordinates the postal code table gives.
WAREHOUSES = {
    "warehouse-daventry": ("Daventry", "GB", "NN6", "Crick", "Europe/London"),
    "warehouse-doncaster": ("Doncaster", "GB", "DN11", "Rossington", "Europe/London"),
    "warehouse-venlo": ("Venlo", "NL", "5928", "Venlo", "Europe/Amsterdam"),
}

# Best sellers that stores keep for the people who walk in.
SAFETY_STOCK = {"22423": 2, "84879": 4, "85099B": 6, "85123A": 6}
SAFETY_STOCK_STORES = 12

POLICIES: dict[str, dict[str, Any]] = {
    "standard": {
        "name": "Cheapest node that has everything, lines may be spread",
        "parcel_cost_minor": 395,
        "cost_per_100_km_minor": 20,
        "cross_border_cost_minor": 1_000,
        "split_penalty_minor": 300,
        "line_split": True,
    },
    "few-parcels": {
        "name": "At most two parcels, every line whole",
        "parcel_cost_minor": 395,
        "cost_per_100_km_minor": 20,
        "cross_border_cost_minor": 1_000,
        "split_penalty_minor": 2_000,
        "nodes_max": 2,
        "line_split": False,
    },
}


class Store(NamedTuple):
    """One shop as the store table has it; degrees, WGS 84."""

    id: str
    town: str
    latitude: float
    longitude: float


def rows(path: Path) -> Iterator[dict[str, str]]:
    """Every row of a gzipped CSV file with a header."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def distance_km(a: Store, b: Store) -> float:
    """Great-circle distance by the haversine formula."""
    north, south = math.radians(a.latitude), math.radians(b.latitude)
    east = math.radians(b.longitude - a.longitude)
    chord = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(chord))


def choose_stores(data: Path) -> list[Store]:
    """One store for each of 64 towns, the towns with most stores first, no two stores nearer than 20 km.

    A town's store is the one nearest to the median of all its stores.
    """
    by_town: dict[str, list[Store]] = defaultdict(list)
    for row in rows(data / "stores_gb.csv.gz"):
        if float(row["lat_wgs"]) > CHANNEL_ISLANDS_LATITUDE_MAX:
            place = round(float(row["lat_wgs"]), 5), round(float(row["long_wgs"]), 5)
            by_town[row["town"]].append(Store(row["id_geolytix"], row["town"], *place))
    chosen: list[Store] = []
    for town in sorted(by_town, key=lambda name: (-len(by_town[name]), name)):
        latitude = statistics.median(store.latitude for store in by_town[town])
        longitude = statistics.median(store.longitude for store in by_town[town])
        middle = Store("", town, latitude, longitude)
        best = min(by_town[town], key=lambda store: (distance_km(store, middle), store.id))
        if all(distance_km(best, other) >= STORES_APART_KM_MIN for other in chosen):
            chosen.append(best)
        if len(chosen) == STORES_COUNT:
            return chosen
    raise SystemExit(f"only {len(chosen)} towns lie far enough apart")


def warehouse_nodes(data: Path) -> dict[str, dict[str, Any]]:
    """The three warehouses, at the coordinates of their postal codes."""
    wanted = {(country, code, place): node for node, (_, country, code, place, _) in WAREHOUSES.items()}
    nodes: dict[str, dict[str, Any]] = {node: {} for node in WAREHOUSES}
    for row in rows(data / "postcodes_europe.csv.gz"):
        node = wanted.get((row["country_code"], row["zipcode"], row["place"]))
        if node is not None:
            name, country, code, _, time_zone = WAREHOUSES[node]
            nodes[node] = {
                "name": f"Warehouse {name}",
                "kind": "warehouse",
                "country": country,
                "latitude": float(row["latitude"]),
                "longitude": float(row["longitude"]),
                "postal_code": code,
                "time_zone": time_zone,
                "handling_cost_minor": 80,
                "cut_off": "16:00",
            }
    if not all(nodes.values()):
        raise SystemExit("a warehouse's postal code is not in the table")
    return nodes


def store_nodes(stores: list[Store]) -> dict[str, dict[str, Any]]:
    """The stores as nodes. The last eight, in the towns with fewest shops, serve pickup only."""
    return {
        "store-" + re.sub(r"[^a-z]+", "-", store.town.lower()).strip("-"): {
            "name": f"Store {store.town}",
            "kind": "store",
            "country": "GB",
            "latitude": store.latitude,
            "longitude": store.longitude,
            "time_zone": "Europe/London",
            "ships": position < STORES_COUNT - PICKUP_ONLY_COUNT,
            "pickup": True,
            "handling_cost_minor": 180,
            "cut_off": "14:00",
        }
        for position, store in enumerate(stores)
    }


def read_orders(data: Path) -> tuple[bytes, list[str], dict[str, str]]:
    """The month's lines as they are, all markets of the file, the usual names of SKUs with safety stock."""
    lines: list[bytes] = []
    names: dict[str, Counter[str]] = defaultdict(Counter)
    countries: set[str] = set()
    with gzip.open(data / "online_retail.csv.gz", "rb") as file:
        header = next(file)
        columns = header.decode().strip().split(",")
        for line in file:
            row = dict(zip(columns, next(csv.reader([line.decode()])), strict=True))
            countries.add(row["Country"])
            if row["StockCode"] in SAFETY_STOCK:
                names[row["StockCode"]][row["Description"]] += 1
            if row["InvoiceDate"] < MONTH_END:
                lines.append(line)
    usual = {sku: min(names[sku], key=lambda name: (-names[sku][name], name)) for sku in SAFETY_STOCK}
    return header + b"".join(lines), sorted(countries), usual


def market_rows(data: Path, markets: list[str]) -> list[dict[str, str]]:
    """Channel, country code, capital with coordinates and currency for every market's name."""
    by_code = {row["iso"]: row for row in rows(data / "countries.csv.gz")}
    code_of_name = {row["name"]: row["iso"] for row in by_code.values()}
    table = []
    for market in markets:
        code = COUNTRY_CODES.get(market) or code_of_name[market]
        table.append(
            {
                "country": market,
                "channel": CHANNELS.get(market, f"web-{code.lower()}"),
                "iso": code,
                "capital": by_code[code]["capital"],
                "latitude": by_code[code]["capital_latitude"],
                "longitude": by_code[code]["capital_longitude"],
                "currency": by_code[code]["currencycode"],
            }
        )
    return table


def shop(data: Path, markets: list[dict[str, str]], item_names: dict[str, str]) -> dict[str, Any]:
    """The configuration document. Every channel sells in pounds, as the invoices do."""
    stores = store_nodes(choose_stores(data))
    return {
        "sourcing_policies": POLICIES,
        "nodes": warehouse_nodes(data) | stores,
        "items": {sku: {"name": name} for sku, name in item_names.items()},
        "node_items": {
            node: {sku: {"safety_stock": units} for sku, units in SAFETY_STOCK.items()}
            for node in list(stores)[:SAFETY_STOCK_STORES]
        },
        "channels": {
            market["channel"]: {
                "name": f"Web shop {market['country']}",
                "kind": "web",
                "country": market["iso"],
                "currency": "GBP",
                "prices_include_tax": False,
                "sourcing_policy": "standard",
            }
            for market in markets
        },
        "tax_rates": {"GB": {"classes": {"standard": uk_rates(data)}}},
    }


def uk_rates(data: Path) -> list[dict[str, str]]:
    """The standard rates of the United Kingdom that held in the time of the orders."""
    with (data / "vat_rates_history.csv").open(encoding="utf-8", newline="") as text:
        rows = [row for row in csv.DictReader(text) if "GB" in row["territory_codes"].split()]
    held = [row for row in rows if row["stop_date"] > "2010-12-01" or not row["stop_date"]]
    return [{"rate": row["rate"], "from": row["start_date"]} for row in sorted(held, key=lambda row: row["start_date"])]


def receipts(data: Path) -> bytes:
    """The receipt lines of the first trading day, unchanged."""
    with gzip.open(data / "cj_transactions_2017q1.csv.gz", "rt", encoding="utf-8", newline="") as text:
        header, *lines = text.read().splitlines(keepends=True)
    return (header + "".join(line for line in lines if f",{RECEIPTS_DAY} " in line)).encode()


def pack(content: bytes) -> bytes:
    """Compressed, the same way every time."""
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


def main(data: Path, target: Path) -> None:
    """Write the four files into `target`."""
    excerpt, market_names, item_names = read_orders(data)
    markets = market_rows(data, market_names)
    (target / "online_retail_2010-12.csv.gz").write_bytes(pack(excerpt))
    (target / f"till_receipts_{RECEIPTS_DAY}.csv.gz").write_bytes(pack(receipts(data)))
    with (target / "countries.csv").open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, fieldnames=list(markets[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(markets)
    document = json.dumps(shop(data, markets, item_names), ensure_ascii=False, indent=1)
    (target / "shop.json").write_text(document + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).parent)
