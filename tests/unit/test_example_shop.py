"""The example shop: what `kontor demo` starts with and the orders it replays."""

import csv
import gzip
import hashlib
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from engine.commands.configuration import Configure
from engine.pricing.lists import Buyer
from engine.pricing.moments import begins_ns
from engine.pricing.quoting import Asked, Quote, Wanted, quote
from engine.state.configuration import Configuration
from engine.state.promotion_usage import Usage

EXAMPLES = Path(__file__).parents[2] / "examples"
EXCERPT_DIGEST = "fe7f39da03cf63c90c415e058e0e58a249c50a5b4f15c0c82ab50c8180f51a86"


@pytest.fixture(scope="module")
def shop() -> Configure:
    return msgspec.json.decode((EXAMPLES / "shop.json").read_bytes(), type=Configure)


@pytest.fixture(scope="module")
def markets() -> dict[str, dict[str, str]]:
    with (EXAMPLES / "countries.csv").open(encoding="utf-8", newline="") as file:
        return {row["country"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def orders() -> list[dict[str, str]]:
    with gzip.open(EXAMPLES / "online_retail_2010-12.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_shop_has_three_warehouses_and_at_least_sixty_stores(shop: Configure) -> None:
    kinds = Counter(node.kind for node in shop.nodes.values())
    assert kinds["warehouse"] == 3
    assert kinds["store"] >= 60


def test_every_node_stands_at_a_place_of_its_own_in_north_western_europe(shop: Configure) -> None:
    for name, node in shop.nodes.items():
        assert 50.0 < node.latitude < 59.0, name
        assert -8.0 < node.longitude < 7.0, name
    places = Counter((node.latitude, node.longitude) for node in shop.nodes.values())
    assert places.most_common(1)[0][1] == 1


def test_stores_hand_over_and_most_of_them_ship(shop: Configure) -> None:
    stores = [node for node in shop.nodes.values() if node.kind == "store"]
    assert all(store.pickup for store in stores)
    shipping = sum(store.ships for store in stores)
    assert len(stores) * 3 // 4 < shipping < len(stores)


def test_every_market_has_a_web_channel_that_sells_in_pounds(
    shop: Configure, markets: dict[str, dict[str, str]]
) -> None:
    assert len(markets) == 38
    assert {row["channel"] for row in markets.values()} == set(shop.channels)
    for row in markets.values():
        channel = shop.channels[row["channel"]]
        assert (channel.kind, channel.country, channel.currency) == ("web", row["iso"], "GBP")


def test_every_market_has_a_capital_with_coordinates(markets: dict[str, dict[str, str]]) -> None:
    for name, row in markets.items():
        assert row["capital"], name
        assert -90 <= float(row["latitude"]) <= 90, name
        assert -180 <= float(row["longitude"]) <= 180, name
    assert markets["EIRE"]["capital"] == "Dublin"


def test_the_document_names_nothing_that_it_does_not_define(shop: Configure) -> None:
    assert {channel.sourcing_policy for channel in shop.channels.values()} <= set(shop.sourcing_policies)
    assert "standard" in shop.sourcing_policies
    assert set(shop.node_items) <= set(shop.nodes)
    assert {sku for items in shop.node_items.values() for sku in items} <= set(shop.items)


def test_no_key_stands_twice_in_the_document() -> None:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    json.loads((EXAMPLES / "shop.json").read_bytes(), object_pairs_hook=unique)


def test_the_month_is_the_rows_of_december_2010_and_nothing_else(orders: list[dict[str, str]]) -> None:
    assert len(orders) == 42_481
    assert len({row["InvoiceNo"] for row in orders}) == 2_025
    assert sum(int(row["Quantity"]) for row in orders) == 342_228
    assert sum(int(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in orders) == Decimal("748957.02")
    assert {row["InvoiceDate"][:7] for row in orders} == {"2010-12"}


def test_the_rows_of_the_month_are_byte_for_byte_those_of_the_source() -> None:
    with gzip.open(EXAMPLES / "online_retail_2010-12.csv.gz", "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == EXCERPT_DIGEST


def test_every_country_of_the_month_has_a_channel(
    orders: list[dict[str, str]], markets: dict[str, dict[str, str]], shop: Configure
) -> None:
    countries = {row["Country"] for row in orders}
    assert len(countries) == 24
    assert {markets[country]["channel"] for country in countries} <= set(shop.channels)


def test_every_excerpt_is_attributed() -> None:
    notice = (EXAMPLES / "LICENCES.txt").read_text(encoding="utf-8")
    for owner in ("Chen, D.", "GEOLYTIX", "Ordnance Survey", "Royal Mail", "National Statistics", "GeoNames"):
        assert owner in notice
    for file in ("online_retail_2010-12.csv.gz", "shop.json", "countries.csv"):
        assert file in notice


@pytest.mark.parametrize(
    ("day", "rate_millionths", "tax_minor"), [("2011-01-03", 175_000, 175), ("2011-01-04", 200_000, 200)]
)
def test_orders_to_britain_carry_the_rate_of_their_day(
    shop: Configure, day: str, rate_millionths: int, tax_minor: int
) -> None:
    known = Configuration()
    known.add(shop)
    sku = next(iter(known.items))
    buyer = Buyer("web-gb", "GBP", "GB", None, begins_ns(day))
    found = quote(known, Asked(buyer, [Wanted("1", sku, 1, 1_000)]), Usage())
    assert isinstance(found, Quote)
    line = found.lines[0]
    assert (line.rate_millionths, line.tax_minor, line.total_minor) == (rate_millionths, tax_minor, 1_000 + tax_minor)
