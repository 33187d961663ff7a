"""How tables are dumped: as parts of bounded size, each a struct with a tag of its own."""

from collections.abc import Iterator
from typing import Any

import msgspec

PART_ENTRIES_MAX = 4_096
Dumped = Iterator[msgspec.Struct]


def part_of(tag: str, entry: Any) -> Any:
    """The type of a part that is nothing but a list of entries."""
    return msgspec.defstruct(tag, [("items", list[entry])], array_like=True, tag=tag, module=__name__)


def cut(entries: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Some entries at a time, each as it is when its turn comes; what has gone by then is left out."""
    keys = list(entries)
    for start in range(0, len(keys), PART_ENTRIES_MAX):
        yield {key: entries[key] for key in keys[start : start + PART_ENTRIES_MAX] if key in entries}


def values_of(entries: dict[Any, Any], part: Any) -> Dumped:
    """What stands under keys that it holds itself, as parts of one type."""
    return (part(list(some.values())) for some in cut(entries))
