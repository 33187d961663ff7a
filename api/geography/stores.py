"""A table of places as nodes: rows that are understood become nodes, the others are named with the reason, none is guessed."""

import math
import re
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from api.answers import problems
from api.geography.opening_hours import NotUnderstood, parse_opening_hours
from api.geography.postcodes import Postcodes
from api.geography.tables import read_table
from engine import limits
from engine.commands.configuration import Node

_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9._:\-]+")
_WITHOUT_ACCENT = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "æ": "ae", "Æ": "AE"})


class Columns(NamedTuple):
    """Where a row says what. `id` and `name` are texts with {column} in them, the others names of columns."""

    id: str
    name: str
    latitude: str
    longitude: str
    postal_code: str | None = None
    opening_hours: str | None = None


class LeftOut(NamedTuple):
    """A row that became no node."""

    line: int
    reason: str


class Places(NamedTuple):
    """Bodies of nodes by id, in the order of the rows, and the rows that were left out."""

    nodes: dict[str, dict[str, Any]]
    left_out: list[LeftOut]


class _Unusable(Exception):
    """Why a row can't become a node."""


def read_places(
    path: Path,
    columns: Columns,
    common: dict[str, Any],
    public_holidays: tuple[str, ...] = (),
    postcodes: Postcodes | None = None,
) -> Places:
    """Turn the rows of a CSV file into bodies of nodes.

    `common` is what all of them have: `kind`, `country` and any other field of a node. `public_holidays` become closed
    dates of the places that say so. With `postcodes` a row without coordinates gets those of its postal code, if that is
    in the table. A row without opening hours becomes a node without; hours that are not understood leave the row out,
    since a node without hours is one that is always open. Raises BadTable.
    """
    named = [column for column in columns[2:] if column is not None]
    wanted = list(dict.fromkeys(named + _PLACEHOLDER.findall(columns.id + columns.name)))
    nodes: dict[str, dict[str, Any]] = {}
    line_of: dict[str, int] = {}
    left_out = []
    for line, values in read_table(path, wanted):
        row = dict(zip(wanted, values, strict=True))
        node_id = id_of(_filled(columns.id, row))
        try:
            if not node_id:
                raise _Unusable("there is nothing to make an id of")
            if node_id in line_of:
                raise _Unusable(f"the id {node_id} is that of line {line_of[node_id]} already")
            nodes[node_id] = _node(row, columns, common, public_holidays, postcodes)
            line_of[node_id] = line
        except _Unusable as error:
            left_out.append(LeftOut(line, str(error)))
    return Places(nodes, left_out)


def id_of(text: str) -> str:
    """An id of the contract, out of any text: without accents, other characters as hyphens, 64 at most; "" if nothing is left."""
    plain = unicodedata.normalize("NFKD", text.translate(_WITHOUT_ACCENT))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return _NOT_IN_IDS.sub("-", plain).strip("-")[: limits.ID_LENGTH_MAX].strip("-")


def _filled(text: str, row: dict[str, str]) -> str:
    """The text with the row's values, without double blanks."""
    return " ".join(_PLACEHOLDER.sub(lambda found: row[found[1]], text).split())


def _node(
    row: dict[str, str],
    columns: Columns,
    common: dict[str, Any],
    public_holidays: tuple[str, ...],
    postcodes: Postcodes | None,
) -> dict[str, Any]:
    code = "" if columns.postal_code is None else row[columns.postal_code].strip()
    latitude, longitude = _coordinates(row[columns.latitude], row[columns.longitude], common, code, postcodes)
    node = {"name": _filled(columns.name, row), **common, "latitude": latitude, "longitude": longitude}
    if code:
        node["postal_code"] = code
    hours = "" if columns.opening_hours is None else row[columns.opening_hours].strip()
    if hours:
        try:
            found = parse_opening_hours(hours)
        except NotUnderstood as error:
            raise _Unusable(f"opening hours {hours!r}: {error}") from None
        node["opening_hours"] = found.week
        if found.public_holidays_off and public_holidays:
            node["closed_dates"] = list(dict.fromkeys((*node.get("closed_dates", ()), *public_holidays)))
    try:
        msgspec.convert(node, Node)
    except msgspec.ValidationError as error:
        refusal = problems.from_validation(error)
        raise _Unusable(f"{refusal.errors[0].pointer}: {refusal.detail}") from None
    return node


def _coordinates(
    latitude: str, longitude: str, common: dict[str, Any], code: str, postcodes: Postcodes | None
) -> tuple[float, float]:
    if latitude.strip() or longitude.strip():
        try:
            north, east = float(latitude), float(longitude)
        except ValueError:
            north = east = math.nan
        if not (-90 <= north <= 90 and -180 <= east <= 180):
            raise _Unusable(f"no coordinates in decimal degrees: {latitude!r}, {longitude!r}")
        return round(north, 5), round(east, 5)  # about a metre
    place = postcodes.find_exactly(common["country"], code) if postcodes is not None and code else None
    if place is None:
        raise _Unusable("no coordinates" + (f", and {code!r} is not in the table of postal codes" if postcodes else ""))
    return place
