"""Goods between nodes, as they are kept: those under way, and the last that ended."""

import msgspec

from engine import limits
from engine.lifecycles import IN_TRANSIT, PLANNED
from engine.state.kept import Kept
from engine.state.parts import part_of


class TransferLine(msgspec.Struct, array_like=True, gc=False):
    """Units of one SKU. `received` can be more than `quantity`; `damaged` are among the received ones."""

    sku: str
    quantity: int
    received: int = 0
    damaged: int = 0
    lost: int = 0

    @property
    def awaited(self) -> int:
        """Units that have neither arrived nor been given up."""
        return max(0, self.quantity - self.received - self.lost)


class Transfer(msgspec.Struct, array_like=True, gc=False):
    """Goods that go from `source` to `target`. `changed_at_ns` is when it reached `state`; with `inbound` its units are
    promised there."""

    number: int
    source: str
    target: str
    state: str
    lines: tuple[TransferLine, ...]
    expected_at_ns: int | None
    created_at_ns: int
    changed_at_ns: int
    inbound: int | None = None

    def line_of(self, sku: str) -> TransferLine | None:
        """The line of a SKU."""
        return next((line for line in self.lines if line.sku == sku), None)


class Transfers(Kept[Transfer]):
    """Those planned or in transit, and the last that ended."""

    ENDED_MAX = limits.TRANSFERS_ENDED_KEPT
    PARTS = part_of("transfers", Transfer, "open", "add"), part_of("ended_transfers", Transfer, "ended")

    def move(self, transfer: Transfer, new_state: str, time_ns: int) -> None:
        """Take one to another state."""
        transfer.state, transfer.changed_at_ns = new_state, time_ns
        if new_state not in (PLANNED, IN_TRANSIT):
            self.end(transfer)
