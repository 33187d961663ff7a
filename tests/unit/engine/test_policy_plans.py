"""Rules that people set, and the plans they lead to."""

from typing import Any

import pytest

from engine.commands.configuration import Configure, NodeItem
from engine.commands.orders import AdvanceFulfilment, CancelOrder
from engine.commands.policies import (
    CarrierRate,
    Conditions,
    ItemSelector,
    NodeSelector,
    Override,
    Preference,
    SafetyStockRule,
    Settings,
    SourcingPolicy,
    UnitCap,
    WeightStep,
)
from engine.commands.reservations import (
    ChangeReservation,
    Destination,
    NewQuantityLine,
    QuantityLine,
    ReleaseReservation,
    ReserveStock,
)
from engine.configuration.master_data import evolve_set
from engine.facts.configuration import NodeItemSet
from engine.facts.reservations import StockReserved
from engine.limits import NS_PER_SECOND
from engine.supply.policies import FUNCTIONS, PricedNodes, price_function
from tests.unit.engine.shop import BERLIN, HALLE, KETTLE, LEIPZIG, MUNICH, TOWEL, ResultCode, Shop, line

DAY_SECONDS = 86_400


def changed(shop: Shop, part: str, name: str, **fields: Any) -> None:
    body = getattr(shop.state.configuration, part)[name]
    before = {field: getattr(body, field) for field in type(body).__struct_fields__}
    shop.done(Configure(**{part: {name: type(body)(**{**before, **fields})}}))


def shop_with(*overrides: Override, **settings: Any) -> Shop:
    """Five kettles and five towels at each of the three nodes, and a policy for the channel "web"."""
    shop = Shop()
    policy = SourcingPolicy(name="Rules", overrides=overrides, **settings)
    shop.done(Configure(sourcing_policies={"rules": policy}))
    changed(shop, "channels", "web", sourcing_policy="rules")
    for node in (LEIPZIG, BERLIN, MUNICH):
        shop.receive(KETTLE, node, 5)
        shop.receive(TOWEL, node, 5)
    return shop


def nodes_for(shop: Shop, *lines: Any, **more: Any) -> list[str]:
    """The nodes that a reservation to Halle comes from, in line order."""
    more.setdefault("ship_to", Destination("DE", "06108", 51.48, 11.97))
    held = shop.reserve(*(lines or (line(KETTLE, 1),)), **more)
    return [node for _, node, _ in shop.nodes_of(held)]


def test_the_nearest_node_is_the_cheapest() -> None:
    assert nodes_for(shop_with()) == [LEIPZIG]


@pytest.mark.parametrize(
    "selector",
    [
        NodeSelector(nodes=(LEIPZIG,)),
        NodeSelector(within_km=100),
        NodeSelector(nodes=(LEIPZIG, MUNICH), countries=("DE",), kinds=("warehouse",), within_km=200, ships=True),
    ],
)
def test_an_excluded_node_sends_nothing(selector: NodeSelector) -> None:
    assert nodes_for(shop_with(excluded=(selector,))) == [BERLIN]


def test_only_eligible_nodes_send() -> None:
    assert nodes_for(shop_with(eligible=(NodeSelector(nodes=(MUNICH,)), NodeSelector(nodes=(BERLIN,))))) == [BERLIN]


def test_nothing_is_within_a_distance_that_nobody_knows() -> None:
    shop = shop_with(eligible=(NodeSelector(within_km=20_000),))
    shop.refused(ReserveStock("web", (line(KETTLE, 1),)), ResultCode.INSUFFICIENT_STOCK)


def test_groups_of_nodes_are_selected_by_name() -> None:
    shop = shop_with(excluded=(NodeSelector(groups=("full",)),))
    changed(shop, "nodes", LEIPZIG, groups=("full", "saxony"))
    assert nodes_for(shop) == [BERLIN]


