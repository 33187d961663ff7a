"""Orders, fulfilments and returns as clients see them. Nothing personal is in them: they are journalled."""

import msgspec

from api.answers.identifiers import fulfilment_id, inbound_id, reservation_id, return_id
from api.answers.money import MoneyAnswer, money_answer
from api.answers.people import Billing, Customer, ShipTo
from api.answers.timestamps import Timestamp, iso, iso_or_none
from engine.copying import copying
from engine.facts.orders import Take
from engine.fulfilments.work import order_traits, traits_of
from engine.lifecycles import (
    ACCEPTED,
    COLLECTED,
    DELIVERED,
    FULFILMENT,
    HELD,
    LINE,
    ORDER,
    PACKED,
    PICKED,
    READY,
    RECEIVED,
    RELEASED,
    RETURN,
)
from engine.money.settling import preview
from engine.state.orders import Fulfilment, LooseReturn, Order, OrderLine, Return
from engine.state.state import State


class TrackingAnswer(msgspec.Struct):
    """The carrier's name and its code for the shipment."""

    carrier: str
    code: str | None


class FulfilmentLineAnswer(msgspec.Struct):
    """`quantity` units of the order line with id `line`."""

    line: str
    sku: str
    quantity: int


class ParcelAnswer(msgspec.Struct):
    """One labelled box of a fulfilment."""

    lines: tuple[FulfilmentLineAnswer, ...]
    weight_grams: int | None
    tracking: TrackingAnswer | None


