"""`kontor prices import`: the prices of a list from a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from api.cli import options
from api.cli.client import Client
from api.cli.tables import Reading, all_of, reading_options, tell_errors, write_errors


@click.group(cls=options.Group)
def prices() -> None:
    """Prices from outside."""


@prices.command("import")
@reading_options
@click.option("--price-list", required=True, metavar="ID", help="The list whose prices these are.")
@click.option("--currency", help="Its currency, such as EUR. Needed for a list that is not there yet.")
@click.option(
    "--tax-included/--tax-excluded", default=None, help="For a list that is not there yet.  [default: included]"
)
@click.option(
    "--channel",
    "channels",
    multiple=True,
    help="A channel it is for; may be repeated. For a list that is not there yet.",
)
def import_(
    file: Path,
    url: str,
    key: str | None,
    reading: Reading,
    dry_run: bool,
    errors_file: Path | None,
    as_json: bool,
    price_list: str,
    currency: str | None,
    tax_included: bool | None,
    channels: tuple[str, ...],
) -> None:
    """Set prices of a list by the rows of FILE (CSV or Excel).

    A header names the columns: sku, price (as people write it) or unit_price_minor, from_quantity, currency, or words
    like them. SKUs that the file does not name keep their prices. Rows that are wrong are left out and told, with the
    other rows of their SKU; the others are taken, all at once. Exit code 1: some rows were not taken.
    """
    from api.exporting.bookings import EXPONENTS
    from api.importing import prices as importing
    from api.importing.tables import BadTable

    client = Client(url, key)
    table, mapping = reading.table(file, importing.FIELDS, {})
    path = f"/v1/price-lists/{quote(price_list, safe='')}"
    known, tag = client.read(path)
    body = _new(price_list, currency, tax_included, channels) if known is None else _known(known, currency)
    skus = dict.fromkeys(item["sku"] for item in all_of(client, "/v1/items"))
    exponent = EXPONENTS.get(body["currency"], 2)
    try:
        checked = importing.check_rows(table, mapping, skus, body["currency"], exponent, reading.decimal)
    except BadTable as error:
        raise click.ClickException(str(error)) from None
    if checked.prices and not dry_run:
        client.call("PUT", path, importing.merged(body, checked.prices), if_match=tag)
    errors = sorted(checked.errors)
    taken = 0 if dry_run else checked.rows
    write_errors(errors, errors_file)
    if as_json:
        counts = {"rows": len(table.rows), "good": checked.rows, "taken": taken, "skus": len(checked.prices)}
        click.echo(json.dumps({**counts, "dry_run": dry_run, "errors": [bad._asdict() for bad in errors]}))
    else:
        tell_errors(errors, errors_file)
        word = f"{checked.rows:,} would be taken" if dry_run else f"{taken:,} taken"
        click.echo(
            f"{file.name}: {len(table.rows):,} rows, {word} for {len(checked.prices):,} SKUs, {len(errors):,} not"
        )
    if errors:
        raise SystemExit(1)


def _new(price_list: str, currency: str | None, tax_included: bool | None, channels: tuple[str, ...]) -> dict[str, Any]:
    """A list that is not there yet. Raises UsageError without a currency."""
    if currency is None:
        raise click.UsageError(f"there is no price list {price_list!r} yet; to make it, say --currency EUR or another")
    body = {"currency": currency, "tax_included": tax_included is not False}
    return body | ({"channels": list(channels)} if channels else {})


def _known(known: dict[str, Any], currency: str | None) -> dict[str, Any]:
    """A list as it is set. Raises UsageError if it is in another currency than asked for."""
    if currency not in (None, known["currency"]):
        raise click.UsageError(f"the price list is in {known['currency']}, not in {currency}")
    return {name: value for name, value in known.items() if name != "id"}