def test_a_preference_is_worth_what_it_says() -> None:
    capital = Preference(name="capital", cost_minor=-1_000, nodes=NodeSelector(nodes=(BERLIN,)))
    assert nodes_for(shop_with(preferences=(capital,))) == [BERLIN]
    shy = Preference(name="capital", cost_minor=-1, nodes=NodeSelector(nodes=(BERLIN,)))
    assert nodes_for(shop_with(preferences=(shy,))) == [LEIPZIG]


def test_a_price_per_unit_of_some_items_moves_only_those() -> None:
    sell_out = Preference("season", -500, "unit", NodeSelector(nodes=(MUNICH,)), ItemSelector(skus=(TOWEL,)))
    shop = shop_with(preferences=(sell_out,), split_penalty_minor=0)
    assert nodes_for(shop, line(KETTLE, 1)) == [LEIPZIG]
    assert nodes_for(shop, line(TOWEL, 3)) == [MUNICH]


def test_what_a_unit_could_earn_at_its_node_counts() -> None:
    shop = shop_with()
    shop.done(Configure(node_items={LEIPZIG: {KETTLE: NodeItem(sourcing_minor_per_unit=900)}}))
    assert nodes_for(shop, line(KETTLE, 1)) == [BERLIN]
    assert nodes_for(shop, line(TOWEL, 1)) == [LEIPZIG]


def test_old_stock_goes_first() -> None:
    shop = shop_with(age_minor_per_30_days=100)
    assert nodes_for(shop) == [LEIPZIG]
    shop.done(Configure(node_items={MUNICH: {KETTLE: NodeItem(stocked_since="2020-01-01")}}))
    assert nodes_for(shop) == [MUNICH]


def test_stock_since_a_day_that_never_was_has_no_age() -> None:
    """Such a date is refused now; a journal from before may hold one."""
    shop = shop_with(age_minor_per_30_days=100)
    evolve_set(shop.state, NodeItemSet(MUNICH, KETTLE, NodeItem(stocked_since="2026-02-31")))
    assert nodes_for(shop) == [LEIPZIG]


def test_the_first_row_of_the_carrier_table_that_fits_counts() -> None:
    rates = (
        CarrierRate("bike", (WeightStep(100),), origins=NodeSelector(nodes=(MUNICH,)), up_to_km=500),
        CarrierRate("DHL", (WeightStep(400, 1_000), WeightStep(9_000))),
    )
    shop = shop_with(carriers=rates)
    assert nodes_for(shop) == [MUNICH]
    changed(shop, "items", KETTLE, weight_grams=400)
    assert nodes_for(shop, line(KETTLE, 3)) == [MUNICH]


def test_a_node_without_a_row_cannot_send() -> None:
    rates = (CarrierRate("DHL", (WeightStep(400),), origins=NodeSelector(nodes=(MUNICH,)), countries=("DE",)),)
    shop = shop_with(carriers=rates)
    assert nodes_for(shop) == [MUNICH]
    abroad = ReserveStock("web", (line(KETTLE, 1),), ship_to=Destination("FR"))
    shop.refused(abroad, ResultCode.INSUFFICIENT_STOCK)
    shop.done(ReserveStock("web", (line(KETTLE, 1),)))  # without an address it is somewhere in the channel's country


def test_a_heavy_order_pays_for_the_step_it_weighs() -> None:
    rates = (
        CarrierRate("near", (WeightStep(100, 1_000), WeightStep(5_000)), origins=NodeSelector(nodes=(LEIPZIG,))),
        CarrierRate("far", (WeightStep(300),)),
    )
    shop = shop_with(carriers=rates, cost_per_100_km_minor=0)
    changed(shop, "items", KETTLE, weight_grams=600)
    assert nodes_for(shop, line(KETTLE, 1)) == [LEIPZIG]
    assert nodes_for(shop, line(KETTLE, 2)) == [BERLIN]


def test_a_line_that_may_not_be_split_comes_whole() -> None:
    shop = shop_with(line_split=False)
    shop.refused(ReserveStock("web", (line(KETTLE, 6),)), ResultCode.INSUFFICIENT_STOCK)
    assert nodes_for(shop, line(KETTLE, 5)) == [LEIPZIG]


