"""Commands about goods on their way to a node: expected, received in parts, delayed, cancelled."""

from typing import Annotated

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.command import Command
from engine.commands.fields import Quantity, QuantityOrZero, Sku


class InboundQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of one SKU. A SKU is named once: its units are expected, received and cancelled together."""

    sku: Sku
    quantity: Quantity


InboundQuantities = Annotated[tuple[InboundQuantity, ...], Meta(min_length=1, max_length=limits.INBOUND_LINES_MAX)]


class InboundArrival(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Units of one SKU that came: `quantity` in all, of which `damaged` can't be sold."""

    sku: Sku
    quantity: Quantity
    damaged: QuantityOrZero = 0

    def __post_init__(self) -> None:
        if self.damaged > self.quantity:
            raise ValueError("`damaged` units are among the `quantity` that came, so there can't be more of them")


InboundArrivals = Annotated[tuple[InboundArrival, ...], Meta(min_length=1, max_length=limits.INBOUND_LINES_MAX)]


class ExpectInbound(Command, frozen=True):
    """A supplier will bring units to a node. `supplier` is the shop's own name for it and means nothing here."""

    supplier: str
    node: str
    lines: tuple[InboundQuantity, ...]
    expected_at_ns: int


class ReceiveInbound(Command, frozen=True):
    """Units arrived: those named, or (`lines` is None) all that are still expected. Partial and repeatable."""

    inbound: int
    lines: tuple[InboundArrival | InboundQuantity, ...] | None = None


class DelayInbound(Command, frozen=True):
    """What is still expected comes at another time, later or earlier."""

    inbound: int
    expected_at_ns: int


class CancelInbound(Command, frozen=True):
    """Units will not come: those named, or (`lines` is None) all that are still expected."""

    inbound: int
    lines: tuple[InboundQuantity, ...] | None = None
