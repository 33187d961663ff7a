"""Rows of a table as lines of stock movements: which column is what, and what is wrong with a row."""

import re
from collections.abc import Container, Iterable
from typing import NamedTuple, get_args

import msgspec

from api.importing.tables import BadTable, Table, TableRow
from engine.commands.stock import MovementLine, Reason

FIELDS = ("sku", "node", "quantity", "reason", "note")
SYNONYMS = {
    "sku": ("sku", "article", "articlenumber", "item", "itemnumber", "artikel", "artikelnummer", "artikelnr", "artnr"),
    "node": ("node", "location", "warehouse", "store", "lager", "lagerort", "filiale", "standort"),
    "quantity": ("quantity", "qty", "units", "stock", "onhand", "counted", "menge", "bestand", "anzahl", "stueck"),
    "reason": ("reason", "movement", "type", "grund", "bewegungsart"),
    "note": ("note", "comment", "remark", "bemerkung", "notiz"),
}
REASONS: tuple[str, ...] = get_args(Reason)
WHOLE = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)


class RowError(NamedTuple):
    """Why a row is not taken. `column` is the header's word for it, or the field's where the file has no column."""

    row: int
    column: str
    value: str
    error: str


class Mapping(NamedTuple):
    """Where each field stands; fields without a column have a fixed value or none."""

    columns: dict[str, int]
    fixed: dict[str, str]
    header: tuple[str, ...]

    def word(self, field: str) -> str:
        """What the file calls a field."""
        at = self.columns.get(field)
        return field if at is None else self.header[at]


def mapping_of(table: Table, asked: dict[str, str], fixed: dict[str, str]) -> Mapping:
    """Find the columns: as asked, else by the words people use. Raises BadTable for what is missing."""
    plain = [re.sub(r"[^a-z0-9]", "", name.lower().replace("ü", "ue")) for name in table.header]
    columns: dict[str, int] = {}
    for field in FIELDS:
        if field in asked:
            if asked[field] not in table.header:
                names = ", ".join(map(repr, table.header))
                raise BadTable(f"there is no column {asked[field]!r} for {field}; the columns are {names}")
            columns[field] = table.header.index(asked[field])
        elif field not in fixed:
            found = [at for at, name in enumerate(plain) if name in SYNONYMS[field]]
            if found:
                columns[field] = found[0]
    missing = [field for field in FIELDS[:3] if field not in columns and field not in fixed]
    if missing:
        names = ", ".join(map(repr, table.header))
        ways = " ".join(f"--map {field}=COLUMN" for field in missing)
        raise BadTable(f"no column for {', '.join(missing)} among {names}; name it: {ways}")
    return Mapping(columns, fixed, table.header)


def line_of(row: TableRow, mapping: Mapping, skus: Container[str], nodes: Container[str]) -> MovementLine | RowError:
    """A row as a line, or the first thing that is wrong with it."""
    texts = dict(mapping.fixed)
    for field, at in mapping.columns.items():
        texts[field] = row.values[at].strip() if at < len(row.values) else ""

    def wrong(field: str, error: str) -> RowError:
        return RowError(row.number, mapping.word(field), texts.get(field, ""), error)

    reason = texts.get("reason", "").lower() or "receipt"
    if reason not in REASONS:
        return wrong("reason", f"no reason is called so; there are {', '.join(REASONS)}")
    for field, known in (("sku", skus), ("node", nodes)):
        if not texts[field]:
            return wrong(field, f"there is no {field} in this row")
        if texts[field] not in known:
            return wrong(field, f"there is no such {field}")
    if not WHOLE.fullmatch(texts["quantity"]):
        return wrong("quantity", "a whole number is needed, without separators")
    try:
        line = msgspec.convert(
            {
                "sku": texts["sku"],
                "node": texts["node"],
                "reason": reason,
                "quantity": int(texts["quantity"]),
                "note": texts.get("note") or None,
            },
            MovementLine,
        )
    except msgspec.ValidationError as error:
        return wrong("quantity" if "quantity" in str(error) else "note", str(error).partition(" - at")[0])
    return line


def safe_cell(value: str) -> str:
    """A text that a spreadsheet will not take for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def error_rows(errors: Iterable[RowError]) -> list[tuple[str, ...]]:
    """Row errors as rows of a CSV file, with a header."""
    return [
        ("row", "column", "value", "error"),
        *((str(e.row), safe_cell(e.column), safe_cell(e.value), e.error) for e in errors),
    ]
