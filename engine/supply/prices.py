"""What sending from every node costs under some settings: named columns of prices, so that a plan can be explained."""

from typing import Literal, NamedTuple

import numpy as np

from engine.areas import Area
from engine.commands.policies import CarrierRate, Settings, WeightStep
from engine.supply.node_table import Bools, Floats, Ints, NodeTable
from engine.supply.policies import FUNCTIONS, PricedNodes

ANY_WEIGHT_HG = 2**40
TRANSIT_DAYS_HOME, TRANSIT_DAYS_ABROAD = 1, 3
DEFAULT_RATE = CarrierRate(carrier="", steps=(WeightStep(cost_minor=0),))

Per = Literal["order", "unit", "100 g"]


class Column(NamedTuple):
    """One price by node, int64[L] minor units: once for a node that is used, for every unit, or for every 100 g."""

    name: str
    per: Per
    values: Ints


class Parcels(NamedTuple):
    """What parcels cost. `minor` int64[K, L] by weight step; `up_to_hg` the K steps, () for one parcel of any weight.

    `rates` are the rows of the carrier table in use, `rate_at` int64[L] the row of each node, -1 where none fits.
    `transit_days` int64[L].
    """

    minor: Ints
    up_to_hg: tuple[int, ...]
    rates: tuple[CarrierRate, ...]
    rate_at: Ints
    transit_days: Ints


