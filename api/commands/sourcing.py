"""`kontor sourcing`: which locations serve an order, without a node."""

from typing import BinaryIO

import click

from api.commands.progress import progress
from api.instances import InstanceUnusable, answer_line, problem_of, read_instance
from engine.sourcing import solve

EFFORT_DEFAULT = 400_000


@click.group()
def sourcing() -> None:
    """Which locations serve an order, and at what cost."""


@sourcing.command("solve")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--effort",
    type=click.IntRange(1),
    default=EFFORT_DEFAULT,
    show_default=True,
    help="How much work a hard order may take; the hardest need some 40 µs for each unit of it.",
)
def solve_command(file: BinaryIO, effort: int) -> None:
    """Solve the orders in FILE, one JSON object a line (- is standard input), and print one answer a line.

    An answer is optimal (its cost is proven), infeasible, or unproven: then no plan costs less than its bound. The answers
    are the same every time.
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
