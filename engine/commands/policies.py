"""Sourcing policies: the rules by which plans are made, as people write them.

A policy is a set of settings. Its overrides change some of them where their conditions hold: they are looked at in
order, later ones win. What a setting means is said where it stands; money is in whole minor units.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.fields import Country, Id, Minor, Name, QuantityOrZero, Sku, UtcTime

NodeKind = Literal["warehouse", "store", "supplier"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SignedPrice = Annotated[int, Meta(ge=-limits.PRICE_MAX, le=limits.PRICE_MAX)]
Price = Annotated[int, Meta(ge=0, le=limits.PRICE_MAX)]
UnitPrice = Annotated[int, Meta(ge=0, le=limits.UNIT_PRICE_MAX)]
Days = Annotated[int, Meta(ge=0, le=365)]
Kilometres = Annotated[int, Meta(ge=0, le=21_000)]
Grams = Annotated[int, Meta(ge=1, le=100_000_000)]


class _Authored(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Written by people: unknown fields are refused, what is left out has its default."""


class NodeSelector(_Authored, frozen=True):
    """Some nodes: those for which everything named holds. An empty one selects all.

    `within_km` is the distance to the destination; where that is unknown, nothing is within it.
    """

    nodes: tuple[Id, ...] | None = None
    kinds: tuple[NodeKind, ...] | None = None
    countries: tuple[Country, ...] | None = None
    groups: tuple[Id, ...] | None = None
    within_km: Kilometres | None = None
    ships: bool | None = None
    pickup: bool | None = None


class ItemSelector(_Authored, frozen=True):
    """Some items: those named, and those in one of the groups. An empty one selects all."""

    skus: tuple[Sku, ...] | None = None
    groups: tuple[Id, ...] | None = None


class Conditions(_Authored, frozen=True):
    """When an override holds: when everything named does.

    `countries` is the destination's; `item_groups`: some line's item is in one of them; the value of the goods lies in
    [`value_minor_from`, `value_minor_below`); the time lies in [`valid_from`, `valid_until`) and on one of `weekdays` (UTC).
    """

    countries: tuple[Country, ...] | None = None
    deliveries: tuple[Id, ...] | None = None
    item_groups: tuple[Id, ...] | None = None
    customer_groups: tuple[Id, ...] | None = None
    value_minor_from: Minor | None = None
    value_minor_below: Minor | None = None
    valid_from: UtcTime | None = None
    valid_until: UtcTime | None = None
    weekdays: tuple[Weekday, ...] | None = None


class WeightStep(_Authored, frozen=True):
    """A parcel of at most `up_to_grams` costs `cost_minor`; the last step leaves it out and goes up to the limit of a parcel."""

    cost_minor: Price
    up_to_grams: Grams | None = None


class CarrierRate(_Authored, frozen=True):
    """One row of the carrier table: what a parcel costs, and how long it takes, from some nodes to some places.

    `countries` and `up_to_km` say where to; `transit_days` are counted on `delivery_weekdays`, without the dates of the `calendars`
    it names: on these the carrier does not come for parcels either.
    """

    carrier: Name
    steps: Annotated[tuple[WeightStep, ...], Meta(min_length=1, max_length=20)]
    transit_days: Days = 1
    origins: NodeSelector = NodeSelector()
    countries: tuple[Country, ...] | None = None
    up_to_km: Kilometres | None = None
    delivery_weekdays: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat")
    calendars: tuple[Id, ...] = ()


class Preference(_Authored, frozen=True):
    """A price that is not paid to anybody: added to the cost of the nodes it selects, negative to favour them.

    `per` order: once for a node that is used. unit: for every unit of the items it selects.
    """

    name: Name
    cost_minor: SignedPrice
    per: Literal["order", "unit"] = "order"
    nodes: NodeSelector = NodeSelector()
    items: ItemSelector = ItemSelector()


class SafetyStockRule(_Authored, frozen=True):
    """Withhold `units` of these items at these nodes. Rules are read in order and the last match wins, also over the node's own."""

    units: QuantityOrZero
    items: ItemSelector = ItemSelector()
    nodes: NodeSelector = NodeSelector()


