"""Reservations over HTTP."""

import heapq
from collections.abc import Iterable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id, reservation_id, reservation_number
from api.answers.timestamps import Timestamp, iso, iso_or_none
from api.geography.locating import located
from api.http.filters import ChannelFilter, NodeFilter, SkuFilter, is_wanted, some_of
from api.http.gathering import Batch
from api.http.listing import position_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, PageQuery, Reading
from api.http.part_or_all import PartOrAll
from engine import limits
from engine.commands.fields import Id, TtlSeconds
from engine.commands.reservations import (
    ChangeReservation,
    ExtendReservation,
    MoveReservation,
    NewQuantityLine,
    QuantityLine,
    ReleaseReservation,
    ReserveStock,
)
from engine.facts import Fact
from engine.facts.reservations import StockReserved
from engine.results import Rejection, ResultCode
from engine.state import finding
from engine.state.reservations import ACTIVE, CONFIRMED, EXPIRED, RELEASED, Reservation
from engine.state.state import State

TAG = "Reservations"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such reservation")


class SourceAnswer(msgspec.Struct, gc=False, omit_defaults=True):
    """Units of a line, the node they are at, when they leave it and when they arrive (null: not told).

    With `inbound` they are not there yet: that inbound will bring them.
    """

    node: str
    quantity: int
    ships_at: Timestamp | None
    delivers_at: Timestamp | None
    inbound: str | None = None


class ReservedLineAnswer(msgspec.Struct, gc=False):
    """What was asked for of one SKU, what is held, and where. After its end: what it held last.

    `backordered` units are not there: they wait in their turn, and those that still do become the order's.
    """

    sku: str
    requested: int
    reserved: int
    sources: tuple[SourceAnswer, ...]
    node: str | None = None
    backordered: int = 0


class ReservationAnswer(msgspec.Struct, gc=False):
    """A claim on stock. `state`: active, confirmed, released or expired."""

    id: str
    state: str
    channel: str
    created_at: Timestamp
    expires_at: Timestamp
    lines: tuple[ReservedLineAnswer, ...]


class ExtendBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """`ttl_seconds` counts from now."""

    ttl_seconds: TtlSeconds


