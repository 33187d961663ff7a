"""The map in docs/architecture.md shows the rooms that are there, in the order in which they build on each other."""

import re
from pathlib import Path

import pytest

from tests.tidy.test_layers import ROOMS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_]+)(/|\.py)` \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`((?:engine|api|tests|bench|docs|examples)/[\w/.]*)`")


def rows_under(heading: str) -> list[tuple[str, str, str]]:
    """The rows of the table under a heading: room, what it ends with, what is there."""
    return ROW.findall(PAGE.split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0])


@pytest.mark.parametrize("ring", ROOMS)
def test_the_map_has_the_rooms_in_their_order(ring: str) -> None:
    assert [room for room, _, _ in rows_under(ring)] == ROOMS[ring]


@pytest.mark.parametrize("ring", ROOMS)
def test_the_map_says_which_rooms_are_folders(ring: str) -> None:
    for room, end, _ in rows_under(ring):
        path = ROOT / ring / f"{room}{end}"
        assert path.is_dir() if end == "/" else path.is_file(), f"{path} is not there"


@pytest.mark.parametrize(
    "page",
    [path for folder in ("docs", "findings") for path in sorted((ROOT / folder).rglob("*.md"))] + [ROOT / "README.md"],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_every_place_that_a_page_names_or_links_to_is_there(page: Path) -> None:
    words = page.read_text(encoding="utf-8")
    links = [page.parent / link for link in re.findall(r"\]\((?!http)([^)#\s]+)[^)]*\)", words)]
    named = [ROOT / name for name in NAMED.findall(words) if not name.startswith(MADE)]
    assert [str(path) for path in links + named if not path.exists()] == []


MADE = "bench/results"
"""Made by a run, not part of the repository."""
