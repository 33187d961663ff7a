"""Crashes between any two steps; the same journal is the same state, however it was cut and whoever reads it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import machine
from engine.facts import records
from engine.replay import dumping
from engine.replay.recovery import recover
from engine.state.state import State
from engine.wal import LmdbJournal, MemoryClosedTable, MemoryJournal
from tests.simulation.crashing import STEPS, Simulation

ROOT = Path(__file__).resolve().parents[2]
DIGEST = """
import sys
from pathlib import Path
from engine.replay.dumping import digest
from engine.replay.recovery import recover
from engine.state.state import State
from engine.wal import LmdbJournal, MemoryClosedTable
state = State(MemoryClosedTable())
recover(state, LmdbJournal(Path(sys.argv[1])))
print(state.seq, digest(state))
"""


@pytest.mark.parametrize("seed", range(10))
def test_nothing_acknowledged_is_lost_in_memory(seed: int) -> None:
    Simulation(seed, None).run(120)


@pytest.mark.parametrize("seed", range(20, 24))
def test_nothing_acknowledged_is_lost_on_disk(seed: int, tmp_path: Path) -> None:
    simulation = Simulation(seed, tmp_path)
    simulation.run(80)
    simulation.journal.inner.close()
    assert len(list((tmp_path / "journal").iterdir())) > 1, "segments changed on the way"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_nothing_acknowledged_is_lost_for_many_seeds(seed: int, tmp_path: Path) -> None:
    Simulation(seed, tmp_path if seed % 4 == 0 else None).run(300)


def test_the_simulation_crashes_at_every_step() -> None:
    crashes = dict.fromkeys(STEPS, 0)
    for seed in range(4):
        simulation = Simulation(seed, None)
        simulation.run(80)
        for step, count in simulation.crashes.items():
            crashes[step] += count
    assert min(crashes.values()) >= 5, crashes


def test_disk_and_memory_live_the_same_life(tmp_path: Path) -> None:
    assert Simulation(7, tmp_path).run(60) == Simulation(7, None).run(60)


def test_the_same_seed_is_the_same_life() -> None:
    assert Simulation(8, None).run(60) == Simulation(8, None).run(60)
    assert Simulation(8, None).run(60) != Simulation(9, None).run(60)


@pytest.mark.parametrize("cut", [1, 2, 7])
def test_batches_cut_another_way_give_the_same_state(cut: int) -> None:
    simulation = Simulation(5, None)
    digest = simulation.run(80)
    # Records that share a time may share a batch or not; a batch has one time.
    again = MemoryJournal()
    for batch in simulation.journal.inner.read():
        for at in range(0, len(batch.records), cut):
            again.batches.append(batch._replace(first_seq=batch.first_seq + at, records=batch.records[at : at + cut]))
    again.last_seq, again.last_time_ns = simulation.journal.inner.last_seq, simulation.journal.inner.last_time_ns
    state = State(MemoryClosedTable())
    recover(state, again)
    assert dumping.digest(state) == digest


def test_the_digest_does_not_depend_on_the_hash_seed_of_the_process(tmp_path: Path) -> None:
    simulation = Simulation(6, tmp_path)
    digest = simulation.run(60)
    seq = simulation.state.seq
    simulation.journal.inner.close()
    for hash_seed in ("0", "1", "4242"):
        told = subprocess.run(
            [sys.executable, "-c", DIGEST, str(tmp_path / "journal")],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.split() == [str(seq), digest]


LIFE = "from tests.simulation.crashing import Simulation; print(Simulation(11, None).run(60))"


def test_decisions_do_not_depend_on_the_hash_seed_of_the_process() -> None:
    digests = set()
    for hash_seed in ("0", "1", "4242"):
        told = subprocess.run(
            [sys.executable, "-c", LIFE],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(told.stdout)
    assert len(digests) == 1


def test_replay_from_any_dump_gives_the_same_state() -> None:
    simulation = Simulation(12, None)
    digest = simulation.run(60)
    journal = simulation.journal.inner
    half = State(MemoryClosedTable())
    dumps = []
    for batch in journal.read():
        for offset, encoded in enumerate(batch.records):
            machine.replay(half, batch.first_seq + offset, batch.time_ns, records.decode(encoded))
        if batch.first_seq % 5 == 0:
            dumps.append(_copy(half))
    assert len(dumps) > 5
    for state in dumps:
        recover(state, journal)
        assert dumping.digest(state) == digest


def _copy(state: State) -> State:
    """Through bytes, as a snapshot would."""
    copy = State(MemoryClosedTable())
    dumping.load(copy, dumping.dump(state))
    return copy


def test_a_journal_on_disk_can_be_read_by_another_reader_from_any_seq(tmp_path: Path) -> None:
    simulation = Simulation(13, tmp_path)
    simulation.run(40)
    simulation.journal.inner.close()
    journal = LmdbJournal(tmp_path / "journal")
    for after in range(0, journal.last_seq, 17):
        batches = list(journal.read(after))
        assert batches[0].first_seq <= after + 1 <= batches[0].last_seq
    journal.close()
