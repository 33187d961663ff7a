"""Rows of a CSV or Excel file, as texts, with the number each has in the file."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ENCODINGS = ("utf-8-sig", "cp1252")
DELIMITERS = ",;\t|"
SNIFFED_CHARACTERS = 20_000


class BadTable(Exception):
    """The file can't be read as a table; the message says why and what to do."""


class TableRow(NamedTuple):
    """One row after the header; `number` counts the file's rows from 1, the header being one of them."""

    number: int
    values: tuple[str, ...]


class Table(NamedTuple):
    """A header and the rows under it. Empty rows are left out."""

    header: tuple[str, ...]
    rows: list[TableRow]


def read_table(path: Path, delimiter: str | None = None, sheet: str | None = None) -> Table:
    """Read .xlsx, .xlsm and .xls as Excel, anything else as CSV. Raises BadTable."""
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        found = _numbered(_excel(path, sheet))
    else:
        found = _numbered(_csv(path, delimiter))
    header = next(found, None)
    if header is None:
        raise BadTable(f"{path.name} is empty")
    return Table(tuple(name.strip() for name in header.values), list(found))


def _numbered(rows: Iterator[tuple[str, ...]]) -> Iterator[TableRow]:
    for number, values in enumerate(rows, 1):
        if any(value.strip() for value in values):
            yield TableRow(number, values)


def _csv(path: Path, delimiter: str | None) -> Iterator[tuple[str, ...]]:
    content = path.read_bytes()
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise BadTable(f"{path.name} is neither UTF-8 nor Windows-1252 text; save it as CSV in UTF-8")
    if delimiter is None:
        try:
            delimiter = csv.Sniffer().sniff(text[:SNIFFED_CHARACTERS].partition("\n")[0], DELIMITERS).delimiter
        except csv.Error:
            delimiter = ","
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield tuple(row)
    except csv.Error as error:
        raise BadTable(f"{path.name}: {error}") from None


def _excel(path: Path, sheet: str | None) -> Iterator[tuple[str, ...]]:
    try:
        import python_calamine as calamine
    except ImportError:
        raise BadTable(
            "Excel files need one more package: pip install 'kontor[connect]', or save the file as CSV"
        ) from None
    try:
        workbook = calamine.CalamineWorkbook.from_path(str(path))
    except (calamine.CalamineError, OSError) as error:
        raise BadTable(f"{path.name} is no Excel file: {error}") from None
    names = workbook.sheet_names
    if sheet is not None and sheet not in names:
        raise BadTable(f"{path.name} has no sheet {sheet!r}; it has {', '.join(names)}")
    for row in workbook.get_sheet_by_name(sheet or names[0]).to_python(skip_empty_area=False):
        yield tuple(map(_text, row))


def _text(value: Any) -> str:
    """A cell as a person would type it: Excel keeps every number as a fraction."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
