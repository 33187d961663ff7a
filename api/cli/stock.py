"""`kontor stock import`: stock movements from a table."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import click
import msgspec

from api.cli import options
from api.cli.client import Client, Refused
from api.cli.progress import progress
from api.cli.tables import ALREADY_TAKEN, Reading, all_of, reading_options, tell_errors, write_errors
from engine import limits
from engine.commands.stock import ABSOLUTE_REASONS, MovementLine
from engine.results import ResultCode

if TYPE_CHECKING:
    from api.importing.columns import Mapping, RowError
    from api.importing.movements import Checked

CALL_MOVEMENTS = 5
ZEROS_PERCENT_MAX = 25

Numbered = tuple[int, MovementLine]


class Sent(NamedTuple):
    """What became of rows: how many were taken, how many an earlier call had taken and when, which were refused."""

    taken: int = 0
    already: int = 0
    already_at: str | None = None
    refused: tuple[RowError, ...] = ()


@click.group(cls=options.Group)
def stock() -> None:
    """Stock from outside."""


@stock.command("import")
@reading_options
@click.option("--node", help="The node of every row, where the file has no column for it.")
@click.option(
    "--reason",
    help="The reason of every row: receipt, count, feed, adjustment, ...  [default: the file's, else receipt]",
)
@click.option("--note", help="The note of every row; adjustments need one.")
@click.option(
    "--again", is_flag=True, help="Take also what an earlier call took from the same file: it comes once more."
)
@click.option(
    "--full",
    is_flag=True,
    help="The file names all there is at its nodes: what it does not name becomes 0. For --reason feed or count.",
)
@click.option(
    "--zeros-max",
    type=click.IntRange(0, 100),
    default=ZEROS_PERCENT_MAX,
    show_default=True,
    metavar="PERCENT",
    help="How many percent of the SKUs that a node has may become 0 by --full; nothing is taken if it would be more.",
)
def import_(
    file: Path,
    url: str,
    key: str | None,
    reading: Reading,
    dry_run: bool,
    errors_file: Path | None,
    as_json: bool,
    node: str | None,
    reason: str | None,
    note: str | None,
    again: bool,
    full: bool,
    zeros_max: int,
) -> None:
    """Post the rows of FILE (CSV or Excel) as stock movements.

    A header names the columns: sku, node, quantity, reason, note, or words like them. Rows that are wrong are left out
    and told; the others are taken. Of the same file within 24 hours counts and feeds are taken again; what comes or
    goes is not, which is told, with exit code 3. Exit code 1: some rows were not taken.
    """
    from api.importing.movements import FIELDS, check_rows

    if full and reason not in ABSOLUTE_REASONS:
        raise click.UsageError(f"--full needs --reason {' or '.join(ABSOLUTE_REASONS)}: what is there, not what comes")
    fixed = {name: value for name, value in (("node", node), ("reason", reason), ("note", note)) if value is not None}
    client = Client(url, key)
    table, mapping = reading.table(file, FIELDS, fixed)
    nodes = dict.fromkeys(item["id"] for item in all_of(client, "/v1/nodes"))
    skus = dict.fromkeys(item["sku"] for item in all_of(client, "/v1/items"))
    checked = check_rows(table, mapping, skus, nodes, reading.decimal or mapping.mark(table, ("quantity",)))
    zeros = _zeros(client, checked, node, reason or "", zeros_max) if full else []
    found = Sent(refused=tuple(checked.errors))
    with progress(as_json) as tell:
        if not dry_run:
            for done in _send(client, file, _identity(file, mapping, fixed, reading.sheet, again), checked.lines):
                found = _together(found, done)
                tell("importing rows", found.taken + found.already + len(found.refused), len(table.rows))
            for done in _send(client, file, "", [(0, line) for line in zeros]):
                found = _together(found, done._replace(taken=0))
    errors = sorted(found.refused)
    write_errors(errors, errors_file)
    if as_json:
        counts = {"rows": len(table.rows), "good": len(checked.lines), "taken": found.taken}
        before = {"already_taken": found.already, "already_taken_at": found.already_at}
        rest = {"zeroed": len(zeros), "dry_run": dry_run, "errors": [bad._asdict() for bad in errors]}
        click.echo(json.dumps(counts | before | rest))
    else:
        tell_errors(errors, errors_file)
        click.echo(f"{file.name}: {len(table.rows):,} rows, {_in_words(found, checked, zeros, dry_run, full)}")
    if errors:
        raise SystemExit(1)
    if found.already:
        raise SystemExit(ALREADY_TAKEN)


def _in_words(found: Sent, checked: Checked, zeros: list[MovementLine], dry_run: bool, full: bool) -> str:
    words = [f"{len(checked.lines):,} would be taken" if dry_run else f"{found.taken:,} taken"]
    if found.already:
        at = "" if found.already_at is None else f" at {found.already_at[:16].replace('T', ' ')} UTC"
        nothing = "" if found.taken else ", nothing changed"
        words.append(f"{found.already:,} already taken{at}{nothing} (--again takes them once more)")
    words.append(f"{len(found.refused):,} not")
    if full:
        words.append(f"{len(zeros):,} SKUs it does not name {'would become' if dry_run else 'became'} 0")
    return ", ".join(words)


def _together(one: Sent, other: Sent) -> Sent:
    return Sent(
        one.taken + other.taken,
        one.already + other.already,
        min(filter(None, (one.already_at, other.already_at)), default=None),
        one.refused + other.refused,
    )


def _zeros(client: Client, checked: Checked, node: str | None, reason: Any, percent_max: int) -> list[MovementLine]:
    """Lines for what a file of everything does not name. Raises ClickException where that is more than it should be."""
    from api.importing import movements

    if checked.without_node is not None:
        raise click.ClickException(
            f"row {checked.without_node} names no node that there is, so that nobody knows what --full should make 0; "
            "nothing was taken"
        )
    found: list[MovementLine] = []
    for place in sorted({where for _, where in checked.named} | ({node} if node else set())):
        items = all_of(client, f"/v1/stock?node={quote(place, safe='')}")
        there = [item["sku"] for item in items if item["on_hand"]]
        lines = movements.zeros(checked.named, place, there, reason)
        if len(lines) * 100 > len(there) * percent_max:
            share = -(-len(lines) * 100 // len(there))
            raise click.ClickException(
                f"{len(lines):,} of {len(there):,} SKUs at {place} are not named and would become 0: {share} %, "
                f"more than {percent_max} %; nothing was taken: if the file is whole, say --zeros-max {share}"
            )
        found += lines
    return found


def _identity(file: Path, mapping: Mapping, fixed: dict[str, str], sheet: str | None, again: bool) -> str:
    """The same for the same file, read in the same way, unless it is to be taken again."""
    digest = hashlib.sha256(file.read_bytes())
    digest.update(json.dumps([mapping.columns, fixed, sheet], sort_keys=True).encode())
    return digest.hexdigest()[:24] + (f" again {secrets.token_hex(8)}" if again else "")


def _send(client: Client, file: Path, identity: str, lines: list[Numbered]) -> Iterator[Sent]:
    """Send the rows; gives what became of them, call by call.

    Rows go by a thousand rows of the file. What comes or goes has one key a thousand, whichever rows are good: so none
    is ever taken twice. What is there may be said again at any time and has none. A row that the node refuses is left
    out of its thousand.
    """
    windows: dict[tuple[int, bool], list[Numbered]] = {}
    for at, (row, line) in enumerate(lines):
        absolute = line.reason in ABSOLUTE_REASONS
        windows.setdefault(((row or at) // limits.MOVEMENT_LINES_MAX, absolute), []).append((row, line))
    waiting = list(windows.items())
    while waiting:
        some, waiting = waiting[:CALL_MOVEMENTS], waiting[CALL_MOVEMENTS:]
        items = [_item(file, identity, *window, part) for window, part in some]
        answers = client.call("POST", "/v1/stock/movements/bulk", {"items": items})["items"]
        for (window, part), answer in zip(some, answers, strict=True):
            if answer["status"] == 201:
                again = answer.get("replayed", False)
                yield Sent(already=len(part), already_at=answer["recorded_at"]) if again else Sent(len(part))
            elif answer["body"]["code"] == ResultCode.IDEMPOTENCY_KEY_REUSED.wire:
                yield Sent(refused=(_taken_before(part),))
            else:
                yield Sent(refused=(_refused_row(part, answer["body"]),))
                rest = _without(part, answer["body"])
                if rest:
                    waiting.append((window, rest))


def _item(file: Path, identity: str, window: int, absolute: bool, part: list[Numbered]) -> dict[str, Any]:
    """One movement of a call."""
    once = {} if absolute else {"idempotency_key": f"import {identity} {window}"}
    reference = f"import {file.name}"[: limits.TEXT_LENGTH_MAX]
    return {**once, "reference": reference, "lines": [msgspec.to_builtins(line) for _, line in part]}


def _taken_before(part: list[Numbered]) -> RowError:
    """Some of these rows were taken by an earlier import, others were wrong then; or the file had another name."""
    from api.importing.columns import RowError

    first, last = part[0][0], part[-1][0]
    detail = (
        f"rows {first} to {last} of this file were imported before, without those that were wrong then or under "
        "another name; nothing was taken again: put what was wrong into a file of its own, or take all with --again"
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
    from api.importing.columns import RowError

    number, line = part[_place(problem)]
    detail = problem["detail"]
    detail = detail.partition(": ")[2] or detail
    return RowError(number, "quantity", str(line.quantity), f"{problem['code']}: {detail}")


def _without(part: list[Numbered], problem: dict[str, Any]) -> list[Numbered]:
    at = _place(problem)
    return part[:at] + part[at + 1 :]
