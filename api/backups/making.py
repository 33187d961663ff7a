"""`kontor backup`: the books of a node, running or not, in a folder that can be carried elsewhere.

BACKUP/manifest.json   what belongs to it, with checksums; written last
BACKUP/journal/        every record, as archived segments; what was backed up before is not copied again
BACKUP/snapshots/      so that a restored node starts quickly
"""

import time
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

from api.answers.timestamps import iso
from api.backups import manifest as manifests
from api.backups.manifest import BackedUpFile, BackupUnusable, Manifest
from api.server.books import Paths
from engine.replay.recovery import Tell, tell_nobody
from engine.wal import (
    ArchivedSegment,
    DirectoryLock,
    JournalCorrupt,
    JournalReader,
    Snapshot,
    SnapshotDamaged,
    archive,
    snapshots_in,
)
from engine.wal.access import need
from engine.wal.archive import segments_in
from engine.wal.files import remove_unfinished, sync_directory


def back_up(paths: Paths, target: Path, made_by: str, tell: Tell = tell_nobody) -> Manifest:
    """Back up everything that is durable when this begins. A backup that is there already is brought up to date.

    Raises BackupUnusable when `target` is something else, JournalCorrupt, StorageFull, DirectoryInUse.
    """
    need(paths.journal)
    _check_target(target, paths)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    sync_directory(target.parent)
    lock = DirectoryLock(target)
    journal = JournalReader(paths.journal, paths.archive)
    try:
        before = manifests.read(target) if (target / manifests.FILE_NAME).exists() else None
        if before is not None:
            _check_same_past(target, before, journal)
        for folder in (target, target / "journal", target / "snapshots"):
            folder.mkdir(mode=0o700, exist_ok=True)
            remove_unfinished(folder)
        sync_directory(target)
        earlier, first_seq = _earlier(journal, target / "journal")
        made = [*_journal(journal, target / "journal", tell), *_snapshots(paths.snapshots, target, journal.last_seq)]
        files = dict.fromkeys(earlier, False) | dict(made)
        known = {} if before is None else {file.path: file for file in before.files}
        manifest = Manifest(
            format=manifests.FORMAT,
            made_at=iso(time.time_ns()),
            made_by=made_by,
            journal_id=journal.journal_id.hex(),
            first_seq=first_seq,
            seq=journal.last_seq,
            time=iso(journal.last_time_ns) if journal.last_seq else None,
            chain=journal.chain_digest.hex(),
            files=tuple(_described(target, path, {} if is_new else known) for path, is_new in files.items()),
        )
        manifests.write(target, manifest)
        _remove_others(target, set(files))
    finally:
        journal.close()
        lock.close()
    return manifest


def _check_target(target: Path, paths: Paths) -> None:
    if target.exists() and not target.is_dir():
        raise BackupUnusable(f"{target} is no folder")
    if paths.journal.resolve().parent in (target.resolve(), *target.resolve().parents):
        raise BackupUnusable(f"{target} lies in the data directory: a backup belongs somewhere else")
    if target.exists() and not (target / manifests.FILE_NAME).exists():
        others = [
            entry.name for entry in target.iterdir() if entry.name not in ("lock", "journal", "snapshots", "lost+found")
        ]
        if others:
            raise BackupUnusable(
                f"{target} holds something else ({others[0]}): choose an empty folder, or one with a backup"
            )


def _check_same_past(target: Path, before: Manifest, journal: JournalReader) -> None:
    """A backup only ever grows: what it holds must be part of what is backed up now."""
    if before.journal_id != journal.journal_id.hex():
        raise BackupUnusable(f"{target} is a backup of another node: choose another folder")
    chain = journal.chain_after(before.seq)
    if before.seq > journal.last_seq or (chain is not None and chain.hex() != before.chain):
        raise BackupUnusable(
            f"{target} holds another past: record {before.seq} of {before.time} is not in this journal, "
            "which was restored to an earlier one. Choose another folder"
        )


def _earlier(journal: JournalReader, target: Path) -> tuple[list[Path], int]:
    """What the backup holds of the records before those that are here, and the first of all these."""
    kept: list[Path] = []
    first_seq, chain = journal.first_seq, journal.chain_before
    for segment in reversed(segments_in(target)[0]):
        segment.close()
        if (segment.last_seq, segment.extent.chain_after) == (first_seq - 1, chain):
            kept.insert(0, segment.path)
            first_seq, chain = segment.first_seq, segment.extent.chain_before
    return kept, first_seq


def _journal(journal: JournalReader, target: Path, tell: Tell) -> Iterator[tuple[Path, bool]]:
    """Every record up to the reader's watermark, as archived segments, and whether each was made now."""
    sealed = {first_seq: last_seq for first_seq, last_seq, _ in journal.sealed()}
    for part in journal.parts:
        last_seq = part.last_seq if isinstance(part, ArchivedSegment) else sealed.get(part.first_seq, journal.last_seq)
        if last_seq < part.first_seq:
            continue  # a segment without records yet
        path = target / archive.name_of(part.first_seq, last_seq)
        chain = journal.chain_after(part.first_seq - 1)
        assert chain is not None
        if _is_there(path, chain, journal.chain_after(last_seq)):
            yield path, False
            continue
        if isinstance(part, ArchivedSegment):
            manifests.copy(part.path, target)
        else:
            frames = takewhile(
                lambda entry, last=last_seq: entry[0].last_seq <= last,  # type: ignore[misc]
                journal.frames(part.first_seq - 1, chain),
            )
            archive.write(target, journal.journal_id, chain, frames).close()
        tell("backing up", last_seq, journal.last_seq)
        yield path, True


def _is_there(path: Path, chain_before: bytes, chain_after: bytes | None) -> bool:
    try:
        segment = ArchivedSegment(path)
    except (FileNotFoundError, JournalCorrupt):
        return False
    segment.close()
    return (segment.extent.chain_before, segment.extent.chain_after) == (chain_before, chain_after)


def _snapshots(source: Path, target: Path, last_seq: int) -> Iterator[tuple[Path, bool]]:
    """Snapshots that can be used, and whether each was copied now. One made while we were reading is left out."""
    for snapshot in snapshots_in(source)[0]:
        path = target / "snapshots" / snapshot.name
        try:
            is_new = snapshot.seq <= last_seq and not _is_same(path, snapshot)
            if is_new:
                for _ in snapshot.parts():
                    pass
                manifests.copy(snapshot.path, path.parent)
        except (FileNotFoundError, SnapshotDamaged):
            continue  # a damaged one is of no use, and one that has just been removed is not needed
        if snapshot.seq <= last_seq:
            yield path, is_new


def _is_same(path: Path, snapshot: Snapshot) -> bool:
    try:
        there = Snapshot(path)
    except SnapshotDamaged:
        return False
    return (there.stamp, there.digest) == (snapshot.stamp, snapshot.digest)


def _described(target: Path, path: Path, known: dict[str, BackedUpFile]) -> BackedUpFile:
    """What was described before, and has the size it had, is not read again; `kontor verify` reads everything."""
    before = known.get(path.relative_to(target).as_posix())
    if before is not None and before.bytes == path.stat().st_size:
        return before
    return manifests.describe(target, path)


def _remove_others(target: Path, files: set[Path]) -> None:
    """What the new manifest does not name: ends of the journal that were backed up in full since, old snapshots."""
    for folder in (target / "journal", target / "snapshots"):
        for path in folder.iterdir():
            if path not in files:
                path.unlink()
        sync_directory(folder)
