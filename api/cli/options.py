"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from api.geography.postcodes import Postcodes

Command = TypeVar("Command", bound=Callable[..., object])

data = click.option(
    "--data",
    "directory",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    required=True,
    help="The data directory.",
)
data_or_url = click.option(
    "--data",
    "directory",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    help="A data directory no node runs on.",
)
archive = click.option(
    "--archive",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where sealed segments of the journal are kept.  [default: archive in the data directory]",
)
url = click.option("--url", help="Address of a running node, such as http://127.0.0.1:8080.")
key = click.option("--key", envvar="KONTOR_API_KEY", help="API key for --url. [env: KONTOR_API_KEY]")

clock_ahead_max = click.option(
    "--clock-ahead-max",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="SECONDS",
    help="How far the journal may be ahead of this machine's clock, and how far that may leap while the node runs.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


class Group(click.Group):
    """A group of commands whose help gives each of their first sentences whole."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands."""
        found = ((name, self.get_command(context, name)) for name in self.list_commands(context))
        lines = [(name, command.get_short_help_str(1_000)) for name, command in found if command is not None]
        with formatter.section("Commands"):
            formatter.write_dl(lines)


def one_of(directory: Path | None, address: str | None) -> None:
    """Exactly one of --data and --url."""
    if (directory is None) == (address is None):
        raise click.UsageError("give either --data (no node runs on it) or --url (a running node)")


def _load_postcodes(context: click.Context, option: click.Parameter, path: Path | None) -> Postcodes | None:
    from api.geography.postcodes import Postcodes
    from api.geography.tables import BadTable

    try:
        return None if path is None else Postcodes.load(path)
    except BadTable as error:
        raise click.BadParameter(str(error), context, option) from None


def postcodes(purpose: str) -> Callable[[Command], Command]:
    """A table of postal codes, loaded before the command runs; a bad one is a mistake in the call."""
    return click.option(
        "--postcodes",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        callback=_load_postcodes,
        help=f"CSV file (or .csv.gz) with country_code, zipcode, latitude and longitude, to {purpose}.",
    )
