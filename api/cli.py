"""The `kontor` command."""

import sys
from pathlib import Path

import click

from engine.wal import DirectoryInUse, JournalCorrupt, StorageFull


class Kontor(click.Group):
    """Turns what can go wrong with a data directory into one clear line and exit code 1."""

    def invoke(self, context: click.Context) -> object:
        """Run a command."""
        try:
            return super().invoke(context)
        except DirectoryInUse as error:
            message = f"{error}. Stop that process, or choose another --data."
        except JournalCorrupt as error:
            message = f"the journal is damaged: {error}"
        except StorageFull as error:
            message = f"{error}. Free some space and start again."
        click.echo(f"kontor: {message}", err=True)
        raise SystemExit(1)


@click.group(cls=Kontor, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kontor", prog_name="kontor")
def main() -> None:
    """Kontor, an omnichannel order engine: stock, reservations and orders of all channels under one writer."""


data_option = click.option(
    "--data", "directory", type=click.Path(file_okay=False, path_type=Path), required=True, help="The data directory."
)


@main.command()
@data_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--dev", is_flag=True, help="Accept calls without an API key from this machine.")
def serve(directory: Path, host: str, port: int, dev: bool) -> None:
    """Serve the HTTP API from a data directory until it is stopped."""
    from api.serve import serve as run

    run(directory, host, port, dev)


if __name__ == "__main__":
    sys.exit(main())
