"""The table that says what opening does with what it finds."""

from itertools import product
from typing import get_args

from engine.wal.recovery import DECISIONS, OPEN, Content, Found, Link, Meta, Place, decide

EVERYTHING = [Found(*found) for found in product(get_args(Meta), get_args(Link), get_args(Content), get_args(Place))]


def test_only_what_the_table_lists_is_opened() -> None:
    opened = {found for found in EVERYTHING if decide(found)[0] == "open"}
    assert opened == set(DECISIONS)
    assert set(DECISIONS.values()) == {OPEN}


def test_every_refusal_says_why() -> None:
    for found in EVERYTHING:
        action, reason = decide(found)
        assert (action == "open") == (reason == ""), found


REASON_OF_META = {
    "damaged": "its meta pages do not agree with its commits: a page is damaged, or another program wrote to it",
    "truncated": "the file is shorter than its used pages",
    "pages_damaged": "its pages do not hold together, and LMDB would trust them",
}
REASON_OF_LINK = {
    "gap": "the segment before it is missing",
    "overlap": "it repeats records of the segment before it",
    "foreign": "it belongs to another journal",
}


def reason_of(meta: Meta, link: Link, content: Content, place: Place) -> str:
    """Why such a segment is refused: the first thing wrong, from the file to what stands around it."""
    if meta in REASON_OF_META:
        return REASON_OF_META[meta]
    if link in REASON_OF_LINK:
        return REASON_OF_LINK[link]
    if content == "unreadable":
        return "its last batch can't be read"
    if content == "empty":
        return "it is empty although another segment follows"
    if place == "last_but_sealed":
        return "the segment after it is missing"
    return f"its condition is unexplained: {Found(meta, link, content, place)}"


def test_the_reason_of_a_refusal_is_the_first_thing_wrong() -> None:
    for found in EVERYTHING:
        if found not in DECISIONS:
            assert decide(found) == ("refuse", reason_of(*found))


def test_nothing_damaged_foreign_or_unreadable_is_ever_opened() -> None:
    for found in DECISIONS:
        assert found.meta in ("both_pages", "first_commit_only")
        assert found.link in ("follows", "after_snapshot")
        assert found.content in ("records", "empty")
        assert found.content == "records" or found.place == "last"
        assert found.place != "last_but_sealed"


def test_a_segment_that_is_sealed_and_followed_by_nothing_is_named_so() -> None:
    found = Found("both_pages", "follows", "records", "last_but_sealed")
    assert decide(found) == ("refuse", "the segment after it is missing")
