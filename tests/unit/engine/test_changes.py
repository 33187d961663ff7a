"""Changes of orders: what they would do, what they do, and what they may not."""

from typing import TypedDict, Unpack

from msgspec.structs import replace

from engine import limits
from engine.areas import Area
from engine.commands.configuration import Configure
from engine.commands.inbound import ExpectInbound, InboundQuantity, ReceiveInbound
from engine.commands.orders import (
    AdvanceFulfilment,
    ConfirmChange,
    DeclineChange,
    Delivery,
    OrderLineRequest,
    ProposeChange,
    SetLine,
)
from engine.commands.policies import SourcingPolicy
from engine.facts.orders import ChangeProposed
from engine.limits import NS_PER_SECOND
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TOWEL, TRAY, Shop, shop_document

PASSAU = Area("DE", "94", 486, 134)


class What(TypedDict, total=False):
    """What may be different about an order."""

    add: tuple[OrderLineRequest, ...]
    set: tuple[SetLine, ...]
    area: Area
    party: str
    contact: bytes
    delivery: Delivery
    pickup_node: str


def propose(shop: Shop, order: str, **what: Unpack[What]) -> int:
    """A change that can be proposed; its number."""
    return shop.done(ProposeChange(order, "customer called", **what)).seq


def more_of(line: str, quantity: int) -> tuple[SetLine, ...]:
    return (SetLine(line, quantity),)


def test_a_proposal_says_what_it_would_do_and_does_nothing() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 10)
    order = shop.order((KETTLE, 2))
    propose(shop, order, set=more_of("1", 5), add=(OrderLineRequest("2", KETTLE, 1, 2_000),))
    fact = shop.facts[0]
    assert isinstance(fact, ChangeProposed)
    assert sum(posting.quantity for posting in fact.would_move) == 4
    assert fact.money_minor == 3 * 2_50 + 2_000
    assert shop.the_order(order).lines[0].quantity == 2
    assert shop.at(KETTLE, LEIPZIG).allocated == 2


def test_a_confirmed_change_adds_units_and_lines_and_a_version() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 10)
    shop.receive(TOWEL, BERLIN, 3)
    order = shop.order((KETTLE, 2))
    change = propose(shop, order, set=more_of("1", 5), add=(OrderLineRequest("2", TOWEL, 3),))
    shop.done(ConfirmChange(change))
    after = shop.the_order(order)
    assert [(line.id, line.quantity, line.allocated) for line in after.lines] == [("1", 5, 5), ("2", 3, 3)]
    assert [(f.node, sum(t.quantity for t in f.lines)) for f in after.fulfilments] == [
        (LEIPZIG, 2), (LEIPZIG, 3), (BERLIN, 3),
    ]  # fmt: skip
    assert after.changes[0].decided_seq == shop.state.seq
    shop.restart()
    assert shop.the_order(order).changes[0].state == "confirmed"


def test_fewer_units_are_taken_from_what_waits_first_and_freed_for_others() -> None:
    shop = Shop()
    shop.receive(TRAY, LEIPZIG, 4)
    order = shop.order((TRAY, 7))
    shop.done(ConfirmChange(propose(shop, order, set=more_of("1", 3))))
    line = shop.the_order(order).lines[0]
    assert (line.quantity, line.allocated, line.backordered, line.cancelled) == (3, 3, 0, 0)
    assert shop.at(TRAY, LEIPZIG).available == 1


def test_a_line_set_to_nothing_leaves_and_with_the_last_the_order_ends() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 4)
    order = shop.order((KETTLE, 2))
    change = propose(shop, order, set=more_of("1", 0))
    shop.done(ConfirmChange(change))
    assert shop.the_order(order).state == "cancelled"
    assert order not in shop.state.orders.open
    shop.refused(ConfirmChange(change), ResultCode.INVALID_TRANSITION)


def test_a_line_cannot_go_below_what_has_shipped_and_nothing_of_the_change_is_applied() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 3)
    shop.receive(TOWEL, BERLIN, 9)
    order = shop.order((KETTLE, 3), (TOWEL, 2))
    change = propose(shop, order, set=(SetLine("1", 1), SetLine("2", 5)))
    shop.done(AdvanceFulfilment(next(n for n, node, _ in shop.work(order) if node == LEIPZIG), "ship"))
    shop.refused(ConfirmChange(change), ResultCode.BELOW_SHIPPED)
    shop.refused(ProposeChange(order, "again", set=(SetLine("1", 2),)), ResultCode.BELOW_SHIPPED)
    assert [line.quantity for line in shop.the_order(order).lines] == [3, 2]


