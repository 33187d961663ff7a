"""Pick lists over HTTP: several orders of a node in one walk."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.identifiers import fulfilment_id, fulfilment_number, pick_list_id, pick_list_number
from api.answers.timestamps import Timestamp, iso
from api.http.filters import NodeFilter, is_wanted, some_of
from api.http.operations import Call, Changing, Handled, PageOf, PageQuery
from api.http.part_or_all import all_of_it
from api.http.things import Thing
from engine import limits
from engine.commands.fields import Id
from engine.commands.picking import CancelPickList, FinishPickList, MakePickList
from engine.facts.picking import PickListMade
from engine.fulfilments.pick_lists import TO_PICK
from engine.lifecycles import PICK_LIST
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_fulfilment
from engine.state.pick_lists import PickList
from engine.state.state import State


class PickListBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The fulfilments named, or the first `fulfilments_max` that should leave the node and are on no list yet."""

    node: Id
    fulfilments: Annotated[tuple[str, ...], Meta(min_length=1, max_length=limits.PICK_LIST_MAX)] | None = None
    fulfilments_max: Annotated[int, Meta(ge=1, le=limits.PICK_LIST_MAX)] = 20


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

    `stops` are what is still to pick, by bin and then by SKU, numbers in them by value (2 before 10); what was short, rejected or cancelled meanwhile is not among it.
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

    node: NodeFilter | None = None
    state: Annotated[str, some_of(*PICK_LIST.states)] | None = None


class PickListPage(PageOf[PickListAnswer]):
    """The youngest first."""


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
    return sorted(stops.values(), key=lambda stop: (stop.bin is None, as_walked(stop.bin or ""), as_walked(stop.sku)))


def as_walked(text: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """The order in which people number shelves: digits count as numbers, so that 2 comes before 10, and A-9 before A-10.

    Where that makes no difference (1 and 01, a and A) the text itself decides.
    """
    parts = re.findall(r"[0-9]+|[^0-9]+", text.casefold())
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in parts), text


PICK_LISTS = Thing(
    path="/v1/pick-lists/{list}",
    tag="Fulfilments",
    answer=PickListAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such pick list, or it ended long ago"),
    key=lambda path: pick_list_number(path["list"]),
    find=lambda state, number: state.pick_lists.find(number),
    render=answer_of,
    empty=all_of_it("NoFields", __name__),
)


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
    command = MakePickList(body.node, named, body.fulfilments_max)
    return Changing(command, PICK_LISTS.made(PickListMade, lambda fact: fact.pick_list))


def _wanted(query: PickListsQuery, one: PickList) -> bool:
    return query.node in (None, one.node) and is_wanted(query.state, one.state)


OPERATIONS = [
    PICK_LISTS.make(
        "makePickList", "Group work of a node into one walk", make, PickListBody,
        codes=(
            ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_FULFILMENT, ResultCode.INVALID_TRANSITION, ResultCode.IN_USE,
        ),
        example={"node": "leipzig", "fulfilments_max": 12},
        description="The node accepts what it had not accepted. Stops are sorted by `bin` of the node's items, then by SKU.",
    ),
    PICK_LISTS.list_kept(
        "listPickLists", "Pick lists, the youngest first", PickListsQuery, PickListPage, lambda state: state.pick_lists, _wanted,
        description=f"Every open one, and the last {limits.PICK_LISTS_ENDED_KEPT:,} that ended.",
    ),
    PICK_LISTS.get("getPickList", "Read a pick list"),
    PICK_LISTS.step(
        "pickPickList", "pick", "Everything on the list was picked", FinishPickList,
        description="Report what was not found with `short` of its fulfilment first.",
    ),
    PICK_LISTS.step(
        "cancelPickList", "cancel", "Dissolve a pick list", CancelPickList,
        description="Its fulfilments stay with the node.",
    ),
]  # fmt: skip
