"""More units of an order, under the rules of its policy together with what nodes have or sent of it already."""

from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.lifecycles import LEFT, OPEN
from engine.state.orders import Fulfilment, Order
from engine.state.state import State
from engine.supply.plan import supply
from engine.supply.request import Request
from engine.supply.terms import Terms


def sources_from_stock(
    state: State, order: Order, terms: Terms, request: Request, units: dict[int, int], now_ns: int
) -> tuple[dict[int, list[Source]], tuple[Slot, ...], Decision | None]:
    """Sources by line position from what is there, as far as they go with what nodes have of the order already.

    Where all of them do not, they come from the nodes that have some of it, and from one more. No decision is told then,
    as it is not the cheapest of all.
    """
    names = state.ledger.nodes
    own = {work.node: None for work in order.fulfilments if _is_part(work)}
    tried: list[str | None] = [None]
    without = request.excluded
    while tried:
        more = tried.pop(0)
        if more is not None:
            without = (*request.excluded, *(name for name in names if name != more and name not in own))
        found = supply(state, request._replace(excluded=without), now_ns)
        sources = {at: list(given) for at, given in zip(units, found.sources, strict=True) if given}
        if sources and _fits(state, order, terms, sources):
            return sources, found.slots, found.decision if more is None else None
        if more is None and sources:
            tried += [*own, *dict.fromkeys(s.node for given in sources.values() for s in given if s.node not in own)]
    return {}, (), None


def _is_part(work: Fulfilment) -> bool:
    return work.state in OPEN or work.state in LEFT


def _fits(state: State, order: Order, terms: Terms, sources: dict[int, list[Source]]) -> bool:
    """Whether sources go together, under the rules, with what nodes have or sent of the order already."""
    units: dict[str, int] = {}
    of_line: dict[int, dict[str, None]] = {}
    value: dict[str, int] = {}
    items = state.configuration.items
    held = [
        (work.node, take.line, take.quantity) for work in order.fulfilments if _is_part(work) for take in work.lines
    ]
    given = [(source.node, at, source.quantity) for at, some in sources.items() for source in some]
    for node, at, quantity in (*held, *given):
        line = order.lines[at]
        price = line.unit_price_minor if line.unit_price_minor is not None else items[line.sku].value_minor or 0
        units[node] = units.get(node, 0) + quantity
        value[node] = value.get(node, 0) + quantity * price
        of_line.setdefault(at, {})[node] = None
    rules, node_index = terms.rules, state.ledger.node_index
    caps = terms.locations.cap
    if rules.locations_max is not None and len(units) > rules.locations_max:
        return False
    if not rules.line_split and any(len(of_line[at]) > 1 for at in sources):
        return False
    if caps is not None and any(units[node] > int(caps[node_index[node]]) for node, _, _ in given):
        return False
    least = rules.split_value_min
    return not least or len(units) == 1 or all(value[node] >= least for node, _, _ in given)