class ReleaseBody(PartOrAll, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What is given back; with `all`, or `{}`, everything."""

    lines: Annotated[tuple[QuantityLine, ...], Meta(min_length=1, max_length=limits.RESERVATION_LINES_MAX)] | None = (
        None
    )


class ChangeBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """New quantities by SKU; SKUs that are not named stay as they are."""

    lines: Annotated[tuple[NewQuantityLine, ...], Meta(min_length=1, max_length=limits.RESERVATION_LINES_MAX)]


class MoveBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """The node that shall give it; without `lines` everything that is held elsewhere."""

    node: Id
    lines: Annotated[tuple[QuantityLine, ...], Meta(min_length=1, max_length=limits.RESERVATION_LINES_MAX)] | None = (
        None
    )


class ReservationsQuery(PageQuery, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Reservations must meet all of it. `node` is one of their sources, `sku` one of their lines."""

    state: Annotated[str, some_of(ACTIVE, CONFIRMED, RELEASED, EXPIRED)] | None = None
    channel: ChannelFilter | None = None
    node: NodeFilter | None = None
    sku: SkuFilter | None = None


class BatchBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Reservations to make, each on its own: a reservation's body plus its `idempotency_key`."""

    items: Annotated[tuple[msgspec.Raw, ...], Meta(min_length=1, max_length=limits.RESERVATION_BATCH_MAX)]


class BatchItem(ReserveStock, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One reservation of a batch."""

    idempotency_key: Annotated[str, Meta(min_length=1, max_length=limits.IDEMPOTENCY_KEY_LENGTH_MAX)] | None = None


class BatchBodySchema(msgspec.Struct):
    """How a batch looks to clients."""

    items: tuple[BatchItem, ...]


class ReservationPage(PageOf[ReservationAnswer]):
    """The youngest first. A page may end early, even empty, with a cursor: then more was looked at than one call may."""


class BatchItemAnswer(msgspec.Struct, omit_defaults=True):
    """What the item would have been answered on its own. `replayed`: its key was used before, at `recorded_at`, and nothing was done."""

    status: int
    body: Any
    replayed: bool = False
    recorded_at: Timestamp | None = None


class BatchAnswer(msgspec.Struct):
    """One entry per item, in order."""

    items: tuple[BatchItemAnswer, ...]


def answer_of(reservation: Reservation, now_ns: int) -> ReservationAnswer:
    """A reservation as clients see it; from the instant it ends it is expired, swept or not."""
    state = reservation.state
    if state == ACTIVE and reservation.expires_at_ns <= now_ns:
        state = EXPIRED
    lines = []
    for line in reservation.lines:
        sources = tuple(
            [
                SourceAnswer(
                    s.node,
                    s.quantity,
                    iso_or_none(s.ships_at_ns),
                    iso_or_none(s.delivers_at_ns),
                    None if s.inbound is None else inbound_id(s.inbound),
                )
                for s in line.sources
            ]
        )
        lines.append(ReservedLineAnswer(line.sku, line.requested, line.reserved, sources, line.node, line.backordered))
    return ReservationAnswer(
        reservation_id(reservation.number),
        state,
        reservation.channel,
        iso(reservation.created_at_ns),
        iso(reservation.expires_at_ns),
        tuple(lines),
    )


def _render_reserved(state: State, seq: int, facts: tuple[Fact, ...]) -> ReservationAnswer:
    fact = facts[0]
    assert isinstance(fact, StockReserved)
    return answer_of(state.reservations.active[fact.reservation], state.time_ns)


def reserve(call: Call) -> Handled:
    """Claim units before checkout."""
    return Changing(located(call.body, call.server.postcodes), _render_reserved)


def _read(number: int, state: State, now_ns: int) -> ReservationAnswer | Rejection:
    reservation = finding.find_reservation(state, number)
    return NOT_FOUND if reservation is None else answer_of(reservation, now_ns)


def _resource(call: Call) -> Any:
    number = reservation_number(call.path["reservation"]) or 0
    return lambda state, now_ns: _read(number, state, now_ns)


def get(call: Call) -> Handled:
    """Read one."""
    return Reading(_resource(call))


def _page(call: Call, state: State, before: int | None, now_ns: int) -> ReservationPage:
    query: ReservationsQuery = call.query
    found: Iterable[Reservation] = (
        reservation
        for reservation in reversed(state.reservations.active.values())
        if before is None or reservation.number < before
    )
    if query.state is None or set(query.state.split(",")) - {ACTIVE}:
        ended = state.closed.newest_reservations(before)
        found = heapq.merge(found, ended, key=lambda reservation: -reservation.number)
    items: list[ReservationAnswer] = []
    last = None
    for looked_at, reservation in enumerate(found):
        if len(items) == query.limit or looked_at == limits.LIST_SLICE_LINES:
            return ReservationPage(items, str(last))
        last = reservation.number
        answer = answer_of(reservation, now_ns)
        if _is_asked_for(answer, query):
            items.append(answer)
    return ReservationPage(items, None)


def _is_asked_for(answer: ReservationAnswer, query: ReservationsQuery) -> bool:
    return (
        is_wanted(query.state, answer.state)
        and query.channel in (None, answer.channel)
        and (query.sku is None or any(line.sku == query.sku for line in answer.lines))
        and (query.node is None or any(s.node == query.node for line in answer.lines for s in line.sources))
    )


def list_(call: Call) -> Handled:
    """A page of them."""
    before = position_of(call.query.cursor)
    if isinstance(before, Rejection):
        return before
    return Reading(lambda state, now_ns: _page(call, state, before, now_ns))


def _acting(call: Call, command: Any) -> Handled:
    number = reservation_number(call.path["reservation"])
    if number is None:
        return NOT_FOUND

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
        return _read(number, state, state.time_ns)

    return Changing(command(number), render)


def extend(call: Call) -> Handled:
    """Let it end later, or sooner."""
    return _acting(call, lambda number: ExtendReservation(number, call.body.ttl_seconds))


def release(call: Call) -> Handled:
    """Give back all or part."""
    return _acting(call, lambda number: ReleaseReservation(number, call.body.lines))


def change(call: Call) -> Handled:
    """Set new quantities."""
    return _acting(call, lambda number: ChangeReservation(number, call.body.lines))


def move(call: Call) -> Handled:
    """Let a node that is named give it."""
    return _acting(call, lambda number: MoveReservation(number, call.body.node, call.body.lines))


BATCH = Batch(
    BatchItem,
    ReserveStock,
    "/v1/reservations",
    _render_reserved,
    lambda call, asked: located(asked, call.server.postcodes),
)

STOCK_CODES = (
    ResultCode.UNKNOWN_CHANNEL,
    ResultCode.UNKNOWN_NODE,
    ResultCode.UNKNOWN_SKU,
    ResultCode.INSUFFICIENT_STOCK,
)
ENDED_CODES = (ResultCode.NOT_FOUND, ResultCode.RESERVATION_EXPIRED, ResultCode.RESERVATION_NOT_ACTIVE)
EXAMPLE = {
    "channel": "web-de",
    "ttl_seconds": 900,
    "lines": [{"sku": "85123A", "quantity": 2}, {"sku": "71053", "quantity": 1, "node": "berlin"}],
    "ship_to": {"country": "DE", "postal_code": "10115", "latitude": 52.53, "longitude": 13.38},
}

OPERATIONS = [
    Operation(
        id="reserveStock", hot=True, method="POST", path="/v1/reservations", tag=TAG, handle=reserve, status=201,
        summary="Claim units for a checkout before the customer pays", body=ReserveStock, answer=ReservationAnswer,
        codes=STOCK_CODES, example=EXAMPLE,
        description="Units that are not there are `backordered` where their item allows it: they wait as those of an order do, and "
        "become the order's. Anything else that is missing refuses all of it, unless a part is welcome.",
    ),
    Operation(
        id="reserveStockBatch", method="POST", path="/v1/reservations/batch", tag=TAG, handle=BATCH.handle,
        summary="Make up to 1,000 reservations, each on its own", body=BatchBody, body_schema=BatchBodySchema,
        answer=BatchAnswer, example={"items": [{"idempotency_key": "cart-4711", **EXAMPLE}]},
    ),
    Operation(
        id="listReservations", method="GET", path="/v1/reservations", tag=TAG, handle=list_, query=ReservationsQuery,
        summary="Reservations, active and ended, the youngest first", answer=ReservationPage,
    ),
    Operation(
        id="getReservation", method="GET", path="/v1/reservations/{reservation}", tag=TAG, handle=get,
        summary="Read a reservation, active or ended", answer=ReservationAnswer, resource=_resource,
        codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="extendReservation", hot=True, method="POST", path="/v1/reservations/{reservation}/extend", tag=TAG, handle=extend,
        summary="Let it end later, or sooner, counted from now", body=ExtendBody, answer=ReservationAnswer, resource=_resource,
        codes=ENDED_CODES, example={"ttl_seconds": 900},
    ),
    Operation(
        id="releaseReservation", hot=True, method="POST", path="/v1/reservations/{reservation}/release", tag=TAG, handle=release,
        summary="Give back everything, or the quantities named", body=ReleaseBody,
        answer=ReservationAnswer, resource=_resource,
        codes=(*ENDED_CODES, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_RESERVATION),
        example={"lines": [{"sku": "85123A", "quantity": 1}]},
    ),
    Operation(
        id="changeReservation", method="POST", path="/v1/reservations/{reservation}/change", tag=TAG, handle=change,
        summary="Set new quantities, up or down, all or nothing", body=ChangeBody, answer=ReservationAnswer,
        resource=_resource, codes=(*ENDED_CODES, ResultCode.UNKNOWN_SKU, ResultCode.INSUFFICIENT_STOCK),
        example={"lines": [{"sku": "85123A", "quantity": 3}]},
    ),
    Operation(
        id="moveReservation", method="POST", path="/v1/reservations/{reservation}/move", tag=TAG, handle=move,
        summary="Let another node give the units, in one step or not at all", body=MoveBody, answer=ReservationAnswer,
        resource=_resource,
        codes=(
            *ENDED_CODES, ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_RESERVATION,
            ResultCode.INSUFFICIENT_STOCK, ResultCode.INVALID_TRANSITION,
        ),
        example={"node": "berlin"},
        description="The node must have all the units free, as its safety stock and the buffer of the channel leave them. Units "
        "that were promised from inbound are taken from its shelf, too; what is backordered waits on.",
    ),
]  # fmt: skip
