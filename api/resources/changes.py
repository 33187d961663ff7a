"""Changes of orders over HTTP: proposed, read, confirmed, declined; and the versions that came of them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.answers import people
from api.answers.facts import PostingAnswer, posting_answer
from api.answers.identifiers import change_id, change_number
from api.answers.people import ShipTo
from api.answers.timestamps import Timestamp, iso
from api.geography.locating import located
from api.http.operations import Call, Changing, Handled, Operation, PageOf
from api.http.things import Thing, no_fields
from api.resources.orders import ORDERS
from engine import limits
from engine.commands.fields import Id
from engine.commands.orders import ConfirmChange, DeclineChange, Delivery, OrderLineRequest, ProposeChange, SetLine
from engine.facts.orders import ChangeProposed
from engine.lifecycles import CHANGE, CONFIRMED
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_change
from engine.state.orders import Change, Order
from engine.state.state import State
from engine.wal import StorageFull


class ChangeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is to be different. `set` gives lines another quantity in all, shipped and cancelled units counted; 0 takes a line out.

    With `delivery` comes `pickup_node`, unless it is `ship`. No names in `reason`, please: it is journalled.
    """

    reason: Annotated[str, Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]
    add: Annotated[tuple[OrderLineRequest, ...], Meta(max_length=limits.ORDER_LINES_MAX)] = ()
    set: Annotated[tuple[SetLine, ...], Meta(max_length=limits.ORDER_LINES_MAX)] = ()
    ship_to: ShipTo | None = None
    delivery: Delivery | None = None
    pickup_node: Id | None = None

    def __post_init__(self) -> None:
        if not (self.add or self.set or self.ship_to or self.delivery):
            raise ValueError("give at least one of `add`, `set`, `ship_to`, `delivery`")
        if (self.delivery in (None, "ship")) != (self.pickup_node is None):
            raise ValueError("`pickup_node` is given if and only if `delivery` is pickup or reserve_in_store")


class ChangedLine(msgspec.Struct):
    """A line whose quantity the change sets; `quantity_before` is 0 for a line that is added."""

    id: str
    sku: str
    quantity_before: int
    quantity_after: int


class Effects(msgspec.Struct):
    """What the change would have done when it was proposed: to lines, to stock, and to the value of the order in minor units."""

    lines: tuple[ChangedLine, ...]
    stock: tuple[PostingAnswer, ...]
    money_minor: int


class ChangeAnswer(msgspec.Struct):
    """A change of an order. `state`: proposed, confirmed, declined. `decided_seq` is the record that ended it."""

    id: str
    order: str
    state: Literal["proposed", "confirmed", "declined"]
    reason: str
    effects: Effects
    delivery: str | None
    pickup_node: str | None
    new_address: bool
    proposed_at: Timestamp
    decided_seq: int | None
    allowed: tuple[str, ...]


class VersionAnswer(msgspec.Struct):
    """A version of an order: made by record `seq` with `change` (null: when it was placed)."""

    version: int
    seq: int
    change: str | None
    reason: str | None


class VersionPage(PageOf[VersionAnswer]):
    """All of them, the oldest first."""


def change_answer(order: Order, change: Change) -> ChangeAnswer:
    """As clients see it."""
    body = change.body
    lines = [
        ChangedLine(order.lines[entry.line].id, order.lines[entry.line].sku, entry.before, entry.quantity)
        for entry in body.quantities
    ]
    lines += [ChangedLine(line.id, line.sku, 0, line.quantity) for line in body.added]
    stock = tuple(map(posting_answer, change.would_move))
    return ChangeAnswer(
        id=change_id(change.number),
        order=order.number,
        state=change.state,  # type: ignore[arg-type]
        reason=change.reason,
        effects=Effects(tuple(lines), stock, change.money_minor),
        delivery=body.delivery,
        pickup_node=body.pickup_node,
        new_address=body.contact is not None,
        proposed_at=iso(change.proposed_at_ns),
        decided_seq=change.decided_seq,
        allowed=CHANGE.allowed(change.state),
    )