class FulfilmentAnswer(msgspec.Struct):
    """One node's work for one order.

    `state`: held (kept back by a hold), released, accepted, picked, packed, ready, shipped, delivered, collected, rejected,
    cancelled, lapsed (nobody came for it). `allowed` are the steps that are possible now. `ships_at` and `delivers_at` are
    what was promised when it was sourced (null: not told); not accepted by `accept_by` it is taken back, not collected by
    `pickup_until` its units are given back.
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
    allowed: tuple[str, ...] = ()
    delivery: str = "ship"
    accept_by: Timestamp | None = None
    pickup_until: Timestamp | None = None
    parcels: tuple[ParcelAnswer, ...] = ()


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

    allocated = held + released (accepted or not) + picked + packed + ready. Of the shipped units `delivered` are known to have
    arrived and `collected` were picked up; `return_requested` are announced by returns and have not come back, `lost` ones never arrived.
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
    held: int
    released: int
    picked: int
    packed: int
    ready: int
    delivered: int
    collected: int
    return_requested: int
    lost: int
    allowed: tuple[str, ...]
    promised: tuple[PromisedAnswer, ...] = ()


class HoldAnswer(msgspec.Struct):
    """A business stop on an order: `release` keeps work from nodes, `ship` keeps goods from leaving."""

    handle: str
    reason: str
    scope: str
    since: Timestamp


class OrderAnswer(msgspec.Struct):
    """An order. `money` is null for one without prices. `state`: open, backordered, unsourceable, shipped, delivered, collected, cancelled.

    `allowed` is what may be done with it now. The customer comes for it to `pickup_node` (null: it is sent) by `pickup_until`.
    """

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
    allowed: tuple[str, ...]
    holds: tuple[HoldAnswer, ...]
    pickup_node: str | None
    pickup_until: Timestamp | None
    replaces: str | None
    replaced_by: tuple[str, ...]
    money: MoneyAnswer | None


class OrderDetail(OrderAnswer, kw_only=True):
    """An order with the people in it. After an erasure they are null and `erased` is true; where only the key is not on
    this node, as after a restore without keys, they are null and `key_missing` is true."""

    customer: Customer | None
    ship_to: ShipTo | None
    billing: Billing | None
    erased: bool
    key_missing: bool


class ReturnLineAnswer(msgspec.Struct):
    """What may come back of the order line with this id, what has, and what of that is settled.

    `refund_minor` is what the units that are not settled are worth now; null without prices.
    """

    id: str
    sku: str
    quantity: int
    received: int
    reason: str | None
    settled: int
    refund_minor: int | None


class ReturnAnswer(msgspec.Struct):
    """An agreement that shipped units may come back. `state`: authorised, received, cancelled. `allowed`: what may follow.

    `refund_minor` is what settling it will give, with shipping if that is refunded and without what promotions claw back; null without prices.

    A return without an order has `order` null, and `channel`, `node` and `reference` instead.
    """

    id: str
    order: str | None
    state: str
    lines: tuple[ReturnLineAnswer, ...]
    created_at: Timestamp
    allowed: tuple[str, ...]
    refund_shipping: bool = False
    exchange_order: str | None = None
    channel: str | None = None
    node: str | None = None
    reference: str | None = None
    refund_minor: int | None = None


_answer_of = copying(
    Order,
    OrderAnswer,
    given="state lines fulfilments returns reservation placed_at created_at allowed holds pickup_until replaced_by money",
    apart="seq created_at_ns placed_at_ns collect_by_ns cancel_backorders_at_ns stated_at_ns stated"
    " stated_cancelled stated_contact policy policy_version short_at short_work"
    " party contact billing area customer_group rejected_by history changes",  # not told
)


def _lines(order: Order, lines: tuple[Take, ...]) -> tuple[FulfilmentLineAnswer, ...]:
    return tuple(
        [FulfilmentLineAnswer(order.lines[take.line].id, order.lines[take.line].sku, take.quantity) for take in lines]
    )


def fulfilment_answer(state: State, order: Order, fulfilment: Fulfilment) -> FulfilmentAnswer:
    """One fulfilment of an order."""
    carrier = fulfilment.carrier
    return FulfilmentAnswer(
        id=fulfilment_id(fulfilment.number),
        order=order.number,
        node=fulfilment.node,
        state=fulfilment.state,
        lines=_lines(order, fulfilment.lines),
        created_at=iso(fulfilment.created_at_ns),
        changed_at=iso(fulfilment.changed_at_ns),
        tracking=None if carrier is None else TrackingAnswer(carrier, fulfilment.tracking_code),
        reason=fulfilment.reason,
        ships_at=iso_or_none(fulfilment.ships_at_ns),
        delivers_at=iso_or_none(fulfilment.delivers_at_ns),
        allowed=FULFILMENT.allowed(fulfilment.state, traits_of(state, order, fulfilment)),
        delivery=order.delivery,
        accept_by=iso_or_none(fulfilment.accept_by_ns) if fulfilment.state == RELEASED else None,
        pickup_until=iso_or_none(fulfilment.collect_by_ns),
        parcels=tuple(
            [
                ParcelAnswer(
                    _lines(order, parcel.lines),
                    parcel.weight_grams,
                    None if parcel.carrier is None else TrackingAnswer(parcel.carrier, parcel.tracking_code),
                )
                for parcel in fulfilment.parcels
            ]
        ),
    )


def _line_answer(line: OrderLine, units: dict[str, int], announced: int) -> OrderLineAnswer:
    returnable = line.shipped - line.returned - line.lost - announced > 0
    return OrderLineAnswer(
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
        held=units.get(HELD, 0),
        released=units.get(RELEASED, 0) + units.get(ACCEPTED, 0),
        picked=units.get(PICKED, 0),
        packed=units.get(PACKED, 0),
        ready=units.get(READY, 0),
        delivered=units.get(DELIVERED, 0),
        collected=units.get(COLLECTED, 0),
        return_requested=announced,
        lost=line.lost,
        allowed=LINE.allowed("open" if line.open else "done", ("sent",) if returnable else ()),
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


def order_answer(state: State, order: Order) -> OrderAnswer:
    """An order without the people in it."""
    word = order.state
    return _answer_of(
        order,
        state=word,
        lines=tuple(map(_line_answer, order.lines, order.units_by_state(), order.units_announced())),
        fulfilments=tuple(fulfilment_answer(state, order, fulfilment) for fulfilment in order.fulfilments),
        returns=tuple(return_id(agreed.number) for agreed in order.returns),
        reservation=None if order.reservation is None else reservation_id(order.reservation),
        placed_at=iso_or_none(order.placed_at_ns),
        created_at=iso(order.created_at_ns),
        allowed=ORDER.allowed(word, order_traits(order)),
        holds=tuple([HoldAnswer(hold.handle, hold.reason, hold.scope, iso(hold.since_ns)) for hold in order.holds]),
        pickup_until=iso_or_none(order.collect_by_ns),
        replaced_by=tuple(order.replaced_by),
        money=None if order.money is None else money_answer(order, order.money),
    )


def return_answer(order: Order, agreed: Return) -> ReturnAnswer:
    """One return of an order."""
    refund = preview(order, agreed)
    by_line: list[int | None] = [None] * len(agreed.lines) if refund is None else [*refund.lines]
    return ReturnAnswer(
        id=return_id(agreed.number),
        order=order.number,
        state=agreed.state,
        lines=tuple(
            ReturnLineAnswer(
                order.lines[line.line].id,
                order.lines[line.line].sku,
                line.quantity,
                line.received,
                line.reason,
                line.settled,
                minor,
            )
            for line, minor in zip(agreed.lines, by_line, strict=True)
        ),
        created_at=iso(agreed.created_at_ns),
        allowed=RETURN.allowed(agreed.state, agreed.traits),
        refund_shipping=agreed.refund_shipping,
        exchange_order=agreed.exchange_order,
        channel=order.channel,
        refund_minor=None if refund is None else refund.refund_minor,
    )


def loose_return_answer(loose: LooseReturn) -> ReturnAnswer:
    """A return without an order."""
    return ReturnAnswer(
        id=return_id(loose.number),
        order=None,
        state=RECEIVED,
        lines=tuple(
            ReturnLineAnswer(str(at), line.sku, line.quantity, line.quantity, line.reason, 0, None)
            for at, line in enumerate(loose.lines, 1)
        ),
        created_at=iso(loose.taken_at_ns),
        allowed=(),
        channel=loose.channel,
        node=loose.node,
        reference=loose.reference,
    )
