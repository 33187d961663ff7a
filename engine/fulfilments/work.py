"""Work of nodes: handed out, taken back, moved on; and what the lines of its order count of it."""

from collections.abc import Iterable

from engine.facts.orders import PlannedFulfilment, Take, Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.lifecycles import CANCELLED, FULFILMENT, HELD, OPEN, RELEASED, Traits
from engine.limits import NS_PER_SECOND
from engine.results import Rejection
from engine.state.orders import RELEASE, SHIP, Fulfilment, Order, OrderLine
from engine.state.state import State

SUPPLIER, SHIP_HELD = "supplier", "ship_held"


def traits_of(state: State, order: Order, fulfilment: Fulfilment) -> Traits:
    """What its steps depend on besides its state (engine/lifecycles.py)."""
    traits: Traits = (order.delivery,)
    if state.configuration.nodes[fulfilment.node].kind == SUPPLIER:
        traits += (SUPPLIER,)
    if order.holds and order.is_held(SHIP):
        traits += (SHIP_HELD,)
    return traits


def order_traits(order: Order) -> Traits:
    """What the steps of an order depend on besides its state."""
    sent = any(line.shipped for line in order.lines) and any(units > 0 for units in order.returnable())
    traits: Traits = ("sent",) if sent else ()
    if order.money is not None and not order.money.due_minor:
        traits = (*traits, "nothing_due")
    return (*traits, "stopped") if order.holds else traits


def refuse_step(state: State, order: Order, fulfilment: Fulfilment, action: str) -> Rejection | None:
    """Why a step of a fulfilment is not possible now; None if it is."""
    return FULFILMENT.refusal(fulfilment.state, action, traits_of(state, order, fulfilment))


def accept_by_ns(state: State, node: str, now_ns: int) -> int | None:
    """Until when a node must accept what it is given now; None where it has no limit."""
    seconds = state.configuration.nodes[node].accept_within_seconds
    return None if seconds is None else now_ns + seconds * NS_PER_SECOND


def evolve_add_fulfilments(state: State, order: Order, planned: Iterable[PlannedFulfilment]) -> None:
    """Hand work to nodes, or keep it from them while the order is held, and count it as allocated.

    A plan with the number of work that is there already is more for that work.
    """
    held = bool(order.holds) and order.is_held(RELEASE)
    orders = state.orders
    for plan in planned:
        if plan.fulfilment < orders.next_fulfilment:
            _evolve_join(state, order, order.fulfilment(plan.fulfilment), plan)
            continue
        fulfilment = Fulfilment(
            plan.fulfilment,
            plan.node,
            HELD if held else RELEASED,
            plan.lines,
            state.time_ns,
            state.time_ns,
            ships_at_ns=plan.ships_at_ns,
            delivers_at_ns=plan.delivers_at_ns,
            day=plan.day,
            accept_by_ns=None if held else plan.accept_by_ns,
            collect_by_ns=order.collect_by_ns,
        )
        order.fulfilments.append(fulfilment)
        if plan.day is not None:
            state.capacity.take(fulfilment.slots, state.time_ns)
        orders.enter(order, fulfilment)
        orders.next_fulfilment = max(orders.next_fulfilment, plan.fulfilment + 1)
        for take in plan.lines:
            order.lines[take.line].allocated += take.quantity


def _evolve_join(state: State, order: Order, work: Fulfilment, plan: PlannedFulfilment) -> None:
    """Give more units to work that nobody has begun."""
    units = units_by_line((*work.lines, *plan.lines))
    work.lines = tuple(Take(at, quantity) for at, quantity in units.items())
    work.delivers_at_ns = plan.delivers_at_ns
    state.orders.redate(work, plan.ships_at_ns)
    if plan.day is not None:
        work.day = plan.day
        state.capacity.take(work.slots, state.time_ns)
    for take in plan.lines:
        order.lines[take.line].allocated += take.quantity


def give_up(state: State, order: Order, fulfilment: Fulfilment, end: str, reason: str | None) -> None:
    """A node will not do this work: its units are no longer allocated, its place is free."""
    for take in fulfilment.lines:
        order.lines[take.line].allocated -= take.quantity
    state.capacity.give_back(fulfilment.slots)
    fulfilment.day = None
    fulfilment.reason = reason
    state.orders.move(fulfilment, end, state.time_ns)


def take_away(state: State, order: Order, fulfilment: Fulfilment, line: int, units: int) -> None:
    """Units of a line leave a fulfilment. With nothing left it is cancelled. Packed parcels are undone."""
    fulfilment.lines, fulfilment.parcels = without(fulfilment.lines, line, units), ()
    if not fulfilment.lines:
        give_up(state, order, fulfilment, CANCELLED, fulfilment.reason)


def without(lines: Iterable[Take], line: int, units: int) -> tuple[Take, ...]:
    """Takes without so many units of the line at a position, which they must have."""
    left = []
    for take in lines:
        taken = min(units, take.quantity) if take.line == line else 0
        units -= taken
        if take.quantity > taken:
            left.append(Take(take.line, take.quantity - taken))
    assert units == 0
    return tuple(left)


def units_by_line(lines: Iterable[Take]) -> dict[int, int]:
    """Units by position of the order's line."""
    units: dict[int, int] = {}
    for take in lines:
        units[take.line] = units.get(take.line, 0) + take.quantity
    return units


def freed(order: Order, fulfilment: Fulfilment, target: int = AVAILABLE) -> tuple[Posting, ...]:
    """What takes all units of an open fulfilment to another account at its node."""
    assert fulfilment.state in OPEN
    return tuple(
        Posting(order.lines[take.line].sku, fulfilment.node, ALLOCATED, target, take.quantity)
        for take in fulfilment.lines
    )


def evolve_waiting(state: State, order: Order, waiting: Iterable[Waiting]) -> None:
    """Write down what lines wait for from now on."""
    for entry in waiting:
        line = order.lines[entry.line]
        line.backordered, line.unsourceable = entry.backordered, entry.unsourceable
        if line.claims or entry.claims:
            give_up_claims(state, order.number, line)
            line.claims = entry.claims
            hold_claims(state, order.number, line)
    state.orders.index_waiting(order)


def hold_claims(state: State, number: str, line: OrderLine) -> None:
    """Enter what a line of an order was promised from inbound."""
    for claim in line.claims:
        state.inbound.promise(number, claim.inbound, line.sku, claim.quantity)


def give_up_claims(state: State, number: str, line: OrderLine) -> None:
    """Take out what a line of an order was promised from inbound."""
    for claim in line.claims:
        state.inbound.unpromise(number, claim.inbound, line.sku, claim.quantity)
