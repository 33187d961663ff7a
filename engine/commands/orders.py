"""Commands about orders and fulfilments. Personal data arrives here sealed; the engine never sees it open."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.areas import Area
from engine.commands.command import Command
from engine.commands.fields import Id, Minor, Name, Quantity, QuantityOrZero, Sku, Text

Action = Literal["accept", "pick", "pack", "unpack", "ready", "ship", "deliver", "collect"]
RejectReason = Literal["not_found", "damaged", "no_capacity"]


class OrderLineRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line as the shop sends it; `id` is the shop's and unique within the order."""

    id: Id
    sku: Sku
    quantity: Quantity
    unit_price_minor: Minor | None = None


OrderLineRequests = Annotated[tuple[OrderLineRequest, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]


class HoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A business stop by its handle. `release`: no node is given the work; `ship`: nothing leaves its node."""

    handle: Id
    reason: Annotated[str, Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]
    scope: Literal["release", "ship"] = "release"


Delivery = Literal["ship", "pickup", "reserve_in_store"]


class ShopDiscount(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A discount that the shop gives itself, off some lines or (none named) all, spread by what they cost."""

    label: Name
    amount_minor: Minor
    lines: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)] | None = None


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A way in which the customer pays: `authorised` may be captured later, `captured` is there. Method `voucher` is refunded last."""

    id: Id
    method: Id
    amount_minor: Minor
    state: Literal["authorised", "captured"] = "captured"


class PlaceOrder(Command, frozen=True):
    """Turn a reservation into an order, or source an order on the spot. `priced`: its price is frozen if it has one.

    With `pickup_node` the customer comes for it, by `collect_by_ns` if that is given.

    `contact` and `billing` are sealed blobs under keys of `party`; `placed_at_ns` is the shop's own time, if it gave
    one. `party_known`: the party is the same in every order of that customer. `sold`: it was
    sold elsewhere, so that it is kept whatever there is of it; `called_off`: and cancelled before it came.
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
    pickup_node: str | None = None
    collect_by_ns: int | None = None
    holds: tuple[HoldRequest, ...] = ()
    replaces: str | None = None
    priced: bool = True
    shipping_minor: int | None = None
    first_order: bool = False
    tax_treatment: str = "domestic"
    discounts: tuple[ShopDiscount, ...] = ()
    payments: tuple[PaymentRequest, ...] = ()
    vouchers: tuple[str, ...] = ()
    party_known: bool = False
    sold: bool = False
    called_off: bool = False


class RestateOrder(Command, frozen=True):
    """All of an order as a marketplace stated it at `stated_at_ns`. `new_address`: area and contact changed."""

    order: PlaceOrder
    stated_at_ns: int
    new_address: bool = False
    cancelled: bool = False


class HoldOrder(Command, frozen=True):
    """Stop an order until the hold is lifted by its handle."""

    order: str
    handle: str
    reason: str
    scope: str = "release"


class LiftHold(Command, frozen=True):
    """Take one hold of an order away."""

    order: str
    handle: str


class NoteOrder(Command, frozen=True):
    """Write something down about an order."""

    order: str
    text: str


class AppeaseCustomer(Command, frozen=True):
    """Give the customer of an order money after the fact."""

    order: str
    amount_minor: int
    reason: str


class SetLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the order is to have so many units in all."""

    id: Id
    quantity: QuantityOrZero


class ProposeChange(Command, frozen=True):
    """Say what is to be different about an order. What is None stays; `contact` is sealed under a key of `party`."""

    order: str
    reason: str
    add: tuple[OrderLineRequest, ...] = ()
    set: tuple[SetLine, ...] = ()
    area: Area | None = None
    party: str | None = None
    contact: bytes | None = None
    delivery: Delivery | None = None
    pickup_node: str | None = None


class ConfirmChange(Command, frozen=True):
    """Carry a proposed change out, all of it or nothing."""

    change: int


class DeclineChange(Command, frozen=True):
    """Drop a proposed change."""

    change: int


class CancelLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many units of one order line to cancel."""

    id: Id
    quantity: Quantity


class CancelOrder(Command, frozen=True):
    """Cancel what has not shipped: everything (`lines` is None) or the quantities named."""

    order: str
    reason: str
    lines: tuple[CancelLine, ...] | None = None


class Tracking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The carrier's name and its code for a shipment."""

    carrier: Annotated[str, Meta(min_length=1, max_length=64)]
    code: Annotated[str, Meta(min_length=1, max_length=128)]


class AdvanceFulfilment(Command, frozen=True):
    """A node reports a step. Steps may be skipped forward; only what is packed can be unpacked.

    Ready goods wait until `collect_by_ns`; None: as long as the order or its channel says.
    """

    fulfilment: int
    action: Action
    tracking: Tracking | None = None
    collect_by_ns: int | None = None


class FulfilmentLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of the order line with id `line`."""

    line: Id
    quantity: Quantity


FulfilmentLines = Annotated[tuple[FulfilmentLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]


class CollectPart(Command, frozen=True):
    """The customer took some units of a fulfilment; the rest goes on waiting."""

    fulfilment: int
    lines: tuple[FulfilmentLine, ...]


class ConfirmedDate(msgspec.Struct, frozen=True):
    """When the units of an order line will leave a supplier."""

    id: str
    ships_at_ns: int


class ConfirmFulfilment(Command, frozen=True):
    """A supplier takes a purchase order on, with dates for lines of it."""

    fulfilment: int
    lines: tuple[ConfirmedDate, ...]


class FoundLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many units of an order line were found where they should be."""

    line: Id
    found: QuantityOrZero


class ShortFulfilment(Command, frozen=True):
    """A short pick: fewer units were found than allocated. Lines that are not named were found in full."""

    fulfilment: int
    lines: tuple[FoundLine, ...]
    reason: RejectReason = "not_found"
    note: str | None = None


class SplitFulfilment(Command, frozen=True):
    """Give some units of a fulfilment a fulfilment of their own."""

    fulfilment: int
    lines: tuple[FulfilmentLine, ...]


class MergeFulfilments(Command, frozen=True):
    """Join fulfilment `other` to this one."""

    fulfilment: int
    other: int


class ParcelRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One labelled box and what is in it."""

    lines: FulfilmentLines
    weight_grams: Annotated[int, Meta(ge=0, le=100_000_000)] | None = None
    tracking: Tracking | None = None


class PackParcels(Command, frozen=True):
    """Say what is in which parcel of a fulfilment."""

    fulfilment: int
    parcels: tuple[ParcelRequest, ...]


class CancelFulfilment(Command, frozen=True):
    """The customer does not get what this fulfilment would bring."""

    fulfilment: int
    reason: str


class RejectFulfilment(Command, frozen=True):
    """A node cannot do it. The reason says what happens to the stock; the order is sourced again without that node."""

    fulfilment: int
    reason: RejectReason
    note: str | None = None


class SourceOrderAgain(Command, frozen=True):
    """Try again to find nodes for what is backordered or unsourceable, among `nodes` (None: all).

    Nodes that gave the order back are asked only if `also_rejected_by`.
    """

    order: str
    nodes: tuple[str, ...] | None = None
    also_rejected_by: bool = False


class MoveFulfilment(Command, frozen=True):
    """Give work, or `lines` of it, to a node that is named instead."""

    fulfilment: int
    node: str
    lines: tuple[FulfilmentLine, ...] | None = None


class ReturnLineRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a customer announces to send back of one order line."""

    id: Id
    quantity: Quantity
    reason: Text | None = None


class Replacement(msgspec.Struct, frozen=True):
    """The number of an order that replaces units of another, and its sealed contact under a key of `party`."""

    number: str
    party: str | None = None
    contact: bytes | None = None


class AuthoriseReturn(Command, frozen=True):
    """Agree that shipped units may come back; with `exchange`, those lines go out as `replacement` once they have."""

    order: str
    lines: tuple[ReturnLineRequest, ...]
    exchange: tuple[OrderLineRequest, ...] = ()
    replacement: Replacement | None = None
    refund_shipping: bool = False


class LostLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shipped units of an order line that did not reach the customer, or not in one piece."""

    id: Id
    quantity: Quantity
    reason: Literal["lost", "damaged"] = "lost"


class ReportLoss(Command, frozen=True):
    """Shipped units were lost on the way and do not come back; with `replacement` they are sent again."""

    order: str
    lines: tuple[LostLine, ...]
    replacement: Replacement | None = None


class LooseReturnLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Units of a SKU that came back without an order."""

    sku: Sku
    quantity: Quantity
    reason: Text | None = None


class TakeLooseReturn(Command, frozen=True):
    """Goods came back that no order is known for. Without `node` they are at the first node of the channel."""

    channel: str
    lines: tuple[LooseReturnLine, ...]
    node: str | None = None
    reference: str | None = None


Disposition = Literal["restock", "quarantine", "scrap"]


class ReceiveReturnLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What arrived of one order line, and what becomes of it."""

    id: Id
    quantity: Quantity
    disposition: Disposition = "restock"


class ReceiveReturn(Command, frozen=True):
    """Goods of an authorised return arrived at a node; partial and repeatable."""

    return_id: int
    node: str
    lines: tuple[ReceiveReturnLine, ...]


class AddPayment(Command, frozen=True):
    """The customer pays for an order."""

    order: str
    payment: PaymentRequest


class CapturePayment(Command, frozen=True):
    """Money of an authorised payment came: all that is left of it, or `amount_minor`."""

    order: str
    payment: str
    amount_minor: int | None = None


class VoidPayment(Command, frozen=True):
    """What was authorised and not captured will not come."""

    order: str
    payment: str


class SettleReturn(Command, frozen=True):
    """Give the customer what the units are worth that came back with a return and are not settled."""

    return_id: int


class CancelReturn(Command, frozen=True):
    """What has not arrived of a return is no longer expected."""

    return_id: int
