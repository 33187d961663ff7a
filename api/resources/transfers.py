"""Goods between nodes over HTTP: planned, sent, received in parts, turned back, cancelled."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id, transfer_id, transfer_number
from api.answers.timestamps import Timestamp, check_moment, iso, iso_or_none, to_ns
from api.http.filters import NodeFilter, SkuFilter, is_wanted, some_of
from api.http.listing import Moment
from api.http.operations import Call, Changing, Handled, PageOf, PageQuery
from api.http.part_or_all import PartOrAll, all_of_it
from api.http.things import STEP_CODES, Thing
from engine import limits
from engine.commands.fields import Id
from engine.commands.transfers import (
    ArrivedLine,
    CancelTransfer,
    PlanTransfer,
    ReceiveTransfer,
    ShipTransfer,
    TransferQuantities,
    TurnBackTransfer,
)
from engine.facts.transfers import TransferPlanned
from engine.lifecycles import TRANSFER
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.state.transfers import Transfer
from engine.stock.transfers import orders_of, traits_of


class TransferBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What goes from where to where. Every SKU is named once; the units are claimed at once."""

    source: Id = msgspec.field(name="from")
    target: Id = msgspec.field(name="to")
    lines: TransferQuantities
    expected_at: Moment | None = None

    def __post_init__(self) -> None:
        check_moment("expected_at", self.expected_at)


class ArrivalBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What arrived; with `all`, or `{}`, everything that was sent. What is missing is lost, unless `more_to_come`.

    Of a transfer that is received, and lost something, `lines` are what has turned up.
    """

    lines: Annotated[tuple[ArrivedLine, ...], Meta(min_length=1, max_length=limits.TRANSFER_LINES_MAX)] | None = None
    more_to_come: bool = False


class DepartureBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What left; with `all`, or `{}`, everything that was planned. What is not named stays where it is, and is free."""

    lines: TransferQuantities | None = None


class TransferLineAnswer(msgspec.Struct, omit_defaults=True):
    """Units of one SKU. `damaged` are among the received ones; more than `quantity` may have come.

    `not_sent` were planned and stay where they are; `promised` are still awaited by an order that is picked up. Both are left
    out where there are none.
    """

    sku: str
    quantity: int
    received: int
    damaged: int
    lost: int
    not_sent: int = 0
    promised: int = 0


class TransferAnswer(msgspec.Struct):
    """Goods that go from one node to another. `state`: planned, in_transit, received, cancelled.

    With `inbound` they were promised to an order that is picked up there; `order` is the one that still waits for them.
    What was `turned_back` is received at `from` again.
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
    order: str | None
    turned_back: bool


class TransfersQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Only those `from` or `to` a node, with `sku`, or in `state`."""

    from_: NodeFilter | None = msgspec.field(default=None, name="from")
    to: NodeFilter | None = None
    sku: SkuFilter | None = None
    state: Annotated[str, some_of(*TRANSFER.states)] | None = None


class TransferPage(PageOf[TransferAnswer]):
    """The youngest first."""


def answer_of(state: State, transfer: Transfer) -> TransferAnswer:
    """As clients see it."""
    inbound = None if transfer.inbound is None else state.inbound.open.get(transfer.inbound)
    expected_at_ns = transfer.expected_at_ns if inbound is None else inbound.expected_at_ns
    promised = {} if inbound is None else {line.sku: line.promised for line in inbound.lines}
    return TransferAnswer(
        transfer_id(transfer.number),
        transfer.state,
        transfer.source,
        transfer.target,
        tuple(
            TransferLineAnswer(n.sku, n.quantity, n.received, n.damaged, n.lost, n.not_sent, promised.get(n.sku, 0))
            for n in transfer.lines
        ),
        iso_or_none(expected_at_ns),
        iso(transfer.created_at_ns),
        iso(transfer.changed_at_ns),
        TRANSFER.allowed(transfer.state, traits_of(state, transfer)),
        None if transfer.inbound is None else inbound_id(transfer.inbound),
        next((order.number for order in orders_of(state, transfer)), None),
        transfer.turned_back,
    )


TRANSFERS = Thing(
    path="/v1/transfers/{transfer}",
    tag="Transfers",
    answer=TransferAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such transfer, or it ended long ago"),
    key=lambda path: transfer_number(path["transfer"]),
    find=lambda state, number: state.transfers.find(number),
    render=answer_of,
    empty=all_of_it("NoFields", __name__),
)


def plan(call: Call) -> Handled:
    """Claim the units."""
    body: TransferBody = call.body
    expected_at_ns = None if body.expected_at is None else to_ns(body.expected_at)
    command = PlanTransfer(body.source, body.target, body.lines, expected_at_ns)
    return Changing(command, TRANSFERS.made(TransferPlanned, lambda fact: fact.transfer))


def _wanted(query: TransfersQuery, one: Transfer) -> bool:
    return (
        query.from_ in (None, one.source)
        and query.to in (None, one.target)
        and is_wanted(query.state, one.state)
        and (query.sku is None or one.line_of(query.sku) is not None)
    )


OPERATIONS = [
    TRANSFERS.make(
        "planTransfer", "Send units from one node to another", plan, TransferBody,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.INSUFFICIENT_STOCK),
        example={"from": "leipzig", "to": "berlin", "lines": [{"sku": "85123A", "quantity": 5}]},
        description="The units are claimed at once. What was promised to customers stays; safety stock does not stop a transfer.",
    ),
    TRANSFERS.list_kept(
        "listTransfers", "Transfers, the youngest first", TransfersQuery, TransferPage, lambda state: state.transfers, _wanted,
        description=f"Everything under way, and the last {limits.TRANSFERS_ENDED_KEPT:,} that ended.",
    ),
    TRANSFERS.get("getTransfer", "Read a transfer"),
    TRANSFERS.act(
        "shipTransfer", "ship", "The goods left: they are in transit", DepartureBody,
        lambda number, body: ShipTransfer(number, body.lines),
        codes=(*STEP_CODES, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_ALLOCATED),
        example={"lines": [{"sku": "85123A", "quantity": 4}]},
        description="With `lines` only those leave. What stays is free again; if a pickup was promised it, it is looked for elsewhere.",
    ),
    TRANSFERS.step(
        "turnTransferBack", "turn-back", "What is in transit goes back to where it came from", TurnBackTransfer,
        description="It is received there. If a pickup was promised it, it is looked for elsewhere.",
    ),
    TRANSFERS.act(
        "receiveTransfer", "receive", "Take in what arrived", ArrivalBody,
        lambda number, body: ReceiveTransfer(number, body.lines, body.more_to_come),
        codes=(*STEP_CODES, ResultCode.UNKNOWN_LINE),
        example={"lines": [{"sku": "85123A", "received": 4, "damaged": 1}]},
        description="What is missing is booked as lost (`short_transfer`), what is too much as found (`over_transfer`). Backorders are "
        "served first.",
    ),
    TRANSFERS.step("cancelTransfer", "cancel", "Leave the units where they are", CancelTransfer),
]  # fmt: skip
