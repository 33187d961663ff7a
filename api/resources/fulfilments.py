"""Fulfilments over HTTP: what nodes have to do, and what they report."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers.identifiers import fulfilment_number
from api.answers.orders import FulfilmentAnswer, fulfilment_answer
from api.answers.timestamps import check_moment, to_ns
from api.http.listing import Moment, newest_orders, start_of
from api.http.operations import Call, Changing, Handled, Handler, Operation, PageQuery, Reading
from engine import limits
from engine.commands import Command
from engine.commands.fields import Id, Text
from engine.commands.orders import (
    Action,
    AdvanceFulfilment,
    CancelFulfilment,
    ConfirmedDate,
    ConfirmFulfilment,
    FoundLine,
    FulfilmentLines,
    MergeFulfilments,
    PackParcels,
    ParcelRequest,
    RejectFulfilment,
    RejectReason,
    ShortFulfilment,
    SplitFulfilment,
    Tracking,
)
from engine.facts import Fact
from engine.facts.orders import FulfilmentSplit
from engine.lifecycles import OPEN
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_fulfilment
from engine.state.orders import Fulfilment, Order
from engine.state.state import State

TAG = "Fulfilments"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment")


class FulfilmentsQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fulfilments must meet all of it. `supplier`: only purchase orders, which are the work of nodes that are suppliers."""

    node: str | None = None
    state: str | None = None
    supplier: Literal["true", "false"] | None = None


class FulfilmentPage(msgspec.Struct):
    """What a node has to do in an open state comes in the order in which it should leave; anything else by order, newest first.

    A page may end early, even empty, with a cursor: then more was looked at than one call may.
    """

    items: list[FulfilmentAnswer]
    next_cursor: str | None


class StepBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No fields: `{}` or no body at all."""


class ReadyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long it waits for the customer; left out: as long as the order or its channel says."""

    pickup_until: Moment | None = None

    def __post_init__(self) -> None:
        check_moment("pickup_until", self.pickup_until)


class ShipBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The carrier's name and code, if there is one."""

    tracking: Tracking | None = None


class RejectBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why the node can't do it. `not_found`: the units are written off; `damaged`: unsellable; `no_capacity`: free again."""

    reason: RejectReason
    note: Text | None = None


class ShortBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many units were found, line by line; lines that are not named were found in full. The reason acts as in a rejection."""

    lines: Annotated[tuple[FoundLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]
    reason: RejectReason = "not_found"
    note: Text | None = None


class SplitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The units that get a fulfilment of their own; something must be left."""

    lines: FulfilmentLines


class MergeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fulfilment that becomes a part of this one: of the same order, at the same node, in the same state."""

    other: str = msgspec.field(name="with")


class ParcelsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is in which parcel. It replaces what was said before; no parcels are allowed, too."""

    parcels: Annotated[tuple[ParcelRequest, ...], Meta(max_length=limits.PARCELS_MAX)]


class ConfirmLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When the units of an order line will leave."""

    id: Id
    ships_at: Moment

    def __post_init__(self) -> None:
        check_moment("ships_at", self.ships_at)


class ConfirmBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Dates for lines; lines that are not named leave with the others, or as was promised."""

    lines: Annotated[tuple[ConfirmLine, ...], Meta(max_length=limits.ORDER_LINES_MAX)] = ()


class CancelWorkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why the customer does not get it. No names, please: it is journalled."""

    reason: Annotated[str, Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]


def list_(call: Call) -> Handled:
    """A page of fulfilments, of open and closed orders."""
    query: FulfilmentsQuery = call.query
    if query.node is not None and query.state in OPEN:
        return _worklist(query, query.node, query.state)
    start = start_of(query.cursor)
    if isinstance(start, Rejection):
        return start

    def read(state: State, now_ns: int) -> FulfilmentPage:
        return _page(state, query, start)

    return Reading(read)


def _worklist(query: FulfilmentsQuery, node: str, of_state: str) -> Handled:
    """What a node has in an open state, that which should leave first coming first. A cursor is `<target time>.<fulfilment>`."""
    after = start_of(query.cursor)
    if isinstance(after, Rejection):
        return after

    def read(state: State, now_ns: int) -> FulfilmentPage:
        items: list[FulfilmentAnswer] = []
        if not _is_wanted(state, node, query):
            return FulfilmentPage(items, None)
        last = (-1, 0)
        for entry in state.orders.work.after(node, of_state, after or last):
            if len(items) == query.limit:
                return FulfilmentPage(items, f"{last[0]}.{last[1]}")
            order = state.orders.open[state.orders.order_of_fulfilment[entry[1]]]
            items.append(fulfilment_answer(state, order, order.fulfilment(entry[1])))
            last = entry
        return FulfilmentPage(items, None)

    return Reading(read)


def _is_wanted(state: State, node: str, query: FulfilmentsQuery) -> bool:
    """Whether a node is of the kind that is asked for."""
    if query.supplier is None:
        return True
    known = state.configuration.nodes.get(node)
    return known is not None and (known.kind == "supplier") == (query.supplier == "true")


def _page(state: State, query: FulfilmentsQuery, start: tuple[int, int] | None) -> FulfilmentPage:
    before = None if start is None else start[0] + 1
    items: list[FulfilmentAnswer] = []
    candidates = newest_orders(state, before, open_only=query.state in OPEN)
    for looked_at, order in enumerate(candidates):
        if looked_at == limits.LIST_SCAN_ORDERS_MAX:
            return FulfilmentPage(items, f"{order.seq + 1}.0")
        for fulfilment in _matching(state, order, query):
            if start is not None and order.seq == start[0] and fulfilment.number >= start[1]:
                continue
            if len(items) == query.limit:
                return FulfilmentPage(items, f"{order.seq}.{fulfilment.number + 1}")
            items.append(fulfilment_answer(state, order, fulfilment))
    return FulfilmentPage(items, None)


def _matching(state: State, order: Order, query: FulfilmentsQuery) -> Iterator[Fulfilment]:
    for fulfilment in reversed(order.fulfilments):
        if query.node not in (None, fulfilment.node) or query.state not in (None, fulfilment.state):
            continue
        if _is_wanted(state, fulfilment.node, query):
            yield fulfilment


def _resource(call: Call) -> Any:
    number = fulfilment_number(call.path["fulfilment"])

    def read(state: State, now_ns: int) -> FulfilmentAnswer | Rejection:
        return NOT_FOUND if number is None else _answer(state, number)

    return read


def _answer(state: State, number: int) -> FulfilmentAnswer | Rejection:
    order = find_by_fulfilment(state, number)
    return NOT_FOUND if order is None else fulfilment_answer(state, order, order.fulfilment(number))


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
        until = call.body.pickup_until if isinstance(call.body, ReadyBody) else None
        command = AdvanceFulfilment(number, action, tracking, None if until is None else to_ns(until))
        return Changing(command, _renderer(number))

    return advance


def _acting(call: Call, command: Callable[[int], Command]) -> Handled:
    """Do something to the fulfilment in the path; answer with it."""
    number = fulfilment_number(call.path["fulfilment"])
    return NOT_FOUND if number is None else Changing(command(number), _renderer(number))


def reject(call: Call) -> Handled:
    """The node can't do it; the order is sourced again without that node in the same step."""
    return _acting(call, lambda number: RejectFulfilment(number, call.body.reason, call.body.note))


def short(call: Call) -> Handled:
    """Not everything was found: the rest is sourced again elsewhere."""
    body: ShortBody = call.body
    return _acting(call, lambda number: ShortFulfilment(number, body.lines, body.reason, body.note))


def split(call: Call) -> Handled:
    """Some units get a fulfilment of their own."""
    number = fulfilment_number(call.path["fulfilment"])
    if number is None:
        return NOT_FOUND

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
        made = next(fact for fact in facts if isinstance(fact, FulfilmentSplit))
        return _answer(state, made.part)

    return Changing(SplitFulfilment(number, call.body.lines), render)


def merge(call: Call) -> Handled:
    """Another fulfilment becomes a part of this one."""
    other = fulfilment_number(call.body.other)
    if other is None:
        return Rejection.at(ResultCode.UNKNOWN_FULFILMENT, "/with", "the order has no such other fulfilment")
    return _acting(call, lambda number: MergeFulfilments(number, other))


