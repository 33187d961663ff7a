"""What Kontor asks of payment providers, and what follows from their answers."""

from typing import Any

import pytest

from engine.commands.configuration import Configure
from engine.commands.orders import (
    AddPayment,
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelLine,
    CancelOrder,
    CapturePayment,
    FulfilmentLine,
    LiftHold,
    OrderLineRequest,
    PaymentRequest,
    ReceiveReturn,
    ReceiveReturnLine,
    Replacement,
    ReturnLineRequest,
    SettleReturn,
    SplitFulfilment,
)
from engine.commands.providers import AskForPayment, PaymentProvider, ReportPayment
from engine.results import ResultCode
from tests.unit.engine.shop import BERLIN, KETTLE, TOWEL, Shop
from tests.unit.pricing.test_settling import give_back, money, place, ship, shop_with

ACME = PaymentProvider("https://pay.example.org/kontor", ("card", "wallet"))
CARD = PaymentRequest("p-1", "card", 3_000, "authorised")


def shop_by(provider: PaymentProvider = ACME) -> Shop:
    shop = shop_with()
    shop.done(Configure(payment_providers={"acme": provider}))
    return shop


def asked(shop: Shop) -> list[tuple[str, str, int]]:
    """Open requests: what, of which payment, how much."""
    return [(each.what, each.payment, each.amount_minor) for each in shop.state.payment_requests.open.values()]


def report(shop: Shop, what: str, payment: str = "p-1", request: int | None = None, **more: Any) -> None:
    shop.done(ReportPayment("acme", what, "W-1", payment, request, **more))


def split(shop: Shop) -> tuple[int, int]:
    """A kettle in one parcel, a towel in another."""
    place(shop, (KETTLE, 1, 1_000), (TOWEL, 1, 2_000), payments=(CARD,))
    first = shop.the_order("W-1").fulfilments[0].number
    shop.done(SplitFulfilment(first, (FulfilmentLine("2", 1),)))
    return first, shop.the_order("W-1").fulfilments[1].number


def test_each_shipment_is_captured_when_it_leaves() -> None:
    shop = shop_by()
    first, second = split(shop)
    assert asked(shop) == []
    shop.done(AdvanceFulfilment(first, "ship"))
    assert asked(shop) == [("capture", "p-1", 1_000)]
    report(shop, "captured", request=1, amount_minor=1_000)
    assert (asked(shop), money(shop).paid_minor) == ([], 1_000)
    shop.done(AdvanceFulfilment(second, "ship"))
    assert asked(shop) == [("capture", "p-1", 2_000)]
    shop.restart()
    report(shop, "captured", request=2)
    assert (asked(shop), money(shop).paid_minor, money(shop).balance_minor) == ([], 3_000, 0)


def test_what_is_authorised_and_not_needed_is_given_up_when_nothing_is_open() -> None:
    shop = shop_by()
    split(shop)
    shop.done(CancelOrder("W-1", "no", (CancelLine("2", 1),)))
    assert asked(shop) == []
    ship(shop)
    assert asked(shop) == [("capture", "p-1", 1_000), ("void", "p-1", 2_000)]
    report(shop, "captured", request=1)
    report(shop, "voided", request=2)
    payment = money(shop).payments[0]
    assert (asked(shop), payment.amount_minor, payment.captured_minor) == ([], 1_000, 1_000)


def test_an_order_that_is_cancelled_gives_everything_up() -> None:
    shop = shop_by()
    split(shop)
    shop.done(CancelOrder("W-1", "no"))
    assert asked(shop) == [("void", "p-1", 3_000)]
    report(shop, "voided", request=1)
    assert money(shop).payments[0].state == "voided"


def test_a_capture_that_fails_holds_the_rest_of_the_order() -> None:
    shop = shop_by()
    first, second = split(shop)
    shop.done(AdvanceFulfilment(first, "ship"))
    report(shop, "capture_failed", request=1, reason="card declined")
    order = shop.the_order("W-1")
    assert [(hold.handle, hold.scope) for hold in order.holds] == [("payment-p-1", "ship")]
    shop.refused(AdvanceFulfilment(second, "ship"), ResultCode.INVALID_TRANSITION)
    assert asked(shop) == []
    shop.done(AskForPayment("W-1"))
    assert asked(shop) == [("capture", "p-1", 1_000)]
    report(shop, "captured", request=2)
    shop.done(LiftHold("W-1", "payment-p-1"))
    shop.done(AdvanceFulfilment(second, "ship"))


def test_after_a_failed_capture_nothing_is_given_up() -> None:
    shop = shop_by()
    split(shop)
    shop.done(CancelOrder("W-1", "no", (CancelLine("2", 1),)))
    ship(shop)
    report(shop, "capture_failed", request=1, reason="try again later")
    assert asked(shop) == []
    assert money(shop).payments[0].state == "authorised"
    shop.done(AskForPayment("W-1"))
    assert asked(shop) == [("capture", "p-1", 1_000)]
    shop.refused(AskForPayment("W-1"), ResultCode.INVALID_TRANSITION)


