"""Between order and pick a better plan may appear: work that no node has begun moves, if that saves enough."""

from typing import Any

import pytest

from engine.commands.configuration import Configure
from engine.commands.maintenance import ImproveOrders
from engine.commands.orders import AdvanceFulfilment
from engine.commands.policies import SourcingPolicy
from tests.unit.engine.shop import BERLIN, HALLE, KETTLE, LEIPZIG, MUNICH, TOWEL, ResultCode, Shop


def improving_shop(**settings: Any) -> Shop:
    shop = Shop(sourcing_policy=None)
    policy = SourcingPolicy(name="Moving", **{"improve_minor_min": 1, **settings})
    shop.done(Configure(sourcing_policies={"moving": policy}))
    channel = shop.state.configuration.channels["web"]
    shop.done(Configure(channels={"web": type(channel)(**{**_fields(channel), "sourcing_policy": "moving"})}))
    return shop


def _fields(body: Any) -> dict[str, Any]:
    return {name: getattr(body, name) for name in type(body).__struct_fields__}


def live(shop: Shop, order: str) -> list[str]:
    return [node for _, node, state in shop.work(order) if state != "cancelled"]


def test_an_order_moves_to_the_near_node_when_stock_arrives_there() -> None:
    shop = improving_shop()
    shop.receive(KETTLE, MUNICH, 5)
    order = shop.order((KETTLE, 2))
    assert live(shop, order) == [MUNICH]
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.done(ImproveOrders((order,)))
    assert live(shop, order) == [LEIPZIG]
    assert shop.at(KETTLE, MUNICH).available == 5
    assert shop.at(KETTLE, LEIPZIG).allocated == 2
    shop.restart()


def test_two_parcels_become_one() -> None:
    shop = improving_shop()
    shop.receive(KETTLE, LEIPZIG, 1)
    shop.receive(TOWEL, BERLIN, 1)
    order = shop.order((KETTLE, 1), (TOWEL, 1))
    assert sorted(live(shop, order)) == [BERLIN, LEIPZIG]
    shop.receive(TOWEL, LEIPZIG, 1)
    shop.done(ImproveOrders((order,)))
    assert live(shop, order) == [LEIPZIG]


def test_what_a_node_has_accepted_stays_there() -> None:
    shop = improving_shop()
    shop.receive(KETTLE, MUNICH, 5)
    order = shop.order((KETTLE, 2))
    shop.done(AdvanceFulfilment(shop.work(order)[0][0], "accept"))
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.refused(ImproveOrders((order,)), ResultCode.NOT_FOUND)


def test_a_small_saving_is_left_alone() -> None:
    shop = improving_shop(improve_minor_min=100_000)
    shop.receive(KETTLE, MUNICH, 5)
    order = shop.order((KETTLE, 2))
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.refused(ImproveOrders((order,)), ResultCode.NOT_FOUND)


@pytest.mark.parametrize("policy", [None])
def test_it_is_off_by_default(policy: None) -> None:
    shop = Shop(sourcing_policy=policy)
    shop.receive(KETTLE, MUNICH, 5)
    order = shop.order((KETTLE, 2))
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.refused(ImproveOrders((order,)), ResultCode.NOT_FOUND)


def test_nothing_arrives_later_than_was_promised() -> None:
    shop = improving_shop()
    shop.receive(KETTLE, MUNICH, 5)
    order = shop.order((KETTLE, 2))
    leipzig = shop.state.configuration.nodes[LEIPZIG]
    shop.done(Configure(nodes={LEIPZIG: type(leipzig)(**{**_fields(leipzig), "lead_time_days": 4})}))
    shop.receive(KETTLE, LEIPZIG, 5)
    shop.refused(ImproveOrders((order,)), ResultCode.NOT_FOUND)


def test_freed_units_go_to_those_who_wait() -> None:
    shop = improving_shop()
    shop.receive("OAK-TRAY", MUNICH, 2)
    first = shop.order(("OAK-TRAY", 2))
    second = shop.order(("OAK-TRAY", 2), channel="market")
    assert shop.the_order(second).state == "backordered"
    shop.receive("OAK-TRAY", LEIPZIG, 2)  # goes to the second order, which waits
    assert shop.the_order(second).state == "open"
    assert live(shop, first) == [MUNICH]
    assert shop.the_order(second).area == HALLE
