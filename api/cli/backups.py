"""`kontor backup` and `kontor restore`."""

import json
import time
from functools import partial
from pathlib import Path

import click
import msgspec

from api.answers.timestamps import iso, moment_ns
from api.backups import keys as key_backups
from api.backups import making, restoring
from api.backups.keys import KeysBackupFailed
from api.backups.manifest import BackupUnusable
from api.backups.restoring import Plan, Restored
from api.cli import options
from api.cli.progress import progress
from api.server.books import Paths
from api.server.giving_way import give_way
from api.server.server import VERSION


@click.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path))
@options.data
@options.archive
@options.as_json
@click.option("--hurry", is_flag=True, help="Do not give way to the node and others.")
def backup(target: Path, directory: Path, archive: Path | None, as_json: bool, hurry: bool) -> None:
    """Back up the books of a data directory to the folder TARGET, while a node runs on it or not.

    A backup that is there is brought up to date; sealed segments are not copied twice. The key store is not part of it:
    see `kontor backup-keys`.
    """
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    if not hurry:
        give_way()
    started = time.perf_counter()
    try:
        with progress(as_json) as tell:
            manifest = making.back_up(paths, target, f"kontor {VERSION}", tell)
    except BackupUnusable as error:
        raise click.ClickException(str(error)) from None
    size = sum(file.bytes for file in manifest.files)
    if as_json:
        click.echo(json.dumps({**msgspec.to_builtins(manifest), "seconds": round(time.perf_counter() - started, 3)}))
        return
    click.echo(f"backed up records {manifest.first_seq} to {manifest.seq}, the last of {manifest.time}")
    click.echo(f"chain     {manifest.chain}")
    click.echo(f"files     {len(manifest.files)}, {size:,} bytes in {target}")
    click.echo("keys      not in it: names and addresses stay sealed without `kontor backup-keys`")


@click.command()
@click.option(
    "--from", "source", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path), help="The backup."
)
@options.data
@click.option("--to-seq", type=click.IntRange(1), help="Up to and including this record.")
@click.option("--to-time", help="Up to this time, such as 2026-11-23T14:32:00Z.")
@click.option(
    "--keys", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A backup of the key store."
)
@click.option("--dry-run", is_flag=True, help="Check the backup and say what would be done.")
@options.as_json
def restore(
    source: Path,
    directory: Path,
    to_seq: int | None,
    to_time: str | None,
    keys: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a data directory from a backup, as it was after any record. The directory must not be in use for anything.

    Everything is replayed and compared before the directory gets its name.
    """
    if to_seq is not None and to_time is not None:
        raise click.UsageError("give either --to-seq or --to-time")
    time_ns = None if to_time is None else moment_ns(to_time)
    if to_time is not None and time_ns is None:
        raise click.UsageError("--to-time is a time with its zone, such as 2026-11-23T14:32:00Z")
    try:
        restoring.refuse_used(directory)
        chosen = restoring.plan(source, to_seq, time_ns)
        if keys is not None:
            wrong = key_backups.check(keys)
            if wrong:
                raise BackupUnusable(f"{keys} can't be restored: " + "; ".join(wrong))
        if not dry_run:
            with progress(as_json) as tell:
                put_keys = None if keys is None else partial(key_backups.restore, keys)
                restored = restoring.carry_out(chosen, directory, put_keys, tell)
    except (BackupUnusable, KeysBackupFailed) as error:
        raise click.ClickException(str(error)) from None
    if dry_run:
        _print_plan(chosen, directory, keys, as_json)
    else:
        _print_restored(restored, directory, keys, as_json)


def _print_plan(chosen: Plan, directory: Path, keys: Path | None, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"seq": chosen.seq, "time": iso(chosen.time_ns), "dry_run": True}))
        return
    left = chosen.manifest.seq - chosen.seq
    found = f"{len(chosen.segments)} archived segments and {len(chosen.snapshots)} snapshots, all checksums right"
    click.echo(f"would restore {directory} as it was after record {chosen.seq}, of {iso(chosen.time_ns)}")
    click.echo(f"from      {found}")
    click.echo(f"left out  {left:,} later records" if left else "left out  nothing")
    click.echo(f"keys      from {keys}" if keys else "keys      none: names and addresses stay sealed")


def _print_restored(done: Restored, directory: Path, keys: Path | None, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({**done._asdict(), "dry_run": False}))
        return
    equal = f"equal to {', '.join(done.proven_by)}" if done.proven_by else "by replay; no snapshot to compare with"
    click.echo(f"restored {directory} as it was after record {done.seq}, of {done.time}")
    click.echo(f"digest    {done.digest}")
    click.echo(f"proven    {equal}")
    click.echo(f"books     balanced; {done.open_orders:,} open orders, {done.open_reservations:,} open reservations")
    if keys is None:
        click.echo(
            f"keys      none: the names and addresses of {done.sealed_parties:,} people stay sealed. Put keys in with "
            "kontor restore-keys, or start the node with --new-keys"
        )