def test_several_payments_are_captured_in_turn_and_only_what_is_owed() -> None:
    shop = shop_by()
    both = (PaymentRequest("p-1", "wallet", 500, "authorised"), PaymentRequest("p-2", "card", 5_000, "authorised"))
    place(shop, (KETTLE, 1, 1_200), payments=both)
    ship(shop)
    assert asked(shop) == [("capture", "p-1", 500), ("capture", "p-2", 700), ("void", "p-2", 4_300)]


def test_a_payment_that_comes_after_the_goods_is_captured_at_once() -> None:
    shop = shop_by()
    place(shop, (KETTLE, 1, 1_200))
    ship(shop)
    shop.done(AddPayment("W-1", PaymentRequest("p-1", "card", 1_200, "authorised")))
    assert asked(shop) == [("capture", "p-1", 1_200)]


def test_what_goes_back_is_asked_for_and_paid_out_when_it_is_reported() -> None:
    shop = shop_by()
    place(shop, (KETTLE, 2, 1_000), payments=(PaymentRequest("p-1", "card", 2_000, "captured"),))
    ship(shop)
    give_back(shop, ("1", 1))
    assert asked(shop) == [("refund", "p-1", 1_000)]
    report(shop, "refunded", request=1)
    assert (asked(shop), money(shop).payments[0].paid_out_minor) == ([], 1_000)
    assert not {
        name: amount
        for name, amount in shop.state.money_books.balances["EUR"].items()
        if amount and name == "refunds_payable"
    }


def test_people_are_asked_nothing_and_manual_providers_neither() -> None:
    shop = shop_by(PaymentProvider("https://pay.example.org/", ("card",), capture="manual", refund="manual"))
    place(shop, (KETTLE, 1, 3_000), payments=(CARD,))
    ship(shop)
    shop.done(CapturePayment("W-1", "p-1"))
    give_back(shop, ("1", 1))
    assert asked(shop) == []
    plain = shop_with()
    place(plain, (KETTLE, 1, 3_000), payments=(PaymentRequest("p-1", "invoice", 3_000, "authorised"),))
    ship(plain)
    assert asked(plain) == []


def test_a_payment_the_order_did_not_name_is_taken_from_its_provider() -> None:
    shop = shop_by()
    place(shop, (KETTLE, 1, 3_000))
    report(shop, "authorised", payment="p-9", amount_minor=3_000)
    report(shop, "authorised", payment="p-9", amount_minor=3_000)
    assert [(each.id, each.method, each.state) for each in money(shop).payments] == [("p-9", "card", "authorised")]


def test_reports_about_what_is_not_theirs_are_refused() -> None:
    shop = shop_by()
    shop.done(Configure(payment_providers={"other": PaymentProvider("https://other.example.org/", ("giro",))}))
    place(shop, (KETTLE, 1, 3_000), payments=(CARD,))
    ship(shop)
    shop.refused(ReportPayment("other", "captured", "W-1", "p-1", 1), ResultCode.FORBIDDEN)
    shop.refused(ReportPayment("acme", "captured", "W-1", "p-7"), ResultCode.NOT_FOUND)
    shop.refused(ReportPayment("acme", "captured", "W-1", "p-7", 1), ResultCode.MALFORMED_REQUEST)
    shop.refused(ReportPayment("acme", "refunded", "W-1", "p-1", 1), ResultCode.MALFORMED_REQUEST)
    shop.refused(ReportPayment("acme", "captured", "W-1", "p-1", 1, 9_999), ResultCode.EXCEEDS_AUTHORISED)
    assert asked(shop) == [("capture", "p-1", 3_000)]


@pytest.mark.parametrize("methods", [("card",), ("giro", "wallet")])
def test_a_method_has_one_provider(methods: tuple[str, ...]) -> None:
    shop = shop_by()
    twice = Configure(payment_providers={"other": PaymentProvider("https://other.example.org/", methods)})
    shop.refused(twice, ResultCode.IN_USE)


def test_money_that_moved_to_an_exchange_goes_back_the_way_it_came() -> None:
    shop = shop_by()
    place(shop, (KETTLE, 1, 1_000), payments=(PaymentRequest("p-1", "card", 1_000, "captured"),))
    ship(shop)
    towel = (OrderLineRequest("1", TOWEL, 1, 1_500),)
    shop.done(AuthoriseReturn("W-1", (ReturnLineRequest("1", 1),), exchange=towel, replacement=Replacement("W-1.r1")))
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1),)))
    shop.done(SettleReturn(1))
    shop.done(CancelOrder("W-1.r1", "no"))
    assert [(each.order, *asked(shop)[0]) for each in shop.state.payment_requests.open.values()] == [
        ("W-1.r1", "refund", "ret-1-1", 1_000)
    ]
    report(shop, "refunded", request=1)
    assert (asked(shop), money(shop, "W-1.r1").payments[0].paid_out_minor) == ([], 1_000)
