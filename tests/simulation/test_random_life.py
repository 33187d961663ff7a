"""Seeded lives: whatever happens, the books hold, and the journal alone gives the state back."""

from collections import Counter

import pytest

from engine.commands import Command
from engine.commands.maintenance import ForgetKeys, MeetDeadlines, RecordDigest, ServeWaiting
from engine.commands.reservations import ExpireReservations
from tests.simulation.random_life import Life


def live(seed: int, steps: int) -> Life:
    life = Life(seed)
    for step in range(steps):
        life.step()
        if step % 40 == 39:
            life.crash(keep_closed_table=bool(seed % 2))
        if step % 100 == 99:
            life.writer.flush_closed()
    life.crash(keep_closed_table=False)
    return life


@pytest.mark.parametrize("seed", range(12))
def test_a_life_keeps_its_books_through_crashes(seed: int) -> None:
    live(seed, 250)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 400))
def test_many_lives_keep_their_books_through_crashes(seed: int) -> None:
    live(seed, 600)


# What a node gives itself, as time passes; each but the digests of snapshots leaves a fact of its own below.
BY_ITSELF = {ExpireReservations, MeetDeadlines, ForgetKeys, RecordDigest, ServeWaiting}


def test_a_life_is_rich_enough_to_mean_something() -> None:
    given = [f"{command.__name__} done" for command in Command.__subclasses__() if command not in BY_ITSELF]
    needed = (
        *given,
        "ReserveStock insufficient_stock",
        "AdvanceFulfilment invalid_transition",
        "system reservation_expired",
        "system pickup_lapsed",
        "system fulfilment_rejected",
        "system order_cancelled",
    )
    least = dict.fromkeys(needed, 5) | {"system keys_forgotten": 1}
    kinds: Counter[str] = Counter()
    for seed in range(24):  # no more than it takes
        kinds.update(live(seed, 600).kinds)
        if kinds >= Counter(least):
            break
    assert {kind: (kinds[kind], count) for kind, count in least.items() if kinds[kind] < count} == {}
