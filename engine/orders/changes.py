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
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.fulfilments.planning import plan_fulfilments
from engine.fulfilments.sourcing_again import source_lines, who_gave_back
from engine.fulfilments.waiting import given_units, moved_claims, units_waiting
from engine.fulfilments.work import evolve_waiting, freed, give_up, take_away, without
from engine.lifecycles import CANCELLED, CHANGE, CONFIRMED, DECLINED, HELD, OPEN, ORDER, PROPOSED, RELEASED
from engine.money.charging import growth_minor
from engine.orders.cancelling import GivenUp, given_up
from engine.orders.improving import as_if_new, differing
from engine.orders.placing import refuse_pickup
from engine.results import Rejection, ResultCode, Shortage
from engine.state.finding import find_by_change, find_order
from engine.state.orders import Change, Fulfilment, Order, OrderLine, decode, encode
from engine.state.state import State
from engine.supply.may_wait import refuse_waiting
from engine.supply.plan import supply, terms_of
from engine.supply.request import Demand

WITHDRAWN = "order_changed"


def decide_propose(state: State, command: ProposeChange, now_ns: int) -> ChangeProposed | Rejection:
    """Look what a change would do now; it is refused at once if it could not be done."""
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    refusal = ORDER.refusal(order.state, "change") or refuse_unknown_skus(state, command.add, "/add")
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
    would_move = tuple(posting for fact in facts for posting in fact.postings)
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
        quantities[at] = line.quantity
    ids = {line.id: None for line in order.lines}
    for position, added in enumerate(command.add):
        if added.id in ids:
            detail = f"line id {added.id!r} is taken; to change its quantity, use `set`"
            return Rejection.at(ResultCode.MALFORMED_REQUEST, f"/add/{position}/id", detail)
        ids[added.id] = None
    return ChangeBody(
        tuple(Quantity(at, quantity, order.lines[at].quantity) for at, quantity in quantities.items()),
        tuple(PlacedLine(line.id, line.sku, line.quantity, line.unit_price_minor, 0) for line in command.add),
        command.area,
        command.party,
        command.contact,
        command.delivery,
        command.pickup_node,
    )


def decide_confirm(state: State, command: ConfirmChange, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Carry it out as things are now, whatever they were when it was proposed."""
    found = _change(state, command.change, "confirm")
    if isinstance(found, Rejection):
        return found
    order, change = found
    refusal = ORDER.refusal(order.state, "change")
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


def carry_out(state: State, order: Order, number: int, body: ChangeBody, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """The facts of a change of an open order, or why it can't be done."""
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
    after = _as_it_will_be(order, body, gone)
    goes_elsewhere = (after.area, after.delivery, after.pickup_node) != (order.area, order.delivery, order.pickup_node)
    withdrawn: list[Fulfilment] = []
    sourced: OrderSourced | Rejection | None = None
    if goes_elsewhere:
        found = _moved(state, order, after, more, now_ns)
        if isinstance(found, Rejection):
            return found
        withdrawn, sourced = found
    elif more:
        sourced = _more(state, after, more, now_ns)
    if isinstance(sourced, Rejection):
        return sourced
    postings = (*gone.postings, *(posting for work in withdrawn for posting in freed(after, work)))
    numbers = tuple(work.number for work in withdrawn)
    changed = OrderChanged(order.number, number, body, gone.taken, numbers, gone.waiting, postings)
    return (changed,) if sourced is None else (changed, sourced)


def _as_it_will_be(order: Order, body: ChangeBody, gone: GivenUp) -> Order:
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


def _more(state: State, after: Order, more: dict[int, int], now_ns: int) -> OrderSourced | Rejection:
    """Source what is added, beside what nodes have already."""
    sourced = source_lines(state, after, more, after.rejected_by, now_ns)
    short = [entry for entry in sourced.waiting if entry.unsourceable > after.lines[entry.line].unsourceable]
    if not short:
        waits: dict[str, int] = {}
        for entry in sourced.waiting:
            line = after.lines[entry.line]
            waits[line.sku] = waits.get(line.sku, 0) + entry.backordered - line.backordered
        return refuse_waiting(state, after.channel, waits) or sourced
    shortages = []
    for entry in short:
        line, wanted = after.lines[entry.line], more[entry.line]
        shortages.append(Shortage(line.sku, wanted, wanted - entry.unsourceable + line.unsourceable))
    return _lacking(after, shortages)


def _lacking(order: Order, short: list[Shortage]) -> Rejection:
    detail = "not enough stock can be promised for the change"
    if order.given_back_by:
        detail += f"; {who_gave_back(order)}, and is not asked for this order"
    return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(short))


