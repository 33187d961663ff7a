"""An order that goes elsewhere, or gets to the customer another way: what no node has begun is sourced anew.

What it waits for is looked for again, too, where the way is another: a transfer to the old place is of no use then.
"""

from typing import NamedTuple

from msgspec.structs import replace

from engine.facts import Fact
from engine.facts.orders import Claim, FulfilmentReaddressed, OrderSourced, PlannedFulfilment, Waiting
from engine.facts.postings import INBOUND, INBOUND_ALLOCATED, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.fulfilments.pickup_transfers import binding, claims_of, with_transfers
from engine.fulfilments.planning import plan_fulfilments
from engine.fulfilments.sourcing_again import who_gave_back
from engine.fulfilments.work import freed, units_by_line
from engine.lifecycles import HELD, OPEN, PACKED, PICKED, PLANNED, RELEASED
from engine.orders.improving import as_if_new, differing
from engine.results import Rejection, ResultCode, Shortage
from engine.state.orders import Fulfilment, Order
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.request import Demand, Request

Own = tuple[tuple[tuple[str, str], int], ...]


class Rerouted(NamedTuple):
    """Work that is taken back, what lines wait for before anything new is sourced, the postings of both; and the facts
    that follow the change."""

    withdrawn: list[Fulfilment]
    waiting: tuple[Waiting, ...]
    postings: tuple[Posting, ...]
    facts: tuple[Fact, ...]


class _Wanted(NamedTuple):
    """Units of the line at a position that are looked for; `backordered` and `unsourceable` ones waited until now.

    `needed`: without them the change is not possible.
    """

    at: int
    units: int
    backordered: int = 0
    unsourceable: int = 0
    needed: bool = True


class _Found(NamedTuple):
    """Sources by line position, the nodes' own and what is brought, with what binds them."""

    sources: dict[int, list[Source]]
    slots: tuple[Slot, ...]
    decision: Decision
    before: tuple[Fact, ...]
    positions: tuple[int, ...]


def lacking(order: Order, short: list[Shortage]) -> Rejection:
    """Not enough for a change."""
    detail = "not enough stock can be promised for the change"
    if order.given_back_by:
        detail += f"; {who_gave_back(order)}, and is not asked for this order"
    return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(short))


def reroute(state: State, order: Order, after: Order, more: dict[int, int], now_ns: int) -> Rerouted | Rejection:
    """Source anew what no node has begun, together with `more` units, for where the order goes now. `after` has the
    change in it.

    Where nodes already have it for the least possible cost it stays with them. A parcel that becomes a pickup, or the
    other way round, must not have been begun.
    """
    work = [f for f in after.fulfilments if f.state in (HELD, RELEASED)]
    other_way = (after.delivery, after.pickup_node) != (order.delivery, order.pickup_node)
    begun = [f for f in after.fulfilments if f.state in OPEN and f.state not in (HELD, RELEASED)]
    if other_way and begun:
        now = f"fulfilment {begun[0].number} is {begun[0].state}"
        detail = f"{now}: how the order gets to the customer can't change any more"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    stays: list[Fulfilment] = []
    if not other_way:
        movable = _movable(state, after, work, now_ns)
        stays = [*begun, *(f for f in work if f not in movable)]
        work = movable
    unreached = _unreached(state, after, stays, now_ns)
    if unreached is not None:
        return unreached
    given_up = _given_up(state, after, other_way, now_ns)
    wanted = [_Wanted(at, units) for at, units in more.items()]
    wanted += _waits(state, after, given_up, other_way)
    redated = () if other_way or after.pickup_node is not None else _redated(state, after, given_up, now_ns)
    found = _find(state, after, work, wanted, _on_planned_transfers(state, after, given_up), now_ns)
    if isinstance(found, list):
        needed = any(one.needed for one in wanted)
        if needed or other_way or _unreached(state, after, work, now_ns) is not None:
            return lacking(after, found)
        found = None
    waiting, postings = _free(after, given_up)
    facts: tuple[Fact, ...]
    if found is None:
        facts = (*_readdressed(state, order, after, [*stays, *work], now_ns), *redated)
        return Rerouted([], tuple(waiting), tuple(postings), facts)
    given, wanted = found
    planned = plan_fulfilments(
        state,
        state.orders.next_fulfilment,
        {at: [s for s in some if s.inbound is None] for at, some in given.sources.items()},
        given.slots,
        now_ns,
    )
    withdrawn, new = differing(work, planned)
    stays += [f for f in work if f not in withdrawn]
    sourced = _sourced(state, after, given, new, wanted, given_up)
    postings += [posting for f in withdrawn for posting in freed(after, f)]
    facts = (*_readdressed(state, order, after, stays, now_ns), *redated, *given.before, *sourced)
    return Rerouted(withdrawn, tuple(waiting), tuple(postings), facts)


