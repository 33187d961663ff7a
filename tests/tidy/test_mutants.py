"""The tool behind `make mutants`: which changes it makes of a text, and that a seed always draws the same ones."""

from pathlib import Path

import pytest

from tests.mutants.making import mutants_of
from tests.mutants.modules import LEFT_OUT, ROWS, WIDER
from tests.mutants.sampling import Change, all_changes, explained, sample

ROOT = Path(__file__).parents[2]

KETTLES = '''"""Kettles, at least 1."""
LIMITS: dict[str, int] = {"web": 3, "till": 9}

def room(held: list[int], wanted: int) -> bool:
    """Whether there is room for 2 more."""
    assert wanted > 0, "nothing is wanted"
    for each in held:
        if each < 0 or not each:
            continue
        print(f"{each + 1} held", min(each, wanted))
    return sum(held) + wanted <= LIMITS["web"]
'''

OF_KETTLES = """
 2 LIMITS: dict[str, int] = {"web": 2, "till": 9}
 2 LIMITS: dict[str, int] = {"web": 3, "till": 10}
 2 LIMITS: dict[str, int] = {"web": 3, "till": 8}
 2 LIMITS: dict[str, int] = {"web": 4, "till": 9}
 2 LIMITS: dict[str, int] = {'till': 9}
 2 LIMITS: dict[str, int] = {'web': 3}
 8 if (each < 0 and (not each)):
 8 if (each < 0):
 8 if (not each):
 8 if False:
 8 if True:
 8 if each < (-1) or not each:
 8 if each < 0 or each:
 8 if each < 1 or not each:
 8 if each <= 0 or not each:
 8 if each > 0 or not each:
 9 break
 9 pass
10 pass
10 print(f"{each + 1} held", max(each, wanted))
10 print(min(each, wanted), f'{each + 1} held')
11 return (sum(held) - wanted) <= LIMITS["web"]
11 return None
11 return sum(held) + wanted < LIMITS['web']
11 return sum(held) + wanted >= LIMITS['web']
"""
OF_ITS_ASSERTION = """
 6 assert wanted < 0, "nothing is wanted"
 6 assert wanted > (-1), "nothing is wanted"
 6 assert wanted > 1, "nothing is wanted"
 6 assert wanted >= 0, "nothing is wanted"
 6 pass
"""


def changes_of(source: str, assertions: bool = False) -> list[str]:
    """Line by line, the number before what it becomes."""
    return [f"{mutant.line:2} {mutant.after}" for mutant in mutants_of(source, assertions)]


def lines_of(text: str) -> list[str]:
    return text.strip("\n").split("\n")


def test_all_changes_of_a_short_text() -> None:
    assert changes_of(KETTLES) == lines_of(OF_KETTLES)


def test_assertions_are_changed_only_where_it_is_asked_for() -> None:
    more = [change for change in changes_of(KETTLES, assertions=True) if change not in changes_of(KETTLES)]
    assert more == lines_of(OF_ITS_ASSERTION)


def test_a_change_is_known_by_its_text_wherever_it_stands() -> None:
    there, below = mutants_of("ready = a < b"), mutants_of("first = 'kettle'\n\n\nready = a < b")
    assert [(m.before, m.after) for m in there] == [(m.before, m.after) for m in below]
    assert [m.line for m in below] == [4, 4]


@pytest.mark.parametrize(
    "source",
    [
        "from engine import limits",
        '"""A text of 3 words."""',
        "def at(self, units: int | None) -> tuple[int, str] | None: pass",
        "@lru_cache(maxsize=4_096)\ndef at(): pass",
        "Place = Literal['last', 'followed']",
        "if TYPE_CHECKING:\n    from engine.state import State",
        'print(f"{units + 1} of {max(1, 2)}")',
        '__all__ = ["supply"]',
        "zip(lines, strict=True)",
    ],
)
def test_what_only_people_and_type_checkers_read_stays_as_it_is(source: str) -> None:
    assert [change for change in changes_of(source) if not change.endswith(" pass")] == []


def drawn(count: int, seed: int) -> list[Change]:
    rows = [row for row in ROWS if row.name in ("ledger", "idempotency", "amounts")]
    return sample(all_changes(rows, ROOT), count, seed)


def test_the_same_seed_draws_the_same_changes_evenly() -> None:
    assert drawn(31, seed=4711) == drawn(31, seed=4711) != drawn(31, seed=4712)
    counts = [
        sum(change.row.name == name for change in drawn(31, seed=4711)) for name in ("ledger", "amounts", "idempotency")
    ]
    assert counts == [11, 10, 10]
    assert set(drawn(31, seed=4711)) <= set(drawn(60, seed=4711))


def test_what_a_small_module_does_not_have_others_give() -> None:
    everything = drawn(10_000, seed=1)
    assert len(everything) == len(set(everything)) == len(drawn(len(everything), seed=2))


def test_all_files_and_tests_that_are_named_are_there() -> None:
    for row in ROWS:
        assert all((ROOT / path).exists() for path in (*row.files, *row.tests)), row.name
    assert all((ROOT / path.split("::")[0]).exists() for path in (*WIDER, *LEFT_OUT))


def test_whatever_is_explained_is_a_change_that_can_be_made() -> None:
    changes = all_changes(ROWS, ROOT)
    for entry in explained():
        assert any(entry.fits(change) for change in changes[entry.module]), entry
