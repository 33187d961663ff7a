"""How many orders each node may send a day, and how many of those places are taken.

A place is taken with the reservation that counts on the node, passes to its order's fulfilment, and is free again when
the reservation ends or the node's work is rejected or cancelled. What shipped keeps its place: the work was done.
"""

from collections.abc import Iterable
from typing import Any

from engine.facts.sourcing import Slot
from engine.state.parts import Dumped, part_of

DAYS_KEPT = 2


UNIX_EPOCH_DAY = 719_163  # 1970-01-01 as a proleptic Gregorian ordinal, which is how days are counted


NS_PER_DAY = 86_400_000_000_000


class Capacity:
    """Places taken, by day and node. Only nodes with a limit are counted; past days are dropped."""

    PARTS = (part_of("places_taken", tuple[int, str, int]),)

    def __init__(self) -> None:
        self.taken: dict[int, dict[str, int]] = {}
        self._freed: dict[tuple[str, int], int] = {}  # places that were taken before; derived, and not kept

    def dump(self) -> Dumped:
        """By day and node, a day a part."""
        for day in sorted(self.taken):
            yield self.PARTS[0]([(day, node, count) for node, count in sorted(self.taken.get(day, {}).items())])

    def load(self, part: Any) -> None:
        """Take back a part."""
        for day, node, count in part.items:
            self.taken.setdefault(day, {})[node] = count

    def count(self, node: str, day: int) -> int:
        """Places taken at a node on a day."""
        return self.taken.get(day, {}).get(node, 0)

    def take(self, slots: Iterable[Slot], time_ns: int) -> None:
        """Take places, and forget days that are over everywhere on Earth."""
        kept = first_day_kept(time_ns)
        for day in [day for day in self.taken if day < kept]:
            del self.taken[day]
        for slot in slots:
            nodes = self.taken.setdefault(slot.day, {})
            nodes[slot.node] = nodes.get(slot.node, 0) + 1

    def give_back(self, slots: Iterable[Slot]) -> None:
        """Free places again; a day that is over is not looked for."""
        for slot in slots:
            nodes = self.taken.get(slot.day)
            if nodes is None or slot.node not in nodes:
                continue
            self._freed.setdefault((slot.node, slot.day), nodes[slot.node])
            nodes[slot.node] -= 1
            if not nodes[slot.node]:
                del nodes[slot.node]
            if not nodes:
                del self.taken[slot.day]

    def freed(self) -> list[tuple[str, int, int]]:
        """Node, day and how many places were taken there before, where places were freed since this was asked last."""
        some = [(node, day, before) for (node, day), before in self._freed.items() if self.count(node, day) < before]
        self._freed = {}
        return some


def first_day_kept(time_ns: int) -> int:
    """The first day that is not over everywhere on Earth; places of earlier ones may be forgotten."""
    return UNIX_EPOCH_DAY + time_ns // NS_PER_DAY - DAYS_KEPT
