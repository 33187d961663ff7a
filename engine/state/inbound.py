"""What suppliers will bring, and who was promised units of it."""

from collections.abc import Iterator

import msgspec

from engine import limits
from engine.state.kept import Kept
from engine.state.parts import part_of

EXPECTED, RECEIVED, CANCELLED = "expected", "received", "cancelled"

# A reservation's number or an order's.
Holder = int | str


class InboundLine(msgspec.Struct, array_like=True, gc=False):
    """Units of one SKU. `received` can exceed `quantity`: suppliers send too much. `promised` are still to come.

    `damaged` ones are among the received ones.
    """

    sku: str
    quantity: int
    received: int = 0
    cancelled: int = 0
    promised: int = 0
    damaged: int = 0

    @property
    def expected(self) -> int:
        """Units that are still to come."""
        return max(0, self.quantity - self.received - self.cancelled)


class Inbound(msgspec.Struct, array_like=True, gc=False):
    """One delivery of a supplier to a node; or of another node, by `transfer`."""

    number: int
    supplier: str
    node: str
    expected_at_ns: int
    created_at_ns: int
    lines: tuple[InboundLine, ...]
    transfer: int | None = None

    @property
    def state(self) -> str:
        """One word for people: expected while anything is still to come, then whether anything came."""
        if any(line.expected for line in self.lines):
            return EXPECTED
        return RECEIVED if any(line.received for line in self.lines) else CANCELLED

    @property
    def traits(self) -> tuple[str, ...]:
        """What its steps depend on besides its state."""
        return () if self.transfer is None else ("by_transfer",)

    def line_of(self, sku: str) -> InboundLine | None:
        """The line of a SKU."""
        return next((line for line in self.lines if line.sku == sku), None)

    def line(self, sku: str) -> InboundLine:
        """The line of a SKU that it must have."""
        found = self.line_of(sku)
        assert found is not None, f"inbound {self.number} has no {sku}"
        return found


class Inbounds(Kept[Inbound]):
    """Those still expected, and the last that ended.

    Derived from these, from reservations and from orders: `of_sku`, which are still expected with a line of a SKU, and
    `holders`, who has units promised of which, and how many.
    """

    ENDED_MAX = limits.INBOUND_ENDED_KEPT
    PARTS = part_of("inbound", Inbound, "open", "add"), part_of("ended_inbound", Inbound, "ended")

    def __init__(self) -> None:
        super().__init__()
        self.of_sku: dict[str, dict[int, None]] = {}
        self.holders: dict[int, dict[Holder, int]] = {}

    def add(self, thing: Inbound) -> None:
        """Take in one that is expected."""
        super().add(thing)
        for line in thing.lines:
            self.of_sku.setdefault(line.sku, {})[thing.number] = None

    def settle(self, inbound: Inbound) -> None:
        """After a change: one with nothing left to come has ended."""
        if inbound.state == EXPECTED:
            return
        self.end(inbound)
        for line in inbound.lines:
            queue = self.of_sku[line.sku]
            del queue[inbound.number]
            if not queue:
                del self.of_sku[line.sku]

    def coming(self, sku: str) -> Iterator[tuple[Inbound, int]]:
        """What is expected of a SKU and promised to nobody, with the units, in order of (expected_at_ns, number)."""
        some = [self.open[number] for number in self.of_sku.get(sku, ())]
        for inbound in sorted(some, key=lambda one: (one.expected_at_ns, one.number)):
            line = inbound.line(sku)
            free = line.expected - line.promised
            if free > 0:
                yield inbound, free

    def promise(self, holder: Holder, number: int, sku: str, units: int) -> None:
        """`holder` was promised units of an inbound that is expected."""
        self.open[number].line(sku).promised += units
        self.enter(holder, number, units)

    def enter(self, holder: Holder, number: int, units: int) -> None:
        """Note who holds units of an inbound."""
        held = self.holders.setdefault(number, {})
        held[holder] = held.get(holder, 0) + units

    def unpromise(self, holder: Holder, number: int, sku: str, units: int) -> None:
        """`holder` got these units, or does without them."""
        inbound = self.find(number)
        if inbound is not None:
            inbound.line(sku).promised -= units
        held = self.holders[number]
        held[holder] -= units
        if not held[holder]:
            del held[holder]
            if not held:
                del self.holders[number]
