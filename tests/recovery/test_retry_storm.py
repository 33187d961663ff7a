"""A storm of retries across a crash: one effect per key, and one answer, whoever asks and however often."""

import random
from pathlib import Path

import pytest

from tests.recovery.crowd import Answer, Crowd, request_bytes
from tests.recovery.running import RunningNode
from tests.recovery.test_kill_node import open_shop, reservation, reserved_units

KEYS = 20
CLIENTS = 200
RETRIES = 30  # of every key: three requests for each of the clients


def storm(round_number: int, chance: random.Random) -> list[tuple[int, bytes]]:
    """Every key of a round many times, in any order: (number, request)."""
    numbers = [round_number * KEYS + i for i in range(KEYS)] * RETRIES
    chance.shuffle(numbers)
    return [(n, request_bytes("/v1/reservations", reservation(n), f"cart-{n}")) for n in numbers]


def answers_of(asked: list[tuple[int, bytes]], answers: list[Answer]) -> dict[int, set[bytes]]:
    """The different answers of every number; a broken connection is none."""
    found: dict[int, set[bytes]] = {number: set() for number, _ in asked}
    for (number, _), answer in zip(asked, answers, strict=True):
        assert answer.status in (0, 201), answer
        if answer.status == 201:
            found[number].add(answer.body)
    return found


def rounds(directory: Path, count: int, seed: int) -> int:
    """Storm, SIGKILL in its middle, restart, storm again. Gives how many requests the kills left without an answer."""
    chance = random.Random(seed)
    node = RunningNode(directory)
    open_shop(node)
    unanswered = 0
    for round_number in range(count):
        asked = storm(round_number, chance)
        kill_at = chance.randrange(1, 2 * CLIENTS)

        def kill(count: int, at: int = kill_at) -> None:
            if count == at:
                node.kill()

        first = Crowd(node.port, [request for _, request in asked], CLIENTS, kill).run()
        unanswered += sum(answer.status == 0 for answer in first)
        node.start()
        again = Crowd(node.port, [request for _, request in asked], CLIENTS).run()
        assert {answer.status for answer in again} == {201}
        before, after = answers_of(asked, first), answers_of(asked, again)
        for number in after:
            assert len(before[number] | after[number]) == 1, "all answers for one key are equal, over the crash too"
        expected = dict.fromkeys(reserved_units(node), 0)
        for number in range((round_number + 1) * KEYS):
            line = reservation(number)["lines"][0]
            expected[line["sku"]] += line["quantity"]
        assert reserved_units(node) == expected, "every key had exactly one effect"
        assert node.call("GET", "/v1/ledger/trial-balance")[1]["balanced"] is True
    node.stop()
    return unanswered


def test_retries_across_a_crash_have_one_effect_and_one_answer_per_key(tmp_path: Path) -> None:
    assert rounds(tmp_path / "data", 4, seed=5) >= CLIENTS, "the kills came in the middle"


@pytest.mark.slow
def test_retries_across_many_crashes_have_one_effect_and_one_answer_per_key(tmp_path: Path) -> None:
    assert rounds(tmp_path / "data", 30, seed=6) >= 10 * CLIENTS
