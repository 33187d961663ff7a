"""Latencies in buckets a hundredth of their value wide, in the manner of HdrHistogram: flat memory, any run length."""

import numpy as np
from numpy.typing import NDArray

SHORTEST_SECONDS = 1e-6
WIDTH = 1.01
BUCKETS = 2_100  # up to 1.01 ** 2099 microseconds, about twenty minutes
FOLD_COUNT = 8_192
QUANTILES = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}


class Histogram:
    """Latencies in seconds go in one by one and are counted many at a time, because that is cheaper."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(BUCKETS, np.int64)
        self.longest_seconds = 0.0
        self._waiting: list[float] = []

    def add(self, seconds: float) -> None:
        """One latency."""
        waiting = self._waiting
        waiting.append(seconds)
        if len(waiting) >= FOLD_COUNT:
            self._fold()

    def merge(self, other: "Histogram") -> None:
        """Everything that another one has."""
        other._fold()
        self._fold()
        self.counts += other.counts
        self.longest_seconds = max(self.longest_seconds, other.longest_seconds)

    def _fold(self) -> None:
        if not self._waiting:
            return
        seconds = np.array(self._waiting)
        self._waiting.clear()
        buckets = np.log(np.maximum(seconds, SHORTEST_SECONDS) / SHORTEST_SECONDS) / np.log(WIDTH)
        self.counts += np.bincount(np.minimum(buckets.astype(np.int64), BUCKETS - 1), minlength=BUCKETS)
        self.longest_seconds = max(self.longest_seconds, float(seconds.max()))

    def count(self) -> int:
        """How many latencies there are."""
        return int(self.counts.sum()) + len(self._waiting)

    def milliseconds(self) -> dict[str, float]:
        """Percentiles, each at most a hundredth too high, and the longest, which is exact. Zeros where there is nothing."""
        self._fold()
        reached = np.cumsum(self.counts)
        found = {}
        for name, quantile in QUANTILES.items():
            bucket = int(np.searchsorted(reached, max(1.0, quantile * reached[-1])))
            upper = SHORTEST_SECONDS * WIDTH ** (bucket + 1)
            found[name] = round(min(upper, self.longest_seconds) * 1000, 3)
        return {**found, "longest_ms": round(self.longest_seconds * 1000, 3)}
