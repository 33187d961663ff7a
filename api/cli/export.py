"""`kontor export`: the money books for other programs."""

import contextlib
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TextIO

import click
import msgspec

from api.answers.timestamps import moment_ns
from api.cli import options
from api.exporting import datev as format_
from api.exporting.bookings import EXPONENTS, bookings
from api.exporting.tables import write_balances, write_postings
from api.server.books import Paths
from engine.facts import records
from engine.facts.money import PeriodLocked
from engine.wal import JournalReader

_day = click.DateTime(["%Y-%m-%d"])
_from = click.option("--from", "first", type=_day, help="The first day.  [default: the first there is]")
_through = click.option("--through", "last", type=_day, help="The last day.  [default: today]")
_out = click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="The file to write.  [default: standard output]"
)


@click.group(cls=options.Group)
def export() -> None:
    """Write the money books for other programs. A node may be running on the directory."""


@export.command()
@options.data
@options.archive
@_from
@_through
@_out
def money(
    directory: Path, archive: Path | None, first: datetime | None, last: datetime | None, out: Path | None
) -> None:
    """Every posting of money as CSV (UTF-8), oldest first, by the day it belongs to."""
    with _journal(directory, archive) as journal, _file(out, "utf-8") as file:
        count = write_postings(bookings(journal, _date(first), _date(last)), file)
    _done(count, "posting", out)


@export.command("trial-balance")
@options.data
@options.archive
@_from
@_through
@_out
def trial_balance(
    directory: Path, archive: Path | None, first: datetime | None, last: datetime | None, out: Path | None
) -> None:
    """Every account as CSV: what it stood at before, debits, credits, and what it stands at. All closings of a currency
    sum to zero."""
    with _journal(directory, archive) as journal, _file(out, "utf-8") as file:
        if journal.first_seq != 1:
            raise click.ClickException("the first records are not here: name the archive they are in with --archive")
        count = write_balances(bookings(journal, None, _date(last)), _date(first), file)
    _done(count, "account", out)


@export.command()
@options.data
@options.archive
@click.option("--from", "first", type=_day, required=True, help="The first day.")
@click.option("--through", "last", type=_day, required=True, help="The last day, of the same financial year.")
@click.option("--consultant", type=click.IntRange(1_001, 9_999_999), required=True, help="Beraternummer.")
@click.option("--client", type=click.IntRange(1, 99_999), required=True, help="Mandantennummer.")
@click.option("--fiscal-year-begins", type=_day, help="Wirtschaftsjahresbeginn.  [default: January 1 of --from]")
@click.option("--chart", type=click.Choice(sorted(format_.CHARTS)), default="03", show_default=True, help="SKR.")
@click.option("--account-length", type=click.IntRange(4, 8), default=4, show_default=True, help="Sachkontenlänge.")
@click.option("--currency", default="EUR", show_default=True, help="A batch is of one currency.")
@click.option(
    "--accounts",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON file with numbers of your own, such as {"revenue:FR": "8320"}; they go before those of the chart.',
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file: EXTF_....csv.")
def datev(
    directory: Path,
    archive: Path | None,
    first: datetime,
    last: datetime,
    consultant: int,
    client: int,
    fiscal_year_begins: datetime | None,
    chart: str,
    account_length: int,
    currency: str,
    accounts: Path | None,
    out: Path,
) -> None:
    """A posting batch (EXTF Buchungsstapel 700/13) for DATEV. docs/reference/bookkeeping.md says what is in it."""
    begins = date(first.year, 1, 1) if fiscal_year_begins is None else fiscal_year_begins.date()
    if (begins.month, begins.day) == (2, 29):
        raise click.UsageError("no financial year begins on February 29")
    if not begins <= first.date() <= last.date() < begins.replace(year=begins.year + 1):
        raise click.UsageError(f"--from and --through must be in the financial year that begins on {begins}")
    if EXPONENTS.get(currency, 2) != 2:
        raise click.UsageError(f"DATEV takes amounts with two decimals only, which {currency} has not")
    numbers = {**format_.CHARTS[chart], **_own(accounts, account_length)}
    with _journal(directory, archive) as journal:
        batch = format_.Batch(
            consultant, client, begins, first.date(), last.date(), currency, chart, account_length,
            _is_locked(journal, last.date()), datetime.now(UTC),
        )  # fmt: skip
        written = list(format_.lines(batch, bookings(journal, batch.first, batch.last), numbers))
    with _file(out, format_.ENCODING) as file:
        file.writelines(f"{line}\r\n" for line in written)
    _done(len(written) - 2, "posting", out)


def _own(file: Path | None, account_length: int) -> dict[str, str]:
    if file is None:
        return {}
    try:
        own = msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except msgspec.MsgspecError as error:
        raise click.UsageError(f"{file.name}: {error}") from None
    wrong = [
        name
        for name, number in own.items()
        if not (number.isascii() and number.isdigit() and len(number) <= account_length + 1)
    ]
    if wrong:
        raise click.UsageError(f"{file.name}: no account number of {account_length} digits: {', '.join(wrong)}")
    return own


def _is_locked(journal: JournalReader, last: date) -> bool:
    """Whether the books are locked through a day."""
    over_ns = moment_ns(f"{last}T00:00:00Z")
    for batch in journal.read_backwards():
        if over_ns is not None and batch.time_ns < over_ns:
            break
        for encoded in reversed(batch.records):
            if b"period_locked" in encoded:
                for fact in records.decode(encoded).facts:
                    if isinstance(fact, PeriodLocked):
                        return fact.through_day >= last.toordinal()
    return False


def _date(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


@contextlib.contextmanager
def _journal(directory: Path, archive: Path | None) -> Iterator[JournalReader]:
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    journal = JournalReader(paths.journal, paths.archive)
    try:
        yield journal
    except format_.UnmappedAccounts as error:
        names = "\n".join(f"  {name}" for name in error.accounts)
        raise click.ClickException(
            f"give these accounts a number with --accounts; nothing was written:\n{names}"
        ) from None
    finally:
        journal.close()


@contextlib.contextmanager
def _file(out: Path | None, encoding: str) -> Iterator[TextIO]:
    """The file, complete or not at all."""
    if out is None:
        yield sys.stdout
        return
    unfinished = out.with_name(f"{out.name}.tmp")
    try:
        with unfinished.open("w", encoding=encoding, errors="replace", newline="") as file:
            yield file
        unfinished.replace(out)
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _done(count: int, thing: str, out: Path | None) -> None:
    if out is not None:
        click.echo(f"wrote {count} {thing}{'' if count == 1 else 's'} to {out}")
