"""Which column of a table is what, and what is wrong with a row."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from api.importing.numbers import CellNumber, decimal_mark
from api.importing.tables import BadTable, Table, TableRow

_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_POSITION = re.compile(r"#([1-9][0-9]{0,3})", re.ASCII)


class Field(NamedTuple):
    """Something that a row may say. `words` are what people call its column.

    `weak` are words that are used for other things as well: a column called so is taken only if one of its values is
    in `values`. `own_name_wins` if a column that is called just as the field is the right one beside others that fit.
    """

    name: str
    words: tuple[str, ...]
    needed: bool = False
    weak: tuple[str, ...] = ()
    values: frozenset[str] = frozenset()
    own_name_wins: bool = True


class RowError(NamedTuple):
    """Why a row is not taken. `column` is the header's word for it, or the field's where the file has no column."""

    row: int
    column: str
    value: str
    error: str


class Mapping(NamedTuple):
    """Where each field stands; fields without a column have a fixed value or none. `left_out` says which columns look
    like a field and are none."""

    columns: dict[str, int]
    fixed: dict[str, str]
    header: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    def word(self, field: str) -> str:
        """What the file calls a field."""
        at = self.columns.get(field)
        return field if at is None else self.header[at]

    def texts(self, row: TableRow) -> dict[str, str] | RowError:
        """What a row says, by field; the refusal of one that has more fields than there are columns."""
        if len(row.values) > len(self.header) and any(value.strip() for value in row.values[len(self.header) :]):
            detail = f"row {row.number} has {len(row.values)} fields, the header {len(self.header)}"
            return RowError(row.number, "", "", f"{detail}: is one cut in two?")
        texts = dict(self.fixed)
        for field, at in self.columns.items():
            value = row.values[at] if at < len(row.values) else ""
            texts[field] = value if type(value) is CellNumber else value.strip()
        return texts

    def mark(self, table: Table, fields: Iterable[str]) -> str | None:
        """The decimal mark that the columns of these fields tell, together."""
        places = [self.columns[field] for field in fields if field in self.columns]
        return decimal_mark(row.values[at] for row in table.rows for at in places if at < len(row.values))


def mapping_of(table: Table, fields: tuple[Field, ...], asked: dict[str, str], fixed: dict[str, str]) -> Mapping:
    """Find the columns: as asked, else by the words people use.

    Where several columns fit a field the one with the longer word is taken (`Artikelnummer`, not `Artikel`). Raises
    BadTable for what is missing, and for columns that fit alike.
    """
    columns = {name: _place_of(table.header, name, column) for name, column in asked.items()}
    plain = ["" if at in columns.values() else _plain(name) for at, name in enumerate(table.header)]
    left_out: list[str] = []
    problems: list[str] = []
    for field in fields:
        if field.name in columns or field.name in fixed:
            continue
        fitting = list(_fitting(table, plain, field, left_out))
        best = _best(plain, fitting, field)
        if len(best) == 1:
            columns[field.name] = best[0]
        elif best:
            names = " and ".join(repr(table.header[at]) for at in best)
            problems.append(f"{names} may both be the {field.name}: say which one is, --map {field.name}=COLUMN")
    missing = [f.name for f in fields if f.needed and f.name not in (*columns, *fixed)]
    missing = [name for name in missing if not any(f"the {name}: say" in problem for problem in problems)]
    if missing:
        names = ", ".join(map(repr, table.header))
        ways = " ".join(f"--map {name}=COLUMN" for name in missing)
        above = "; if they are named further down: --header-row N"
        problems.append(f"no column for {', '.join(missing)} among {names}; name it: {ways}{above}")
    if problems:
        raise BadTable("; ".join(problems))
    return Mapping(columns, fixed, table.header, tuple(left_out))


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().translate(_LETTERS))


def _place_of(header: tuple[str, ...], field: str, column: str) -> int:
    """Where the column stands that somebody named, by its word or as #4."""
    found = [at for at, name in enumerate(header) if name == column]
    if len(found) > 1:
        numbers = " or ".join(f"#{at + 1}" for at in found)
        raise BadTable(f"{len(found)} columns are called {column!r}; name the one for {field} by its place: {numbers}")
    if found:
        return found[0]
    position = _POSITION.fullmatch(column)
    if position is not None and int(position[1]) <= len(header):
        return int(position[1]) - 1
    names = ", ".join(map(repr, header))
    raise BadTable(f"there is no column {column!r} for {field}; the columns are {names}")


def _fitting(table: Table, plain: list[str], field: Field, left_out: list[str]) -> Iterator[int]:
    for at, name in enumerate(plain):
        if name in field.words:
            yield at
        elif name in field.weak:
            if any(at < len(row.values) and row.values[at].strip().lower() in field.values for row in table.rows):
                yield at
            else:
                left_out.append(
                    f"column {table.header[at]!r} is not taken for the {field.name}: none of its values is one"
                )


def _best(plain: list[str], fitting: list[int], field: Field) -> list[int]:
    """Those of the fitting columns that no other one is more exact than."""
    if field.own_name_wins:
        own = [at for at in fitting if plain[at] == _plain(field.name)]
        if own:
            return own
    words = {plain[at] for at in fitting}
    return [at for at in fitting if not any(plain[at] != word and plain[at] in word for word in words)]


def asked_columns(columns: tuple[str, ...], fields: tuple[Field, ...]) -> dict[str, str]:
    """`FIELD=COLUMN` of the command line, by field. Raises ValueError."""
    names = [field.name for field in fields]
    asked: dict[str, str] = {}
    for column in columns:
        field, equals, name = column.partition("=")
        if not equals or field not in names:
            raise ValueError(f"--map takes FIELD=COLUMN, with a field of {', '.join(names)}; {column!r} is none")
        if field in asked:
            raise ValueError(f"--map names a column for {field} twice")
        asked[field] = name.strip()
    return asked


def safe_cell(value: str) -> str:
    """A text that a spreadsheet will not take for a formula."""
    return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def error_rows(errors: Iterable[RowError]) -> list[tuple[str, ...]]:
    """Row errors as rows of a CSV file, with a header."""
    return [
        ("row", "column", "value", "error"),
        *((str(e.row), safe_cell(e.column), safe_cell(e.value), e.error) for e in errors),
    ]
