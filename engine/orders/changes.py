"""Changes of orders: proposed with what they would do, then confirmed, all or nothing, or declined."""

from engine import limits
from engine.commands.orders import ConfirmChange, DeclineChange, ProposeChange
from engine.configuration.known_skus import refuse_unknown_skus
from engine.facts import Fact
from engine.facts.orders import (
    ChangeBody,
    ChangeDeclined,
    ChangeProposed,
    OrderChanged,
    OrderSourced,
    PlacedLine,
    Quantity,
    Waiting,
)
from engine.fulfilments.sourcing_again import source_lines
from engine.fulfilments.work import evolve_waiting, give_up, order_traits, take_away, without
from engine.lifecycles import CANCELLED, CHANGE, CONFIRMED, DECLINED, ORDER, PROPOSED
from engine.money.charging import growth_minor
from engine.orders.cancelling import NOTHING, GivenUp, given_up
from engine.orders.following_transfers import follow
from engine.orders.placing import refuse_pickup
from engine.orders.rerouting import Rerouted, lacking, readdressed, reroute
from engine.results import Rejection, ResultCode, Shortage
from engine.state.finding import find_by_change, find_order
from engine.state.orders import Change, Order, OrderLine, decode, encode
from engine.state.state import State
from engine.supply.may_wait import refuse_waiting

WITHDRAWN = "order_changed"


def decide_propose(state: State, command: ProposeChange, now_ns: int) -> ChangeProposed | Rejection:
    """Look what a change would do now; it is refused at once if it could not be done."""
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    refusal = ORDER.refusal(order.state, "change", order_traits(order)) or refuse_unknown_skus(
        state, command.add, "/add"
    )
    if refusal is None and len(order.changes) >= limits.ORDER_CHANGES_MAX:
        refusal = Rejection(ResultCode.INVALID_TRANSITION, f"{limits.ORDER_CHANGES_MAX} changes are all an order takes")
    if refusal is None and command.pickup_node is not None:
        refusal = refuse_pickup(state, command.pickup_node)
    if refusal is not None:
        return refusal
    body = _body(order, command)
    if isinstance(body, Rejection):
        return body
    facts = carry_out(state, order, state.seq + 1, body, now_ns)
    if isinstance(facts, Rejection):
        return facts
    grown = growth_minor(state, order, body, now_ns)
    would_move = tuple(posting for fact in follow(state, facts) for posting in fact.postings)
    return ChangeProposed(order.number, state.seq + 1, command.reason, body, would_move, grown)


def _body(order: Order, command: ProposeChange) -> ChangeBody | Rejection:
    """What is asked for, by line positions."""
    quantities: dict[int, int] = {}
    for position, line in enumerate(command.set):
        at = order.line_at(line.id)
        if at is None:
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/set/{position}/id", f"the order has no line {line.id!r}")
        if at in quantities:
            return Rejection.at(ResultCode.MALFORMED_REQUEST, f"/set/{position}/id", f"line {line.id!r} is set twice")
        quantities[at] = line.quantity or _nothing_left(order.lines[at])
    ids = {line.id: None for line in order.lines}
    for position, added in enumerate(command.add):
        if added.id in ids:
            detail = f"line id {added.id!r} is taken; to change its quantity, use `set`"
            return Rejection.at(ResultCode.MALFORMED_REQUEST, f"/add/{position}/id", detail)
        ids[added.id] = None
    return ChangeBody(
        tuple(
            Quantity(at, quantity, order.lines[at].quantity, order.lines[at].ended)
            for at, quantity in quantities.items()
        ),
        tuple(PlacedLine(line.id, line.sku, line.quantity, line.unit_price_minor, 0) for line in command.add),
        command.area,
        command.party,
        command.contact,
        command.delivery,
        command.pickup_node,
    )


def _nothing_left(line: OrderLine) -> int:
    """Units in all of a line that is taken out: those cancelled before stay, those that left can't be undone."""
    return 0 if line.shipped else line.cancelled