def _movable(state: State, after: Order, work: list[Fulfilment], now_ns: int) -> list[Fulfilment]:
    """Work that could be planned anew: all but that of nodes that take nothing new, where it stays."""
    terms, _ = terms_of(state, as_if_new(after, work)[0], now_ns)
    blocked, node_index = terms.blocked(state, now_ns), state.ledger.node_index
    stuck = [f for f in work if not terms.sends[node_index[f.node]] or node_index[f.node] in blocked]
    return [f for f in work if f not in stuck or not _reaches(state, after, f.node, units_by_line(f.lines), now_ns)]


def _reaches(state: State, after: Order, node: str, units: dict[int, int], now_ns: int) -> bool:
    """Whether a carrier takes parcels with these units by line position from a node to where the order goes."""
    if after.pickup_node is not None:
        return True
    terms, _ = terms_of(state, Request.of_order(after, units), now_ns)
    return bool(terms.parcels.rate_at[state.ledger.node_index[node]] >= 0)


def _unreached(state: State, after: Order, work: list[Fulfilment], now_ns: int) -> Rejection | None:
    """Why work that stays with its node can't be sent from there; None if all can."""
    for fulfilment in work:
        if not _reaches(state, after, fulfilment.node, units_by_line(fulfilment.lines), now_ns):
            detail = (
                f"fulfilment {fulfilment.number} is {fulfilment.state} at {fulfilment.node!r}, from where no carrier of"
                " the sourcing policy goes to the new address; reject it there first, or cancel it"
            )
            return Rejection(ResultCode.INVALID_TRANSITION, detail)
    return None


def _given_up(state: State, after: Order, other_way: bool, now_ns: int) -> dict[int, tuple[Claim, ...]]:
    """Claims by line position that are of no use where the order goes now: on what comes for a pickup that is none any
    more, or elsewhere, or to a node from where no carrier goes there."""
    found: dict[int, tuple[Claim, ...]] = {}
    for at, line in enumerate(after.lines):
        useless = []
        for claim in line.claims:
            inbound = state.inbound.open[claim.inbound]
            elsewhere = after.pickup_node not in (None, claim.node)
            for_pickup = inbound.transfer is not None and after.pickup_node is None
            unreached = not _reaches(state, after, claim.node, {at: claim.quantity}, now_ns)
            if unreached or (other_way and (elsewhere or for_pickup)):
                useless.append(claim)
        if useless:
            found[at] = tuple(useless)
    return found


def _waits(state: State, after: Order, given_up: dict[int, tuple[Claim, ...]], other_way: bool) -> list[_Wanted]:
    """What lines are about to lose the promise of, which is needed unless it may wait without; and what they wait for
    without a promise where the order gets to the customer another way."""
    wanted = []
    for at, line in enumerate(after.lines):
        lost = sum(claim.quantity for claim in given_up.get(at, ()))
        if lost:
            needed = not state.configuration.items[line.sku].backorderable
            wanted.append(_Wanted(at, lost, lost, needed=needed))
        backordered = line.backordered - line.claimed
        if other_way and backordered + line.unsourceable:
            both = backordered + line.unsourceable
            wanted.append(_Wanted(at, both, backordered, line.unsourceable, needed=False))
    return wanted


