"""Snapshots of a running node: what its state was is journalled, and a follower in a process of its own makes the file.

The writer never waits: its own digest is taken part by part between batches, and everything else is the follower's
work.
"""

import asyncio
import hashlib
import shutil
import time
from typing import NamedTuple

import msgspec
import structlog

from api.server import last_snapshot
from api.server.children import Child
from api.server.host import Host
from engine.commands.maintenance import RecordDigest
from engine.facts import records
from engine.facts.maintenance import DigestRecorded
from engine.replay import dumping
from engine.results import Rejection
from engine.state.state import State
from engine.wal import JournalCorrupt, Snapshot, snapshots_in
from engine.wal.snapshots import name_of
from engine.writer import Change, Done

SLICE_SECONDS = 0.001
PAUSE_SECONDS = 0.002
DIVERGED_EXIT = 3

log = structlog.get_logger("kontor")


class Schedule(NamedTuple):
    """When snapshots are made without being asked for (0: never), and how many are kept."""

    every_seconds: int = 900
    kept: int = 3


class Wanted(NamedTuple):
    """A snapshot that is being made."""

    name: str
    seq: int


class Scan:
    """The digest of a state, taken in slices; the first one at once, so that it begins at `seq`."""

    def __init__(self, state: State) -> None:
        self.seq = state.seq
        self.done = False
        self._state = state
        self._parts = dumping.dump(state)
        self._whole = hashlib.blake2b(digest_size=32)
        self._taken: list[tuple[int, int]] = []
        self.take_slice()

    def take_slice(self) -> None:
        """Some more parts. Nothing else changes the state meanwhile."""
        until, count = time.perf_counter() + SLICE_SECONDS, 0
        while time.perf_counter() < until:
            part = next(self._parts, None)
            if part is None:
                self.done = True
                break
            self._whole.update(part)
            count += 1
        if count:
            self._taken.append((self._state.seq, count))

    @property
    def is_of_one_moment(self) -> bool:
        """Whether the state has not changed since it began."""
        return self._state.seq == self.seq

    def result(self) -> RecordDigest:
        """What is to be journalled."""
        return RecordDigest(tuple(self._taken), self._whole.hexdigest())


class Snapshots:
    """Makes snapshots of one node, one at a time."""

    def __init__(self, host: Host, schedule: Schedule) -> None:
        self._host = host
        self._schedule = schedule
        self._follower: Child | None = None
        self._task: asyncio.Task[None] | None = None
        self.making: Wanted | None = None
        self.failures = 0
        self.diverged = False
        found = snapshots_in(host.paths.snapshots)[0]
        self.newest: Snapshot | None = found[0] if found else None
        self._unchanged_seq = self._after_its_digest(self.newest_seq)

    def listed(self) -> list[Snapshot]:
        """Those that can be used, newest first."""
        return snapshots_in(self._host.paths.snapshots)[0]

    @property
    def newest_seq(self) -> int:
        """How far the newest snapshot reaches."""
        return 0 if self.newest is None else self.newest.seq

    @property
    def age_seconds(self) -> float:
        """How long ago the newest one's last record was journalled, or the node began without one."""
        since = self._host.started_at if self.newest is None else self.newest.stamp.time_ns / 1e9
        return max(0.0, time.time() - since)

    def take(self) -> Wanted:
        """Begin a snapshot of the state now. If one is being made, or nothing has changed since the last, that one."""
        if self.making is not None:
            return self.making
        if self.newest is not None and self._host.state.seq in (self.newest.seq, self._unchanged_seq):
            return Wanted(self.newest.name, self.newest.seq)
        self._host.flush_closed()
        scan = Scan(self._host.state)
        self.making = Wanted(name_of(scan.seq), scan.seq)
        self._task = asyncio.get_running_loop().create_task(self._make(scan))
        return self.making

    def _after_its_digest(self, seq: int) -> int:
        """The record after `seq` if it only says what the state was then: nothing has changed by it. Else `seq`."""
        try:
            facts = records.decode(self._host.journal.record(seq + 1)[1]).facts
        except (KeyError, JournalCorrupt):
            return seq
        return seq + 1 if all(isinstance(fact, DigestRecorded) for fact in facts) else seq

    async def run(self) -> None:
        """Make snapshots by the schedule, for ever."""
        while self._schedule.every_seconds:
            await asyncio.sleep(self._schedule.every_seconds)
            if not self.diverged and self._host.state.seq:
                self.take()

    def stop(self) -> None:
        """Give up what is being made."""
        if self._task is not None:
            self._task.cancel()
        if self._follower is not None:
            self._follower.stop()

    def at_stop(self, seconds_max: float) -> None:
        """The last one, if there is much to replay since the newest and any are wanted. Nothing runs any more."""
        host = self._host
        if self._schedule.every_seconds and not self.diverged and seconds_max > 0:
            host.flush_closed()
            if host.journal.last_seq - self.newest_seq >= last_snapshot.RECORDS_MIN:
                last_snapshot.make(host.state, host.journal, host.paths.snapshots, self._schedule.kept, seconds_max)

    async def _make(self, scan: Scan) -> None:
        started, seq = time.perf_counter(), scan.seq
        try:
            proof = await self._journal_digest(scan)
            failure = proof.detail if isinstance(proof, Rejection) else await self._follow(seq, proof.seq)
            if failure is None:
                await self._retire(seq)
                self._unchanged_seq = self._after_its_digest(seq)
                seconds = round(time.perf_counter() - started, 3)
                log.info("snapshot made", name=name_of(seq), seq=seq, seconds=seconds)
            else:
                self.failures += 1
                log.error("no snapshot was made; the older ones are kept", seq=seq, reason=failure)
        except Exception as error:
            self.failures += 1
            self._host.report(error)
        finally:
            self.making = None

    async def _journal_digest(self, scan: Scan) -> Done | Rejection:
        """Take the state's digest in slices between batches, and journal it."""
        while not scan.done:
            await asyncio.sleep(PAUSE_SECONDS)
            scan.take_slice()
        outcome: asyncio.Future[Done | Rejection] = asyncio.get_running_loop().create_future()
        refusal = self._host.submit(Change(scan.result(), "system", lambda *_: (200, b""), outcome.set_result))
        return refusal or await outcome

    async def _follow(self, seq: int, proof_seq: int) -> str | None:
        """Let the follower do its work. Gives the reason when it made nothing."""
        paths = self._host.paths
        command = ["snapshot", "--data", str(self._host.directory)]
        command += ["--archive", str(paths.archive), "--kept", str(self._schedule.kept), "--json"]
        command += ["--at", str(seq), "--proof", str(proof_seq)]
        self._follower = Child(command, gives_way=True)
        ended = await self._follower.ended()
        self._follower = None
        if ended.code == 0:
            self.newest = Snapshot(paths.snapshots / msgspec.json.decode(ended.output)["name"])
            return None
        if ended.code == DIVERGED_EXIT:
            self.diverged = True
            log.critical("replay does not give the writer's state", seq=seq)
        return ended.complaint or f"the follower ended with {ended.code}"

    async def _retire(self, seq: int) -> None:
        """What is archived and covered is not needed here any more. Large files are removed in a thread."""
        for folder in self._host.journal.retire(seq):
            await asyncio.to_thread(shutil.rmtree, folder)
