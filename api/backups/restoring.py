"""`kontor restore`: a data directory made from a backup, up to any record, proven by replay before it gets its name."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from api.answers.timestamps import iso
from api.backups import manifest as manifests
from api.backups.manifest import BackupUnusable, Manifest
from api.server.books import Paths
from engine.replay import dumping, invariants
from engine.replay.recovery import Fold, Tell
from engine.state.orders import Order
from engine.state.state import State
from engine.wal import ArchivedSegment, ClosedTable, LmdbJournal, Snapshot, SnapshotDamaged, snapshots_in
from engine.wal.archive import segments_in
from engine.wal.files import sync_directory
from engine.wal.rebuild import rebuild

RESTORING = ".restoring"


class Plan(NamedTuple):
    """What a restore will do: the state after record `seq`, the last one of `time_ns`, from these files."""

    source: Path
    manifest: Manifest
    seq: int
    time_ns: int
    segments: tuple[Path, ...]
    snapshots: tuple[Path, ...]


class Restored(NamedTuple):
    """What was restored, and proven. `sealed_parties` have personal data that only the key store can open."""

    seq: int
    time: str | None
    digest: str
    proven_by: tuple[str, ...]
    open_orders: int
    open_reservations: int
    sealed_parties: int


@contextmanager
def _archived(source: Path) -> Iterator[list[ArchivedSegment]]:
    segments, damaged = segments_in(source / "journal")
    try:
        if damaged:
            raise BackupUnusable(f"{source}: {damaged[0]}")
        yield segments
    finally:
        for segment in segments:
            segment.close()


def plan(source: Path, to_seq: int | None, to_time_ns: int | None) -> Plan:
    """Look at a backup and say what a restore would do. Every file's checksum is compared. Raises BackupUnusable."""
    manifest = manifests.read(source)
    wrong = manifests.findings(source, manifest)
    if wrong:
        raise BackupUnusable(f"{source} can't be restored: " + "; ".join(wrong))
    with _archived(source) as segments:
        if not segments:
            raise BackupUnusable(f"{source} holds no record: a new node starts without a restore")
        seq = manifest.seq if to_seq is None else to_seq
        if to_time_ns is not None:
            seq = _last_before(segments, to_time_ns + 1_000)  # times are shown to the microsecond
        if not manifest.first_seq <= seq <= manifest.seq:
            span = f"records {manifest.first_seq} to {manifest.seq}, the last of {manifest.time}"
            raise BackupUnusable(f"{source} holds {span}: record {seq} is not among them")
        usable = [found for found in snapshots_in(source / "snapshots")[0] if found.seq <= seq]
        if manifest.first_seq > 1 and not any(found.seq >= manifest.first_seq - 1 for found in usable):
            raise BackupUnusable(
                f"{source} begins with record {manifest.first_seq} and no snapshot reaches from there to {seq}"
            )
        last = next(segment for segment in segments if segment.last_seq >= seq)
        time_ns = next(batch.time_ns for batch, _ in last.verify() if batch.last_seq >= seq)
        chosen = tuple(segment.path for segment in segments if segment.first_seq <= seq)
    return Plan(source, manifest, seq, time_ns, chosen, tuple(found.path for found in usable))


def _last_before(segments: list[ArchivedSegment], time_ns: int) -> int:
    """The last record before a time; 0 when there is none."""
    seq = 0
    for segment in segments:
        if segment.extent.last_time_ns < time_ns:
            seq = segment.last_seq
        elif segment.extent.first_time_ns < time_ns:
            return max(batch.last_seq for batch, _ in segment.verify() if batch.time_ns < time_ns)
    return seq


def refuse_used(directory: Path) -> None:
    """A restore makes a directory; it never touches one that holds something."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupUnusable(
            f"{directory} is not empty: restore into a new directory, and move it into place afterwards"
        )


def carry_out(chosen: Plan, directory: Path, restore_keys: Callable[[Path], object] | None, tell: Tell) -> Restored:
    """Make the data directory beside its place, prove it by replay, and only then give it its name.

    `restore_keys(folder)` puts the key store there. Raises BackupUnusable, JournalCorrupt, StorageFull; nothing is left then.
    """
    directory = directory.resolve()
    refuse_used(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    making = directory.with_name(directory.name + RESTORING)
    shutil.rmtree(making, ignore_errors=True)
    paths = Paths.of(making)
    for folder in (making, paths.journal, paths.archive, paths.snapshots):
        folder.mkdir(mode=0o700)
    try:
        _segments(chosen, paths, tell)
        for path in chosen.snapshots:
            manifests.copy(path, paths.snapshots)
        if restore_keys is not None:
            restore_keys(paths.parties)
        restored = _prove(chosen, paths, has_keys=restore_keys is not None, tell=tell)
        for folder in (paths.journal, paths.archive, paths.snapshots, making):
            sync_directory(folder)
        making.rename(directory)
        sync_directory(directory.parent)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return restored


def _segments(chosen: Plan, paths: Paths, tell: Tell) -> None:
    """Whole segments stay archived; the one with the last record can be written to again."""
    for path in chosen.segments[:-1]:
        manifests.copy(path, paths.archive)
        tell("copying", int(path.name[:20]), chosen.seq)
    time_before_ns = 0
    if len(chosen.segments) > 1:
        before = ArchivedSegment(chosen.segments[-2])
        time_before_ns = before.extent.last_time_ns
        before.close()
    last = ArchivedSegment(chosen.segments[-1])
    try:
        extent = last.extent
        rebuild(paths.journal, extent.journal_id, extent.chain_before, time_before_ns, last.verify(), chosen.seq)
    finally:
        last.close()


def _prove(chosen: Plan, paths: Paths, *, has_keys: bool, tell: Tell) -> Restored:
    """Replay all of it, compare with every snapshot on the way, check the books; this also makes the table of closed orders."""
    snapshots = [Snapshot(path) for path in sorted(chosen.snapshots)]
    covered = max((snapshot.seq for snapshot in snapshots), default=0)
    journal = LmdbJournal(paths.journal, archive_directory=paths.archive, covered_seq=covered)
    table = ClosedTable(paths.closed)
    try:
        assert journal.last_seq == chosen.seq
        state = State(table)
        if journal.first_seq > 1:  # the beginning is not here: orders closed before the snapshot can't be shown
            base = next(snapshot for snapshot in snapshots if snapshot.seq >= journal.first_seq - 1)
            dumping.load(state, base.parts())
            table.store([], base.seq)
        fold = Fold(state, journal.read(state.seq), keep_closed=True)
        proven = []
        for snapshot in snapshots:
            if snapshot.seq >= state.seq:
                fold.advance(snapshot.seq, tell)
                if dumping.digest(state) != snapshot.digest:
                    raise BackupUnusable(f"replay does not give the state of snapshot {snapshot.name}")
                proven.append(snapshot.name)
        fold.advance(chosen.seq, tell)
        violations = invariants.check(state)
        if violations:
            raise BackupUnusable("the books do not hold: " + "; ".join(violations))
        sealed = 0 if has_keys else len({order.party for order in _orders(state) if order.party is not None})
        return Restored(
            state.seq,
            iso(chosen.time_ns),
            dumping.digest(state),
            tuple(proven),
            len(state.orders.open),
            len(state.reservations.active),
            sealed,
        )
    except SnapshotDamaged as error:
        raise BackupUnusable(str(error)) from error
    finally:
        journal.close()
        table.close()


def _orders(state: State) -> Iterator[Order]:
    yield from state.orders.open.values()
    yield from state.closed.newest_orders()
