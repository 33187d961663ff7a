"""Vouchers: for promotions, used once or often; of a value, a means of payment that refunds go back to."""

from typing import Any

import msgspec
import pytest

from engine.areas import NOWHERE
from engine.commands.configuration import Configure
from engine.commands.orders import AddPayment, CancelLine, CancelOrder, OrderLineRequest, PaymentRequest, PlaceOrder
from engine.commands.pricing import Promotion, Voucher
from engine.results import ResultCode
from tests.unit.engine.shop import KETTLE, Shop
from tests.unit.pricing.test_payments import refunds
from tests.unit.pricing.test_settling import give_back, money, order, place, ship, shop_with

TEN = {"gives": {"percent": "10"}, "when": {"voucher": True}}
LINE = (OrderLineRequest("1", KETTLE, 1, 1_000),)


def shop(**vouchers: dict[str, Any]) -> Shop:
    """A shop with ten per cent off for who has a voucher, and these vouchers."""
    made = shop_with(ten=TEN)
    bodies = {code: msgspec.convert(body, Voucher) for code, body in vouchers.items()}
    made.done(Configure(vouchers=bodies))
    return made


FRIEND = {"kind": "promotion", "promotion": "ten", "uses_max": 1}
GIFT = {"kind": "value", "balance_minor": 1_500, "currency": "EUR"}


def left(made: Shop, code: str = "GIFT") -> int:
    return made.state.usage.left_minor(code, made.state.configuration.vouchers[code])


def test_a_voucher_opens_its_promotion_for_as_many_orders_as_it_allows() -> None:
    made = shop(FRIEND=FRIEND)
    assert place(made, (KETTLE, 1, 1_000), vouchers=("FRIEND",)).total_minor == 900
    made.restart()
    refused = made.refused(order("W-2", LINE, vouchers=("FRIEND",)), ResultCode.VOUCHER_REFUSED)
    assert "used_up" in refused.detail
    assert place(made, (KETTLE, 1, 1_000), number="W-2").total_minor == 1_000
    made.done(CancelOrder("W-1", "no"))
    assert place(made, (KETTLE, 1, 1_000), number="W-3", vouchers=("FRIEND",)).total_minor == 900


def test_a_voucher_larger_than_the_goods_pays_them_and_keeps_the_rest() -> None:
    made = shop(GIFT=GIFT)
    found = place(made, (KETTLE, 1, 1_000), vouchers=("GIFT",))
    assert (found.total_minor, found.paid_minor, left(made)) == (1_000, 1_000, 500)
    found = place(made, (KETTLE, 1, 1_000), number="W-2", vouchers=("GIFT",))
    assert (found.paid_minor, left(made)) == (500, 0)
    refused = made.refused(order("W-3", LINE, vouchers=("GIFT",)), ResultCode.VOUCHER_REFUSED)
    assert "spent" in refused.detail


def test_what_was_paid_with_a_voucher_goes_back_to_it_after_everything_else() -> None:
    made = shop(GIFT=GIFT)
    place(made, (KETTLE, 2, 1_000), vouchers=("GIFT",), payments=(PaymentRequest("p", "card", 500),))
    ship(made)
    give_back(made, ("1", 1))
    assert (refunds(made), left(made)) == ([("p", 500), ("GIFT", 500)], 500)
    give_back(made, ("1", 1))
    assert (refunds(made), left(made)) == ([("GIFT", 1_000)], 1_500)
    made.restart()
    assert left(made) == 1_500


def test_a_cancelled_unit_gives_a_voucher_its_value_back() -> None:
    made = shop(GIFT=GIFT)
    place(made, (KETTLE, 2, 500), vouchers=("GIFT",))
    made.done(CancelOrder("W-1", "no", (CancelLine("1", 1),)))
    assert (left(made), money(made).paid_minor) == (1_000, 500)


@pytest.mark.parametrize(
    ("code", "more", "reason"),
    [
        ("NOPE", {}, "unknown"),
        ("YEN", {}, "currency"),
        ("BIG", {}, "min_goods_minor"),
        ("GIFT", {"discounts": True}, "nothing_to_pay"),
    ],
)
def test_a_voucher_that_cannot_be_used_is_refused_with_the_reason(code: str, more: dict[str, Any], reason: str) -> None:
    made = shop(GIFT=GIFT, YEN={**GIFT, "currency": "JPY"})
    big = msgspec.convert({"name": "b", **TEN, "when": {"voucher": True, "min_goods_minor": 9_000}}, Promotion)
    made.done(Configure(promotions={"big": big}, vouchers={"BIG": Voucher(kind="promotion", promotion="big")}))
    line = (OrderLineRequest("1", KETTLE, 1, 0 if more else 1_000),)
    refused = made.refused(PlaceOrder("W-1", "web", line, NOWHERE, vouchers=(code,)), ResultCode.VOUCHER_REFUSED)
    assert refused.detail == f"voucher {code!r}: {reason}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"kind": "promotion"}, ResultCode.MALFORMED_REQUEST),
        ({"kind": "promotion", "promotion": "nope"}, ResultCode.UNKNOWN_PROMOTION),
        ({"kind": "promotion", "promotion": "ten", "balance_minor": 1}, ResultCode.MALFORMED_REQUEST),
        ({"kind": "value", "balance_minor": 1}, ResultCode.MALFORMED_REQUEST),
        ({"kind": "value", "balance_minor": 1, "currency": "EUR", "uses_max": 1}, ResultCode.MALFORMED_REQUEST),
    ],
)
def test_a_voucher_that_makes_no_sense_is_not_kept(body: dict[str, Any], code: ResultCode) -> None:
    shop_with(ten=TEN).refused(Configure(vouchers={"V": msgspec.convert(body, Voucher)}), code)


def test_a_voucher_is_not_a_payment_of_its_own() -> None:
    made = shop(GIFT=GIFT)
    place(made, (KETTLE, 1, 1_000))
    payment = PaymentRequest("GIFT", "voucher", 1_000)
    made.refused(AddPayment("W-1", payment), ResultCode.VOUCHER_REFUSED)
    wanted = PlaceOrder("W-2", "web", LINE, NOWHERE, vouchers=("GIFT",), payments=(payment,))
    made.refused(wanted, ResultCode.VOUCHER_REFUSED)


def test_an_order_does_not_pay_with_more_than_a_voucher_has_by_calling_it_a_payment() -> None:
    made = shop(GIFT=GIFT)
    payment = PaymentRequest("GIFT", "voucher", 9_000)
    line = (OrderLineRequest("1", KETTLE, 9, 1_000),)
    made.refused(PlaceOrder("W-1", "web", line, NOWHERE, payments=(payment,)), ResultCode.VOUCHER_REFUSED)
    assert left(made) == 1_500


def test_what_another_voucher_of_the_same_code_paid_does_not_fill_a_new_one() -> None:
    made = shop()
    place(made, (KETTLE, 1, 1_000), payments=(PaymentRequest("GIFT", "voucher", 1_000),))
    made.done(Configure(vouchers={"GIFT": msgspec.convert(GIFT, Voucher)}))
    made.done(CancelOrder("W-1", "no"))
    assert (refunds(made), left(made)) == ([("GIFT", 1_000)], 1_500)