def _find(state: State, number: int) -> tuple[Order, Change] | None:
    order = find_by_change(state, number)
    return None if order is None else (order, next(change for change in order.changes if change.number == number))


CHANGES = Thing(
    path="/v1/changes/{change}",
    tag="Orders",
    answer=ChangeAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such change"),
    key=lambda path: change_number(path["change"]),
    find=_find,
    render=lambda state, found: change_answer(*found),
    empty=no_fields("NoFields", __name__),
)


def propose(call: Call) -> Handled:
    """Say what is to be different, and see what it would do."""
    body: ChangeRequest = call.body
    order = ORDERS.found(call)
    if isinstance(order, Rejection):
        return order
    sealed: people.Sealed | None = people.Sealed()
    area = None
    if body.ship_to is not None:
        try:
            sealed = people.readdress(call.server.parties, order, body.ship_to)
        except StorageFull:
            return Rejection(ResultCode.STORAGE_FULL, "the disk is full; free some space and try again")
        if sealed is None:
            detail = f"{people.why_closed(call.server.parties, order)}: it takes no new address"
            return Rejection.at(ResultCode.INVALID_TRANSITION, "/ship_to", detail)
        to = located(body, call.server.postcodes).ship_to
        area = None if to is None else to.area
    assert sealed is not None
    command = ProposeChange(
        order.number,
        body.reason,
        body.add,
        body.set,
        area,
        sealed.party,
        sealed.contact,
        body.delivery,
        body.pickup_node,
    )
    return Changing(command, CHANGES.made(ChangeProposed, lambda fact: fact.change))


def _versions(state: State, order: Order) -> VersionPage:
    """What an order was before its changes can be read with `as_of`."""
    done = sorted((c for c in order.changes if c.state == CONFIRMED), key=lambda change: change.decided_seq or 0)
    items = [VersionAnswer(1, order.seq, None, None)]
    items += [
        VersionAnswer(position, change.decided_seq or 0, change_id(change.number), change.reason)
        for position, change in enumerate(done, 2)
    ]
    return VersionPage(items, None)


VERSIONS = msgspec.structs.replace(ORDERS, render=_versions, detail=None)

OPERATIONS = [
    CHANGES.make(
        "proposeChange", "Propose a change of an order, and see what it would do", propose, ChangeRequest,
        path="/v1/orders/{number}/changes",
        codes=(
            ResultCode.NOT_FOUND, ResultCode.UNKNOWN_SKU, ResultCode.UNKNOWN_LINE, ResultCode.UNKNOWN_NODE,
            ResultCode.NO_PICKUP, ResultCode.BELOW_SHIPPED, ResultCode.INSUFFICIENT_STOCK, ResultCode.INVALID_TRANSITION,
        ),
        example={
            "reason": "customer called",
            "set": [{"id": "1", "quantity": 1}],
            "add": [{"id": "2", "sku": "71053", "quantity": 1, "unit_price_minor": 339}],
        },
        description="Nothing changes yet, and nothing is held for it. A new address has what no node has begun sourced again "
        "where that costs less.",
    ),
    CHANGES.get("getChange", "Read a change"),
    CHANGES.step(
        "confirmChange", "confirm", "Carry a change out, all of it or nothing", ConfirmChange,
        codes=(
            ResultCode.NOT_FOUND, ResultCode.BELOW_SHIPPED, ResultCode.INSUFFICIENT_STOCK, ResultCode.INVALID_TRANSITION,
        ),
        description="It is looked at as things are now: what could be had when it was proposed may have gone.",
    ),
    CHANGES.step("declineChange", "decline", "Drop a proposed change", DeclineChange),
    Operation(
        id="listOrderVersions", method="GET", path="/v1/orders/{number}/versions", tag="Orders", handle=VERSIONS.reading,
        summary="The versions of an order", answer=VersionPage, codes=(ResultCode.NOT_FOUND,),
        description="Read the order with `as_of` the seq of a version to see it as it was then.",
    ),
]  # fmt: skip
