"""One copy of the tree for each process, and in it one forked process for each round of tests of a change.

The process that forks has loaded what is slow to load and never changes, but nothing of the engine and no test. Subprocesses
of tests find the copy by PYTHONPATH. A change that makes the tests run for ever ends by the limit of its CPU time.
"""

import importlib
import os
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutants.modules import LEFT_OUT, WIDER, Row
from tests.mutants.sampling import Change

LOADED = (
    "pytest",
    "numpy",
    "msgspec",
    "hypothesis",
    "lmdb",
    "zstandard",
    "scipy.optimize",
    "cryptography.fernet",
    "starlette",
)
LEFT_BEHIND = (".git", ".venv", ".hypothesis", ".mypy_cache", ".ruff_cache", ".pytest_cache", "build")
EXAMPLES_MAX = 30  # of hypothesis, the same every time
FIRST, WIDE = "first", "wide"
PRINTED = "tried.txt"  # in each copy: what pytest said last
CPU_SECONDS = {FIRST: 60, WIDE: 300}
WALL_FACTOR = 8  # others may be busy on this machine
NOTICED, SURVIVED, NO_PROGRAM, TOO_LONG = "noticed", "survived", "no program", "too long"
_PASSED, _FAILED, _NO_PROGRAM = 0, 1, 99


class Tried(NamedTuple):
    """What became of a change, in which round."""

    change: Change
    outcome: str
    tests: str


class Copy:
    """A copy of the tree, and the change that is being tried there."""

    def __init__(self, root: Path, place: Path) -> None:
        self.place = place
        self.change: Change | None = None
        self.round, self.pid, self.ends_at = FIRST, 0, 0.0
        shutil.copytree(root, place, ignore=shutil.ignore_patterns(*LEFT_BEHIND))

    def begin(self, change: Change, which: str) -> None:
        """Fork the process that tries a change with the tests of a round."""
        self.change, self.round = change, which
        (self.place / change.file).write_text(change.mutant.source)
        self.ends_at = time.monotonic() + CPU_SECONDS[which] * WALL_FACTOR
        self.pid = _forked(self.place, change.row, which, change.file)

    def ended(self) -> int | None:
        """The exit code, if it has ended; a negative one for a process that was ended."""
        found, status = os.waitpid(self.pid, os.WNOHANG)
        if not found and time.monotonic() < self.ends_at:
            return None
        if not found:
            os.killpg(self.pid, signal.SIGKILL)
            _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)

    def restore(self, root: Path) -> None:
        """Take the change back."""
        assert self.change is not None
        shutil.copy(root / self.change.file, self.place / self.change.file)
        self.change = None


def load() -> None:
    """Load what every process needs and no change touches."""
    for name in LOADED:
        importlib.import_module(name)


def try_unchanged(copy: Copy, rows: Sequence[Row]) -> list[str]:
    """Every row's tests and the wider ones on the tree as it is; those that fail. Leaves compiled files for those to come."""
    failing = []
    for row, which in [*((row, FIRST) for row in rows), (rows[0], WIDE)]:
        began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        pid = _forked(copy.place, row, which, None)
        _, status = os.waitpid(pid, 0)
        seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began
        print(f"unchanged, {row.name if which == FIRST else 'wider round'}: {seconds:.1f} s of CPU", flush=True)
        if os.waitstatus_to_exitcode(status):
            failing.append(f"{row.name}, {which} round:\n{(copy.place / PRINTED).read_text()[-2_000:]}")
    return failing


def try_all(changes: Sequence[Change], copies: Sequence[Copy], root: Path) -> Iterator[Tried]:
    """Try changes, each in the next free copy; what became of them, as they end."""
    waiting = list(reversed(changes))
    try:
        while waiting or any(copy.change for copy in copies):
            for copy in copies:
                if copy.change is None:
                    if waiting:
                        copy.begin(waiting.pop(), FIRST)
                    continue
                code = copy.ended()
                if code is None:
                    continue
                change = copy.change
                if code == _PASSED and copy.round == FIRST:
                    copy.begin(change, WIDE)
                    continue
                copy.restore(root)
                yield Tried(change, _outcome(code), copy.round)
            time.sleep(0.02)  # the copies are at work
    finally:
        for copy in copies:
            if copy.change is not None:  # whoever waits has had enough
                os.killpg(copy.pid, signal.SIGKILL)


def _outcome(code: int) -> str:
    if code < 0:
        return TOO_LONG
    return {_PASSED: SURVIVED, _NO_PROGRAM: NO_PROGRAM}.get(code, NOTICED)


def _forked(place: Path, row: Row, which: str, changed: str | None) -> int:
    """A process of its own group that runs tests in a copy; its exit code is pytest's."""
    pid = os.fork()
    if pid:
        return pid
    code = _FAILED
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS[which], CPU_SECONDS[which]))
        code = _run(place, row, which, changed)
    except BaseException:  # noqa: BLE001 (a forked process must never go on where its parent does)
        traceback.print_exc()
    finally:
        os._exit(code)


def _run(place: Path, row: Row, which: str, changed: str | None) -> int:
    _settle_in(place, changed)
    for file in row.files:
        try:
            importlib.import_module(file.removesuffix(".py").replace("/", "."))
        except (NameError, SyntaxError):
            return _NO_PROGRAM
        except Exception:  # noqa: BLE001 (an assertion that is made at import has noticed it)
            return _FAILED
    import pytest

    tests = row.tests if which == FIRST else [path for path in WIDER if path not in row.tests]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    options += [f"--{'deselect' if '::' in long else 'ignore'}={long}" for long in LEFT_OUT]
    return int(pytest.main([*options, *tests], plugins=[FewExamples()]))


def _settle_in(place: Path, changed: str | None) -> None:
    """Nothing of the tree this process came from is seen any more, and what is printed goes to a file."""
    os.chdir(place)
    with (place / PRINTED).open("w") as out:
        for stream in (1, 2):
            os.dup2(out.fileno(), stream)
    here = str(Path(__file__).parents[2])
    sys.path[:] = [str(place), *(path for path in sys.path if path not in ("", here))]
    sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in getattr(finder, "__module__", "")]
    for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "engine", "api", "bench")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    os.environ["PYTHONPATH"] = str(place)
    if changed is not None:  # a compiled file of a change would be taken for that of the next
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        file = place / changed
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc"):
            compiled.unlink()


class FewExamples:
    """A plugin: properties are tried with few examples, the same for every change, and may take their time."""

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Called by pytest."""
        import hypothesis

        for item in items:
            test: Any = getattr(item, "function", None)
            mine = getattr(test, "_hypothesis_internal_use_settings", None)
            if mine is not None:
                few = min(mine.max_examples, EXAMPLES_MAX)
                test._hypothesis_internal_use_settings = hypothesis.settings(
                    mine, max_examples=few, deadline=None, database=None, derandomize=True
                )
