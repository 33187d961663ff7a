"""Coordinates for what has a postal code only."""

from pathlib import Path
from typing import Any

import pytest

from api.geography.locating import NotLocated, locate_nodes, located
from api.geography.postcodes import Postcodes
from engine.commands.reservations import DemandLine, Destination, ReserveStock


@pytest.fixture
def postcodes(tmp_path: Path) -> Postcodes:
    path = tmp_path / "postcodes.csv"
    path.write_text("country_code,zipcode,latitude,longitude\nDE,10115,52.53,13.38\nDE,04109,51.34,12.37\n")
    return Postcodes.load(path)


def reserve(ship_to: Destination | None) -> ReserveStock:
    return ReserveStock("web-de", (DemandLine("BRASS-KETTLE", 1),), ship_to=ship_to)


def test_a_destination_without_coordinates_gets_those_of_its_postal_code(postcodes: Postcodes) -> None:
    found = located(reserve(Destination("DE", "10115")), postcodes)
    assert found == reserve(Destination("DE", "10115", 52.53, 13.38))


@pytest.mark.parametrize(
    "ship_to",
    [
        None,
        Destination(),
        Destination("DE"),
        Destination(None, "10115"),
        Destination("DE", "10115", 1.0, 2.0),
        Destination("DE", "99999"),
        Destination("FR", "10115"),
    ],
)
def test_everything_else_stays_as_it_came(postcodes: Postcodes, ship_to: Destination | None) -> None:
    body = reserve(ship_to)
    assert located(body, postcodes) is body


def test_without_a_table_nothing_is_looked_up() -> None:
    body = reserve(Destination("DE", "10115"))
    assert located(body, None) is body


def test_nodes_get_the_coordinates_they_lack(postcodes: Postcodes) -> None:
    leipzig = {"name": "Leipzig", "kind": "warehouse", "country": "DE", "postal_code": "04109"}
    berlin = {
        "name": "Berlin",
        "kind": "store",
        "country": "DE",
        "postal_code": "10115",
        "latitude": 1.0,
        "longitude": 2.0,
    }
    document: dict[str, Any] = {"nodes": {"leipzig": dict(leipzig), "berlin": dict(berlin)}}
    locate_nodes(document, postcodes)
    assert document == {"nodes": {"leipzig": {**leipzig, "latitude": 51.34, "longitude": 12.37}, "berlin": berlin}}


@pytest.mark.parametrize(
    ("node", "message"),
    [
        ({"country": "DE", "postal_code": "10117"}, "/nodes/b~1erlin/postal_code: '10117' of DE is not in the table"),
        ({"country": "DE"}, "/nodes/b~1erlin: give `latitude` and `longitude`, or `country` and `postal_code`"),
        ({"country": "DE", "postal_code": 10115}, "/nodes/b~1erlin: give `latitude`"),
    ],
)
def test_a_node_is_never_put_where_it_may_not_be(postcodes: Postcodes, node: Any, message: str) -> None:
    with pytest.raises(NotLocated) as raised:
        locate_nodes({"nodes": {"b/erlin": node}}, postcodes)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    "document", [None, [], {}, {"nodes": []}, {"nodes": {"berlin": 1}}, {"nodes": {"b": {"latitude": 1.0}}}]
)
def test_what_is_no_document_is_left_to_the_check_of_it(postcodes: Postcodes, document: Any) -> None:
    locate_nodes(document, postcodes)
