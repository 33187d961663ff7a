"""Reservations: active -> confirmed | released | expired. A claim on units that ends by itself.

Expiry order is (expires_at_ns, number); a number is the seq of the record that made the reservation.
"""

import msgspec

from engine import limits
from engine.commands.reservations import (
    ChangeReservation,
    DemandLine,
    ExpireReservations,
    ExtendReservation,
    MoveReservation,
    NewQuantityLine,
    ReleaseReservation,
    ReserveStock,
)
from engine.configuration.known_skus import refuse_named_twice, refuse_unknown_skus
from engine.facts.postings import AVAILABLE, INBOUND, INBOUND_RESERVED, RESERVED, Posting
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationExtended,
    ReservationReleased,
    ReservedLine,
    Source,
    StockReserved,
    freeing,
    reserving,
)
from engine.facts.sourcing import Slot
from engine.results import FieldError, Rejection, ResultCode
from engine.state.finding import find_reservation
from engine.state.reservations import ACTIVE, EXPIRED, RELEASED, Reservation
from engine.state.state import State
from engine.supply.may_wait import units_that_wait
from engine.supply.plan import Foreseen, supply
from engine.supply.request import Demand, Request


def not_active(reservation: Reservation) -> Rejection:
    """The refusal for a reservation that has ended."""
    if reservation.state == EXPIRED:
        return Rejection(ResultCode.RESERVATION_EXPIRED, "the reservation expired and its units are free")
    return Rejection(ResultCode.RESERVATION_NOT_ACTIVE, f"the reservation is {reservation.state}")


def _active(state: State, number: int) -> Reservation | Rejection:
    reservation = find_reservation(state, number)
    if reservation is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such reservation")
    return reservation if reservation.state == ACTIVE else not_active(reservation)


def check_demand(state: State, channel: str, lines: tuple[DemandLine, ...]) -> Rejection | None:
    """Refuse a demand that names what does not exist, in the order of ResultCode."""
    if channel not in state.configuration.channels:
        return Rejection.at(ResultCode.UNKNOWN_CHANNEL, "/channel", f"there is no channel {channel!r}")
    nodes, items = state.configuration.nodes, state.configuration.items
    for line in lines:
        if line.sku not in items or (line.node is not None and line.node not in nodes):
            return _unknown(state, lines)
    return None


def _unknown(state: State, lines: tuple[DemandLine, ...]) -> Rejection | None:
    nodes = state.configuration.nodes
    errors = []
    for position, line in enumerate(lines):
        if line.node is not None and line.node not in nodes:
            errors.append(FieldError(f"/lines/{position}/node", f"there is no node {line.node!r}"))
    if errors:
        return Rejection(ResultCode.UNKNOWN_NODE, errors[0].detail, tuple(errors))
    return refuse_unknown_skus(state, lines)


def decide_reserve(
    state: State, command: ReserveStock, now_ns: int, foreseen: Foreseen | None = None
) -> StockReserved | Rejection:
    """Claim units for a checkout until the lifetime ends."""
    assert now_ns > 0
    refusal = check_demand(state, command.channel, command.lines)
    if refusal is not None:
        return refusal
    request = Request.of_checkout(command)
    sources, short, slots, decision = supply(state, request, now_ns, foreseen)
    waits: list[int] | None = None
    if short:
        if not command.allow_partial and any(state.configuration.items[s.sku].backorderable for s in short):
            sources, short, slots, decision = supply(state, request._replace(partial=True), now_ns)
        found = units_that_wait(state, request, sources, short, command.allow_partial, now_ns)
        if isinstance(found, Rejection):
            return found
        waits = found
    ttl_seconds = command.ttl_seconds or state.configuration.channels[command.channel].reservation_ttl_seconds
    return StockReserved(
        state.seq + 1,
        command.channel,
        now_ns + ttl_seconds * limits.NS_PER_SECOND,
        request.area,
        tuple(
            [
                ReservedLine(line.sku, line.quantity, line.node, found, line.unit_price_minor)
                for line, found in zip(command.lines, sources, strict=True)
            ]
        )
        if waits is None
        else tuple(
            ReservedLine(line.sku, line.quantity, line.node, found, line.unit_price_minor, units)
            for line, found, units in zip(command.lines, sources, waits, strict=True)
        ),
        decision,
        slots,
        command.delivery,
        command.customer_group,
    )


