"""What a channel may take from where, and the plan for a demand: the bridge from stock and rules to sourcing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from engine import limits
from engine.areas import Area
from engine.commands.configuration import Channel, Node, SourcingPolicy
from engine.facts.postings import AVAILABLE
from engine.facts.reservations import Source
from engine.results import Shortage
from engine.sourcing import Locations, Rules, source

if TYPE_CHECKING:
    from engine.state import State

EARTH_RADIUS_KM = 6371.0088
QUICK_NODES_MAX = 4


class Demand(NamedTuple):
    """`quantity` units of a known SKU; from `node` only where one is named."""

    sku: str
    quantity: int
    node: str | None = None


class Wanted(Protocol):
    """What supply needs to know of a line: a Demand, or a line of a command as it is."""

    @property
    def sku(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def node(self) -> str | None: ...


class Supply(NamedTuple):
    """The sources of every demand line, in line order, and the SKUs that could not be served in full."""

    sources: list[tuple[Source, ...]]
    short: list[Shortage]


class Terms(NamedTuple):
    """What shipping to one area costs one channel. Positions are the ledger's.

    `shipping_order` lists the nodes that may ship, cheapest first, `quick_order` the first few; `cost` int64[L] is one shipment from each node in
    minor units; `ships` and `hands_out` bool[L] say who may send parcels, and who may be named by a line.
    """

    shipping_order: list[int]
    quick_order: list[int]
    cost: NDArray[np.int64]
    ships: NDArray[np.bool_]
    hands_out: NDArray[np.bool_]
    rules: Rules
    buffer: int


class TermsCache:
    """Terms by channel and area, made anew when master data changed. Derived: forgetting them changes no answer."""

    def __init__(self) -> None:
        self._terms: dict[tuple[str, Area], Terms] = {}
        self._version = -1

    def get(self, state: State, channel_id: str, area: Area) -> Terms:
        """The terms of a known channel for an area."""
        if self._version != state.configuration.version or len(self._terms) >= limits.COST_CACHE_MAX:
            self._terms.clear()
            self._version = state.configuration.version
        key = (channel_id, area)
        terms = self._terms.get(key)
        if terms is None:
            terms = self._terms[key] = _terms(state, state.configuration.channels[channel_id], area)
        return terms


def _terms(state: State, channel: Channel, area: Area) -> Terms:
    names = state.ledger.nodes
    nodes = [state.configuration.nodes[name] for name in names]
    policy = state.configuration.policy_of(channel)
    allowed = None if channel.nodes is None else set(channel.nodes)
    served = np.array(
        [node.enabled and (allowed is None or name in allowed) for name, node in zip(names, nodes, strict=True)], bool
    )
    ships = served & np.array([node.ships for node in nodes], bool)
    hands_out = served & np.array([node.ships or node.pickup for node in nodes], bool)
    cost = _shipment_cost(nodes, area, policy)
    order = [int(i) for i in np.argsort(cost, kind="stable") if ships[i]]
    rules = Rules(
        line_split=policy.line_split,
        ship_complete=False,
        locations_max=policy.nodes_max,
        split_penalty=policy.split_penalty_minor,
    )
    return Terms(order, order[:QUICK_NODES_MAX], cost, ships, hands_out, rules, channel.buffer)


def _shipment_cost(nodes: list[Node], area: Area, policy: SourcingPolicy) -> NDArray[np.int64]:
    cost = np.array([node.handling_cost_minor + policy.parcel_cost_minor for node in nodes], np.int64)
    if area.country is not None:
        cost += np.array(
            [0 if node.country == area.country else policy.cross_border_cost_minor for node in nodes], np.int64
        )
    if area.latitude_tenths is not None and area.longitude_tenths is not None and nodes:
        km = distance_km(
            np.array([node.latitude for node in nodes]),
            np.array([node.longitude for node in nodes]),
            area.latitude_tenths / 10,
            area.longitude_tenths / 10,
        )
        cost += (km * policy.cost_per_100_km_minor / 100).astype(np.int64)
    return cost


def distance_km(
    latitudes: NDArray[np.float64], longitudes: NDArray[np.float64], latitude: float, longitude: float
) -> NDArray[np.float64]:
    """Great-circle distances in km from one point, all in decimal degrees. Haversine formula (Sinnott, 1984)."""
    phi, other = np.radians(latitudes), np.radians(latitude)
    half_rise, half_run = (phi - other) / 2, np.radians(longitudes - longitude) / 2
    chord = np.sin(half_rise) ** 2 + np.cos(phi) * np.cos(other) * np.sin(half_run) ** 2
    km: NDArray[np.float64] = 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(chord, 1.0)))
    return km


def supply(
    state: State, channel_id: str, demand: Sequence[Wanted], area: Area, excluded: tuple[str, ...] | list[str] = ()
) -> Supply:
    """Find units for a demand of known SKUs on a known channel, from any node but the excluded ones.

    Lines of one SKU compete with each other. Takes what is there; what is missing is in `short`, per SKU.
    """
    terms = state.terms.get(state, channel_id, area)
    if not excluded and not terms.buffer:
        quick = _one_cheap_node(state, terms, demand)
        if quick is not None:
            return quick
    return _by_sourcing(state, terms, demand, excluded)


def _one_cheap_node(state: State, terms: Terms, demand: Sequence[Wanted]) -> Supply | None:
    """The common case without arrays: one of the cheapest nodes has all of it. None if not, or if lines compete."""
    ledger = state.ledger
    sku_index, width = ledger.sku_index, ledger.node_capacity
    wanted: dict[int, int] = {}
    for line in demand:
        if line.node is not None:
            return None
        wanted[sku_index[line.sku] * width] = line.quantity
    if len(wanted) != len(demand):
        return None
    available, withheld = ledger.cells[AVAILABLE], state.stock.withheld_cells
    for node_at in terms.quick_order:
        for row, quantity in wanted.items():
            if available[row + node_at] - withheld[row + node_at] < quantity:
                break
        else:
            name = ledger.nodes[node_at]
            return Supply([(Source(name, line.quantity),) for line in demand], [])
    return None


def _by_sourcing(state: State, terms: Terms, demand: Sequence[Wanted], excluded: tuple[str, ...] | list[str]) -> Supply:
    ledger = state.ledger
    skus = list(dict.fromkeys(line.sku for line in demand))
    row_of = {sku: row for row, sku in enumerate(skus)}
    stock = state.stock.promisable_rows([ledger.sku_index[sku] for sku in skus])
    stock[:, ~terms.hands_out] = 0
    for name in excluded:
        if name in ledger.node_index:
            stock[:, ledger.node_index[name]] = 0
    countable = stock * terms.ships
    for line in demand:
        if line.node is not None:
            row, node_at = row_of[line.sku], ledger.node_index[line.node]
            countable[row, node_at] = stock[row, node_at]
    # The buffer is withheld from the channel's whole view of a SKU, wherever the units are.
    budget = [max(0, total - terms.buffer) for total in countable.sum(axis=1).tolist()]
    visible = list(budget)

    sources: list[list[Source]] = [[] for _ in demand]
    for position, line in enumerate(demand):
        if line.node is not None:
            row, node_at = row_of[line.sku], ledger.node_index[line.node]
            units = min(line.quantity, int(stock[row, node_at]), budget[row])
            if units:
                sources[position].append(Source(line.node, units))
                stock[row, node_at] -= units
                budget[row] -= units
    stock *= terms.ships
    _serve_free_lines(state, terms, demand, row_of, stock, budget, sources)
    return Supply(
        [tuple(found) for found in sources], _shortages(demand, sources, visible, row_of, ledger.node_index, countable)
    )


def _serve_free_lines(
    state: State,
    terms: Terms,
    demand: Sequence[Wanted],
    row_of: dict[str, int],
    stock: NDArray[np.int64],
    budget: list[int],
    sources: list[list[Source]],
) -> None:
    """Source the lines that name no node, as one problem over their SKUs, and hand the units out in line order."""
    wanted = np.zeros(len(row_of), np.int64)
    for line in demand:
        if line.node is None:
            wanted[row_of[line.sku]] += line.quantity
    wanted = np.minimum(wanted, np.minimum(stock.sum(axis=1), budget))
    if not wanted.any():
        return
    weights = np.array([-(-(state.configuration.items[sku].weight_grams or 0) // 100) for sku in row_of], np.int64)
    nodes = stock.shape[1]
    locations = Locations(terms.cost, np.zeros(nodes, np.int64), np.zeros(stock.shape, np.int64))
    plan = source(wanted, weights, stock, locations, terms.rules)
    names = state.ledger.nodes
    left = [row.tolist() for row in plan.units]
    cheapest_first = [sorted(np.flatnonzero(row).tolist(), key=lambda at: (terms.cost[at], at)) for row in plan.units]
    for position, line in enumerate(demand):
        if line.node is not None:
            continue
        row = row_of[line.sku]
        missing = line.quantity
        for at in cheapest_first[row]:
            units = min(missing, left[row][at])
            if units:
                sources[position].append(Source(names[at], units))
                left[row][at] -= units
                missing -= units


def _shortages(
    demand: Sequence[Wanted],
    sources: list[list[Source]],
    visible: list[int],
    row_of: dict[str, int],
    node_index: dict[str, int],
    countable: NDArray[np.int64],
) -> list[Shortage]:
    requested: dict[str, int] = {}
    found: dict[str, int] = {}
    free: set[str] = set()
    named: dict[str, set[str]] = {}
    for line, given in zip(demand, sources, strict=True):
        requested[line.sku] = requested.get(line.sku, 0) + line.quantity
        found[line.sku] = found.get(line.sku, 0) + sum(source.quantity for source in given)
        if line.node is None:
            free.add(line.sku)
        else:
            named.setdefault(line.sku, set()).add(line.node)
    short = []
    for sku, quantity in requested.items():
        if found[sku] < quantity:
            available = visible[row_of[sku]]
            if sku not in free:
                at_named = sum(int(countable[row_of[sku], node_index[node]]) for node in sorted(named[sku]))
                available = min(available, at_named)
            short.append(Shortage(sku, quantity, available))
    return short
