"""Which changes are tried: as many of each module, drawn by a seed; and which of them are known to change nothing."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.mutants.making import Mutant, mutants_of
from tests.mutants.modules import Row

EXPLAINED = Path(__file__).with_name("explained.toml")


class Change(NamedTuple):
    """A mutant of a file of a module."""

    row: Row
    file: str
    mutant: Mutant

    def __str__(self) -> str:
        """As one line of a unified diff has it, twice."""
        line, before, after, _ = self.mutant
        return f"{self.file}:{line}\n-    {before}\n+    {after}"


class Explained(NamedTuple):
    """Why a change changes nothing. It is known by its texts, for lines move."""

    module: str
    before: str
    after: str
    why: str

    def fits(self, change: Change) -> bool:
        """Whether it is this change."""
        return (self.module, self.before, self.after) == (change.row.name, change.mutant.before, change.mutant.after)


def explained(file: Path = EXPLAINED) -> list[Explained]:
    """All that are written down."""
    return [Explained(**entry) for entry in tomllib.loads(file.read_text())["explained"]]


def all_changes(rows: Sequence[Row], root: Path) -> dict[str, list[Change]]:
    """Every change of every module, by its name."""
    return {
        row.name: [
            Change(row, file, mutant)
            for file in row.files
            for mutant in mutants_of((root / file).read_text(), row.assertions)
        ]
        for row in rows
    }


def sample(changes: Mapping[str, Sequence[Change]], count: int, seed: int) -> list[Change]:
    """So many changes, evenly over the modules; what a small module does not have, others give more of.

    The same seed gives the same changes as long as the module is the same, whatever becomes of others.
    """
    drawn: dict[str, int] = dict.fromkeys(changes, 0)
    left = min(count, sum(len(some) for some in changes.values()))
    while left:
        for name, some in changes.items():
            if left and drawn[name] < len(some):
                drawn[name] += 1
                left -= 1
    shuffled = {name: Random(f"{seed}:{name}").sample(list(some), len(some)) for name, some in changes.items()}
    return [change for name, some in shuffled.items() for change in some[: drawn[name]]]
