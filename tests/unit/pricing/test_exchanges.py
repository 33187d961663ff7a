"""An exchange settles the difference: what comes back pays for what goes out, and the customer pays or gets only the rest."""

import pytest

from engine.commands.orders import (
    AddPayment,
    AuthoriseReturn,
    CancelOrder,
    OrderLineRequest,
    PaymentRequest,
    ReceiveReturn,
    ReceiveReturnLine,
    Replacement,
    ReturnLineRequest,
    SettleReturn,
)
from engine.facts.money import PaymentsRefunded
from tests.unit.engine.shop import BERLIN, KETTLE, TOWEL, Shop
from tests.unit.pricing.test_settling import money, place, ship, shop_with

EXCHANGED = "W-1.r1"


def exchanged(price: int, payments: tuple[PaymentRequest, ...], settle_last: bool = False) -> Shop:
    """A kettle of 10.00 that was paid comes back for a towel of another price; the return is settled."""
    shop = shop_with()
    place(shop, (KETTLE, 1, 1_000), payments=payments)
    ship(shop)
    towel = (OrderLineRequest("1", TOWEL, 1, price),)
    replacement = Replacement(EXCHANGED)
    shop.done(AuthoriseReturn("W-1", (ReturnLineRequest("1", 1),), replacement=replacement, exchange=towel))
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1),)))
    if settle_last:
        ship(shop, EXCHANGED)
    shop.done(SettleReturn(1))
    return shop


CARD = (PaymentRequest("p-1", "card", 1_000, "captured"),)


def refunds(shop: Shop) -> list[tuple[str, int]]:
    return [
        (r.payment, r.amount_minor) for fact in shop.facts if isinstance(fact, PaymentsRefunded) for r in fact.refunds
    ]


def balances(shop: Shop) -> dict[str, int]:
    return {name: amount for name, amount in shop.state.money_books.balances["EUR"].items() if amount}


@pytest.mark.parametrize("settle_last", [False, True])
def test_the_rest_of_a_cheaper_one_goes_back(settle_last: bool) -> None:
    shop = exchanged(700, CARD, settle_last)
    assert refunds(shop) == [("p-1", 300)]
    assert (money(shop).paid_minor, money(shop, EXCHANGED).paid_minor, money(shop, EXCHANGED).due_minor) == (
        0,
        700,
        700,
    )
    assert "clearing:exchange" not in balances(shop)
    assert balances(shop)["clearing:card"] == 1_000
    shop.restart()


def test_the_rest_of_a_dearer_one_is_owed() -> None:
    shop = exchanged(1_500, CARD)
    assert refunds(shop) == []
    assert (money(shop, EXCHANGED).paid_minor, money(shop, EXCHANGED).due_minor) == (1_000, 1_500)
    paid = money(shop, EXCHANGED).payments[0]
    assert (paid.id, paid.method, paid.origin) == ("ret-1-1", "card", ("W-1", "p-1"))
    shop.done(CancelOrder(EXCHANGED, "no"))
    assert refunds(shop) == [("ret-1-1", 1_000)]


def test_several_payments_pay_for_it_the_newest_first() -> None:
    both = (PaymentRequest("p-1", "card", 600, "captured"), PaymentRequest("p-2", "paypal", 400, "captured"))
    shop = exchanged(700, both)
    assert [(p.id, p.method, p.captured_minor) for p in money(shop, EXCHANGED).payments] == [
        ("ret-1-2", "paypal", 400), ("ret-1-1", "card", 300),
    ]  # fmt: skip
    assert refunds(shop) == [("p-1", 300)]


def test_what_was_not_paid_moves_nowhere() -> None:
    shop = exchanged(700, ())
    assert refunds(shop) == []
    assert money(shop, EXCHANGED).payments == []


def test_all_goes_back_for_what_was_exchanged_for_something_that_is_paid_already() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 1, 1_000), payments=CARD)
    ship(shop)
    towel = (OrderLineRequest("1", TOWEL, 1, 700),)
    replacement = Replacement(EXCHANGED)
    shop.done(AuthoriseReturn("W-1", (ReturnLineRequest("1", 1),), replacement=replacement, exchange=towel))
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1),)))
    shop.done(AddPayment(EXCHANGED, PaymentRequest("till", "card", 700, "captured")))
    shop.done(SettleReturn(1))
    assert refunds(shop) == [("p-1", 1_000)]
    assert (money(shop).paid_minor, money(shop, EXCHANGED).paid_minor) == (0, 700)
    shop.restart()