def request_of(state: State, command: ReserveStock) -> Request | None:
    """What a reservation wants from stock; None if it will be refused."""
    return None if check_demand(state, command.channel, command.lines) else Request.of_checkout(command)


def decide_extend(state: State, command: ExtendReservation, now_ns: int) -> ReservationExtended | Rejection:
    """Count the lifetime from now."""
    reservation = _active(state, command.reservation)
    if isinstance(reservation, Rejection):
        return reservation
    return ReservationExtended(command.reservation, now_ns + command.ttl_seconds * limits.NS_PER_SECOND)


def decide_release(
    state: State, command: ReleaseReservation, now_ns: int
) -> ReservationReleased | ReservationChanged | Rejection:
    """Give back everything, or the quantities named; giving back the last unit ends the reservation."""
    reservation = _active(state, command.reservation)
    if isinstance(reservation, Rejection):
        return reservation
    if command.lines is None:
        return ReservationReleased(command.reservation, held_postings(reservation))
    held = claimed_by_sku(reservation)
    wanted: dict[str, int] = {}
    for position, line in enumerate(command.lines):
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        if line.sku not in held:
            detail = f"the reservation has no line of SKU {line.sku!r}"
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/sku", detail)
        if wanted[line.sku] > held[line.sku]:
            detail = f"the reservation is for {held[line.sku]} units of {line.sku!r}, fewer than {wanted[line.sku]}"
            return Rejection.at(ResultCode.EXCEEDS_RESERVATION, f"/lines/{position}/quantity", detail)
    if wanted == {sku: units for sku, units in held.items() if units}:
        return ReservationReleased(command.reservation, held_postings(reservation))
    lines, postings = _give_back(list(reservation.lines), wanted)
    kept = tuple(line for line in lines if line.requested)
    return ReservationChanged(command.reservation, kept, tuple(postings), slots_still_used(reservation.slots, kept))


def decide_change(
    state: State, command: ChangeReservation, now_ns: int
) -> ReservationChanged | ReservationReleased | Rejection:
    """Set new quantities. What it holds it keeps, so its own units never stand in its way; only more is looked for."""
    reservation = _active(state, command.reservation)
    if isinstance(reservation, Rejection):
        return reservation
    refusal = refuse_named_twice(command.lines) or refuse_unknown_skus(state, command.lines)
    if refusal is not None:
        return refusal
    target = {line.sku: line.quantity for line in command.lines}
    held = claimed_by_sku(reservation)
    down = {sku: held.get(sku, 0) - units for sku, units in target.items() if units < held.get(sku, 0)}
    lines, postings = _give_back(list(reservation.lines), down)
    more = _more_wanted(lines, target, command.lines)
    if isinstance(more, Rejection):
        return more
    demand = [Demand(sku, units, node, lines[at].unit_price_minor) for at, sku, units, node in more]
    request = Request.of_reservation(reservation, demand)
    found, short, slots, _ = supply(state, request, now_ns)
    waits = [0] * len(more)
    if short:
        if any(state.configuration.items[s.sku].backorderable for s in short):
            found, short, slots, _ = supply(state, request._replace(partial=True), now_ns)
        rest = units_that_wait(state, request, found, short, False, now_ns)
        if isinstance(rest, Rejection):
            lacking = tuple(
                msgspec.structs.replace(s, requested=target[s.sku], available=s.available + held.get(s.sku, 0))
                for s in rest.lines
            )
            return msgspec.structs.replace(rest, lines=lacking)
        waits = rest
    for (at, sku, _, _), sources, units in zip(more, found, waits, strict=True):
        postings += [reserving(sku, source) for source in sources]
        lines[at] = msgspec.structs.replace(
            lines[at],
            sources=merge_sources(lines[at].sources + sources),
            backordered=lines[at].backordered + units,
        )
    lines = [_requested_as_held(line) if line.sku in target else line for line in lines]
    if not any(line.sources or line.backordered for line in lines):
        return ReservationReleased(command.reservation, held_postings(reservation))
    kept = tuple(line for line in lines if line.requested)
    before = {slot.node for slot in reservation.slots}
    slots = (*reservation.slots, *(slot for slot in slots if slot.node not in before))
    return ReservationChanged(command.reservation, kept, tuple(postings), slots_still_used(slots, kept))


