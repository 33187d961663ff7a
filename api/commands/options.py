"""Options that several commands share."""

from pathlib import Path

import click

data = click.option(
    "--data", "directory", type=click.Path(file_okay=False, path_type=Path), required=True, help="The data directory."
)
data_or_url = click.option(
    "--data", "directory", type=click.Path(file_okay=False, path_type=Path), help="A data directory no node runs on."
)
archive = click.option(
    "--archive",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where sealed segments of the journal are kept.  [default: archive in the data directory]",
)
url = click.option("--url", help="Address of a running node, such as http://127.0.0.1:8080.")
key = click.option("--key", envvar="KONTOR_API_KEY", help="API key for --url. [env: KONTOR_API_KEY]")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


def one_of(directory: Path | None, address: str | None) -> None:
    """Exactly one of --data and --url."""
    if (directory is None) == (address is None):
        raise click.UsageError("give either --data (no node runs on it) or --url (a running node)")
