"""Where customers could pick up all of a basket, and when it would be ready there: store by store."""

from typing import NamedTuple

import numpy as np

from engine.fulfilments.pickup_transfers import with_transfers
from engine.limits import AVAILABILITY_STORES_MAX
from engine.state.state import State
from engine.supply.node_table import distance_km
from engine.supply.plan import supply, terms_of
from engine.supply.problem import promisable
from engine.supply.request import Demand, Request
from engine.supply.terms import PICKUP, Terms, terms_cache


class AtStore(NamedTuple):
    """What one node could hand out: `units` by SKU that it has for the channel, and when all that is asked for would be
    ready (None: not all of it can be had there)."""

    node: str
    units: dict[str, int]
    ready_at_ns: int | None


def nearest(state: State, request: Request, latitude: float, longitude: float, now_ns: int) -> dict[str, float]:
    """Nodes at which customers of the channel may pick up, with their distance in km, the nearest first."""
    terms, _ = terms_of(state, request, now_ns)
    table = terms_cache(state).table(state)
    km = distance_km(table.latitudes, table.longitudes, latitude, longitude)
    found = [at for at in np.argsort(km, kind="stable").tolist() if terms.sends[at]]
    return {table.names[at]: float(km[at]) for at in found[:AVAILABILITY_STORES_MAX]}


def at_stores(state: State, request: Request, nodes: list[str], now_ns: int) -> list[AtStore]:
    """What each of these nodes could hand out of the whole basket. `request` is a pickup that names no node."""
    assert request.delivery == PICKUP
    terms, _ = terms_of(state, request, now_ns)
    wanted: dict[str, int] = {}
    for line in request.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    skus = list(wanted)
    stock = promisable(state, terms, skus, request.excluded, now_ns)
    stock *= terms.served & terms.table.pickup
    total = (stock * terms.sends).sum(axis=1)
    found = []
    for node in nodes:
        node_at = state.ledger.node_index[node]
        # The buffer is withheld from all the channel sees of a SKU.
        there = total if terms.sends[node_at] else total + stock[:, node_at]
        column = np.minimum(stock[:, node_at], np.maximum(there - terms.buffer, 0)).tolist()
        units = {sku: min(count, wanted[sku]) for sku, count in zip(skus, column, strict=True)}
        found.append(AtStore(node, units, _ready_at_ns(state, terms, request, node, units == wanted, now_ns)))
    return found


def _ready_at_ns(state: State, terms: Terms, request: Request, node: str, is_there: bool, now_ns: int) -> int | None:
    """When all of it would be ready at a node that has it, gets it, or is brought it, as an order would be told."""
    node_at = state.ledger.node_index[node]
    if not (terms.served[node_at] and terms.table.pickup[node_at]):
        return None
    if is_there:
        promise = terms.promise(state, node_at, now_ns)
        return None if promise is None else promise.ships_at_ns
    if terms.settings.inbound_days_max is None and terms.settings.pickup_transfer_days is None:
        return None
    lines = [Demand(line.sku, line.quantity, node, line.unit_price_minor) for line in request.lines]
    there = request._replace(lines=lines, partial=False)
    given = supply(state, there, now_ns)
    sources = given.sources
    if given.short:
        brought = with_transfers(state, there, now_ns)
        if brought is None:
            return None
        sources = [tuple(some) for some in brought.sources]
    return max(source.ships_at_ns or now_ns for some in sources for source in some)
