"""Payments: what came over what is due goes back, the newest payment first, vouchers last, never more than came."""

from typing import Any

import pytest

from engine.areas import NOWHERE
from engine.commands.orders import (
    AddPayment,
    AppeaseCustomer,
    CancelLine,
    CancelOrder,
    CapturePayment,
    ConfirmChange,
    OrderLineRequest,
    PaymentRequest,
    PlaceOrder,
    ProposeChange,
    SetLine,
    ShopDiscount,
    VoidPayment,
)
from engine.facts.money import PaymentsRefunded
from engine.results import ResultCode
from tests.unit.engine.shop import KETTLE, TOWEL, Shop
from tests.unit.pricing.test_settling import give_back, money, place, ship, shop_with


def paid(payment: str, amount: int, state: Any = "captured", method: str = "card") -> PaymentRequest:
    return PaymentRequest(payment, method, amount, state)


def refunds(shop: Shop) -> list[tuple[str, int]]:
    """What the last command sent back."""
    return [
        (refund.payment, refund.amount_minor)
        for fact in shop.facts
        if isinstance(fact, PaymentsRefunded)
        for refund in fact.refunds
    ]


def balances(shop: Shop) -> dict[str, int]:
    """Accounts of money that are not empty."""
    return {name: amount for name, amount in shop.state.money_books.balances["EUR"].items() if amount}


def test_a_refund_goes_over_the_newest_payment_first_and_vouchers_last() -> None:
    shop = shop_with()
    payments = (paid("card", 1_000), paid("gift", 700, method="voucher"), paid("cash", 1_300))
    place(shop, (KETTLE, 3, 1_000), payments=payments)
    ship(shop)
    given = []
    for _ in range(3):
        give_back(shop, ("1", 1))
        given.append(refunds(shop))
    assert given == [[("cash", 1_000)], [("cash", 300), ("card", 700)], [("card", 300), ("gift", 700)]]
    assert money(shop).paid_minor == money(shop).due_minor == 0


def test_what_was_not_paid_is_not_given_back() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000), payments=(paid("half", 1_000),))
    ship(shop)
    give_back(shop, ("1", 1))
    assert (refunds(shop), money(shop).due_minor) == ([], 1_000)
    give_back(shop, ("1", 1))
    assert refunds(shop) == [("half", 1_000)]


def test_what_was_paid_in_advance_goes_back_when_it_is_cancelled() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000), shipping_minor=490, payments=(paid("p", 2_490),))
    shop.done(CancelOrder("W-1", "no", (CancelLine("1", 1),)))
    assert refunds(shop) == [("p", 1_000)]
    shop.done(CancelOrder("W-1", "no"))
    assert refunds(shop) == [("p", 1_490)]


def test_an_authorised_payment_is_captured_in_parts_and_the_rest_given_up() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 1, 1_000), payments=(paid("p", 1_000, "authorised"),))
    assert money(shop).paid_minor == 0
    shop.done(CapturePayment("W-1", "p", 400))
    refused = shop.refused(CapturePayment("W-1", "p", 601), ResultCode.EXCEEDS_AUTHORISED)
    assert refused.errors[0].pointer == "/amount_minor"
    shop.done(VoidPayment("W-1", "p"))
    shop.refused(VoidPayment("W-1", "p"), ResultCode.INVALID_TRANSITION)
    shop.refused(CapturePayment("W-1", "p"), ResultCode.INVALID_TRANSITION)
    assert [(each.state, each.amount_minor, each.captured_minor) for each in money(shop).payments] == [
        ("captured", 400, 400)
    ]


def test_what_is_captured_over_what_is_due_goes_back_at_once() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000), payments=(paid("p", 2_000, "authorised"),))
    shop.done(CancelOrder("W-1", "no", (CancelLine("1", 1),)))
    assert refunds(shop) == []
    shop.done(CapturePayment("W-1", "p"))
    assert refunds(shop) == [("p", 1_000)]
    shop.done(AddPayment("W-1", paid("twice", 300)))
    assert refunds(shop) == [("twice", 300)]


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (AddPayment("W-1", paid("p", 1)), ResultCode.IN_USE),
        (AddPayment("W-9", paid("p", 1)), ResultCode.NOT_FOUND),
        (AddPayment("W-2", paid("p", 1)), ResultCode.NO_PRICE),
        (CapturePayment("W-1", "other"), ResultCode.NOT_FOUND),
        (VoidPayment("W-1", "p"), ResultCode.INVALID_TRANSITION),
        (CapturePayment("W-2", "p"), ResultCode.NOT_FOUND),
    ],
)
def test_a_payment_that_cannot_be_is_refused(command: Any, code: ResultCode) -> None:
    shop = shop_with()
    place(shop, (KETTLE, 1, 1_000), payments=(paid("p", 1_000),))
    shop.done(PlaceOrder("W-2", "web", (OrderLineRequest("1", KETTLE, 1),), NOWHERE))
    shop.refused(command, code)


