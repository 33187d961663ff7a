"""A start from a snapshot gives what replay from the first record gives, and a snapshot that can't be used is only warned of."""

import shutil
from pathlib import Path

import pytest

from engine.replay import dumping
from engine.replay.dumping import DUMP_VERSION
from engine.replay.recovery import Fold, refuse_contradiction
from engine.state.state import State
from engine.wal import (
    ClosedTable,
    JournalCorrupt,
    JournalReader,
    MemoryClosedTable,
    PendingSnapshot,
    Snapshot,
    SnapshotDamaged,
    Stamp,
    snapshots_in,
)
from engine.wal.snapshots import name_of
from tests.unit.wal.keeping import append, archive_sealed, flip, keep, live_folders, places_in, reopen, retire
from tests.unit.wal.shop_life import Lived, live, start, take_snapshots


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """A life with three snapshots, made once."""
    lived = live(tmp_path_factory.mktemp("life"))
    take_snapshots(lived.directory, [lived.ends[len(lived.ends) * part // 4] for part in (1, 2, 3)])
    return lived


@pytest.fixture
def lived(template: Lived, tmp_path: Path) -> Lived:
    """The same life, to be damaged."""
    shutil.copytree(template.directory, tmp_path / "life")
    return template._replace(directory=tmp_path / "life")


def snapshot_files(lived: Lived) -> list[Path]:
    """Newest first."""
    return sorted((lived.directory / "snapshots").iterdir(), reverse=True)


def seqs(lived: Lived) -> list[int]:
    return [int(path.stem) for path in snapshot_files(lived)]


def damage(path: Path) -> None:
    """Flip a bit in the middle, where only reading the parts notices it."""
    flip(path, path.stat().st_size // 2 * 8)
    Snapshot(path)


# What is the same


def test_a_snapshot_and_the_records_after_it_are_the_whole_history(lived: Lived) -> None:
    assert len(live_folders(places_in(lived.directory))) > 1
    for path in snapshot_files(lived):
        path.unlink()
    for seq in (0, *lived.ends[::9], lived.ends[-1]):
        if seq:
            take_snapshots(lived.directory, [seq])
        found = start(lived.directory)
        assert (found.digest, found.replayed_after, found.warnings) == (lived.digest, seq, [])


def test_a_snapshot_is_the_state_that_replay_has_at_its_record(lived: Lived) -> None:
    reader = JournalReader(lived.directory / "journal")
    state = State(MemoryClosedTable())
    fold = Fold(state, reader.read(), keep_closed=True)
    for snapshot in reversed(snapshots_in(lived.directory / "snapshots")[0]):
        fold.advance(snapshot.seq)
        assert snapshot.digest == dumping.digest(state)
        assert snapshot.stamp == (
            DUMP_VERSION,
            reader.journal_id,
            state.seq,
            state.time_ns,
            reader.chain_after(state.seq),
        )
    reader.close()


def test_the_newest_snapshot_is_the_one_that_is_used(lived: Lived) -> None:
    found = start(lived.directory)
    assert (found.digest, found.replayed_after, found.warnings) == (lived.digest, seqs(lived)[0], [])


# What is passed over


def test_a_damaged_newest_snapshot_is_warned_of_and_the_one_before_it_is_used(lived: Lived) -> None:
    newest, before, _ = snapshot_files(lived)
    damage(newest)
    found = start(lived.directory)
    assert (found.digest, found.replayed_after) == (lived.digest, int(before.stem))
    (warning,) = found.warnings
    assert newest.name in warning
    assert newest.exists(), "it is left for people to look at"


@pytest.mark.parametrize("length", [0, 100, -1])
def test_one_that_was_cut_short_is_warned_of_too(lived: Lived, length: int) -> None:
    newest, before, _ = snapshot_files(lived)
    newest.write_bytes(newest.read_bytes()[:length])
    found = start(lived.directory)
    assert (found.digest, found.replayed_after) == (lived.digest, int(before.stem))
    assert [newest.name in warning for warning in found.warnings] == [True]


def test_when_all_are_damaged_everything_is_replayed(lived: Lived) -> None:
    for path in snapshot_files(lived):
        damage(path)
    found = start(lived.directory)
    assert (found.digest, found.replayed_after, len(found.warnings)) == (lived.digest, 0, 3)


def test_the_dump_of_another_release_is_not_used(lived: Lived) -> None:
    newest, before, _ = snapshot_files(lived)
    snapshot = Snapshot(newest)
    stamp = snapshot.stamp._replace(dump_version=DUMP_VERSION + 1)
    PendingSnapshot(newest.parent, stamp, list(snapshot.parts())).publish()
    found = start(lived.directory)
    assert (found.digest, found.replayed_after) == (lived.digest, int(before.stem))
    (warning,) = found.warnings
    assert f"its dump version {DUMP_VERSION + 1} is not this release's" in warning


def test_parts_that_are_no_dump_are_not_used_though_their_checksums_are_right(lived: Lived) -> None:
    newest, before, _ = snapshot_files(lived)
    PendingSnapshot(newest.parent, Snapshot(newest).stamp, [b"no dump"]).publish()
    found = start(lived.directory)
    assert (found.digest, found.replayed_after, len(found.warnings)) == (lived.digest, int(before.stem), 1)


def test_the_dump_of_another_record_is_not_used(lived: Lived) -> None:
    newest, before, _ = snapshot_files(lived)
    PendingSnapshot(newest.parent, Snapshot(newest).stamp, list(Snapshot(before).parts())).publish()
    found = start(lived.directory)
    assert (found.digest, found.replayed_after) == (lived.digest, int(before.stem))
    assert f"it holds the state after record {int(before.stem)}" in found.warnings[0]


def test_a_snapshot_beyond_the_closed_orders_is_passed_over(lived: Lived) -> None:
    _, middle, oldest = seqs(lived)
    shutil.rmtree(lived.directory / "closed")
    table = ClosedTable(lived.directory / "closed")
    reader = JournalReader(lived.directory / "journal")
    Fold(State(table), reader.read(), keep_closed=True).advance(middle - 1)
    reader.close()
    table.close()
    found = start(lived.directory)
    assert (found.digest, found.replayed_after) == (lived.digest, oldest)
    assert [f"up to record {middle - 1} only" in warning for warning in found.warnings] == [True, True]
    assert start(lived.directory).replayed_after == seqs(lived)[0], "the table has caught up"


def test_without_closed_orders_everything_is_replayed(lived: Lived) -> None:
    shutil.rmtree(lived.directory / "closed")
    found = start(lived.directory)
    assert (found.digest, found.replayed_after, len(found.warnings)) == (lived.digest, 0, 3)


# What is refused


def test_without_the_first_records_and_without_a_snapshot_nothing_starts(lived: Lived) -> None:
    take_snapshots(lived.directory, [lived.ends[-1]])
    places = places_in(lived.directory)
    archive_sealed(places)
    journal = reopen(places)
    retire(journal, journal.last_seq)
    first_seq = int(journal.segment)
    journal.close()
    shutil.rmtree(places.archive)
    needed = [path for path in snapshot_files(lived) if int(path.stem) >= first_seq - 1]
    assert needed, "the newest snapshot makes up for what is gone"
    assert start(lived.directory).digest == lived.digest
    for path in needed:
        damage(path)
    with pytest.raises(JournalCorrupt, match="neither in the journal nor in the archive"):
        start(lived.directory)


def snapshot_of(directory: Path, journal_id: bytes, seq: int, chain: bytes) -> Snapshot:
    return Snapshot(PendingSnapshot(directory, Stamp(DUMP_VERSION, journal_id, seq, 1, chain), []).publish())


def test_a_snapshot_of_another_journal_is_not_passed_over_but_refused(tmp_path: Path) -> None:
    ours, theirs = reopen(keep(tmp_path / "ours", 5)), reopen(keep(tmp_path / "theirs", 5))
    snapshot = snapshot_of(tmp_path, theirs.journal_id, theirs.last_seq, theirs.chain_digest)
    refuse_contradiction(snapshot, theirs)
    with pytest.raises(JournalCorrupt, match="is of another journal: take it out of the folder"):
        refuse_contradiction(snapshot, ours)
    ours.close()
    theirs.close()


def test_a_snapshot_of_a_later_record_says_that_the_newest_part_is_missing(tmp_path: Path) -> None:
    places = keep(tmp_path, 5)
    shutil.copytree(places.journal, tmp_path / "before")
    journal = reopen(places)
    append(journal, 3)
    snapshot = snapshot_of(tmp_path, journal.journal_id, journal.last_seq, journal.chain_digest)
    refuse_contradiction(snapshot, journal)
    journal.close()
    shortened = JournalReader(tmp_path / "before")
    with pytest.raises(JournalCorrupt, match=f"{name_of(snapshot.seq)} was made later: its newest part is missing"):
        refuse_contradiction(snapshot, shortened)
    shortened.close()


def test_a_snapshot_of_a_history_that_was_rewritten_is_refused(tmp_path: Path) -> None:
    places = keep(tmp_path / "first", 5)
    other = places_in(tmp_path / "second")
    shutil.copytree(places.journal, other.journal)
    first, second = reopen(places), reopen(other)
    append(first, 1)
    second.append(first.last_time_ns, [b"something else"] * (first.last_seq - second.last_seq))
    append(second, 3)
    snapshot = snapshot_of(tmp_path, first.journal_id, first.last_seq, first.chain_digest)
    with pytest.raises(JournalCorrupt, match="history was rewritten") as refusal:
        refuse_contradiction(snapshot, second)
    assert refusal.value.seq == snapshot.seq
    first.close()
    second.close()


def test_a_snapshot_in_the_middle_of_a_batch_is_refused(tmp_path: Path) -> None:
    journal = reopen(places_in(tmp_path))
    journal.append(1, [b"one", b"two"])
    with pytest.raises(JournalCorrupt, match="history was rewritten"):
        refuse_contradiction(snapshot_of(tmp_path, journal.journal_id, 1, journal.chain_digest), journal)
    journal.close()


def test_what_is_only_partly_read_leaves_nothing_behind(lived: Lived) -> None:
    """A state that a damaged snapshot has half filled is not the one that goes on."""
    newest = snapshot_files(lived)[0]
    flip(newest, (newest.stat().st_size - 76 - 1) * 8)  # the last part: everything else has been loaded by then
    with pytest.raises(SnapshotDamaged):
        list(Snapshot(newest).parts())
    assert start(lived.directory).digest == lived.digest
