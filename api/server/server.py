"""A node: the state, its writer and everything on disk, opened together and turned by one asyncio loop."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import structlog

from api.geography.postcodes import Postcodes
from api.parties.keystore import PartyKeys
from api.server import key_store
from api.server.books import Books, Paths
from api.server.clock import AHEAD_SECONDS_MAX, Clock, refuse_behind
from api.server.configuring import Configuring
from api.server.digests import Digests
from api.server.disk import WARN_MIB, Disk
from api.server.history import History
from api.server.history_id import HistoryId
from api.server.improving import Improver
from api.server.key_digests import EARLIER_BYTES, Digester
from api.server.metrics import NodeMetrics
from api.server.outbound.payments import Courier
from api.server.snapshots import Schedule, Snapshots
from engine import limits
from engine.replay import dumping
from engine.results import Rejection, ResultCode
from engine.wal import SEGMENT_BYTES_MAX, DirectoryLock, JournalFailed
from engine.writer import Change, Query, Writer

VERSION = "0.1.0"
TICK_SECONDS = 0.25
FLUSH_CLOSED_SECONDS = 1.0
LOOK_AT_DISK_SECONDS = 2.0
GATHER_ROUNDS_MAX = 3

log = structlog.get_logger("kontor")


class Server:
    """One running node. Used from one thread; `attach` gives it the loop that turns it."""

    version = VERSION

    def __init__(
        self,
        directory: Path,
        *,
        dev: bool,
        archive: Path | None = None,
        schedule: Schedule | None = None,
        segment_bytes_max: int = SEGMENT_BYTES_MAX,
        postcodes: Postcodes | None = None,
        allow_private_outbound: bool = False,
        new_keys: bool = False,
        clock_ahead_seconds_max: float | None = None,
        disk_free_warn_mib: int = WARN_MIB,
    ) -> None:
        self.directory = directory
        self._clock_ahead_seconds_max = clock_ahead_seconds_max
        self.disk = Disk(Paths.of(directory, archive), disk_free_warn_mib)
        self._new_keys = new_keys
        self.allow_private_outbound = allow_private_outbound
        self.courier: Courier | None = None
        self.postcodes = postcodes
        self.paths = Paths.of(directory, archive)
        self.dev = dev
        self.stopping = False
        self.draining = False
        self.started_at = time.time()
        self.progress = ("starting", 0, 0)
        self._books: Books | None = None
        self.loop: asyncio.AbstractEventLoop
        self._segment_bytes_max = segment_bytes_max
        self._schedule = schedule or Schedule(every_seconds=0)
        self._lock = DirectoryLock(directory)
        self.parties: PartyKeys
        try:
            self._found_parties = key_store.opened_if_there(self.paths)
        except BaseException:
            self._lock.close()
            raise
        self._turn_scheduled = False
        self._gathered = 0
        self._rounds = 0
        self._closed = False
        self._waiting_for_commit: list[asyncio.Future[None]] = []
        self._ticker: asyncio.Task[None] | None = None
        self.metrics = NodeMetrics(self._readings())

    def _readings(self) -> dict[str, Callable[[], float]]:
        """What is read when somebody asks for the metrics, by gauge."""
        return {
            "queue_depth": lambda: len(self.writer.queue),
            "open_reservations": lambda: len(self.state.reservations.active),
            "open_orders": lambda: len(self.state.orders.open),
            "open_payment_requests": lambda: len(self.state.payment_requests.open),
            "journal_seq": lambda: self.journal.last_seq,
            "journal_bytes": lambda: self.journal.bytes_used,
            "closed_pending": lambda: self.state.closed.pending_count,
            "parties": lambda: self.parties.parties_count,
            "snapshot_seq": lambda: self.snapshots.newest_seq,
            "snapshot_age_seconds": lambda: self.snapshots.age_seconds,
            "snapshot_failures": lambda: self.snapshots.failures,
            "dev_mode": lambda: int(self.dev),
            "replay_diverged": lambda: self.snapshots.diverged,
            "disk_free_bytes": lambda: self.disk.free_bytes("data"),
            "archive_free_bytes": lambda: self.disk.free_bytes("archive"),
            "disk_full": lambda: self.disk.full is not None,
            "clock_ahead_seconds": lambda: self.clock.ahead_seconds,
        }

    @classmethod
    def open(
        cls, directory: Path, *, dev: bool = False, archive: Path | None = None, new_keys: bool = False
    ) -> "Server":
        """Open or create a data directory and recover.

        Raises DirectoryInUse, JournalCorrupt, StorageFull, PartyKeysDamaged.
        """
        server = cls(directory, dev=dev, archive=archive, new_keys=new_keys)
        server.recover()
        return server

    def recover(self) -> None:
        """From disk to memory; may run in a thread while `progress` is looked at. Raises what `open` does."""
        try:
            self._books = Books(self.paths, segment_bytes_max=self._segment_bytes_max, tell=self._tell, warn=self._warn)
            self.journal, self.state = self._books.journal, self._books.state
            self._start_clock()
            self.parties = key_store.checked(
                self._found_parties, self.paths.parties, self.state, new_keys=self._new_keys
            )
        except BaseException:
            self._let_go()
            raise
        meets_earlier = any(len(key) == EARLIER_BYTES for key in self.state.idempotency.seq_of)
        secret = self.parties.node_secret("idempotency")
        self._history_id = HistoryId(self.directory, self.journal, self.journal.last_seq, self.journal.chain_digest)
        self.history_id = self._history_id.id
        self.key_digests = Digester(self.journal.journal_id, secret, meets_earlier=meets_earlier).digests
        self.writer = Writer(
            self.state,
            self.journal,
            self.clock.now_ns,
            before_deciding=self.parties.flush,
            on_batch=self.metrics.batch,
            on_error=self.report,
            on_room=self.disk.room_is,
        )
        self.snapshots = Snapshots(self, self._schedule)
        self.history = History(self)
        self.configuring = Configuring(self)
        self.digests = Digests(self, self.history)

    def _start_clock(self) -> None:
        bound = self._clock_ahead_seconds_max
        if bound is not None:
            refuse_behind(self.journal.last_time_ns, time.time_ns(), bound)
        self.clock = Clock(self.journal.last_time_ns, ahead_seconds_max=AHEAD_SECONDS_MAX if bound is None else bound)

    def _let_go(self) -> None:
        """Close what was opened before recovery failed."""
        if self._books is not None:
            self._books.close()
        if self._found_parties is not None:
            self._found_parties.close()
        self._lock.close()

    def _warn(self, words: str) -> None:
        log.warning("recovery", problem=words)

    def _tell(self, doing: str, done: int, total: int) -> None:
        self.progress = (doing, done, total)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let `loop` turn the writer from now on."""
        self.loop = loop
        self._ticker = loop.create_task(self._tick())
        self._snapshotter = loop.create_task(self.snapshots.run())
        self._improver = loop.create_task(Improver(self).run())
        self.courier = Courier(self)
        self._courier = loop.create_task(self.courier.run())
        self.configuring.resume(loop)

    def submit(self, item: Change | Query) -> Rejection | None:
        """Queue a change or a read; it is done after the requests that are ready now."""
        if self.stopping:
            return Rejection(ResultCode.STOPPING, "the node is stopping; try another or try again shortly")
        refusal = self.writer.submit(item)
        if refusal is None and not self._turn_scheduled:
            self._turn_scheduled = True
            self.loop.call_soon(self._turn)
        return refusal

    def _turn(self) -> None:
        """One batch. If the journal fails, nothing of it was answered and the process ends; the next start replays.

        While requests keep coming in, they are let in first: a commit costs as much for thirty records as for one.
        """
        if self._closed:
            return
        arrived = len(self.writer.queue)
        if (
            self._gathered < arrived < limits.BATCH_COMMANDS_MAX
            and self._rounds < GATHER_ROUNDS_MAX
            and not self.stopping
        ):
            self._gathered = arrived
            self._rounds += 1
            self.loop.call_soon(self._turn)
            return
        self._gathered = self._rounds = 0
        before = self.journal.last_seq
        try:
            more = self.writer.settle()
        except BaseException as error:
            self._die(error)
        self._turn_scheduled = more
        if more:
            self.loop.call_soon(self._turn)
        if self.journal.last_seq != before and self._waiting_for_commit:
            waiting, self._waiting_for_commit = self._waiting_for_commit, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def _die(self, error: BaseException) -> NoReturn:
        log.critical("the node ends: a batch could not be made durable", error=repr(error), exc_info=error)
        os._exit(1)

    async def _tick(self) -> None:
        """End reservations that are due while nobody asks for anything, and let closed things leave memory."""
        flushed_at = looked_at = self.loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if self.loop.time() - looked_at >= LOOK_AT_DISK_SECONDS and not self._turn_scheduled:
                self._look_at_disk()
                looked_at = self.loop.time()
            end_ns = self.writer.next_wake_ns()
            now_ns = self.clock.now_ns()
            due = self.state.looks.due or (end_ns is not None and end_ns <= now_ns)
            if (due or self.state.idempotency.old_seq(now_ns)) and not self._turn_scheduled:
                self._turn_scheduled = True
                self._turn()
            if self.state.closed.pending_count and self.loop.time() - flushed_at >= FLUSH_CLOSED_SECONDS:
                self.flush_closed()
                flushed_at = self.loop.time()

    def _look_at_disk(self) -> None:
        """Look for room though nobody asks for a change. An I/O error ends the process, as it does in a batch."""
        try:
            self.writer.try_for_room()
        except Exception as error:
            self._die(error)
        try:
            self.disk.look()
        except OSError as error:  # the archive's disk may be gone
            self.report(error)

    def flush_closed(self) -> None:
        """Let closed things leave memory. An I/O error ends the process, as one of the journal does."""
        try:
            self.writer.flush_closed()
        except JournalFailed as error:
            self._die(error)

    def committed(self) -> asyncio.Future[None]:
        """Resolves after the next durable batch."""
        future: asyncio.Future[None] = self.loop.create_future()
        self._waiting_for_commit.append(future)
        return future

    def report(self, error: Exception) -> None:
        """Log an unexpected error. Its arguments are left out: they may hold what a customer typed."""
        frames = []
        trace = error.__traceback__
        while trace is not None:
            frames.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
            trace = trace.tb_next
        log.error("unexpected error", kind=type(error).__name__, at=frames[-5:])

    def digest(self, fresh: bool = True) -> tuple[int, str]:
        """(seq, digest of the state now) at once, for who may hold everybody up. `digests` is for callers over HTTP."""
        return self.state.seq, dumping.digest(self.state)

    def stop(self) -> None:
        """Take nothing new, finish what is queued."""
        self.stopping = True
        while self.writer.queue:
            self._turn()

    def close(self, *, snapshot_seconds_max: float = 0) -> None:
        """Flush and let everything go; with time for it, after a last snapshot where much was done since the newest."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._snapshotter.cancel()
            self._improver.cancel()
            self._courier.cancel()
            self.snapshots.stop()
            self.configuring.stop()
            self.history.stop()
        self._closed = True
        self.writer.flush_closed()
        self.snapshots.at_stop(snapshot_seconds_max)
        self._history_id.note(self.journal.last_seq, self.journal.chain_digest)
        assert self._books is not None
        self._books.close()
        self.parties.close()
        self._lock.close()
