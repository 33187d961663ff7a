"""`kontor snapshot`: ask a running node for one, or make one of a directory."""

import json
import time
from pathlib import Path
from typing import Any

import click

from api.answers.timestamps import iso
from api.cli import options
from api.cli.client import Client
from api.cli.progress import progress
from api.server.books import Paths
from api.server.collecting import collector_rests
from api.server.snapshots import DIVERGED_EXIT
from engine.replay import follower
from engine.wal import DirectoryLock, JournalReader, snapshots_in
from engine.wal.files import remove_unfinished, sync_directory


@click.command()
@options.data_or_url
@options.url
@options.key
@options.archive
@options.as_json
@click.option("--kept", default=3, show_default=True, type=click.IntRange(1), help="Snapshots to keep, with --data.")
@click.option("--wait", is_flag=True, help="With --url: return when the snapshot is there.")
@click.option("--at", type=int, hidden=True)
@click.option("--proof", type=int, hidden=True)
def snapshot(
    directory: Path | None,
    url: str | None,
    key: str | None,
    archive: Path | None,
    as_json: bool,
    kept: int,
    wait: bool,
    at: int | None,
    proof: int | None,
) -> None:
    """Make a snapshot, so that the next start need not replay everything.

    A running node (--url) compares the snapshot with its own state before it counts. Of a directory (--data) it is made
    by replay alone; sealed segments of the journal are archived on the way.
    """
    options.one_of(directory, url)
    if directory is None:
        _ask(Client(str(url), key), as_json, wait)
        return
    _print(_make(Paths.of(directory, archive), at, proof, kept, as_json), as_json)


def _make(paths: Paths, at: int | None, proof: int | None, kept: int, quiet: bool) -> dict[str, Any]:
    """Snapshot, archive, remove what is too old. Ends with DIVERGED_EXIT when replay is not what the writer said."""
    paths.snapshots.mkdir(mode=0o700, exist_ok=True)
    lock = DirectoryLock(paths.snapshots)
    remove_unfinished(paths.snapshots)
    sync_directory(paths.snapshots)  # a follower that was killed may have left a name that is seen, and not durable yet
    if paths.archive.is_dir():
        remove_unfinished(paths.archive)
    started = time.perf_counter()
    journal = JournalReader(paths.journal, paths.archive)
    try:
        with progress(quiet) as tell, collector_rests():
            seq = journal.last_seq if at is None else at
            known = [found for found in snapshots_in(paths.snapshots)[0] if found.seq == seq]
            made = known[0] if known else follower.take(journal, paths.snapshots, seq, proof, tell)
            archived = follower.archive_sealed(journal, paths.archive, tell)
            removed = follower.prune(paths.snapshots, kept)
    except follower.Diverged as error:
        click.echo(f"kontor: {error}", err=True)
        raise SystemExit(DIVERGED_EXIT) from None
    finally:
        journal.close()
        lock.close()
    return {
        "name": made.name,
        "seq": made.seq,
        "time": iso(made.stamp.time_ns),
        "digest": made.digest,
        "bytes": made.bytes_used,
        "archived": [segment.name for segment in archived],
        "removed": removed,
        "seconds": round(time.perf_counter() - started, 3),
    }


def _print(made: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(made))
        return
    click.echo(f"snapshot  {made['name']}, {made['bytes']:,} bytes, record {made['seq']} of {made['time']}")
    click.echo(f"digest    {made['digest']}")
    for name in made["archived"]:
        click.echo(f"archived  {name}")
    for name in made["removed"]:
        click.echo(f"removed   {name}")


def _ask(client: Client, as_json: bool, wait: bool) -> None:
    wanted = client.call("POST", "/v1/snapshots")
    while wait:
        page = client.call("GET", "/v1/snapshots")
        if any(found["seq"] >= wanted["seq"] for found in page["items"]):
            break
        if page["making"] is None:
            raise click.ClickException("the snapshot was not made; the node's log says why")
        time.sleep(0.2)  # it is being made by another process
    if as_json:
        click.echo(json.dumps(wanted))
    else:
        click.echo(f"snapshot {wanted['name']} {'is there' if wait else 'is being made'}")
