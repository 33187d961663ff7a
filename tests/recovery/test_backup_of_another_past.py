"""A backup never mixes two pasts, and never forgets what the node has lost: that is what it is for."""

import shutil
from pathlib import Path

import pytest

from engine.commands.stock import MovementLine, MoveStock
from tests.recovery.lives import LifeOnDisk, Lived, flip, kontor, restored


def gone_back(life: Lived, backup: Path, data: Path, seq: int) -> LifeOnDisk:
    """The node as it was after record `seq`, which goes on from there."""
    restored(backup, data, "--to-seq", seq)
    digests = {at: digest for at, digest in life.digests.items() if at <= seq}
    return LifeOnDisk(5, data, Lived(data, digests, {at: life.times_ns[at] for at in digests}))


def receive(life: LifeOnDisk, quantity: int) -> None:
    life.do(MoveStock((MovementLine("TIN-MUG", "munich", "receipt", quantity),)))


def backed_up_whole_or_refused(backup: Path, before: Lived, now: Lived, where: Path) -> None:
    """A backup of `now` over one of `before`: afterwards the folder restores to one of the two."""
    code = kontor("backup", backup, "--data", now.directory).code
    expected = now if code == 0 else before
    assert restored(backup, where) == expected.digests[expected.last_seq]
    assert kontor("verify", "--backup", backup).code == 0


def test_the_same_number_of_other_records_is_not_taken_for_the_old_ones(
    life: Lived, backup: Path, tmp_path: Path
) -> None:
    other = gone_back(life, backup, tmp_path / "back", life.last_seq - 1)
    receive(other, 11)
    now = other.end()
    assert now.last_seq == life.last_seq
    assert now.digests[now.last_seq] != life.digests[life.last_seq]
    backed_up_whole_or_refused(backup, life, now, tmp_path / "again")


def test_a_snapshot_of_another_past_is_not_taken_for_the_one_of_the_same_record(life: Lived, tmp_path: Path) -> None:
    begun = LifeOnDisk(9, life.directory, life)
    receive(begun, 1)
    begun.keep_house()
    before, backup = begun.end(), tmp_path / "backup"
    assert kontor("backup", backup, "--data", before.directory).code == 0
    other = gone_back(before, backup, tmp_path / "back", before.last_seq - 1)
    receive(other, 11)
    other.keep_house()
    receive(other, 1)
    backed_up_whole_or_refused(backup, before, other.end(), tmp_path / "again")


def test_going_on_from_inside_a_batch_is_backed_up_elsewhere_as_it_is(
    life: Lived, backup: Path, tmp_path: Path
) -> None:
    other = gone_back(life, backup, tmp_path / "back", life.inside_batches()[-1])
    other.steps(60)
    now = other.end()
    assert kontor("backup", tmp_path / "new", "--data", now.directory).code == 0
    assert restored(tmp_path / "new", tmp_path / "again") == now.digests[now.last_seq]


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_hole_in_the_archive_does_not_make_the_backup_forget_what_it_had(
    life: Lived, backup: Path, tmp_path: Path, damage: str
) -> None:
    middle = sorted((life.directory / "archive").glob("*.kja"))[1]
    if damage == "missing":
        middle.unlink()
    else:
        flip(middle, middle.stat().st_size - 60)
    kontor("backup", backup, "--data", life.directory)
    assert restored(backup, tmp_path / "again", "--to-seq", 40) == life.digests[40]


def test_a_node_that_went_back_does_not_take_the_newest_records_from_the_backup(
    life: Lived, backup: Path, tmp_path: Path
) -> None:
    now = gone_back(life, backup, tmp_path / "back", life.last_seq - 30).end()
    shutil.rmtree(life.directory)
    kontor("backup", backup, "--data", now.directory)
    assert restored(backup, tmp_path / "again", "--to-seq", life.last_seq) == life.digests[life.last_seq]
