"""Where supply may take a short cut: for every setting, whether the answer is still the same while it is set.

The quick path (engine/supply/plan.py) gives everything from one of the cheapest nodes and builds no problem: right
while a shipment costs the same whatever is in it. Looking ahead (engine/supply/looking_ahead.py) finds the cheapest
node of many requests at once: right while what others take makes no plan cheaper, and one node's plan needs nothing but
its stock.

Only what is listed here is harmless. A field that the tables do not name is an error at import: whoever adds a setting
decides.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from engine.commands.configuration import Channel, Item, Node, NodeItem
from engine.commands.policies import Preference, Settings
from engine.state.stock import NOT_ABOUT_PRICES

Harmless = Callable[[Any], bool]


def always(value: object) -> bool:
    """Whatever it is set to."""
    return True


def unset(value: object) -> bool:
    """Only where nothing is said: 0 means something, too."""
    return value is None


def nothing(value: object) -> bool:
    """Only where it is left out, 0 or empty."""
    return not value


def once_an_order(preferences: tuple[Preference, ...] | None) -> bool:
    """Only where none is a price per unit."""
    return all(preference.per == "order" for preference in preferences or ())


class May(NamedTuple):
    """With which values of a setting requests may be answered quickly, and looked ahead for."""

    quick: Harmless
    ahead: Harmless


SETTINGS = {
    "eligible": May(always, always),
    "excluded": May(always, always),
    "parcel_cost_minor": May(always, always),
    "parcel_grams_max": May(unset, always),
    "carriers": May(nothing, always),
    "cost_per_100_km_minor": May(always, always),
    "cross_border_cost_minor": May(always, always),
    "co2_grams_per_km": May(always, always),
    "co2_minor_per_kg": May(always, always),
    "unit_cost_minor": May(nothing, always),
    "cost_per_100_grams_minor": May(nothing, always),
    "split_penalty_minor": May(always, always),
    "nodes_max": May(always, always),
    "split_value_minor_min": May(always, always),
    "line_split": May(always, always),
    "ship_complete": May(always, always),
    "unsourced_minor_per_unit": May(unset, unset),
    "preferences": May(once_an_order, always),
    "safety_stock": May(nothing, always),
    "unit_caps": May(nothing, nothing),
    "late_minor_per_day": May(nothing, nothing),
    "deliver_within_days": May(unset, unset),
    "workload_minor": May(nothing, nothing),
    "wait_days_max": May(always, always),
    "age_minor_per_30_days": May(nothing, always),
    "inbound_days_max": May(unset, always),
    "functions": May(always, always),
    "improve_minor_min": May(always, always),
    "pickup_transfer_days": May(always, always),
}
CHANNEL = {"buffer": May(nothing, nothing)} | dict.fromkeys(
    (
        "name", "kind", "country", "currency", "nodes", "sourcing_policy", "reservation_ttl_seconds",
        "collect_within_seconds", "cancel_backorders_after_seconds", "prices_include_tax",
        "preparation_minutes",
    ),
    May(always, always),
)  # fmt: skip
# Whatever these are set to, both short cuts stand.
NODE = (
    "name", "kind", "country", "latitude", "longitude", "postal_code", "time_zone", "enabled", "ships", "pickup",
    "orders_per_day_max", "handling_cost_minor", "cut_off", "opening_hours", "closed_dates", "lead_time_days", "groups",
    "accept_within_seconds", "cut_offs", "preparation_minutes", "calendars",
)  # fmt: skip
ITEM = (
    "name", "weight_grams", "tax_class", "gtin", "backorderable", "groups", "value_minor",
    "backorders_max", "backorders_max_by_channel", "sellable",
)  # fmt: skip
# Nothing is quick while any SKU has one of these at a node (Stock.special); looking ahead reckons with them.
NODE_ITEM = ("sourcing_minor_per_unit", "stocked_since")

_LISTED: dict[type[msgspec.Struct], Iterable[str]] = {
    Settings: SETTINGS,
    Channel: CHANNEL,
    Node: NODE,
    Item: ITEM,
    NodeItem: (*NOT_ABOUT_PRICES, *NODE_ITEM),
}
for _kind, _names in _LISTED.items():
    _undecided = set(_names) ^ set(_kind.__struct_fields__)
    assert not _undecided, f"may supply take short cuts with these fields of {_kind.__name__}? {sorted(_undecided)}"


def may_be_quick(settings: Settings, channel: Channel) -> bool:
    """Whether the quick path gives the same plans as the whole one under these settings, if no cost is negative."""
    return _all(SETTINGS, "quick", settings) and _all(CHANNEL, "quick", channel)


def may_be_foreseen(settings: Settings, channel: Channel) -> bool:
    """Whether a plan found ahead of its turn is the cheapest at its turn, too, if it is still possible."""
    return _all(SETTINGS, "ahead", settings) and _all(CHANNEL, "ahead", channel)


def _all(table: dict[str, May], short_cut: str, body: Settings | Channel) -> bool:
    return all(getattr(may, short_cut)(getattr(body, name)) for name, may in table.items())
