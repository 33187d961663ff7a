"""Fulfilments over HTTP: what nodes have to do, and what they report."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers.identifiers import fulfilment_number
from api.answers.orders import FulfilmentAnswer, fulfilment_answer
from api.answers.timestamps import check_moment, to_ns
from api.http.filters import NodeFilter, is_wanted, some_of
from api.http.listing import Moment, newest_orders, page_of_parts, start_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, PageQuery
from api.http.part_or_all import All, PartOrAll, all_of_it
from api.http.things import STEP_CODES, Thing
from api.http.turns import in_slices
from engine import limits
from engine.commands import Command
from engine.commands.fields import Id, Text
from engine.commands.orders import (
    Action,
    AdvanceFulfilment,
    CancelFulfilment,
    CollectPart,
    ConfirmedDate,
    ConfirmFulfilment,
    FoundLine,
    FulfilmentLines,
    MergeFulfilments,
    MoveFulfilment,
    PackParcels,
    ParcelRequest,
    RejectFulfilment,
    RejectReason,
    ShortFulfilment,
    SplitFulfilment,
    Tracking,
)
from engine.facts.orders import FulfilmentSplit
from engine.lifecycles import FULFILMENT, OPEN
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_fulfilment
from engine.state.orders import Fulfilment, Order
from engine.state.state import State


class FulfilmentsQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Fulfilments must meet all of it. `supplier`: only purchase orders, the work of nodes that are suppliers."""

    node: NodeFilter | None = None
    state: Annotated[str, some_of(*FULFILMENT.states)] | None = None
    supplier: Literal["true", "false"] | None = None


class FulfilmentPage(PageOf[FulfilmentAnswer]):
    """What a node has to do in an open state comes in the order in which it should leave; anything else by order, newest first.

    A page may end early, even empty, with a cursor: then more was looked at than one call may.
    """


class ReadyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long it waits for the customer; left out: as long as the order or its channel says."""

    pickup_until: Moment | None = None

    def __post_init__(self) -> None:
        check_moment("pickup_until", self.pickup_until)


class CollectBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the customer took; with `all`, or `{}`, all of it. What is not named goes on waiting, as a fulfilment of its own."""

    lines: FulfilmentLines | None = None