def _find(
    state: State, after: Order, work: list[Fulfilment], wanted: list[_Wanted], own: Own, now_ns: int
) -> tuple[_Found, list[_Wanted]] | list[Shortage] | None:
    """Sources for work and for what is wanted, or for all of it that is needed; what is short; None if nothing is
    wanted. `own` units are about to be free."""
    needed = [one for one in wanted if one.needed]
    lines = after.lines
    request, _ = as_if_new(after, work)
    short: list[Shortage] = []
    for some in (wanted,) if len(needed) == len(wanted) else (wanted, needed):
        positions = (*_positions(work), *(one.at for one in some))
        demand = [*request.lines]
        demand += [
            Demand(lines[one.at].sku, one.units, after.pickup_node, lines[one.at].unit_price_minor) for one in some
        ]
        if not demand:
            return None
        skus = {line.sku for line in demand}
        held = tuple(entry for entry in (*request.own, *own) if entry[0][0] in skus)
        whole = request._replace(lines=demand, partial=False, own=held)
        found, short, slots, decision = supply(state, whole, now_ns)
        sources: list[list[Source]] = [list(given) for given in found]
        before: tuple[Fact, ...] = ()
        brought = None
        if short and after.pickup_node is not None:
            brought = with_transfers(state, whole, now_ns, after.collect_by_ns)
        if brought is not None:
            sources, slots, decision, before, short = *brought[:4], []
        if not short:
            by_line: dict[int, list[Source]] = {}
            for at, given in zip(positions, sources, strict=True):
                by_line.setdefault(at, []).extend(given)
            return _Found(by_line, slots, decision, before, positions), some
    return short


def _on_planned_transfers(state: State, after: Order, given_up: dict[int, tuple[Claim, ...]]) -> Own:
    """Units that planned transfers would have brought: they are free again where they are, so they count there."""
    own: dict[tuple[str, str], int] = {}
    for at, claims in given_up.items():
        line = after.lines[at]
        for claim in claims:
            number = state.inbound.open[claim.inbound].transfer
            transfer = None if number is None else state.transfers.open.get(number)
            if transfer is not None and transfer.state == PLANNED:
                key = (line.sku, transfer.source)
                own[key] = own.get(key, 0) + claim.quantity
    return tuple(own.items())


def _positions(work: list[Fulfilment]) -> list[int]:
    """Line positions of some work, in line order, as `as_if_new` asks for them."""
    return sorted({take.line: None for fulfilment in work for take in fulfilment.lines})


def _redated(
    state: State, after: Order, given_up: dict[int, tuple[Claim, ...]], now_ns: int
) -> tuple[OrderSourced, ...]:
    """What is still to come arrives at another place at another time. `after` has the new dates then, too."""
    waiting = []
    for at, line in enumerate(after.lines):
        claims: list[Claim] = []
        for claim in line.claims:
            terms, _ = terms_of(state, Request.of_order(after, {at: claim.quantity}), now_ns)
            from_ns = max(now_ns, state.inbound.open[claim.inbound].expected_at_ns)
            promise = terms.promise_from(state, state.ledger.node_index[claim.node], from_ns)
            known = promise is not None and claim not in given_up.get(at, ())
            dates = (promise.ships_at_ns, promise.delivers_at_ns) if promise is not None and known else None
            claims.append(claim if dates is None else replace(claim, ships_at_ns=dates[0], delivers_at_ns=dates[1]))
        if tuple(claims) != line.claims:
            line.claims = tuple(claims)
            left = tuple(claim for claim in claims if claim not in given_up.get(at, ()))
            waiting.append(Waiting(at, line.backordered, line.unsourceable, left))
    return (OrderSourced(after.number, (), tuple(waiting), ()),) if waiting else ()