def decide_move(state: State, command: MoveReservation, now_ns: int) -> ReservationChanged | Rejection:
    """Take what other nodes and inbound would bring from the node that is named, if it has all of it."""
    reservation = _active(state, command.reservation)
    if isinstance(reservation, Rejection):
        return reservation
    if command.node not in state.configuration.nodes:
        return Rejection.at(ResultCode.UNKNOWN_NODE, "/node", f"there is no node {command.node!r}")
    elsewhere = _held_elsewhere(reservation, command.node)
    wanted = elsewhere
    if command.lines is not None:
        wanted = {}
        known = {line.sku: None for line in reservation.lines}
        for position, asked in enumerate(command.lines):
            sku, there = asked.sku, elsewhere.get(asked.sku, 0)
            if sku not in known or sku in wanted:
                detail = f"the reservation has no line of SKU {sku!r}, or it is named twice"
                return Rejection.at(ResultCode.UNKNOWN_LINE, f"/lines/{position}/sku", detail)
            if asked.quantity > there:
                detail = f"the reservation holds {there} units of {sku!r} elsewhere"
                return Rejection.at(ResultCode.EXCEEDS_RESERVATION, f"/lines/{position}/quantity", detail)
            wanted[sku] = asked.quantity
    if not wanted:
        return Rejection.at(
            ResultCode.INVALID_TRANSITION, "/node", f"nothing is held elsewhere than at {command.node!r}"
        )
    lines, moved, postings = list(reservation.lines), dict(wanted), []
    more: dict[int, int] = {}
    own: dict[tuple[str, str], int] = {}
    for at, line in enumerate(lines):
        kept: list[Source] = []
        for source in line.sources:
            here = source.node == command.node and source.inbound is None
            units = 0 if here else min(source.quantity, moved.get(line.sku, 0))
            if units:
                moved[line.sku] -= units
                more[at] = more.get(at, 0) + units
                postings.append(freeing(line.sku, source, units))
                if source.inbound is None:
                    own[line.sku, source.node] = own.get((line.sku, source.node), 0) + units
            if source.quantity > units:
                kept.append(msgspec.structs.replace(source, quantity=source.quantity - units))
        lines[at] = msgspec.structs.replace(line, sources=tuple(kept))
    demand = [Demand(lines[at].sku, units, command.node, lines[at].unit_price_minor) for at, units in more.items()]
    request = Request.of_reservation(reservation, demand)._replace(inbound=False, own=tuple(own.items()))
    found, short, slots, _ = supply(state, request, now_ns)
    if short:
        detail = f"{command.node!r} can't promise all of it, so that nothing is moved"
        return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(short))
    for at, sources in zip(more, found, strict=True):
        postings += [reserving(lines[at].sku, source) for source in sources]
        merged = merge_sources((*lines[at].sources, *sources))
        named = None if lines[at].node is None else command.node
        if any(source.node != command.node for source in merged):
            named = None
        lines[at] = msgspec.structs.replace(lines[at], sources=merged, node=named)
    before = {slot.node for slot in reservation.slots}
    places = (*reservation.slots, *(slot for slot in slots if slot.node not in before))
    return ReservationChanged(
        command.reservation, tuple(lines), tuple(postings), slots_still_used(places, tuple(lines))
    )