def test_an_order_is_not_placed_with_more_captured_than_it_costs() -> None:
    shop = shop_with()
    lines = (OrderLineRequest("1", KETTLE, 1, 1_000),)
    wanted = PlaceOrder("W-1", "web", lines, NOWHERE, payments=(paid("a", 600), paid("b", 401)))
    shop.refused(wanted, ResultCode.EXCEEDS_AUTHORISED)


def test_the_shops_own_discounts_come_before_promotions_and_are_frozen_with_them() -> None:
    shop = shop_with(ten={"gives": {"percent": "10"}})
    discounts = (ShopDiscount("regular", 1_000), ShopDiscount("scratched", 200, ("2",)))
    frozen = place(shop, (KETTLE, 1, 3_000), (TOWEL, 1, 1_000), discounts=discounts)
    taken = [
        [(each.promotion, each.label, each.minor) for each in line.spans[0].priced.discounts] for line in frozen.lines
    ]
    assert taken == [
        [(None, "regular", 750), ("ten", None, 225)],
        [(None, "regular", 250), (None, "scratched", 200), ("ten", None, 55)],
    ]
    assert frozen.total_minor == 2_025 + 495
    shop.done(CancelOrder("W-1", "no", (CancelLine("2", 1),)))
    assert money(shop).due_minor == 2_025


def test_a_discount_of_a_line_that_is_not_there_is_refused() -> None:
    shop = shop_with()
    lines = (OrderLineRequest("1", KETTLE, 1, 1_000),)
    wanted = PlaceOrder("W-1", "web", lines, NOWHERE, discounts=(ShopDiscount("x", 1, ("2",)),))
    assert shop.refused(wanted, ResultCode.UNKNOWN_LINE).errors[0].pointer == "/discounts/0/lines"


def test_an_appeasement_goes_back_at_once_and_nobody_gets_back_more_than_was_paid() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000), payments=(paid("p", 2_000),))
    ship(shop)
    shop.done(AppeaseCustomer("W-1", 300, "late"))
    assert (refunds(shop), money(shop).due_minor, money(shop).paid_minor) == ([("p", 300)], 1_700, 1_700)
    shop.refused(AppeaseCustomer("W-1", 1_701, "very late"), ResultCode.EXCEEDS_AUTHORISED)
    give_back(shop, ("1", 1))
    assert refunds(shop) == [("p", 1_000)]
    give_back(shop, ("1", 1))
    assert (refunds(shop), money(shop).due_minor) == ([("p", 700)], 0)
    shop.restart()
    shop.refused(AppeaseCustomer("W-1", 1, "again"), ResultCode.INVALID_TRANSITION)


def test_an_appeasement_before_payment_is_so_much_less_to_pay() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 1, 1_000))
    shop.done(AppeaseCustomer("W-1", 300, "late"))
    shop.done(AddPayment("W-1", paid("p", 1_000)))
    assert (refunds(shop), money(shop).paid_minor) == ([("p", 300)], 700)


def change_to(shop: Shop, units: int) -> None:
    """The first line has so many units from now on."""
    shop.done(ConfirmChange(shop.done(ProposeChange("W-1", "changed her mind", set=(SetLine("1", units),))).seq))


def test_an_appeasement_that_a_change_took_up_comes_back_when_more_is_ordered() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000))
    shop.done(AppeaseCustomer("W-1", 1_500, "late"))
    assert balances(shop) == {"appeasement": 1_500, "prepayment": -1_500}
    change_to(shop, 1)
    assert balances(shop) == {"appeasement": 1_000, "prepayment": -1_000}
    change_to(shop, 3)
    assert balances(shop) == {"appeasement": 1_500, "prepayment": -1_500}
    assert money(shop).due_minor == 1_500
    shop.restart()
