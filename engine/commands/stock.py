"""Commands that move stock."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.command import Command
from engine.commands.fields import Id, SignedQuantity, Sku, Text

Reason = Literal["receipt", "adjustment", "count", "feed", "damage", "quarantine", "restore", "write_off"]
ABSOLUTE_REASONS = ("count", "feed")
"""Reasons whose `quantity` is what is there, not what comes or goes."""


class MovementLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of a movement. `quantity` in sales units: signed for an adjustment, 0 allowed for a count."""

    sku: Sku
    node: Id
    reason: Reason
    quantity: SignedQuantity
    note: Text | None = None

    def __post_init__(self) -> None:
        if self.reason == "adjustment":
            if self.quantity == 0:
                raise ValueError("`quantity` of an adjustment is not 0")
            if not self.note:
                raise ValueError("an adjustment needs a `note`")
        elif self.quantity < (least := 0 if self.reason in ABSOLUTE_REASONS else 1):
            raise ValueError(f"`quantity` of a {self.reason} is at least {least}")


class MoveStock(Command, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Post all lines or none."""

    lines: Annotated[tuple[MovementLine, ...], Meta(min_length=1, max_length=limits.MOVEMENT_LINES_MAX)]
    reference: Text | None = None
