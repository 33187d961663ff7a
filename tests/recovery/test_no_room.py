"""No room to grow or to start a segment, by any of its names: refused before the batch, and it goes on when that has passed."""

import errno
from pathlib import Path

import pytest

from engine.wal.errors import FULL_ERRNOS
from tests.recovery.injecting import Called, Fault, needs_strace
from tests.recovery.traced_writer import Run, check, error, run

pytestmark = needs_strace

FULL = sorted(FULL_ERRNOS)
BY_QUOTA_OR_LIMIT = [number for number in FULL if number != errno.ENOSPC]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An undisturbed run: its calls are where the others meet their faults."""
    return run(tmp_path_factory.mktemp("whole") / "run")


def growth(whole: Run) -> list[Called]:
    """The calls with which the map grows: the one before, promise the blocks, sync."""
    at = next(i for i, c in enumerate(whole.calls) if c.name == "fallocate" and ".new/" not in c.text)
    return whole.calls[at - 1 : at + 2]


def rotation(whole: Run) -> list[Called]:
    """The calls with which the second segment is made, from its folder to its own name opened."""
    begin = next(i for i, c in enumerate(whole.calls) if c.name == "mkdir" and i > whole.calls.index(growth(whole)[0]))
    end = next(i for i in range(begin, len(whole.calls)) if whole.calls[i].name == "writev")
    return whole.calls[begin:end]


def until_named(whole: Run) -> list[Called]:
    """Those up to its name that change something."""
    calls = rotation(whole)
    renamed = next(i for i, call in enumerate(calls) if call.name == "rename")
    return [call for call in calls[: renamed + 1] if "O_RDONLY" not in call.text and "EEXIST" not in call.text]


def recovers(directory: Path, call: Called, number: int, times: int = 1) -> None:
    """Refused as often as it failed, then everything is written."""
    fault = Fault(call.name, error(number), f"{call.nth}..{call.nth + times - 1}")
    done = run(directory, [fault])
    assert (done.process.returncode, done.process.stderr) == (0, ""), (call, number)
    assert done.refused == times, (call, number)
    assert check(directory, done.acknowledged) == done.acknowledged


@pytest.mark.parametrize("number", FULL)
def test_no_room_to_grow_is_refused_before_the_batch_and_passes(whole: Run, tmp_path: Path, number: int) -> None:
    _, promise, sync = growth(whole)
    recovers(tmp_path / "run", promise, number, times=4)
    recovers(tmp_path / "run", sync, number)


def test_no_room_for_a_segment_is_refused_before_the_batch_and_passes(whole: Run, tmp_path: Path) -> None:
    for call in until_named(whole):
        recovers(tmp_path / "run", call, errno.ENOSPC)
    for number in FULL:
        recovers(tmp_path / "run", until_named(whole)[0], number, times=4)


@pytest.mark.parametrize("number", BY_QUOTA_OR_LIMIT)
def test_a_quota_or_a_limit_on_a_new_segment_is_refused_before_the_batch_and_passes(
    whole: Run, tmp_path: Path, number: int
) -> None:
    for call in until_named(whole):
        recovers(tmp_path / "run", call, number)


def test_a_name_that_cannot_be_made_durable_is_refused_and_passes(whole: Run, tmp_path: Path) -> None:
    calls = rotation(whole)
    after = next(i for i, call in enumerate(calls) if call.name == "rename")
    recovers(tmp_path / "run", next(call for call in calls[after:] if call.name == "fsync"), errno.ENOSPC)