def parcels_of(settings: Settings, table: NodeTable, area: Area, km: Floats | None) -> Parcels:
    """The carrier table for one destination: the first row that fits a node counts."""
    nodes_count = len(table.names)
    limit_hg = None if settings.parcel_grams_max is None else settings.parcel_grams_max // 100
    if not settings.carriers:
        abroad = table.countries != area.country if area.country is not None else np.zeros(nodes_count, bool)
        return Parcels(
            np.full((1, nodes_count), settings.parcel_cost_minor or 0, np.int64),
            () if limit_hg is None else (limit_hg,),
            (DEFAULT_RATE,),
            np.zeros(nodes_count, np.int64),
            np.where(abroad, TRANSIT_DAYS_ABROAD, TRANSIT_DAYS_HOME),
        )
    rate_at = _rows(settings.carriers, table, area, km)
    ends = sorted({step.up_to_grams // 100 for rate in settings.carriers for step in rate.steps if step.up_to_grams})
    last_hg = ANY_WEIGHT_HG if limit_hg is None else limit_hg
    up_to_hg = (*(end for end in ends if end < last_hg), last_hg)
    by_rate = np.array([[_cost_at(rate, up_to) for rate in settings.carriers] for up_to in up_to_hg], np.int64)
    days = np.array([rate.transit_days for rate in settings.carriers], np.int64)
    at = np.maximum(rate_at, 0)
    return Parcels(np.ascontiguousarray(by_rate[:, at]), up_to_hg, settings.carriers, rate_at, days[at])


def _rows(rates: tuple[CarrierRate, ...], table: NodeTable, area: Area, km: Floats | None) -> Ints:
    rate_at = np.full(len(table.names), -1, np.int64)
    for at, rate in enumerate(rates):
        if rate.countries is not None and area.country not in rate.countries:
            continue
        fits = table.selected(rate.origins, km) & (rate_at < 0)
        if rate.up_to_km is not None:
            fits &= np.zeros(len(table.names), bool) if km is None else km <= rate.up_to_km
        rate_at[fits] = at
    return rate_at


def _cost_at(rate: CarrierRate, hg: int) -> int:
    """What a parcel of `hg` costs at this rate."""
    return next(s.cost_minor for s in rate.steps if s.up_to_grams is None or hg * 100 <= s.up_to_grams)


def columns_of(settings: Settings, table: NodeTable, channel: str, area: Area, km: Floats | None) -> list[Column]:
    """Every price that is the same for all SKUs, apart from parcels. Columns of nothing but 0 are left out."""
    nodes_count = len(table.names)
    columns = [Column("handling", "order", table.handling_minor)]
    if km is not None:
        per_km = (settings.cost_per_100_km_minor or 0) / 100
        columns.append(Column("distance", "order", (km * per_km).astype(np.int64)))
        grams, price = settings.co2_grams_per_km or 0, settings.co2_minor_per_kg or 0
        columns.append(Column("CO2", "order", np.floor(km * (grams * price) / 1_000).astype(np.int64)))
    if area.country is not None:
        abroad = table.countries != area.country
        columns.append(Column("cross border", "order", abroad * np.int64(settings.cross_border_cost_minor or 0)))
    for preference in settings.preferences or ():
        if preference.per == "order":
            values = table.selected(preference.nodes, km) * np.int64(preference.cost_minor)
            columns.append(Column(preference.name, "order", values))
    columns += [Column(name, "order", _own_code(name, table, channel, area, km)) for name in settings.functions or ()]
    columns.append(Column("unit", "unit", np.full(nodes_count, settings.unit_cost_minor or 0, np.int64)))
    columns.append(Column("weight", "100 g", np.full(nodes_count, settings.cost_per_100_grams_minor or 0, np.int64)))
    return [column for column in columns if column.values.any()]


def _own_code(name: str, table: NodeTable, channel: str, area: Area, km: Floats | None) -> Ints:
    shown = PricedNodes(
        nodes=table.names,
        kinds=tuple(table.kinds.tolist()),
        countries=tuple(table.countries.tolist()),
        groups=tuple(node.groups for node in table.nodes),
        distances_km=None if km is None else tuple(km.tolist()),
        channel=channel,
        country=area.country,
        postal_area=area.postal_area,
    )
    prices = FUNCTIONS[name](shown)
    assert len(prices) == len(table.names), (
        f"price function {name!r} must give one price for each of {len(table.names)} nodes"
    )
    return np.array(prices, np.int64)


def total(columns: list[Column], per: Per, nodes_count: int) -> Ints:
    """The sum of all columns of one kind, int64[L] minor units."""
    values = np.zeros(nodes_count, np.int64)
    for column in columns:
        if column.per == per:
            values += column.values
    return values


class UnitPreference(NamedTuple):
    """A price per unit of some items: which, and int64[L] minor units by node."""

    name: str
    skus: frozenset[str] | None
    groups: frozenset[str] | None
    values: Ints

    def takes(self, sku: str, groups: tuple[str, ...]) -> bool:
        """Whether it is about this item."""
        if self.skus is None and self.groups is None:
            return True
        return sku in (self.skus or ()) or not (self.groups or frozenset()).isdisjoint(groups)


def unit_preferences_of(settings: Settings, table: NodeTable, km: Floats | None) -> list[UnitPreference]:
    """Prices per unit that hold for some items or all."""
    return [
        UnitPreference(
            preference.name,
            None if preference.items.skus is None else frozenset(preference.items.skus),
            None if preference.items.groups is None else frozenset(preference.items.groups),
            table.selected(preference.nodes, km) * np.int64(preference.cost_minor),
        )
        for preference in settings.preferences or ()
        if preference.per == "unit"
    ]


def caps_of(settings: Settings, table: NodeTable, km: Floats | None) -> Ints | None:
    """The most units for one order by node, int64[L], -1 for any; None if nothing is capped."""
    if not settings.unit_caps:
        return None
    none = np.iinfo(np.int64).max
    caps = np.full(len(table.names), none, np.int64)
    for cap in settings.unit_caps:
        caps[table.selected(cap.nodes, km)] = np.minimum(caps, cap.units_per_order_max)[table.selected(cap.nodes, km)]
    return np.where(caps == none, -1, caps)


def eligible_of(settings: Settings, table: NodeTable, km: Floats | None) -> Bools:
    """Who may send under the rules on nodes, bool[L]."""
    chosen = np.ones(len(table.names), bool)
    if settings.eligible is not None:
        chosen = np.zeros(len(table.names), bool)
        for selector in settings.eligible:
            chosen |= table.selected(selector, km)
    for selector in settings.excluded or ():
        chosen &= ~table.selected(selector, km)
    return chosen
