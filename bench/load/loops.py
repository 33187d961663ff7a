"""Closed loop: everyone sends again when answered. Open loop: requests are due at a rate, answered before or not."""

import math
import time
from collections import defaultdict, deque
from typing import Protocol

from bench.load.connection import Connection
from bench.load.tally import Tally


class Sender(Protocol):
    """All that a loop does with a connection: it sends the next request, whose clock runs from `started`."""

    def send(self, started: float) -> None:
        """Send one request."""


class _Measured:
    """What both loops note. Nothing counts that began during the warm-up."""

    def __init__(self, warm_up_seconds: float, seconds: float, keep_rows: bool = False) -> None:
        self.tallies: dict[str, Tally] = defaultdict(Tally)
        self.warm_up_seconds = warm_up_seconds
        self.seconds = seconds
        self.counted_from = self.ends_at = self._last_answer = math.inf
        self.longest_stall_seconds = 0.0
        self.lost_count = 0
        self.rows: list[tuple[float, float]] | None = [] if keep_rows else None

    def begin(self, now: float) -> None:
        """Everyone is connected: the clock starts."""
        self.counted_from = self._last_answer = now + self.warm_up_seconds
        self.ends_at = self.counted_from + self.seconds

    def answered(self, tally: Tally, started: float, now: float, answer: bytes) -> None:
        """Count it and its latency. A stall is time without any answer while this one was waited for."""
        status = answer[9:12]
        if status[0] == 50:  # "2"
            tally.accepted += 1
        if started < self.counted_from:
            return
        latency = now - started
        tally.latencies.add(latency)
        if self.rows is not None:
            self.rows.append((started, latency))
        silent = now - self._last_answer
        if silent > self.longest_stall_seconds:
            self.longest_stall_seconds = max(self.longest_stall_seconds, min(silent, latency))
        self._last_answer = now
        if status[0] != 50:
            tally.note(status)

    def lost(self, connection: Connection) -> None:
        """A connection that ends while something is due."""
        if connection.in_flight or time.perf_counter() < self.ends_at:
            self.lost_count += 1


class ClosedLoop(_Measured):
    """Every connection sends the next request as soon as the last one is answered: what the node can do at most."""

    def ready(self, connection: Sender, now: float) -> None:
        """Again, until time is up; on a machine so slow that nothing counts by then, until something does."""
        if now < self.ends_at or not any(tally.latencies.count() for tally in self.tallies.values()):
            connection.send(now)

    def is_done(self, now: float) -> bool:
        """Whether everything that was wanted has been sent."""
        return now >= self.ends_at


class OpenLoop(_Measured):
    """A request is due every 1/rate seconds; one that finds no free connection waits, and its clock runs."""

    def __init__(self, warm_up_seconds: float, seconds: float, rate: float, keep_rows: bool = False) -> None:
        super().__init__(warm_up_seconds, seconds, keep_rows)
        self._interval = 1 / rate
        self._sent = 0
        self._idle: deque[Sender] = deque()

    def begin(self, now: float) -> None:
        """The first is due now."""
        super().begin(now)
        self._began = self._due = now

    def ready(self, connection: Sender, now: float) -> None:
        """Free for what is due or will be."""
        self._idle.append(connection)
        self.pump(now)

    def pump(self, now: float) -> None:
        """Send everything that is due and finds a connection."""
        while self._due <= now and self._idle and self._due < self.ends_at:
            self._idle.popleft().send(self._due)
            self._sent += 1
            self._due = self._began + self._sent * self._interval

    def is_done(self, now: float) -> bool:
        """Whether everything that was due before the end has been sent."""
        return self._due >= self.ends_at
