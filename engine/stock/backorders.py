"""Whoever waits is served first, whatever frees the units: goods, a setting, a new day. In order of promise.

Orders wait with what is backordered, also where it was promised from inbound, and with what no node could send;
reservations with what is backordered or promised from inbound. An order that can't be served as the policy asks that it
was placed under is passed over, and no units are set aside for it.
"""

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from engine.commands.maintenance import ServeWaiting
from engine.facts import Fact
from engine.facts.configuration import CalendarSet, ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.orders import FulfilmentsMerged, OrderSourced
from engine.facts.postings import AVAILABLE, INBOUND, INBOUND_RESERVED, RESERVED, Posting
from engine.facts.reservations import ReservationChanged, ReservedLine, Source
from engine.fulfilments.beside_work import Held, sources_beside
from engine.fulfilments.passing_on import pass_on
from engine.fulfilments.sourcing_again import served
from engine.fulfilments.waiting import brought_units, is_brought, units_waiting
from engine.reservations import merge_sources, slots_still_used
from engine.state.looks import Waiter
from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.state.stock import NOT_SELLABLE
from engine.stock.waiting_time import look_again_ns
from engine.supply.plan import terms_of
from engine.supply.request import Demand, Request

SKUS_LOOKED_AT_MAX = 1_000  # in one pass over stock


def note_freed(state: State, facts: tuple[Fact, ...]) -> None:
    """Take note of whom the facts of a record, which are written down, may have freed units for. Somebody waits."""
    looks = state.looks
    freed = state.capacity.freed()
    if looks.everything:
        return
    if any(_was_full(state, node, before) for node, _, before in freed):
        looks.everything = True
        return
    for fact in facts:
        if isinstance(fact, NodeSet | ChannelSet | SourcingPolicySet | CalendarSet | FulfilmentsMerged):
            looks.everything = True
            return
        if isinstance(fact, ItemSet | NodeItemSet):
            looks.skus[fact.sku] = None
        for posting in fact.postings:
            if posting.target == AVAILABLE:
                looks.skus[posting.sku] = None
        claim = getattr(fact, "reservation", None)
        if claim is not None and any(claim in waiting for waiting in state.reservations.waiting.values()):
            looks.add(Waiter(claim, ""))  # alone it may be served where the basket could not
        number = getattr(fact, "order", None)
        order = state.orders.open.get(number) if number else None
        if order is not None and _waits(order):
            looks.add(Waiter(order.promised, order.number))


def _was_full(state: State, node: str, taken: int) -> bool:
    """Whether a node with so many places taken on a day had none left."""
    limit = state.configuration.nodes[node].orders_per_day_max
    return limit is not None and taken >= limit


def _waits(order: Order) -> bool:
    return any(line.backordered or line.unsourceable for line in order.lines)


def serve(state: State, command: ServeWaiting, now_ns: int) -> tuple[Fact, ...]:
    """Look at whoever is next; what serves him, or nothing. `state.looks` says whether more is due."""
    looks = state.looks
    looks.come(now_ns)
    _expand(state)
    waiter = looks.next()
    if waiter is None:
        return ()
    fact = serving(state, waiter, now_ns)
    if fact is None:
        again_ns = look_again_ns(state, waiter, now_ns)
        if again_ns is not None:
            looks.add_later(again_ns, waiter)
    return () if fact is None else (fact, *pass_on(state, fact, now_ns))


def _expand(state: State) -> None:
    """Whoever waits for a SKU of which there are units is to be looked at."""
    looks = state.looks
    if looks.everything:
        queues = state.orders.waiting, state.orders.unsourceable, state.reservations.waiting
        looks.skus = {sku: None for queue in queues for sku in queue}
        looks.everything = False
    if not looks.skus:
        return
    skus, looks.skus = list(looks.skus), {}
    for start in range(0, len(skus), SKUS_LOOKED_AT_MAX):
        for sku in _with_units(state, skus[start : start + SKUS_LOOKED_AT_MAX]):
            for waiter in _waiters(state, sku):
                looks.add(waiter)


def _with_units(state: State, skus: list[str]) -> list[str]:
    """Those of which some node has units that may be sold."""
    ledger, nodes = state.ledger, len(state.ledger.nodes)
    at = [ledger.sku_index[sku] for sku in skus]
    units = ledger.inside[AVAILABLE][at, :nodes] * (state.stock.withheld[at, :nodes] < NOT_SELLABLE)
    there: list[bool] = np.any(units, axis=1).tolist()
    return [sku for sku, some in zip(skus, there, strict=True) if some]


