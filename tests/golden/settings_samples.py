"""One of every fact about what people set, and their earlier versions."""

import msgspec

from engine.commands import policies as p
from engine.commands.configuration import Channel, HolidayCalendar, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.facts import Fact
from engine.facts.configuration import (
    CalendarSet,
    ChannelSet,
    ItemSet,
    NodeItemSet,
    NodeSet,
    SourcingPolicySet,
)

NODES = p.NodeSelector(("berlin",), ("store",), ("DE",), ("city",), 50, True, False)


ITEMS = p.ItemSelector(("BRASS-KETTLE",), ("kitchen",))


SETTINGS = p.Settings(
    eligible=(NODES,),
    excluded=(p.NodeSelector(within_km=1),),
    parcel_cost_minor=1,
    parcel_grams_max=31_500,
    carriers=(
        p.CarrierRate(
            "DHL", (p.WeightStep(450, 5_000), p.WeightStep(900)), 2, NODES, ("DE",), 900, ("mon", "sat"), ("DE",)
        ),
    ),
    cost_per_100_km_minor=2,
    cross_border_cost_minor=3,
    co2_grams_per_km=6,
    co2_minor_per_kg=7,
    unit_cost_minor=8,
    cost_per_100_grams_minor=9,
    split_penalty_minor=4,
    nodes_max=5,
    split_value_minor_min=10,
    line_split=False,
    ship_complete=True,
    unsourced_minor_per_unit=11,
    preferences=(p.Preference("stores first", -12, "unit", NODES, ITEMS),),
    safety_stock=(p.SafetyStockRule(13, ITEMS, NODES),),
    unit_caps=(p.UnitCap(14, NODES),),
    late_minor_per_day=15,
    deliver_within_days=16,
    workload_minor=17,
    wait_days_max=18,
    age_minor_per_30_days=19,
    inbound_days_max=20,
    functions=("own",),
    improve_minor_min=21,
    pickup_transfer_days=22,
)


WHEN = p.Conditions(
    ("DE",), ("pickup",), ("kitchen",), ("club",), 1, 2, "2026-11-01T00:00:00Z", "2026-12-24T12:00:00Z", ("mon",)
)


BEFORE_CALENDARS = msgspec.structs.replace(
    SETTINGS, carriers=tuple(msgspec.structs.replace(rate, calendars=()) for rate in SETTINGS.carriers or ())
)


OLDER_SETTINGS = msgspec.structs.replace(BEFORE_CALENDARS, pickup_transfer_days=None)


def near(settings: p.Settings) -> SourcingPolicy:
    """A policy of these settings, which its only override sets once more."""
    overrides = (p.Override(WHEN, settings, "Christmas"),)
    return msgspec.structs.replace(SourcingPolicy(name="Near"), **msgspec.structs.asdict(settings), overrides=overrides)


POLICY = near(SETTINGS)

SETTINGS_SAMPLES: dict[str, Fact] = {
    "item_set/3": ItemSet(
        "BRASS-KETTLE",
        Item(
            name="Kettle",
            weight_grams=900,
            tax_class="standard",
            gtin="4006381333931",
            backorderable=True,
            groups=("kitchen", "brass"),
            value_minor=4_900,
            backorders_max=500,
            backorders_max_by_channel={"market": 100},
        ),
        (),
    ),
    "node_item_set/3": NodeItemSet(
        "berlin",
        "BRASS-KETTLE",
        NodeItem(
            safety_stock=2, sellable=False, sourcing_minor_per_unit=-50, stocked_since="2026-01-31", bin="A-03-12"
        ),
        (),
    ),
    "sourcing_policy_set/4": SourcingPolicySet("near", POLICY, ()),
    "node_set/4": NodeSet(
        "berlin",
        Node(
            name="Berlin",
            kind="store",
            country="DE",
            latitude=52.53,
            longitude=13.38,
            postal_code="10115",
            time_zone="Europe/Berlin",
            enabled=False,
            ships=False,
            pickup=True,
            orders_per_day_max=400,
            handling_cost_minor=75,
            cut_off="16:00",
            opening_hours={"mon": (("09:00", "18:30"),)},
            closed_dates=("2026-12-25",),
            lead_time_days=2,
            groups=("city",),
            accept_within_seconds=7_200,
            cut_offs={"fri": "12:00", "sat": None},
            preparation_minutes=45,
            calendars=("DE",),
        ),
        (),
    ),
    "channel_set/4": ChannelSet(
        "web",
        Channel(
            name="Web",
            kind="web",
            country="DE",
            currency="EUR",
            nodes=("berlin",),
            sourcing_policy="near",
            reservation_ttl_seconds=600,
            buffer=3,
            collect_within_seconds=259_200,
            cancel_backorders_after_seconds=5_184_000,
            prices_include_tax=False,
            preparation_minutes=90,
        ),
        (),
    ),
    "calendar_set/1": CalendarSet("DE", HolidayCalendar("Germany", ("2026-12-25",), ("DE",)), ()),
}

