"""`kontor verify`: does everything hold together?"""

import json
from pathlib import Path

import click

from api.backups import checkpoints, verifying
from api.backups import manifest as manifests
from api.backups.checkpoints import Checkpoint, CheckpointRefused
from api.backups.manifest import BackupUnusable
from api.backups.verifying import Findings
from api.cli import options
from api.cli.progress import progress
from api.server.books import Paths
from engine.replay.recovery import Tell
from engine.wal import ArchivedSegment, DirectoryLock, JournalCorrupt, LmdbJournal, snapshots_in
from engine.wal.archive import segments_in


@click.command()
@click.option(
    "--data",
    "directory",
    type=click.Path(file_okay=False, readable=False, path_type=Path),
    help="A data directory no node runs on.",
)
@click.option("--backup", "source", type=click.Path(file_okay=False, path_type=Path), help="A backup.")
@options.archive
@click.option(
    "--checkpoints",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Signed checkpoints to compare with.",
)
@click.option("--trust", help="The public key (hex) the checkpoints must be signed with.")
@options.as_json
def verify(
    directory: Path | None,
    source: Path | None,
    archive: Path | None,
    file: Path | None,
    trust: str | None,
    as_json: bool,
) -> None:
    """Check a data directory or a backup: frames, checksums, chain, gapless seq, snapshots by replay, books.

    Ends with 1 and names what is wrong.
    """
    if (directory is None) == (source is None):
        raise click.UsageError("give either --data (no node runs on it) or --backup")
    kept = _checkpoints(file, trust)
    with progress(as_json) as tell:
        found = (
            _directory(Paths.of(directory, archive), kept, tell) if directory else _backup(source or Path(), kept, tell)
        )
    if isinstance(found, list):
        _print_refused(found, as_json)
    elif as_json:
        click.echo(json.dumps({**found._asdict(), "violations": found.wrong}))
    else:
        _print(found)
    if isinstance(found, list) or found.wrong:
        raise SystemExit(1)


def _checkpoints(file: Path | None, trust: str | None) -> list[Checkpoint]:
    try:
        key = None if trust is None else bytes.fromhex(trust)
        return [] if file is None else checkpoints.read(file, key)
    except ValueError:
        raise click.UsageError("--trust is a public key in hex, as `kontor checkpoint --new-key` prints it") from None
    except CheckpointRefused as error:
        raise click.ClickException(str(error)) from None


def _directory(paths: Paths, kept: list[Checkpoint], tell: Tell) -> Findings | list[str]:
    if not paths.journal.is_dir():
        raise click.ClickException(f"{paths.journal.parent} is no data directory: it has no journal")
    lock = DirectoryLock(paths.journal.parent, only_reads=True)
    archived, damaged = segments_in(paths.archive)
    try:
        wrong = [str(error) for error in damaged] + verifying.check_archive(archived)
        return _live(paths, [segment.name for segment in archived], wrong, kept, tell)
    finally:
        _close(archived)
        lock.close()


def _live(
    paths: Paths, archived: list[str], wrong: list[str], kept: list[Checkpoint], tell: Tell
) -> Findings | list[str]:
    snapshots = snapshots_in(paths.snapshots)[0]
    try:
        journal = LmdbJournal(
            paths.journal,
            archive_directory=paths.archive,
            covered_seq=snapshots[0].seq if snapshots else 0,
            on_segment=lambda done, total: tell("checking the journal", done, total),
            readonly=True,
        )
    except JournalCorrupt as error:
        return [*wrong, str(error)]
    try:
        wrong += verifying.check_closed(paths.closed, journal.last_seq)
        found = verifying.check_books(journal, paths.snapshots, kept, archived, tell)
        return found._replace(wrong=wrong + found.wrong)
    finally:
        journal.close()


def _backup(source: Path, kept: list[Checkpoint], tell: Tell) -> Findings | list[str]:
    try:
        manifest = manifests.read(source)
    except BackupUnusable as error:
        raise click.ClickException(str(error)) from None
    wrong = manifests.findings(source, manifest)
    archived, damaged = segments_in(source / "journal")
    try:
        wrong += [str(error) for error in damaged] + verifying.check_archive(archived)
        journal = verifying.from_archive(archived)
        if not archived:  # of a node without a record yet
            journal.journal_id = bytes.fromhex(manifest.journal_id)
        if (journal.last_seq, journal.journal_id.hex()) != (manifest.seq, manifest.journal_id):
            wrong.append(f"the manifest says record {manifest.seq}, and the journal ends at {journal.last_seq}")
        found = verifying.check_books(journal, source / "snapshots", kept, [segment.name for segment in archived], tell)
        return found._replace(wrong=wrong + found.wrong)
    except JournalCorrupt as error:
        return [*wrong, str(error)]
    finally:
        _close(archived)


def _close(archived: list[ArchivedSegment]) -> None:
    for segment in archived:
        segment.close()


def _print_refused(wrong: list[str], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"wrong": wrong, "violations": wrong}))
    for reason in [] if as_json else wrong:
        click.echo(f"wrong     {reason}")


def _print(found: Findings) -> None:
    until = f", to {found.time}" if found.time else ""
    click.echo(f"journal   records {found.first_seq} to {found.seq}, every frame, checksum and link in order{until}")
    click.echo(f"chain     {found.chain}")
    click.echo(f"digest    {found.digest}")
    click.echo(f"archive   {len(found.archived)} segments read whole")
    click.echo("snapshots " + (f"equal to replay: {', '.join(found.snapshots)}" if found.snapshots else "none"))
    if found.checkpoints or found.checkpoints_elsewhere:
        elsewhere = (
            f", {found.checkpoints_elsewhere} of records that are not here" if found.checkpoints_elsewhere else ""
        )
        click.echo(f"checkpoints {found.checkpoints} compared{elsewhere}")
    click.echo("books     " + ("see below" if found.wrong else "balanced"))
    for reason in found.wrong:
        click.echo(f"wrong     {reason}")
