"""Rows of a CSV or Excel file, as texts, with the number each has in the file."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from api.importing.numbers import CellNumber
from api.importing.texts import BadTable, text_of

__all__ = ("BadTable", "Table", "TableRow", "read_table")

DELIMITERS = ",;\t|"
SNIFFED_ROWS = 50
DELIMITER_SAID = re.compile(r'"?sep=(.)"?\r?\n')
"""How Excel says in the first line what separates the columns."""


class TableRow(NamedTuple):
    """One row after the header; `number` counts the file's rows from 1, the header being one of them."""

    number: int
    values: tuple[str, ...]


class Table(NamedTuple):
    """A header and the rows under it. Empty rows are left out."""

    header: tuple[str, ...]
    rows: list[TableRow]


def read_table(
    path: Path, delimiter: str | None = None, sheet: str | None = None, header_row: int | None = None
) -> Table:
    """Read .xlsx, .xlsm and .xls as Excel, anything else as CSV. Raises BadTable.

    `header_row` is the number of the row that names the columns, for files with titles above; else the first row that
    is not empty.
    """
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls"):
        found = _numbered(_excel(path, sheet), header_row)
    else:
        found = _numbered(_csv(path, delimiter, header_row), header_row)
    header = next(found, None)
    if header is None:
        raise BadTable(f"{path.name} is empty" if header_row is None else f"{path.name} has no row {header_row}")
    if header_row not in (None, header.number):
        raise BadTable(
            f"row {header_row} of {path.name} is empty; the first one after it that is not is {header.number}"
        )
    return Table(tuple(name.strip() for name in header.values), list(found))


def _numbered(rows: Iterator[tuple[str, ...]], first: int | None) -> Iterator[TableRow]:
    for number, values in enumerate(rows, 1):
        if any(value.strip() for value in values) and number >= (first or 1):
            yield TableRow(number, values)


def _csv(path: Path, delimiter: str | None, header_row: int | None) -> Iterator[tuple[str, ...]]:
    text = text_of(path.read_bytes(), path.name)
    said = DELIMITER_SAID.match(text)
    if said is not None:
        yield ()  # it is a row of the file
        text, delimiter = text[said.end() :], delimiter or said.group(1)
    number = 0 if said is None else 1
    delimiter = delimiter or delimiter_of(text, (header_row or 1) - 1 - number)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            number += 1
            yield tuple(row)
    except csv.Error as error:
        raise BadTable(f"{path.name}: row {number + 1}: {_in_words(str(error))}") from None


def delimiter_of(text: str, skipped: int = 0) -> str:
    """What separates the columns: what cuts the most rows into as many fields as the first of them, then into most."""

    lines = text.splitlines(keepends=True)
    text = "".join(lines[: max(0, skipped) + SNIFFED_ROWS])

    def rank(delimiter: str) -> tuple[float, int]:
        rows = [
            row
            for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), max(0, skipped), None)
            if row
        ]
        width = len(rows[0]) if rows else 1
        return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0, width)

    return max(DELIMITERS, key=rank)  # a comma where nothing separates anything


def _in_words(error: str) -> str:
    """What Python's reader says, for people."""
    if error == "unexpected end of data":
        return "a quotation mark is opened in it and never closed"
    if "expected after" in error:
        return "there is text after a closing quotation mark; a quotation mark inside a quoted field is written twice"
    if "field larger than" in error:
        return "a field is far too long; is a quotation mark opened in it and never closed?"
    return error


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
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else CellNumber(repr(value))
    return str(value)
