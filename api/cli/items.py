"""`kontor items import`: items from a table."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli import options
from api.cli.client import Client, Refused
from api.cli.progress import progress
from api.cli.tables import Reading, all_of, reading_options, tell_errors, write_errors

if TYPE_CHECKING:
    from api.importing.columns import Mapping, RowError
    from api.importing.items import CheckedItems
    from engine.replay.recovery import Tell

CALL_ITEMS = 200


@click.group(cls=options.Group)
def items() -> None:
    """Items from outside."""


@items.command("import")
@reading_options
def import_(
    file: Path,
    url: str,
    key: str | None,
    reading: Reading,
    dry_run: bool,
    errors_file: Path | None,
    as_json: bool,
) -> None:
    """Create or change items by the rows of FILE (CSV or Excel).

    A header names the columns: sku, name, weight_grams or weight_kg, tax_class, gtin, backorderable, sellable,
    groups, value_minor, backorders_max, or words like them. What has no column, and empty cells, stay as they are.
    Rows that are wrong are left out and told; the others are taken. Exit code 1: some rows were not taken.
    """
    import msgspec

    from api.importing.items import FIELDS, check_rows, plain
    from engine.commands.configuration import Item

    client = Client(url, key)
    table, mapping = reading.table(file, FIELDS, {})
    known = {item.pop("sku"): plain(msgspec.convert(item, Item)) for item in all_of(client, "/v1/items")}
    checked = check_rows(table, mapping, known, reading.decimal)
    new = sum(sku not in known for sku in checked.bodies)
    errors = list(checked.errors)
    with progress(as_json) as tell:
        refused = [] if dry_run else _send(client, checked, mapping, tell)
    errors = sorted(errors + refused)
    taken = 0 if dry_run else len(checked.bodies) + checked.unchanged - len(refused)
    write_errors(errors, errors_file)
    if as_json:
        counts = {"rows": len(table.rows), "good": len(checked.bodies) + checked.unchanged, "taken": taken}
        rest = {"new": new, "unchanged": checked.unchanged, "dry_run": dry_run}
        click.echo(json.dumps({**counts, **rest, "errors": [bad._asdict() for bad in errors]}))
    else:
        tell_errors(errors, errors_file)
        good = len(checked.bodies) + checked.unchanged
        word = f"{good:,} would be taken" if dry_run else f"{taken:,} taken"
        of_them = f"{new:,} new, {checked.unchanged:,} as they were"
        click.echo(f"{file.name}: {len(table.rows):,} rows, {word} ({of_them}), {len(errors):,} not")
    if errors:
        raise SystemExit(1)


def _send(client: Client, checked: CheckedItems, mapping: Mapping, tell: Tell) -> list[RowError]:
    """Send the items, some at a time; gives those that the node refused. Raises Refused for any other no."""
    from api.importing.columns import RowError

    errors: list[RowError] = []
    entries = iter(checked.bodies.items())
    done = 0
    while some := dict(islice(entries, CALL_ITEMS)):
        done += len(some)
        while some:
            try:
                client.call("POST", "/v1/configuration", {"items": some})
                break
            except Refused as refused:
                of_items = {sku: error for error in refused.errors if (sku := _sku_of(error["pointer"])) in some}
                if not of_items:
                    raise
                for sku, error in of_items.items():
                    errors.append(RowError(checked.row_of[sku], mapping.word("sku"), sku, error["detail"]))
                    del some[sku]
        tell("importing items", done, len(checked.bodies))
    return errors


def _sku_of(pointer: str) -> str:
    """The SKU that a pointer into a document of items is about; "" for another one."""
    words = pointer.split("/")
    return words[2].replace("~1", "/").replace("~0", "~") if len(words) > 2 and words[1] == "items" else ""
