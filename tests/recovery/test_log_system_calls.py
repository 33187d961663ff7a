"""SIGKILL and I/O errors exactly at the n-th system call of the journal.

A kill at the entry of call n is a kill before call n and after call n - 1: call n is never made, and everything the process did
between the two it has done. The acknowledgement is one of the calls (a `write`), so "durable but not yet answered" and
"answered" are two different places. What a killed process had written stays in the page cache: power cuts are tested elsewhere.
"""

import errno
import signal
from pathlib import Path

import pytest

from tests.recovery.injecting import Called, needs_strace
from tests.recovery.traced_writer import RECORDS, Run, batches_boundaries, check, error, run

pytestmark = needs_strace


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """An undisturbed run: its calls are the places where the others are stopped."""
    done = run(tmp_path_factory.mktemp("whole") / "run")
    assert (done.process.returncode, done.process.stderr) == (0, "")
    assert done.acknowledged >= RECORDS
    return done


def kill_at(directory: Path, whole: Run, place: int) -> None:
    """Kill at the entry of call `place` (from 0), and check what is left."""
    call = whole.calls[place]
    killed = run(directory, [call.fault("signal=SIGKILL")])
    assert killed.process.returncode == -signal.SIGKILL
    assert [(c.name, c.nth) for c in killed.calls] == [(c.name, c.nth) for c in whole.calls[: place + 1]]
    assert killed.calls[-1].text.endswith("= ?"), "the call was not made"
    acknowledged = sum(c.name == "write" for c in whole.calls[:place])
    ends = batches_boundaries()
    assert killed.acknowledged == ends[acknowledged]
    committed = commits(whole.calls[:place])
    assert check(directory, killed.acknowledged) == ends[committed], "a batch is there when its meta page was written"


def commits(calls: list[Called]) -> int:
    """Batches whose meta page was written, not counting the header of a new segment and the seal of the one before it."""
    count, newest = 0, "no segment yet"
    for call in calls:
        if call.name == "rename":
            newest = call.text.split(".new", 1)[0][-20:]
        count += call.is_meta_write and f"/{newest}/" in call.text
    return count


def first(calls: list[Called], name: str, after: int = 0, text: str = "") -> int:
    """The place of the next call of that name."""
    return next(i for i in range(after, len(calls)) if calls[i].name == name and text in calls[i].text)


def test_a_run_makes_a_segment_grows_its_map_and_starts_another(whole: Run) -> None:
    assert sum(call.name == "rename" for call in whole.calls) == 2
    assert sum(call.name == "fallocate" and ".new/" not in call.text for call in whole.calls) == 1
    assert commits(whole.calls) == sum(call.name == "write" for call in whole.calls) >= 30
    assert len(list((whole.directory / "journal").iterdir())) == 2


def test_killed_at_a_chosen_call_it_keeps_what_it_acknowledged(whole: Run, tmp_path: Path) -> None:
    calls = whole.calls
    growth = first(calls, "fallocate", first(calls, "write"))
    rotation = first(calls, "mkdir", growth)
    places = {
        "before the first file": first(calls, "openat", text="data.mdb"),
        "before the first meta pages": first(calls, "pwrite64"),
        "before the header of the segment": first(calls, "fdatasync"),
        "before the segment has its name": first(calls, "rename"),
        "before the name is durable": first(calls, "fsync", first(calls, "rename")),
        "before the pages of the first batch": first(calls, "writev"),
        "before they are synced": first(calls, "fdatasync", first(calls, "writev")),
        "before the meta page": first(calls, "write") - 1,
        "after the meta page, before the answer": first(calls, "write"),
        "after the answer": first(calls, "write") + 1,
        "before the map grows": growth,
        "before the grown part is written": growth + 1,
        "before it is synced": growth + 2,
        "after it": growth + 3,
        "in a new segment": rotation + 4,
        "before its name": first(calls, "rename", rotation),
        "before its first batch": first(calls, "write", rotation) - 2,
    }
    assert len(set(places.values())) == len(places)
    for place in places.values():
        kill_at(tmp_path / "run", whole, place)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_killed_at_any_call_it_keeps_what_it_acknowledged(whole: Run, tmp_path: Path, part: int) -> None:
    for place in range(part, len(whole.calls), 4):
        kill_at(tmp_path / "run", whole, place)


def left_half_made(directory: Path, whole: Run) -> Run:
    """A process killed with a new segment made, but not named."""
    rotation = first(whole.calls, "mkdir", first(whole.calls, "write"))
    named = first(whole.calls, "rename", rotation)
    return run(directory, [whole.calls[named].fault("signal=SIGKILL")])


def killed_again(directory: Path, whole: Run, step: int) -> int:
    """Kill the next start at every `step`-th call of clearing that away and making it anew; gives how many kills."""
    left_half_made(directory, whole)
    calls = run(directory, again=True).calls
    assert any(call.name in ("unlink", "unlinkat") for call in calls)
    places = range(0, first(calls, "write") + 1, step)
    for place in places:
        before = left_half_made(directory, whole).acknowledged
        killed = run(directory, [calls[place].fault("signal=SIGKILL")], again=True)
        assert killed.process.returncode == -signal.SIGKILL
        assert killed.acknowledged == before
        check(directory, before)
    return len(places)


