"""Placing orders: from a reservation, or on the spot."""

from typing import NamedTuple

from msgspec.structs import replace

from engine.commands.orders import HoldRequest, OrderLineRequest, PlaceOrder
from engine.configuration.known_skus import refuse_unknown_skus
from engine.copying import copying
from engine.facts import Fact
from engine.facts.orders import (
    Claim,
    OrderHeld,
    OrderPlaced,
    PlacedLine,
    PlannedFulfilment,
)
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, INBOUND_ALLOCATED, INBOUND_RESERVED, RESERVED, Posting
from engine.facts.reservations import Source, freeing
from engine.facts.sourcing import Decision, Slot
from engine.fulfilments.collecting import refuse_past
from engine.fulfilments.pickup_transfers import binding, with_transfers
from engine.fulfilments.planning import plan_fulfilments
from engine.fulfilments.work import evolve_add_fulfilments, hold_claims
from engine.limits import NS_PER_SECOND
from engine.money.freezing import price_order
from engine.orders.pickup_times import collected_by, ready_from
from engine.reservations import backordered_by_sku, end, not_active
from engine.results import Rejection, ResultCode, Shortage
from engine.state.finding import find_order, find_reservation
from engine.state.orders import RELEASE, Order, OrderLine
from engine.state.reservations import ACTIVE, CONFIRMED, EXPIRED, Reservation
from engine.state.state import State
from engine.supply.may_wait import refuse_never_sold, refuse_waiting
from engine.supply.plan import Foreseen, supply
from engine.supply.request import Request

LineSources = list[list[Source]]

_fact_of = copying(
    PlaceOrder,
    OrderPlaced,
    given="order reservation lines fulfilments postings decision cancel_backorders_at_ns policy policy_version",
    apart="number source_again_if_expired holds party_known"
    " sold called_off"  # for what becomes of it
    " priced shipping_minor first_order tax_treatment discounts payments vouchers",  # for what it costs
)
_order_of = copying(
    OrderPlaced,
    Order,
    given="number seq created_at_ns lines fulfilments returns rejected_by history",
    apart="order postings decision holds changes replaced_by stated_at_ns stated stated_cancelled stated_contact money"
    " short_at short_work",
)


class _Bound(NamedTuple):
    """What an order gets: sources line by line, the postings that bind them, places at nodes, and how it was decided.

    `before` are the facts that it rests on.
    """

    sources: LineSources
    postings: list[Posting]
    slots: tuple[Slot, ...]
    decision: Decision | None
    before: tuple[Fact, ...] = ()


def decide_place(
    state: State, command: PlaceOrder, now_ns: int, foreseen: Foreseen | None = None
) -> tuple[Fact, ...] | Rejection:
    """Accept an order: bind the units of its reservation, or source it on the spot."""
    reservation: Reservation | None = None
    if command.reservation is not None:
        reservation = find_reservation(state, command.reservation)
    refusal = _refuse_order(state, command, reservation) or refuse_past(command.collect_by_ns, now_ns)
    if refusal is not None:
        return refusal
    price = price_order(state, command, now_ns)
    if isinstance(price, Rejection):
        return price
    outcome: _Bound | Rejection
    if command.called_off:
        outcome = _Bound([[] for _ in command.lines], [], (), None)
    elif reservation is not None and reservation.state == ACTIVE:
        outcome = _from_reservation(command, reservation)
        if command.pickup_node is not None and not isinstance(outcome, Rejection):
            outcome = outcome._replace(sources=ready_from(state, command, reservation, outcome.sources, now_ns))
    else:
        outcome = _on_the_spot(state, command, now_ns, foreseen)
        reservation = None
    if isinstance(outcome, Rejection):
        return outcome
    if command.collect_by_ns is not None:
        until = collected_by(state, command, outcome.sources)
        if isinstance(until, Rejection):
            return until
        command = replace(command, collect_by_ns=until)
    promised = state.seq + 1 if reservation is None else reservation.number
    found = zip(command.lines, outcome.sources, strict=True)
    lines = tuple([_placed_line(state, command, line, sources, promised) for line, sources in found])
    there = dict(enumerate(outcome.sources))
    for at, placed in enumerate(lines):
        if placed.claims:
            there[at] = [source for source in there[at] if source.inbound is None]
    planned = plan_fulfilments(state, state.orders.next_fulfilment, there, outcome.slots, now_ns)
    channel = state.configuration.channels[command.channel]
    seconds = channel.cancel_backorders_after_seconds
    fact = _fact_of(
        command,
        command.number,
        None if reservation is None else reservation.number,
        lines,
        planned,
        tuple(outcome.postings),
        outcome.decision,
        None if seconds is None else now_ns + seconds * NS_PER_SECOND,
        channel.sourcing_policy,
        0 if channel.sourcing_policy is None else state.configuration.version_of_policy(channel.sourcing_policy),
    )
    return (*outcome.before, fact, *price, *_held(command.number, command.holds, planned))


