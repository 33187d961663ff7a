"""How a replay shows itself: a progress bar, or plain lines where there is no terminal; and its findings for people."""

import time

from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from api.rehearsal.run import Report, Watcher

PLAIN_LINES = 10
NODES_SHOWN = 6


class BarWatcher(Watcher):
    """A progress bar on a terminal; about ten lines otherwise. Use as a context manager."""

    def __init__(self, console: Console, label: str) -> None:
        self._console = console
        self._label = label
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._steps = 0
        self._shown = 0
        self._began = time.monotonic()

    def begin(self, steps: int) -> None:
        """Show the bar."""
        self._steps = steps
        self._began = time.monotonic()
        if self._console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self._console)
            self._task = self._bar.add_task(self._label, total=steps)
            self._bar.start()

    def at(self, steps: int) -> None:
        """Move it."""
        if self._bar is not None:
            self._bar.update(self._task, completed=steps)
        elif steps * PLAIN_LINES // self._steps > self._shown:
            self._shown = steps * PLAIN_LINES // self._steps
            seconds = time.monotonic() - self._began
            self._console.print(f"{self._label}: {steps:,} of {self._steps:,} steps, {seconds:.0f} s", highlight=False)

    def __enter__(self) -> "BarWatcher":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


def summary(report: Report) -> Table:
    """What the node did."""
    counts, findings = report.counts, report.findings
    table = Table(title=f"Replay {report.how}", title_justify="left", title_style="bold", show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("remark", style="dim")
    refused = sum(count for name, count in counts.refusals.items() if name.startswith(("reserve", "place")))
    table.add_row("orders", f"{counts.orders:,}", f"on {report.days} trading days")
    table.add_row("order lines", f"{counts.lines:,}", f"{counts.lines / max(1, counts.orders):.1f} an order")
    table.add_row("units sold", f"{counts.units:,}", f"of {counts.receipts_units:,} received")
    table.add_row("orders refused", f"{refused:,}", "a checkout gets all of its lines or none")
    for name, count in sorted(counts.refusals.items()):
        table.add_row(f"  {name}", f"{count:,}", "")
    table.add_row("fulfilments", f"{counts.fulfilments:,}", f"{counts.shipments:,} shipped")
    busiest = counts.fulfilments_by_node.most_common(NODES_SHOWN)
    table.add_row("nodes used", f"{len(counts.fulfilments_by_node):,}", ", ".join(f"{n} {c:,}" for n, c in busiest))
    table.add_row("time", f"{report.seconds:,.1f} s", f"and {report.preparation_seconds:.1f} s to read and plan")
    if report.resumed_seq:
        table.add_row("resumed", f"{report.resumed_seq:,}", "records were in the data directory already")
    else:
        table.add_row("orders an hour", f"{report.orders_per_hour:,}", _whole_orders(counts.lines, counts.orders))
    for name, figures in report.latencies.items():
        remark = f"p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms"
        table.add_row("requests" if name == "all" else f"  {name}", f"{figures['count']:,}", remark)
    if report.retries:
        table.add_row("requests tried again", f"{report.retries:,}", "under the same idempotency key")
    for name, count in findings.get("happened", {}).items():
        table.add_row(f"  {name.replace('_', ' ')}", f"{count:,}", "")
    if findings.get("checks"):
        table.add_row("invariants", f"{findings['checks']:,}", "times looked at on the way, all of them")
    if "left_open" in findings:
        left = ", ".join(f"{count:,} {name}" for name, count in findings["left_open"].items()) or "nothing"
        table.add_row("left open", f"{sum(findings['left_open'].values()):,}", left)
    books = "balanced" if not findings["violations"] else "; ".join(findings["violations"])
    accounts = ", ".join(f"{name} {units:,}" for name, units in findings["accounts"].items() if units)
    table.add_row("books", books, accounts, style=None if report.good else "bold red")
    table.add_row("journal", f"{findings['seq']:,}", f"records, {findings['journal_bytes'] / 1e6:,.0f} MB")
    return table


def _whole_orders(lines: int, orders: int) -> str:
    """So that nobody compares it with single requests."""
    return f"whole ones of {lines / max(1, orders):.0f} lines: reserved, placed, shipped, returned, all of it durable"


def full(report: Report) -> RenderableType:
    """Summary, reconciliation and digest."""
    money = () if report.money is None else (report.money.table(), "")
    return Group(summary(report), "", report.rows.table(), "", *money, f"digest  {report.findings['digest']}")
