"""Goods on their way over HTTP: announced, received in parts, delayed, cancelled."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id, inbound_number, transfer_id
from api.answers.timestamps import Timestamp, check_moment, iso, to_ns
from api.http.listing import Moment, kept_page, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageQuery, Reading
from engine import limits
from engine.commands.fields import Id, Sku
from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, InboundQuantities, ReceiveInbound
from engine.facts import Fact
from engine.facts.inbound import InboundExpected
from engine.lifecycles import INBOUND
from engine.results import Rejection, ResultCode
from engine.state.inbound import Inbound
from engine.state.state import State

TAG = "Inbound"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such inbound, or it ended long ago")
InboundState = Literal["expected", "received", "cancelled"]


class InboundBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a supplier will bring to a node, and when. Every SKU is named once."""

    supplier: Annotated[Id, Meta(description="your own id of the supplier")]
    node: Id
    lines: InboundQuantities
    expected_at: Moment

    def __post_init__(self) -> None:
        check_moment("expected_at", self.expected_at)


class InboundLinesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Without `lines` it is everything that is still expected."""

    lines: InboundQuantities | None = None


class DelayBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When it comes instead, later or earlier."""

    expected_at: Moment

    def __post_init__(self) -> None:
        check_moment("expected_at", self.expected_at)


class InboundLineAnswer(msgspec.Struct):
    """Units of one SKU; max(0, quantity - received - cancelled) are still expected."""

    sku: str
    quantity: int
    received: int
    cancelled: int


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

    node: Id | None = None
    supplier: Id | None = None
    sku: Sku | None = None
    state: InboundState | None = None


class InboundPage(msgspec.Struct):
    """The youngest first."""

    items: list[InboundAnswer]
    next_cursor: str | None


def answer_of(inbound: Inbound) -> InboundAnswer:
    """As clients see it."""
    return InboundAnswer(
        inbound_id(inbound.number),
        inbound.state,
        inbound.supplier,
        inbound.node,
        iso(inbound.expected_at_ns),
        iso(inbound.created_at_ns),
        tuple(InboundLineAnswer(line.sku, line.quantity, line.received, line.cancelled) for line in inbound.lines),
        INBOUND.allowed(inbound.state),
        None if inbound.transfer is None else transfer_id(inbound.transfer),
    )


def _read(state: State, number: int | None) -> InboundAnswer | Rejection:
    inbound = None if number is None else state.inbound.find(number)
    return NOT_FOUND if inbound is None else answer_of(inbound)


def _resource(call: Call) -> Any:
    number = inbound_number(call.path["inbound"])
    return lambda state, now_ns: _read(state, number)


def _render_expected(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
    made = facts[0]
    assert isinstance(made, InboundExpected)
    return _read(state, made.inbound)


def expect(call: Call) -> Handled:
    """Announce what will come."""
    body: InboundBody = call.body
    return Changing(ExpectInbound(body.supplier, body.node, body.lines, to_ns(body.expected_at)), _render_expected)


def get(call: Call) -> Handled:
    """Read one."""
    return Reading(_resource(call))


def list_(call: Call) -> Handled:
    """A page of them."""
    query: InboundQuery = call.query
    before = position_of(query.cursor)
    if isinstance(before, Rejection):
        return before
    return Reading(lambda state, now_ns: _page(state, query, before))


def _page(state: State, query: InboundQuery, before: int | None) -> InboundPage:
    def wanted(one: Inbound) -> bool:
        return (
            query.node in (None, one.node)
            and query.supplier in (None, one.supplier)
            and (query.sku is None or one.line_of(query.sku) is not None)
            and query.state in (None, one.state)
        )

    kept = state.inbound
    found, cursor = kept_page(kept.open, kept.ended, before, query.limit, wanted)
    return InboundPage([answer_of(one) for one in found], cursor)


def _acting(call: Call, command: Any) -> Handled:
    number = inbound_number(call.path["inbound"])
    if number is None:
        return NOT_FOUND
    return Changing(command(number), lambda state, seq, facts: _read(state, number))


def receive(call: Call) -> Handled:
    """Units arrived; partial and repeatable."""
    return _acting(call, lambda number: ReceiveInbound(number, call.body.lines))


def delay(call: Call) -> Handled:
    """It comes at another time."""
    return _acting(call, lambda number: DelayInbound(number, to_ns(call.body.expected_at)))


def cancel(call: Call) -> Handled:
    """Units will not come."""
    return _acting(call, lambda number: CancelInbound(number, call.body.lines))


ENDED_CODES = (ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION)
EXAMPLE = {
    "supplier": "brass-and-sons",
    "node": "leipzig",
    "lines": [{"sku": "85123A", "quantity": 40}],
    "expected_at": "2026-12-01T08:00:00Z",
}

OPERATIONS = [
    Operation(
        id="expectInbound", method="POST", path="/v1/inbound", tag=TAG, handle=expect, status=201,
        summary="Announce what a supplier will bring to a node", body=InboundBody, answer=InboundAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU), example=EXAMPLE,
    ),
    Operation(
        id="listInbound", method="GET", path="/v1/inbound", tag=TAG, handle=list_, query=InboundQuery,
        summary="Goods on their way, the youngest first", answer=InboundPage,
        description=f"Everything expected, and the last {limits.INBOUND_ENDED_KEPT:,} that ended.",
    ),
    Operation(
        id="getInbound", method="GET", path="/v1/inbound/{inbound}", tag=TAG, handle=get, resource=_resource,
        summary="Read one", answer=InboundAnswer, codes=(ResultCode.NOT_FOUND,),
        description=f"The last {limits.INBOUND_ENDED_KEPT:,} that ended can be read; of older ones the journal tells.",
    ),
    Operation(
        id="receiveInbound", method="POST", path="/v1/inbound/{inbound}/receive", tag=TAG, handle=receive,
        summary="Take in what arrived; partial and repeatable", body=InboundLinesBody, body_optional=True,
        answer=InboundAnswer, resource=_resource, codes=(*ENDED_CODES, ResultCode.UNKNOWN_LINE),
        example={"lines": [{"sku": "85123A", "quantity": 25}]},
        description="More than expected is taken in, too. Backorders are served first, in order of placing.",
    ),
    Operation(
        id="delayInbound", method="POST", path="/v1/inbound/{inbound}/delay", tag=TAG, handle=delay,
        summary="Expect it at another time", body=DelayBody, answer=InboundAnswer, resource=_resource,
        codes=ENDED_CODES, example={"expected_at": "2026-12-04T08:00:00Z"},
    ),
    Operation(
        id="cancelInbound", method="POST", path="/v1/inbound/{inbound}/cancel", tag=TAG, handle=cancel,
        summary="Expect nothing more of it, or fewer units", body=InboundLinesBody, body_optional=True,
        answer=InboundAnswer, resource=_resource,
        codes=(*ENDED_CODES, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_CANCELLABLE),
        example={"lines": [{"sku": "85123A", "quantity": 5}]},
    ),
]  # fmt: skip