def test_of_a_line_that_may_not_be_split_a_part_is_what_one_node_has() -> None:
    """With six asked for, all nodes together have them, and no node has: that is no reason to give nothing."""
    shop = shop_with(line_split=False)
    assert nodes_for(shop, line(KETTLE, 6), allow_partial=True) == [LEIPZIG]
    assert shop.at(KETTLE, LEIPZIG).reserved == 5


def test_no_more_nodes_than_the_policy_allows() -> None:
    shop = shop_with(nodes_max=2)
    refused = shop.refused(ReserveStock("web", (line(KETTLE, 11),)), ResultCode.INSUFFICIENT_STOCK)
    assert [(s.sku, s.requested, s.available) for s in refused.lines] == [(KETTLE, 11, 10)]
    assert len(nodes_for(shop, line(KETTLE, 10))) == 2


def test_both_parts_of_a_split_must_be_worth_it() -> None:
    shop = shop_with(split_value_minor_min=1_000)
    changed(shop, "items", KETTLE, value_minor=300)
    refused = shop.refused(ReserveStock("web", (line(KETTLE, 6),)), ResultCode.INSUFFICIENT_STOCK)
    assert refused.lines[0].requested == 6
    assert len(nodes_for(shop, line(KETTLE, 9))) == 2


def test_a_cap_is_units_of_all_lines_together() -> None:
    shop = shop_with(unit_caps=(UnitCap(3, NodeSelector(nodes=(LEIPZIG,))),))
    held = shop.nodes_of(shop.reserve(line(KETTLE, 5), line(TOWEL, 5)))
    assert sum(units for _, node, units in held if node == LEIPZIG) <= 3


def test_the_last_safety_stock_rule_that_matches_wins() -> None:
    rules = (SafetyStockRule(5), SafetyStockRule(0, nodes=NodeSelector(nodes=(MUNICH,))))
    shop = shop_with(safety_stock=rules)
    assert nodes_for(shop) == [MUNICH]
    shop.done(Configure(node_items={MUNICH: {KETTLE: NodeItem(safety_stock=5)}}))
    assert nodes_for(shop) == [MUNICH], "the policy's rule counts, not the node's own"
    shop.done(Configure(node_items={MUNICH: {KETTLE: NodeItem(sellable=False)}}))
    shop.refused(ReserveStock("web", (line(KETTLE, 1),)), ResultCode.INSUFFICIENT_STOCK)


def test_who_sends_only_whole_orders_gives_nobody_a_part() -> None:
    shop = shop_with(ship_complete=True)
    command = ReserveStock("web", (line(KETTLE, 99), line(TOWEL, 1)), allow_partial=True)
    shop.refused(command, ResultCode.INSUFFICIENT_STOCK)


def test_a_unit_that_costs_more_than_it_is_missed_for_is_left_out() -> None:
    shop = shop_with(unsourced_minor_per_unit=10, excluded=(NodeSelector(nodes=(LEIPZIG, BERLIN)),))
    command = ReserveStock("web", (line(KETTLE, 1),), allow_partial=True)
    shop.refused(command, ResultCode.INSUFFICIENT_STOCK)
    assert nodes_for(shop, line(KETTLE, 1)) == [MUNICH]


def test_own_code_adds_to_the_prices() -> None:
    def flood(shown: PricedNodes) -> list[int]:
        return [5_000 if node == LEIPZIG else 0 for node in shown.nodes]

    price_function("flood")(flood)
    try:
        shop = shop_with(functions=("flood",))
        assert nodes_for(shop) == [BERLIN]
    finally:
        del FUNCTIONS["flood"]
    shop.refused(
        Configure(sourcing_policies={"p": SourcingPolicy(name="p", functions=("flood",))}),
        ResultCode.MALFORMED_REQUEST,
    )


