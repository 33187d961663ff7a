"""The power goes at any moment: the journal opens at the last acknowledged batch or the one after it, never at a mixture.

A whole life of a journal is recorded call by call; from the recording come directories as a power cut may leave them.
"""

import gc
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from engine.wal import JournalCorrupt, LmdbJournal
from tests.simulation.disk_operations import Made, Operation, Renamed, Reserved, Said, Synced, Written
from tests.simulation.journal_life import LAST_SEQ, SMALL, next_batch, records_from
from tests.simulation.recorded_disk import LOCK_FILE, record, why_not
from tests.simulation.simulated_disk import SimulatedDisk, run_all, write_image

LIVE = "import sys; from pathlib import Path; from tests.simulation.journal_life import live; live(Path(sys.argv[1]))"
JOURNAL = "data/journal"
PHASES = (
    "first segment",
    "between batches",
    "commit",
    "growth",
    "growth while appending",
    "rotation",
    "opened again",
)
DRAWN = (*PHASES, "commit", "commit")


class Recording(NamedTuple):
    """What was recorded, where it happened, and for each operation what the journal was doing."""

    operations: list[Operation]
    root: Path
    phases: list[str]


class Moment(NamedTuple):
    """A power cut while `operations[at]` is under way: the last batch acknowledged, and the last one begun."""

    at: int
    phase: str
    acknowledged: int
    begun: int


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)  # the one program that tells every call; without it there is no recording
    root = tmp_path_factory.mktemp("recorded") / "disk"
    root.mkdir()
    operations = record(LIVE, root, str(root / JOURNAL))
    return Recording(operations, root, phases_of(operations))


def phases_of(operations: list[Operation]) -> list[str]:
    """What the journal was doing at each operation."""
    phases, steady, work = [], "first segment", None
    for operation in operations:
        if isinstance(operation, Said):
            word = operation.line.split()[0]
            steady = {"begin": "commit", "closed": "opened again"}.get(word, "between batches")
        elif steady == "between batches" and isinstance(operation, Made) and operation.path.endswith(".new"):
            work = "rotation"
        elif steady in ("between batches", "commit") and isinstance(operation, Reserved) and work is None:
            work = "growth" if steady == "between batches" else "growth while appending"
        phases.append(work or steady)
        if isinstance(operation, Synced) and (operation.path == JOURNAL if work == "rotation" else True):
            work = None
    return phases


def moments(operations: list[Operation], phases: list[str]) -> list[Moment]:
    """Every moment at which the power can go."""
    found, seqs = [], {"done": 0, "begin": 0}
    for at, operation in enumerate(operations):
        found.append(Moment(at, phases[at], seqs["done"], seqs["begin"]))
        if isinstance(operation, Said):
            word, seq = operation.line.split()
            seqs[word] = int(seq)
    return found


def some_moments(recording: Recording, count: int, chance: random.Random) -> list[Moment]:
    """Moments of every phase, as many of each and some more commits, though a journal rarely grows or rotates."""
    of_phase: dict[str, list[Moment]] = {}
    for moment in moments(recording.operations, recording.phases):
        of_phase.setdefault(moment.phase, []).append(moment)
    return [chance.choice(of_phase[DRAWN[n % len(DRAWN)]]) for n in range(count)]


def cut_power(
    operations: list[Operation],
    chosen: list[Moment],
    chance: random.Random,
    directory: Path,
    check: Callable[[Moment], None],
) -> None:
    """Have an image checked for each of the moments; it lies in `directory`."""
    disk = SimulatedDisk()
    chosen_at: dict[int, list[Moment]] = {}
    for moment in chosen:
        chosen_at.setdefault(moment.at, []).append(moment)
    for at, operation in enumerate(operations):
        disk.begin(operation)
        for moment in chosen_at.get(at, ()):
            write_image(disk.after_power_cut(chance), directory)
            try:
                check(moment)
            except Exception as error:
                error.add_note(f"{moment}, during {str(operation)[:120]}")
                raise
            shutil.rmtree(directory)
        disk.finish(operation)


def read_all(journal: LmdbJournal) -> int:
    """Every batch has its seq, its time and its content, and the chain holds; gives the last seq."""
    seq = 0
    for batch in journal.read():
        assert (batch.first_seq, batch.time_ns) == (seq + 1, seq + 1)
        assert list(batch.records) == records_from(seq + 1), f"batch {seq + 1} is not what was appended"
        seq = batch.last_seq
    assert seq == journal.last_seq
    return seq


def opened_at(directory: Path, *, goes_on: bool) -> int:
    """The seq at which the journal opens; all of it is read, and if it goes on, the next batch is appended to it."""
    journal = LmdbJournal(directory, **SMALL)
    try:
        seq = read_all(journal)
        if goes_on:
            journal.append(seq + 1, next_batch(journal))
    finally:
        journal.close()
    return seq


def survive(recording: Recording, count: int, seed: int, directory: Path) -> Counter[str]:
    """Cut the power `count` times; every image opens as it must and goes on. Gives how many in which phase, and where."""
    chance, seen = random.Random(seed), Counter[str]()

    def check(moment: Moment) -> None:
        seq = opened_at(directory / JOURNAL, goes_on=True)
        assert seq in (moment.acknowledged, moment.begun), f"it opened at {seq}"
        assert opened_at(directory / JOURNAL, goes_on=False) == seq + len(records_from(seq + 1))
        seen[moment.phase] += 1
        seen["at the last acknowledged batch" if seq == moment.acknowledged else "at the one after it"] += 1

    cut_power(recording.operations, some_moments(recording, count, chance), chance, directory, check)
    return seen


