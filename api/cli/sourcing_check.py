"""`kontor sourcing check`: every recorded decision made once more, with the stock and the rules of its moment."""

import json
from pathlib import Path

import click

from api.answers.explanations import same_sources
from api.cli import options
from api.cli.progress import progress
from api.server.books import Paths
from engine import machine
from engine.facts import records
from engine.replay import follower
from engine.replay.decisions import decided_again, decided_in
from engine.wal import JournalReader

SHOWN_MAX = 20
TELL_EVERY = 5_000


@click.command("check")
@options.data
@options.archive
@options.as_json
@click.option("--from", "first", type=click.IntRange(1), default=1, show_default=True, help="The first record.")
@click.option("--to", "last", type=click.IntRange(1), help="The last record.  [default: the newest]")
def check(directory: Path, archive: Path | None, as_json: bool, first: int, last: int | None) -> None:
    """Make every recorded decision once more and compare, with the stock and the rules as they were then.

    A node may be running on the directory; nothing is changed. Exits with 1 if a decision comes out differently.
    """
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    journal = JournalReader(paths.journal, paths.archive)
    decisions, different = 0, []
    try:
        last = journal.last_seq if last is None else min(last, journal.last_seq)
        first = max(first, journal.first_seq)
        with progress(as_json) as tell:
            state = follower.state_at(journal, paths.snapshots, first - 1, tell).state
            for batch in journal.read(first - 1):
                for seq, encoded in enumerate(batch.records, batch.first_seq):
                    if not first <= seq <= last:
                        continue
                    record = records.decode(encoded)
                    decided = decided_in(state, record.facts)
                    if decided is not None:
                        decisions += 1
                        if not same_sources(decided, decided_again(state, decided, batch.time_ns)):
                            different.append(seq)
                    machine.replay(state, seq, batch.time_ns, record)
                    if seq % TELL_EVERY == 0:
                        tell("records", seq, last)
                if batch.first_seq > last:
                    break
    finally:
        journal.close()
    if as_json:
        click.echo(json.dumps({"decisions": decisions, "different": len(different), "seqs": different[:SHOWN_MAX]}))
    else:
        click.echo(f"{decisions:,} decisions made once more, {len(different):,} different")
        for seq in different[:SHOWN_MAX]:
            click.echo(f"  record {seq} (kontor sourcing explain --data {directory} --seq {seq})")
    if different:
        raise SystemExit(1)
