"""The `kontor` command: one group, commands in their own files."""

import sys
from collections import UserDict
from importlib import import_module
from typing import Any, Final

import click

from engine.wal import DirectoryInUse, JournalCorrupt, StorageFull


class Commands(UserDict[str, Any]):
    """Where each command stands. Only the one that is asked for is imported: that halves the start of some."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self.data[name].partition(":")
        return getattr(import_module(module), attribute)


COMMANDS: Final = Commands({
    "serve": "api.cli.data:serve",
    "apply": "api.cli.data:apply",
    "nodes-from-csv": "api.cli.nodes:nodes_from_csv",
    "calendars": "api.cli.calendars:calendars",
    "verify": "api.cli.verify:verify",
    "journal": "api.cli.data:journal",
    "snapshot": "api.cli.snapshots:snapshot",
    "backup": "api.cli.backups:backup",
    "restore": "api.cli.backups:restore",
    "backup-keys": "api.cli.key_backups:backup_keys",
    "restore-keys": "api.cli.key_backups:restore_keys",
    "checkpoint": "api.cli.checkpoints:checkpoint",
    "state": "api.cli.state:state",
    "key": "api.cli.keys:key",
    "sourcing": "api.cli.sourcing:sourcing",
    "stock": "api.cli.stock:stock",
    "export": "api.cli.export:export",
    "bench": "api.cli.benches:bench",
    "replay": "api.cli.replay:replay_command",
    "demo": "api.cli.demo:demo_command",
})  # fmt: skip


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


@click.group(cls=Kontor, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kontor", prog_name="kontor")
def main() -> None:
    """Kontor, an omnichannel order engine: stock, reservations and orders of all channels under one writer."""


if __name__ == "__main__":
    sys.exit(main())
