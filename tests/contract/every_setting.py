"""Every setting of a sourcing policy, set to something that makes a difference between nodes."""

from engine.commands.policies import (
    CarrierRate,
    NodeSelector,
    Preference,
    SafetyStockRule,
    Settings,
    UnitCap,
    WeightStep,
)
from engine.supply.policies import PricedNodes, price_function

FRENCH, GERMAN = NodeSelector(countries=("FR",)), NodeSelector(countries=("DE",))


@price_function("longer names cost more")
def longer_names_cost_more(shown: PricedNodes) -> list[int]:
    """Own code: thirty minor units a letter, and more for nodes further on in the list."""
    return [30 * len(name) + 7 * at for at, name in enumerate(shown.nodes)]


EVERY_SETTING: dict[str, object] = {
    "eligible": (FRENCH,),
    "excluded": (FRENCH,),
    "parcel_cost_minor": 90,
    "parcel_grams_max": 2_000,
    "carriers": (
        CarrierRate("colis", (WeightStep(290, 600), WeightStep(950)), 2, origins=FRENCH),
        CarrierRate("post", (WeightStep(390, 2_000), WeightStep(700))),
    ),
    "cost_per_100_km_minor": 150,
    "cross_border_cost_minor": 40,
    "co2_grams_per_km": 900,
    "co2_minor_per_kg": 60,
    "unit_cost_minor": 310,
    "cost_per_100_grams_minor": 25,
    "split_penalty_minor": 0,
    "nodes_max": 1,
    "split_value_minor_min": 2_000,
    "line_split": False,
    "ship_complete": True,
    "unsourced_minor_per_unit": 450,
    "preferences": (
        Preference("French first", -90, "unit", FRENCH),
        Preference("Germans last", 35, "order", GERMAN),
    ),
    "safety_stock": (SafetyStockRule(2, nodes=FRENCH),),
    "unit_caps": (UnitCap(2, FRENCH),),
    "late_minor_per_day": 200,
    "deliver_within_days": 2,
    "workload_minor": 900,
    "wait_days_max": 2,
    "age_minor_per_30_days": 60,
    "inbound_days_max": 20,
    "functions": ("longer names cost more",),
    "improve_minor_min": 1,
    "pickup_transfer_days": 2,
}
# What a setting needs beside it to make a difference.
BESIDE: dict[str, dict[str, object]] = {
    "co2_grams_per_km": {"co2_minor_per_kg": 60},
    "co2_minor_per_kg": {"co2_grams_per_km": 900},
}
assert set(EVERY_SETTING) == set(Settings.__struct_fields__), "every setting is tried once"
