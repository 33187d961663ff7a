"""The `kontor` command: one group, commands in their own files."""

import sys

import click

from api.cli import (
    backups,
    benches,
    checkpoints,
    data,
    export,
    key_backups,
    keys,
    nodes,
    snapshots,
    sourcing,
    state,
    stock,
    verify,
)
from api.cli.demo import demo_command
from api.cli.replay import replay_command
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


for command in (
    data.serve,
    data.apply,
    nodes.nodes_from_csv,
    verify.verify,
    data.journal,
    snapshots.snapshot,
    backups.backup,
    backups.restore,
    key_backups.backup_keys,
    key_backups.restore_keys,
    checkpoints.checkpoint,
    state.state,
    keys.key,
    sourcing.sourcing,
    stock.stock,
    export.export,
    benches.bench,
    replay_command,
    demo_command,
):
    main.add_command(command)


if __name__ == "__main__":
    sys.exit(main())