@pytest.mark.parametrize(
    ("when", "more"),
    [
        (Conditions(countries=("DE",)), {}),
        (Conditions(customer_groups=("club",)), {"customer_group": "club"}),
        (Conditions(item_groups=("brass",)), {}),
        (Conditions(value_minor_from=400), {}),
        (Conditions(valid_from="2020-01-01T00:00:00Z", valid_until="2100-01-01T00:00:00Z"), {}),
        (Conditions(weekdays=("mon", "tue", "wed", "thu", "fri", "sat", "sun")), {}),
        (Conditions(deliveries=("ship",)), {}),
    ],
)
def test_an_override_holds_while_its_conditions_do(when: Conditions, more: dict[str, Any]) -> None:
    shop = shop_with(Override(when, Settings(excluded=(NodeSelector(nodes=(LEIPZIG,)),)), "not Leipzig"))
    changed(shop, "items", KETTLE, groups=("brass",), value_minor=400)
    assert nodes_for(shop, **more) == [BERLIN]


@pytest.mark.parametrize(
    "when",
    [
        Conditions(countries=("FR",)),
        Conditions(customer_groups=("club",)),
        Conditions(item_groups=("linen",)),
        Conditions(value_minor_below=400),
        Conditions(valid_until="2020-01-01T00:00:00Z"),
        Conditions(deliveries=("pickup",)),
    ],
)
def test_an_override_does_not_hold_otherwise(when: Conditions) -> None:
    shop = shop_with(Override(when, Settings(excluded=(NodeSelector(nodes=(LEIPZIG,)),))))
    changed(shop, "items", KETTLE, groups=("brass",), value_minor=400)
    assert nodes_for(shop) == [LEIPZIG]


def test_the_fact_names_the_policy_its_version_and_the_overrides() -> None:
    shop = shop_with(Override(Conditions(countries=("DE",)), Settings(nodes_max=1)))
    version = shop.state.configuration.seqs["sourcing_policies"]["rules"][-1]
    nodes_for(shop)
    (fact,) = shop.facts
    assert isinstance(fact, StockReserved)
    assert fact.decision is not None
    assert (fact.decision.policy, fact.decision.version, fact.decision.overrides) == ("rules", version, (0,))
    assert fact.decision.bound_minor is None


def test_a_day_that_is_full_passes_the_order_on_and_a_release_gives_the_place_back() -> None:
    shop = shop_with()
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=1)
    assert nodes_for(shop) == [LEIPZIG]
    assert nodes_for(shop) == [BERLIN]
    number = next(n for n in shop.state.reservations.active if shop.nodes_of(n)[0][1] == LEIPZIG)
    shop.done(ReleaseReservation(number))
    assert nodes_for(shop) == [LEIPZIG]
    shop.restart()


def places_of(shop: Shop, reservation: int) -> list[str]:
    """The nodes at which a reservation takes a place of the day."""
    return [slot.node for slot in shop.reservation(reservation).slots]


def test_only_a_node_with_a_limit_takes_a_place() -> None:
    shop = shop_with()
    changed(shop, "nodes", BERLIN, orders_per_day_max=1)
    assert places_of(shop, shop.reserve(line(KETTLE, 1))) == []
    assert places_of(shop, shop.reserve(line(KETTLE, 1, BERLIN), line(KETTLE, 1, LEIPZIG))) == [BERLIN]
    shop.restart()


def test_a_reservation_that_shrinks_gives_up_the_place_it_needs_no_longer_and_only_that() -> None:
    shop = shop_with()
    for node in (LEIPZIG, BERLIN):
        changed(shop, "nodes", node, orders_per_day_max=5)
    held = shop.reserve(line(KETTLE, 1, LEIPZIG), line(KETTLE, 2, BERLIN), line(TOWEL, 1, BERLIN))
    assert sorted(places_of(shop, held)) == [BERLIN, LEIPZIG]
    shop.done(ReleaseReservation(held, (QuantityLine(KETTLE, 2),)))
    assert sorted(places_of(shop, held)) == [BERLIN, LEIPZIG]
    shop.done(ChangeReservation(held, (NewQuantityLine(TOWEL, 0),)))
    assert places_of(shop, held) == [LEIPZIG]
    assert [sum(nodes.values()) for nodes in shop.state.capacity.taken.values() if nodes] == [1]
    shop.restart()