def _another_than(order: Order, entry: Quantity) -> Rejection | None:
    """Why a line is not the one that a change was proposed for: "in all" would mean something else by now."""
    line = order.lines[entry.line]
    if line.quantity == entry.before and entry.ended in (None, line.ended):
        return None
    detail = (
        f"line {line.id!r} is another than the one this change was proposed for: it has {line.quantity} units in all"
        f" ({line.cancelled} cancelled, {line.returned} returned, {line.lost} lost), and had {entry.before};"
        " propose it anew, or decline it"
    )
    return Rejection(ResultCode.INVALID_TRANSITION, detail)


def decide_confirm(state: State, command: ConfirmChange, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Carry it out as things are now; a line whose units ended in another way meanwhile is another one."""
    found = _change(state, command.change, "confirm")
    if isinstance(found, Rejection):
        return found
    order, change = found
    refusal = ORDER.refusal(order.state, "change", order_traits(order))
    for entry in change.body.quantities:
        refusal = refusal or _another_than(order, entry)
    return refusal or carry_out(state, order, change.number, change.body, now_ns)


def decide_decline(state: State, command: DeclineChange, now_ns: int) -> ChangeDeclined | Rejection:
    """Drop it."""
    found = _change(state, command.change, "decline")
    if isinstance(found, Rejection):
        return found
    order, change = found
    return ChangeDeclined(order.number, change.number)


def _change(state: State, number: int, action: str) -> tuple[Order, Change] | Rejection:
    order = find_by_change(state, number)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such change")
    change = next(change for change in order.changes if change.number == number)
    return CHANGE.refusal(change.state, action) or (order, change)


def carry_out(
    state: State, order: Order, number: int, body: ChangeBody, now_ns: int, sold: bool = False
) -> tuple[Fact, ...] | Rejection:
    """The facts of a change of an open order, or why it can't be done. `sold`: more units were sold already, so that
    they wait where there is no stock."""
    if len(order.lines) + len(body.added) > limits.ORDER_LINES_MAX:
        return Rejection(ResultCode.INVALID_TRANSITION, f"an order has at most {limits.ORDER_LINES_MAX:,} lines")
    taken = next((line.id for line in body.added if order.line_at(line.id) is not None), None)
    if taken is not None:
        detail = f"line id {taken!r} was given to another line since the change was proposed"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    fewer: dict[int, int] = {}
    more: dict[int, int] = {}
    for entry in body.quantities:
        line = order.lines[entry.line]
        if entry.quantity < line.shipped + line.cancelled:
            detail = f"of line {line.id!r} {line.shipped} units have shipped and {line.cancelled} were cancelled"
            return Rejection(ResultCode.BELOW_SHIPPED, detail)
        by = entry.quantity - line.quantity
        if by:
            (more if by > 0 else fewer)[entry.line] = abs(by)
    more.update({len(order.lines) + position: line.quantity for position, line in enumerate(body.added)})
    gone = given_up(order, fewer)
    after = as_it_will_be(order, body, gone)
    goes_elsewhere = (after.area, after.delivery, after.pickup_node) != (order.area, order.delivery, order.pickup_node)
    route: Rerouted | Rejection
    if goes_elsewhere:
        route = reroute(state, order, after, more, now_ns)
        if sold and more and isinstance(route, Rejection) and route.code is ResultCode.INSUFFICIENT_STOCK:
            route = reroute(state, order, after, {}, now_ns)
            moved = not isinstance(route, Rejection) and any(isinstance(fact, OrderSourced) for fact in route.facts)
            # What moves may take the units that would be found for more: then more of them wait.
            rest = _waiting_for(state, after, more) if moved else _more(state, after, more, now_ns, sold)
            route = _beside(route, rest)
    else:
        route = Rerouted([], (), (), readdressed(state, order, after, now_ns))
        if more:
            route = _beside(route, _more(state, after, more, now_ns, sold))
    if isinstance(route, Rejection):
        return route
    waiting = {entry.line: entry for entry in (*gone.waiting, *route.waiting)}
    postings = (*gone.postings, *route.postings)
    numbers = tuple(work.number for work in route.withdrawn)
    changed = OrderChanged(order.number, number, body, gone.taken, numbers, tuple(waiting.values()), postings)
    return (changed, *route.facts)


def _beside(route: Rerouted | Rejection, sourced: tuple[Fact, ...] | Rejection) -> Rerouted | Rejection:
    """A way, and what is sourced besides; or why one of them is not possible."""
    if isinstance(route, Rejection):
        return route
    if isinstance(sourced, Rejection):
        return sourced
    return route._replace(facts=(*route.facts, *sourced))


def as_it_will_be(order: Order, body: ChangeBody, gone: GivenUp = NOTHING) -> Order:
    """A copy of the order with the change in it, before anything new is sourced."""
    after = decode(encode(order))
    _write(after, body)
    for taken in gone.taken:
        fulfilment = after.fulfilment(taken.fulfilment)
        fulfilment.lines = without(fulfilment.lines, taken.line, taken.quantity)
        if not fulfilment.lines:
            fulfilment.state = CANCELLED
    for entry in gone.waiting:
        line = after.lines[entry.line]
        line.backordered, line.unsourceable, line.claims = entry.backordered, entry.unsourceable, entry.claims
    return after


def _write(order: Order, body: ChangeBody) -> None:
    """Enter what is different about the order itself."""
    for entry in body.quantities:
        order.lines[entry.line].quantity = entry.quantity
    order.lines += tuple(OrderLine(line.id, line.sku, line.quantity, line.unit_price_minor) for line in body.added)
    if body.area is not None:
        order.area = body.area
    if body.contact is not None:
        order.party, order.contact = body.party, body.contact
    if body.delivery is not None:
        order.delivery, order.pickup_node = body.delivery, body.pickup_node
        order.collect_by_ns = None


def _more(state: State, after: Order, more: dict[int, int], now_ns: int, sold: bool) -> tuple[Fact, ...] | Rejection:
    """Source what is added, beside what nodes have already. What was `sold` elsewhere waits where there is no stock."""
    facts = source_lines(state, after, more, after.rejected_by, now_ns)
    sourced = facts[-1]
    assert isinstance(sourced, OrderSourced)
    if sold:
        return facts
    short = [entry for entry in sourced.waiting if entry.unsourceable > after.lines[entry.line].unsourceable]
    if not short:
        waits: dict[str, int] = {}
        for entry in sourced.waiting:
            line = after.lines[entry.line]
            claimed = sum(claim.quantity for claim in entry.claims) - line.claimed
            waits[line.sku] = waits.get(line.sku, 0) + entry.backordered - line.backordered - claimed
        return refuse_waiting(state, after.channel, waits) or facts
    shortages = []
    for entry in short:
        line, wanted = after.lines[entry.line], more[entry.line]
        shortages.append(Shortage(line.sku, wanted, wanted - entry.unsourceable + line.unsourceable))
    return lacking(after, shortages)


def _waiting_for(state: State, after: Order, more: dict[int, int]) -> tuple[Fact, ...]:
    """Units that were sold and that nobody has: they wait for stock, or for a person."""
    waiting = []
    for at, units in more.items():
        line = after.lines[at]
        later = units if state.configuration.items[line.sku].backorderable else 0
        waiting.append(Waiting(at, line.backordered + later, line.unsourceable + units - later, line.claims))
    return (OrderSourced(after.number, (), tuple(waiting), ()),)


def evolve_proposed(state: State, fact: ChangeProposed) -> None:
    """Write down what somebody would like."""
    order = state.orders.touch(fact.order)
    order.changes.append(
        Change(fact.change, PROPOSED, fact.reason, fact.body, fact.would_move, fact.money_minor, state.time_ns)
    )
    state.orders.order_of_change[fact.change] = order.number


def _end(order: Order, number: int, end: str, seq: int) -> None:
    change = next(change for change in order.changes if change.number == number)
    change.state, change.decided_seq = end, seq


def evolve_changed(state: State, fact: OrderChanged) -> None:
    """Write down the new order. What is new in it is sourced by the fact that follows."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    _end(order, fact.change, CONFIRMED, state.seq)
    for taken in fact.taken:
        order.lines[taken.line].allocated -= taken.quantity
        take_away(state, order, order.fulfilment(taken.fulfilment), taken.line, taken.quantity)
    for number in fact.withdrawn:
        give_up(state, order, order.fulfilment(number), CANCELLED, WITHDRAWN)
    _write(order, fact.body)
    evolve_waiting(state, order, fact.waiting)


def evolve_declined(state: State, fact: ChangeDeclined) -> None:
    """Write down that it was dropped."""
    _end(state.orders.touch(fact.order), fact.change, DECLINED, state.seq)
