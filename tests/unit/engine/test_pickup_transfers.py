"""What a pickup node lacks is brought there: bound where it is, promised with a date, ready when it has come."""

from typing import Any

from msgspec.structs import replace

from engine.commands.configuration import Configure
from engine.commands.inbound import CancelInbound, ReceiveInbound
from engine.commands.orders import AdvanceFulfilment, CancelOrder
from engine.commands.policies import Conditions, NodeSelector, Override, Settings, SourcingPolicy
from engine.commands.transfers import ArrivedLine, CancelTransfer, ReceiveTransfer, ShipTransfer
from engine.results import ResultCode
from engine.supply.terms import NS_PER_DAY
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TOWEL, Shop, place, shop_document

AT_BERLIN: dict[str, Any] = {"delivery": "pickup", "pickup_node": BERLIN}


def shop_with(days: int | None = 2) -> Shop:
    """Berlin hands out; one kettle there, three in Leipzig, five in Munich."""
    shop = Shop()
    shop.done(Configure(nodes={BERLIN: replace(shop.state.configuration.nodes[BERLIN], pickup=True)}))
    policy = SourcingPolicy(name="Bring", pickup_transfer_days=days)
    shop.done(Configure(sourcing_policies={"bring": policy}))
    shop.done(Configure(channels={"web": shop_document(sourcing_policy="bring").channels["web"]}))
    for node, units in ((BERLIN, 1), (LEIPZIG, 3), (MUNICH, 5)):
        shop.receive(KETTLE, node, units)
    return shop


def test_what_is_missing_is_bound_elsewhere_and_promised_with_a_date() -> None:
    shop = shop_with()
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.backordered, line.claimed) == (1, 3, 3)
    assert line.claims[0].delivers_at_ns is not None
    assert line.claims[0].delivers_at_ns >= shop.now_ns + 2 * NS_PER_DAY
    assert shop.at(KETTLE, LEIPZIG).available == 0
    moving = shop.state.transfers.open[1]
    assert (moving.source, moving.target, moving.lines[0].quantity) == (LEIPZIG, BERLIN, 3)
    shop.restart()


def test_what_arrives_is_this_orders_whoever_else_waits() -> None:
    shop = shop_with()
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.refused(ReceiveInbound(1), ResultCode.INVALID_TRANSITION)
    shop.done(ReceiveTransfer(1))
    assert shop.the_order(order).lines[0].allocated == 4
    assert [(node, state) for _, node, state in shop.work(order)] == [(BERLIN, "released")]
    assert (shop.at(KETTLE, BERLIN).on_hand, shop.at(KETTLE, BERLIN).available) == (4, 0)
    for number, _, _ in shop.work(order):
        shop.done(AdvanceFulfilment(number, "collect"))
    assert shop.the_order(order).state == "collected"
    assert shop.state.ledger.totals()["supplier"] == -9
    shop.restart()


def test_several_nodes_bring_what_one_has_not() -> None:
    shop = shop_with()
    order = shop.order((KETTLE, 8), **AT_BERLIN)
    assert {t.source: t.lines[0].quantity for t in shop.state.transfers.open.values()} == {LEIPZIG: 2, MUNICH: 5} or {
        t.source: t.lines[0].quantity for t in shop.state.transfers.open.values()
    } == {LEIPZIG: 3, MUNICH: 4}
    for number in (1, 2):
        shop.done(ShipTransfer(number))
        shop.done(ReceiveTransfer(number))
    assert shop.the_order(order).lines[0].allocated == 8


def test_without_the_policy_or_enough_anywhere_it_is_refused() -> None:
    shop = shop_with(days=None)
    shop.refused(place("W-9", (KETTLE, 2), **AT_BERLIN), ResultCode.INSUFFICIENT_STOCK)
    shop = shop_with()
    shop.refused(place("W-9", (KETTLE, 10), **AT_BERLIN), ResultCode.INSUFFICIENT_STOCK)
    shop.refused(place("W-9", (KETTLE, 4), (TOWEL, 1), **AT_BERLIN), ResultCode.INSUFFICIENT_STOCK)


def test_a_cancelled_order_leaves_what_is_on_its_way_to_whoever_comes() -> None:
    shop = shop_with()
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(CancelOrder(order, "changed my mind"))
    shop.done(ReceiveTransfer(1))
    assert shop.at(KETTLE, BERLIN).available == 4


def test_a_transfer_that_is_called_off_takes_the_promise_with_it_where_nobody_else_has_it() -> None:
    shop = shop_with()
    shop.move(KETTLE, MUNICH, "damage", 5)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(CancelTransfer(1))
    line = shop.the_order(order).lines[0]
    assert (line.backordered, line.claims) == (3, ())
    assert shop.at(KETTLE, LEIPZIG).available == 3
    shop.receive(KETTLE, BERLIN, 3)
    assert shop.the_order(order).lines[0].allocated == 4


def test_what_is_lost_on_the_way_is_promised_no_more_where_nobody_else_has_it() -> None:
    shop = shop_with()
    shop.move(KETTLE, MUNICH, "damage", 5)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(ReceiveTransfer(1, (ArrivedLine(KETTLE, 2, 1),)))
    line = shop.the_order(order).lines[0]
    assert (line.allocated, line.backordered, line.claimed) == (2, 2, 0)
    assert not shop.state.inbound.open


def test_what_arrives_after_its_promise_was_called_off_is_the_nodes_own() -> None:
    shop = shop_with()
    shop.move(KETTLE, MUNICH, "damage", 5)
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    shop.done(ShipTransfer(1))
    shop.done(CancelInbound(1))
    shop.done(CancelOrder(order, "waited long enough"))
    shop.done(ReceiveTransfer(1))
    assert (shop.at(KETTLE, BERLIN).on_hand, shop.at(KETTLE, BERLIN).available) == (4, 4)
    assert shop.state.ledger.totals()["supplier"] == -9


def test_what_is_brought_follows_the_overrides_of_the_customers_group_and_of_the_price() -> None:
    """Trade customers have kettles brought, but not from Leipzig; dear orders (a kettle is 2.50 in each) within a week."""
    shop = shop_with(days=None)
    trade = Override(
        Conditions(customer_groups=("trade",)),
        Settings(pickup_transfer_days=3, excluded=(NodeSelector(nodes=(LEIPZIG,)),)),
    )
    dear = Override(Conditions(value_minor_from=10_00), Settings(pickup_transfer_days=7))
    policy = SourcingPolicy(name="Bring", overrides=(trade, dear))
    shop.done(Configure(sourcing_policies={"bring": policy}))
    shop.refused(place("W-91", (KETTLE, 2), **AT_BERLIN), ResultCode.INSUFFICIENT_STOCK)
    order = shop.order((KETTLE, 2), customer_group="trade", **AT_BERLIN)
    moving = shop.state.transfers.open[1]
    assert (moving.source, moving.lines[0].quantity) == (MUNICH, 1)
    claim = shop.the_order(order).lines[0].claims[0]
    assert claim.delivers_at_ns is not None
    assert 3 * NS_PER_DAY <= claim.delivers_at_ns - shop.now_ns < 7 * NS_PER_DAY
    order = shop.order((KETTLE, 4), **AT_BERLIN)
    claim = shop.the_order(order).lines[0].claims[0]
    assert claim.delivers_at_ns is not None
    assert claim.delivers_at_ns - shop.now_ns >= 7 * NS_PER_DAY
    shop.restart()
