"""The tables of steps in the reference are those of the engine."""

from pathlib import Path

import pytest

from engine import lifecycles
from engine.lifecycles import Lifecycle, Step, Traits

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "order-life.md").read_text(encoding="utf-8")
TABLES = [table for table in vars(lifecycles).values() if isinstance(table, Lifecycle)]


UNLESS: dict[Traits, str] = {
    ("ship_held",): "not while a hold stops shipping",
    ("nothing_due",): "not where prices leave nothing due",
    ("order_held",): "not while a hold stops its order",
    ("nothing_lost",): "not where nothing was lost",
    ("turned_back",): "not twice",
    ("by_transfer",): "not where a transfer brings it",
}


def only(step: Step) -> str:
    """The last column."""
    words = [", ".join(step.needs)] if step.needs else []
    if step.unless:
        words.append(UNLESS[step.unless])
    return "; ".join(words + (["by itself"] if step.by_itself else []))


def rows_under(heading: str) -> list[str]:
    """The rows of the first table under a heading."""
    under = PAGE.split(f"### {heading}", 1)[1].split("\n#", 1)[0]
    return [line for line in under.splitlines() if line.startswith("| ")][2:]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.thing)
def test_the_page_has_every_step_as_it_is(table: Lifecycle) -> None:
    expected = []
    for step in table.steps.values():
        cells = (step.action, ", ".join(step.sources), step.target or "", only(step))
        expected.append("|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|")
    assert rows_under(table.thing.capitalize()) == expected
