"""`kontor demo`: a node in a fresh folder, an example shop, a month of real orders through its HTTP API, and a look."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from api.cli.client import Client
from api.rehearsal import run
from api.rehearsal.dataset import NoDataset
from api.rehearsal.progress import ReplayFailed
from api.rehearsal.report import BarWatcher, summary
from api.rehearsal.shop import NoExamples, examples_directory
from api.server.directory import DEMO_LOG

ORDERS_FILE = "online_retail_2010-12.csv.gz"
ATTRIBUTION = "Orders: Online Retail, Daqing Chen, UCI, 2015, DOI 10.24432/C5BW33, CC BY 4.0; December 2010."
STOCK_FACTOR = Fraction("0.998")  # a little too little, so that there is something to refuse
PORT_DEFAULT = 8081  # 8080 is for a node of one's own
JSON = "-H 'content-type: application/json'"
CURL = r"curl -s -w '\n'"  # an answer is one line, and has no line end of its own
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20
KNOWN_SKU = "85123A"


def demo(*, port: int | None, directory: Path | None, stay: bool, days: int | None, console: Console) -> bool:
    """Run the demo; serve until Ctrl-C if `stay`. Gives whether rows and books added up.

    `port` None: 8081, or a free one. `directory` None: a fresh one that is gone afterwards.
    """
    examples = examples_directory()
    orders = examples / ORDERS_FILE
    if not orders.is_file():
        raise NoExamples(f"the example orders are missing: {orders}")
    with _folder(directory) as (data, log), _running(data, log, port, console) as url:
        shop = json.loads((examples / "shop.json").read_bytes())
        Client(url, None).call("POST", "/v1/configuration", shop)
        parts = ", ".join(f"{len(part)} {name.replace('_', ' ')}" for name, part in shop.items())
        console.print(f"shop      {parts}", highlight=False, soft_wrap=True)
        options = run.Options(url=url, stock_factor=STOCK_FACTOR, days_max=days, examples=examples)
        with BarWatcher(console, "orders ") as watcher:
            report = run.replay(orders, options, watcher)
        console.print()
        console.print(summary(report))
        console.print()
        console.print(report.rows.table())
        if report.money is not None:
            console.print()
            console.print(report.money.table())
        console.print(f"\ndigest    {report.findings['digest']}", highlight=False, soft_wrap=True)
        console.print(ATTRIBUTION, style="dim", soft_wrap=True)
        console.print("\nWhere to look next:", style="bold")
        for what, line in look_next(url):
            console.print(f"  {what}", style="dim", highlight=False, markup=False, soft_wrap=True)
            console.print(f"    {line}", highlight=False, markup=False, soft_wrap=True)
        if stay:
            console.print(f"\nServing at {url} from {data}. Ctrl-C ends.", highlight=False, soft_wrap=True)
            _wait_for_interrupt()
            console.print("stopping")
        return report.good


def look_next(url: str) -> list[tuple[str, str]]:
    """What there is to see, each with a curl line that works on what is there now."""
    client = Client(url, None)
    shipped = client.call("GET", "/v1/orders?limit=50&state=shipped")["items"]
    number = min(shipped, key=lambda order: len(order["lines"]))["number"] if shipped else "536365"
    sku = _sku_in_stock(client)
    checkout = json.dumps({"channel": "web-gb", "lines": [{"sku": sku, "quantity": 1}]})
    return [
        ("a small order as it is", f"{CURL} '{url}/v1/orders/{number}'"),
        ("how it began", f"{CURL} '{url}/v1/orders/{number}/history?limit=1'"),
        ("how many there are of a best seller, and where", f"{CURL} '{url}/v1/stock/{sku}'"),
        ("its last movements", f"{CURL} '{url}/v1/journal?sku={sku}&limit=3'"),
        ("all units, by account: the sum is zero", f"{CURL} '{url}/v1/ledger/trial-balance'"),
        ("all money, by account", f"{CURL} '{url}/v1/ledger/money'"),
        (
            "claim one for a checkout",
            f"{CURL} '{url}/v1/reservations' {JSON} -H 'idempotency-key: cart-1' -d '{checkout}'",
        ),
        ("every operation, to try out in a browser", f"{url}/docs"),
    ]


def _sku_in_stock(client: Client) -> str:
    """A best seller if it can be promised, else the SKU that can be promised most of."""
    if client.call("GET", f"/v1/stock/{KNOWN_SKU}")["available_to_promise"]:
        return KNOWN_SKU
    page: list[dict[str, Any]] = client.call("GET", "/v1/stock?limit=500")["items"]
    plain = [entry for entry in page if entry["sku"].isalnum()]
    return str(max(plain, key=lambda entry: entry["available_to_promise"])["sku"])


@contextmanager
def _folder(directory: Path | None) -> Iterator[tuple[Path, Path]]:
    """(data directory, file for the node's log)."""
    if directory is not None:
        if directory.exists() and any(directory.iterdir()):
            raise click.ClickException(f"{directory} is not empty; the demo starts with a fresh folder")
        directory.mkdir(parents=True, exist_ok=True)
        yield directory, directory / DEMO_LOG
        return
    fresh = Path(tempfile.mkdtemp(prefix="kontor-demo-"))
    try:
        yield fresh, fresh / DEMO_LOG
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _running(data: Path, log: Path, port: int | None, console: Console) -> Iterator[str]:
    """A node as a child process; its address once it is ready. It ends with the block."""
    if port is None:
        port = PORT_DEFAULT if _is_free(PORT_DEFAULT) else _free_port()
    elif not _is_free(port):
        raise click.ClickException(f"port {port} is taken; choose another --port")
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "api.cli.main", "serve", "--data", str(data), "--port", str(port), "--dev"]
    with log.open("wb") as output:
        # A session of its own: Ctrl-C comes here first, and the node is stopped in order.
        node = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
    try:
        with _terminated_as_interrupt():
            _wait_until_ready(node, url, log)
            console.print(f"node      {url}, data in {data}", highlight=False, soft_wrap=True)
            yield url
    finally:
        node.terminate()
        try:
            node.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()


@contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the demo like Ctrl-C, so that the node does not stay behind."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait_until_ready(node: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if node.poll() is not None:
            raise click.ClickException(f"the node did not start:\n{log.read_text(errors='replace')[-2000:].strip()}")
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=5):  # noqa: S310 - our own http address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # the node is starting
    raise click.ClickException(f"the node was not ready within {START_SECONDS_MAX} s; its log is {log}")


def _wait_for_interrupt() -> None:
    try:
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@click.command(name="demo")
@click.option("--exit", "leave", is_flag=True, help="End after the summary instead of serving on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the node. Default: 8081, or a free one.")
@click.option(
    "--data",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the data in this empty folder. Default: a fresh one, gone afterwards.",
)
@click.option("--days", type=click.IntRange(1), help="Only the first trading days of the month.")
def demo_command(leave: bool, port: int | None, directory: Path | None, days: int | None) -> None:
    """Start a node with an example shop, replay one month of real orders over its HTTP API, and serve on.

    Ends with 1 when rows or books do not add up.
    """
    console = Console()
    try:
        good = demo(port=port, directory=directory, stay=not leave, days=days, console=console)
    except (NoDataset, NoExamples, ReplayFailed) as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        console.print("interrupted; the node was stopped")
        raise SystemExit(130) from None
    if not good:
        raise SystemExit(1)
