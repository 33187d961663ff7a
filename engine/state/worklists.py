"""What each node has to do, state by state, in the order in which it should leave. Derived from the open orders."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import islice

Entry = tuple[int, int]


class Worklists:
    """(target_ns, fulfilment) of all open fulfilments, sorted, by node and state."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[Entry]] = {}

    def add(self, node: str, state: str, target_ns: int, fulfilment: int) -> None:
        """A fulfilment has come to a state."""
        insort(self._lists.setdefault((node, state), []), (target_ns, fulfilment))

    def remove(self, node: str, state: str, target_ns: int, fulfilment: int) -> None:
        """A fulfilment has left a state."""
        entries = self._lists[node, state]
        at = bisect_left(entries, (target_ns, fulfilment))
        assert entries[at] == (target_ns, fulfilment)
        del entries[at]
        if not entries:
            del self._lists[node, state]

    def after(self, node: str, state: str, entry: Entry = (-1, 0)) -> Iterator[Entry]:
        """What stands after an entry, that which should leave first coming first."""
        entries = self._lists.get((node, state), [])
        return islice(entries, bisect_left(entries, (entry[0], entry[1] + 1)), None)

    def entries(self) -> Iterator[tuple[str, str, int, int]]:
        """Everything, as (node, state, target_ns, fulfilment)."""
        for (node, state), entries in self._lists.items():
            for target_ns, fulfilment in entries:
                yield node, state, target_ns, fulfilment

    def count(self, node: str, state: str) -> int:
        """Fulfilments of a node in a state."""
        return len(self._lists.get((node, state), ()))
