"""Orders, fulfilments and returns as clients see them. Nothing personal is in any of these: they are journalled as answers."""

import msgspec

from api.identifiers import fulfilment_id, inbound_id, reservation_id, return_id
from api.people import Billing, Customer, ShipTo
from api.timestamps import Timestamp, iso, iso_or_none
from engine.orders import Fulfilment, Order, Return


class TrackingAnswer(msgspec.Struct):
    """The carrier's name and its code for the shipment."""

    carrier: str
    code: str | None


class FulfilmentLineAnswer(msgspec.Struct):
    """`quantity` units of the order line with id `line`."""

    line: str
    sku: str
    quantity: int


class FulfilmentAnswer(msgspec.Struct):
    """One node's work for one order. `state`: released, accepted, picked, packed, shipped, delivered, rejected, cancelled.

    `ships_at` and `delivers_at` are what was promised when it was sourced (null: not told).
    """

    id: str
    order: str
    node: str
    state: str
    lines: tuple[FulfilmentLineAnswer, ...]
    created_at: Timestamp
    changed_at: Timestamp
    tracking: TrackingAnswer | None = None
    reason: str | None = None
    ships_at: Timestamp | None = None
    delivers_at: Timestamp | None = None


class PromisedAnswer(msgspec.Struct):
    """Backordered units that were promised from an inbound, when they will leave its node and arrive (null: not told)."""

    inbound: str
    node: str
    quantity: int
    ships_at: Timestamp | None
    delivers_at: Timestamp | None


class OrderLineAnswer(msgspec.Struct, omit_defaults=True):
    """Where the units of a line are: quantity = allocated + backordered + unsourceable + shipped + cancelled.

    `unsourceable` units were given back by a node and found no other; a person has to decide. `returned` units also
    count as shipped. `promised` are those of the backordered units that an inbound will bring; left out if there are none.
    """

    id: str
    sku: str
    quantity: int
    unit_price_minor: int | None
    allocated: int
    backordered: int
    unsourceable: int
    shipped: int
    cancelled: int
    returned: int
    promised: tuple[PromisedAnswer, ...] = ()


class OrderAnswer(msgspec.Struct):
    """An order. `state`: open, backordered, unsourceable, shipped, delivered, cancelled."""

    number: str
    state: str
    channel: str
    lines: tuple[OrderLineAnswer, ...]
    fulfilments: tuple[FulfilmentAnswer, ...]
    returns: tuple[str, ...]
    delivery: str
    reservation: str | None
    placed_at: Timestamp | None
    created_at: Timestamp


class OrderDetail(OrderAnswer, kw_only=True):
    """An order with the people in it. After an erasure they are null and `erased` is true."""

    customer: Customer | None
    ship_to: ShipTo | None
    billing: Billing | None
    erased: bool


class ReturnLineAnswer(msgspec.Struct):
    """What may come back of the order line with this id, and what has."""

    id: str
    sku: str
    quantity: int
    received: int
    reason: str | None


class ReturnAnswer(msgspec.Struct):
    """An agreement that shipped units may come back. `state`: authorised, received, cancelled."""

    id: str
    order: str
    state: str
    lines: tuple[ReturnLineAnswer, ...]
    created_at: Timestamp


def fulfilment_answer(order: Order, fulfilment: Fulfilment) -> FulfilmentAnswer:
    """One fulfilment of an order."""
    carrier = fulfilment.carrier
    return FulfilmentAnswer(
        id=fulfilment_id(fulfilment.number),
        order=order.number,
        node=fulfilment.node,
        state=fulfilment.state,
        lines=tuple(
            FulfilmentLineAnswer(order.lines[take.line].id, order.lines[take.line].sku, take.quantity)
            for take in fulfilment.lines
        ),
        created_at=iso(fulfilment.created_at_ns),
        changed_at=iso(fulfilment.changed_at_ns),
        tracking=None if carrier is None else TrackingAnswer(carrier, fulfilment.tracking_code),
        reason=fulfilment.reason,
        ships_at=iso_or_none(fulfilment.ships_at_ns),
        delivers_at=iso_or_none(fulfilment.delivers_at_ns),
    )


def order_answer(order: Order) -> OrderAnswer:
    """An order without the people in it."""
    return OrderAnswer(
        number=order.number,
        state=order.state,
        channel=order.channel,
        lines=tuple(
            OrderLineAnswer(
                id=line.id,
                sku=line.sku,
                quantity=line.quantity,
                unit_price_minor=line.unit_price_minor,
                allocated=line.allocated,
                backordered=line.backordered,
                unsourceable=line.unsourceable,
                shipped=line.shipped,
                cancelled=line.cancelled,
                returned=line.returned,
                promised=tuple(
                    [
                        PromisedAnswer(
                            inbound_id(claim.inbound),
                            claim.node,
                            claim.quantity,
                            iso_or_none(claim.ships_at_ns),
                            iso_or_none(claim.delivers_at_ns),
                        )
                        for claim in line.claims
                    ]
                ),
            )
            for line in order.lines
        ),
        fulfilments=tuple(fulfilment_answer(order, fulfilment) for fulfilment in order.fulfilments),
        returns=tuple(return_id(agreed.number) for agreed in order.returns),
        delivery=order.delivery,
        reservation=None if order.reservation is None else reservation_id(order.reservation),
        placed_at=iso_or_none(order.placed_at_ns),
        created_at=iso(order.created_at_ns),
    )


def return_answer(order: Order, agreed: Return) -> ReturnAnswer:
    """One return of an order."""
    return ReturnAnswer(
        id=return_id(agreed.number),
        order=order.number,
        state=agreed.state,
        lines=tuple(
            ReturnLineAnswer(
                order.lines[line.line].id, order.lines[line.line].sku, line.quantity, line.received, line.reason
            )
            for line in agreed.lines
        ),
        created_at=iso(agreed.created_at_ns),
    )
