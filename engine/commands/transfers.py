"""Commands about goods that go from one node to another."""

from typing import Annotated

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.command import Command
from engine.commands.fields import Quantity, QuantityOrZero, Sku


class TransferQuantity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of one SKU. A SKU is named once."""

    sku: Sku
    quantity: Quantity


TransferQuantities = Annotated[tuple[TransferQuantity, ...], Meta(min_length=1, max_length=limits.TRANSFER_LINES_MAX)]


class PlanTransfer(Command, frozen=True):
    """Send units from one node to another; they are claimed at once."""

    source: str
    target: str
    lines: tuple[TransferQuantity, ...]
    expected_at_ns: int | None = None


class ShipTransfer(Command, frozen=True):
    """The goods have left: `lines`, or (None) all that was planned. What is not named stays, and is free."""

    transfer: int
    lines: tuple[TransferQuantity, ...] | None = None


class TurnBackTransfer(Command, frozen=True):
    """What is under way goes back to where it came from."""

    transfer: int


class ArrivedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Units of one SKU that arrived: `received` in all, of which `damaged` can't be sold."""

    sku: Sku
    received: QuantityOrZero
    damaged: QuantityOrZero = 0

    def __post_init__(self) -> None:
        if self.damaged > self.received:
            raise ValueError("`damaged` units are among the `received` ones, so there can't be more of them")


class ReceiveTransfer(Command, frozen=True):
    """Goods arrived: `lines`, or (None) all that is in transit. What does not arrive is lost unless more is to come.

    Of a transfer that ended with losses: `lines` are what has turned up after all.
    """

    transfer: int
    lines: tuple[ArrivedLine, ...] | None = None
    more_to_come: bool = False


class CancelTransfer(Command, frozen=True):
    """It does not leave."""

    transfer: int