def _free(after: Order, given_up: dict[int, tuple[Claim, ...]]) -> tuple[list[Waiting], list[Posting]]:
    """What lines wait for once these claims are given up, and the postings."""
    waiting: list[Waiting] = []
    postings: list[Posting] = []
    for at, claims in given_up.items():
        line = after.lines[at]
        left = tuple(claim for claim in line.claims if claim not in claims)
        waiting.append(Waiting(at, line.backordered, line.unsourceable, left))
        postings += [Posting(line.sku, one.node, INBOUND_ALLOCATED, INBOUND, one.quantity) for one in claims]
    return waiting, postings


def _sourced(
    state: State,
    after: Order,
    given: _Found,
    new: list[PlannedFulfilment],
    wanted: list[_Wanted],
    given_up: dict[int, tuple[Claim, ...]],
) -> tuple[OrderSourced, ...]:
    """The fact that gives new work to nodes and new promises to lines."""
    lines = after.lines
    waiting: list[Waiting] = []
    postings: list[Posting] = []
    for plan in new:
        postings += [binding(lines[take.line].sku, Source(plan.node, take.quantity)) for take in plan.lines]
    for at in dict.fromkeys(given.positions):
        coming = [source for source in given.sources.get(at, ()) if source.inbound is not None]
        postings += [binding(lines[at].sku, source) for source in coming]
        waited = [one for one in wanted if one.at == at and one.backordered + one.unsourceable]
        if not coming and not waited:
            continue
        line = lines[at]
        left = tuple(claim for claim in line.claims if claim not in given_up.get(at, ()))
        backordered = line.backordered - sum(one.backordered for one in waited)
        unsourceable = line.unsourceable - sum(one.unsourceable for one in waited)
        claims = left + claims_of(coming, state.seq + 1)
        waiting.append(Waiting(at, backordered + sum(s.quantity for s in coming), unsourceable, claims))
    if not (new or waiting):
        return ()
    return (OrderSourced(after.number, tuple(new), tuple(waiting), tuple(postings), given.decision),)


def _readdressed(
    state: State, order: Order, after: Order, work: list[Fulfilment], now_ns: int
) -> tuple[FulfilmentReaddressed, ...]:
    """Parcels that stay with their nodes get another label: what is packed is unpacked, and the promise is renewed."""
    moved = (after.area, order.delivery, order.pickup_node) != (order.area, after.delivery, after.pickup_node)
    if not moved and after.contact == order.contact:
        return ()
    if after.pickup_node is not None and after.pickup_node == order.pickup_node:
        return ()
    found = []
    for fulfilment in work:
        ships_at_ns, delivers_at_ns = fulfilment.ships_at_ns, fulfilment.delivers_at_ns
        if moved:
            terms, _ = terms_of(state, as_if_new(after, [fulfilment])[0], now_ns)
            promise = terms.promise(state, state.ledger.node_index[fulfilment.node], now_ns)
            if promise is not None:
                ships_at_ns, delivers_at_ns = promise.ships_at_ns, promise.delivers_at_ns
        now = PICKED if fulfilment.state == PACKED else fulfilment.state
        found.append(FulfilmentReaddressed(order.number, fulfilment.number, now, ships_at_ns, delivers_at_ns))
    return tuple(found)


def readdressed(state: State, order: Order, after: Order, now_ns: int) -> tuple[FulfilmentReaddressed, ...]:
    """The same for all open work of an order whose address is another, but not the way it goes."""
    return _readdressed(state, order, after, [f for f in after.fulfilments if f.state in OPEN], now_ns)


def evolve_readdressed(state: State, fact: FulfilmentReaddressed) -> None:
    """Write down where it goes: its parcels are packed anew."""
    order = state.orders.touch(fact.order)
    fulfilment = order.fulfilment(fact.fulfilment)
    fulfilment.parcels = ()
    fulfilment.delivers_at_ns = fact.delivers_at_ns
    state.orders.redate(fulfilment, fact.ships_at_ns)
    if fact.state != fulfilment.state:
        state.orders.move(fulfilment, fact.state, state.time_ns)
