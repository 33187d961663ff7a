"""A step as a command of the engine, and what the facts say of it."""

from typing import Any

from api.rehearsal.progress import Ask, Placed
from api.rehearsal.steps import (
    Authorise,
    Cancel,
    Correct,
    Place,
    Receive,
    Reserve,
    Settle,
    SetUp,
    Ship,
    TakeBack,
    TakeLoose,
)
from engine.areas import coarse_area
from engine.commands import Command
from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelLine,
    CancelOrder,
    LooseReturnLine,
    OrderLineRequest,
    PlaceOrder,
    ReceiveReturn,
    ReceiveReturnLine,
    ReturnLineRequest,
    SettleReturn,
    TakeLooseReturn,
)
from engine.commands.reservations import DemandLine, Destination, ReserveStock
from engine.commands.stock import MovementLine, MoveStock
from engine.facts import Fact
from engine.facts.orders import OrderPlaced, ReturnAuthorised
from engine.facts.postings import AVAILABLE
from engine.facts.reservations import StockReserved
from engine.lifecycles import OPEN
from engine.state.state import State

CANCEL_REASON = "sent back on the day of the order"


def lines_count(ask: Ask) -> int:
    """Lines of the request."""
    match ask.step:
        case SetUp(document=document):
            return 4 * (len(document.items) + len(document.nodes) + len(document.channels))
        case Receive(lines=lines):
            return len(lines)
        case Reserve(sale=sale) | Place(sale=sale):
            return len(sale.lines)
        case Cancel(goods=goods) | Authorise(goods=goods) | TakeBack(goods=goods):
            return len(goods.lines)
        case Correct() | Ship() | Settle() | TakeLoose():
            return 1


def takings(wanted: int, held: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Which nodes give `wanted` units: those that have most first. What nobody has is asked of the first, and refused."""
    taken: dict[str, int] = {}
    left = wanted
    ranked = sorted(held, key=lambda entry: -entry[1])
    for node, units in ranked:
        if left and units:
            taken[node] = min(left, units)
            left -= taken[node]
    if left and ranked:
        taken[ranked[0][0]] = taken.get(ranked[0][0], 0) + left
    return list(taken.items())


def correction_lines(step: Correct, held: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """(node, signed units) of a correction; `held` is what each node has available."""
    if step.node is not None:
        return [(step.node, step.quantity)]
    return [(node, -units) for node, units in takings(-step.quantity, held)]


def command_of(ask: Ask, state: State) -> Command:
    """The command. `state` is looked at only to choose nodes for a correction that names none."""
    match ask.step:
        case Reserve(sale=sale):
            market = sale.market
            demand = tuple([DemandLine(line.sku, line.quantity) for line in sale.lines])
            ship_to = Destination(market.iso, None, market.latitude, market.longitude)
            return ReserveStock(market.channel, demand, ship_to=ship_to)
        case Place(sale=sale):
            market = sale.market
            return PlaceOrder(
                number=sale.number,
                channel=market.channel,
                lines=tuple(
                    [
                        OrderLineRequest(str(at), line.sku, line.quantity, line.price_minor)
                        for at, line in enumerate(sale.lines, 1)
                    ]
                ),
                area=coarse_area(market.iso, None, market.latitude, market.longitude),
                reservation=ask.target,
                placed_at_ns=sale.time_ns,
            )
        case Ship():
            return AdvanceFulfilment(ask.target, "ship")
        case Cancel(goods=goods):
            return CancelOrder(
                goods.order, CANCEL_REASON, tuple(CancelLine(line.line, line.quantity) for line in goods.lines)
            )
        case Authorise(goods=goods):
            return AuthoriseReturn(
                goods.order, tuple(ReturnLineRequest(line.line, line.quantity) for line in goods.lines)
            )
        case TakeBack(goods=goods):
            lines = tuple(ReceiveReturnLine(line.line, line.quantity) for line in goods.lines)
            return ReceiveReturn(ask.target, goods.node, lines)
        case Settle():
            return SettleReturn(ask.target)
        case TakeLoose() as loose:
            units = LooseReturnLine(loose.sku, loose.quantity)
            return TakeLooseReturn(loose.channel, (units,), loose.node, loose.reference)
        case Correct() as step:
            moves = correction_lines(step, _available(state, step.sku))
            return MoveStock(tuple(MovementLine(step.sku, node, "adjustment", q, step.note) for node, q in moves))
        case Receive(lines=lines):
            return MoveStock(tuple([MovementLine(line.sku, line.node, "receipt", line.quantity) for line in lines]))
        case SetUp(document=document):
            return document


def _available(state: State, sku: str) -> list[tuple[str, int]]:
    return [(node, state.ledger.balance(AVAILABLE, sku, node)) for node in state.ledger.nodes]


def result_of(ask: Ask, state: State, facts: tuple[Fact, ...]) -> Any:
    """What later steps need to know of this one: see Progress.done."""
    match ask.step:
        case Reserve():
            assert isinstance(facts[0], StockReserved)
            return facts[0].reservation
        case Place():
            placed = facts[0]
            assert isinstance(placed, OrderPlaced)
            return [Placed(planned.fulfilment, planned.node) for planned in placed.fulfilments]
        case Cancel(goods=goods):
            order = state.orders.open.get(goods.order)
            return [f.number for f in order.fulfilments if f.state in OPEN] if order is not None else []
        case Authorise():
            agreed = facts[-1]
            assert isinstance(agreed, ReturnAuthorised)
            return agreed.return_id
    return None