def _held_elsewhere(reservation: Reservation, node: str) -> dict[str, int]:
    """Units by SKU that are not on the shelf of a node."""
    units: dict[str, int] = {}
    for line in reservation.lines:
        for source in line.sources:
            if source.node != node or source.inbound is not None:
                units[line.sku] = units.get(line.sku, 0) + source.quantity
    return units


def slots_still_used(slots: tuple[Slot, ...], lines: tuple[ReservedLine, ...]) -> tuple[Slot, ...]:
    """The places at nodes that still have units for these lines."""
    if not slots:
        return ()
    nodes = {source.node for line in lines for source in line.sources if source.inbound is None}
    return tuple(slot for slot in slots if slot.node in nodes)


def _more_wanted(
    lines: list[ReservedLine], target: dict[str, int], asked: tuple[NewQuantityLine, ...]
) -> list[tuple[int, str, int, str | None]] | Rejection:
    """(line position, SKU, units, node) still to find; appends a line for a SKU the reservation does not have yet."""
    more = []
    places: dict[str, list[int]] = {}
    for at, line in enumerate(lines):
        places.setdefault(line.sku, []).append(at)
    for sku, units in target.items():
        positions = places.get(sku, [])
        missing = units - sum([lines[i].reserved + lines[i].backordered for i in positions])
        if missing <= 0:
            continue
        free = [i for i in positions if lines[i].node is None]
        if not positions:
            if len(lines) == limits.RESERVATION_LINES_MAX:
                return Rejection(
                    ResultCode.MALFORMED_REQUEST, f"a reservation has at most {limits.RESERVATION_LINES_MAX} lines"
                )
            lines.append(ReservedLine(sku, 0, None, ()))
            free = [len(lines) - 1]
        at = (free or positions)[-1]
        more.append((at, sku, missing, lines[at].node))
    return more


def _requested_as_held(line: ReservedLine) -> ReservedLine:
    return msgspec.structs.replace(line, requested=line.reserved + line.backordered)


def merge_sources(sources: tuple[Source, ...]) -> tuple[Source, ...]:
    """One source a node, and one an inbound after them; the parcel of a node leaves with what was promised last."""
    merged: dict[tuple[str, int | None], Source] = {}
    for source in sources:
        key = (source.node, source.inbound)
        before = merged.get(key)
        units = source.quantity + (0 if before is None else before.quantity)
        merged[key] = msgspec.structs.replace(source, quantity=units)
    return tuple(sorted(merged.values(), key=lambda source: source.inbound is not None))


def _give_back(lines: list[ReservedLine], down: dict[str, int]) -> tuple[list[ReservedLine], list[Posting]]:
    """Take units off the lines of each SKU: first those that wait, then from the last line and its last source, so that
    the first choice stays."""
    postings = []
    places: dict[str, list[int]] = {sku: [] for sku in down}
    for at in range(len(lines) - 1, -1, -1):
        if lines[at].sku in places:
            places[lines[at].sku].append(at)
    for sku, units in down.items():
        left = units
        for at in places[sku]:
            waits = min(left, lines[at].backordered)
            if waits:
                left -= waits
                lines[at] = msgspec.structs.replace(
                    lines[at],
                    requested=max(lines[at].requested - waits, 0),
                    backordered=lines[at].backordered - waits,
                )
        for at in places[sku]:
            if not left:
                break
            kept: list[Source] = []
            before = left
            for source in reversed(lines[at].sources):
                back = min(left, source.quantity)
                if back:
                    postings.append(freeing(sku, source, back))
                    left -= back
                if source.quantity > back:
                    kept.insert(0, msgspec.structs.replace(source, quantity=source.quantity - back))
            requested = max(lines[at].requested - (before - left), 0)
            lines[at] = msgspec.structs.replace(lines[at], requested=requested, sources=tuple(kept))
        assert left == 0
    return lines, postings


def decide_expire(state: State, command: ExpireReservations, now_ns: int) -> tuple[ReservationExpired, ...]:
    """End what is due, a bounded number at a time, in order of expiry."""
    due = state.reservations.due(now_ns, limits.EXPIRY_SWEEP_MAX)
    return tuple(ReservationExpired(reservation.number, held_postings(reservation)) for reservation in due)


