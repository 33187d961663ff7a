"""Missing units where several things meet: batches, expiry, a second world, and everything lost from memory."""

from engine.commands.orders import AdvanceFulfilment, CancelOrder
from engine.commands.reservations import ReleaseReservation, ReserveStock
from engine.commands.stock import MovementLine, MoveStock
from engine.facts.missing import MissingPaid
from engine.replay import invariants
from engine.results import Rejection, ResultCode
from engine.stock.at_risk import Watch, orders_at_risk
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, Shop, line, movement
from tests.unit.engine.test_simulating import STANDARD, busy_shop, simulated


def lacking_shop() -> Shop:
    """Berlin has promised 6 kettles, half of them to a reservation, and says that it has 2."""
    shop = Shop()
    shop.receive(KETTLE, BERLIN, 6)
    shop.reserve(line(KETTLE, 3), ttl_seconds=60)
    shop.order((KETTLE, 3))
    shop.move(KETTLE, BERLIN, "count", 2)
    return shop


def test_no_request_of_a_batch_gets_units_that_are_freed_in_it_and_are_missing() -> None:
    shop = lacking_shop()
    shop.receive(TOWEL, BERLIN, 40)
    held = next(iter(shop.state.reservations.active))
    for _ in range(10):
        shop.submit(ReserveStock("web", (line(TOWEL, 1), line(KETTLE, 1))))
    shop.submit(ReleaseReservation(held, None))
    for _ in range(10):
        shop.submit(ReserveStock("web", (line(KETTLE, 1),)))
    *_, last = outcomes = shop.settle()
    assert sum(isinstance(outcome, Rejection) for outcome in outcomes) == 20
    assert isinstance(last, Rejection)
    assert last.code is ResultCode.INSUFFICIENT_STOCK
    there = shop.at(KETTLE, BERLIN)
    assert (there.on_hand, there.available, there.allocated, there.missing) == (2, 0, 3, 1)


def test_claims_that_end_at_the_instant_of_a_request_pay_off_before_it_is_decided() -> None:
    shop = lacking_shop()
    shop.wait(60)
    refusal = shop.do(ReserveStock("web", (line(KETTLE, 1),)))
    assert isinstance(refusal, Rejection)
    assert shop.at(KETTLE, BERLIN).missing == 1


def test_what_comes_and_goes_in_one_movement_is_settled_at_its_end() -> None:
    shop = lacking_shop()
    lines = ("receipt", 5), ("damage", 2), ("sale", 1), ("sale_return", 1), ("count", 6)
    shop.done(MoveStock(tuple(MovementLine(KETTLE, BERLIN, reason, units) for reason, units in lines)))  # type: ignore[arg-type]
    there = shop.at(KETTLE, BERLIN)
    assert (there.on_hand, there.available, there.unsellable, there.missing) == (6, 0, 2, 2)
    assert sum(isinstance(fact, MissingPaid) for fact in shop.facts) == 1


def test_a_second_world_sells_nothing_that_is_missing_either() -> None:
    shop = busy_shop()
    held = shop.reserve(line(KETTLE, 2), ttl_seconds=600)
    shop.move(KETTLE, BERLIN, "count", 0)
    shop.move(KETTLE, LEIPZIG, "sale", 2)
    assert (shop.at(KETTLE, BERLIN).missing, shop.at(KETTLE, LEIPZIG).missing) == (2, 1)
    shop.done(ReleaseReservation(held, None))
    assert (shop.at(KETTLE, BERLIN).missing, shop.at(KETTLE, LEIPZIG).missing) == (0, 1)
    simulation = simulated(shop, STANDARD)
    assert invariants.missing_units_were_promised(simulation.changed) == []
    assert simulation.changed.ledger.totals() == simulation.recorded.ledger.totals() == shop.state.ledger.totals()


def test_a_node_that_lost_its_memory_looks_at_all_that_is_missing() -> None:
    shop = lacking_shop()
    assert list(orders_at_risk(shop.state)) == ["W-1"]
    assert not shop.writer._at_risk, "it was looked at, and no other node has it"
    shop.restart()
    assert Watch(shop.state)
    shop.receive(KETTLE, LEIPZIG, 3)
    assert [(node, state) for _, node, state in shop.work("W-1")] == [(BERLIN, "cancelled"), (LEIPZIG, "released")]
    assert shop.at(KETTLE, BERLIN).missing == 1


def test_more_shipped_than_counted_was_there_all_along() -> None:
    shop = lacking_shop()
    shop.done(AdvanceFulfilment(1, "ship"))
    there = shop.at(KETTLE, BERLIN)
    assert (there.on_hand, there.reserved, there.allocated, there.missing) == (0, 3, 0, 3)


def test_what_nobody_lacks_costs_no_fact() -> None:
    shop = Shop()
    shop.receive(KETTLE, BERLIN, 6)
    number = shop.order((KETTLE, 3))
    shop.done(CancelOrder(number, "changed her mind"))
    shop.done(movement(KETTLE, BERLIN, "count", 2))
    assert len(shop.facts) == 1
