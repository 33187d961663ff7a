"""The table that says what opening does with what it finds."""

from itertools import product
from typing import get_args

from engine.wal.recovery import DECISIONS, OPEN, Content, Found, Link, Meta, decide

EVERYTHING = [Found(*found) for found in product(get_args(Meta), get_args(Link), get_args(Content), (True, False))]


def test_only_what_the_table_lists_is_opened() -> None:
    opened = {found for found in EVERYTHING if decide(found)[0] == "open"}
    assert opened == set(DECISIONS)
    assert set(DECISIONS.values()) == {OPEN}


def test_every_refusal_says_why() -> None:
    for found in EVERYTHING:
        action, reason = decide(found)
        assert (action == "open") == (reason == ""), found


def test_nothing_damaged_foreign_or_unreadable_is_ever_opened() -> None:
    for found in DECISIONS:
        assert found.meta in ("both_pages", "first_commit_only")
        assert found.link == "follows"
        assert found.content in ("records", "empty")
        assert found.content == "records" or found.is_last
