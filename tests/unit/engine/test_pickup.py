"""What customers come for: bound where they come, never sent, never sought elsewhere."""

import pytest

from engine import commands as c
from engine.commands.orders import (
    AdvanceFulfilment,
    PackParcels,
    RejectFulfilment,
    ShortFulfilment,
    SourceOrderAgain,
    SplitFulfilment,
)
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TRAY, Shop, line, place
from tests.unit.engine.test_policy_plans import changed


@pytest.fixture
def shop() -> Shop:
    """Customers may come to Berlin; two kettles are there, ten in Leipzig."""
    made = Shop()
    changed(made, "nodes", BERLIN, pickup=True)
    made.receive(KETTLE, BERLIN, 2)
    made.receive(KETTLE, LEIPZIG, 10)
    return made


@pytest.mark.parametrize("delivery", ["pickup", "reserve_in_store"])
def test_it_is_handed_out_and_never_sent(shop: Shop, delivery: str) -> None:
    order = shop.order((KETTLE, 2), delivery=delivery, pickup_node=BERLIN)
    shop.refused(AdvanceFulfilment(1, "ship"), ResultCode.INVALID_TRANSITION)
    shop.refused(AdvanceFulfilment(1, "deliver"), ResultCode.INVALID_TRANSITION)
    shop.done(AdvanceFulfilment(1, "ready"))
    assert shop.at(KETTLE, BERLIN).on_hand == 2, "it lies there until somebody comes"
    shop.done(AdvanceFulfilment(1, "collect"))
    assert (shop.the_order(order).state, shop.at(KETTLE, BERLIN).on_hand) == ("collected", 0)


def test_a_parcel_is_neither_made_ready_nor_collected(shop: Shop) -> None:
    shop.order((KETTLE, 2))
    shop.refused(AdvanceFulfilment(1, "ready"), ResultCode.INVALID_TRANSITION)
    shop.refused(AdvanceFulfilment(1, "collect"), ResultCode.INVALID_TRANSITION)


def test_what_the_node_has_not_is_not_fetched_from_another(shop: Shop) -> None:
    shop.refused(place("W-1", (KETTLE, 3), delivery="pickup", pickup_node=BERLIN), ResultCode.INSUFFICIENT_STOCK)
    shop.refused(place("W-1", (KETTLE, 1), delivery="pickup", pickup_node=LEIPZIG), ResultCode.NO_PICKUP)


def test_ready_goods_that_turn_out_broken_are_left_to_a_person(shop: Shop) -> None:
    order = shop.order((KETTLE, 2), delivery="pickup", pickup_node=BERLIN)
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.done(RejectFulfilment(1, "damaged"))
    assert (shop.the_order(order).state, shop.work(order)) == ("unsourceable", [(1, BERLIN, "rejected")])
    shop.refused(SourceOrderAgain(order), ResultCode.INSUFFICIENT_STOCK)
    assert shop.at(KETTLE, LEIPZIG).available == 10


def test_a_backorder_waits_for_its_own_node(shop: Shop) -> None:
    order = shop.order((TRAY, 2), delivery="pickup", pickup_node=BERLIN)
    parcel = shop.order((TRAY, 1))
    shop.receive(TRAY, LEIPZIG, 5)
    assert (shop.work(order), len(shop.work(parcel))) == ([], 1)
    shop.receive(TRAY, BERLIN, 1)
    shop.receive(TRAY, BERLIN, 1)
    assert [(node, state) for _, node, state in shop.work(order)] == [(BERLIN, "released")]
    assert [take.quantity for take in shop.the_order(order).fulfilments[0].lines] == [2], "it goes together"
    shop.refused(AdvanceFulfilment(shop.work(order)[0][0], "ship"), ResultCode.INVALID_TRANSITION)


def test_a_node_that_gave_it_back_is_not_served_for_it_again(shop: Shop) -> None:
    shop.receive(TRAY, BERLIN, 2)
    order = shop.order((TRAY, 2), delivery="pickup", pickup_node=BERLIN)
    shop.done(RejectFulfilment(1, "damaged"))
    shop.receive(TRAY, MUNICH, 2)
    shop.receive(TRAY, BERLIN, 2)
    assert (shop.the_order(order).lines[0].backordered, shop.work(order)) == (2, [(1, BERLIN, "rejected")])


def test_a_reservation_counts_with_what_it_holds_at_the_node(shop: Shop) -> None:
    there = shop.reserve(line(KETTLE, 2, BERLIN))
    elsewhere = shop.reserve(line(KETTLE, 2, LEIPZIG))
    shop.refused(
        place("W-1", (KETTLE, 2), reservation=elsewhere, delivery="pickup", pickup_node=BERLIN),
        ResultCode.EXCEEDS_RESERVATION,
    )
    assert shop.reservation(elsewhere).state == "active"
    shop.done(place("W-1", (KETTLE, 2), reservation=there, delivery="pickup", pickup_node=BERLIN))
    assert shop.work("W-1") == [(1, BERLIN, "released")]


def test_short_and_divided_work_stays_at_the_node(shop: Shop) -> None:
    order = shop.order((KETTLE, 2), delivery="reserve_in_store", pickup_node=BERLIN)
    shop.done(SplitFulfilment(1, (c.orders.FulfilmentLine("1", 1),)))
    shop.done(AdvanceFulfilment(1, "ready"))
    shop.done(AdvanceFulfilment(1, "collect"))
    shop.done(ShortFulfilment(2, (c.orders.FoundLine("1", 0),)))
    found = shop.the_order(order).lines[0]
    assert (found.shipped, found.unsourceable, shop.at(KETTLE, LEIPZIG).available) == (1, 1, 10)
    shop.refused(PackParcels(2, ()), ResultCode.INVALID_TRANSITION)