def test_lines_that_name_nodes_get_them_though_the_rules_allow_fewer() -> None:
    shop = shop_with(nodes_max=1)
    held = shop.reserve(line(KETTLE, 1, LEIPZIG), line(TOWEL, 1, BERLIN), line(TOWEL, 2))
    assert shop.nodes_of(held) == [(KETTLE, LEIPZIG, 1), (TOWEL, BERLIN, 1), (TOWEL, LEIPZIG, 2)]
    both = shop.reserve(line(KETTLE, 1, LEIPZIG), line(TOWEL, 1, BERLIN))
    assert shop.nodes_of(both) == [(KETTLE, LEIPZIG, 1), (TOWEL, BERLIN, 1)]


@pytest.mark.parametrize(
    ("to", "cheaper", "dearer"),
    [
        (Destination("DE", "06108", 51.48, 11.97), LEIPZIG, BERLIN),
        (Destination("DE", "10115", 52.5, 13.4), BERLIN, LEIPZIG),
    ],
)
def test_a_line_from_two_nodes_gives_the_dearer_back_first(to: Destination, cheaper: str, dearer: str) -> None:
    shop = shop_with()
    held = shop.reserve(line(KETTLE, 10), ship_to=to)
    assert shop.nodes_of(held) == [(KETTLE, cheaper, 5), (KETTLE, dearer, 5)]
    shop.done(ReleaseReservation(held, (QuantityLine(KETTLE, 6),)))
    assert shop.nodes_of(held) == [(KETTLE, cheaper, 4)]


def test_a_place_passes_from_the_reservation_to_the_order_and_comes_back_with_its_cancellation() -> None:
    shop = shop_with()
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=1)
    order = shop.order((KETTLE, 1), area=HALLE)
    assert shop.work(order)[0][1] == LEIPZIG
    assert nodes_for(shop) == [BERLIN]
    shop.done(CancelOrder(order, "changed her mind"))
    assert nodes_for(shop) == [LEIPZIG]


def test_what_has_shipped_keeps_its_place_until_the_day_is_over() -> None:
    shop = shop_with()
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=1)
    order = shop.order((KETTLE, 1), area=HALLE)
    shop.done(AdvanceFulfilment(shop.work(order)[0][0], "ship"))
    assert nodes_for(shop) == [BERLIN]
    shop.wait(DAY_SECONDS)
    assert nodes_for(shop) == [LEIPZIG]


def test_a_full_node_may_be_waited_for() -> None:
    shop = shop_with(wait_days_max=3)
    changed(shop, "nodes", LEIPZIG, orders_per_day_max=1)
    promised = []
    for _ in range(3):
        assert nodes_for(shop) == [LEIPZIG]
        (fact,) = shop.facts
        assert isinstance(fact, StockReserved)
        promised.append(fact.lines[0].sources[0].ships_at_ns or 0)
    assert promised == sorted(set(promised))


def test_lateness_has_a_price_and_a_limit() -> None:
    shop = shop_with(late_minor_per_day=1_000)
    changed(shop, "nodes", LEIPZIG, lead_time_days=5)
    assert nodes_for(shop) == [BERLIN]
    strict = shop_with(deliver_within_days=3)
    changed(strict, "nodes", LEIPZIG, lead_time_days=5)
    assert nodes_for(strict) == [BERLIN]
    assert nodes_for(shop_with(deliver_within_days=9)) == [LEIPZIG]


def test_after_the_cut_off_the_parcel_leaves_the_next_day() -> None:
    shop = shop_with()
    changed(shop, "nodes", LEIPZIG, cut_off="16:00", time_zone="Europe/Berlin")
    leaves = []
    for _ in range(2):
        nodes_for(shop)
        (fact,) = shop.facts
        assert isinstance(fact, StockReserved)
        leaves.append(fact.lines[0].sources[0].ships_at_ns or 0)
        shop.wait(DAY_SECONDS)
    assert leaves[1] - leaves[0] == DAY_SECONDS * NS_PER_SECOND
