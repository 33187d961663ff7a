"""What never arrived, what goes out for what comes back, and what comes back without an order."""

from engine import limits
from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelReturn,
    LiftHold,
    LooseReturnLine,
    LostLine,
    OrderLineRequest,
    ReceiveReturn,
    ReceiveReturnLine,
    Replacement,
    ReportLoss,
    ReturnLineRequest,
    TakeLooseReturn,
)
from engine.facts.orders import LossReported
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, TOWEL, TRAY, Shop


def shipped(units: int = 3) -> tuple[Shop, str]:
    """An order of kettles that left Leipzig, where as many are left."""
    shop = Shop()
    shop.receive(KETTLE, LEIPZIG, 2 * units)
    shop.receive(TOWEL, BERLIN, 2)
    order = shop.order((KETTLE, units))
    shop.done(AdvanceFulfilment(shop.work(order)[0][0], "ship"))
    return shop, order


def lost(units: int) -> tuple[LostLine, ...]:
    return (LostLine("1", units),)


def back(units: int) -> tuple[ReturnLineRequest, ...]:
    return (ReturnLineRequest("1", units, "too small"),)


def exchange(shop: Shop, order: str, units: int = 1) -> int:
    """A kettle comes back, a towel goes out; the number of the return."""
    towels = (OrderLineRequest("1", TOWEL, units),)
    shop.done(AuthoriseReturn(order, back(2), towels, Replacement(f"{order}.r1")))
    return shop.state.orders.next_return - 1


def test_what_was_lost_is_written_off_and_cannot_come_back() -> None:
    shop, order = shipped(3)
    shop.done(ReportLoss(order, lost(1)))
    line = shop.the_order(order).lines[0]
    assert (line.shipped, line.lost) == (3, 1)
    assert shop.state.ledger.totals()["loss"] == 1
    shop.refused(AuthoriseReturn(order, back(3)), ResultCode.EXCEEDS_RETURNABLE)
    shop.refused(ReportLoss(order, lost(3)), ResultCode.EXCEEDS_RETURNABLE)
    shop.done(AuthoriseReturn(order, back(2)))
    shop.refused(ReportLoss(order, lost(1)), ResultCode.EXCEEDS_RETURNABLE)
    shop.restart()


def test_lost_units_are_sent_again_in_an_order_of_their_own() -> None:
    shop, order = shipped(3)
    shop.done(ReportLoss(order, lost(2), Replacement("W-1.r1", "p-1", b"sealed for W-1.r1")))
    again = shop.the_order("W-1.r1")
    assert (again.replaces, again.lines[0].quantity, again.contact) == (order, 2, b"sealed for W-1.r1")
    assert shop.the_order(order).replaced_by == ["W-1.r1"]
    assert [state for _, _, state in shop.work("W-1.r1")] == ["released"]


def test_nothing_is_written_off_when_it_cannot_be_sent_again() -> None:
    shop, order = shipped(3)
    shop.order((KETTLE, 2))
    shop.refused(ReportLoss(order, lost(2), Replacement("W-1.r1")), ResultCode.INSUFFICIENT_STOCK)
    shop.refused(ReportLoss(order, lost(1), Replacement("W-2")), ResultCode.ORDER_NUMBER_TAKEN)


def test_an_exchange_is_bound_at_once_and_goes_out_when_everything_has_come_back() -> None:
    shop, order = shipped(3)
    number = exchange(shop, order)
    assert shop.at(TOWEL, BERLIN).allocated == 1
    assert [state for _, _, state in shop.work(f"{order}.r1")] == ["held"]
    shop.done(ReceiveReturn(number, LEIPZIG, (ReceiveReturnLine("1", 1),)))
    assert [state for _, _, state in shop.work(f"{order}.r1")] == ["held"]
    shop.done(ReceiveReturn(number, BERLIN, (ReceiveReturnLine("1", 1),)))
    assert [state for _, _, state in shop.work(f"{order}.r1")] == ["released"]
    assert shop.the_order(order).returns[0].exchange_order == f"{order}.r1"
    shop.restart()


