"""Sources of an order's lines, cut into the work of nodes."""

from msgspec.structs import replace

from engine.facts.orders import PlannedFulfilment, Take
from engine.facts.reservations import Source
from engine.facts.sourcing import Slot
from engine.fulfilments.work import accept_by_ns
from engine.lifecycles import HELD, RELEASED
from engine.state.orders import Fulfilment, Order
from engine.state.state import State


def plan_fulfilments(
    state: State, first_number: int, sources: dict[int, list[Source]], slots: tuple[Slot, ...], now_ns: int
) -> tuple[PlannedFulfilment, ...]:
    """One fulfilment per node over the lines at these positions; nodes in the order they come up.

    It leaves when the last of its units was promised to leave.
    """
    by_node: dict[str, list[Take]] = {}
    latest: dict[str, Source] = {}
    for position, found in sources.items():
        for source in found:
            by_node.setdefault(source.node, []).append(Take(position, source.quantity))
            before = latest.get(source.node)
            if before is None or (source.ships_at_ns or 0) > (before.ships_at_ns or 0):
                latest[source.node] = source
    days = {slot.node: slot.day for slot in slots}
    return tuple(
        PlannedFulfilment(
            first_number + i,
            node,
            tuple(takes),
            latest[node].ships_at_ns,
            latest[node].delivers_at_ns,
            days.get(node),
            accept_by_ns(state, node, now_ns),
        )
        for i, (node, takes) in enumerate(by_node.items())
    )


def plan_for_order(
    state: State,
    order: Order,
    first_number: int,
    sources: dict[int, list[Source]],
    slots: tuple[Slot, ...],
    now_ns: int,
) -> tuple[PlannedFulfilment, ...]:
    """The same for an order that has work already: what becomes due at one node goes together.

    Where a node has work of the order that nobody has begun, its units are given to that: the plan has its number.
    """
    planned: list[PlannedFulfilment] = []
    number = first_number
    for plan in plan_fulfilments(state, first_number, sources, slots, now_ns):
        work = _not_begun(state, order, plan.node)
        if work is None:
            planned.append(replace(plan, fulfilment=number))
            number += 1
            continue
        later = plan if (plan.ships_at_ns or 0) > (work.ships_at_ns or 0) else work
        planned.append(
            PlannedFulfilment(
                work.number,
                plan.node,
                plan.lines,
                later.ships_at_ns,
                later.delivers_at_ns,
                plan.day if work.day is None else None,
                work.accept_by_ns,
            )
        )
    return tuple(planned)


def _not_begun(state: State, order: Order, node: str) -> Fulfilment | None:
    """Work of an order at a node that nobody has begun with, nor put into a walk."""
    for work in order.fulfilments:
        begun = work.number in state.pick_lists.of_fulfilment or work.number in order.short_work or work.parcels
        if work.node == node and work.state in (HELD, RELEASED) and not begun:
            return work
    return None
