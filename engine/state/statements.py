"""What marketplaces said of orders that have not come: cancellations that were quicker than their order."""

import msgspec

from engine import limits
from engine.state.parts import Listed, part_of


class Statement(msgspec.Struct, array_like=True, gc=False):
    """Order `number` of `channel` was called off as of `stated_at_ns`."""

    number: str
    channel: str
    stated_at_ns: int


class Statements(Listed):
    """The newest of each order, by channel and number; the oldest ones make room."""

    PARTS = (part_of("statements", Statement, "kept", "keep"),)

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Statement] = {}

    def keep(self, statement: Statement) -> None:
        """Take in one; an older one of the same order goes."""
        self.kept.pop((statement.channel, statement.number), None)
        self.kept[statement.channel, statement.number] = statement
        if len(self.kept) > limits.STATEMENTS_KEPT:
            del self.kept[next(iter(self.kept))]

    def of(self, channel: str, number: str) -> Statement | None:
        """What was said of an order that has not come."""
        return self.kept.get((channel, number))

    def forget(self, channel: str, number: str) -> None:
        """It has come."""
        self.kept.pop((channel, number), None)
