"""Goods between nodes over HTTP: planned, sent, received in parts, cancelled."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id, transfer_id, transfer_number
from api.answers.timestamps import Timestamp, check_moment, iso, iso_or_none, to_ns
from api.http.listing import Moment, kept_page, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageQuery, Reading
from engine import limits
from engine.commands.fields import Id, Sku
from engine.commands.transfers import (
    ArrivedLine,
    CancelTransfer,
    PlanTransfer,
    ReceiveTransfer,
    ShipTransfer,
    TransferQuantities,
)
from engine.facts import Fact
from engine.facts.transfers import TransferPlanned
from engine.lifecycles import TRANSFER
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.state.transfers import Transfer

TAG = "Transfers"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such transfer, or it ended long ago")


class TransferBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What goes from where to where. Every SKU is named once; the units are claimed at once."""

    source: Id = msgspec.field(name="from")
    target: Id = msgspec.field(name="to")
    lines: TransferQuantities
    expected_at: Moment | None = None

    def __post_init__(self) -> None:
        check_moment("expected_at", self.expected_at)


class ArrivalBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What arrived; without `lines` everything that was sent. What is missing is lost, unless `more_to_come`."""

    lines: Annotated[tuple[ArrivedLine, ...], Meta(min_length=1, max_length=limits.TRANSFER_LINES_MAX)] | None = None
    more_to_come: bool = False


class NoFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No fields: `{}` or no body at all."""


class TransferLineAnswer(msgspec.Struct):
    """Units of one SKU. `damaged` are among the received ones; more than `quantity` may have come."""

    sku: str
    quantity: int
    received: int
    damaged: int
    lost: int


class TransferAnswer(msgspec.Struct):
    """Goods that go from one node to another. `state`: planned, in_transit, received, cancelled.

    With `inbound` they were promised to an order that is picked up there.
    """

    id: str
    state: str
    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    lines: tuple[TransferLineAnswer, ...]
    expected_at: Timestamp | None
    created_at: Timestamp
    changed_at: Timestamp
    allowed: tuple[str, ...]
    inbound: str | None


class TransfersQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Only those `from` or `to` a node, with `sku`, or in `state`."""

    from_: Id | None = msgspec.field(default=None, name="from")
    to: Id | None = None
    sku: Sku | None = None
    state: Literal["planned", "in_transit", "received", "cancelled"] | None = None


class TransferPage(msgspec.Struct):
    """The youngest first."""

    items: list[TransferAnswer]
    next_cursor: str | None


def answer_of(transfer: Transfer) -> TransferAnswer:
    """As clients see it."""
    return TransferAnswer(
        transfer_id(transfer.number),
        transfer.state,
        transfer.source,
        transfer.target,
        tuple(TransferLineAnswer(n.sku, n.quantity, n.received, n.damaged, n.lost) for n in transfer.lines),
        iso_or_none(transfer.expected_at_ns),
        iso(transfer.created_at_ns),
        iso(transfer.changed_at_ns),
        TRANSFER.allowed(transfer.state),
        None if transfer.inbound is None else inbound_id(transfer.inbound),
    )


def _read(state: State, number: int | None) -> TransferAnswer | Rejection:
    transfer = None if number is None else state.transfers.find(number)
    return NOT_FOUND if transfer is None else answer_of(transfer)


def _resource(call: Call) -> Any:
    number = transfer_number(call.path["transfer"])
    return lambda state, now_ns: _read(state, number)


def _render_planned(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
    made = facts[0]
    assert isinstance(made, TransferPlanned)
    return _read(state, made.transfer)


def plan(call: Call) -> Handled:
    """Claim the units."""
    body: TransferBody = call.body
    expected_at_ns = None if body.expected_at is None else to_ns(body.expected_at)
    return Changing(PlanTransfer(body.source, body.target, body.lines, expected_at_ns), _render_planned)


def get(call: Call) -> Handled:
    """Read one."""
    return Reading(_resource(call))


def list_(call: Call) -> Handled:
    """A page of them."""
    query: TransfersQuery = call.query
    before = position_of(query.cursor)
    if isinstance(before, Rejection):
        return before
    return Reading(lambda state, now_ns: _page(state, query, before))


def _page(state: State, query: TransfersQuery, before: int | None) -> TransferPage:
    def wanted(one: Transfer) -> bool:
        return (
            query.from_ in (None, one.source)
            and query.to in (None, one.target)
            and query.state in (None, one.state)
            and (query.sku is None or one.line_of(query.sku) is not None)
        )

    kept = state.transfers
    found, cursor = kept_page(kept.open, kept.ended, before, query.limit, wanted)
    return TransferPage([answer_of(one) for one in found], cursor)


def _acting(call: Call, command: Any) -> Handled:
    number = transfer_number(call.path["transfer"])
    if number is None:
        return NOT_FOUND
    return Changing(command(number), lambda state, seq, facts: _read(state, number))


def ship(call: Call) -> Handled:
    """It left."""
    return _acting(call, ShipTransfer)


def receive(call: Call) -> Handled:
    """It arrived, or a part of it."""
    return _acting(call, lambda number: ReceiveTransfer(number, call.body.lines, call.body.more_to_come))


def cancel(call: Call) -> Handled:
    """It stays."""
    return _acting(call, CancelTransfer)


CODES = (ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION)

OPERATIONS = [
    Operation(
        id="planTransfer", method="POST", path="/v1/transfers", tag=TAG, handle=plan, status=201, body=TransferBody,
        summary="Send units from one node to another", answer=TransferAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.INSUFFICIENT_STOCK),
        example={"from": "leipzig", "to": "berlin", "lines": [{"sku": "85123A", "quantity": 5}]},
        description="The units are claimed at once. What was promised to customers stays; safety stock does not stop a transfer.",
    ),
    Operation(
        id="listTransfers", method="GET", path="/v1/transfers", tag=TAG, handle=list_, query=TransfersQuery,
        summary="Transfers, the youngest first", answer=TransferPage,
        description=f"Everything under way, and the last {limits.TRANSFERS_ENDED_KEPT:,} that ended.",
    ),
    Operation(
        id="getTransfer", method="GET", path="/v1/transfers/{transfer}", tag=TAG, handle=get, resource=_resource,
        summary="Read a transfer", answer=TransferAnswer, codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="shipTransfer", method="POST", path="/v1/transfers/{transfer}/ship", tag=TAG, handle=ship, body=NoFields,
        body_optional=True, summary="The goods left: they are in transit", answer=TransferAnswer, resource=_resource,
        codes=CODES,
    ),
    Operation(
        id="receiveTransfer", method="POST", path="/v1/transfers/{transfer}/receive", tag=TAG, handle=receive,
        body=ArrivalBody, body_optional=True, summary="Take in what arrived", answer=TransferAnswer, resource=_resource,
        codes=(*CODES, ResultCode.UNKNOWN_LINE),
        example={"lines": [{"sku": "85123A", "received": 4, "damaged": 1}]},
        description="What is missing is booked as lost (`short_transfer`), what is too much as found (`over_transfer`). Backorders are "
        "served first.",
    ),
    Operation(
        id="cancelTransfer", method="POST", path="/v1/transfers/{transfer}/cancel", tag=TAG, handle=cancel,
        body=NoFields, body_optional=True, summary="Leave the units where they are", answer=TransferAnswer,
        resource=_resource, codes=CODES,
    ),
]  # fmt: skip
