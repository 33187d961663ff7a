"""Pick lists over HTTP: several orders of a node in one walk."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers.identifiers import fulfilment_id, fulfilment_number, pick_list_id, pick_list_number
from api.answers.timestamps import Timestamp, iso
from api.http.listing import kept_page, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageQuery, Reading
from engine import limits
from engine.commands.fields import Id
from engine.commands.picking import CancelPickList, FinishPickList, MakePickList
from engine.facts import Fact
from engine.facts.picking import PickListMade
from engine.fulfilments.pick_lists import TO_PICK
from engine.lifecycles import PICK_LIST
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_fulfilment
from engine.state.pick_lists import PickList
from engine.state.state import State

TAG = "Fulfilments"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such pick list, or it ended long ago")


class PickListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fulfilments named, or the first `fulfilments_max` that should leave the node and are on no list yet."""

    node: Id
    fulfilments: Annotated[tuple[str, ...], Meta(min_length=1, max_length=limits.PICK_LIST_MAX)] | None = None
    fulfilments_max: Annotated[int, Meta(ge=1, le=limits.PICK_LIST_MAX)] = 20


class NoFields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No fields: `{}` or no body at all."""


class BoxUnits(msgspec.Struct):
    """So many units go into the box at a position on the cart, counted from 1."""

    box: int
    fulfilment: str
    quantity: int


class WalkStop(msgspec.Struct):
    """One SKU on the way: where it lies (null: not known), how many to take, and into which boxes they go."""

    bin: str | None
    sku: str
    quantity: int
    boxes: list[BoxUnits]


class PickListAnswer(msgspec.Struct):
    """One walk through a node. `state`: open, picked, cancelled.

    `stops` are what is still to pick, by bin and then by SKU; what was short, rejected or cancelled meanwhile is not among it.
    """

    id: str
    node: str
    state: str
    fulfilments: tuple[str, ...]
    stops: list[WalkStop]
    created_at: Timestamp
    allowed: tuple[str, ...]


class PickListsQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Only of a node, or in a state."""

    node: Id | None = None
    state: Literal["open", "picked", "cancelled"] | None = None


class PickListPage(msgspec.Struct):
    """The youngest first."""

    items: list[PickListAnswer]
    next_cursor: str | None


def answer_of(state: State, found: PickList) -> PickListAnswer:
    """As clients see it."""
    return PickListAnswer(
        pick_list_id(found.number),
        found.node,
        found.state,
        tuple(map(fulfilment_id, found.fulfilments)),
        _stops(state, found),
        iso(found.created_at_ns),
        PICK_LIST.allowed(found.state),
    )


def _stops(state: State, found: PickList) -> list[WalkStop]:
    stops: dict[str, WalkStop] = {}
    rules = state.configuration.node_items.get(found.node, {})
    for box, number in enumerate(found.fulfilments, 1):
        order = find_by_fulfilment(state, number)
        assert order is not None
        fulfilment = order.fulfilment(number)
        if fulfilment.state not in TO_PICK:
            continue
        for take in fulfilment.lines:
            sku = order.lines[take.line].sku
            stop = stops.get(sku)
            if stop is None:
                rule = rules.get(sku)
                stop = stops[sku] = WalkStop(None if rule is None else rule.bin, sku, 0, [])
            stop.quantity += take.quantity
            stop.boxes.append(BoxUnits(box, fulfilment_id(number), take.quantity))
    return sorted(stops.values(), key=lambda stop: (stop.bin is None, stop.bin or "", stop.sku))


def _read(state: State, number: int | None) -> PickListAnswer | Rejection:
    found = None if number is None else state.pick_lists.find(number)
    return NOT_FOUND if found is None else answer_of(state, found)


def _resource(call: Call) -> Any:
    number = pick_list_number(call.path["list"])
    return lambda state, now_ns: _read(state, number)


def _render_made(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
    made = next(fact for fact in facts if isinstance(fact, PickListMade))
    return _read(state, made.pick_list)


def make(call: Call) -> Handled:
    """Group work into one walk."""
    body: PickListBody = call.body
    numbers: list[int] = []
    for at, text in enumerate(body.fulfilments or ()):
        number = fulfilment_number(text)
        if number is None:
            detail = f"{body.node!r} has no such fulfilment"
            return Rejection.at(ResultCode.UNKNOWN_FULFILMENT, f"/fulfilments/{at}", detail)
        numbers.append(number)
    named = None if body.fulfilments is None else tuple(numbers)
    return Changing(MakePickList(body.node, named, body.fulfilments_max), _render_made)


def get(call: Call) -> Handled:
    """Read one."""
    return Reading(_resource(call))


def list_(call: Call) -> Handled:
    """A page of them."""
    query: PickListsQuery = call.query
    before = position_of(query.cursor)
    if isinstance(before, Rejection):
        return before
    return Reading(lambda state, now_ns: _page(state, query, before))


def _page(state: State, query: PickListsQuery, before: int | None) -> PickListPage:
    def wanted(one: PickList) -> bool:
        return query.node in (None, one.node) and query.state in (None, one.state)

    kept = state.pick_lists
    found, cursor = kept_page(kept.open, kept.ended, before, query.limit, wanted)
    return PickListPage([answer_of(state, one) for one in found], cursor)


def _acting(call: Call, command: Any) -> Handled:
    number = pick_list_number(call.path["list"])
    if number is None:
        return NOT_FOUND
    return Changing(command(number), lambda state, seq, facts: _read(state, number))


def pick(call: Call) -> Handled:
    """Everything on it was picked."""
    return _acting(call, FinishPickList)


def cancel(call: Call) -> Handled:
    """Dissolve it."""
    return _acting(call, CancelPickList)


OPERATIONS = [
    Operation(
        id="makePickList", method="POST", path="/v1/pick-lists", tag=TAG, handle=make, status=201, body=PickListBody,
        summary="Group work of a node into one walk", answer=PickListAnswer,
        codes=(
            ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_FULFILMENT, ResultCode.INVALID_TRANSITION, ResultCode.IN_USE,
        ),
        example={"node": "leipzig", "fulfilments_max": 12},
        description="The node accepts what it had not accepted. Stops are sorted by `bin` of the node's items, then by SKU.",
    ),
    Operation(
        id="listPickLists", method="GET", path="/v1/pick-lists", tag=TAG, handle=list_, query=PickListsQuery,
        summary="Pick lists, the youngest first", answer=PickListPage,
        description=f"Every open one, and the last {limits.PICK_LISTS_ENDED_KEPT:,} that ended.",
    ),
    Operation(
        id="getPickList", method="GET", path="/v1/pick-lists/{list}", tag=TAG, handle=get, resource=_resource,
        summary="Read a pick list", answer=PickListAnswer, codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="pickPickList", method="POST", path="/v1/pick-lists/{list}/pick", tag=TAG, handle=pick, body=NoFields,
        body_optional=True, summary="Everything on the list was picked", answer=PickListAnswer, resource=_resource,
        codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION),
        description="Report what was not found with `short` of its fulfilment first.",
    ),
    Operation(
        id="cancelPickList", method="POST", path="/v1/pick-lists/{list}/cancel", tag=TAG, handle=cancel, body=NoFields,
        body_optional=True, summary="Dissolve a pick list", answer=PickListAnswer, resource=_resource,
        codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION),
        description="Its fulfilments stay with the node.",
    ),
]  # fmt: skip
