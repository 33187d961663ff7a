"""What opening a journal does with what it finds, as a table that can be reviewed.

A segment is described by a few words. Anything the table does not list is refused, by the name of the segment: LMDB commits
atomically, so there is no torn tail that could be legitimate.
"""

from typing import Literal, NamedTuple

Meta = Literal["both_pages", "first_commit_only", "damaged", "truncated", "pages_damaged"]
Link = Literal["follows", "after_snapshot", "gap", "overlap", "foreign"]
Content = Literal["records", "empty", "unreadable"]
Place = Literal["last", "followed", "last_but_sealed"]
Action = Literal["open", "refuse"]


class Found(NamedTuple):
    """A segment as it lies there.

    meta: LMDB's two meta pages against the file; link: its header against what is before it, in the journal or the archive;
    content: its last batch; place: whether another segment follows, or should.
    """

    meta: Meta
    link: Link
    content: Content
    place: Place


OPEN: Action = "open"

DECISIONS: dict[Found, Action] = {
    Found("both_pages", "follows", "records", "followed"): OPEN,
    Found("both_pages", "follows", "records", "last"): OPEN,
    # Made by a rotation, and the process ended before the first batch came: the next batch goes there.
    Found("both_pages", "follows", "empty", "last"): OPEN,
    Found("first_commit_only", "follows", "empty", "last"): OPEN,
    # What was before it is archived elsewhere, and a snapshot reaches as far as it begins.
    Found("both_pages", "after_snapshot", "records", "followed"): OPEN,
    Found("both_pages", "after_snapshot", "records", "last"): OPEN,
    Found("both_pages", "after_snapshot", "empty", "last"): OPEN,
    Found("first_commit_only", "after_snapshot", "empty", "last"): OPEN,
}

REASONS: dict[str, str] = {
    "damaged": "its meta pages do not agree with its commits: a page is damaged, or another program wrote to it",
    "pages_damaged": "its pages do not hold together, and LMDB would trust them",
    "truncated": "the file is shorter than its used pages",
    "gap": "the segment before it is missing",
    "overlap": "it repeats records of the segment before it",
    "foreign": "it belongs to another journal",
    "unreadable": "its last batch can't be read",
    "last_but_sealed": "the segment after it is missing",
    "empty": "it is empty although another segment follows",
}


def decide(found: Found) -> tuple[Action, str]:
    """What to do with a segment, and the reason for a refusal."""
    if found in DECISIONS:
        return DECISIONS[found], ""
    for word in found:
        if word in REASONS:
            return "refuse", REASONS[word]
    return "refuse", f"its condition is unexplained: {found}"
