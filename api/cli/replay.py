"""`kontor replay`."""

import json
from fractions import Fraction
from pathlib import Path

import click
from rich.console import Console

from api.cli import options
from api.rehearsal import run
from api.rehearsal.dataset import NoDataset
from api.rehearsal.omnichannel import Shares
from api.rehearsal.progress import ReplayFailed
from api.rehearsal.shop import NoExamples


class StockFactor(click.ParamType[Fraction]):
    """A positive decimal number, kept exact."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> Fraction:
        """`1.1` is eleven tenths."""
        try:
            factor = Fraction(str(value))
        except (ValueError, ZeroDivisionError):
            factor = Fraction(-1)
        if not 0 < factor <= 100:
            self.fail(f"{value!r} is not a number above 0, at most 100", param, context)
        return factor


STOCK_FACTOR = StockFactor()
SHARE = click.FloatRange(0, 1)


@click.command(name="replay")
@click.argument("dataset", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--data",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Replay in process into this data directory; an interrupted replay goes on. Default: a fresh one, thrown away.",
)
@click.option("--url", help="Replay over HTTP against the node at this address, such as http://127.0.0.1:8080.")
@options.key
@click.option("--seed", default=run.SEED_DEFAULT, show_default=True, help="Chooses the stores that stock a SKU.")
@click.option(
    "--stock-factor",
    default=run.STOCK_FACTOR_DEFAULT,
    show_default=True,
    type=STOCK_FACTOR,
    help="Units received for every unit the orders need. Below 1 checkouts are refused.",
)
@click.option(
    "--connections",
    default=run.CONNECTIONS_DEFAULT,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Connections to --url.",
)
@click.option("--days", type=click.IntRange(1), help="Only the first trading days of the file.")
@click.option(
    "--omnichannel", is_flag=True, help="Play the second scenario: pickups, rejects, short picks, transfers, changes."
)
@click.option(
    "--pickup-share",
    default=0.2,
    show_default=True,
    type=SHARE,
    help="Orders picked up where one counter has all of it.",
)
@click.option("--reject-share", default=0.04, show_default=True, type=SHARE, help="Work that a store gives back.")
@click.option(
    "--short-share", default=0.03, show_default=True, type=SHARE, help="Work of which a store finds too little."
)
@click.option("--check", is_flag=True, help="Look at every invariant after every step of the plan, in process (slow).")
@options.as_json
def replay_command(
    dataset: Path,
    directory: Path | None,
    url: str | None,
    key: str | None,
    seed: int,
    stock_factor: Fraction,
    connections: int,
    days: int | None,
    omnichannel: bool,
    pickup_share: float,
    reject_share: float,
    short_share: float,
    check: bool,
    as_json: bool,
) -> None:
    """Replay the real orders of DATASET (Online Retail, CSV, gzip) through the engine and account for every row.

    Ends with 1 when the rows do not add up or the books do not balance.
    """
    from api.rehearsal.report import BarWatcher, full

    if directory is not None and url is not None:
        raise click.UsageError("give either --data (in process) or --url (a running node)")
    if omnichannel and url is not None:
        raise click.UsageError("--omnichannel plays in process: leave --url out")
    shares = Shares(pickup=pickup_share, reject=reject_share, short=short_share)
    chosen = run.Options(
        data=directory,
        url=url,
        key=key,
        seed=seed,
        stock_factor=stock_factor,
        connections=connections,
        days_max=days,
        omnichannel=shares if omnichannel else None,
        check=check,
    )
    try:
        with BarWatcher(Console(stderr=True), f"replaying {dataset.name}") as watcher:
            report = run.replay(dataset, chosen, watcher)
    except (NoDataset, NoExamples, ReplayFailed) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(report.to_json()))
    else:
        Console().print(full(report))
    if not report.good:
        raise SystemExit(1)
