"""Faults between a process and the kernel: `strace -e inject` lets chosen system calls fail, wait, or end the process.

What strace promises, and the tests rest on: a fault counts its calls by name and within `paths` only (a path, or a descriptor
of it); `error=` and `retval=` answer instead of making the call; `signal=SIGKILL` ends the process at the entry, so the call is
never made; `delay_exit=` lets the call happen and holds its answer back, in microseconds.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.recovery.running import ROOT, RunningNode

STRACE = shutil.which("strace")


def _why_not() -> str:
    """Why nothing can be traced here; empty if it can."""
    if STRACE is None:
        return "strace is not installed: apt-get install strace"
    probe = subprocess.run([STRACE, "-o", os.devnull, "true"], capture_output=True, text=True, check=False)
    return "" if probe.returncode == 0 else f"tracing is not permitted here: {probe.stderr.strip()}"


WHY_NOT = _why_not()
needs_strace = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT or "strace works")

# Everything that changes files or makes them durable. A name that this processor does not know is passed over.
CHANGING = ("openat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir")
WRITING = ("ftruncate", "fallocate", "write", "writev", "pwrite64", "pwritev", "fdatasync", "fsync")
LOG_CALLS = CHANGING + WRITING
META_BYTES = 120  # what LMDB writes of a meta page, through a descriptor of its own

_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")


class Fault(NamedTuple):
    """`what` happens to `call`; `when` counts from 1: `3`, `3..5`, `3+` (and all later ones)."""

    call: str
    what: str
    when: str = "1+"


class Called(NamedTuple):
    """A system call of a recorded run: the `nth` of its name in its thread, as `when` counts."""

    name: str
    nth: int
    text: str

    @property
    def is_meta_write(self) -> bool:
        """Whether this is the write that makes a commit valid."""
        return self.name == "pwrite64" and f", {META_BYTES}, " in self.text

    def fault(self, what: str) -> Fault:
        """A fault at exactly this call, in another run of the same."""
        return Fault(self.name, what, str(self.nth))


def under_strace(
    command: Sequence[str],
    record: Path,
    faults: Sequence[Fault] = (),
    paths: Sequence[Path] = (),
    detached: bool = False,
) -> list[str]:
    """The command line that runs `command` with `faults` and writes down its log calls. `detached`: strace is not the parent."""
    assert STRACE is not None
    options = [STRACE, "-f", "-qq", "-y", *(["-D"] if detached else []), "-o", str(record)]
    options += ["-e", "trace=" + ",".join(f"?{name}" for name in LOG_CALLS), "-e", "signal=none"]
    for fault in faults:
        options += ["-e", f"inject={fault.call}:{fault.what}:when={fault.when}"]
    for path in paths:
        options += ["-P", str(path)]
    return [*options, "--", *command]


def recorded(record: Path) -> list[Called]:
    """The log calls of a run, in order. A call that was cut off by the end of the process is the last one."""
    counts: dict[tuple[str, str], int] = {}
    calls = []
    for line in record.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if found is not None:
            thread, name, text = found.groups()
            counts[thread, name] = counts.get((thread, name), 0) + 1
            calls.append(Called(name, counts[thread, name], text))
    return calls


def files_of(segments: Sequence[Path]) -> list[Path]:
    """Every path that making, growing and writing these segments of a journal touches."""
    paths = [segments[0].parent.parent, segments[0].parent]
    for segment in segments:
        for folder in (segment.with_name(f"{segment.name}.new"), segment):
            paths += [folder, folder / "data.mdb", folder / "lock.mdb"]
    return paths


class InjectedNode(RunningNode):
    """`kontor serve` under strace. Its process is the node itself: signals and exit codes are the node's.

    With `segment_bytes_max` its journal starts new segments early, in maps of 600 kB. Clear `faults` before `start` to have
    the next run undisturbed.
    """

    def __init__(
        self,
        directory: Path,
        faults: Sequence[Fault] = (),
        paths: Sequence[Path] = (),
        segment_bytes_max: int | None = None,
    ) -> None:
        self.faults = faults
        self.paths = paths
        self.segment_bytes_max = segment_bytes_max
        self.starts = 0
        super().__init__(directory)

    @property
    def record(self) -> Path:
        """What strace writes down of the run that was started last."""
        return self.directory.with_name(f"{self.directory.name}.strace-{self.starts}")

    def command(self) -> list[str]:
        plain = super().command()
        self.starts += 1
        if self.segment_bytes_max is not None:
            sizes = f"segment_bytes_max={self.segment_bytes_max}, map_bytes_first=600_000"
            program = "from engine.wal import LmdbJournal as J; init = J.__init__; "
            program += f"J.__init__ = lambda self, where, **more: init(self, where, **{{**more, **dict({sizes})}}); "
            plain[1:3] = ["-c", program + "from api.cli.main import main; main()"]
        return under_strace(plain, self.record, self.faults, self.paths, detached=True)

    def ended(self) -> tuple[int, str]:
        """Wait for the end: (exit code, what it logged)."""
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said.decode()


def run_python(
    program: str, *arguments: str, record: Path, faults: Sequence[Fault] = (), paths: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end under strace. Exit codes and signals are the program's."""
    command = under_strace([sys.executable, "-c", program, *arguments], record, faults, paths)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)