def _moved(
    state: State, order: Order, after: Order, more: dict[int, int], now_ns: int
) -> tuple[list[Fulfilment], OrderSourced | None] | Rejection:
    """Source anew what no node has begun, together with what is added, for where the order goes now.

    What waits is placed with it, if all of it can be. Where nodes already have it for the least possible cost it stays
    with them. A parcel that becomes a pickup, or the
    other way round, must not have been begun.
    """
    work = [f for f in after.fulfilments if f.state in (HELD, RELEASED)]
    other_way = (after.delivery, after.pickup_node) != (order.delivery, order.pickup_node)
    begun = [f for f in after.fulfilments if f.state in OPEN and f.state not in (HELD, RELEASED)]
    if other_way and begun:
        now = f"fulfilment {begun[0].number} is {begun[0].state}"
        detail = f"{now}: how the order gets to the customer can't change any more"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    work = work if other_way else _movable(state, after, work, now_ns)
    request, _ = as_if_new(after, work)
    lines = after.lines
    waits = units_waiting(state, after)
    positions = [*_positions(work), *more]
    demand = [*request.lines, *_demand(after, more)]
    request = request._replace(lines=[*demand, *_demand(after, waits)], partial=not demand)
    found = supply(state, request, now_ns)
    if found.short and demand:  # what waits waits on
        waits = {}
        found = supply(state, request._replace(lines=demand), now_ns)
    if found.short and demand:
        if not more and not other_way:
            return [], None
        return _lacking(order, found.short)
    sources: dict[int, list[Source]] = {}
    for at, given in zip([*positions, *waits], found.sources, strict=True):
        sources.setdefault(at, []).extend(given)
    placed = dict(zip(waits, found.sources[len(positions) :], strict=True))
    waiting, moved = _placed_at_last(state, after, placed)
    planned = plan_fulfilments(state, state.orders.next_fulfilment, sources, found.slots, now_ns)
    withdrawn, new = differing(work, planned)
    if not new:
        return [], None
    postings = [
        Posting(lines[take.line].sku, plan.node, AVAILABLE, ALLOCATED, take.quantity)
        for plan in new
        for take in plan.lines
    ]
    return withdrawn, OrderSourced(order.number, tuple(new), waiting, (*postings, *moved), found.decision)


def _demand(order: Order, units: dict[int, int]) -> list[Demand]:
    lines = order.lines
    return [Demand(lines[at].sku, n, order.pickup_node, lines[at].unit_price_minor) for at, n in units.items()]


def _placed_at_last(
    state: State, after: Order, placed: dict[int, tuple[Source, ...]]
) -> tuple[tuple[Waiting, ...], list[Posting]]:
    """What lines wait for once units that waited are placed, and the postings that give up what they were promised."""
    waiting, postings = [], []
    for at, given in placed.items():
        line, units = after.lines[at], sum(source.quantity for source in given)
        if units:
            waiting.append(given_units(state, line, at, units))
            postings += moved_claims(line.sku, line.claims, waiting[-1].claims)
    return tuple(waiting), postings


def _movable(state: State, after: Order, work: list[Fulfilment], now_ns: int) -> list[Fulfilment]:
    """Work that could be planned anew: all but that of nodes that take nothing new, where it stays."""
    terms, _ = terms_of(state, as_if_new(after, work)[0], now_ns)
    blocked, node_index = terms.blocked(state, now_ns), state.ledger.node_index
    return [f for f in work if terms.sends[node_index[f.node]] and node_index[f.node] not in blocked]


def _positions(work: list[Fulfilment]) -> list[int]:
    """Line positions of some work, in line order, as `as_if_new` asks for them."""
    return sorted({take.line: None for fulfilment in work for take in fulfilment.lines})


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
