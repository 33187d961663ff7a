"""What was to be brought for a pickup and will not come is brought anew, or found at the pickup node itself."""

from engine.facts import Fact
from engine.facts.orders import OrderSourced
from engine.fulfilments.sourcing_again import find_nodes
from engine.state.orders import decode, encode
from engine.state.state import State


def bring_anew(state: State, facts: tuple[Fact, ...], giver: str | None, now_ns: int) -> tuple[Fact, ...]:
    """The facts that follow those by which an order lost promises; `giver` (None: nobody) is not asked this time.

    Of several orders the first that can be helped is: the others wait, and are served in their turn.
    """
    sourced = [fact for fact in facts if isinstance(fact, OrderSourced)]
    for fact in sourced:
        order = state.orders.open[fact.order]
        if order.pickup_node is None:
            continue
        after = decode(encode(order))
        for entry in fact.waiting:
            line = after.lines[entry.line]
            line.backordered, line.unsourceable, line.claims = entry.backordered, entry.unsourceable, entry.claims
        arrived = {take.line: 0 for planned in fact.fulfilments for take in planned.lines}
        for planned in fact.fulfilments:
            for take in planned.lines:
                arrived[take.line] += take.quantity
        missing = {}
        for entry in fact.waiting:
            before = order.lines[entry.line]
            lost = before.claimed - sum(claim.quantity for claim in entry.claims) - arrived.get(entry.line, 0)
            if lost > 0:
                missing[entry.line] = lost
        if not missing:
            continue
        without = order.rejected_by if giver is None else [*order.rejected_by, giver]
        found = find_nodes(state, after, missing, without, now_ns)
        units = found.units
        if any(units.values()):
            waits = {at: (after.lines[at].backordered - units[at], after.lines[at].unsourceable) for at in missing}
            first_number = state.orders.next_fulfilment + sum(len(other.fulfilments) for other in sourced)
            return found.sourced(state, waits, now_ns, first_number)
    return ()