def test_stock_that_has_gone_since_the_proposal_refuses_it_whole() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.receive(TOWEL, LEIPZIG, 5)
    order = shop.order((KETTLE, 1))
    change = propose(shop, order, set=more_of("1", 4), add=(OrderLineRequest("2", TOWEL, 1),))
    shop.order((KETTLE, 3))
    refusal = shop.refused(ConfirmChange(change), ResultCode.INSUFFICIENT_STOCK)
    assert [(s.sku, s.requested, s.available) for s in refusal.lines] == [(KETTLE, 3, 1)]
    shop.move(KETTLE, LEIPZIG, "receipt", 5)
    shop.done(ConfirmChange(change))


def test_more_of_what_may_wait_is_backordered() -> None:
    shop = Shop()
    shop.receive(TRAY, LEIPZIG, 2)
    order = shop.order((TRAY, 2))
    shop.done(ConfirmChange(propose(shop, order, set=more_of("1", 5))))
    assert shop.the_order(order).lines[0].backordered == 3
    shop.receive(TRAY, BERLIN, 3)
    assert shop.the_order(order).lines[0].allocated == 5


def test_a_declined_change_cannot_be_confirmed() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 1))
    change = propose(shop, order, set=more_of("1", 2))
    shop.done(DeclineChange(change))
    shop.refused(ConfirmChange(change), ResultCode.INVALID_TRANSITION)
    shop.refused(DeclineChange(change), ResultCode.INVALID_TRANSITION)


def test_a_new_address_moves_what_no_node_has_begun_when_it_pays() -> None:
    shop = Shop()
    for node in (LEIPZIG, MUNICH):
        shop.receive(KETTLE, node, 5)
    shop.done(Configure(sourcing_policies={"near": SourcingPolicy(name="Near", cost_per_100_km_minor=100)}))
    shop.done(Configure(channels={"web": shop_document(sourcing_policy="near").channels["web"]}))
    order = shop.order((KETTLE, 2))
    assert [node for _, node, _ in shop.work(order)] == [LEIPZIG]
    change = propose(shop, order, area=PASSAU, party="p-1", contact=b"sealed")
    shop.done(ConfirmChange(change))
    assert [(node, state) for _, node, state in shop.work(order)] == [(LEIPZIG, "cancelled"), (MUNICH, "released")]
    assert shop.the_order(order).area == PASSAU
    assert (shop.at(KETTLE, LEIPZIG).allocated, shop.at(KETTLE, MUNICH).allocated) == (0, 2)


def test_a_new_address_leaves_what_a_node_has_begun_where_it_is() -> None:
    shop = Shop()
    for node in (LEIPZIG, MUNICH):
        shop.receive(KETTLE, node, 5)
    order = shop.order((KETTLE, 2))
    shop.done(AdvanceFulfilment(shop.work(order)[0][0], "pick"))
    shop.done(ConfirmChange(propose(shop, order, area=PASSAU, party="p-1", contact=b"sealed")))
    assert [(node, state) for _, node, state in shop.work(order)] == [(LEIPZIG, "picked")]


def test_a_parcel_becomes_a_pickup_only_before_anybody_has_begun() -> None:
    shop = Shop()
    pickup_at(shop, BERLIN)
    for node in (LEIPZIG, BERLIN):
        shop.receive(KETTLE, node, 5)
    order, begun = shop.order((KETTLE, 2)), shop.order((KETTLE, 1))
    shop.done(AdvanceFulfilment(shop.work(begun)[0][0], "accept"))
    way: What = {"delivery": "pickup", "pickup_node": BERLIN}
    shop.refused(ProposeChange(begun, "comes by", **way), ResultCode.INVALID_TRANSITION)
    shop.done(ConfirmChange(propose(shop, order, **way)))
    assert [(node, state) for _, node, state in shop.work(order)] == [(LEIPZIG, "cancelled"), (BERLIN, "released")]
    shop.done(AdvanceFulfilment(shop.work(order)[1][0], "collect"))
    assert shop.the_order(order).state == "collected"


def pickup_at(shop: Shop, node: str) -> None:
    """Customers may come to a node from now on."""
    shop.done(Configure(nodes={node: replace(shop.state.configuration.nodes[node], pickup=True)}))


def test_what_a_change_names_must_be_there_and_named_once() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 1))
    shop.refused(ProposeChange("W-404", "?", set=(SetLine("1", 2),)), ResultCode.NOT_FOUND)
    shop.refused(ProposeChange(order, "?", set=(SetLine("7", 2),)), ResultCode.UNKNOWN_LINE)
    shop.refused(ProposeChange(order, "?", set=(SetLine("1", 2), SetLine("1", 3))), ResultCode.MALFORMED_REQUEST)
    shop.refused(ProposeChange(order, "?", add=(OrderLineRequest("1", KETTLE, 2),)), ResultCode.MALFORMED_REQUEST)
    shop.refused(ProposeChange(order, "?", add=(OrderLineRequest("2", "NO-SUCH", 2),)), ResultCode.UNKNOWN_SKU)
    shop.refused(ProposeChange(order, "?", delivery="pickup", pickup_node=BERLIN), ResultCode.NO_PICKUP)
    shop.refused(ProposeChange(order, "?", delivery="pickup", pickup_node="moon"), ResultCode.UNKNOWN_NODE)
    shop.refused(ConfirmChange(999), ResultCode.NOT_FOUND)