def claimed_by_sku(reservation: Reservation) -> dict[str, int]:
    """Units an active reservation holds or waits for, by SKU."""
    claimed: dict[str, int] = {}
    for line in reservation.lines:
        claimed[line.sku] = claimed.get(line.sku, 0) + line.reserved + line.backordered
    return claimed


def backordered_by_sku(reservation: Reservation) -> dict[str, int]:
    """Units that are backordered for an active reservation, by SKU."""
    waits: dict[str, int] = {}
    for line in reservation.lines:
        if line.backordered:
            waits[line.sku] = waits.get(line.sku, 0) + line.backordered
    return waits


def held_postings(reservation: Reservation) -> tuple[Posting, ...]:
    """reserved -> available, or inbound reserved -> inbound, for everything an active reservation holds."""
    return tuple(freeing(line.sku, source, source.quantity) for line in reservation.lines for source in line.sources)


def evolve_stock_reserved(state: State, fact: StockReserved) -> None:
    """Write down what was decided. Cannot fail: every reason to refuse was checked before."""
    move = state.ledger.move
    waits = False
    for line in fact.lines:
        if line.backordered:
            waits = True
        for source in line.sources:
            if source.inbound is None:
                move(line.sku, source.node, AVAILABLE, RESERVED, source.quantity)
            else:
                waits = True
                move(line.sku, source.node, INBOUND, INBOUND_RESERVED, source.quantity)
                state.inbound.promise(fact.reservation, source.inbound, line.sku, source.quantity)
    reservation = Reservation(
        fact.reservation,
        fact.channel,
        state.time_ns,
        fact.expires_at_ns,
        fact.area,
        fact.lines,
        ACTIVE,
        fact.slots,
        fact.delivery,
        fact.customer_group,
    )
    state.reservations.open(reservation)
    if waits:
        state.reservations.enter_waiting(reservation)
    if fact.slots:
        state.capacity.take(fact.slots, state.time_ns)


def evolve_extended(state: State, fact: ReservationExtended) -> None:
    """Write down the new end."""
    state.reservations.extend(fact.reservation, fact.expires_at_ns)


def evolve_changed(state: State, fact: ReservationChanged) -> None:
    """Write down what it holds now."""
    state.ledger.post(fact.postings)
    reservation = state.reservations.active[fact.reservation]
    state.capacity.give_back(reservation.slots)
    state.capacity.take(fact.slots, state.time_ns)
    _give_up_inbound(state, reservation)
    state.reservations.leave_waiting(reservation)
    reservation.lines, reservation.slots = fact.lines, fact.slots
    state.reservations.enter_waiting(reservation)
    for line in reservation.lines:
        for source in line.sources:
            if source.inbound is not None:
                state.inbound.promise(reservation.number, source.inbound, line.sku, source.quantity)


def _give_up_inbound(state: State, reservation: Reservation) -> None:
    """Take out what it was promised from inbound."""
    for line in reservation.lines:
        for source in line.sources:
            if source.inbound is not None:
                state.inbound.unpromise(reservation.number, source.inbound, line.sku, source.quantity)


def evolve_released(state: State, fact: ReservationReleased) -> None:
    """Its units are free; it leaves memory."""
    state.ledger.post(fact.postings)
    end(state, fact.reservation, RELEASED)


def evolve_expired(state: State, fact: ReservationExpired) -> None:
    """Its units are free; it leaves memory."""
    state.ledger.post(fact.postings)
    end(state, fact.reservation, EXPIRED)


def end(state: State, number: int, as_what: str) -> None:
    """Take an active reservation out of memory in its final state."""
    reservation = state.reservations.active.pop(number)
    reservation.state = as_what
    if state.inbound.holders:
        _give_up_inbound(state, reservation)
    if state.reservations.waiting:
        state.reservations.leave_waiting(reservation)
    state.capacity.give_back(reservation.slots)
    state.closed.add_reservation(reservation)
