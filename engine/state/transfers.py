"""Goods between nodes, as they are kept: those under way, and the last that ended."""

import msgspec

from engine import limits
from engine.lifecycles import IN_TRANSIT, PLANNED
from engine.state.kept import Kept
from engine.state.parts import part_of

NOTHING_LOST, TURNED_BACK = "nothing_lost", "turned_back"


class TransferLine(msgspec.Struct, array_like=True, gc=False):
    """Units of one SKU. `received` can be more than `quantity`; `damaged` are among the received ones.

    `not_sent` were planned, and stay where they are: they are not in `quantity`.
    """

    sku: str
    quantity: int
    received: int = 0
    damaged: int = 0
    lost: int = 0
    not_sent: int = 0

    @property
    def awaited(self) -> int:
        """Units that have neither arrived nor been given up."""
        return max(0, self.quantity - self.received - self.lost)


class Transfer(msgspec.Struct, array_like=True, gc=False):
    """Goods that go from `source` to `target`. `changed_at_ns` is when it reached `state`; with `inbound` its units are
    promised there. What was turned back goes to `source` again."""

    number: int
    source: str
    target: str
    state: str
    lines: tuple[TransferLine, ...]
    expected_at_ns: int | None
    created_at_ns: int
    changed_at_ns: int
    inbound: int | None = None
    turned_back: bool = False

    @property
    def goes_to(self) -> str:
        """The node it is received at."""
        return self.source if self.turned_back else self.target

    @property
    def traits(self) -> tuple[str, ...]:
        """What its steps depend on besides its state, as far as it knows."""
        traits = () if any(line.lost for line in self.lines) or self.state == IN_TRANSIT else (NOTHING_LOST,)
        return (*traits, TURNED_BACK) if self.turned_back else traits

    def leave_behind(self, sku: str, units: int) -> None:
        """Planned units do not go."""
        line = self.line_of(sku)
        assert line is not None
        line.quantity -= units
        line.not_sent += units

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
