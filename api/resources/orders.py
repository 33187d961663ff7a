"""Orders over HTTP: place, read, list, cancel, source again."""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers import people
from api.answers.facts import data_of
from api.answers.identifiers import reservation_number
from api.answers.orders import OrderAnswer, OrderDetail, order_answer
from api.answers.people import Billing, Customer, ShipTo
from api.answers.timestamps import Timestamp, check_moment, iso, to_ns
from api.geography.locating import located
from api.http.endpoint import encode
from api.http.filters import ChannelFilter, NodeFilter, SkuFilter, is_wanted, some_of
from api.http.listing import Moment, SpanQuery, id_of, newest_orders, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, Reply
from api.http.part_or_all import PartOrAll
from api.http.things import STEP_CODES, Thing
from api.http.turns import in_slices
from api.server.history import AS_OF, AsOfQuery, seq_at, seq_of
from engine import limits
from engine.areas import NOWHERE
from engine.commands.fields import Id, Minor, OrderNumber
from engine.commands.orders import (
    CancelLine,
    CancelOrder,
    Delivery,
    HoldRequest,
    OrderLineRequest,
    OrderLineRequests,
    PaymentRequest,
    PlaceOrder,
    ShopDiscount,
    SourceOrderAgain,
)
from engine.commands.pricing import Treatment
from engine.copying import copying
from engine.facts import Fact, records
from engine.facts.records import kind_of
from engine.lifecycles import O_UNFINISHED, ORDER
from engine.results import FieldError, Rejection, ResultCode
from engine.state import finding
from engine.state.orders import Order
from engine.state.state import State
from engine.wal import StorageFull


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An order as the shop sends it. With `reservation` its units become the order's; without, it is sourced now.

    `if_expired: source_again` sources anew if the reservation has expired. `placed_at` is the shop's own time.
    `customer_group` is for conditions of sourcing policies. With `delivery` pickup or reserve_in_store (paid there) the customer
    comes for it to `pickup_node` by `pickup_until`; without that, as long as the channel says after it is ready. `holds` stop the
    order from the start. If every line has a price, its own or that of a list, it is frozen with `shipping_minor`, discounts and tax as
    a quote gives them; with `shipping_minor`, `discounts` or `payments` every line must have one. `discounts` of the shop come before
    promotions.
    """

    number: OrderNumber
    channel: Id
    lines: OrderLineRequests
    reservation: str | None = None
    if_expired: Literal["refuse", "source_again"] = "refuse"
    customer: Customer | None = None
    ship_to: ShipTo | None = None
    billing: Billing | None = None
    delivery: Delivery = "ship"
    placed_at: Moment | None = None
    customer_group: Id | None = None
    pickup_node: Id | None = None
    pickup_until: Moment | None = None
    holds: Annotated[tuple[HoldRequest, ...], Meta(max_length=limits.ORDER_HOLDS_MAX)] = ()
    shipping_minor: Minor | None = None
    first_order: bool = False
    tax_treatment: Treatment = "domestic"
    discounts: Annotated[tuple[ShopDiscount, ...], Meta(max_length=limits.ORDER_DISCOUNTS_MAX)] = ()
    vouchers: Annotated[tuple[Id, ...], Meta(max_length=limits.QUOTE_VOUCHERS_MAX)] = ()
    payments: Annotated[tuple[PaymentRequest, ...], Meta(max_length=limits.ORDER_PAYMENTS_MAX)] = ()

    def __post_init__(self) -> None:
        check_moment("placed_at", self.placed_at)
        check_moment("pickup_until", self.pickup_until)
        if (self.delivery == "ship") != (self.pickup_node is None):
            raise ValueError("`pickup_node` is given if and only if `delivery` is pickup or reserve_in_store")
        if self.pickup_until is not None and self.pickup_node is None:
            raise ValueError("`pickup_until` is for orders that are picked up")
        if len({hold.handle for hold in self.holds}) != len(self.holds):
            raise ValueError("every one of `holds` has a handle of its own")
        if len({payment.id for payment in self.payments}) != len(self.payments):
            raise ValueError("every one of `payments` has an id of its own")


_command_of = copying(
    OrderBody,
    PlaceOrder,
    given="area reservation source_again_if_expired party contact billing placed_at_ns collect_by_ns party_known",
    apart="if_expired customer ship_to placed_at pickup_until replaces priced sold called_off",
)


class CancelBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Without `lines`, or with `all`, everything that has not shipped is cancelled. No names in `reason`, please: it is journalled."""

    reason: Annotated[str, Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]
    lines: Annotated[tuple[CancelLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)] | None = None


class SourceAgainBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where to look; no body looks everywhere. `nodes`: only there. `also_rejected_by`: also at nodes that gave the order back."""

    nodes: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=limits.SOURCE_AGAIN_NODES_MAX)] | None = None
    also_rejected_by: bool = False


class OrdersQuery(SpanQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Orders must meet all of it. `node` has or had a fulfilment of the order, `sku` is one of its lines; the span is of
    `created_at`. Who waits for a SKU: `sku` with `state=backordered`."""

    state: Annotated[str, some_of(*ORDER.states)] | None = None
    channel: ChannelFilter | None = None
    node: NodeFilter | None = None
    sku: SkuFilter | None = None


class HistoryQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limit` counts records; the facts of a record come together."""

    limit: Annotated[int, Meta(ge=1, le=limits.LIST_LIMIT_MAX)] = limits.LIST_LIMIT_MAX
    cursor: str | None = None


class OrderPage(PageOf[OrderAnswer]):
    """The newest first. A page may end early, even empty, with a cursor: then more was looked at than one call may."""


class HistoryEntry(msgspec.Struct):
    """One thing that happened to the order. `data` has the fields of the fact; personal data is not in it."""

    seq: int
    time: Timestamp
    actor: str
    kind: str
    data: dict[str, Any]


class HistoryPage(PageOf[HistoryEntry]):
    """The oldest first."""


def place(call: Call) -> Handled:
    """Accept an order. What is personal is sealed before anything else sees it."""
    body: OrderBody = call.body
    refusal = repeated_line(body.lines)
    if refusal is not None:
        return refusal
    reservation = None
    if body.reservation is not None:
        reservation = reservation_number(body.reservation)
        if reservation is None:
            return Rejection.at(ResultCode.UNKNOWN_RESERVATION, "/reservation", "there is no such reservation")
    sealed = people.Sealed()
    # A number that is taken stays taken: this is a retry or will be refused, and needs no keys.
    if finding.find_order(call.server.state, body.number) is None:
        try:
            sealed = people.seal(call.server.parties, body.number, body.customer, body.ship_to, body.billing)
        except StorageFull:
            return Rejection(ResultCode.STORAGE_FULL, "the disk is full; free some space and try again")
    to = located(body, call.server.postcodes).ship_to  # what is sealed stays as it was sent
    command = _command_of(
        body,
        area=NOWHERE if to is None else to.area,
        reservation=reservation,
        source_again_if_expired=body.if_expired == "source_again",
        party=sealed.party,
        contact=sealed.contact,
        billing=sealed.billing,
        placed_at_ns=None if body.placed_at is None else to_ns(body.placed_at),
        collect_by_ns=None if body.pickup_until is None else to_ns(body.pickup_until),
        party_known=body.customer is not None and body.customer.reference is not None,
    )
    return Changing(command, order_renderer(body.number))


def repeated_line(lines: tuple[OrderLineRequest, ...], within: str = "/lines") -> Rejection | None:
    """The refusal of line ids that are used twice."""
    seen: dict[str, int] = {}
    errors = tuple(
        FieldError(f"{within}/{at}/id", f"line id {line.id!r} is used by line {seen[line.id]} already")
        for at, line in enumerate(lines)
        if seen.setdefault(line.id, at) != at
    )
    return Rejection(ResultCode.MALFORMED_REQUEST, errors[0].detail, errors) if errors else None


def order_renderer(number: str) -> Any:
    """Renders the order after a change, without the people in it."""

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> OrderAnswer:
        order = finding.find_order(state, number)
        assert order is not None
        return order_answer(state, order)

    return render


def _detail(call: Call, order: Order) -> OrderDetail:
    found = people.open_order(call.server.parties, order)
    return OrderDetail(**msgspec.structs.asdict(order_answer(call.server.state, order)), **found._asdict())


ORDERS = Thing(
    path="/v1/orders/{number}",
    tag="Orders",
    answer=OrderAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such order"),
    key=id_of("number"),
    find=finding.find_order,
    render=order_answer,
    detail=_detail,
)


async def get(call: Call) -> Handled:
    """Read one as it is or was, with the people in it."""
    if call.query.as_of is None:
        return ORDERS.reading(call)
    seq, number = seq_of(call.query.as_of, call.server.journal), ORDERS.key_in(call)
    if isinstance(seq, Rejection):
        return seq
    order = number if isinstance(number, Rejection) else await call.server.history.order(number, seq)
    return order if isinstance(order, Rejection) else Reply(200, encode(_detail(call, order)))


def _page(call: Call, state: State, before: int | None) -> OrderPage:
    query: OrdersQuery = call.query
    if query.to_ns is not None:
        first_too_late = seq_at(call.server.journal, query.to_ns)
        before = first_too_late if before is None else min(before, first_too_late)
    items: list[OrderAnswer] = []
    lines = 0
    for order in newest_orders(state, before, open_only=_only_open(query.state)):
        if order.created_at_ns < query.from_ns:
            break
        if lines >= limits.LIST_SLICE_LINES or len(items) == query.limit:
            return OrderPage(items, str(order.seq + 1))
        lines += len(order.lines)
        if _matches(order, query):
            items.append(order_answer(state, order))
    return OrderPage(items, None)


def _only_open(asked: str | None) -> bool:
    """Whether no closed order can be in these states."""
    return asked is not None and set(asked.split(",")) <= set(O_UNFINISHED)


def _matches(order: Order, query: OrdersQuery) -> bool:
    return (
        (query.to_ns is None or order.created_at_ns < query.to_ns)
        and is_wanted(query.state, order.state)
        and (query.channel is None or order.channel == query.channel)
        and (query.sku is None or any(line.sku == query.sku for line in order.lines))
        and (query.node is None or any(fulfilment.node == query.node for fulfilment in order.fulfilments))
    )


async def history(call: Call) -> Handled:
    """Everything that happened to an order."""
    node, query = call.server, call.query
    after = position_of(query.cursor)
    if isinstance(after, Rejection):
        return after
    order = ORDERS.found(call)
    if isinstance(order, Rejection):
        return order
    seqs = [seq for seq in order.history if seq > max(after or 0, node.journal.first_seq - 1)]
    page = HistoryPage([], str(seqs[query.limit - 1]) if len(seqs) > query.limit else None)
    for position, seq in enumerate(seqs[: query.limit]):
        if position % 50 == 49:
            await asyncio.sleep(0)
        time_ns, encoded = node.journal.record(seq)
        record = records.decode(encoded)
        page.items += [
            HistoryEntry(seq, iso(time_ns), record.actor, kind_of(fact), data_of(fact))
            for fact in record.facts
            if getattr(fact, "order", None) == order.number
        ]
    return Reply(200, encode(page))


EXAMPLE = {
    "number": "W-1001",
    "channel": "web-de",
    "reservation": "r-4711",
    "lines": [{"id": "1", "sku": "85123A", "quantity": 2, "unit_price_minor": 255}],
    "customer": {"name": "Erika Mustermann", "email": "erika@example.org", "reference": "c-17"},
    "ship_to": {
        "name": "Erika Mustermann",
        "street": "Invalidenstr. 1",
        "postal_code": "10115",
        "city": "Berlin",
        "country": "DE",
        "latitude": 52.53,
        "longitude": 13.38,
    },
}

OPERATIONS = [
    Operation(
        id="placeOrder", hot=True, method="POST", path="/v1/orders", tag="Orders", handle=place, status=201,
        summary="Place an order, from a reservation or sourced on the spot", body=OrderBody, answer=OrderAnswer,
        codes=(
            ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_SKU, ResultCode.UNKNOWN_RESERVATION,
            ResultCode.WRONG_CHANNEL, ResultCode.ORDER_NUMBER_TAKEN, ResultCode.RESERVATION_EXPIRED,
            ResultCode.RESERVATION_NOT_ACTIVE, ResultCode.EXCEEDS_RESERVATION, ResultCode.INSUFFICIENT_STOCK,
            ResultCode.UNKNOWN_NODE, ResultCode.NO_PICKUP, ResultCode.NO_PRICE,
            ResultCode.UNKNOWN_LINE, ResultCode.VOUCHER_REFUSED, ResultCode.EXCEEDS_AUTHORISED,
        ),
        example=EXAMPLE,
        description="Short lines are backordered where the item allows it. What the order does not use of its "
        "reservation is released in the same step. The answer leaves the people out; read the order to see them.",
    ),
    ORDERS.list_("listOrders", "Orders, the newest first", in_slices(position_of, _page), OrdersQuery, OrderPage),
    ORDERS.get(
        "getOrder", "Read an order, with the people in it", handle=get, answer=OrderDetail, query=AsOfQuery, description=AS_OF
    ),
    Operation(
        id="getOrderHistory", method="GET", path="/v1/orders/{number}/history", tag="Orders", handle=history,
        query=HistoryQuery, summary="Every fact about an order, the oldest first", answer=HistoryPage,
        codes=(ResultCode.NOT_FOUND,),
    ),
    ORDERS.act(
        "cancelOrder", "cancel", "Cancel what has not shipped, in whole or in part", CancelBody,
        lambda number, body: CancelOrder(number, body.reason, body.lines),
        codes=(*STEP_CODES, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_CANCELLABLE),
        example={"reason": "customer changed their mind", "lines": [{"id": "1", "quantity": 1}]},
    ),
    ORDERS.act(
        "sourceOrderAgain", "source-again", "Look for nodes again for what waits", SourceAgainBody,
        lambda number, body: SourceOrderAgain(number, body.nodes, body.also_rejected_by),
        body_optional=True, codes=(*STEP_CODES, ResultCode.UNKNOWN_NODE, ResultCode.INSUFFICIENT_STOCK),
        example={"nodes": ["leipzig"], "also_rejected_by": True},
        description="Whoever waits is served by itself, in order of promise, as soon as units are free for him. This asks for one "
        "order out of turn, by the rules of its channel as they are today, and, if told to, nodes that gave it back.",
    ),
]  # fmt: skip
