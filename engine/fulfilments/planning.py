"""Sources of an order's lines, cut into the work of nodes."""

from engine.facts.orders import (
    PlannedFulfilment,
    Take,
)
from engine.facts.reservations import Source
from engine.facts.sourcing import Slot
from engine.fulfilments.work import accept_by_ns
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
