"""Orders of marketplaces over HTTP: stated as a whole, as often as they like; the newest statement wins."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers import people
from api.answers.orders import OrderAnswer, order_answer
from api.answers.people import Customer, ShipTo
from api.answers.timestamps import Timestamp, check_moment, iso_or_none, to_ns
from api.geography.locating import located
from api.http.listing import Moment, path_id
from api.http.operations import Call, Changing, Handled, Operation, Renderer
from api.resources.orders import repeated_line
from engine import limits
from engine.areas import NOWHERE
from engine.commands.orders import OrderLineRequest, PlaceOrder, RestateOrder
from engine.facts import Fact
from engine.orders.marketplaces import is_ignored
from engine.results import Rejection, ResultCode
from engine.state import finding
from engine.state.orders import Order
from engine.state.state import State
from engine.wal import StorageFull


class StatementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of an order as the marketplace knows it. Lines that are not named any more are cancelled as far as they have not left.

    `stated_at` says which of two statements is newer. `cancelled` calls off what has not left; lines may then be left out.
    """

    stated_at: Moment
    lines: Annotated[tuple[OrderLineRequest, ...], Meta(max_length=limits.ORDER_LINES_MAX)] = ()
    customer: Customer | None = None
    ship_to: ShipTo | None = None
    cancelled: bool = False

    def __post_init__(self) -> None:
        check_moment("stated_at", self.stated_at)
        if not (self.lines or self.cancelled):
            raise ValueError("`lines` is empty: give the lines, or `cancelled`")


class StatedOrderAnswer(OrderAnswer, kw_only=True):
    """The order as it is after the statement. `ignored`: the statement changed nothing, because one of `newest_stated_at`
    says otherwise. An order that was called off before it came has no lines, and can be read once it has come.
    """

    ignored: bool
    newest_stated_at: Timestamp | None


def _stated_address(call: Call, order: Order) -> ShipTo | None:
    """The address as the marketplace stated it last: what the merchant corrected himself is not undone by stating it again."""
    stated = msgspec.structs.replace(order, contact=order.stated_contact or order.contact)
    return people.open_order(call.server.parties, stated).ship_to


def state_order(call: Call) -> Handled:
    """Place, change or cancel, whatever the statement makes necessary."""
    body: StatementBody = call.body
    channel, number = path_id(call.path["channel"], "channel"), path_id(call.path["number"], "number")
    for part in (channel, number):
        if isinstance(part, Rejection):
            return part
    assert isinstance(channel, str)
    assert isinstance(number, str)
    refusal = repeated_line(body.lines)
    if refusal is not None:
        return refusal
    sealed, moved = people.Sealed(), False
    try:
        order = finding.find_order(call.server.state, number)
        if order is None:
            sealed = people.seal(call.server.parties, number, body.customer, body.ship_to, None)
        elif body.ship_to is not None and _stated_address(call, order) != body.ship_to:
            again = people.readdress(call.server.parties, order, body.ship_to)
            if again is None:
                detail = f"{people.why_closed(call.server.parties, order)}: it takes no new address"
                return Rejection.at(ResultCode.INVALID_TRANSITION, "/ship_to", detail)
            sealed, moved = again, True
    except StorageFull:
        return Rejection(ResultCode.STORAGE_FULL, "the disk is full; free some space and try again")
    to = located(body, call.server.postcodes).ship_to
    area = NOWHERE if to is None else to.area
    stated_at_ns = to_ns(body.stated_at)
    placing = PlaceOrder(
        number, channel, body.lines, area, party=sealed.party, contact=sealed.contact, placed_at_ns=stated_at_ns
    )
    command = RestateOrder(placing, stated_at_ns, moved, body.cancelled)
    return Changing(command, _renderer(command))


def _renderer(command: RestateOrder) -> Renderer:
    """Renders the order after a statement, or what is kept of one that has not come."""
    number, channel = command.order.number, command.order.channel

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> StatedOrderAnswer:
        order, kept = finding.find_order(state, number), state.statements.of(channel, number)
        shown = order or Order(
            number, seq, channel, state.time_ns, None, None, None, None, None, NOWHERE, command.order.delivery, ()
        )
        answer = msgspec.structs.asdict(order_answer(state, shown))
        if order is None:
            answer["allowed"] = ()
        newest_ns = order.stated_at_ns if order is not None else None if kept is None else kept.stated_at_ns
        return StatedOrderAnswer(
            **answer, ignored=is_ignored(order, kept, command), newest_stated_at=iso_or_none(newest_ns)
        )

    return render


EXAMPLE: dict[str, Any] = {
    "stated_at": "2026-11-24T10:15:00Z",
    "lines": [{"id": "1", "sku": "85123A", "quantity": 2, "unit_price_minor": 299}],
    "ship_to": {"postal_code": "10115", "city": "Berlin", "country": "DE"},
}

OPERATIONS = [
    Operation(
        id="stateOrder", method="PUT", path="/v1/channels/{channel}/orders/{number}", tag="Orders", handle=state_order,
        summary="State all of a marketplace's order; the newest statement wins", body=StatementBody, answer=StatedOrderAnswer,
        codes=(
            ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_SKU, ResultCode.ORDER_NUMBER_TAKEN, ResultCode.INSUFFICIENT_STOCK,
            ResultCode.BELOW_SHIPPED, ResultCode.INVALID_TRANSITION,
        ),
        example=EXAMPLE,
        description="It may be sent any number of times and in any order: a statement that is not newer changes nothing, is answered with "
        "the order as it is, and marked as `ignored`; also a cancellation that comes before its order is kept. What was sold is kept "
        "though it can't be promised: what is missing is backordered or unsourceable. Only what is different from the statement before "
        "counts: what you changed or cancelled yourself stays. What happens to the order is in `/v1/events`, what can be sold in the channel's stock feed.",
    ),
]  # fmt: skip
