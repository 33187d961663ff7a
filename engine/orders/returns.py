"""Returns to stock: shipped units may come back, arrive in parts, and go where their disposition says."""

from collections.abc import Sequence
from typing import Protocol

from engine.commands.orders import (
    AuthoriseReturn,
    CancelReturn,
    HoldRequest,
    OrderLineRequest,
    PlaceOrder,
    ReceiveReturn,
    Replacement,
    ReportLoss,
    TakeLooseReturn,
)
from engine.configuration.known_skus import refuse_unknown_skus
from engine.facts import Fact
from engine.facts.orders import (
    LooseReturnTaken,
    LooseUnits,
    LossReported,
    OrderCancelled,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnedLine,
    ReturnReceived,
    Take,
)
from engine.facts.postings import AVAILABLE, CUSTOMER, LOSS, UNSELLABLE, Posting
from engine.lifecycles import AUTHORISED, CANCELLED, LEFT, RECEIVED, RETURN
from engine.orders.cancelling import given_up
from engine.orders.holds import lifted
from engine.orders.placing import decide_place
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_return, find_order
from engine.state.orders import LooseReturn, Order, Return, ReturnLine
from engine.state.state import State

ACCOUNT_OF = {"restock": AVAILABLE, "quarantine": UNSELLABLE, "scrap": LOSS}
NO_ORDER = Rejection(ResultCode.NOT_FOUND, "there is no such order")
EXCHANGE = "exchange-ret-"


