"""The shop that the orders are replayed into: master data, and the market behind each country name of the file."""

import csv
import sys
from pathlib import Path

import msgspec
import numpy as np

from engine.commands.configuration import Configure, Item
from engine.supply.node_table import distance_km


class NoExamples(Exception):
    """The example files are not where the checkout or the installed package keeps them."""


class Market(msgspec.Struct, frozen=True):
    """Where a country's orders come from and go to: the channel, and the capital in decimal degrees."""

    channel: str
    iso: str
    capital: str
    latitude: float
    longitude: float
    returns_node: str


class Shop(msgspec.Struct, frozen=True):
    """`document` is the master data as people write it; `warehouses` and `stores` are the nodes that ship, in its order."""

    document: Configure
    markets: dict[str, Market]
    warehouses: tuple[str, ...]
    stores: tuple[str, ...]


def examples_directory() -> Path:
    """The folder `examples`: of the checkout, else of the installed package. Raises NoExamples."""
    places = (
        Path(__file__).resolve().parents[2] / "examples",
        Path(sys.prefix) / "share" / "kontor" / "examples",
        Path.cwd() / "examples",
    )
    for place in places:
        if (place / "shop.json").is_file():
            return place
    raise NoExamples("the example shop is missing; looked in " + ", ".join(str(place) for place in places))


def read_shop(directory: Path) -> Shop:
    """Read shop.json and countries.csv. Raises NoExamples."""
    try:
        document = msgspec.json.decode((directory / "shop.json").read_bytes(), type=Configure)
        with (directory / "countries.csv").open(encoding="utf-8", newline="") as file:
            countries = list(csv.DictReader(file))
    except (OSError, msgspec.MsgspecError) as error:
        raise NoExamples(f"the example shop in {directory} can't be read: {error}") from None
    shipping = {name: node for name, node in document.nodes.items() if node.ships and node.enabled}
    warehouses = tuple(name for name, node in shipping.items() if node.kind == "warehouse")
    if not warehouses:
        raise NoExamples(f"the shop in {directory} has no warehouse that ships")
    stores = tuple(name for name, node in shipping.items() if node.kind == "store")
    markets = {}
    for row in countries:
        latitude, longitude = float(row["latitude"]), float(row["longitude"])
        nearest = _nearest(document, warehouses, latitude, longitude)
        markets[row["country"]] = Market(row["channel"], row["iso"], row["capital"], latitude, longitude, nearest)
    return Shop(document, markets, warehouses, stores)


def _nearest(document: Configure, nodes: tuple[str, ...], latitude: float, longitude: float) -> str:
    latitudes = np.array([document.nodes[name].latitude for name in nodes])
    longitudes = np.array([document.nodes[name].longitude for name in nodes])
    return nodes[int(np.argmin(distance_km(latitudes, longitudes, latitude, longitude)))]


def with_items(shop: Shop, names: dict[str, str]) -> Configure:
    """The shop's master data plus an item for every SKU of the orders."""
    items = {sku: Item(name=name) for sku, name in names.items()} | shop.document.items
    return msgspec.structs.replace(shop.document, items=items)
