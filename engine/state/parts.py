"""How tables are dumped: as parts of bounded size, each a struct with a tag of its own."""

from collections.abc import Iterator
from typing import Any

import msgspec

PART_ENTRIES_MAX = 512  # one part is taken while nobody is answered
Dumped = Iterator[msgspec.Struct]


def part_of(tag: str, entry: Any, entries: str = "", add: str = "") -> Any:
    """The type of a part that is a list of entries, of the dict `entries` of a table, taken back by its `add`."""
    kept = {"entries": entries, "add": add}
    return msgspec.defstruct(tag, [("items", list[entry])], array_like=True, tag=tag, module=__name__, namespace=kept)


def cut(entries: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Some entries at a time, each as it is when its turn comes; what has gone by then is left out."""
    keys = list(entries)
    for start in range(0, len(keys), PART_ENTRIES_MAX):
        yield {key: entries[key] for key in keys[start : start + PART_ENTRIES_MAX] if key in entries}


class Listed:
    """A table that is dumped as lists of what has a number, by PARTS of `part_of`."""

    PARTS: tuple[Any, ...]

    def dump(self) -> Dumped:
        """All of it, in order."""
        for part in self.PARTS:
            for some in cut(getattr(self, part.entries)):
                yield part(list(some.values()))

    def load(self, part: Any) -> None:
        """Take back a part."""
        if part.add:
            for thing in part.items:
                getattr(self, part.add)(thing)
        else:
            getattr(self, part.entries).update({thing.number: thing for thing in part.items})
