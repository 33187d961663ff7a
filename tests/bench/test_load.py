"""The load generator counts what it sends, and times what it says it times."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from bench import http
from bench.load.clients import WORKLOADS
from bench.load.histogram import Histogram
from bench.load.loops import ClosedLoop, OpenLoop
from bench.load.requests import Target
from bench.load.run import LoadFailed, Plan, run
from bench.load.tally import Tally, summary

YES = b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"
NO = b"HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n"
BROKEN = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"


class Client:
    """A connection that only notes when its requests began."""

    def __init__(self) -> None:
        self.started: list[float] = []

    def send(self, started: float) -> None:
        self.started.append(started)


def test_percentiles_are_at_most_a_hundredth_too_high() -> None:
    histogram = Histogram()
    for milliseconds in range(1, 10_001):
        histogram.add(milliseconds / 1000)
    found = histogram.milliseconds()
    for name, exact in {"p50_ms": 5_000, "p90_ms": 9_000, "p99_ms": 9_900, "p999_ms": 9_990}.items():
        assert exact <= found[name] <= exact * 1.0101
    assert found["longest_ms"] == 10_000


def test_histograms_of_several_kinds_become_one() -> None:
    quick, slow = Histogram(), Histogram()
    for _ in range(90):
        quick.add(0.001)
    for _ in range(10):
        slow.add(0.5)
    quick.merge(slow)
    assert quick.count() == 100
    assert quick.milliseconds()["p50_ms"] < 1.02
    assert quick.milliseconds()["p99_ms"] == 500


def test_a_run_without_answers_has_zeros() -> None:
    assert summary({"reserve": Tally()}, 1.0)["p999_ms"] == 0


def test_in_an_open_loop_the_clock_runs_from_when_a_request_is_due() -> None:
    load = OpenLoop(warm_up_seconds=0, seconds=10, rate=100)
    load.begin(0.0)
    only = Client()
    load.ready(only, 0.0)
    assert only.started == [0.0]
    load.pump(1.0)  # a whole second without an answer: nothing is sent, a hundred requests are due
    assert only.started == [0.0]
    load.answered(load.tallies["reserve"], 0.0, 1.0, YES)
    load.ready(only, 1.0)
    assert only.started == [0.0, 0.01]
    load.answered(load.tallies["reserve"], 0.01, 1.0, YES)
    assert load.tallies["reserve"].latencies.milliseconds()["longest_ms"] == 1000
    assert load.longest_stall_seconds == 1.0


def test_in_a_closed_loop_the_next_request_follows_the_answer_until_time_is_up() -> None:
    load = ClosedLoop(warm_up_seconds=0, seconds=1)
    load.begin(0.0)
    only = Client()
    load.ready(only, 0.5)
    load.answered(load.tallies["reserve"], 0.5, 0.9, YES)
    load.ready(only, 1.0)
    assert only.started == [0.5]


def test_in_a_closed_loop_a_machine_that_is_too_slow_for_the_time_gives_one_figure() -> None:
    load = ClosedLoop(warm_up_seconds=1, seconds=1)
    load.begin(0.0)
    only = Client()
    load.ready(only, 0.5)
    load.answered(load.tallies["reserve"], 0.5, 3.0, YES)  # begun during the warm-up
    load.ready(only, 3.0)
    load.answered(load.tallies["reserve"], 3.0, 5.5, YES)
    load.ready(only, 5.5)
    assert only.started == [0.5, 3.0]
    assert load.tallies["reserve"].latencies.count() == 1


def test_a_refusal_is_no_failure_and_the_warm_up_does_not_count() -> None:
    load = ClosedLoop(warm_up_seconds=1, seconds=4)
    load.begin(0.0)
    tally = load.tallies["reserve"]
    for started, answer in ((0.5, YES), (0.6, BROKEN), (1.5, YES), (2.0, NO), (2.5, BROKEN)):
        load.answered(tally, started, started + 0.1, answer)
    assert (tally.latencies.count(), tally.accepted, tally.refused, tally.failed) == (3, 2, 1, 1)


def test_a_node_takes_every_workload_and_its_books_are_in_order(tmp_path: Path) -> None:
    http.prepare(tmp_path, "tiny")
    with http.serving(tmp_path) as port:
        for workload in WORKLOADS:
            figures = http.load(port, 2, 0.3, "tiny", 1, keyed=True, workload=workload)
            assert (figures["failed"], figures["refused"]) == (0, 0), workload
            assert figures["accepted"] > 0, workload
        assert http.load(port, 4, 1.0, "tiny", 1, keyed=False, rate=50)["per_second"] in (49, 50, 51)
    http.audit(tmp_path)


def test_a_run_on_which_the_server_hangs_up_is_no_run() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def loaded() -> None:
        async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await run(Plan(Target("127.0.0.1", port), connections=1, seconds=0.1, size="tiny"))

    with pytest.raises(LoadFailed, match="closed by the server"):
        asyncio.run(loaded())


def test_what_is_due_in_the_last_moment_is_sent_too() -> None:
    ended: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(YES)
        writer.close()
        ended.put_nowait(writer)

    async def loaded() -> int:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            target = Target("127.0.0.1", server.sockets[0].getsockname()[1])
            almost_all = 0.6 - 1e-6  # the warm-up and 0.1 s: the fourth request is due a moment before the end
            figures, _ = await run(Plan(target, connections=2, seconds=0.1, size="tiny", rate=3 / almost_all))
            for _ in range(2):  # the connections hang up
                await (await ended.get()).wait_closed()
            return int(figures["accepted"])

    assert asyncio.run(loaded()) == 4
