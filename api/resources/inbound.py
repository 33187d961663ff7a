"""Goods on their way over HTTP: announced, received in parts, delayed, cancelled."""

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id, inbound_number, transfer_id
from api.answers.timestamps import Timestamp, check_moment, iso, to_ns
from api.http.filters import NodeFilter, SkuFilter, is_wanted, some_of
from api.http.listing import Moment
from api.http.operations import Call, Changing, Handled, PageOf, PageQuery
from api.http.part_or_all import PartOrAll
from api.http.things import STEP_CODES, Thing
from engine import limits
from engine.commands.fields import Id
from engine.commands.inbound import (
    CancelInbound,
    DelayInbound,
    ExpectInbound,
    InboundArrivals,
    InboundQuantities,
    ReceiveInbound,
)
from engine.facts.inbound import InboundExpected
from engine.lifecycles import INBOUND
from engine.results import Rejection, ResultCode
from engine.state.inbound import Inbound

InboundState = Literal["expected", "received", "cancelled"]


class InboundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a supplier will bring to a node, and when. Every SKU is named once."""

    supplier: Annotated[Id, Meta(description="your own id of the supplier")]
    node: Id
    lines: InboundQuantities
    expected_at: Moment

    def __post_init__(self) -> None:
        check_moment("expected_at", self.expected_at)


class InboundLinesBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """With `all`, or `{}`, it is everything that is still expected."""

    lines: InboundQuantities | None = None


class InboundArrivalBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What came; with `all`, or `{}`, everything that is still expected, all of it sound."""

    lines: InboundArrivals | None = None


class DelayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it comes instead, later or earlier."""

    expected_at: Moment

    def __post_init__(self) -> None:
        check_moment("expected_at", self.expected_at)


class InboundLineAnswer(msgspec.Struct, omit_defaults=True):
    """Units of one SKU; max(0, quantity - received - cancelled) are still expected.

    `damaged` ones are among the received ones; left out if there are none.
    """

    sku: str
    quantity: int
    received: int
    cancelled: int
    damaged: int = 0


class InboundAnswer(msgspec.Struct):
    """Goods on their way. `state`: expected, received (something came, nothing more will), cancelled (nothing came).

    With `transfer` another node sends them for an order that is picked up; they are received with that.
    """

    id: str
    state: str
    supplier: str
    node: str
    expected_at: Timestamp
    created_at: Timestamp
    lines: tuple[InboundLineAnswer, ...]
    allowed: tuple[str, ...]
    transfer: str | None


class InboundQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Only at `node`, of `supplier`, with `sku`, or in `state`."""

    node: NodeFilter | None = None
    supplier: Id | None = None
    sku: SkuFilter | None = None
    state: Annotated[str, some_of(*get_args(InboundState))] | None = None


class InboundPage(PageOf[InboundAnswer]):
    """The youngest first."""


def answer_of(inbound: Inbound) -> InboundAnswer:
    """As clients see it."""
    return InboundAnswer(
        inbound_id(inbound.number),
        inbound.state,
        inbound.supplier,
        inbound.node,
        iso(inbound.expected_at_ns),
        iso(inbound.created_at_ns),
        tuple(InboundLineAnswer(n.sku, n.quantity, n.received, n.cancelled, n.damaged) for n in inbound.lines),
        INBOUND.allowed(inbound.state, inbound.traits),
        None if inbound.transfer is None else transfer_id(inbound.transfer),
    )


INBOUND_GOODS = Thing(
    path="/v1/inbound/{inbound}",
    tag="Inbound",
    answer=InboundAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such inbound, or it ended long ago"),
    key=lambda path: inbound_number(path["inbound"]),
    find=lambda state, number: state.inbound.find(number),
    render=lambda state, inbound: answer_of(inbound),
)


def expect(call: Call) -> Handled:
    """Announce what will come."""
    body: InboundBody = call.body
    command = ExpectInbound(body.supplier, body.node, body.lines, to_ns(body.expected_at))
    return Changing(command, INBOUND_GOODS.made(InboundExpected, lambda fact: fact.inbound))


def _wanted(query: InboundQuery, one: Inbound) -> bool:
    return (
        query.node in (None, one.node)
        and query.supplier in (None, one.supplier)
        and (query.sku is None or one.line_of(query.sku) is not None)
        and is_wanted(query.state, one.state)
    )


EXAMPLE = {
    "supplier": "brass-and-sons",
    "node": "leipzig",
    "lines": [{"sku": "85123A", "quantity": 40}],
    "expected_at": "2026-12-01T08:00:00Z",
}

OPERATIONS = [
    INBOUND_GOODS.make(
        "expectInbound", "Announce what a supplier will bring to a node", expect, InboundBody,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU), example=EXAMPLE,
    ),
    INBOUND_GOODS.list_kept(
        "listInbound", "Goods on their way, the youngest first", InboundQuery, InboundPage, lambda state: state.inbound, _wanted,
        description=f"Everything expected, and the last {limits.INBOUND_ENDED_KEPT:,} that ended.",
    ),
    INBOUND_GOODS.get(
        "getInbound", "Read one",
        description=f"The last {limits.INBOUND_ENDED_KEPT:,} that ended can be read; of older ones the journal tells.",
    ),
    INBOUND_GOODS.act(
        "receiveInbound", "receive", "Take in what arrived; partial and repeatable", InboundArrivalBody,
        lambda number, body: ReceiveInbound(number, body.lines),
        codes=(*STEP_CODES, ResultCode.UNKNOWN_LINE),
        example={"lines": [{"sku": "85123A", "quantity": 25, "damaged": 2}]},
        description="More than expected is taken in, too. Backorders are served first, in order of placing; `damaged` units serve "
        "nobody, they are unsellable at once.",
    ),
    INBOUND_GOODS.act(
        "delayInbound", "delay", "Expect it at another time", DelayBody,
        lambda number, body: DelayInbound(number, to_ns(body.expected_at)), example={"expected_at": "2026-12-04T08:00:00Z"},
    ),
    INBOUND_GOODS.act(
        "cancelInbound", "cancel", "Expect nothing more of it, or fewer units", InboundLinesBody,
        lambda number, body: CancelInbound(number, body.lines),
        codes=(*STEP_CODES, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_CANCELLABLE),
        example={"lines": [{"sku": "85123A", "quantity": 5}]},
    ),
]  # fmt: skip
