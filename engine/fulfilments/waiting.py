"""What lines of orders wait for, and what they wait for once they have got some of it."""

from msgspec.structs import replace

from engine.facts.orders import Claim, Waiting
from engine.facts.postings import INBOUND, INBOUND_ALLOCATED, Posting
from engine.state.orders import Order, OrderLine
from engine.state.state import State

Claims = tuple[Claim, ...]


def is_brought(state: State, inbound: int) -> bool:
    """Whether another node brings it: those units are bound there already, and come for who was promised them."""
    return state.inbound.open[inbound].transfer is not None


def moved_claims(sku: str, before: Claims, after: Claims) -> list[Posting]:
    """What changes one set of claims into another, inbound by inbound."""
    if before == after:
        return []
    node = {claim.inbound: claim.node for claim in (*before, *after)}
    units = dict.fromkeys(node, 0)
    for claim in after:
        units[claim.inbound] += claim.quantity
    for claim in before:
        units[claim.inbound] -= claim.quantity
    return [
        Posting(sku, node[inbound], INBOUND, INBOUND_ALLOCATED, more)
        if more > 0
        else Posting(sku, node[inbound], INBOUND_ALLOCATED, INBOUND, -more)
        for inbound, more in units.items()
        if more
    ]


def brought_units(state: State, line: OrderLine) -> int:
    """Backordered units of a line that another node brings."""
    return sum([claim.quantity for claim in line.claims if is_brought(state, claim.inbound)])


def units_waiting(state: State, order: Order) -> dict[int, int]:
    """Units of every line that wait, by position, but for those that another node brings."""
    waits = {
        at: line.backordered + line.unsourceable - (brought_units(state, line) if line.claims else 0)
        for at, line in enumerate(order.lines)
        if line.backordered or line.unsourceable
    }
    return {at: units for at, units in waits.items() if units}


def given_units(state: State, line: OrderLine, at: int, units: int) -> Waiting:
    """What a line waits for once it has got so many units: first what no node could send, then what nothing was
    promised for, then what was promised last; what another node brings it does not give up.
    """
    unsourceable = line.unsourceable - min(units, line.unsourceable)
    backordered = line.backordered - (units - (line.unsourceable - unsourceable))
    over = line.claimed - backordered
    claims: list[Claim] = []
    for claim in reversed(line.claims):
        less = 0 if over <= 0 or is_brought(state, claim.inbound) else min(over, claim.quantity)
        over -= less
        if claim.quantity > less:
            claims.insert(0, claim if not less else replace(claim, quantity=claim.quantity - less))
    return Waiting(at, backordered, unsourceable, tuple(claims))