def test_a_pick_and_a_change_at_once_have_one_winner() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 5)
    order = shop.order((KETTLE, 3))
    change = propose(shop, order, set=more_of("1", 0))
    shop.submit(ConfirmChange(change))
    shop.submit(AdvanceFulfilment(shop.work(order)[0][0], "pick"))
    changed, picked = shop.settle()
    assert changed.seq
    assert picked.code is ResultCode.INVALID_TRANSITION


def shop_with_a_full_node() -> tuple[Shop, str]:
    """Leipzig sends one order a day, and that is this one; customers may come to it. Berlin has kettles too."""
    shop = Shop()
    leipzig = replace(shop.state.configuration.nodes[LEIPZIG], orders_per_day_max=1, pickup=True)
    shop.done(Configure(nodes={LEIPZIG: leipzig}))
    for node in (LEIPZIG, BERLIN):
        shop.receive(KETTLE, node, 5)
    order = shop.order((KETTLE, 2))
    assert shop.work(order) == [(1, LEIPZIG, "released")]
    return shop, order


def test_a_new_address_leaves_work_where_its_node_has_no_other_place() -> None:
    shop, order = shop_with_a_full_node()
    shop.done(ConfirmChange(propose(shop, order, area=PASSAU, party="p-1", contact=b"sealed")))
    assert shop.work(order) == [(1, LEIPZIG, "released")]
    assert shop.the_order(order).area == PASSAU


def test_with_a_new_address_more_comes_from_where_there_are_places() -> None:
    shop, order = shop_with_a_full_node()
    change = propose(shop, order, set=more_of("1", 5), area=PASSAU, party="p-1", contact=b"sealed")
    shop.done(ConfirmChange(change))
    assert shop.work(order) == [(1, LEIPZIG, "released"), (2, BERLIN, "released")]
    assert shop.the_order(order).lines[0].allocated == 5


def test_a_parcel_becomes_no_pickup_at_a_node_without_a_place_for_it() -> None:
    shop, order = shop_with_a_full_node()
    command = ProposeChange(order, "comes by", delivery="pickup", pickup_node=LEIPZIG)
    shop.refused(command, ResultCode.INSUFFICIENT_STOCK)
    assert shop.errors == []


def test_with_a_new_address_more_does_not_depend_on_a_node_that_sends_no_more() -> None:
    shop, order = shop_with_a_full_node()
    shop.done(Configure(nodes={LEIPZIG: replace(shop.state.configuration.nodes[LEIPZIG], ships=False)}))
    change = propose(shop, order, set=more_of("1", 3), area=PASSAU, party="p-1", contact=b"sealed")
    shop.done(ConfirmChange(change))
    assert shop.work(order) == [(1, LEIPZIG, "released"), (2, BERLIN, "released")]


def test_two_changes_cannot_both_give_a_line_the_same_id() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 9)
    order = shop.order((KETTLE, 1))
    first, second = (propose(shop, order, add=(OrderLineRequest("2", KETTLE, 1),)) for _ in range(2))
    shop.done(ConfirmChange(first))
    shop.refused(ConfirmChange(second), ResultCode.INVALID_TRANSITION)
    assert [line.id for line in shop.the_order(order).lines] == ["1", "2"]


def test_an_order_does_not_grow_beyond_its_lines() -> None:
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 2_000)
    order = shop.order(*[(KETTLE, 1)] * limits.ORDER_LINES_MAX)
    more = (OrderLineRequest("one more", KETTLE, 1),)
    shop.refused(ProposeChange(order, "?", add=more), ResultCode.INVALID_TRANSITION)


def test_what_arrives_elsewhere_is_not_handed_to_an_order_that_is_picked_up_by_now() -> None:
    shop = Shop()
    pickup_at(shop, BERLIN)
    shop.done(Configure(sourcing_policies={"soon": SourcingPolicy(name="Soon", inbound_days_max=9)}))
    shop.done(Configure(channels={"web": shop_document(sourcing_policy="soon").channels["web"]}))
    shop.done(ExpectInbound("smith", LEIPZIG, (InboundQuantity(TRAY, 2),), shop.now_ns + 86_400 * NS_PER_SECOND))
    order = shop.order((TRAY, 2))
    assert shop.the_order(order).lines[0].claimed == 2
    shop.done(ConfirmChange(propose(shop, order, delivery="pickup", pickup_node=BERLIN)))
    shop.done(ReceiveInbound(1))
    assert shop.work(order) == []
    assert (shop.the_order(order).lines[0].backordered, shop.at(TRAY, LEIPZIG).available) == (2, 2)
    shop.receive(TRAY, BERLIN, 2)
    assert [(node, state) for _, node, state in shop.work(order)] == [(BERLIN, "released")]