def _held(order: str, holds: tuple[HoldRequest, ...], planned: tuple[PlannedFulfilment, ...]) -> tuple[OrderHeld, ...]:
    """Stops that an order is placed with: no node sees its work before they are lifted."""
    if not holds:
        return ()
    numbers = tuple(plan.fulfilment for plan in planned)
    first = next((hold.handle for hold in holds if hold.scope == RELEASE), None)
    return tuple(
        OrderHeld(order, hold.handle, hold.reason, hold.scope, numbers if hold.handle == first else ())
        for hold in holds
    )


def _placed_line(
    state: State, command: PlaceOrder, line: OrderLineRequest, found: list[Source], promised: int
) -> PlacedLine:
    """What is not there yet is backordered, with a claim on the inbound it was promised from by record `promised`.

    Of what was sold elsewhere, that is left to a person which may not wait.
    """
    if command.called_off:
        return PlacedLine(line.id, line.sku, line.quantity, line.unit_price_minor, 0, (), 0, line.quantity)
    backordered = line.quantity
    claims: tuple[Claim, ...] = ()
    for source in found:
        if source.inbound is None:
            backordered -= source.quantity
        else:
            dates = source.ships_at_ns, source.delivers_at_ns
            claims += (Claim(source.inbound, source.node, source.quantity, promised, *dates),)
    unsourceable = 0
    if command.sold and not state.configuration.items[line.sku].backorderable:
        unsourceable = backordered - sum(claim.quantity for claim in claims)
    waits = backordered - unsourceable
    return PlacedLine(line.id, line.sku, line.quantity, line.unit_price_minor, waits, claims, unsourceable)


def _refuse_order(state: State, command: PlaceOrder, reservation: Reservation | None) -> Rejection | None:
    if command.channel not in state.configuration.channels:
        return Rejection.at(ResultCode.UNKNOWN_CHANNEL, "/channel", f"there is no channel {command.channel!r}")
    unknown = refuse_unknown_skus(state, command.lines)
    if unknown is not None:
        return unknown
    elsewhere = None if command.pickup_node is None else refuse_pickup(state, command.pickup_node)
    if elsewhere is not None:
        return elsewhere
    if command.reservation is not None and reservation is None:
        return Rejection.at(ResultCode.UNKNOWN_RESERVATION, "/reservation", "there is no such reservation")
    if reservation is not None and reservation.channel != command.channel:
        detail = f"the reservation was made on channel {reservation.channel!r}"
        return Rejection.at(ResultCode.WRONG_CHANNEL, "/channel", detail)
    if find_order(state, command.number) is not None:
        return Rejection.at(ResultCode.ORDER_NUMBER_TAKEN, "/number", f"order {command.number!r} exists")
    if reservation is None or reservation.state == ACTIVE:
        return None
    late = reservation.state == EXPIRED and command.source_again_if_expired
    return None if late else not_active(reservation)


def refuse_pickup(state: State, name: str) -> Rejection | None:
    """Why customers can't pick up at a node; None if they can."""
    node = state.configuration.nodes.get(name)
    if node is None:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/pickup_node", f"there is no node {name!r}")
    if node.pickup and node.enabled:
        return None
    return Rejection.at(ResultCode.NO_PICKUP, "/pickup_node", f"customers can't pick up at {name!r}")


def _from_reservation(command: PlaceOrder, reservation: Reservation) -> _Bound | Rejection:
    """Use what the reservation holds, first choice first; what the order does not use becomes available.

    What waits for the reservation waits for the order from then on.
    """
    piles: dict[str, list[Source]] = {}
    elsewhere: list[Posting] = []
    for held in reservation.lines:
        for source in held.sources:
            if command.pickup_node in (None, source.node):
                piles.setdefault(held.sku, []).append(source)
            else:
                elsewhere.append(freeing(held.sku, source, source.quantity))
    waiting: dict[str, int] | None = None
    for pile in piles.values():
        if len(pile) > 1:
            pile.sort(key=lambda source: source.inbound is not None)  # what is there comes first
    short: dict[str, Shortage] = {}
    sources: LineSources = []
    postings: list[Posting] = []
    for line in command.lines:
        missing = line.quantity
        found: dict[str | int, Source] = {}
        pile = piles.get(line.sku, [])
        while missing and pile:
            source = pile[0]
            units = min(missing, source.quantity)
            key = source.node if source.inbound is None else source.inbound
            before = found.get(key)
            found[key] = replace(source, quantity=units + (0 if before is None else before.quantity))
            missing -= units
            if units == source.quantity:
                del pile[0]
            else:
                pile[0] = replace(source, quantity=source.quantity - units)
        if missing:
            waiting = backordered_by_sku(reservation) if waiting is None else waiting
            waits = min(missing, waiting.get(line.sku, 0))
            waiting[line.sku] = waiting.get(line.sku, 0) - waits
            missing -= waits
        if missing:
            short[line.sku] = _exceeding(command, reservation, line.sku)
        sources.append(list(found.values()))
        for source in found.values():
            if source.inbound is None:
                postings.append(Posting(line.sku, source.node, RESERVED, ALLOCATED, source.quantity))
            else:
                postings.append(Posting(line.sku, source.node, INBOUND_RESERVED, INBOUND_ALLOCATED, source.quantity))
    if short:
        return Rejection(
            ResultCode.EXCEEDS_RESERVATION,
            "the order needs more than the reservation holds" + ("" if command.pickup_node is None else " there"),
            lines=tuple(short.values()),
        )
    postings += elsewhere
    for sku, rest in piles.items():
        postings += [freeing(sku, source, source.quantity) for source in rest]
    return _Bound(sources, postings, reservation.slots, None)


