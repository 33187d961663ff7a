"""`kontor sourcing`: which locations serve an order, without a node."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from api.answers.explanations import ExplanationAnswer, PlanAnswer, explain_record
from api.cli import options
from api.cli.progress import progress
from api.cli.sourcing_check import check
from api.cli.sourcing_instances import InstanceUnusable, answer_line, problem_of, read_instance
from api.cli.sourcing_simulate import simulate
from api.server.books import Paths
from engine.replay import follower
from engine.results import Rejection
from engine.sourcing import solve
from engine.wal import JournalReader

EFFORT_DEFAULT = 100_000
SHOWN_MAX = 20


@click.group(cls=options.Group)
def sourcing() -> None:
    """Which locations serve an order, and at what cost."""


sourcing.add_command(check)
sourcing.add_command(simulate)


@sourcing.command("solve")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--effort",
    type=click.IntRange(1),
    default=EFFORT_DEFAULT,
    show_default=True,
    help="How much work a hard order may take; the hardest need some 100 µs for each unit of it.",
)
def solve_command(file: BinaryIO, effort: int) -> None:
    """Solve the orders in FILE, one JSON object a line (- is standard input), and print one answer a line.

    An answer is optimal (its cost is proven), infeasible, or unproven: then no plan costs less than its bound. The
    answers are the same every time.
    """
    total = sum(1 for _ in file) if file.seekable() else 0
    if total:
        file.seek(0)
    with progress(quiet=not total) as tell:
        for number, text in enumerate(file, 1):
            tell("orders", number - 1, total)
            if not text.strip():
                continue
            try:
                instance = read_instance(text)
                answer = answer_line(instance, solve(problem_of(instance), effort))
            except (InstanceUnusable, ValueError) as error:
                click.echo(f"kontor: line {number}: {error}", err=True)
                raise SystemExit(2) from None
            click.echo(answer)


@sourcing.command("explain")
@options.data
@options.archive
@options.as_json
@click.option("--seq", type=click.IntRange(1), required=True, help="The record whose decision is explained.")
@click.option("--raw", is_flag=True, hidden=True)
def explain_command(directory: Path, archive: Path | None, as_json: bool, seq: int, raw: bool) -> None:
    """Say why a recorded decision was made: with the stock and the rules as they were then.

    A node may be running on the directory. Exits with 1 if the decision does not come out the same again.
    """
    paths = Paths.of(directory, archive)
    if not paths.journal.is_dir():
        raise click.ClickException(f"{directory} is no data directory: it has no journal")
    journal = JournalReader(paths.journal, paths.archive)
    try:
        if not journal.first_seq <= seq <= journal.last_seq:
            raise click.ClickException(f"there is no record {seq}; there are {journal.first_seq} to {journal.last_seq}")
        with progress(as_json or raw) as tell:
            before = follower.state_at(journal, paths.snapshots, seq - 1, tell).state
        answer = explain_record(before, journal, seq)
    finally:
        journal.close()
    if raw:
        click.echo(b"null" if isinstance(answer, Rejection) else msgspec.json.encode(answer))
        return
    if isinstance(answer, Rejection):
        raise click.ClickException(answer.detail)
    click.echo(msgspec.json.encode(answer) if as_json else "\n".join(_lines(answer)))
    if not answer.reproduced:
        raise SystemExit(1)


def _lines(answer: ExplanationAnswer) -> Iterator[str]:
    """An explanation for people."""
    decision = answer.decision
    rules = (
        "the built-in rules" if decision.policy is None else f"policy {decision.policy} of record {decision.version}"
    )
    overrides = f", overrides {', '.join(decision.overrides)}" if decision.overrides else ""
    again = "comes out the same again" if answer.reproduced else "comes out DIFFERENT now"
    yield f"record {answer.seq}, {answer.time}, channel {answer.channel}: {rules}{overrides}; {again}"
    proof = "no plan costs less" if answer.status == "optimal" else f"{answer.status}, at least {answer.bound_minor}"
    yield f"plan        {answer.plan.cost_minor:>9,}  ({proof})"
    yield from _plan_lines(answer.plan)
    if answer.runner_up is not None:
        yield f"runner-up   {answer.runner_up.cost_minor:>9,}"
        yield from _plan_lines(answer.runner_up)
    if answer.brought is not None:
        yield f"brought     {answer.brought.plan.cost_minor:>9,}  (by transfer: {answer.brought.rule} of the policy)"
        for moved in answer.brought.transfers:
            units_moved = ", ".join(f"{quantity:,} {sku}" for sku, quantity in moved.units.items())
            yield f"  {moved.source} to {moved.target}: {units_moved}, there {moved.arrives_at}"
    for sku, units in answer.short.items():
        yield f"short       {units:>9,}  {sku}"
    yield f"could send  {len(answer.candidates):>9,}"
    ordered = sorted(answer.candidates, key=lambda c: (c.alone_minor is None, c.alone_minor or 0))
    for candidate in ordered[:SHOWN_MAX]:
        alone = "not everything" if candidate.alone_minor is None else f"{candidate.alone_minor:,} alone"
        far = "" if candidate.km is None else f", {candidate.km:,.0f} km"
        yield f"  {candidate.node}: {alone}{far}, arrives {candidate.delivers_at or 'never'}"
    if len(ordered) > SHOWN_MAX:
        yield f"  and {len(ordered) - SHOWN_MAX} more (--json shows all)"
    yield f"could not   {len(answer.excluded):>9,}"
    for entry in answer.excluded[:SHOWN_MAX]:
        yield f"  {entry.node}: {entry.rule}: {entry.detail}"
    if len(answer.excluded) > SHOWN_MAX:
        yield f"  and {len(answer.excluded) - SHOWN_MAX} more (--json shows all)"


def _plan_lines(plan: PlanAnswer) -> Iterator[str]:
    for shipment in plan.shipments:
        units = ", ".join(f"{quantity:,} {sku}" for sku, quantity in shipment.units.items())
        parts = ", ".join(f"{part.name} {part.minor:,}" for part in shipment.parts if part.minor)
        yield f"  {shipment.cost_minor:>9,}  {shipment.node}: {units}  ({parts or 'free'})"
    if plan.split_penalty_minor:
        yield f"  {plan.split_penalty_minor:>9,}  for splitting"