class ShipBody(All, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
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


class MoveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The node that shall do it; without `lines` all of it."""

    node: Id
    lines: FulfilmentLines | None = None


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


async def list_(call: Call) -> Handled:
    """A page of fulfilments, of open and closed orders."""
    return await (_worklist if call.query.node is not None and call.query.state in OPEN else _of_orders)(call)


def _worklist_page(call: Call, state: State, after: tuple[int, int] | None) -> FulfilmentPage:
    """What a node has in an open state, what should leave first in front. A cursor is `<target time>.<fulfilment>`."""
    query: FulfilmentsQuery = call.query
    assert query.node is not None
    assert query.state is not None
    items: list[FulfilmentAnswer] = []
    if not _is_wanted(state, query.node, query):
        return FulfilmentPage(items, None)
    last, lines = (-1, 0), 0
    for entry in state.orders.work.after(query.node, query.state, after or last):
        if len(items) == query.limit or lines >= limits.LIST_SLICE_LINES:
            return FulfilmentPage(items, f"{last[0]}.{last[1]}")
        order = state.orders.open[state.orders.order_of_fulfilment[entry[1]]]
        lines += len(order.lines)
        items.append(fulfilment_answer(state, order, order.fulfilment(entry[1])))
        last = entry
    return FulfilmentPage(items, None)


def _is_wanted(state: State, node: str, query: FulfilmentsQuery) -> bool:
    """Whether a node is of the kind that is asked for."""
    if query.supplier is None:
        return True
    known = state.configuration.nodes.get(node)
    return known is not None and (known.kind == "supplier") == (query.supplier == "true")


def _only_open(asked: str | None) -> bool:
    """Whether only open orders have fulfilments in these states."""
    return asked is not None and set(asked.split(",")) <= set(OPEN)


def _page(call: Call, state: State, start: tuple[int, int] | None) -> FulfilmentPage:
    query: FulfilmentsQuery = call.query
    orders = newest_orders(state, None if start is None else start[0] + 1, open_only=_only_open(query.state))
    found, cursor = page_of_parts(orders, start, query.limit, lambda order: _matching(state, order, query))
    return FulfilmentPage([fulfilment_answer(state, order, fulfilment) for order, fulfilment in found], cursor)


def _matching(state: State, order: Order, query: FulfilmentsQuery) -> Iterator[Fulfilment]:
    for fulfilment in reversed(order.fulfilments):
        if query.node not in (None, fulfilment.node) or not is_wanted(query.state, fulfilment.state):
            continue
        if _is_wanted(state, fulfilment.node, query):
            yield fulfilment


_worklist, _of_orders = in_slices(start_of, _worklist_page), in_slices(start_of, _page)


def _find(state: State, number: int) -> tuple[Order, Fulfilment] | None:
    order = find_by_fulfilment(state, number)
    return None if order is None else (order, order.fulfilment(number))


FULFILMENTS = Thing(
    path="/v1/fulfilments/{fulfilment}",
    tag="Fulfilments",
    answer=FulfilmentAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment"),
    key=lambda path: fulfilment_number(path["fulfilment"]),
    find=_find,
    render=lambda state, found: fulfilment_answer(state, *found),
    empty=all_of_it("StepBody", __name__),
)


def split(call: Call) -> Handled:
    """Some units get a fulfilment of their own, which is the answer."""
    number = FULFILMENTS.key_in(call)
    if isinstance(number, Rejection):
        return number
    command = SplitFulfilment(number, call.body.lines)
    return Changing(command, FULFILMENTS.made(FulfilmentSplit, lambda fact: fact.part))


def merge(call: Call) -> Handled:
    """Another fulfilment becomes a part of this one."""
    other = fulfilment_number(call.body.other)
    if other is None:
        return Rejection.at(ResultCode.UNKNOWN_FULFILMENT, "/with", "the order has no such other fulfilment")
    return FULFILMENTS.change(call, lambda number: MergeFulfilments(number, other))


def _make_ready(number: int, body: ReadyBody) -> Command:
    return AdvanceFulfilment(number, "ready", None, None if body.pickup_until is None else to_ns(body.pickup_until))


def _collect(number: int, body: CollectBody) -> Command:
    return AdvanceFulfilment(number, "collect") if body.lines is None else CollectPart(number, body.lines)


def _confirm(number: int, body: ConfirmBody) -> Command:
    return ConfirmFulfilment(number, tuple(ConfirmedDate(line.id, to_ns(line.ships_at)) for line in body.lines))


def _step(
    action: Action, summary: str, body: Any = None, command: Callable[[int, Any], Command] | None = None, **more: Any
) -> Operation:
    """One of the steps on the way to the customer."""
    return FULFILMENTS.act(
        f"{action}Fulfilment", action, summary, body or FULFILMENTS.empty,
        command or (lambda number, _: AdvanceFulfilment(number, action)),
        description="Steps may be skipped forward, never taken back.", **{"body_optional": True, **more},
    )  # fmt: skip


UNITS_CODES = (*STEP_CODES, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_ALLOCATED)
TRACKING = {"carrier": "dhl", "code": "00340434161094042557"}

OPERATIONS = [
    FULFILMENTS.list_(
        "listFulfilments",
        "Fulfilments: the work of a node in the order in which it should leave, or those of the newest orders first",
        list_, FulfilmentsQuery, FulfilmentPage,
    ),
    FULFILMENTS.get("getFulfilment", "Read a fulfilment"),
    _step("accept", "The node takes the work on"),
    _step("pick", "The units were picked"),
    _step("pack", "The units are packed"),
    _step("unpack", "Take the units out of their parcels again"),
    _step(
        "ready", "The units wait for the customer", ReadyBody, _make_ready, example={"pickup_until": "2026-12-01T18:00:00Z"}
    ),
    _step(
        "ship", "The units left: they are no longer on hand", ShipBody,
        lambda number, body: AdvanceFulfilment(number, "ship", body.tracking), example={"tracking": TRACKING},
    ),
    _step("deliver", "The units arrived"),
    _step(
        "collect", "The customer has the units, all or those named", CollectBody, _collect,
        body_optional=False, codes=UNITS_CODES, example={"lines": [{"line": "1", "quantity": 1}]},
    ),
    FULFILMENTS.act(
        "rejectFulfilment", "reject", "The node can't do it: source the order elsewhere", RejectBody,
        lambda number, body: RejectFulfilment(number, body.reason, body.note),
        example={"reason": "not_found", "note": "shelf empty"},
        description="The node is never asked again for this order. Units that find no other node are backordered where the item "
        "allows it, else `unsourceable`. What was to be picked up is never turned into a parcel.",
    ),
    FULFILMENTS.act(
        "shortFulfilment", "short", "Not everything was found: source the rest elsewhere", ShortBody,
        lambda number, body: ShortFulfilment(number, body.lines, body.reason, body.note),
        codes=UNITS_CODES, example={"lines": [{"line": "1", "found": 1}], "reason": "not_found"},
        description="What was found stays with the node. With nothing found it is a rejection.",
    ),
    FULFILMENTS.act(
        "moveFulfilment", "move", "Give the work to another node, in one step or not at all", MoveBody,
        lambda number, body: MoveFulfilment(number, body.node, body.lines),
        codes=(*UNITS_CODES, ResultCode.UNKNOWN_NODE, ResultCode.INSUFFICIENT_STOCK),
        example={"node": "berlin", "lines": [{"line": "1", "quantity": 1}]},
        description="The node that is named must have all the units free, as its safety stock and the buffer of the channel leave them. "
        "Work with nothing left is cancelled with the reason `moved`; read the order to see who has it now.",
    ),
    FULFILMENTS.post(
        "splitFulfilment", "split", "Give some units a fulfilment of their own", SplitBody, split,
        status=201, codes=UNITS_CODES, example={"lines": [{"line": "1", "quantity": 1}]},
        description="The new one is at the same node and in the same state; it is the answer.",
    ),
    FULFILMENTS.post(
        "mergeFulfilment", "merge", "Join another fulfilment to this one", MergeBody, merge,
        codes=(*STEP_CODES, ResultCode.UNKNOWN_FULFILMENT), example={"with": "f-18"},
        description="The other one is cancelled with the reason `merged`.",
    ),
    FULFILMENTS.act(
        "parcelsFulfilment", "parcels", "Say what is in which parcel", ParcelsBody,
        lambda number, body: PackParcels(number, body.parcels), codes=UNITS_CODES,
        example={"parcels": [{"lines": [{"line": "1", "quantity": 2}], "weight_grams": 1850, "tracking": TRACKING}]},
    ),
    FULFILMENTS.act(
        "confirmFulfilment", "confirm", "A supplier takes a purchase order on, with dates", ConfirmBody, _confirm,
        codes=(*STEP_CODES, ResultCode.UNKNOWN_LINE), example={"lines": [{"id": "1", "ships_at": "2026-12-02T12:00:00Z"}]},
    ),
    FULFILMENTS.act(
        "cancelFulfilment", "cancel", "Cancel the units of one fulfilment", CancelWorkBody,
        lambda number, body: CancelFulfilment(number, body.reason), example={"reason": "customer changed their mind"},
        description="They are available again at the node, and cancelled for the order.",
    ),
]  # fmt: skip
