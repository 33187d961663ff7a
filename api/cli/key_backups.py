"""Backups of the party keys on the command line."""

import json
import time
from pathlib import Path

import click

from api.backups.keys import KeysBackupFailed, back_up, prune, restore
from api.cli import options
from engine.wal import DirectoryLock

SECONDS_PER_DAY = 86_400
WHY_APART = (
    "Keep it apart from the backups of the journal and no longer than this: whoever is erased comes back from it."
)


@click.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@options.data
@click.option(
    "--kept-days", default=14, show_default=True, type=click.IntRange(1, 3650), help="Delete backups older than this."
)
@click.option("--prune-only", is_flag=True, help="Make no backup; only delete the old ones, the newest too.")
@options.as_json
def backup_keys(target: Path, directory: Path, kept_days: int, prune_only: bool, as_json: bool) -> None:
    """Back up the party keys of a data directory into TARGET, then delete the backups that are too old.

    A node may run on the directory. When no backup can be made, none is deleted.
    """
    now_ns = time.time_ns()
    if target.resolve().is_relative_to(directory.resolve()):
        raise click.UsageError(f"{target} lies inside {directory}: choose a place that is lost on another day")
    try:
        made = None if prune_only else back_up(directory / "parties", target, now_ns)
        gone = prune(target, kept_days * SECONDS_PER_DAY, now_ns)
    except KeysBackupFailed as problem:
        raise click.ClickException(str(problem)) from problem
    if as_json:
        backup = made and {
            "path": str(made.path),
            "made_at": made.made_at,
            "parties_alive": made.parties_alive,
            "size_bytes": made.size_bytes,
        }
        click.echo(json.dumps({"backup": backup, "pruned": gone, "kept_days": kept_days}))
        return
    if made:
        click.echo(f"made    {made.path}: keys of {made.parties_alive} parties, {made.size_bytes} bytes, checked")
    click.echo(f"pruned  {', '.join(gone) or f'nothing is older than {kept_days} days'}")
    if made:
        click.echo(WHY_APART)


@click.command()
@click.argument("backup", type=click.Path(exists=True, file_okay=False, path_type=Path))
@options.data
@options.as_json
def restore_keys(backup: Path, directory: Path, as_json: bool) -> None:
    """Put the party keys from BACKUP back into a data directory that has none, while no node runs on it."""
    lock = DirectoryLock(directory)
    try:
        manifest = restore(backup, directory / "parties")
    except KeysBackupFailed as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        lock.close()
    if as_json:
        click.echo(json.dumps({"made_at": manifest.made_at, "parties_alive": manifest.parties_alive}))
        return
    click.echo(f"restored  keys of {manifest.parties_alive} parties, as of {manifest.made_at}")
    click.echo("Names and addresses of parties made after that stay sealed; erase again whoever was erased after it.")
