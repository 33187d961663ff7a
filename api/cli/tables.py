"""What commands that read tables share: options, what is told of rows, questions to the node."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from api.cli import options
from engine import limits

if TYPE_CHECKING:
    from api.cli.client import Client
    from api.importing.columns import Field, Mapping, RowError
    from api.importing.tables import Table

ERRORS_SHOWN = 10
PAGE = limits.LIST_LIMIT_MAX
ALREADY_TAKEN = 3
"""The exit code when rows were taken by an earlier call and not again."""


class Reading(NamedTuple):
    """How a table is read, as the command line says."""

    columns: tuple[str, ...]
    delimiter: str | None
    sheet: str | None
    header_row: int | None
    decimal: str | None

    def table(self, file: Path, fields: tuple[Field, ...], fixed: dict[str, str]) -> tuple[Table, Mapping]:
        """The table in a file and where its fields stand. Raises click's exceptions."""
        from api.importing.columns import asked_columns, mapping_of
        from api.importing.tables import BadTable, read_table

        try:
            asked = asked_columns(self.columns, fields)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        both = [name for name in asked if name in fixed]
        if both:
            raise click.UsageError(f"--map and --{both[0]} both say what the {both[0]} is")
        try:
            table = read_table(file, self.delimiter, self.sheet, self.header_row)
            mapping = mapping_of(table, fields, asked, fixed)
        except BadTable as error:
            raise click.ClickException(str(error)) from None
        for words in mapping.left_out:
            click.echo(words, err=True)
        return table, mapping


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of `Reading`, which the command gets as `reading`, and those that every command on a table has."""

    @wraps(command)
    def called(**given: Any) -> None:
        reading = Reading(**{name: given.pop(name) for name in Reading._fields})
        command(reading=reading, **given)

    for option in reversed(
        (
            click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
            click.option(
                "--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running node."
            ),
            options.key,
            click.option(
                "--map",
                "columns",
                multiple=True,
                metavar="FIELD=COLUMN",
                help="Where a field stands, by the column's name or its place (#4); may be repeated.",
            ),
            click.option("--delimiter", help="What separates the columns of a CSV file.  [default: found out]"),
            click.option("--sheet", help="The sheet of an Excel file.  [default: the first]"),
            click.option(
                "--header-row",
                type=click.IntRange(1),
                help="The number of the row that names the columns.  [default: the first that is not empty]",
            ),
            click.option(
                "--decimal",
                type=click.Choice([".", ","]),
                help="What stands before the decimals of a number; the other one separates thousands.  [default: what "
                "the file tells; a number that could be two is refused]",
            ),
            click.option("--dry-run", is_flag=True, help="Look at every row and change nothing."),
            click.option(
                "--errors",
                "errors_file",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Write rows that are not taken here (CSV).",
            ),
            options.as_json,
        )
    ):
        called = option(called)
    return called


def write_errors(errors: Iterable[RowError], errors_file: Path | None) -> None:
    """Rows that were not taken, as a CSV file."""
    from api.importing.columns import error_rows

    if errors_file is not None:
        with errors_file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(error_rows(errors))


def tell_errors(errors: list[RowError], errors_file: Path | None) -> None:
    """The first rows that were not taken, on stderr."""
    for bad in errors[:ERRORS_SHOWN]:
        click.echo(f"row {bad.row}, {bad.column} {bad.value!r}: {bad.error}" if bad.column else bad.error, err=True)
    if len(errors) > ERRORS_SHOWN:
        where = f"all are in {errors_file}" if errors_file else "write them to a file with --errors FILE"
        click.echo(f"... and {len(errors) - ERRORS_SHOWN:,} more; {where}", err=True)


def all_of(client: Client, path: str) -> Iterable[dict[str, Any]]:
    """Everything in a collection, page by page."""
    cursor: str | None = ""
    while cursor is not None:
        join = "&" if "?" in path else "?"
        page = client.call("GET", f"{path}{join}limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""))
        yield from page["items"]
        cursor = page["next_cursor"]
