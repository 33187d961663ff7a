"""The steps of a change one by one. `python -m pytest tests/bench/test_micro.py --benchmark-enable` times them; here they only run."""

from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.workloads import SIZES, reservations, shop
from engine import machine
from engine.commands.reservations import ReserveStock
from engine.facts import records
from engine.facts.reservations import StockReserved
from engine.replay import dumping
from engine.replay.recovery import Fold
from engine.results import Rejection
from engine.state.state import State
from engine.wal import LmdbJournal, MemoryClosedTable, MemoryJournal, framing

NOW_NS = 1_800_000_000_000_000_000
SHOP = SIZES["small"]
RECORDS_A_BATCH = 50

Bench = Callable[..., Any]


@pytest.fixture
def state() -> State:
    """A stocked shop of 500 SKUs x 5 nodes."""
    made = State(MemoryClosedTable())
    for command in shop(SHOP):
        apply(made, command)
    return made


@pytest.fixture
def baskets() -> Iterator[ReserveStock]:
    """Reservations of two lines without an end."""
    return reservations(SHOP, seed=1)


def apply(state: State, command: Any) -> tuple[Any, ...]:
    facts = machine.decide(state, command, NOW_NS)
    assert not isinstance(facts, Rejection)
    machine.evolve(state, state.seq + 1, max(NOW_NS, state.time_ns + 1), facts, None)
    return facts


def test_decode_a_reservation(benchmark: Bench, baskets: Iterator[ReserveStock]) -> None:
    command = next(baskets)
    body = msgspec.json.encode(command)
    assert benchmark(msgspec.json.Decoder(ReserveStock).decode, body) == command


def test_decide_and_source_a_reservation(benchmark: Bench, state: State, baskets: Iterator[ReserveStock]) -> None:
    (fact,) = benchmark(machine.decide, state, next(baskets), NOW_NS)
    assert isinstance(fact, StockReserved)


def test_evolve_a_reservation(benchmark: Bench, state: State, baskets: Iterator[ReserveStock]) -> None:
    facts = machine.decide(state, next(baskets), NOW_NS)
    assert not isinstance(facts, Rejection)
    (fact,) = facts
    seqs = count(state.seq + 1)

    def evolve() -> int:
        seq = next(seqs)
        machine.evolve(state, seq, state.time_ns + 1, (msgspec.structs.replace(fact, reservation=seq),), None)
        return seq

    assert benchmark(evolve) in state.reservations.active


def test_source_many_reservations_in_one_pass(benchmark: Bench, state: State, baskets: Iterator[ReserveStock]) -> None:
    assert benchmark(machine.look_ahead, state, [*islice(baskets, RECORDS_A_BATCH)], NOW_NS) is not None


def test_frame_a_batch(benchmark: Bench) -> None:
    frame, digest = benchmark(framing.encode, 1, NOW_NS, framing.GENESIS, [b"x" * 150] * RECORDS_A_BATCH)
    assert len(frame) > 150 * RECORDS_A_BATCH
    assert framing.digest_of(frame) == digest


def test_commit_a_batch(benchmark: Bench, tmp_path: Path) -> None:
    journal = LmdbJournal(tmp_path / "journal")
    times = count(NOW_NS)
    first_seq = benchmark(lambda: journal.append(next(times), [b"x" * 150] * RECORDS_A_BATCH))
    assert journal.last_seq == first_seq + RECORDS_A_BATCH - 1
    journal.close()


def test_dump_a_snapshot(benchmark: Bench, state: State, baskets: Iterator[ReserveStock]) -> None:
    for command in islice(baskets, 100):
        apply(state, command)
    assert len(b"".join(benchmark(lambda: [*dumping.dump(state)]))) > 1_000


def test_load_a_snapshot(benchmark: Bench, state: State) -> None:
    parts = [*dumping.dump(state)]

    def load() -> State:
        again = State(MemoryClosedTable())
        dumping.load(again, parts)
        return again

    assert dumping.digest(benchmark(load)) == dumping.digest(state)


def test_replay_records(benchmark: Bench, baskets: Iterator[ReserveStock]) -> None:
    live, journal = State(MemoryClosedTable()), MemoryJournal()
    for command in (*shop(SHOP), *islice(baskets, 200)):
        facts = apply(live, command)
        journal.append(live.time_ns, [records.encode(records.Record("bench", facts))])

    def replay() -> State:
        again = State(MemoryClosedTable())
        Fold(again, journal.read(), keep_closed=False).advance(journal.last_seq)
        return again

    assert dumping.digest(benchmark(replay)) == dumping.digest(live)
