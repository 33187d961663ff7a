"""What happened to reservations. A reservation's number is the seq of the record that made it."""

import msgspec

from engine.areas import Area
from engine.facts.postings import AVAILABLE, INBOUND, INBOUND_RESERVED, RESERVED, Posting
from engine.facts.sourcing import Decision, Slot
from engine.numbers import InboundNumber, ReservationNumber


class Source(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units come from `node`, which sends them at `ships_at_ns`; they arrive at `delivers_at_ns` (None: not
    told).

    With `inbound` they are not there yet: that inbound will bring them.
    """

    node: str
    quantity: int
    ships_at_ns: int | None = None
    delivers_at_ns: int | None = None
    inbound: InboundNumber | None = None


class ReservedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One line of a reservation: what was asked for, from where only (or None), the units, and the price named.

    `backordered` units are not there yet: they wait, as those of an order do.
    """

    sku: str
    requested: int
    node: str | None
    sources: tuple[Source, ...]
    unit_price_minor: int | None = None
    backordered: int = 0

    @property
    def reserved(self) -> int:
        """Units held by this line."""
        units = 0
        for source in self.sources:
            units += source.quantity
        return units


def reserving(sku: str, source: Source) -> Posting:
    """What claims the units of a source."""
    if source.inbound is None:
        return Posting(sku, source.node, AVAILABLE, RESERVED, source.quantity)
    return Posting(sku, source.node, INBOUND, INBOUND_RESERVED, source.quantity)


def freeing(sku: str, source: Source, quantity: int) -> Posting:
    """What gives `quantity` units of a source back."""
    if source.inbound is None:
        return Posting(sku, source.node, RESERVED, AVAILABLE, quantity)
    return Posting(sku, source.node, INBOUND_RESERVED, INBOUND, quantity)


class StockReserved(msgspec.Struct, array_like=True, frozen=True, tag="stock_reserved"):
    """Units were claimed for a checkout. The postings follow from the lines, so they are not written twice.

    `decision` says by which rules, `slots` are the places it takes at nodes that have a limit a day.
    """

    reservation: ReservationNumber
    channel: str
    expires_at_ns: int
    area: Area
    lines: tuple[ReservedLine, ...]
    decision: Decision | None = None
    slots: tuple[Slot, ...] = ()
    delivery: str = "ship"
    customer_group: str | None = None

    @property
    def postings(self) -> tuple[Posting, ...]:
        """available -> reserved, or inbound -> inbound reserved, for every source of every line."""
        return tuple(reserving(line.sku, source) for line in self.lines for source in line.sources)


class ReservationExtended(msgspec.Struct, array_like=True, frozen=True, tag="reservation_extended"):
    """The claim lasts until `expires_at_ns` now."""

    reservation: ReservationNumber
    expires_at_ns: int
    postings: tuple[Posting, ...] = ()


class ReservationChanged(msgspec.Struct, array_like=True, frozen=True, tag="reservation_changed"):
    """It keeps `lines` now: by a change up or down, or because a part was released. `slots` are all it has now."""

    reservation: ReservationNumber
    lines: tuple[ReservedLine, ...]
    postings: tuple[Posting, ...]
    slots: tuple[Slot, ...] = ()


class ReservationReleased(msgspec.Struct, array_like=True, frozen=True, tag="reservation_released"):
    """Its holder gave everything back."""

    reservation: ReservationNumber
    postings: tuple[Posting, ...]


class ReservationExpired(msgspec.Struct, array_like=True, frozen=True, tag="reservation_expired"):
    """Its time ran out and its units are free."""

    reservation: ReservationNumber
    postings: tuple[Posting, ...]


Fact = StockReserved | ReservationExtended | ReservationChanged | ReservationReleased | ReservationExpired