def _waiters(state: State, sku: str) -> Iterator[Waiter]:
    for queue in (state.orders.waiting, state.orders.unsourceable):
        for number in queue.get(sku, {}).values():
            yield Waiter(state.orders.open[number].promised, number)
    for reservation in state.reservations.waiting.get(sku, ()):
        yield Waiter(reservation, "")


def everybody(state: State) -> list[Waiter]:
    """Whoever waits, in order of promise."""
    queues = state.orders.waiting, state.orders.unsourceable, state.reservations.waiting
    skus = {sku: None for queue in queues for sku in queue}
    return sorted({waiter: None for sku in skus for waiter in _waiters(state, sku)})


def serving(state: State, waiter: Waiter, now_ns: int) -> OrderSourced | ReservationChanged | None:
    """What serves somebody with what is there; None if nothing can."""
    if waiter.order:
        order = state.orders.open.get(waiter.order)
        return None if order is None else _serve_order(state, order, now_ns)
    reservation = state.reservations.active.get(waiter.promised)
    return None if reservation is None else _serve_reservation(state, reservation, now_ns)


def _is_there(state: State, lines: list[tuple[str, str | None]], without: list[str]) -> bool:
    """Whether some node that may be asked has a unit of one of (SKU, node or any): else nothing need be planned."""
    ledger = state.ledger
    for sku, node in lines:
        if node is not None:
            if node not in without and ledger.balance(AVAILABLE, sku, node):
                return True
            continue
        available, _ = state.stock.cells_of(ledger.sku_index[sku])
        if any(ledger.nodes[at] not in without for at in available.nonzero()[0].tolist()):
            return True
    return False


def _serve_order(state: State, order: Order, now_ns: int) -> OrderSourced | None:
    units, without = units_waiting(state, order), order.given_back_by
    if not units:
        return None
    request = Request.of_order(order, units, without)
    if not _is_there(state, [(line.sku, line.node) for line in request.lines], without):
        return None
    terms, _ = terms_of(state, request, now_ns)
    if terms.settings.ship_complete and any(brought_units(state, line) for line in order.lines if line.claims):
        return None
    found = sources_beside(state, Held.of_order(order), terms, request, units, now_ns)
    return served(state, order, found.sources, found.slots, now_ns) if found.sources else None


def _serve_reservation(state: State, reservation: Reservation, now_ns: int) -> ReservationChanged | None:
    """What it waits for becomes its own where it is there now. `state` knows no order of it yet."""
    lines = list(reservation.lines)
    units = {at: n for at, line in enumerate(lines) if (n := line.backordered + _inbound_units(state, line))}
    if not units or not _is_there(state, [(lines[at].sku, lines[at].node) for at in units], []):
        return None
    demand = [Demand(lines[at].sku, n, lines[at].node, lines[at].unit_price_minor) for at, n in units.items()]
    request = Request.of_reservation(reservation, demand, partial=True)
    request = request._replace(inbound=False, whole=Request.of_reservation(reservation).lines)
    terms, _ = terms_of(state, request, now_ns)
    found = sources_beside(state, Held.of_reservation(reservation), terms, request, units, now_ns)
    if not found.sources:
        return None
    postings: list[Posting] = []
    for at, given in found.sources.items():
        lines[at], moved = _line_served(state, lines[at], tuple(given))
        postings += moved
    before = {slot.node: None for slot in reservation.slots}
    slots = (*reservation.slots, *(slot for slot in found.slots if slot.node not in before))
    kept = tuple(lines)
    return ReservationChanged(reservation.number, kept, tuple(postings), slots_still_used(slots, kept))


def _inbound_units(state: State, line: ReservedLine) -> int:
    return sum([s.quantity for s in line.sources if s.inbound is not None and not is_brought(state, s.inbound)])


def _line_served(state: State, line: ReservedLine, given: tuple[Source, ...]) -> tuple[ReservedLine, list[Posting]]:
    """A line once it holds these units too: it gives up what is backordered, then what was promised last."""
    postings = [Posting(line.sku, s.node, AVAILABLE, RESERVED, s.quantity) for s in given]
    got = sum(source.quantity for source in given)
    backordered = line.backordered - min(got, line.backordered)
    over = got - (line.backordered - backordered)
    kept: list[Source] = []
    for source in reversed(line.sources):
        less = min(over, source.quantity) if source.inbound is not None and not is_brought(state, source.inbound) else 0
        over -= less
        if less:
            postings.append(Posting(line.sku, source.node, INBOUND_RESERVED, INBOUND, less))
        if source.quantity > less:
            kept.insert(0, replace(source, quantity=source.quantity - less))
    assert over == 0
    return replace(line, sources=merge_sources((*kept, *given)), backordered=backordered), postings
