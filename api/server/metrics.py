"""What a node tells Prometheus. One registry per node, nothing global.

Everything on the hot path is resolved once per operation; label values come from closed lists (operation ids
of the route table, HTTP statuses, result codes), so the number of series is bounded. The page is made on the
writer's thread: what there is most of on it, the latencies, is written by hand, ten times as fast as by the library.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

REQUEST_SECONDS_BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
COMMIT_SECONDS_BUCKETS: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2.0)
_BOUNDS: Final = [*(str(float(bound)) for bound in REQUEST_SECONDS_BUCKETS), "+Inf"]
BATCH_RECORDS_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

GAUGES: Final[Mapping[str, str]] = {
    "queue_depth": "Commands that wait for the writer",
    "open_reservations": "Active reservations",
    "open_orders": "Orders that are not closed",
    "missing_units": "Promised units that nodes say are not there",
    "open_payment_requests": "What payment providers were asked for and have not answered",
    "journal_seq": "Highest durable seq",
    "journal_bytes": "Bytes used by the journal's segments",
    "closed_pending": "Closed orders and reservations that still wait to leave memory",
    "parties": "Parties with at least one key",
    "snapshot_seq": "How far the newest snapshot reaches; the journal before it need not be replayed",
    "snapshot_age_seconds": "Time since the last record the newest snapshot holds",
    "snapshot_failures": "Snapshots that could not be made since the node began",
    "disk_free_bytes": "Bytes that are free on the disk of the data directory",
    "archive_free_bytes": "Bytes that are free on the disk of the archive",
    "disk_full": "1 while changes are refused because the journal finds no room",
    "clock_ahead_seconds": "Time of the node minus the wall clock; below zero while a leap of that is not followed",
    "dev_mode": "1 when the node was started with --dev: callers of its own machine need no API key",
    "replay_diverged": "1 when a follower's state was not the writer's: no snapshots are made until the next start",
}


class OperationMetrics:
    """Rate, errors and latency of one operation. Plain numbers: `done` is on the hot path of every request."""

    __slots__ = (
        "_bucket_heads",
        "_sum_head",
        "_told",
        "_told_of",
        "answered",
        "bucket_counts",
        "operation_id",
        "seconds_sum",
    )

    def __init__(self, operation_id: str) -> None:
        self.operation_id = operation_id
        self.answered: dict[int, int] = {}
        self.bucket_counts = [0] * (len(REQUEST_SECONDS_BUCKETS) + 1)
        self.seconds_sum = 0.0
        self._bucket_heads = [
            f'kontor_request_seconds_bucket{{le="{bound}",operation="{operation_id}"}} ' for bound in _BOUNDS
        ]
        self._sum_head = f'{{operation="{operation_id}"}} '
        self._told_of, self._told = 0, ("", "")

    def done(self, status: int, seconds: float) -> None:
        """One request was answered with `status` after `seconds`."""
        self.answered[status] = self.answered.get(status, 0) + 1
        self.bucket_counts[bisect_left(REQUEST_SECONDS_BUCKETS, seconds)] += 1
        self.seconds_sum += seconds

    def lines(self) -> tuple[str, str]:
        """What the page says of it: how often it was called, how it ended, how long it took. Of an operation that
        nobody has called since, what was said before."""
        called = sum(self.answered.values())
        if called != self._told_of:
            self._told_of, self._told = called, ("\n".join(self._requests()), "\n".join(self._seconds()))
        return self._told

    def _requests(self) -> list[str]:
        return [
            f'kontor_requests_total{{operation="{self.operation_id}",status="{status}"}} {float(count)}'
            for status, count in sorted(self.answered.items())
        ]

    def _seconds(self) -> list[str]:
        counts = list(accumulate(self.bucket_counts))
        lines = [f"{head}{count}.0" for head, count in zip(self._bucket_heads, counts, strict=True)]
        lines.append(f"kontor_request_seconds_count{self._sum_head}{counts[-1]}.0")
        lines.append(f"kontor_request_seconds_sum{self._sum_head}{self.seconds_sum!r}")
        return lines


class NodeMetrics:
    """All metrics of one node.

    `readings` are called at scrape time, by the names in GAUGES; a name left out is not shown.
    """

    def __init__(self, readings: Mapping[str, Callable[[], float]]) -> None:
        assert readings.keys() <= GAUGES.keys(), readings.keys() - GAUGES.keys()
        self.registry = CollectorRegistry()
        self._operations: dict[str, OperationMetrics] = {}
        self._refusals: dict[str, Callable[[], None]] = {}
        self._refused = Counter("kontor_refusals", "Requests refused", ["code"], registry=self.registry)
        self._records = Counter("kontor_records", "Records made durable", registry=self.registry)
        self._batch_records = Histogram(
            "kontor_batch_records",
            "Records in one commit",
            registry=self.registry,
            buckets=BATCH_RECORDS_BUCKETS,
        )
        self._commit_seconds = Histogram(
            "kontor_commit_seconds",
            "One durable commit",
            registry=self.registry,
            buckets=COMMIT_SECONDS_BUCKETS,
        )
        self.registry.register(_Readings(readings))

    def operation(self, operation_id: str) -> OperationMetrics:
        """The metrics of one operation; ask once at start and keep it."""
        if operation_id not in self._operations:
            self._operations[operation_id] = OperationMetrics(operation_id)
        return self._operations[operation_id]

    def batch(self, records: int, seconds: float) -> None:
        """One batch of `records` became durable; the commit took `seconds`."""
        self._records.inc(records)
        self._batch_records.observe(records)
        self._commit_seconds.observe(seconds)

    def refused(self, code: str) -> None:
        """A request was refused. `code` is the wire name of a ResultCode, nothing else."""
        count = self._refusals.get(code)
        if count is None:
            count = self._refusals[code] = self._refused.labels(code).inc
        count()

    def render(self) -> bytes:
        """The page for `GET /metrics`; its media type is CONTENT_TYPE. Operations nobody has called are left out."""
        called = [operation for operation in self._operations.values() if operation.answered]
        lines = ["# HELP kontor_requests_total Requests answered", "# TYPE kontor_requests_total counter"]
        told = [operation.lines() for operation in called]
        lines += [requests for requests, _ in told]
        lines.append("# HELP kontor_request_seconds From the whole request received to the answer handed over")
        lines.append("# TYPE kontor_request_seconds histogram")
        lines += [seconds for _, seconds in told]
        lines.append("")
        return generate_latest(_WithoutCreationTimes(self.registry)) + "\n".join(lines).encode()


class _Readings(Collector):
    """Gauges that are read when somebody asks."""

    def __init__(self, readings: Mapping[str, Callable[[], float]]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for name, read in self._readings.items():
            yield GaugeMetricFamily(f"kontor_{name}", GAUGES[name], value=read())

    def describe(self) -> Iterator[Metric]:
        """Names only: registering must not call the readings, which may not be ready yet."""
        for name in self._readings:
            yield GaugeMetricFamily(f"kontor_{name}", GAUGES[name])


class _WithoutCreationTimes(Collector):
    """Leaves out the `_created` series: they double the page, and the library only has a global switch."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric
