"""Rows of a table as lines of stock movements."""

from collections.abc import Container
from typing import NamedTuple, get_args

import msgspec

from api.importing.columns import Field, Mapping, RowError
from api.importing.numbers import NotRead, read_whole
from api.importing.tables import Table
from engine.commands.stock import ABSOLUTE_REASONS, MovementLine, Reason

REASONS: tuple[str, ...] = get_args(Reason)
SKU_WORDS = (
    "sku", "article", "articlenumber", "articleno", "item", "itemnumber", "itemno", "artikel", "artikelnummer",
    "artikelnr", "artnr",
)  # fmt: skip
FIELDS = (
    Field("sku", SKU_WORDS, needed=True),
    Field(
        "node", ("node", "location", "warehouse", "store", "lager", "lagerort", "filiale", "standort"), needed=True
    ),
    # Nobody can tell an ordered quantity from a stock beside it: then neither is taken.
    Field(
        "quantity",
        ("quantity", "qty", "units", "stock", "onhand", "counted", "menge", "bestand", "anzahl", "stueck"),
        needed=True,
        own_name_wins=False,
    ),
    Field(
        "reason",
        ("reason", "grund", "bewegungsart"),
        weak=("type", "movement", "typ"),
        values=frozenset(REASONS),
    ),
    Field("note", ("note", "comment", "remark", "bemerkung", "notiz")),
)  # fmt: skip

Place = tuple[str, str]
"""SKU and node."""


class Checked(NamedTuple):
    """Rows that may be sent, with their numbers; those that may not; the SKUs and nodes that rows name, good or bad;
    the first row that does not say at which node it is."""

    lines: list[tuple[int, MovementLine]]
    errors: list[RowError]
    named: set[Place]
    without_node: int | None


def check_rows(
    table: Table, mapping: Mapping, skus: Container[str], nodes: Container[str], mark: str | None
) -> Checked:
    """Look at every row. What is there of a SKU at a node is said in one row: of two neither is taken."""
    lines: list[tuple[int, MovementLine]] = []
    errors: list[RowError] = []
    first_row: dict[Place, int] = {}
    more_rows: dict[Place, list[int]] = {}
    absolute: set[Place] = set()
    without_node: int | None = None
    for row in table.rows:
        texts = mapping.texts(row)
        if isinstance(texts, RowError):
            errors.append(texts)
            without_node = without_node or row.number
            continue
        place = (texts["sku"], texts["node"])
        if place[1] not in nodes:
            without_node = without_node or row.number
        elif place[0] in skus:
            if first_row.setdefault(place, row.number) != row.number:
                more_rows.setdefault(place, []).append(row.number)
            if _reason(texts) in ABSOLUTE_REASONS:
                absolute.add(place)
        found = line_of(row.number, texts, mapping, skus, nodes, mark)
        if isinstance(found, RowError):
            errors.append(found)
        else:
            lines.append((row.number, found))
    twice = {place: [first_row[place], *rows] for place, rows in more_rows.items() if place in absolute}
    if twice:
        good = [entry for entry in lines if (entry[1].sku, entry[1].node) not in twice]
        errors += [_twice(row, line, mapping, twice) for row, line in lines if (line.sku, line.node) in twice]
        lines = good
    return Checked(lines, errors, set(first_row), without_node)


def _reason(texts: dict[str, str]) -> str:
    return texts.get("reason", "").lower() or "receipt"


def _twice(row: int, line: MovementLine, mapping: Mapping, twice: dict[Place, list[int]]) -> RowError:
    others = [str(other) for other in twice[line.sku, line.node] if other != row]
    rows = f"row {others[0]} names" if len(others) == 1 else f"rows {', '.join(others[:5])} name"
    detail = f"{rows} it at {line.node} too, and a {line.reason} says what is there: add them up, or leave one out"
    if line.reason not in ABSOLUTE_REASONS:
        detail = f"{rows} it at {line.node} too and say what is there; put what comes and goes into a file of its own"
    return RowError(row, mapping.word("sku"), line.sku, detail)


def line_of(
    number: int,
    texts: dict[str, str],
    mapping: Mapping,
    skus: Container[str],
    nodes: Container[str],
    mark: str | None,
) -> MovementLine | RowError:
    """A row's texts as a line, or the first thing that is wrong with it."""

    def wrong(field: str, error: str) -> RowError:
        return RowError(number, mapping.word(field), texts.get(field, ""), error)

    reason = _reason(texts)
    if reason not in REASONS:
        return wrong("reason", f"no reason is called so; there are {', '.join(REASONS)}")
    for field, known in (("sku", skus), ("node", nodes)):
        if not texts[field]:
            return wrong(field, f"there is no {field} in this row")
        if texts[field] not in known:
            return wrong(field, f"there is no such {field}")
    try:
        quantity = read_whole(texts["quantity"], mark)
    except NotRead as error:
        return wrong("quantity", str(error) if texts["quantity"] else "there is no quantity in this row")
    try:
        line = msgspec.convert(
            {
                "sku": texts["sku"],
                "node": texts["node"],
                "reason": reason,
                "quantity": quantity,
                "note": texts.get("note") or None,
            },
            MovementLine,
        )
    except msgspec.ValidationError as error:
        return wrong("quantity" if "quantity" in str(error) else "note", str(error).partition(" - at")[0])
    return line


def zeros(named: set[Place], node: str, in_stock: list[str], reason: Reason) -> list[MovementLine]:
    """What a file that names everything says of SKUs that it does not name."""
    return [MovementLine(sku, node, reason, 0) for sku in in_stock if (sku, node) not in named]