def decide_authorise(state: State, command: AuthoriseReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Agree to a return of shipped units. What goes out in exchange is bound now, kept back until they have come."""
    order = find_order(state, command.order)
    if order is None:
        return NO_ORDER
    lines = returned_lines(order, command.lines)
    if isinstance(lines, Rejection):
        return lines
    number = state.orders.next_return
    placed: tuple[Fact, ...] = ()
    if command.replacement is not None:
        hold = HoldRequest(f"{EXCHANGE}{number}", "goes out when the return has come")
        outcome = _replacing(state, order, command.replacement, command.exchange, (hold,), True, now_ns)
        if isinstance(outcome, Rejection):
            return outcome
        placed = outcome
    exchange = None if command.replacement is None else command.replacement.number
    authorised = ReturnAuthorised(order.number, number, lines, (), command.refund_shipping, exchange)
    return (authorised, *placed)


class Returning(Protocol):
    """What a line of a request says: which line of the order, how many units, why."""

    @property
    def id(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def reason(self) -> str | None: ...


def returned_lines(order: Order, lines: Sequence[Returning]) -> tuple[ReturnedLine, ...] | Rejection:
    """Lines by position, if so many units of each may come back or be missed."""
    left = order.returnable()
    found = []
    for position, asked in enumerate(lines):
        at = order.line_at(asked.id)
        if at is None:
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/id", f"the order has no line {asked.id!r}")
        if asked.quantity > left[at]:
            detail = f"{left[at]} units of line {asked.id!r} can be returned"
            return Rejection.at(ResultCode.EXCEEDS_RETURNABLE, f"/lines/{position}/quantity", detail)
        left[at] -= asked.quantity
        found.append(ReturnedLine(at, asked.quantity, asked.reason))
    return tuple(found)


def _replacing(
    state: State,
    order: Order,
    replacement: Replacement,
    lines: tuple[OrderLineRequest, ...],
    holds: tuple[HoldRequest, ...],
    priced: bool,
    now_ns: int,
) -> tuple[Fact, ...] | Rejection:
    """Place the order that replaces units of another, for its customer, on the same way. `priced`: it is paid for."""
    return decide_place(
        state,
        PlaceOrder(
            number=replacement.number,
            channel=order.channel,
            lines=lines,
            area=order.area,
            party=replacement.party,
            contact=replacement.contact,
            delivery=order.delivery,
            customer_group=order.customer_group,
            pickup_node=order.pickup_node,
            holds=holds,
            replaces=order.number,
            priced=priced,
        ),
        now_ns,
    )


def decide_report_loss(state: State, command: ReportLoss, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Write off what never arrived, and send it again if that is wanted."""
    order = find_order(state, command.order)
    if order is None:
        return NO_ORDER
    lines = returned_lines(order, command.lines)
    if isinstance(lines, Rejection):
        return lines
    placed: tuple[Fact, ...] = ()
    if command.replacement is not None:
        units: dict[int, int] = {}
        for line in lines:
            units[line.line] = units.get(line.line, 0) + line.quantity
        again = tuple(
            OrderLineRequest(order.lines[at].id, order.lines[at].sku, quantity, order.lines[at].unit_price_minor)
            for at, quantity in units.items()
        )
        outcome = _replacing(state, order, command.replacement, again, (), False, now_ns)
        if isinstance(outcome, Rejection):
            return outcome
        placed = outcome
    postings = tuple(
        Posting(order.lines[line.line].sku, _sender(order, line.line), CUSTOMER, LOSS, line.quantity) for line in lines
    )
    number = None if command.replacement is None else command.replacement.number
    return (LossReported(order.number, lines, number, postings), *placed)


def _sender(order: Order, at: int) -> str:
    """The node that sent a line last; a loss on the way is written down beside its shipment."""
    return next(
        f.node for f in reversed(order.fulfilments) if f.state in LEFT and any(take.line == at for take in f.lines)
    )


def decide_take_loose(state: State, command: TakeLooseReturn, now_ns: int) -> LooseReturnTaken | Rejection:
    """Take goods back that no order is known for, into quarantine."""
    channel = state.configuration.channels.get(command.channel)
    if channel is None:
        return Rejection.at(ResultCode.UNKNOWN_CHANNEL, "/channel", f"there is no channel {command.channel!r}")
    node = command.node
    if node is None:
        nodes = state.configuration.nodes
        names = nodes if channel.nodes is None else channel.nodes
        node = next((name for name in names if nodes[name].enabled and nodes[name].kind != "supplier"), None)
    if node is None or node not in state.configuration.nodes:
        detail = "the channel has no node that takes returns" if node is None else f"there is no node {node!r}"
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", detail)
    unknown = refuse_unknown_skus(state, command.lines)
    if unknown is not None:
        return unknown
    return LooseReturnTaken(
        state.orders.next_return,
        command.channel,
        node,
        tuple(LooseUnits(line.sku, line.quantity, line.reason) for line in command.lines),
        command.reference,
        tuple(Posting(line.sku, node, CUSTOMER, UNSELLABLE, line.quantity) for line in command.lines),
    )


def decide_receive(state: State, command: ReceiveReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take announced units back at a node."""
    order = find_by_return(state, command.return_id)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such return")
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    agreed = order.agreed(command.return_id)
    refusal = RETURN.refusal(agreed.state, "receive", agreed.traits)
    if refusal is not None:
        return refusal
    open_units = _open_units(agreed)
    lines, postings = [], []
    for position, arrived in enumerate(command.lines):
        at = order.line_at(arrived.id)
        if at is None or at not in open_units:
            return Rejection.at(
                ResultCode.UNKNOWN_LINE, f"/lines/{position}/id", f"the return has no line {arrived.id!r}"
            )
        open_units[at] -= arrived.quantity
        if open_units[at] < 0:
            detail = f"fewer than {arrived.quantity} units of line {arrived.id!r} are still expected"
            return Rejection.at(ResultCode.EXCEEDS_RETURNABLE, f"/lines/{position}/quantity", detail)
        lines.append(ReturnedLine(at, arrived.quantity, arrived.disposition))
        target = ACCOUNT_OF[arrived.disposition]
        postings.append(Posting(order.lines[at].sku, command.node, CUSTOMER, target, arrived.quantity))
    received = ReturnReceived(order.number, command.return_id, command.node, tuple(lines), tuple(postings))
    done = not any(open_units.values())
    return (received, *(_exchange_goes_out(state, agreed, now_ns) if done else ()))


def _exchange_goes_out(state: State, agreed: Return, now_ns: int) -> tuple[Fact, ...]:
    """The hold of what goes out in exchange is lifted, if it still stands."""
    replacing = None if agreed.exchange_order is None else state.orders.open.get(agreed.exchange_order)
    handle = f"{EXCHANGE}{agreed.number}"
    if replacing is None or not any(hold.handle == handle for hold in replacing.holds):
        return ()
    return (lifted(state, replacing, handle, now_ns),)


def _open_units(agreed: Return) -> dict[int, int]:
    units: dict[int, int] = {}
    for line in agreed.lines:
        units[line.line] = units.get(line.line, 0) + line.quantity - line.received
    return units


def decide_cancel(state: State, command: CancelReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Expect nothing more of a return. If nothing came, nothing goes out in exchange."""
    order = find_by_return(state, command.return_id)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such return")
    agreed = order.agreed(command.return_id)
    refusal = RETURN.refusal(agreed.state, "cancel", agreed.traits)
    if refusal is not None:
        return refusal
    cancelled = ReturnCancelled(order.number, command.return_id)
    return (cancelled, *_exchange_ends(state, agreed, now_ns))


def _exchange_ends(state: State, agreed: Return, now_ns: int) -> tuple[Fact, ...]:
    if any(line.received for line in agreed.lines):
        return _exchange_goes_out(state, agreed, now_ns)
    replacing = None if agreed.exchange_order is None else state.orders.open.get(agreed.exchange_order)
    if replacing is None:
        return ()
    open_units = {at: line.open for at, line in enumerate(replacing.lines) if line.open}
    lines = tuple(Take(at, units) for at, units in open_units.items())
    return (OrderCancelled(replacing.number, "return_cancelled", lines, *given_up(replacing, open_units)),)


def evolve_authorised(state: State, fact: ReturnAuthorised) -> None:
    """Write down the agreement."""
    order = state.orders.touch(fact.order)
    lines = tuple(ReturnLine(line.line, line.quantity, line.reason) for line in fact.lines)
    order.returns.append(
        Return(fact.return_id, AUTHORISED, lines, state.time_ns, fact.refund_shipping, fact.exchange_order)
    )
    if fact.exchange_order is not None:
        order.replaced_by.append(fact.exchange_order)
    state.orders.order_of_return[fact.return_id] = order.number
    state.orders.next_return = fact.return_id + 1


def evolve_received(state: State, fact: ReturnReceived) -> None:
    """Write down what came back; a return with nothing left to arrive is received."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    agreed = order.agreed(fact.return_id)
    for arrived in fact.lines:
        order.lines[arrived.line].returned += arrived.quantity
        left = arrived.quantity
        for line in agreed.lines:
            if line.line == arrived.line:
                units = min(left, line.quantity - line.received)
                line.received += units
                left -= units
        assert left == 0
    if not any(_open_units(agreed).values()):
        agreed.state = RECEIVED


def evolve_cancelled(state: State, fact: ReturnCancelled) -> None:
    """Write down that the rest will not come. What had come stays."""
    order = state.orders.touch(fact.order)
    agreed = order.agreed(fact.return_id)
    agreed.state = RECEIVED if any(line.received for line in agreed.lines) else CANCELLED


def evolve_loss(state: State, fact: LossReported) -> None:
    """Write down what never arrived."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    for line in fact.lines:
        order.lines[line.line].lost += line.quantity
    if fact.replacement is not None:
        order.replaced_by.append(fact.replacement)


def evolve_loose(state: State, fact: LooseReturnTaken) -> None:
    """Write down what came back."""
    state.ledger.post(fact.postings)
    state.loose_returns.end(
        LooseReturn(fact.return_id, fact.channel, fact.node, fact.lines, fact.reference, state.time_ns)
    )
    state.orders.next_return = fact.return_id + 1
