"""A promise of inbound units that nobody needs any more goes to the next who waits, in order of promise.

Who was promised something that comes later takes the earlier one instead, and gives up his own to the next.
"""

from msgspec.structs import replace

from engine.facts.orders import Claim, OrderSourced, Waiting
from engine.facts.postings import INBOUND_ALLOCATED, INBOUND_RESERVED
from engine.facts.reservations import ReservationChanged
from engine.fulfilments.waiting import Claims, is_brought, moved_claims
from engine.state.orders import Order
from engine.state.state import State
from engine.supply.plan import arrival_of, terms_of
from engine.supply.request import Request


def pass_on(state: State, served: OrderSourced | ReservationChanged, now_ns: int) -> tuple[OrderSourced, ...]:
    """The facts that follow where somebody was served with what is there and gives up promises of inbound units."""
    given_up = [p for p in served.postings if p.source in (INBOUND_ALLOCATED, INBOUND_RESERVED)]
    if not given_up:
        return ()
    beside = served.order if isinstance(served, OrderSourced) else ""
    claims: dict[tuple[str, int], Claims] = {}
    for sku in dict.fromkeys(posting.sku for posting in given_up):
        freed = _freed(state, served, sku)
        queue = sorted(
            (state.orders.open[number].promised, at, number)
            for (_, at), number in state.orders.waiting.get(sku, {}).items()
            if number != beside
        )
        for inbound in sorted(freed, key=lambda number: (state.inbound.open[number].expected_at_ns, number)):
            _to_the_next(state, inbound, freed[inbound], queue, claims, now_ns)
    return tuple(_sourced(state, number, claims) for number in dict.fromkeys(number for number, _ in claims))


def _freed(state: State, served: OrderSourced | ReservationChanged, sku: str) -> dict[int, int]:
    """Units of a SKU by inbound that somebody gives up."""
    units: dict[int, int] = {}
    if isinstance(served, OrderSourced):
        lines = state.orders.open[served.order].lines
        for entry in served.waiting:
            if lines[entry.line].sku == sku:
                for claim in lines[entry.line].claims:
                    units[claim.inbound] = units.get(claim.inbound, 0) + claim.quantity
                for claim in entry.claims:
                    units[claim.inbound] -= claim.quantity
    else:
        for sign, some in ((1, state.reservations.active[served.reservation].lines), (-1, served.lines)):
            for source in (source for line in some if line.sku == sku for source in line.sources):
                if source.inbound is not None:
                    units[source.inbound] = units.get(source.inbound, 0) + sign * source.quantity
    return {inbound: count for inbound, count in units.items() if count}


def _to_the_next(
    state: State,
    inbound: int,
    units: int,
    queue: list[tuple[int, int, str]],
    claims: dict[tuple[str, int], Claims],
    now_ns: int,
) -> None:
    """Give units of an inbound to those in the queue, by line; `claims` are what their lines have by then."""
    opened = state.inbound.open
    expected_at_ns = opened[inbound].expected_at_ns
    for position, (promised, at, number) in enumerate(queue):
        if not units:
            return
        order = state.orders.open[number]
        line = order.lines[at]
        own = claims.get((number, at), line.claims)
        later = [
            claim
            for claim in own
            if not is_brought(state, claim.inbound) and opened[claim.inbound].expected_at_ns > expected_at_ns
        ]
        unpromised = line.backordered - sum(claim.quantity for claim in own)
        wanted = min(units, unpromised + sum(claim.quantity for claim in later))
        if not wanted:
            continue
        claim = _claim(state, order, at, inbound, wanted, promised, now_ns)
        if claim is None:
            continue
        units -= wanted
        freed = wanted - unpromised
        for given in sorted(later, key=lambda each: -opened[each.inbound].expected_at_ns):
            less = min(max(0, freed), given.quantity)
            if less:
                freed -= less
                own = _without(own, given.inbound, less)
                claims[number, at] = own
                _to_the_next(state, given.inbound, less, queue[position + 1 :], claims, now_ns)
        claims[number, at] = _with(own, claim)


def _without(claims: Claims, inbound: int, units: int) -> Claims:
    left = []
    for claim in claims:
        less = min(units, claim.quantity) if claim.inbound == inbound else 0
        units -= less
        if claim.quantity > less:
            left.append(replace(claim, quantity=claim.quantity - less))
    return tuple(left)


def _with(claims: Claims, more: Claim) -> Claims:
    for at, claim in enumerate(claims):
        if claim.inbound == more.inbound:
            joined = replace(claim, quantity=claim.quantity + more.quantity)
            return (*claims[:at], joined, *claims[at + 1 :])
    return (*claims, more)


def _claim(state: State, order: Order, at: int, inbound: int, units: int, promised: int, now_ns: int) -> Claim | None:
    """A promise for a line of an order; None if its policy promises nothing of this inbound."""
    coming = state.inbound.open[inbound]
    if order.pickup_node not in (None, coming.node) or coming.node in order.given_back_by:
        return None
    terms, _ = terms_of(state, Request.of_order(order, {at: units}), now_ns)
    if terms.settings.ship_complete and sum(line.backordered + line.unsourceable for line in order.lines) > units:
        return None
    promise = arrival_of(state, terms, coming, order.lines[at].sku, now_ns)
    if promise is None:
        return None
    return Claim(inbound, coming.node, units, promised, promise.ships_at_ns, promise.delivers_at_ns)


def _sourced(state: State, number: str, claims: dict[tuple[str, int], Claims]) -> OrderSourced:
    order = state.orders.open[number]
    waiting, postings = [], []
    for (of, at), own in claims.items():
        if of == number:
            line = order.lines[at]
            waiting.append(Waiting(at, line.backordered, line.unsourceable, own))
            postings += moved_claims(line.sku, line.claims, own)
    return OrderSourced(number, (), tuple(waiting), tuple(postings))
