"""nodes-from-csv: a table of stores as a document for `kontor apply`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from api.answers import problems
from api.cli import options
from engine.commands.configuration import Node

if TYPE_CHECKING:
    from api.geography.postcodes import Postcodes

SHOWN_MAX = 5


def _fields(context: click.Context, option: click.Parameter, text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise click.BadParameter(f"a JSON object, please: {error}", context, option) from None


@click.command(name="nodes-from-csv")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--country", required=True, help="Country of all places, as ISO 3166-1 has it.")
@click.option("--kind", default="store", show_default=True, help="What all places are: warehouse, store or supplier.")
@click.option("--id", "id_", required=True, metavar="TEXT", help="Id of a node; {column} stands for a row's value.")
@click.option("--name", required=True, metavar="TEXT", help="Name of a node; {column} stands for a row's value.")
@click.option("--latitude", default="latitude", show_default=True, metavar="COLUMN", help="Column of the latitude.")
@click.option("--longitude", default="longitude", show_default=True, metavar="COLUMN", help="Column of the longitude.")
@click.option("--postal-code", metavar="COLUMN", help="Column of the postal code.")
@click.option("--opening-hours", metavar="COLUMN", help="Column of the opening hours, in the syntax of OpenStreetMap.")
@click.option(
    "--public-holiday", "public_holidays", multiple=True, metavar="DATE", help="Closes the places that say `PH off`."
)
@click.option(
    "--each", "each", default="{}", callback=_fields, metavar="JSON", help="Further fields of every node, as an object."
)
@options.postcodes("find coordinates of places that have none")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file instead of printing.")
def nodes_from_csv(
    file: Path,
    country: str,
    kind: str,
    id_: str,
    name: str,
    latitude: str,
    longitude: str,
    postal_code: str | None,
    opening_hours: str | None,
    public_holidays: tuple[str, ...],
    each: dict[str, Any],
    postcodes: Postcodes | None,
    out: Path | None,
) -> None:
    """Make a document of nodes for `kontor apply` from FILE, a table of stores in CSV, plain or gzipped.

    Rows that are not understood are left out, counted and named, and the command ends with 1.
    """
    from api.geography.stores import Columns, read_places
    from api.geography.tables import BadTable

    common = {"kind": kind, "country": country, **each}
    _check(common | {"closed_dates": public_holidays})
    columns = Columns(id_, name, latitude, longitude, postal_code, opening_hours)
    try:
        places = read_places(file, columns, common, public_holidays, postcodes)
    except BadTable as error:
        raise click.UsageError(str(error)) from None
    text = _one_a_line(places.nodes)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
    left_out = places.left_out
    click.echo(f"{file.name}: {len(places.nodes)} nodes, {len(left_out)} rows left out", err=True)
    for line, reason in left_out[:SHOWN_MAX]:
        click.echo(f"  line {line}: {reason}", err=True)
    if len(left_out) > SHOWN_MAX:
        click.echo(f"  and {len(left_out) - SHOWN_MAX} more", err=True)
    if left_out:
        raise SystemExit(1)


def _one_a_line(nodes: dict[str, dict[str, Any]]) -> str:
    lines = (f" {json.dumps(name)}: {json.dumps(node, ensure_ascii=False)}" for name, node in nodes.items())
    return '{"nodes": {\n' + ",\n".join(lines) + "\n}}\n"


def _check(common: dict[str, Any]) -> None:
    """What holds for all nodes is checked once, before any row."""
    try:
        msgspec.convert({**common, "name": "any", "latitude": 0.0, "longitude": 0.0}, Node)
    except msgspec.ValidationError as error:
        refusal = problems.from_validation(error)
        raise click.UsageError(f"no node can be made: {refusal.errors[0].pointer}: {refusal.detail}") from None