def test_the_recording_is_the_whole_story(recording: Recording) -> None:
    there = {
        path.relative_to(recording.root).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in recording.root.rglob("*")
        if path.name != LOCK_FILE
    }
    assert run_all(recording.operations).now() == {"": None, **there}


def test_the_recorded_life_has_all_that_can_be_interrupted(recording: Recording) -> None:
    operations = recording.operations
    rotations = [operation for operation in operations if isinstance(operation, Renamed)]
    grown = Counter(phase for operation, phase in zip(*recording[::2], strict=True) if isinstance(operation, Reserved))
    durable = [operation for operation in operations if isinstance(operation, Written) and operation.durable]
    acknowledged = [operation for operation in operations if isinstance(operation, Said) and "done" in operation.line]
    assert len(rotations) > 3
    assert grown["growth"] >= 2
    assert grown["growth while appending"] == 1
    assert len(durable) > len(acknowledged) > 200
    assert set(recording.phases) == set(PHASES)
    assert moments(operations, recording.phases)[-1].acknowledged >= LAST_SEQ


def test_a_power_cut_leaves_the_last_acknowledged_batch_or_the_one_after_it(
    recording: Recording, tmp_path: Path
) -> None:
    seen = survive(recording, 63, 1, tmp_path / "disk")
    assert min(seen[phase] for phase in PHASES) == 7
    assert seen["at the last acknowledged batch"] > 30
    assert seen["at the one after it"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_020))
def test_thousands_of_power_cuts_leave_the_last_acknowledged_batch_or_the_one_after_it(
    recording: Recording, seed: int, tmp_path: Path
) -> None:
    seen = survive(recording, 252, seed, tmp_path / "disk")
    assert min(seen[phase] for phase in PHASES) == 28
    print(dict(seen))  # with -s: how many of which


def without_fdatasync(operation: Operation) -> Operation | None:
    return None if isinstance(operation, Synced) and operation.data_only else operation


def without_o_dsync(operation: Operation) -> Operation | None:
    return replace(operation, durable=False) if isinstance(operation, Written) else operation


def without_either(operation: Operation) -> Operation | None:
    kept = without_fdatasync(operation)
    return None if kept is None else without_o_dsync(kept)


def without_folder_syncs(operation: Operation) -> Operation | None:
    return None if isinstance(operation, Synced) and not operation.path.endswith(".mdb") else operation


@pytest.mark.parametrize("broken", [without_fdatasync, without_o_dsync, without_either, without_folder_syncs])
def test_a_disk_that_does_not_keep_its_promises_is_found_out(
    recording: Recording, broken: Callable[[Operation], Operation | None], tmp_path: Path
) -> None:
    kept = [(broken(operation), phase) for operation, phase in zip(*recording[::2], strict=True)]
    operations = [operation for operation, _ in kept if operation is not None]
    lying = Recording(operations, recording.root, [phase for operation, phase in kept if operation is not None])
    chance, seen = random.Random(2), Counter[str]()

    def check(moment: Moment) -> None:
        try:
            seq = opened_at(tmp_path / "disk" / JOURNAL, goes_on=False)
            assert seq <= moment.begun
            seen["short" if seq < moment.acknowledged else "whole"] += 1
        except JournalCorrupt:
            seen["refused"] += 1
        gc.collect()  # a refused journal's environments end with it

    cut_power(operations, some_moments(lying, 42, chance), chance, tmp_path / "disk", check)
    assert seen["short"] + seen["refused"] > 0


KILLED_IN_A_ROTATION = """
import sys
from pathlib import Path
from engine.wal import LmdbJournal, segments
from tests.simulation.journal_life import SMALL, next_batch, say

class Killed(BaseException):
    pass

directory, sync_directory = Path(sys.argv[1]), segments.sync_directory
journal = LmdbJournal(directory, **SMALL)

def killed(folder):
    if folder == directory:
        raise Killed
    sync_directory(folder)

segments.sync_directory = killed
try:
    while True:
        journal.append(journal.last_seq + 1, next_batch(journal))
except Killed:
    journal.close()
segments.sync_directory = sync_directory
journal = LmdbJournal(directory, **SMALL)
for _ in range(5):
    journal.append(journal.last_seq + 1, next_batch(journal))
say("done", journal.last_seq)
"""


def test_a_power_cut_after_a_kill_in_a_rotation_loses_nothing(tmp_path: Path) -> None:
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)  # the one program that tells every call; without it there is no recording
    (tmp_path / "recorded").mkdir()
    operations = record(KILLED_IN_A_ROTATION, tmp_path / "recorded", str(tmp_path / "recorded" / JOURNAL))
    assert isinstance(operations[-1], Said)
    acknowledged = int(operations[-1].line.split()[1])
    disk, chance = run_all(operations), random.Random(3)
    for image in range(20):
        write_image(disk.after_power_cut(chance), tmp_path / str(image))
        assert opened_at(tmp_path / str(image) / JOURNAL, goes_on=False) == acknowledged