SETTINGS_OLDER: dict[str, Fact] = {
    "channel_set/2": ChannelSet(
        "web",
        Channel(
            name="Web",
            kind="web",
            country="DE",
            currency="EUR",
            nodes=("berlin",),
            sourcing_policy="near",
            reservation_ttl_seconds=600,
            buffer=3,
            collect_within_seconds=259_200,
            cancel_backorders_after_seconds=5_184_000,
        ),
        (),
    ),
    "sourcing_policy_set/3": SourcingPolicySet("near", near(BEFORE_CALENDARS), ()),
    "node_set/3": NodeSet(
        "berlin",
        Node(
            name="Berlin",
            kind="store",
            country="DE",
            latitude=52.53,
            longitude=13.38,
            postal_code="10115",
            time_zone="Europe/Berlin",
            enabled=False,
            ships=False,
            pickup=True,
            orders_per_day_max=400,
            handling_cost_minor=75,
            cut_off="16:00",
            opening_hours={"mon": (("09:00", "18:30"),)},
            closed_dates=("2026-12-25",),
            lead_time_days=2,
            groups=("city",),
            accept_within_seconds=7_200,
        ),
        (),
    ),
    "channel_set/3": ChannelSet(
        "web",
        Channel(
            name="Web",
            kind="web",
            country="DE",
            currency="EUR",
            nodes=("berlin",),
            sourcing_policy="near",
            reservation_ttl_seconds=600,
            buffer=3,
            collect_within_seconds=259_200,
            cancel_backorders_after_seconds=5_184_000,
            prices_include_tax=False,
        ),
        (),
    ),
    "sourcing_policy_set/2": SourcingPolicySet(
        "near",
        near(OLDER_SETTINGS),
        (),
    ),
    "node_item_set/2": NodeItemSet(
        "berlin",
        "BRASS-KETTLE",
        NodeItem(safety_stock=2, sellable=False, sourcing_minor_per_unit=-50, stocked_since="2026-01-31"),
        (),
    ),
    "item_set/2": ItemSet(
        "BRASS-KETTLE",
        Item(
            name="Kettle",
            weight_grams=900,
            tax_class="standard",
            gtin="4006381333931",
            backorderable=True,
            groups=("kitchen", "brass"),
            value_minor=4_900,
        ),
        (),
    ),
    "node_set/2": NodeSet(
        "berlin",
        Node(
            name="Berlin",
            kind="store",
            country="DE",
            latitude=52.53,
            longitude=13.38,
            postal_code="10115",
            time_zone="Europe/Berlin",
            enabled=False,
            ships=False,
            pickup=True,
            orders_per_day_max=400,
            handling_cost_minor=75,
            cut_off="16:00",
            opening_hours={"mon": (("09:00", "18:30"),)},
            closed_dates=("2026-12-25",),
            lead_time_days=2,
            groups=("city",),
        ),
        (),
    ),
    "channel_set/1": ChannelSet(
        "web",
        Channel(
            name="Web",
            kind="web",
            country="DE",
            currency="EUR",
            nodes=("berlin",),
            sourcing_policy="near",
            reservation_ttl_seconds=600,
            buffer=3,
        ),
        (),
    ),
    "node_set/1": NodeSet(
        "berlin",
        Node(
            name="Berlin",
            kind="store",
            country="DE",
            latitude=52.53,
            longitude=13.38,
            postal_code="10115",
            time_zone="Europe/Berlin",
            enabled=False,
            ships=False,
            pickup=True,
            orders_per_day_max=400,
            handling_cost_minor=75,
            cut_off="16:00",
            opening_hours={"mon": (("09:00", "18:30"),)},
            closed_dates=("2026-12-25",),
        ),
        (),
    ),
    "item_set/1": ItemSet(
        "BRASS-KETTLE",
        Item(name="Kettle", weight_grams=900, tax_class="standard", gtin="4006381333931", backorderable=True),
        (),
    ),
    "node_item_set/1": NodeItemSet("berlin", "BRASS-KETTLE", NodeItem(safety_stock=2, sellable=False), ()),
    "sourcing_policy_set/1": SourcingPolicySet(
        "near",
        SourcingPolicy(
            name="Near",
            parcel_cost_minor=1,
            cost_per_100_km_minor=2,
            cross_border_cost_minor=3,
            split_penalty_minor=4,
            nodes_max=5,
            line_split=False,
        ),
        (),
    ),
}
