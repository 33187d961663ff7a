"""The example of German stores: a shop and an excerpt of postal codes that belong together."""

from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest

from api.geography.postcodes import Postcodes
from engine.commands.configuration import Configure
from engine.supply.node_table import distance_km

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture(scope="module")
def shop() -> Configure:
    return msgspec.json.decode((EXAMPLES / "german-stores.json").read_bytes(), type=Configure)


@pytest.fixture(scope="module")
def codes() -> Postcodes:
    return Postcodes.load(EXAMPLES / "postcodes-de.csv")


def test_there_are_forty_stores_with_hours_and_three_warehouses(shop: Configure) -> None:
    assert Counter(node.kind for node in shop.nodes.values()) == {"store": 40, "warehouse": 3}
    assert all(node.opening_hours for node in shop.nodes.values() if node.kind == "store")
    assert {channel.sourcing_policy for channel in shop.channels.values()} <= set(shop.sourcing_policies)


def test_every_node_stands_near_its_postal_code(shop: Configure, codes: Postcodes) -> None:
    for name, node in shop.nodes.items():
        assert node.postal_code is not None
        place = codes.find_exactly("DE", node.postal_code)
        assert place is not None, name
        assert distance_km(np.array([node.latitude]), np.array([node.longitude]), *place)[0] < 10, name


def test_every_german_area_of_two_digits_has_a_place(codes: Postcodes) -> None:
    assert len(codes) == 224
    unused = {"00", "05", "11", "43", "62"}
    areas = {f"{area:02}" for area in range(100)} - unused
    assert [area for area in sorted(areas) if codes.find("DE", f"{area}999") is None] == []


def test_the_excerpts_are_attributed() -> None:
    notice = (EXAMPLES / "LICENCES.txt").read_text(encoding="utf-8")
    for words in ("OpenStreetMap contributors", "Open Database License 1.0", "german-stores.json", "postcodes-de.csv"):
        assert words in notice
