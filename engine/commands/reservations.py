"""Commands about reservations: claims on stock that end by themselves."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.command import Command
from engine.commands.fields import (
    Country,
    Id,
    Latitude,
    Longitude,
    Minor,
    PostalCode,
    Quantity,
    QuantityOrZero,
    Sku,
    TtlSeconds,
)


class DemandLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """What somebody wants of one SKU. With `node` the units come from there only. The price counts for rules on value."""

    sku: Sku
    quantity: Quantity
    node: Id | None = None
    unit_price_minor: Minor | None = None


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Where it would be sent. Facts keep only a coarse area of it (engine/areas.py)."""

    country: Country | None = None
    postal_code: PostalCode | None = None
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    def __post_init__(self) -> None:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("`latitude` and `longitude` belong together")


Delivery = Literal["ship", "pickup"]
DemandLines = Annotated[tuple[DemandLine, ...], Meta(min_length=1, max_length=limits.RESERVATION_LINES_MAX)]


class ReserveStock(Command, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """Claim units for a checkout before the customer pays. All or nothing unless `allow_partial`."""

    channel: Id
    lines: DemandLines
    ttl_seconds: TtlSeconds | None = None
    allow_partial: bool = False
    ship_to: Destination | None = None
    delivery: Delivery = "ship"
    customer_group: Id | None = None


class QuantityLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A quantity of one SKU of the reservation."""

    sku: Sku
    quantity: Quantity


class NewQuantityLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The quantity that shall hold from now on for one SKU of the reservation; 0 gives all of it back."""

    sku: Sku
    quantity: QuantityOrZero


class ExtendReservation(Command, frozen=True):
    """Let an active reservation end `ttl_seconds` from now."""

    reservation: int
    ttl_seconds: int


class ReleaseReservation(Command, frozen=True):
    """Give back everything (`lines` is None) or the quantities named."""

    reservation: int
    lines: tuple[QuantityLine, ...] | None = None


class ChangeReservation(Command, frozen=True):
    """Set new quantities, all or nothing. The reservation's own units count as available to it."""

    reservation: int
    lines: tuple[NewQuantityLine, ...]


class MoveReservation(Command, frozen=True):
    """Let `node` give what other nodes would: everything (`lines` is None) or the quantities named, or nothing."""

    reservation: int
    node: str
    lines: tuple[QuantityLine, ...] | None = None


class ExpireReservations(Command, frozen=True):
    """End what is due; the writer gives this command to itself before it looks at any other."""
