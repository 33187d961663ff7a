"""The `kontor` command: one group, commands in their own files."""

import sys
from collections import UserDict
from importlib import import_module
from typing import Any, Final

import click


class Commands(UserDict[str, Any]):
    """Where each command stands, and what it is for in one line. Only the one that is asked for is imported, and
    `kontor --help` imports none."""

    def __getitem__(self, name: str) -> Any:
        module, _, attribute = self.data[name][0].partition(":")
        return getattr(import_module(module), attribute)


COMMANDS: Final = Commands({
    "serve": ("api.cli.data:serve", "Serve the HTTP API from a data directory."),
    "apply": ("api.cli.data:apply", "Apply master data from a file, all or nothing."),
    "nodes-from-csv": ("api.cli.nodes:nodes_from_csv", "Make nodes for `apply` from a table of stores."),
    "calendars": ("api.cli.calendars:calendars", "Make calendars of public holidays for `apply`."),
    "verify": ("api.cli.verify:verify", "Check everything in a data directory or a backup."),
    "journal": ("api.cli.data:journal", "Print journal entries, the newest first."),
    "snapshot": ("api.cli.snapshots:snapshot", "Make a snapshot, so that the next start is quick."),
    "backup": ("api.cli.backups:backup", "Back up the books, while a node runs or not."),
    "restore": ("api.cli.backups:restore", "Make a data directory from a backup, at any moment."),
    "backup-keys": ("api.cli.key_backups:backup_keys", "Back up the keys of names and addresses."),
    "restore-keys": ("api.cli.key_backups:restore_keys", "Put the keys of names and addresses back."),
    "checkpoint": ("api.cli.checkpoints:checkpoint", "Sign the chain as it is, to be kept elsewhere."),
    "state": ("api.cli.state:state", "Print what was, at any moment."),
    "key": ("api.cli.keys:key", "Create, list and revoke API keys."),
    "sourcing": ("api.cli.sourcing:sourcing", "Say which nodes serve an order, and why."),
    "stock": ("api.cli.stock:stock", "Import stock from a table, CSV or Excel."),
    "items": ("api.cli.items:items", "Import items from a table, CSV or Excel."),
    "prices": ("api.cli.prices:prices", "Import prices from a table, CSV or Excel."),
    "export": ("api.cli.export:export", "Write the money books for other programs."),
    "openapi": ("api.cli.openapi:openapi", "Print the HTTP API as an OpenAPI document."),
    "bench": ("api.cli.benches:bench", "Measure this machine: figures with conditions."),
    "replay": ("api.cli.replay:replay_command", "Replay a year of real orders, every row accounted for."),
    "demo": ("api.cli.demo:demo_command", "Show a shop: one month of real orders over HTTP."),
})  # fmt: skip


class Kontor(click.Group):
    """Turns what can go wrong with a data directory into one clear line and exit code 1."""

    def invoke(self, context: click.Context) -> object:
        """Run a command."""
        from api.parties.keystore import PartyKeysDamaged
        from api.server.refused import StartRefused
        from engine.wal import DirectoryInUse, JournalCorrupt, NotPermitted, StorageFull
        from engine.wal.access import of_error

        try:
            return super().invoke(context)
        except DirectoryInUse as error:
            message = f"{error}. Stop that process, or choose another --data."
        except JournalCorrupt as error:
            message = f"the journal is damaged: {error}"
        except (PartyKeysDamaged, StartRefused, NotPermitted) as error:
            message = str(error)
        except StorageFull as error:
            message = f"{error}. Free some space and start again."
        except OSError as error:
            refusal = of_error(error)
            if refusal is None:
                raise
            message = str(refusal)
        click.echo(f"kontor: {message}", err=True)
        raise SystemExit(1)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The table of commands, each with its line, in the order in which they are written down."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.data.items()])


@click.group(cls=Kontor, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kontor", prog_name="kontor")
def main() -> None:
    """Kontor, an omnichannel order engine: stock, reservations and orders of all channels under one writer."""


if __name__ == "__main__":
    sys.exit(main())
