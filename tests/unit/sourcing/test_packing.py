"""Parcels of an order: whole units, none above the limit unless a single unit is, as many as packing needs."""

from itertools import combinations
from random import Random

import pytest

from engine.commands.configuration import Configure, Item
from engine.supply.explaining import explain
from engine.supply.packing import packed_weights, parcels_of
from engine.supply.request import Demand, Request
from tests.unit.engine.shop import HALLE, KETTLE, LEIPZIG, TOWEL, Shop
from tests.unit.engine.test_policy_plans import changed, shop_with


@pytest.mark.parametrize(
    ("weights", "quantities", "limit", "parcels"),
    [
        ([100, 49], [4, 4], 150, 4),  # each of 100 has room for one of 49
        ([200], [4], 150, 4),  # above the limit alone
        ([200, 100], [1, 1], 150, 2),
        ([100], [4], 150, 4),
        ([60], [5], 150, 3),
        ([30], [100], 100, 34),
        ([50], [6], 150, 2),
        ([0], [9], 150, 1),
        ([0, 151], [9, 2], 150, 2),
        ([149, 2], [3, 1], 150, 4),
    ],
)
def test_parcels_are_packed_of_whole_units(weights: list[int], quantities: list[int], limit: int, parcels: int) -> None:
    assert parcels_of(weights, quantities, limit) == parcels
    packed = packed_weights(weights, quantities, limit)
    assert -(-sum(w * q for w, q in zip(packed, quantities, strict=True)) // limit) in (parcels, 0)
    assert all(0 < weight <= limit or not weight for weight in packed)


def packed_one_by_one(units: list[int], limit: int) -> int:
    """Best fit decreasing, unit by unit."""
    parcels: list[int] = []
    for unit in sorted((min(unit, limit) for unit in units if unit), reverse=True):
        fits = [at for at, weight in enumerate(parcels) if weight + unit <= limit]
        at = max(fits, key=lambda at: parcels[at], default=None)
        if at is None:
            parcels.append(unit)
        else:
            parcels[at] += unit
    return max(1, len(parcels))


@pytest.mark.parametrize("seed", range(300))
def test_units_counted_together_are_packed_as_one_by_one(seed: int) -> None:
    chance = Random(seed)
    limit = chance.choice((10, 60, 150, 315))
    weights = [chance.randint(0, limit + limit // 4) for _ in range(chance.randint(1, 6))]
    quantities = [chance.randint(1, 30) for _ in weights]
    units = [weight for weight, count in zip(weights, quantities, strict=True) for _ in range(count)]
    parcels = parcels_of(weights, quantities, limit)
    assert parcels == packed_one_by_one(units, limit)
    packed = packed_weights(weights, quantities, limit)
    counted = -(-sum(w * q for w, q in zip(packed, quantities, strict=True)) // limit)
    by_weight = -(-sum(min(w, limit) * q for w, q in zip(weights, quantities, strict=True)) // limit)
    assert by_weight <= counted <= parcels, "never more than are packed, never fewer than the weight needs"
    assert all(min(weight, limit) <= other <= limit for weight, other in zip(weights, packed, strict=True))


def test_what_fits_one_parcel_weighs_what_it_weighs() -> None:
    for one, other in combinations(range(1, 75), 2):
        assert packed_weights([one, other], [1, 1], 150) == [one, other]


def boxes(grams: int, other_grams: int) -> Shop:
    shop = shop_with(parcel_grams_max=15_000, parcel_cost_minor=400)
    items = {KETTLE: Item(name="Kettle", weight_grams=grams), TOWEL: Item(name="Towel", weight_grams=other_grams)}
    shop.done(Configure(items=items))
    shop.receive(KETTLE, LEIPZIG, 20)
    shop.receive(TOWEL, LEIPZIG, 20)
    return shop


def paid(shop: Shop, *lines: tuple[str, int]) -> int:
    """What the parcels of an order from Leipzig cost."""
    request = Request("web", [Demand(sku, count) for sku, count in lines], HALLE)
    explained, given = explain(shop.state, request, shop.now_ns)
    assert [shipment.node for shipment in explained.shipments] == [LEIPZIG]
    assert explained.cost_minor == sum(part.minor for part in explained.shipments[0].parts)
    assert given.decision.cost_minor == explained.cost_minor
    return next(part.minor for part in explained.shipments[0].parts if part.name == "parcels")


def test_an_order_pays_for_the_parcels_it_is_packed_into() -> None:
    assert paid(boxes(10_000, 4_900), (KETTLE, 4), (TOWEL, 4)) == 4 * 400
    assert paid(boxes(20_000, 4_900), (KETTLE, 4)) == 4 * 400
    assert paid(boxes(10_000, 4_900), (KETTLE, 4)) == 4 * 400
    assert paid(boxes(20_000, 4_900), (KETTLE, 1), (TOWEL, 3)) == 2 * 400


def test_what_is_paid_by_weight_is_paid_for_what_units_weigh() -> None:
    heavy = boxes(20_000, 4_900)
    before = paid(heavy, (KETTLE, 2))
    changed(heavy, "sourcing_policies", "rules", cost_per_100_grams_minor=3)
    assert paid(heavy, (KETTLE, 2)) == before
    request = Request("web", [Demand(KETTLE, 2)], HALLE)
    explained, _ = explain(heavy.state, request, heavy.now_ns)
    assert [part.minor for part in explained.shipments[0].parts if part.name == "weight"] == [2 * 200 * 3]
