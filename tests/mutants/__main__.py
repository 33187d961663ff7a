"""Small changes to the core, one at a time, and whether a test notices: `make mutants`.

A test suite is as good as what it notices. Here modules of the engine are changed in one spot (a comparison, a constant, a
statement that is left out, arguments in another order), a seeded sample of these changes is tried against the tests of the
module and those around it, and what nobody notices is printed: either a test is missing, or the change changes nothing.
Changes of the second kind stand in explained.toml, with the reason.

    modules.py      the modules, where they stand, and the tests that are tried
    making.py       all changes of a source text
    sampling.py     which of them are tried, and which are explained
    running.py      one process and one copy of the tree for each change
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.modules import ROWS
from tests.mutants.running import NO_PROGRAM, SURVIVED, Copy, Tried, load, try_all, try_unchanged
from tests.mutants.sampling import Change, all_changes, explained, sample

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Returns 0 if enough was noticed."""
    asked = _arguments()
    rows = [row for row in ROWS if not asked.modules or row.name in asked.modules]
    changes = all_changes(rows, ROOT)
    drawn = sample(changes, asked.changes, asked.seed)
    load()
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        first = Copy(ROOT, Path(place) / "0")
        failing = [] if asked.hurry else try_unchanged(first, rows)
        if failing:
            print("\n".join(["fails without any change:", *failing]))
            return 2
        copies = [first, *(Copy(first.place, Path(place) / str(number)) for number in range(1, asked.processes))]
        tried = []
        for number, one in enumerate(try_all(drawn, copies, ROOT), 1):
            tried.append(one)
            print(
                f"{number}/{len(drawn)} {one.change.row.name}:{one.change.mutant.line} {one.outcome} ({one.tests})",
                flush=True,
            )
    return 0 if _told(tried, changes) >= asked.least else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Change the core in small ways and see what no test notices."
    )
    parser.add_argument("--seed", type=int, default=1, help="which changes are drawn")
    parser.add_argument("--changes", type=int, default=350, help="how many, evenly over the modules")
    parser.add_argument("--processes", type=int, default=2, help="how many are tried at once")
    parser.add_argument("--least", type=float, default=0.0, help="exit with 1 if a smaller share is noticed, say 0.95")
    parser.add_argument("--modules", nargs="*", choices=[row.name for row in ROWS], help="only these")
    parser.add_argument("--hurry", action="store_true", help="do not try the tests without a change first")
    return parser.parse_args()


def _told(tried: Sequence[Tried], changes: dict[str, list[Change]]) -> float:
    """Print all of it; the share that was noticed of what can be."""
    known = explained()
    survivors = [one.change for one in tried if one.outcome == SURVIVED]
    open_ones = [change for change in survivors if not any(entry.fits(change) for entry in known)]
    print(f"\n{'module':14}{'all':>7}{'sample':>8}{'noticed':>9}{'explained':>11}{'survived':>10}")
    totals = [0] * 5
    for name, some in changes.items():
        valid = [one for one in tried if one.change.row.name == name and one.outcome != NO_PROGRAM]
        left = sum(change.row.name == name for change in open_ones)
        without = sum(change.row.name == name for change in survivors) - left
        figures = [len(some), len(valid), len(valid) - left - without, without, left]
        totals = [total + figure for total, figure in zip(totals, figures, strict=True)]
        print(_row(name, figures))
    print(_row("together", totals))
    for change in sorted(open_ones, key=lambda change: (change.file, change.mutant.line)):
        print(f"\n{change}")
    for one in tried:
        if one.outcome != SURVIVED and any(entry.fits(one.change) for entry in known):
            print(f"\nexplained, and noticed all the same:\n{one.change}")
    _, valid_count, noticed, without, _ = totals
    share = noticed / max(1, valid_count - without)
    print(f"\n{noticed} of {valid_count - without} noticed: {share:.1%}")
    return share


def _row(name: str, figures: Sequence[int]) -> str:
    return f"{name:14}" + "".join(f"{figure:{width}}" for figure, width in zip(figures, (7, 8, 9, 11, 10), strict=True))


if __name__ == "__main__":
    sys.exit(main())
