"""`kontor checkpoint`: signed checkpoints of the chain, to be kept off the host."""

import json
import time
from pathlib import Path

import click
import msgspec

from api.backups import checkpoints
from api.backups.checkpoints import CheckpointRefused
from api.cli import options
from api.server.books import Paths
from engine.wal import JournalReader, access


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), required=False)
@click.option(
    "--data", "directory", type=click.Path(file_okay=False, readable=False, path_type=Path), help="The data directory."
)
@options.archive
@click.option(
    "--signing-key",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The private key (Ed25519, PEM).",
)
@click.option("--new-key", is_flag=True, help="Make the private key, and print its public key.")
@options.as_json
def checkpoint(
    file: Path | None, directory: Path | None, archive: Path | None, signing_key: Path, new_key: bool, as_json: bool
) -> None:
    """Add a signed checkpoint of the chain to FILE, while a node runs or not.

    Carry FILE off the host: `kontor verify --checkpoints FILE` then shows whether history was rewritten there.
    """
    try:
        if new_key:
            public_key = checkpoints.new_key(signing_key)
            click.echo(json.dumps({"public_key": public_key}) if as_json else public_key)
            return
        if file is None or directory is None:
            raise click.UsageError("give FILE and --data, or --new-key")
        paths = Paths.of(directory, archive)
        if not paths.journal.is_dir():
            raise click.ClickException(f"{directory} is no data directory: it has no journal")
        key = checkpoints.read_key(signing_key)
        journal = JournalReader(paths.journal, paths.archive)
        seq, time_ns, chain = journal.last_seq, journal.last_time_ns, journal.chain_digest
        journal.close()
        if not seq:
            raise click.ClickException("the journal holds no record yet")
        signed = checkpoints.sign(key, journal.journal_id, seq, time_ns, chain, time.time_ns())
        checkpoints.append(file, signed)
    except CheckpointRefused as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if access.of_error(error):
            raise
        raise click.ClickException(f"{error.filename or file or signing_key}: {error.strerror}") from None
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(signed)))
    else:
        click.echo(f"record {seq} of {signed.time}, chain {signed.chain}")
