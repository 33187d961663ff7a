"""What happens to promises of inbound units when they arrive, come at another time, or do not come: in order of
promise.

An order's turn is that of the reservation it came from, else its own record; both count up as the journal does.
"""

from typing import NamedTuple

from msgspec.structs import replace

from engine.facts.orders import Claim, OrderSourced, Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, INBOUND_ALLOCATED, INBOUND_RESERVED, RESERVED, Posting
from engine.facts.reservations import ReservationChanged, ReservedLine, Source
from engine.facts.sourcing import Slot
from engine.fulfilments.planning import plan_for_order
from engine.fulfilments.sourcing_again import hands_out
from engine.reservations import merge_sources
from engine.state.inbound import Holder, Inbound
from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.supply.plan import terms_of
from engine.supply.request import Request
from engine.supply.terms import Terms

# Units by (line position, position among the line's sources or claims).
Share = dict[tuple[int, int], int]


class Turn(NamedTuple):
    """Units of one SKU that somebody was promised by record `promised`."""

    promised: int
    at: int
    place: int
    holder: Holder
    sku: str
    units: int


def turns(state: State, inbound: Inbound) -> list[Turn]:
    """Everything promised of an inbound, in order of promise."""
    found = []
    for holder in state.inbound.holders.get(inbound.number, ()):
        if isinstance(holder, int):
            for at, held in enumerate(state.reservations.active[holder].lines):
                for index, source in enumerate(held.sources):
                    if source.inbound == inbound.number:
                        found.append(Turn(holder, at, index, holder, held.sku, source.quantity))
        else:
            for at, line in enumerate(state.orders.open[holder].lines):
                for index, claim in enumerate(line.claims):
                    if claim.inbound == inbound.number:
                        found.append(Turn(claim.promised, at, index, holder, line.sku, claim.quantity))
    return sorted(found, key=lambda turn: (turn.promised, turn.at, turn.place))


def shares(queue: list[Turn], budget: dict[str, int]) -> dict[Holder, Share]:
    """Who of a queue gets which of the units of `budget`, by SKU."""
    left = dict(budget)
    found: dict[Holder, Share] = {}
    for turn in queue:
        units = min(turn.units, left.get(turn.sku, 0))
        if units:
            left[turn.sku] -= units
            found.setdefault(turn.holder, {})[turn.at, turn.place] = units
    return found


def arrived(
    state: State, inbound: Inbound, found: dict[Holder, Share], lost: dict[Holder, Share], now_ns: int
) -> tuple[ReservationChanged | OrderSourced, ...]:
    """Reservations hold what arrived for them; for orders it becomes work of the node. `lost` units are taken back:
    they will not come, and are waited for without a promise."""
    facts: list[ReservationChanged | OrderSourced] = []
    first_number = state.orders.next_fulfilment
    for holder in dict.fromkeys((*found, *lost)):
        share, gone = found.get(holder, {}), lost.get(holder, {})
        if isinstance(holder, int):
            facts.append(_reservation_served(state, inbound, state.reservations.active[holder], share, gone, now_ns))
        else:
            sourced = _order_served(state, inbound, state.orders.open[holder], share, gone, first_number, now_ns)
            first_number += len(sourced.fulfilments)
            facts.append(sourced)
    return tuple(facts)


def _terms_of_reservation(state: State, reservation: Reservation, now_ns: int) -> Terms:
    return terms_of(state, Request.of_reservation(reservation), now_ns)[0]


def _terms_of_order(state: State, order: Order, now_ns: int) -> Terms:
    whole = {at: line.quantity for at, line in enumerate(order.lines)}
    return terms_of(state, Request.of_order(order, whole), now_ns)[0]


def _there(state: State, terms: Terms, promised: Source, units: int, now_ns: int) -> tuple[Source, tuple[Slot, ...]]:
    """Units that have arrived, with the dates they have now, and the place they take at a node with a limit."""
    node_at = state.ledger.node_index[promised.node]
    promise = terms.promise(state, node_at, now_ns)
    if promise is None:  # closed for long, or full: what was promised stands
        return replace(promised, quantity=units, inbound=None), ()
    slots = (Slot(promised.node, promise.day),) if terms.table.orders_per_day_max[node_at] is not None else ()
    return Source(promised.node, units, promise.ships_at_ns, promise.delivers_at_ns), slots


def _reservation_served(
    state: State, inbound: Inbound, reservation: Reservation, share: Share, gone: Share, now_ns: int
) -> ReservationChanged:
    terms = _terms_of_reservation(state, reservation, now_ns)
    slots = {slot.node: slot for slot in reservation.slots}
    lines, postings = [], []
    for at, line in enumerate(reservation.lines):
        sources: list[Source] = []
        for index, source in enumerate(line.sources):
            units, lost = share.get((at, index), 0), gone.get((at, index), 0)
            if units + lost < source.quantity:
                sources.append(replace(source, quantity=source.quantity - units - lost))
            if lost:
                postings.append(Posting(line.sku, inbound.node, INBOUND_RESERVED, INBOUND, lost))
            if units:
                there, taken = _there(state, terms, source, units, now_ns)
                sources.append(there)
                slots = {slot.node: slot for slot in taken} | slots
                postings.append(Posting(line.sku, inbound.node, INBOUND_RESERVED, AVAILABLE, units))
                postings.append(Posting(line.sku, inbound.node, AVAILABLE, RESERVED, units))
        lines.append(replace(line, sources=merge_sources(tuple(sources))))
    return ReservationChanged(reservation.number, tuple(lines), tuple(postings), tuple(slots.values()))


