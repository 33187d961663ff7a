"""What a pickup node lacks is brought there from other nodes: bound there at once, promised here with a date.

Each node that gives something sends one transfer. At the pickup node it is expected as an inbound of its own, all of it promised to the
order: so the units wait in their turn, arrive for this order, and are nobody's else.
"""

from typing import NamedTuple

from engine.areas import coarse_area
from engine.commands.orders import PlaceOrder
from engine.facts import Fact
from engine.facts.inbound import InboundExpected, InboundUnits
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, SUPPLIER, Posting
from engine.facts.reservations import Source
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


def bring(state: State, command: PlaceOrder, missing: dict[int, int], now_ns: int) -> Brought | None:
    """Units by line position, from other nodes to the pickup node; None where the policy wants it not, or not all can be had."""
    node = command.pickup_node
    assert node is not None
    asked = Request(command.channel, [Demand(line.sku, line.quantity) for line in command.lines], command.area)
    days = terms_of(state, asked._replace(delivery="pickup"), now_ns)[0].settings.pickup_transfer_days
    if days is None:
        return None
    there = state.configuration.nodes[node]
    area = coarse_area(there.country, there.postal_code, there.latitude, there.longitude)
    demand = [Demand(command.lines[at].sku, quantity) for at, quantity in missing.items()]
    found = supply(state, Request(command.channel, demand, area, excluded=(node,), inbound=False), now_ns)
    if found.short:
        return None
    units: dict[str, dict[str, int]] = {}
    leaves: dict[str, int] = {}
    sources: dict[int, list[Source]] = {at: [] for at in missing}
    number = state.inbound.next_number
    inbound_of: dict[str, int] = {}
    for (at, _), given in zip(missing.items(), found.sources, strict=True):
        sku = command.lines[at].sku
        for source in given:
            inbound_of.setdefault(source.node, number + len(inbound_of))
            held = units.setdefault(source.node, {})
            held[sku] = held.get(sku, 0) + source.quantity
            leaves[source.node] = max(leaves.get(source.node, now_ns), source.ships_at_ns or now_ns)
    for (at, _), given in zip(missing.items(), found.sources, strict=True):
        for source in given:
            arrives_ns = leaves[source.node] + days * NS_PER_DAY
            sources[at].append(Source(node, source.quantity, arrives_ns, arrives_ns, inbound_of[source.node]))
    facts: list[Fact] = []
    for position, (giver, held) in enumerate(units.items()):
        transfer = state.transfers.next_number + position
        arrives_ns = leaves[giver] + days * NS_PER_DAY
        facts += _facts(transfer, inbound_of[giver], giver, node, held, arrives_ns)
    return Brought(tuple(facts), sources)


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
