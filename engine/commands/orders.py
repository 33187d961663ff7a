"""Commands about orders and fulfilments. Personal data arrives here sealed; the engine never sees it open."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.areas import Area
from engine.commands.fields import Id, Minor, Quantity, Sku, Text

Action = Literal["accept", "pick", "pack", "ship", "deliver"]
RejectReason = Literal["not_found", "damaged", "no_capacity"]


class OrderLineRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line as the shop sends it; `id` is the shop's and unique within the order."""

    id: Id
    sku: Sku
    quantity: Quantity
    unit_price_minor: Minor | None = None


OrderLineRequests = Annotated[tuple[OrderLineRequest, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]


class PlaceOrder(msgspec.Struct, frozen=True):
    """Turn a reservation into an order, or source an order on the spot.

    `contact` and `billing` are sealed blobs under keys of `party`; `placed_at_ns` is the shop's own time, if it gave one.
    """

    number: str
    channel: str
    lines: tuple[OrderLineRequest, ...]
    area: Area
    reservation: int | None = None
    source_again_if_expired: bool = False
    party: str | None = None
    contact: bytes | None = None
    billing: bytes | None = None
    delivery: str = "ship"
    placed_at_ns: int | None = None
    customer_group: str | None = None


class CancelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many units of one order line to cancel."""

    id: Id
    quantity: Quantity


class CancelOrder(msgspec.Struct, frozen=True):
    """Cancel what has not shipped: everything (`lines` is None) or the quantities named."""

    order: str
    reason: str
    lines: tuple[CancelLine, ...] | None = None


class Tracking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The carrier's name and its code for a shipment."""

    carrier: Annotated[str, Meta(min_length=1, max_length=64)]
    code: Annotated[str, Meta(min_length=1, max_length=128)]


class AdvanceFulfilment(msgspec.Struct, frozen=True):
    """A node reports a step. Steps may be skipped forward, never taken back."""

    fulfilment: int
    action: Action
    tracking: Tracking | None = None


class RejectFulfilment(msgspec.Struct, frozen=True):
    """A node cannot do it. The reason says what happens to the stock; the order is sourced again without that node."""

    fulfilment: int
    reason: RejectReason
    note: str | None = None


class SourceOrderAgain(msgspec.Struct, frozen=True):
    """Try again to find nodes for what is backordered or unsourceable. Nodes that rejected the order stay excluded."""

    order: str


class ReturnLineRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a customer announces to send back of one order line."""

    id: Id
    quantity: Quantity
    reason: Text | None = None


class AuthoriseReturn(msgspec.Struct, frozen=True):
    """Agree that shipped units may come back."""

    order: str
    lines: tuple[ReturnLineRequest, ...]


Disposition = Literal["restock", "quarantine", "scrap"]


class ReceiveReturnLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What arrived of one order line, and what becomes of it."""

    id: Id
    quantity: Quantity
    disposition: Disposition = "restock"


class ReceiveReturn(msgspec.Struct, frozen=True):
    """Goods of an authorised return arrived at a node; partial and repeatable."""

    return_id: int
    node: str
    lines: tuple[ReceiveReturnLine, ...]


class CancelReturn(msgspec.Struct, frozen=True):
    """What has not arrived of a return is no longer expected."""

    return_id: int