def test_killed_again_while_it_clears_up_after_the_first_kill_it_keeps_everything(whole: Run, tmp_path: Path) -> None:
    assert killed_again(tmp_path / "run", whole, step=8) >= 4


@pytest.mark.slow
def test_killed_again_at_any_call_of_clearing_up_it_keeps_everything(whole: Run, tmp_path: Path) -> None:
    assert killed_again(tmp_path / "run", whole, step=1) >= 30


def fail_at(directory: Path, whole: Run, place: int, what: str) -> None:
    """Let one call of a commit fail: the batch is not acknowledged, the process ends, and a start finds all before it."""
    failed = run(directory, [whole.calls[place].fault(what)])
    assert failed.process.returncode == 1
    assert "could not be made durable" in failed.process.stderr.splitlines()[-1]
    acknowledged = sum(call.name == "write" for call in whole.calls[:place])
    assert failed.acknowledged == batches_boundaries()[acknowledged]
    assert check(directory, failed.acknowledged) == failed.acknowledged


def commit_calls(whole: Run) -> list[int]:
    """The places of all calls of commits: pages, sync, meta page."""
    begin = first(whole.calls, "writev")
    named = ("writev", "pwritev", "pwrite64", "fdatasync")
    places = range(begin, len(whole.calls))
    return [place for place in places if whole.calls[place].name in named and ".new/" not in whole.calls[place].text]


SHORT_WRITE = "retval=60"


def split(whole: Run) -> tuple[list[int], list[int]]:
    """The places of (pages and syncs, meta pages) of all commits."""
    places = commit_calls(whole)
    metas = [place for place in places if whole.calls[place].is_meta_write]
    return [place for place in places if place not in metas], metas


def test_an_error_in_a_commit_ends_the_process_and_loses_nothing(whole: Run, tmp_path: Path) -> None:
    for place in split(whole)[0][40:46]:  # some batches in the middle
        fail_at(tmp_path / "run", whole, place, error(errno.EIO))


@pytest.mark.slow
@pytest.mark.parametrize("what", [error(errno.EIO), error(errno.ENOSPC), SHORT_WRITE])
def test_an_error_in_any_commit_ends_the_process_and_loses_nothing(whole: Run, tmp_path: Path, what: str) -> None:
    for place in split(whole)[0]:
        if what != SHORT_WRITE or whole.calls[place].name != "fdatasync":
            fail_at(tmp_path / "run", whole, place, what)


@pytest.mark.parametrize("what", [error(errno.EIO), error(errno.ENOSPC), SHORT_WRITE])
def test_an_error_at_the_meta_page_ends_the_process_and_loses_nothing(whole: Run, tmp_path: Path, what: str) -> None:
    for place in split(whole)[1][6:8]:  # one of each meta page
        fail_at(tmp_path / "run", whole, place, what)


@pytest.mark.slow
def test_an_error_at_any_meta_page_ends_the_process_and_loses_nothing(whole: Run, tmp_path: Path) -> None:
    for place in split(whole)[1]:
        fail_at(tmp_path / "run", whole, place, error(errno.EIO))


def test_a_write_that_a_signal_interrupts_is_made_again(whole: Run, tmp_path: Path) -> None:
    writes = [place for place in commit_calls(whole) if whole.calls[place].name != "fdatasync"]
    for place in writes[40:43]:
        done = run(tmp_path / "run", [whole.calls[place].fault(error(errno.EINTR))])
        assert (done.process.returncode, done.process.stderr) == (0, "")
        assert check(tmp_path / "run", done.acknowledged) == whole.acknowledged


def test_an_error_while_the_map_grows_ends_the_process_and_loses_nothing(whole: Run, tmp_path: Path) -> None:
    growth = first(whole.calls, "fallocate", first(whole.calls, "write"))
    for place in (growth, growth + 1, growth + 2):
        failed = run(tmp_path / "run", [whole.calls[place].fault(error(errno.EIO))])
        assert failed.process.returncode == 1
        assert check(tmp_path / "run", failed.acknowledged) == failed.acknowledged


def test_an_error_while_a_segment_is_made_ends_the_process_and_loses_nothing(whole: Run, tmp_path: Path) -> None:
    begin = first(whole.calls, "mkdir", first(whole.calls, "write"))
    end = first(whole.calls, "fsync", first(whole.calls, "rename", begin))
    failing = [
        p for p in range(begin, end + 1) if whole.calls[p].name != "openat" and "EEXIST" not in whole.calls[p].text
    ]
    for place in failing:
        failed = run(tmp_path / "run", [whole.calls[place].fault(error(errno.EIO))])
        assert failed.process.returncode == 1
        assert check(tmp_path / "run", failed.acknowledged) == failed.acknowledged
