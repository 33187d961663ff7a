"""Returns over HTTP: agreed, received in parts, or cancelled."""

from collections.abc import Iterable
from itertools import count
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.answers import people
from api.answers.identifiers import return_number
from api.answers.orders import OrderAnswer, ReturnAnswer, loose_return_answer, return_answer
from api.answers.problems import malformed
from api.http.filters import OrderFilter, is_wanted, some_of
from api.http.listing import from_cursor, newest_orders, page_of_parts, path_id, position_of, start_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, PageQuery
from api.http.part_or_all import all_of_it
from api.http.things import Thing
from api.http.turns import in_slices
from api.resources.orders import ORDERS, order_renderer, repeated_line
from engine import limits
from engine.commands.fields import Id, Text
from engine.commands.orders import (
    AuthoriseReturn,
    CancelReturn,
    LooseReturnLine,
    LostLine,
    OrderLineRequests,
    ReceiveReturn,
    ReceiveReturnLine,
    Replacement,
    ReportLoss,
    ReturnLineRequest,
    SettleReturn,
    TakeLooseReturn,
)
from engine.facts import Fact
from engine.facts.money import PaymentMoved, PaymentsRefunded, ReturnSettled, UnitsCredited
from engine.facts.orders import LooseReturnTaken, ReturnAuthorised
from engine.lifecycles import AUTHORISED, CANCELLED, RECEIVED
from engine.results import Rejection, ResultCode
from engine.state import finding
from engine.state.finding import find_by_return
from engine.state.order_money import SHIPPING
from engine.state.orders import Order, Return
from engine.state.state import State
from engine.wal import StorageFull


class ReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the customer announces to send back. `exchange` lines become an order of their own, which waits for what comes back."""

    lines: Annotated[tuple[ReturnLineRequest, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]
    refund_shipping: bool = False
    exchange: OrderLineRequests | None = None


class LossBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Shipped units that were lost or damaged on the way; nothing comes back. `replacement` sends them again in an order of its own."""

    lines: Annotated[tuple[LostLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]
    resolution: Literal["refund", "replacement"] = "refund"


class LooseReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Goods that no order is known for. Without `node` they are at the first node of the channel that is no supplier."""

    channel: Id
    lines: Annotated[tuple[LooseReturnLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]
    node: Id | None = None
    reference: Text | None = None


class ReturnsQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Returns must meet all of it. `without_order`: only those that no order is known for."""

    order: OrderFilter | None = None
    state: Annotated[str, some_of(AUTHORISED, RECEIVED, CANCELLED)] | None = None
    without_order: Literal["true", "false"] | None = None


class ReturnPage(PageOf[ReturnAnswer]):
    """Those of the newest orders first; those without an order, the newest first, only when asked for.

    A page may end early, even empty, with a cursor: then more was looked at than one call may.
    """


class ReceiveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What arrived at `node`. `restock`: available again; `quarantine`: unsellable; `scrap`: lost."""

    node: Id
    lines: Annotated[tuple[ReceiveReturnLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]


class SettledLine(msgspec.Struct):
    """Units of an order line that were settled now, and what the customer gets for them; null without prices."""

    id: str
    quantity: int
    refund_minor: int | None


class RefundAnswer(msgspec.Struct):
    """Money that goes back the way a payment came."""

    payment: str
    amount_minor: int


class SettlementAnswer(msgspec.Struct):
    """What was settled now, and over which payments it goes back: what was paid over what is due. `refund_minor` is null without prices.

    It is what the lines and shipping are worth without `clawed_back_minor`: discounts on what stays, of promotions that need more to stay. Of
    what goes back `exchange_minor` pays for the order that goes out in exchange instead.
    """

    refund_minor: int | None
    clawed_back_minor: int | None
    shipping_minor: int | None
    lines: list[SettledLine]
    refunds: list[RefundAnswer]
    exchange_minor: int


def _answer(state: State, number: int) -> ReturnAnswer | None:
    order = find_by_return(state, number)
    if order is None:
        loose = state.loose_returns.find(number)
        return None if loose is None else loose_return_answer(loose)
    return return_answer(order, next(agreed for agreed in order.returns if agreed.number == number))


RETURNS = Thing(
    path="/v1/returns/{return}",
    tag="Returns",
    answer=ReturnAnswer,
    missing=Rejection(ResultCode.NOT_FOUND, "there is no such return"),
    key=lambda path: return_number(path["return"]),
    find=_answer,
    render=lambda state, answer: answer,  # of two kinds, and found as what it is answered with
)


def _replacement(call: Call, order: Order) -> Replacement | Rejection:
    """A number for the order that replaces units of another, and the same customer sealed for it."""
    number = next(
        free
        for free in (f"{order.number}.r{k}" for k in count(len(order.replaced_by) + 1))
        if finding.find_order(call.server.state, free) is None
    )
    if isinstance(path_id(number, "number"), Rejection):
        return malformed(f"the order's number is too long to be followed by {number.removeprefix(order.number)!r}")
    try:
        sealed = people.reseal(call.server.parties, order, number)
    except StorageFull:
        return Rejection(ResultCode.STORAGE_FULL, "the disk is full; free some space and try again")
    return Replacement(number, sealed.party, sealed.contact)


def authorise(call: Call) -> Handled:
    """Agree that shipped units may come back."""
    body: ReturnBody = call.body
    order = ORDERS.found(call)
    if isinstance(order, Rejection):
        return order
    repeated = repeated_line(body.exchange or (), "/exchange")
    if repeated is not None:
        return repeated
    replacement = None if body.exchange is None else _replacement(call, order)
    if isinstance(replacement, Rejection):
        return replacement
    command = AuthoriseReturn(order.number, body.lines, body.exchange or (), replacement, body.refund_shipping)
    return Changing(command, RETURNS.made(ReturnAuthorised, lambda fact: fact.return_id))


def report_loss(call: Call) -> Handled:
    """Shipped units never arrived."""
    body: LossBody = call.body
    order = ORDERS.found(call)
    if isinstance(order, Rejection):
        return order
    replacement = None if body.resolution == "refund" else _replacement(call, order)
    if isinstance(replacement, Rejection):
        return replacement
    return Changing(ReportLoss(order.number, body.lines, replacement), order_renderer(order.number))


def take_loose(call: Call) -> Handled:
    """Goods came back that no order is known for."""
    body: LooseReturnBody = call.body
    command = TakeLooseReturn(body.channel, body.lines, body.node, body.reference)
    return Changing(command, RETURNS.made(LooseReturnTaken, lambda fact: fact.return_id))


async def list_(call: Call) -> Handled:
    """A page of returns."""
    return _loose(call) if call.query.without_order == "true" else await _of_orders(call)


def _loose_page(call: Call, state: State, before: int | None) -> ReturnPage:
    query: ReturnsQuery = call.query
    if query.order is not None or not is_wanted(query.state, RECEIVED):
        return ReturnPage([], None)
    numbers = [n for n in reversed(state.loose_returns.ended) if before is None or n < before]
    items = [loose_return_answer(state.loose_returns.ended[n]) for n in numbers[: query.limit]]
    return ReturnPage(items, str(numbers[query.limit - 1]) if len(numbers) > query.limit else None)


def _page(call: Call, state: State, start: tuple[int, int] | None) -> ReturnPage:
    query: ReturnsQuery = call.query
    if query.order is not None:
        order = finding.find_order(state, query.order)
        orders: Iterable[Order] = () if order is None else (order,)
    else:
        orders = newest_orders(state, None if start is None else start[0] + 1)

    def wanted(order: Order) -> Iterable[Return]:
        return (agreed for agreed in reversed(order.returns) if is_wanted(query.state, agreed.state))

    found, cursor = page_of_parts(orders, start, query.limit, wanted)
    return ReturnPage([return_answer(order, agreed) for order, agreed in found], cursor)


_loose, _of_orders = from_cursor(position_of, _loose_page), in_slices(start_of, _page)


def settle(call: Call) -> Handled:
    """What the customer gets for what came back and was not settled."""
    number = RETURNS.key_in(call)
    return number if isinstance(number, Rejection) else Changing(SettleReturn(number), _render_settled)


def _render_settled(state: State, seq: int, facts: tuple[Fact, ...]) -> SettlementAnswer:
    settled = next(fact for fact in facts if isinstance(fact, ReturnSettled))
    order = finding.find_order(state, settled.order)
    assert order is not None
    given = next((fact for fact in facts if isinstance(fact, UnitsCredited)), None)
    credited = None if given is None else given.credits
    back = sum([line.total_minor for taken in given.clawed_back for line in taken.lines]) if given else 0
    units: dict[int, int] = {}
    for take in settled.lines:
        units[take.line] = units.get(take.line, 0) + take.quantity
    minor = {credit.line: credit.total_minor for credit in credited or ()}
    return SettlementAnswer(
        refund_minor=None if credited is None else sum(minor.values()) - back,
        clawed_back_minor=None if credited is None else back,
        shipping_minor=None if credited is None else minor.get(SHIPPING, 0),
        lines=[SettledLine(order.lines[at].id, quantity, minor.get(at)) for at, quantity in units.items()],
        refunds=[
            RefundAnswer(refund.payment, refund.amount_minor)
            for fact in facts
            if isinstance(fact, PaymentsRefunded)
            for refund in fact.refunds
        ],
        exchange_minor=sum([fact.amount_minor for fact in facts if isinstance(fact, PaymentMoved)]),
    )


OPERATIONS = [
    RETURNS.make(
        "authoriseReturn", "Agree that shipped units may come back", authorise, ReturnBody, path="/v1/orders/{number}/returns",
        codes=(
            ResultCode.NOT_FOUND, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_RETURNABLE, ResultCode.UNKNOWN_SKU,
            ResultCode.INSUFFICIENT_STOCK, ResultCode.ORDER_NUMBER_TAKEN,
        ),
        example={
            "lines": [{"id": "1", "quantity": 1, "reason": "too small"}],
            "exchange": [{"id": "1", "sku": "71053", "quantity": 1}],
        },
        description="What goes out in exchange is an order of its own whose units are bound now. It is held until everything that "
        "was announced has come back; if the return is cancelled before anything came, it is cancelled, too.",
    ),
    Operation(
        id="reportLoss", method="POST", path="/v1/orders/{number}/claims", tag="Returns", handle=report_loss, status=201,
        summary="Shipped units were lost or damaged on the way and do not come back", body=LossBody, answer=OrderAnswer,
        codes=(
            ResultCode.NOT_FOUND, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_RETURNABLE, ResultCode.INSUFFICIENT_STOCK,
            ResultCode.ORDER_NUMBER_TAKEN,
        ),
        example={"lines": [{"id": "1", "quantity": 1, "reason": "lost"}], "resolution": "replacement"},
        description="They are written off. A replacement is an order of its own, in `replaced_by` of the answer.",
    ),
    RETURNS.make(
        "takeLooseReturn", "Take goods back that no order is known for", take_loose, LooseReturnBody,
        codes=(ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU),
        example={"channel": "web-de", "lines": [{"sku": "85123A", "quantity": 1, "reason": "no note in the parcel"}]},
        description="They go into quarantine.",
    ),
    RETURNS.list_("listReturns", "Returns, those of the newest orders first", list_, ReturnsQuery, ReturnPage),
    RETURNS.get("getReturn", "Read a return"),
    RETURNS.act(
        "receiveReturn", "receive", "Take units back at a node; partial and repeatable", ReceiveBody,
        lambda number, body: ReceiveReturn(number, body.node, body.lines),
        codes=(
            ResultCode.NOT_FOUND, ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_LINE, ResultCode.INVALID_TRANSITION,
            ResultCode.EXCEEDS_RETURNABLE,
        ),
        example={"node": "leipzig", "lines": [{"id": "1", "quantity": 1, "disposition": "restock"}]},
    ),
    RETURNS.post(
        "settleReturn", "settle", "Settle what came back and was not settled", all_of_it("SettleBody", __name__), settle,
        body_optional=True, answer=SettlementAnswer,
        description="Units are worth what was paid for them, by the frozen shares: the first that are still paid for. Over any "
        "sequence of cancellations and returns this adds up to exactly what was paid. Shipping comes back if the return says so.",
    ),
    RETURNS.step(
        "cancelReturn", "cancel", "Expect nothing more of a return", CancelReturn,
        body=all_of_it("CancelReturnBody", __name__),
    ),
]  # fmt: skip
