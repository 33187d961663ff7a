"""What a pickup node lacks is brought there from other nodes: bound there at once, promised here with a date.

Each node that gives something sends one transfer. At the pickup node it is expected as an inbound of its own, all of it
promised to the order: so the units wait in their turn, arrive for this order, and belong to nobody else.
"""

from typing import NamedTuple

from engine.areas import coarse_area
from engine.facts import Fact
from engine.facts.inbound import InboundExpected, InboundUnits
from engine.facts.orders import Claim
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, INBOUND_ALLOCATED, SUPPLIER, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.facts.transfers import TransferPlanned, TransferUnits
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.request import Demand, Request
from engine.supply.terms import NS_PER_DAY

BY_TRANSFER = "transfer"


class Brought(NamedTuple):
    """Transfers and what they bring, to be written down before the order; and the sources it gives each line."""

    facts: tuple[Fact, ...]
    sources: dict[int, list[Source]]


class WithTransfers(NamedTuple):
    """Sources line by line: what the pickup node has, then what is brought (with its inbound).

    `before` are the transfers, `asked` what was wanted of the nodes that send them; `slots` and `decision` are those of
    the pickup node.
    """

    sources: list[list[Source]]
    slots: tuple[Slot, ...]
    decision: Decision
    before: tuple[Fact, ...]
    asked: Request


def with_transfers(
    state: State, request: Request, now_ns: int, collect_by_ns: int | None = None, whole: bool = True
) -> WithTransfers | None:
    """What the pickup node has, the rest brought there from other nodes; None if that is not wanted, or impossible.

    Not `whole`: a part of the rest is welcome, unless the policy sends nobody a part. Lines of `request` name the
    pickup node. What would arrive after the customer wants to come is not brought.
    """
    there = request._replace(partial=True, inbound=False)
    found, _, slots, decision = supply(state, there, now_ns)
    sources = [list(given) for given in found]
    missing = {
        at: line.quantity - sum(source.quantity for source in sources[at]) for at, line in enumerate(request.lines)
    }
    missing = {at: units for at, units in missing.items() if units}
    if not missing:
        return None
    asked = asked_elsewhere(state, request, missing)._replace(partial=not whole)
    brought = _bring(state, request, asked, missing, now_ns)
    if brought is None:
        return None
    for at, given in brought.sources.items():
        sources[at] += given
        if collect_by_ns is not None and any((source.ships_at_ns or 0) > collect_by_ns for source in given):
            return None
    return WithTransfers(sources, slots, decision, brought.facts, asked)


def asked_elsewhere(state: State, request: Request, missing: dict[int, int]) -> Request:
    """What is wanted of other nodes for a pickup that lacks units of its lines: a parcel to the pickup node."""
    node = request.lines[0].node
    assert node is not None
    to = state.configuration.nodes[node]
    area = coarse_area(to.country, to.postal_code, to.latitude, to.longitude)
    lines = request.lines
    demand = [Demand(lines[at].sku, units, None, lines[at].unit_price_minor) for at, units in missing.items()]
    without = (node, *(other for other in request.excluded if other != node))
    skus = {line.sku for line in demand}
    own = tuple(entry for entry in request.own if entry[0][0] in skus and entry[0][1] not in without)
    return request._replace(
        lines=demand, area=area, delivery="ship", partial=False, excluded=without, own=own, inbound=False
    )


def _bring(state: State, request: Request, asked: Request, missing: dict[int, int], now_ns: int) -> Brought | None:
    """Units by line position, from other nodes to the pickup node; None if unwanted, or not enough is there."""
    node = request.lines[0].node
    assert node is not None
    terms, _ = terms_of(state, request, now_ns)
    days = terms.settings.pickup_transfer_days
    if days is None:
        return None
    found = supply(state, asked, now_ns)
    if (found.short and not asked.partial) or not any(found.sources):
        return None
    units: dict[str, dict[str, int]] = {}
    leaves: dict[str, int] = {}
    sources: dict[int, list[Source]] = {at: [] for at in missing}
    number = state.inbound.next_number
    inbound_of: dict[str, int] = {}
    for at, given in zip(missing, found.sources, strict=True):
        sku = request.lines[at].sku
        for source in given:
            inbound_of.setdefault(source.node, number + len(inbound_of))
            held = units.setdefault(source.node, {})
            held[sku] = held.get(sku, 0) + source.quantity
            leaves[source.node] = max(leaves.get(source.node, now_ns), source.ships_at_ns or now_ns)
    for at, given in zip(missing, found.sources, strict=True):
        for source in given:
            arrives_ns = leaves[source.node] + days * NS_PER_DAY
            promise = terms.promise_from(state, state.ledger.node_index[node], arrives_ns)  # when it is open then
            ready_ns = arrives_ns if promise is None else promise.ships_at_ns
            sources[at].append(Source(node, source.quantity, ready_ns, ready_ns, inbound_of[source.node]))
    facts: list[Fact] = []
    for position, (giver, held) in enumerate(units.items()):
        transfer = state.transfers.next_number + position
        arrives_ns = leaves[giver] + days * NS_PER_DAY
        facts += _facts(transfer, inbound_of[giver], giver, node, held, arrives_ns)
    return Brought(tuple(facts), sources)


def binding(sku: str, source: Source) -> Posting:
    """What binds a source to an order: units that are there, or a claim on those that come."""
    if source.inbound is None:
        return Posting(sku, source.node, AVAILABLE, ALLOCATED, source.quantity)
    return Posting(sku, source.node, INBOUND, INBOUND_ALLOCATED, source.quantity)


def claims_of(sources: list[Source], promised: int) -> tuple[Claim, ...]:
    """The claims of a line on what comes for it, by record `promised`."""
    return tuple(
        Claim(source.inbound, source.node, source.quantity, promised, source.ships_at_ns, source.delivers_at_ns)
        for source in sources
        if source.inbound is not None
    )


def _facts(
    transfer: int, inbound: int, giver: str, node: str, held: dict[str, int], arrives_ns: int
) -> tuple[TransferPlanned, InboundExpected]:
    return (
        TransferPlanned(
            transfer,
            giver,
            node,
            tuple(TransferUnits(sku, quantity) for sku, quantity in held.items()),
            arrives_ns,
            tuple(Posting(sku, giver, AVAILABLE, ALLOCATED, quantity) for sku, quantity in held.items()),
            inbound,
        ),
        InboundExpected(
            inbound,
            BY_TRANSFER,
            node,
            arrives_ns,
            tuple(InboundUnits(sku, quantity) for sku, quantity in held.items()),
            tuple(Posting(sku, node, SUPPLIER, INBOUND, quantity) for sku, quantity in held.items()),
            transfer,
        ),
    )