class UnitCap(_Authored, frozen=True):
    """These nodes send at most `units_per_order_max` units for one order; the smallest match counts."""

    units_per_order_max: QuantityOrZero
    nodes: NodeSelector = NodeSelector()


class Settings(_Authored, frozen=True):
    """Everything that can be set; what is left out stays as it was. `excluded`, `preferences`, `safety_stock` and `unit_caps` of an
    override are added to those before it; everything else replaces.

    Who may send: a node that one of `eligible` selects (left out: any) and none of `excluded`.
    Costs: `parcel_cost_minor` each parcel of at most `parcel_grams_max`, or the first row of `carriers` that fits (a node
    without a row can't send); `cost_per_100_km_minor`, `co2_grams_per_km` priced at `co2_minor_per_kg`, and
    `cross_border_cost_minor` once for a node; `unit_cost_minor` a unit; `cost_per_100_grams_minor`.
    Plans: `split_penalty_minor` for each node after the first, at most `nodes_max` nodes, `split_value_minor_min` that every
    part of a split must be worth, `line_split`, `ship_complete` (then nobody gets a part of an order).
    `unsourced_minor_per_unit`: leave a unit out when sending it costs more (partial reservations only).
    Prices on dates: `late_minor_per_day` for every day after the earliest delivery any node could make;
    `deliver_within_days` is a limit, in whole days from now. `workload_minor`: times the share of a node's orders of the day that are taken.
    `age_minor_per_30_days`: taken off each unit for every 30 days it has been at the node (`stocked_since`).
    `inbound_days_max`: units expected within so many days may be promised.
    `functions`: registered pure functions that add to the prices, by name.
    `improve_minor_min`: source orders again that no node has accepted, when it saves at least this.
    `pickup_transfer_days`: what a pickup node lacks is brought there from other nodes; this many days after it left it is there.
    """

    eligible: tuple[NodeSelector, ...] | None = None
    excluded: tuple[NodeSelector, ...] | None = None
    parcel_cost_minor: Minor | None = None
    parcel_grams_max: Grams | None = None
    carriers: tuple[CarrierRate, ...] | None = None
    cost_per_100_km_minor: Minor | None = None
    cross_border_cost_minor: Minor | None = None
    co2_grams_per_km: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    co2_minor_per_kg: Price | None = None
    unit_cost_minor: UnitPrice | None = None
    cost_per_100_grams_minor: UnitPrice | None = None
    split_penalty_minor: Minor | None = None
    nodes_max: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    split_value_minor_min: Minor | None = None
    line_split: bool | None = None
    ship_complete: bool | None = None
    unsourced_minor_per_unit: UnitPrice | None = None
    preferences: tuple[Preference, ...] | None = None
    safety_stock: tuple[SafetyStockRule, ...] | None = None
    unit_caps: tuple[UnitCap, ...] | None = None
    late_minor_per_day: Price | None = None
    deliver_within_days: Days | None = None
    workload_minor: Price | None = None
    wait_days_max: Annotated[int, Meta(ge=0, le=60)] | None = None
    age_minor_per_30_days: UnitPrice | None = None
    inbound_days_max: Days | None = None
    functions: tuple[Id, ...] | None = None
    improve_minor_min: Minor | None = None
    pickup_transfer_days: Days | None = None


ADDED_UP = ("excluded", "preferences", "safety_stock", "unit_caps")


class Override(_Authored, frozen=True):
    """Settings that hold instead, or in addition, while the conditions do."""

    when: Conditions
    then: Settings
    name: Name | None = None


class SourcingPolicy(Settings, frozen=True, kw_only=True):
    """Settings with a name, and the overrides of special cases. Every channel names one; without it the default applies."""

    name: Name
    parcel_cost_minor: Minor | None = 400
    cost_per_100_km_minor: Minor | None = 20
    cross_border_cost_minor: Minor | None = 1_000
    split_penalty_minor: Minor | None = 300
    line_split: bool | None = True
    overrides: tuple[Override, ...] = ()
