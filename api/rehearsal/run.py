"""One replay from file to report, in process or over HTTP."""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from api.rehearsal.dataset import read
from api.rehearsal.in_process import InProcess, calm_collector, data_directory
from api.rehearsal.money import MoneyReport
from api.rehearsal.omnichannel import Omnichannel, Shares
from api.rehearsal.over_http import OverHttp
from api.rehearsal.plan import Plan, make_plan
from api.rehearsal.progress import Counts, Progress, ReplayFailed
from api.rehearsal.reconciliation import Reconciliation
from api.rehearsal.shop import examples_directory, read_shop

STOCK_FACTOR_DEFAULT = "1.1"
SEED_DEFAULT = 1
CONNECTIONS_DEFAULT = 8


class Options(msgspec.Struct, frozen=True):
    """How to replay. Neither `data` nor `url`: in process, in a fresh directory that is gone afterwards.

    `stock_factor`: units received for every unit the orders need. `days_max`: only the file's first trading days.
    `omnichannel`: play the second scenario with these shares; `check`: all invariants after
    every chunk of the plan.
    """

    data: Path | None = None
    url: str | None = None
    key: str | None = None
    seed: int = SEED_DEFAULT
    stock_factor: Fraction = Fraction(STOCK_FACTOR_DEFAULT)
    connections: int = CONNECTIONS_DEFAULT
    days_max: int | None = None
    examples: Path | None = None
    omnichannel: Shares | None = None
    check: bool = False


class Watcher:
    """Is told how far a replay is. This one does not care; see api/rehearsal/report.py."""

    def begin(self, steps: int) -> None:
        """So many steps there will be."""

    def at(self, steps: int) -> None:
        """So many are done."""


class Report(msgspec.Struct):
    """What a replay found. `preparation_seconds`: reading and planning; `seconds`: the node's work.

    `money` is not looked at in the second scenario. `findings`: seq, digest, accounts, violations, journal_bytes. `latencies` only over HTTP: milliseconds by operation.
    """

    how: str
    seed: int
    stock_factor: str
    days: int
    preparation_seconds: float
    seconds: float
    resumed_seq: int
    counts: Counts
    rows: Reconciliation
    money: MoneyReport | None
    findings: dict[str, Any]
    latencies: dict[str, dict[str, float | int]]
    retries: int

    @property
    def good(self) -> bool:
        """Every row is accounted for and the books balance."""
        exact = self.rows.matches and (self.money is None or self.money.matches)
        return exact and not self.findings["violations"]

    @property
    def orders_per_hour(self) -> int:
        """Orders accepted, by the time the node's work took."""
        return round(self.counts.orders * 3600 / self.seconds) if self.seconds else 0

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        plain = msgspec.to_builtins(
            {name: getattr(self, name) for name in self.__struct_fields__ if name not in ("rows", "money")}
        )
        return {
            **plain,
            "orders_per_hour": self.orders_per_hour,
            "rows": self.rows.to_json(),
            "money": self.money and self.money.to_json(),
        }


def replay(dataset: Path, options: Options, watcher: Watcher | None = None) -> Report:
    """Replay a file. Raises NoDataset, NoExamples, ReplayFailed, and what opening a data directory raises."""
    watcher = watcher or Watcher()
    started = time.perf_counter()
    content = read(dataset, options.days_max)
    if not content.rows:
        raise ReplayFailed(f"{dataset} has no rows")
    shop = read_shop(options.examples or examples_directory())
    plan = make_plan(content, shop, options.seed, options.stock_factor)
    progress = Progress(content, plan)
    prepared = time.perf_counter()
    watcher.begin(plan.steps_count)
    if options.url is not None:
        driven = asyncio.run(_over_http(options, plan, progress, watcher.at))
    else:
        driven = _in_process(options, plan, progress, watcher.at)
    report = progress.money.report(driven["findings"].pop("money"))
    return Report(
        money=None if options.omnichannel else report,
        how="in process" if options.url is None else "over HTTP",
        seed=options.seed,
        stock_factor=str(options.stock_factor),
        days=plan.days_count,
        preparation_seconds=round(prepared - started, 3),
        counts=progress.counts,
        rows=progress.rows,
        **driven,
    )


def _in_process(options: Options, plan: Plan, progress: Progress, on_progress: Callable[[int], None]) -> dict[str, Any]:
    with ExitStack() as stack:
        directory = stack.enter_context(data_directory(options.data))
        stack.enter_context(calm_collector())
        started = time.perf_counter()
        driver = _driver(options, directory, plan, progress)
        stack.callback(driver.close)
        driver.run(on_progress)
        seconds = time.perf_counter() - started
        return {
            "seconds": round(seconds, 3),
            "resumed_seq": driver.resumed_seq,
            "findings": driver.findings(),
            "latencies": {},
            "retries": 0,
        }


def _driver(options: Options, directory: Path, plan: Plan, progress: Progress) -> InProcess:
    if options.omnichannel is None:
        return InProcess(directory, plan, progress, 1 if options.check else None)
    return Omnichannel(directory, plan, progress, options.seed, options.omnichannel, options.check)


async def _over_http(
    options: Options, plan: Plan, progress: Progress, on_progress: Callable[[int], None]
) -> dict[str, Any]:
    driver = OverHttp(str(options.url), options.key, options.connections, plan, progress)
    try:
        started = time.perf_counter()
        await driver.run(on_progress)
        seconds = time.perf_counter() - started
        return {
            "seconds": round(seconds, 3),
            "resumed_seq": 0,
            "findings": await driver.findings(),
            "latencies": driver.latencies.quantiles(),
            "retries": driver.latencies.retries,
        }
    finally:
        driver.close()