def test_without_anything_coming_back_nothing_goes_out() -> None:
    shop, order = shipped(3)
    shop.done(CancelReturn(exchange(shop, order)))
    assert shop.the_order(f"{order}.r1").state == "cancelled"
    assert shop.at(TOWEL, BERLIN).available == 2


def test_an_exchange_for_a_part_goes_out_when_the_rest_is_given_up() -> None:
    shop, order = shipped(3)
    number = exchange(shop, order)
    shop.done(ReceiveReturn(number, LEIPZIG, (ReceiveReturnLine("1", 1),)))
    shop.done(CancelReturn(number))
    assert [state for _, _, state in shop.work(f"{order}.r1")] == ["released"]


def test_a_hold_that_was_lifted_by_hand_needs_no_lifting() -> None:
    shop, order = shipped(3)
    number = exchange(shop, order)
    shop.done(LiftHold(f"{order}.r1", f"exchange-ret-{number}"))
    shop.done(ReceiveReturn(number, LEIPZIG, (ReceiveReturnLine("1", 2),)))
    shop.refused(AuthoriseReturn("W-404", back(1)), ResultCode.NOT_FOUND)


def test_an_exchange_that_cannot_be_had_agrees_to_no_return() -> None:
    shop, order = shipped(3)
    towels = (OrderLineRequest("1", TOWEL, 3),)
    refused = AuthoriseReturn(order, back(1), towels, Replacement("W-1.r1"))
    shop.refused(refused, ResultCode.INSUFFICIENT_STOCK)
    assert shop.the_order(order).returns == []


def test_what_comes_back_serves_who_waits() -> None:
    shop = Shop()
    shop.receive(TRAY, LEIPZIG, 2)
    first = shop.order((TRAY, 2))
    shop.done(AdvanceFulfilment(shop.work(first)[0][0], "ship"))
    second = shop.order((TRAY, 1))
    shop.done(AuthoriseReturn(first, back(1)))
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1),)))
    assert shop.work(second)[0][1:] == (BERLIN, "released")


def test_goods_without_an_order_go_into_quarantine() -> None:
    shop = Shop()
    shop.done(TakeLooseReturn("web", (LooseReturnLine(KETTLE, 2, "no note"),), BERLIN, "parcel 4711"))
    assert shop.at(KETTLE, BERLIN).unsellable == 2
    assert shop.state.loose_returns.ended[1].reference == "parcel 4711"
    shop.done(TakeLooseReturn("web", (LooseReturnLine(KETTLE, 1),)))
    assert shop.state.loose_returns.ended[2].node == LEIPZIG
    shop.refused(TakeLooseReturn("moon", (LooseReturnLine(KETTLE, 1),)), ResultCode.UNKNOWN_CHANNEL)
    shop.refused(TakeLooseReturn("web", (LooseReturnLine(KETTLE, 1),), "moon"), ResultCode.UNKNOWN_NODE)
    shop.refused(TakeLooseReturn("web", (LooseReturnLine("NO-SUCH", 1),)), ResultCode.UNKNOWN_SKU)
    shop.restart()


def test_only_so_many_returns_without_an_order_are_kept() -> None:
    shop = Shop()
    for _ in range(limits.LOOSE_RETURNS_KEPT + 1):
        shop.submit(TakeLooseReturn("web", (LooseReturnLine(KETTLE, 1),)))
    shop.settle()
    assert len(shop.state.loose_returns.ended) == limits.LOOSE_RETURNS_KEPT
    assert 1 not in shop.state.loose_returns.ended


def test_a_loss_says_what_it_was_about() -> None:
    shop, order = shipped(3)
    shop.done(ReportLoss(order, (LostLine("1", 1, "damaged"),)))
    fact = next(fact for fact in shop.facts if isinstance(fact, LossReported))
    assert (fact.lines[0].reason, fact.replacement) == ("damaged", None)
    shop.refused(ReportLoss("W-404", lost(1)), ResultCode.NOT_FOUND)
    shop.refused(ReportLoss(order, (LostLine("9", 1),)), ResultCode.UNKNOWN_LINE)
