"""`kontor calendars make`: public holidays as calendars, date by date."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import click

from api.cli import options
from api.cli.client import Client
from engine.calendars import day_of_date

YEARS = 3


@click.group()
def calendars() -> None:
    """Holidays of nodes, carriers and countries."""


def _dates(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        if len(text) != 10 or day_of_date(text) is None:
            raise click.BadParameter(f"{text!r} is no date such as 2026-12-24", context, option)
    return texts


@calendars.command("make")
@click.argument("places", metavar="PLACE...", nargs=-1, required=True)
@click.option("--from", "first", type=click.IntRange(1970, 2199), help="The first year.  [default: this one]")
@click.option("--to", "last", type=click.IntRange(1970, 2199), help="The last year.  [default: two years later]")
@click.option("--also", multiple=True, metavar="DATE", callback=_dates, help="One more date; may be repeated.")
@click.option("--without", multiple=True, metavar="DATE", callback=_dates, help="One date less; may be repeated.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of printing.")
@click.option("--url", help="Set the calendars at this running node instead of printing them.")
@options.key
def make(
    places: tuple[str, ...],
    first: int | None,
    last: int | None,
    also: tuple[str, ...],
    without: tuple[str, ...],
    out: Path | None,
    url: str | None,
    key: str | None,
) -> None:
    """Make a document for `kontor apply` with a calendar of public holidays for each PLACE.

    A place is a country (DE) or a part of one (DE-BY). A country's calendar also holds for parcels that are
    sent there. The dates are the document: look them through, and make it anew before they end.
    """
    first = first or date.today().year  # noqa: DTZ011
    last = last or first + YEARS - 1
    if last < first:
        raise click.UsageError(f"--to {last} is before --from {first}")
    document = {"calendars": {place: _calendar(place, first, last, also, without) for place in places}}
    counts = ", ".join(f"{name}: {len(body['dates'])} dates" for name, body in document["calendars"].items())
    if url is not None:
        Client(url, key).call("POST", "/v1/configuration", document)
        click.echo(f"set {counts}")
        return
    text = json.dumps(document, indent=1) + "\n"
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
    click.echo(f"{counts}, {first} to {last}", err=True)


def _calendar(place: str, first: int, last: int, also: tuple[str, ...], without: tuple[str, ...]) -> dict[str, Any]:
    country, _, part = place.partition("-")
    found = (_public_holidays(country, part or None, first, last) | set(also)) - set(without)
    body: dict[str, Any] = {"name": f"Public holidays of {place}, {first} to {last}", "dates": sorted(found)}
    return body if part else {**body, "countries": [country]}


def _public_holidays(country: str, part: str | None, first: int, last: int) -> set[str]:
    try:
        import holidays
    except ImportError:
        raise click.ClickException(
            "this needs the library `holidays`: pip install 'kontor[calendar]'; a calendar of your own needs nothing"
        ) from None
    try:
        found = holidays.country_holidays(country, subdiv=part, years=range(first, last + 1))
    except NotImplementedError as error:  # so the library says that it knows no such country or part
        raise click.UsageError(f"{country}{f'-{part}' if part else ''}: {error}") from None
    return {day.isoformat() for day in found if first <= day.year <= last}
