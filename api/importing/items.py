"""Rows of a table as items: what a row says of one, laid over what is known of it."""

import re
from collections.abc import Callable
from collections.abc import Mapping as Known
from typing import Any, NamedTuple

import msgspec

from api.importing.columns import Field, Mapping, RowError
from api.importing.movements import SKU_WORDS
from api.importing.numbers import NotRead, read_number, read_whole
from api.importing.tables import Table
from engine.commands.configuration import Item
from engine.commands.fields import GTIN_REGEX, SKU_REGEX

YES = frozenset(("yes", "true", "1", "y", "ja", "wahr", "x"))
NO = frozenset(("no", "false", "0", "n", "nein", "falsch"))
GRAMS_A_KILOGRAM_DIGITS = 3

FIELDS = (
    Field("sku", SKU_WORDS, needed=True),
    Field("name", ("name", "title", "description", "bezeichnung", "artikelbezeichnung", "titel")),
    Field("weight_grams", ("weightgrams", "weightg", "grams", "gewichtg", "gewichtgramm", "gramm")),
    Field("weight_kg", ("weightkg", "kg", "gewichtkg")),
    Field("tax_class", ("taxclass", "steuerklasse")),
    Field("gtin", ("gtin", "ean", "barcode", "upc", "ean13", "gtinean")),
    Field("backorderable", ("backorderable", "backorders", "nachlieferbar")),
    Field("sellable", ("sellable", "verkaeuflich")),
    Field("groups", ("groups", "group", "itemgroup", "itemgroups", "gruppe", "gruppen", "warengruppe")),
    Field("value_minor", ("valueminor",)),
    Field("backorders_max", ("backordersmax",)),
)
WEIGHTS = ("weight_grams", "weight_kg")

_PATH = re.compile(r" - at `\$\.?([a-z_]*)")


class CheckedItems(NamedTuple):
    """Items that may be sent, each with the row that names it, and the rows that may not. `unchanged` rows say nothing
    new."""

    bodies: dict[str, dict[str, Any]]
    row_of: dict[str, int]
    errors: list[RowError]
    unchanged: int


def check_rows(table: Table, mapping: Mapping, known: Known[str, dict[str, Any]], decimal: str | None) -> CheckedItems:
    """Look at every row. A SKU that two rows name is left out with both; an empty cell leaves what is known."""
    bodies: dict[str, dict[str, Any]] = {}
    errors: list[RowError] = []
    rows_of: dict[str, list[int]] = {}
    mark = decimal or mapping.mark(table, WEIGHTS)
    for row in table.rows:
        texts = mapping.texts(row)
        found = texts if isinstance(texts, RowError) else _body_of(row.number, texts, mapping, known, mark)
        if isinstance(texts, dict) and texts["sku"]:
            rows_of.setdefault(texts["sku"], []).append(row.number)
        if isinstance(found, RowError):
            errors.append(found)
        elif isinstance(texts, dict):
            bodies[texts["sku"]] = found
    told = {error.row for error in errors}
    for sku, rows in rows_of.items():
        if len(rows) > 1:
            bodies.pop(sku, None)
            errors += [
                RowError(row, mapping.word("sku"), sku, f"rows {', '.join(map(str, rows[:5]))} all name it: leave one")
                for row in rows
                if row not in told
            ]
    new = {sku: body for sku, body in bodies.items() if known.get(sku) != body}
    return CheckedItems(new, {sku: rows[0] for sku, rows in rows_of.items()}, errors, len(bodies) - len(new))


def _body_of(
    number: int, texts: dict[str, str], mapping: Mapping, known: Known[str, dict[str, Any]], mark: str | None
) -> dict[str, Any] | RowError:
    """What an item is after a row, or the first thing that is wrong with the row."""
    sku = texts["sku"]
    if not re.match(SKU_REGEX, sku):
        problem = "there is no sku in this row" if not sku else "a SKU has 1 to 64 printable characters"
        return RowError(number, mapping.word("sku"), sku, problem)
    body = dict(known.get(sku, {}))
    for field, text in texts.items():
        if field != "sku" and text:
            try:
                name, value = _READ.get(field, _as_text)(field, text, mark)
            except NotRead as error:
                return RowError(number, mapping.word(field), text, str(error))
            body[name] = value
    if not body.get("name"):
        return RowError(number, mapping.word("name"), "", "there is no name in this row, and no such item yet")
    try:
        return plain(msgspec.convert(body, Item))
    except msgspec.ValidationError as error:
        place = _PATH.search(str(error))
        name = "name" if place is None else place[1]
        if name == "weight_grams" and "weight_kg" in mapping.columns:
            name = "weight_kg"
        return RowError(number, mapping.word(name), texts.get(name, ""), _in_words(str(error)))


def plain(body: Item) -> dict[str, Any]:
    """An item as it is sent and compared: what is as usual is left out."""
    made: dict[str, Any] = msgspec.to_builtins(body)
    return made


def _in_words(error: str) -> str:
    text = error.partition(" - at")[0]
    return "8 to 14 digits are needed" if GTIN_REGEX in text else text


def _as_text(field: str, text: str, mark: str | None) -> tuple[str, Any]:
    return field, text


def _as_grams(field: str, text: str, mark: str | None) -> tuple[str, Any]:
    if field == "weight_grams":
        return field, read_whole(text, mark)
    kilograms = read_number(text, mark)
    if len(kilograms.digits) > GRAMS_A_KILOGRAM_DIGITS or kilograms.negative:
        raise NotRead("kilograms with up to three decimals are needed")
    return "weight_grams", kilograms.whole * 1000 + int(kilograms.digits.ljust(GRAMS_A_KILOGRAM_DIGITS, "0"))


def _as_whole(field: str, text: str, mark: str | None) -> tuple[str, Any]:
    return field, read_whole(text, None)


def _as_yes_or_no(field: str, text: str, mark: str | None) -> tuple[str, Any]:
    word = text.lower()
    if word not in YES | NO:
        raise NotRead("yes or no is needed")
    return field, word in YES


def _as_list(field: str, text: str, mark: str | None) -> tuple[str, Any]:
    return field, [part for part in re.split(r"[\s,;|]+", text) if part]


_READ: dict[str, Callable[[str, str, str | None], tuple[str, Any]]] = {
    "weight_grams": _as_grams,
    "weight_kg": _as_grams,
    "backorderable": _as_yes_or_no,
    "sellable": _as_yes_or_no,
    "groups": _as_list,
    "value_minor": _as_whole,
    "backorders_max": _as_whole,
}