def _exceeding(command: PlaceOrder, reservation: Reservation, sku: str) -> Shortage:
    requested = sum(line.quantity for line in command.lines if line.sku == sku)
    sources = [source for held in reservation.lines if held.sku == sku for source in held.sources]
    held = sum(s.quantity for s in sources if command.pickup_node in (None, s.node))
    return Shortage(sku, requested, held + backordered_by_sku(reservation).get(sku, 0))


def request_of(state: State, command: PlaceOrder) -> Request | None:
    """What an order wants from stock; None if it has a reservation or will be refused."""
    if command.reservation is not None or _refuse_order(state, command, None) is not None:
        return None
    return Request.of_placing(state, command)


def _on_the_spot(state: State, command: PlaceOrder, now_ns: int, foreseen: Foreseen | None) -> _Bound | Rejection:
    """Source now. Short lines are refused unless their item may be backordered, and the rules allow to send a part."""
    items = state.configuration.items
    request = Request.of_placing(state, command)
    found, short, slots, decision = supply(state, request, now_ns, foreseen)
    if short and command.sold and not request.partial:  # nobody refuses what was sold: a part is better than nothing
        found, short, slots, decision = supply(state, request._replace(partial=True), now_ns)
    if short and command.pickup_node is not None:
        with_more = _with_transfers(state, command, now_ns)
        if with_more is not None:
            return with_more
    lacking = () if command.sold else tuple(s for s in short if not items[s.sku].backorderable)
    if lacking:
        return Rejection(ResultCode.INSUFFICIENT_STOCK, "not enough stock can be promised", lines=lacking)
    if (
        short
        and not command.sold
        and any(
            not items[line.sku].backorderable and sum(source.quantity for source in sources) < line.quantity
            for line, sources in zip(command.lines, found, strict=True)
        )
    ):
        detail = "not everything is there, and the sourcing policy sends nobody a part of an order"
        return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(short))
    waits: dict[str, int] = {}
    for line, sources in zip(command.lines, found, strict=True):
        there = sum([source.quantity for source in sources if source.inbound is None])
        if there < line.quantity:
            waits[line.sku] = waits.get(line.sku, 0) + line.quantity - there
    unpromised = [shortage.sku for shortage in short]
    request = Request.of_placing(state, command)
    too_many = None
    if not command.sold:
        too_many = refuse_waiting(state, command.channel, waits) or refuse_never_sold(
            state, request, unpromised, now_ns
        )
    if too_many is not None:
        return too_many
    postings = [
        Posting(line.sku, source.node, AVAILABLE, ALLOCATED, source.quantity)
        if source.inbound is None
        else Posting(line.sku, source.node, INBOUND, INBOUND_ALLOCATED, source.quantity)
        for line, sources in zip(command.lines, found, strict=True)
        for source in sources
    ]
    return _Bound([list(sources) for sources in found], postings, slots, decision)


def _with_transfers(state: State, command: PlaceOrder, now_ns: int) -> _Bound | None:
    """What the pickup node has, the rest brought there from other nodes; None if that is not wanted, or impossible."""
    found = with_transfers(state, Request.of_placing(state, command), now_ns, command.collect_by_ns)
    if found is None:
        return None
    postings = [
        binding(line.sku, source)
        for line, sources in zip(command.lines, found.sources, strict=True)
        for source in sources
    ]
    return _Bound(found.sources, postings, found.slots, found.decision, found.before)


def evolve_placed(state: State, fact: OrderPlaced) -> None:
    """Write down the order; a reservation it came from is confirmed by it."""
    state.ledger.post(fact.postings)
    if fact.reservation is not None:
        end(state, fact.reservation, CONFIRMED)
    lines = [
        OrderLine(
            line.id,
            line.sku,
            line.quantity,
            line.unit_price_minor,
            0,
            line.backordered,
            line.unsourceable,
            cancelled=line.cancelled,
            claims=line.claims,
        )
        for line in fact.lines
    ]
    order = _order_of(fact, fact.order, state.seq, state.time_ns, tuple(lines), [], [], [], [])
    state.orders.add(order)
    evolve_add_fulfilments(state, order, fact.fulfilments)
    for line in order.lines:
        if line.claims:
            hold_claims(state, order.number, line)
    state.orders.touch(fact.order)
