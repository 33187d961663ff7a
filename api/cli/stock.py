"""`kontor stock import`: stock movements from a table."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from api.cli import options
from api.cli.client import Client, Refused
from api.cli.progress import progress
from engine import limits
from engine.commands.stock import MovementLine
from engine.results import ResultCode

if TYPE_CHECKING:
    from api.importing.movements import Mapping, RowError
    from api.importing.tables import Table
    from engine.replay.recovery import Tell

CALL_MOVEMENTS = 5
CHECKED_TOLD = 10_000
ERRORS_SHOWN = 10
PAGE = limits.LIST_LIMIT_MAX

Numbered = tuple[int, MovementLine]


@click.group(cls=options.Group)
def stock() -> None:
    """Stock from outside."""


@stock.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="Address of the running node.")
@options.key
@click.option("--map", "columns", multiple=True, metavar="FIELD=COLUMN", help="Where a field stands; may be repeated.")
@click.option("--node", help="The node of every row, where the file has no column for it.")
@click.option(
    "--reason",
    help="The reason of every row: receipt, count, feed, adjustment, ...  [default: the file's, else receipt]",
)
@click.option("--note", help="The note of every row; adjustments need one.")
@click.option("--delimiter", help="What separates the columns of a CSV file.  [default: found out]")
@click.option("--sheet", help="The sheet of an Excel file.  [default: the first]")
@click.option("--dry-run", is_flag=True, help="Look at every row and change nothing.")
@click.option(
    "--errors",
    "errors_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write rows that are not taken here (CSV).",
)
@options.as_json
def import_(
    file: Path,
    url: str,
    key: str | None,
    columns: tuple[str, ...],
    node: str | None,
    reason: str | None,
    note: str | None,
    delimiter: str | None,
    sheet: str | None,
    dry_run: bool,
    errors_file: Path | None,
    as_json: bool,
) -> None:
    """Post the rows of FILE (CSV or Excel) as stock movements.

    A header names the columns: sku, node, quantity, reason, note, or words like them. Rows that are wrong are left out
    and told; the others are taken. The same file twice within 24 hours changes nothing the second time. Exit code 1:
    some rows were not taken.
    """
    from api.importing.movements import error_rows, mapping_of
    from api.importing.tables import BadTable, read_table

    fixed = {name: value for name, value in (("node", node), ("reason", reason), ("note", note)) if value is not None}
    client = Client(url, key)
    with progress(as_json) as tell:
        try:
            table = read_table(file, delimiter, sheet)
            mapping = mapping_of(table, _asked(columns), fixed)
        except BadTable as error:
            raise click.ClickException(str(error)) from None
        lines, errors = _checked(client, table, mapping, tell)
        taken = 0
        for done, refused in (
            () if dry_run else _send(client, file, _identity(file, mapping.columns, fixed, sheet), lines)
        ):
            taken += done
            errors += refused
            tell("importing rows", taken + len(errors), len(table.rows))
    errors.sort()
    if errors_file is not None:
        with errors_file.open("w", encoding="utf-8", newline="") as out:
            csv.writer(out).writerows(error_rows(errors))
    if as_json:
        counts = {"rows": len(table.rows), "good": len(lines), "taken": taken, "dry_run": dry_run}
        click.echo(json.dumps({**counts, "errors": [bad._asdict() for bad in errors]}))
    else:
        _tell(errors, errors_file)
        word = f"{len(lines):,} would be taken" if dry_run else f"{taken:,} taken"
        click.echo(f"{file.name}: {len(table.rows):,} rows, {word}, {len(errors):,} not")
    if errors:
        raise SystemExit(1)


def _checked(client: Client, table: Table, mapping: Mapping, tell: Tell) -> tuple[list[Numbered], list[RowError]]:
    """The rows that may be sent, with their numbers, and those that may not."""
    from api.importing.movements import RowError, line_of

    nodes, skus = _ids(client, "/v1/nodes", "id"), _ids(client, "/v1/items", "sku")
    lines: list[Numbered] = []
    errors: list[RowError] = []
    for at, row in enumerate(table.rows, 1):
        found = line_of(row, mapping, skus, nodes)
        if isinstance(found, RowError):
            errors.append(found)
        else:
            lines.append((row.number, found))
        if at % CHECKED_TOLD == 0:
            tell("checking rows", at, len(table.rows))
    return lines, errors


def _tell(errors: list[RowError], errors_file: Path | None) -> None:
    """The first rows that were not taken, on stderr."""
    for bad in errors[:ERRORS_SHOWN]:
        click.echo(f"row {bad.row}, {bad.column} {bad.value!r}: {bad.error}" if bad.column else bad.error, err=True)
    if len(errors) > ERRORS_SHOWN:
        where = f"all are in {errors_file}" if errors_file else "write them to a file with --errors FILE"
        click.echo(f"... and {len(errors) - ERRORS_SHOWN:,} more; {where}", err=True)


def _asked(columns: tuple[str, ...]) -> dict[str, str]:
    from api.importing.movements import FIELDS

    asked = {}
    for column in columns:
        field, equals, name = column.partition("=")
        if not equals or field not in FIELDS:
            raise click.UsageError(f"--map takes FIELD=COLUMN, with a field of {', '.join(FIELDS)}; {column!r} is none")
        asked[field] = name
    return asked


def _ids(client: Client, path: str, name: str) -> dict[str, None]:
    """All ids of a collection."""
    found: dict[str, None] = {}
    cursor: str | None = ""
    while cursor is not None:
        page = client.call("GET", f"{path}?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""))
        found.update(dict.fromkeys(item[name] for item in page["items"]))
        cursor = page["next_cursor"]
    return found


def _identity(file: Path, columns: dict[str, int], fixed: dict[str, str], sheet: str | None) -> str:
    """The same for the same file, read in the same way."""
    digest = hashlib.sha256(file.read_bytes())
    digest.update(json.dumps([columns, fixed, sheet], sort_keys=True).encode())
    return digest.hexdigest()[:24]


def _send(client: Client, file: Path, identity: str, lines: list[Numbered]) -> Iterator[tuple[int, list[RowError]]]:
    """Send the rows; gives how many were taken and what was not, call by call.

    Rows go by a thousand rows of the file, under one key each, whichever of them are good: so none is ever taken twice.
    A row that the node refuses is left out of its thousand.
    """
    windows: dict[int, list[Numbered]] = {}
    for row, line in lines:
        windows.setdefault(row // limits.MOVEMENT_LINES_MAX, []).append((row, line))
    waiting = list(windows.items())
    while waiting:
        some, waiting = waiting[:CALL_MOVEMENTS], waiting[CALL_MOVEMENTS:]
        items = [
            {
                "idempotency_key": f"import {identity} {window}",
                "reference": f"import {file.name}"[: limits.TEXT_LENGTH_MAX],
                "lines": [msgspec.to_builtins(line) for _, line in part],
            }
            for window, part in some
        ]
        answers = client.call("POST", "/v1/stock/movements/bulk", {"items": items})["items"]
        for (window, part), answer in zip(some, answers, strict=True):
            if answer["status"] == 201:
                yield len(part), []
            elif answer["body"]["code"] == ResultCode.IDEMPOTENCY_KEY_REUSED.wire:
                yield 0, [_taken_before(part)]
            else:
                yield 0, [_refused_row(part, answer["body"])]
                rest = _without(part, answer["body"])
                if rest:
                    waiting.append((window, rest))


def _taken_before(part: list[Numbered]) -> RowError:
    """Some of these rows were taken by an earlier import of the file, others were wrong then."""
    from api.importing.movements import RowError

    first, last = part[0][0], part[-1][0]
    detail = (
        f"rows {first} to {last} of this file were imported before, without those that were wrong then; nothing was "
        "taken again: put what was wrong into a file of its own"
    )
    return RowError(first, "", "", detail)


def _place(problem: dict[str, Any]) -> int:
    """Which line of a movement a problem is about. Raises Refused for one that is about no line."""
    for error in problem.get("errors", ()):
        words = error["pointer"].split("/")
        if len(words) > 2 and words[1] == "lines":
            return int(words[2])
    raise Refused(f"{problem['code']}: {problem['detail']}")


def _refused_row(part: list[Numbered], problem: dict[str, Any]) -> RowError:
    from api.importing.movements import RowError

    number, line = part[_place(problem)]
    return RowError(
        number, "quantity", str(line.quantity), f"{problem['code']}: {problem['detail'].partition(': ')[2]}"
    )


def _without(part: list[Numbered], problem: dict[str, Any]) -> list[Numbered]:
    at = _place(problem)
    return part[:at] + part[at + 1 :]
