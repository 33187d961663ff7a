"""`kontor state`: what was, at any moment."""

import json
from pathlib import Path
from typing import Any

import click
import msgspec

from api.answers.orders import order_answer
from api.answers.timestamps import iso
from api.cli import options
from api.cli.progress import progress
from api.resources.stock import stock_of
from api.server.books import Paths
from api.server.history import seq_of
from engine.replay import dumping, follower
from engine.results import Rejection
from engine.state import orders
from engine.state.state import State
from engine.wal import JournalReader


@click.command()
@options.data
@options.archive
@options.as_json
@click.option("--at", help="A seq, or a time such as 2026-11-23T14:32:00Z.  [default: the last record]")
@click.option("--sku", help="The stock of this SKU.")
@click.option("--order", "number", help="This order, without the people in it, while it was open.")
@click.option("--raw", is_flag=True, hidden=True)
def state(
    directory: Path, archive: Path | None, as_json: bool, at: str | None, sku: str | None, number: str | None, raw: bool
) -> None:
    """Print the state at any moment: the accounts, or one SKU's stock, or one order.

    It is the newest snapshot before that moment and the records after it. A node may be running on the directory.
    """
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    journal = JournalReader(paths.journal, paths.archive)
    try:
        seq = journal.last_seq if at is None else seq_of(at, journal)
        if isinstance(seq, Rejection):
            raise click.UsageError(seq.detail.replace("`as_of`", "--at"))
        if seq < journal.first_seq - 1:
            raise click.ClickException(
                f"records before {journal.first_seq} are neither in the journal nor in the archive"
            )
        with progress(as_json or raw) as tell:
            then = follower.state_at(journal, paths.snapshots, seq, tell).state
    finally:
        journal.close()
    if raw:
        click.echo(json.dumps(_raw(then, sku, number)))
    elif number is not None:
        order = then.orders.open.get(number)
        if order is None:
            raise click.ClickException(f"order {number!r} was not open after record {seq}")
        _print(msgspec.to_builtins(order_answer(then, order)), as_json)
    elif sku is not None:
        stock = stock_of(then, sku)
        if isinstance(stock, Rejection):
            raise click.ClickException(f"there was no SKU {sku!r} after record {seq}")
        _print(msgspec.to_builtins(stock), as_json)
    else:
        _print(_summary(then), as_json)


def _raw(then: State, sku: str | None, number: str | None) -> dict[str, Any] | None:
    """For the node that asks: an order as it is kept, one SKU's stock, or all in short; None when there was nothing."""
    if number is None and sku is None:
        return _summary(then)
    if number is not None:
        order = then.orders.open.get(number)
        return None if order is None else {"order": orders.encode(order).hex()}
    stock = stock_of(then, sku or "")
    return None if isinstance(stock, Rejection) else msgspec.to_builtins(stock)


def _summary(then: State) -> dict[str, Any]:
    return {
        "seq": then.seq,
        "time": iso(then.time_ns) if then.seq else None,
        "digest": dumping.digest(then),
        "open_reservations": len(then.reservations.active),
        "open_orders": len(then.orders.open),
        "accounts": then.ledger.totals(),
    }


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found))
        return
    width = max(len(name) for name in found) + 2
    for name, value in found.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            click.echo(name)
            for entry in value:
                click.echo(
                    "  " + ", ".join(f"{key} {part}" for key, part in entry.items() if part not in (0, None, []))
                )
        else:
            click.echo(f"{name.replace('_', ' '):<{width}}{_words(value)}")


def _words(value: Any) -> str:
    """A value in one line; of a thing with parts the numbers and names in it, not its lists."""
    if not isinstance(value, dict):
        return str(value)
    return ", ".join(
        f"{part:,} {name}" if isinstance(part, int) else f"{name} {part}"
        for name, part in value.items()
        if isinstance(part, int | str)
    )
