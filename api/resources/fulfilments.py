"""Fulfilments over HTTP: what nodes have to do, and what they report."""

from collections.abc import Iterator
from typing import Any

import msgspec

from api.answers import FulfilmentAnswer, fulfilment_answer
from api.identifiers import fulfilment_number
from api.listing import newest_orders
from api.operations import Call, Changing, Handled, Handler, Operation, PageQuery, Reading
from api.problems import malformed
from engine import limits
from engine.commands import AdvanceFulfilment, RejectFulfilment
from engine.commands.fields import Text
from engine.commands.orders import Action, RejectReason, Tracking
from engine.facts import Fact
from engine.orders import OPEN_STEPS, Fulfilment, Order, find_by_fulfilment
from engine.results import Rejection, ResultCode
from engine.state import State

TAG = "Fulfilments"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment")


class FulfilmentsQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fulfilments must meet all of it."""

    node: str | None = None
    state: str | None = None


class FulfilmentPage(msgspec.Struct):
    """By order, the newest first. A page may end early, even empty, with a cursor: then more was looked at than one may."""

    items: list[FulfilmentAnswer]
    next_cursor: str | None


class StepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No fields: `{}` or no body at all."""


class ShipBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The carrier's name and code, if there is one."""

    tracking: Tracking | None = None


class RejectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why the node can't do it. `not_found`: the units are written off; `damaged`: unsellable; `no_capacity`: free again."""

    reason: RejectReason
    note: Text | None = None


def list_(call: Call) -> Handled:
    """A page of fulfilments, of open and closed orders."""
    query: FulfilmentsQuery = call.query
    start = _start(query.cursor)
    if isinstance(start, Rejection):
        return start

    def read(state: State, now_ns: int) -> FulfilmentPage:
        return _page(state, query, start)

    return Reading(read)


def _start(cursor: str | None) -> tuple[int, int] | Rejection | None:
    """A cursor is `<order seq>.<fulfilment>`: of that order come those below `fulfilment`, then older orders."""
    if not cursor:
        return None
    seq, dot, number = cursor.partition(".")
    if not (cursor.isascii() and dot and seq.isdigit() and number.isdigit() and len(cursor) <= 30):
        return malformed("in the query: `cursor` is what the page before gave as `next_cursor`")
    return int(seq), int(number)


def _page(state: State, query: FulfilmentsQuery, start: tuple[int, int] | None) -> FulfilmentPage:
    before = None if start is None else start[0] + 1
    items: list[FulfilmentAnswer] = []
    candidates = newest_orders(state, before, open_only=query.state in OPEN_STEPS)
    for looked_at, order in enumerate(candidates):
        if looked_at == limits.LIST_SCAN_ORDERS_MAX:
            return FulfilmentPage(items, f"{order.seq + 1}.0")
        for fulfilment in _matching(order, query):
            if start is not None and order.seq == start[0] and fulfilment.number >= start[1]:
                continue
            if len(items) == query.limit:
                return FulfilmentPage(items, f"{order.seq}.{fulfilment.number + 1}")
            items.append(fulfilment_answer(order, fulfilment))
    return FulfilmentPage(items, None)


def _matching(order: Order, query: FulfilmentsQuery) -> Iterator[Fulfilment]:
    for fulfilment in reversed(order.fulfilments):
        if query.node in (None, fulfilment.node) and query.state in (None, fulfilment.state):
            yield fulfilment


def _resource(call: Call) -> Any:
    number = fulfilment_number(call.path["fulfilment"])

    def read(state: State, now_ns: int) -> FulfilmentAnswer | Rejection:
        return NOT_FOUND if number is None else _answer(state, number)

    return read


def _answer(state: State, number: int) -> FulfilmentAnswer | Rejection:
    order = find_by_fulfilment(state, number)
    return NOT_FOUND if order is None else fulfilment_answer(order, order.fulfilment(number))


def get(call: Call) -> Handled:
    """Read one."""
    return Reading(_resource(call))


def _renderer(number: int) -> Any:
    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
        return _answer(state, number)

    return render


def _advance(action: Action) -> Handler:
    """The handler of one step."""

    def advance(call: Call) -> Handled:
        number = fulfilment_number(call.path["fulfilment"])
        if number is None:
            return NOT_FOUND
        tracking = call.body.tracking if isinstance(call.body, ShipBody) else None
        return Changing(AdvanceFulfilment(number, action, tracking), _renderer(number))

    return advance


def reject(call: Call) -> Handled:
    """The node can't do it; the order is sourced again without that node in the same step."""
    number = fulfilment_number(call.path["fulfilment"])
    if number is None:
        return NOT_FOUND
    return Changing(RejectFulfilment(number, call.body.reason, call.body.note), _renderer(number))


def _step(action: Action, summary: str, body: Any = StepBody, example: Any = None) -> Operation:
    return Operation(
        id=f"{action}Fulfilment", method="POST", path=f"/v1/fulfilments/{{fulfilment}}/{action}", tag=TAG,
        handle=_advance(action), summary=summary, body=body, body_optional=True, answer=FulfilmentAnswer,
        resource=_resource, codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION), example=example,
        description="Steps may be skipped forward, never taken back.",
    )  # fmt: skip


STEPS = (
    _step("accept", "The node takes the work on"),
    _step("pick", "The units were picked"),
    _step("pack", "The units are packed"),
    _step("ship", "The units left: they are no longer on hand", ShipBody,
          {"tracking": {"carrier": "dhl", "code": "00340434161094042557"}}),
    _step("deliver", "The units arrived"),
)  # fmt: skip

OPERATIONS = [
    Operation(
        id="listFulfilments", method="GET", path="/v1/fulfilments", tag=TAG, handle=list_, query=FulfilmentsQuery,
        summary="Fulfilments, those of the newest orders first", answer=FulfilmentPage,
    ),
    Operation(
        id="getFulfilment", method="GET", path="/v1/fulfilments/{fulfilment}", tag=TAG, handle=get,
        resource=_resource, summary="Read a fulfilment", answer=FulfilmentAnswer, codes=(ResultCode.NOT_FOUND,),
    ),
    *STEPS,
    Operation(
        id="rejectFulfilment", method="POST", path="/v1/fulfilments/{fulfilment}/reject", tag=TAG, handle=reject,
        summary="The node can't do it: source the order elsewhere", body=RejectBody, answer=FulfilmentAnswer,
        resource=_resource, codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION),
        example={"reason": "not_found", "note": "shelf empty"},
        description="The node is never asked again for this order. Units that find no other node are backordered "
        "where the item allows it, else `unsourceable`.",
    ),
]  # fmt: skip
