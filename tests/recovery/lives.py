"""A life of a shop on disk, in many small segments with an archive and snapshots; what the state was is noted after every record."""

import gc
import json
import random
import shutil
import subprocess
import sys
from bisect import bisect_right
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from click.testing import CliRunner

from api.cli.main import main
from api.server.books import Paths
from engine import machine
from engine.limits import NS_PER_SECOND
from engine.replay import dumping
from engine.replay.recovery import open_state
from engine.state.state import State
from engine.wal import ClosedTable, JournalReader, LmdbJournal, snapshots_in
from engine.writer import Writer
from tests.recovery.running import ROOT
from tests.simulation.hours import Doors
from tests.simulation.random_life import Life
from tests.unit.wal.sizes import Sizes

SMALL: Sizes = {"segment_bytes_max": 60_000, "map_bytes_first": 400_000}
BEGINNING_NS = 1_750_000_000 * NS_PER_SECOND  # long enough ago for a node of today to go on


class Said(NamedTuple):
    """How a command ended and what it said."""

    code: int
    output: str
    complaint: str


def kontor(*arguments: object) -> Said:
    """`kontor ARGUMENTS` in this process. What is no ordinary end is raised."""
    more = ("--hurry",) if arguments[0] == "backup" else ()  # or the tests would be nicer from then on
    result = CliRunner().invoke(main, [str(argument) for argument in (*arguments, *more)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    said = Said(result.exit_code, result.stdout, result.stderr)
    del result
    gc.collect()  # a refusal holds on to the frames that raised it, and they to their files; a process would have ended
    return said


def kontor_process(*arguments: object) -> Said:
    """The same in a process of its own, beside a node that runs or one that is open here."""
    command = [sys.executable, "-m", "api.cli.main", *map(str, arguments)]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=300)
    return Said(ended.returncode, ended.stdout, ended.stderr)


class Lived(NamedTuple):
    """What came of a life: its directory, and of every record the digest after it and its time."""

    directory: Path
    digests: dict[int, str]
    times_ns: dict[int, int]

    @property
    def last_seq(self) -> int:
        """The last record."""
        return max(self.digests)

    def inside_batches(self) -> list[int]:
        """Records that others of the same batch follow."""
        return [seq for seq in self.times_ns if self.times_ns.get(seq + 1) == self.times_ns[seq]]

    def batch_ends(self) -> list[int]:
        """The last record of every batch."""
        return sorted(self.times_ns.keys() - set(self.inside_batches()))

    def last_before(self, time_ns: int) -> int:
        """The last record of a time or before it."""
        return bisect_right([self.times_ns[seq] for seq in sorted(self.times_ns)], time_ns)

    def copied_to(self, directory: Path) -> "Lived":
        """The same on another place."""
        shutil.copytree(self.directory, directory)
        return self._replace(directory=directory)


_open: list[ExitStack] = []


def let_go() -> None:
    """A life that broke off in the middle looks at the tests after it no more."""
    while _open:
        _open.pop().close()


class LifeOnDisk(Life):
    """A life whose journal, archive, snapshots and closed orders lie in `directory`."""

    def __init__(self, seed: int, directory: Path, before: Lived | None = None) -> None:
        self.directory = directory
        self.paths = Paths.of(directory)
        self.digests = dict(before.digests) if before else {}
        self.times_ns = dict(before.times_ns) if before else {}
        self._resources = ExitStack()
        _open.append(self._resources)
        self._resources.enter_context(patch.object(machine, "evolve", self._noting(machine.evolve)))
        if before is None:
            super().__init__(seed)
            return
        self.chance = random.Random(seed)
        self.outcomes, self.kinds, self.orders = [], {}, 10_000 * seed  # numbers that were not given before
        self.changes: list[int] = []
        self._open(None)
        self.followed = self.journal.last_seq
        self.doors = Doors(self.state.orders.next_fulfilment - 1)

    def _noting(self, evolve: Any) -> Any:
        def noting(state: State, seq: int, time_ns: int, *rest: Any) -> None:
            evolve(state, seq, time_ns, *rest)
            digest = dumping.digest(state)
            assert self.digests.setdefault(seq, digest) == digest, "the same record gave another state before"
            self.times_ns[seq] = time_ns

        return noting

    def _open(self, table: Any) -> None:
        self.table = ClosedTable(self.paths.closed)
        covered = max((snapshot.seq for snapshot in snapshots_in(self.paths.snapshots)[0]), default=0)
        self.journal: Any = LmdbJournal(
            self.paths.journal, archive_directory=self.paths.archive, covered_seq=covered, **SMALL
        )
        self.now_ns = max(self.journal.last_time_ns, BEGINNING_NS)
        self.state = open_state(self.table, self.journal, self.paths.snapshots, warn=lambda words: None)
        self.writer = Writer(self.state, self.journal, lambda: self.now_ns, on_error=self._raise)

    def crash(self, keep_closed_table: bool) -> None:
        """Lose all memory, and perhaps the derived table; what is journalled must give the same state."""
        before = dumping.digest(self.state)
        self.journal.close()
        self.table.close()
        if not keep_closed_table:
            shutil.rmtree(self.paths.closed)
        self._open(None)
        assert dumping.digest(self.state) == before

    def steps(self, count: int) -> None:
        """Some time passes."""
        for _ in range(count):
            self.step()

    def rest(self) -> None:
        """What has closed goes to disk, and all files are let go."""
        self.writer.flush_closed()
        self.journal.close()
        self.table.close()

    def keep_house(self, kept: int = 3) -> None:
        """A snapshot and the archive are made, and what is archived leaves the journal."""
        self.rest()
        made = kontor("snapshot", "--data", self.directory, "--kept", kept)
        assert made.code == 0, made.complaint
        self._open(None)
        for folder in self.journal.retire(self.journal.last_seq):
            shutil.rmtree(folder)

    def end(self) -> Lived:
        """Let everything go."""
        self.rest()
        self._resources.close()
        return Lived(self.directory, self.digests, self.times_ns)


def lived(directory: Path, seed: int = 7) -> Lived:
    """Some archived segments, three snapshots, some live segments, and some records after the last snapshot."""
    life = LifeOnDisk(seed, directory)
    for _ in range(3):
        life.steps(130)
        life.keep_house()
    life.steps(160)
    return life.end()


def lived_on(before: Lived, steps: int, seed: int = 8) -> Lived:
    """The same directory some time later."""
    life = LifeOnDisk(seed, before.directory, before)
    life.steps(steps)
    return life.end()


def flip(file: Path, at: int) -> None:
    """One bit of a file is another one now."""
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def flip_in_batch(data: Path, seq: int) -> str:
    """A bit of the batch with record `seq` is another one, wherever its live segment holds it; gives the segment's name."""
    journal = JournalReader(data / "journal", data / "archive")
    frame = next(journal.frames(seq - 1))[1]
    name = max(path.name for path in (data / "journal").iterdir() if int(path.name) <= seq)
    journal.close()
    content = (data / "journal" / name / "data.mdb").read_bytes()
    assert frame in content
    other = frame[:-3] + bytes((frame[-3] ^ 1,)) + frame[-2:]
    (data / "journal" / name / "data.mdb").write_bytes(content.replace(frame, other))
    return name


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, and what is in it."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def manifest_of(backup: Path) -> dict[str, Any]:
    """The manifest of a backup."""
    manifest: dict[str, Any] = json.loads((backup / "manifest.json").read_bytes())
    return manifest


def named_in(backup: Path) -> set[str]:
    """The files its manifest names."""
    return {file["path"] for file in manifest_of(backup)["files"]}


def digest_of(data: Path) -> str:
    """The digest of the state by `kontor verify`, which must be content."""
    said = kontor("verify", "--data", data, "--json")
    assert said.code == 0, said
    digest: str = json.loads(said.output)["digest"]
    return digest


def restored(backup: Path, data: Path, *more: object) -> str:
    """Restore, and look at what came of it; the digest of the state."""
    said = kontor("restore", "--from", backup, "--data", data, "--json", *more)
    assert said.code == 0, said.complaint
    digest: str = json.loads(said.output)["digest"]
    assert digest_of(data) == digest
    return digest
