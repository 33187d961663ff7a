"""More units for who waits: under the rules of his policy, together with what he has already."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.lifecycles import LEFT, OPEN
from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.supply.plan import supply
from engine.supply.request import Demand, Request, value_minor_of
from engine.supply.terms import Terms


class Held(NamedTuple):
    """What somebody has: (node, position of the line, units); and all his lines, for what they are worth."""

    units: list[tuple[str, int, int]]
    lines: Sequence[Demand]

    @classmethod
    def of_order(cls, order: Order) -> "Held":
        """What nodes have or sent of an order."""
        work = [f for f in order.fulfilments if f.state in OPEN or f.state in LEFT]
        units = [(f.node, take.line, take.quantity) for f in work for take in f.lines]
        return cls(units, [Demand(line.sku, line.quantity, None, line.unit_price_minor) for line in order.lines])

    @classmethod
    def of_reservation(cls, reservation: Reservation) -> "Held":
        """What a reservation holds that is there."""
        lines = reservation.lines
        units = [(s.node, at, s.quantity) for at, line in enumerate(lines) for s in line.sources if s.inbound is None]
        return cls(units, [Demand(line.sku, line.requested, None, line.unit_price_minor) for line in lines])


class Found(NamedTuple):
    """Sources by line position, and the places they take; the decision, if it is the cheapest of all."""

    sources: dict[int, list[Source]]
    slots: tuple[Slot, ...]
    decision: Decision | None


def sources_beside(
    state: State, held: Held, terms: Terms, request: Request, units: Mapping[int, int], now_ns: int
) -> Found:
    """Units by line position from what is there, as far as they go with what is held already.

    Where all of them do not, they come from the nodes that have some already, and from one more. So they do where no
    plan is allowed for all that is there: a line that may not be split gets what one node has.
    """
    names, own = state.ledger.nodes, {node: None for node, _, _ in held.units}
    tried: list[str | None] = [None]
    room = _room(state, held, terms)
    full = tuple(node for node, units_left in room.items() if units_left <= 0)
    without = (*request.excluded, *full)
    while tried:
        more = tried.pop(0)
        if more is not None:
            without = (*request.excluded, *full, *(name for name in names if name != more and name not in own))
        found = supply(state, request._replace(excluded=without), now_ns)
        sources = {at: list(given) for at, given in zip(units, found.sources, strict=True) if given}
        if room and not terms.settings.ship_complete:
            sources = _within(room, sources)
        if sources and _fits(state, held, terms, sources):
            return Found(sources, found.slots, found.decision if more is None and not room else None)
        if more is None and sources:
            tried += [*own, *dict.fromkeys(s.node for given in sources.values() for s in given if s.node not in own)]
        elif more is None:
            tried += _alone(state, held, terms, request, without, now_ns)
    return Found({}, (), None)


def _alone(
    state: State, held: Held, terms: Terms, request: Request, without: tuple[str, ...], now_ns: int
) -> list[str | None]:
    """Nodes that may do alone what the rules let no two of them do together; who has most comes first."""
    rules, ledger = terms.rules, state.ledger
    if terms.settings.ship_complete or (rules.line_split and not rules.split_value_min):
        return []
    own = {node: None for node, _, _ in held.units}
    full = rules.locations_max is not None and len(own) >= rules.locations_max
    blocked = terms.blocked(state, now_ns)
    units: dict[str, int] = {}
    for sku in dict.fromkeys(line.sku for line in request.lines):
        available, withheld = state.stock.cells_of(ledger.sku_index[sku])
        for at in (available > withheld).nonzero()[0].tolist():
            node = ledger.nodes[at]
            if node not in without and at not in blocked and (node in own or not full):
                units[node] = units.get(node, 0) + int(available[at])
    return [*sorted(units, key=lambda node: -units[node])]


def _room(state: State, held: Held, terms: Terms) -> dict[str, int]:
    """How many units nodes that have some may still give, where the rules cap them."""
    if terms.locations.cap is None:
        return {}
    left: dict[str, int] = {}
    for node, _, quantity in held.units:
        cap = int(terms.locations.cap[state.ledger.node_index[node]])
        left[node] = left.get(node, cap) - quantity
    return left


def _within(room: dict[str, int], sources: dict[int, list[Source]]) -> dict[int, list[Source]]:
    """Sources without what nodes have no room for."""
    left = dict(room)
    kept: dict[int, list[Source]] = {}
    for at, given in sources.items():
        some = []
        for source in given:
            units = source.quantity
            if source.node in left:
                units = min(units, max(0, left[source.node]))
                left[source.node] -= units
            if units:
                some.append(replace(source, quantity=units))
        if some:
            kept[at] = some
    return kept


def _fits(state: State, held: Held, terms: Terms, sources: dict[int, list[Source]]) -> bool:
    """Whether sources go together, under the rules, with what is held already."""
    units: dict[str, int] = {}
    value: dict[str, int] = {}
    of_line: dict[int, dict[str, None]] = {}
    given = [(source.node, at, source.quantity) for at, some in sources.items() for source in some]
    for node, at, quantity in (*held.units, *given):
        units[node] = units.get(node, 0) + quantity
        value[node] = value.get(node, 0) + quantity * value_minor_of(state, held.lines[at])
        of_line.setdefault(at, {})[node] = None
    rules, caps, node_index = terms.rules, terms.locations.cap, state.ledger.node_index
    if rules.locations_max is not None and len(units) > rules.locations_max:
        return False
    if not rules.line_split and any(len(of_line[at]) > 1 for at in sources):
        return False
    if caps is not None and any(units[node] > int(caps[node_index[node]]) for node, _, _ in given):
        return False
    least = rules.split_value_min
    return not least or len(units) == 1 or all(value[node] >= least for node, _, _ in given)
