"""A node: the state, its writer and everything on disk, opened together and turned by one asyncio loop."""

import asyncio
import os
import time
from hashlib import blake2b
from pathlib import Path
from typing import NoReturn

import structlog

from api.geography.postcodes import Postcodes
from api.parties.keystore import PartyKeys
from api.server.books import Books, Paths
from api.server.history import History
from api.server.improving import Improver
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
GATHER_ROUNDS_MAX = 3
DIGEST_FRESH_ENTRIES_MAX = 50_000

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
    ) -> None:
        self.directory = directory
        self.allow_private_outbound = allow_private_outbound
        self.courier: Courier | None = None
        self.postcodes = postcodes
        self.paths = Paths.of(directory, archive)
        self.dev = dev
        self.stopping = False
        self.draining = False
        self.started_at = time.time()
        self.progress = ("starting", 0, 0)
        self.loop: asyncio.AbstractEventLoop
        self._segment_bytes_max = segment_bytes_max
        self._schedule = schedule or Schedule(every_seconds=0)
        self._lock = DirectoryLock(directory)
        try:
            self.parties = PartyKeys(self.paths.parties)
        except BaseException:
            self._lock.close()
            raise
        self._turn_scheduled = False
        self._gathered = 0
        self._rounds = 0
        self._closed = False
        self._waiting_for_commit: list[asyncio.Future[None]] = []
        self._digest: tuple[int, str] | None = None
        self._ticker: asyncio.Task[None] | None = None
        self.metrics = NodeMetrics(
            {
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
                "replay_diverged": lambda: self.snapshots.diverged,
            }
        )

    @classmethod
    def open(cls, directory: Path, *, dev: bool = False, archive: Path | None = None) -> "Server":
        """Open or create a data directory and recover. Raises DirectoryInUse, JournalCorrupt, StorageFull."""
        server = cls(directory, dev=dev, archive=archive)
        server.recover()
        return server

    def recover(self) -> None:
        """From disk to memory; may run in a thread while `progress` is looked at. Raises what `open` does."""
        try:
            self._books = Books(self.paths, segment_bytes_max=self._segment_bytes_max, tell=self._tell, warn=self._warn)
        except BaseException:
            self.parties.close()
            self._lock.close()
            raise
        self.journal, self.state = self._books.journal, self._books.state
        self._key_secret = self.parties.node_secret("idempotency")
        self.writer = Writer(
            self.state,
            self.journal,
            time.time_ns,
            before_deciding=self.parties.flush,
            on_batch=self.metrics.batch,
            on_error=self.report,
        )
        self.snapshots = Snapshots(self, self._schedule)
        self.history = History(self)

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
        flushed_at = self.loop.time()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            end_ns = self.writer.next_wake_ns()
            due = self.state.looks.due or (end_ns is not None and end_ns <= time.time_ns())
            if (due or self.state.idempotency.old_seq(time.time_ns())) and not self._turn_scheduled:
                self._turn_scheduled = True
                self._turn()
            if self.state.closed.pending_count and self.loop.time() - flushed_at >= FLUSH_CLOSED_SECONDS:
                self.flush_closed()
                flushed_at = self.loop.time()

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

    def key_digest(self, actor: str, key: str) -> bytes:
        """16 bytes for an idempotency key of an actor."""
        return blake2b(f"{actor}\0{key}".encode(), digest_size=16, key=self._key_secret).digest()

    def payload_digest(self, method: str, path: str, body: bytes) -> bytes:
        """16 bytes for what was asked. Keyed, so that what a customer typed can't be guessed from the journal."""
        return blake2b(
            b"%b\0%b\0%b" % (method.encode(), path.encode(), body), digest_size=16, key=self._key_secret
        ).digest()

    def digest(self, fresh: bool) -> tuple[int, str]:
        """(seq, digest of the state then). Made anew when asked, or if the state is small enough to do it at once."""
        state = self.state
        entries = len(state.reservations.active) + len(state.orders.open) + len(state.idempotency.seq_of)
        if self._digest is None or fresh or (self._digest[0] != state.seq and entries <= DIGEST_FRESH_ENTRIES_MAX):
            self._digest = (state.seq, dumping.digest(state))
        return self._digest

    def stop(self) -> None:
        """Take nothing new, finish what is queued."""
        self.stopping = True
        while self.writer.queue:
            self._turn()

    def close(self) -> None:
        """Flush and let everything go."""
        if self._ticker is not None:
            self._ticker.cancel()
            self._snapshotter.cancel()
            self._improver.cancel()
            self._courier.cancel()
            self.snapshots.stop()
        self._closed = True
        self.writer.flush_closed()
        self._books.close()
        self.parties.close()
        self._lock.close()
