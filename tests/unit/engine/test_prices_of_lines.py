"""Rules that hold from some value on: what a line costs is known wherever more is looked for, and counts for more than its item's value."""

from engine.commands.configuration import Configure
from engine.commands.policies import Conditions, NodeSelector, Override, Settings, SourcingPolicy
from engine.commands.reservations import ChangeReservation, DemandLine, NewQuantityLine, ReserveStock
from tests.unit.engine.shop import HALLE, KETTLE, LEIPZIG, MUNICH, TRAY, Shop, shop_document


def shop_where_dear_goods_come_from_munich() -> Shop:
    """From 5.00 on nothing is sent by Leipzig. Items have no value of their own."""
    shop = Shop()
    dear = Override(Conditions(value_minor_from=5_00), Settings(excluded=(NodeSelector(nodes=(LEIPZIG,)),)))
    shop.done(Configure(sourcing_policies={"careful": SourcingPolicy(name="Careful", overrides=(dear,))}))
    shop.done(Configure(channels={"web": shop_document(sourcing_policy="careful").channels["web"]}))
    return shop


def test_who_waits_is_served_by_the_rules_for_the_price_of_the_line() -> None:
    shop = shop_where_dear_goods_come_from_munich()
    cheap, dear = shop.order((TRAY, 1), area=HALLE), shop.order((TRAY, 2), area=HALLE)
    shop.receive(TRAY, LEIPZIG, 5)
    assert [line.allocated for number in (cheap, dear) for line in shop.the_order(number).lines] == [1, 0]
    shop.receive(TRAY, MUNICH, 5)
    assert [node for _, node, _ in shop.work(dear)] == [MUNICH]
    shop.restart()


def test_more_of_a_reserved_line_comes_by_the_rules_for_its_price() -> None:
    shop = shop_where_dear_goods_come_from_munich()
    for node in (LEIPZIG, MUNICH):
        shop.receive(KETTLE, node, 5)
    shop.done(ReserveStock("web", (DemandLine(KETTLE, 1, unit_price_minor=3_00),)))
    number = shop.state.seq
    shop.done(ChangeReservation(number, (NewQuantityLine(KETTLE, 3),)))
    sources = shop.reservation(number).lines[0].sources
    assert [(source.node, source.quantity) for source in sources] == [(LEIPZIG, 1), (MUNICH, 2)]
    shop.restart()