def parcels(call: Call) -> Handled:
    """What is in which parcel."""
    return _acting(call, lambda number: PackParcels(number, call.body.parcels))


def confirm(call: Call) -> Handled:
    """A supplier takes a purchase order on."""
    dates = tuple(ConfirmedDate(line.id, to_ns(line.ships_at)) for line in call.body.lines)
    return _acting(call, lambda number: ConfirmFulfilment(number, dates))


def cancel(call: Call) -> Handled:
    """The customer does not get what this fulfilment would bring."""
    return _acting(call, lambda number: CancelFulfilment(number, call.body.reason))


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
    _step("unpack", "Take the units out of their parcels again"),
    _step("ready", "The units wait for the customer", ReadyBody, {"pickup_until": "2026-12-01T18:00:00Z"}),
    _step("ship", "The units left: they are no longer on hand", ShipBody,
          {"tracking": {"carrier": "dhl", "code": "00340434161094042557"}}),
    _step("deliver", "The units arrived"),
    _step("collect", "The customer has the units"),
)  # fmt: skip


def _act(
    action: str,
    handle: Handler,
    summary: str,
    body: Any,
    example: Any,
    *codes: ResultCode,
    more: str = "",
    status: int = 200,
) -> Operation:
    return Operation(
        id=f"{action}Fulfilment", method="POST", path=f"/v1/fulfilments/{{fulfilment}}/{action}", tag=TAG,
        handle=handle, summary=summary, body=body, answer=FulfilmentAnswer, resource=_resource, example=example,
        codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION, *codes), description=more, status=status,
    )  # fmt: skip


OPERATIONS = [
    Operation(
        id="listFulfilments", method="GET", path="/v1/fulfilments", tag=TAG, handle=list_, query=FulfilmentsQuery,
        summary="Fulfilments: the work of a node in the order in which it should leave, or those of the newest orders first",
        answer=FulfilmentPage,
    ),
    Operation(
        id="getFulfilment", method="GET", path="/v1/fulfilments/{fulfilment}", tag=TAG, handle=get,
        resource=_resource, summary="Read a fulfilment", answer=FulfilmentAnswer, codes=(ResultCode.NOT_FOUND,),
    ),
    *STEPS,
    _act(
        "reject", reject, "The node can't do it: source the order elsewhere", RejectBody,
        {"reason": "not_found", "note": "shelf empty"},
        more="The node is never asked again for this order. Units that find no other node are backordered where the item "
        "allows it, else `unsourceable`. What was to be picked up is never turned into a parcel.",
    ),
    _act(
        "short", short, "Not everything was found: source the rest elsewhere", ShortBody,
        {"lines": [{"line": "1", "found": 1}], "reason": "not_found"},
        ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_ALLOCATED,
        more="What was found stays with the node. With nothing found it is a rejection.",
    ),
    _act(
        "split", split, "Give some units a fulfilment of their own", SplitBody, {"lines": [{"line": "1", "quantity": 1}]},
        ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_ALLOCATED, status=201,
        more="The new one is at the same node and in the same state; it is the answer.",
    ),
    _act(
        "merge", merge, "Join another fulfilment to this one", MergeBody, {"with": "f-18"}, ResultCode.UNKNOWN_FULFILMENT,
        more="The other one is cancelled with the reason `merged`.",
    ),
    _act(
        "parcels", parcels, "Say what is in which parcel", ParcelsBody,
        {"parcels": [{"lines": [{"line": "1", "quantity": 2}], "weight_grams": 1850,
                      "tracking": {"carrier": "dhl", "code": "00340434161094042557"}}]},
        ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_ALLOCATED,
    ),
    _act(
        "confirm", confirm, "A supplier takes a purchase order on, with dates", ConfirmBody,
        {"lines": [{"id": "1", "ships_at": "2026-12-02T12:00:00Z"}]}, ResultCode.UNKNOWN_LINE,
    ),
    _act(
        "cancel", cancel, "Cancel the units of one fulfilment", CancelWorkBody, {"reason": "customer changed their mind"},
        more="They are available again at the node, and cancelled for the order.",
    ),
]  # fmt: skip