def _order_served(
    state: State, inbound: Inbound, order: Order, share: Share, gone: Share, first_number: int, now_ns: int
) -> OrderSourced:
    """A node that gave the order back does not get it again, and none but the one it is picked up at: its units are
    free then, and the order waits on. So does one that its policy sends nobody a part of, while more of it is missing.
    A pickup node that only lacked units has them brought.
    """
    terms = _terms_of_order(state, order, now_ns)
    rejected = inbound.node in order.rejected_by and (inbound.transfer is None or not hands_out(order))
    refused = rejected or order.pickup_node not in (None, inbound.node)
    if inbound.transfer is None and terms.settings.ship_complete:
        refused |= sum(share.values()) < sum(line.backordered + line.unsourceable for line in order.lines)
    sources: dict[int, list[Source]] = {}
    slots: tuple[Slot, ...] = ()
    waiting, postings = [], []
    both = {key: share.get(key, 0) + gone.get(key, 0) for key in dict.fromkeys((*share, *gone))}
    for at in dict.fromkeys(at for at, _ in both):
        line = order.lines[at]
        got = 0
        for index, claim in enumerate(line.claims):
            units, lost = share.get((at, index), 0), gone.get((at, index), 0)
            if lost:
                postings.append(Posting(line.sku, claim.node, INBOUND_ALLOCATED, INBOUND, lost))
            if not units:
                continue
            postings.append(Posting(line.sku, inbound.node, INBOUND_ALLOCATED, AVAILABLE, units))
            if not refused:
                promised = Source(claim.node, claim.quantity, claim.ships_at_ns, claim.delivers_at_ns)
                there, slots = _there(state, terms, promised, units, now_ns)
                sources.setdefault(at, []).append(there)
                postings.append(Posting(line.sku, inbound.node, AVAILABLE, ALLOCATED, units))
                got += units
        waiting.append(Waiting(at, line.backordered - got, line.unsourceable, _kept(line.claims, at, both)))
    planned = plan_for_order(state, order, first_number, sources, slots, now_ns)
    return OrderSourced(order.number, planned, tuple(waiting), tuple(postings))


def _kept(claims: tuple[Claim, ...], at: int, share: Share) -> tuple[Claim, ...]:
    """The claims of a line without what is in `share`."""
    left = [replace(c, quantity=c.quantity - share.get((at, index), 0)) for index, c in enumerate(claims)]
    return tuple(claim for claim in left if claim.quantity)


def redated(
    state: State, inbound: Inbound, expected_at_ns: int, now_ns: int
) -> tuple[ReservationChanged | OrderSourced, ...]:
    """Everything promised of an inbound gets the dates of the new day."""
    from_ns = max(now_ns, expected_at_ns)
    facts: list[ReservationChanged | OrderSourced] = []
    for holder in dict.fromkeys(turn.holder for turn in turns(state, inbound)):
        if isinstance(holder, int):
            reservation = state.reservations.active[holder]
            dates = _dates(state, _terms_of_reservation(state, reservation, now_ns), inbound.node, from_ns)
            lines = tuple(_redated_line(line, inbound.number, dates) for line in reservation.lines)
            facts.append(ReservationChanged(holder, lines, (), reservation.slots))
        else:
            order = state.orders.open[holder]
            dates = _dates(state, _terms_of_order(state, order, now_ns), inbound.node, from_ns)
            waiting = tuple(
                Waiting(at, line.backordered, line.unsourceable, _redated_claims(line.claims, inbound.number, dates))
                for at, line in enumerate(order.lines)
                if any(claim.inbound == inbound.number for claim in line.claims)
            )
            facts.append(OrderSourced(holder, (), waiting, ()))
    return tuple(facts)


Dates = tuple[int | None, int | None]


def _dates(state: State, terms: Terms, node: str, from_ns: int) -> Dates:
    promise = terms.promise_from(state, state.ledger.node_index[node], from_ns)
    return (None, None) if promise is None else (promise.ships_at_ns, promise.delivers_at_ns)


def _redated_line(line: ReservedLine, number: int, dates: Dates) -> ReservedLine:
    sources = [
        replace(s, ships_at_ns=dates[0], delivers_at_ns=dates[1]) if s.inbound == number else s for s in line.sources
    ]
    return replace(line, sources=tuple(sources))


def _redated_claims(claims: tuple[Claim, ...], number: int, dates: Dates) -> tuple[Claim, ...]:
    return tuple(
        replace(c, ships_at_ns=dates[0], delivers_at_ns=dates[1]) if c.inbound == number else c for c in claims
    )
