"""Promotions whose discount is clawed back from a refund, once too little stays for their condition."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.commands.configuration import Configure
from engine.commands.orders import AddPayment, AdvanceFulfilment, FulfilmentLine, PaymentRequest, SplitFulfilment
from engine.facts.money import PaymentsRefunded
from tests.examples import examples
from tests.unit.engine.shop import KETTLE, TOWEL, TRAY, Shop
from tests.unit.pricing.test_settling import EFFECT, give_back, money, place, ship, shop_with

FIFTH = {"gives": {"percent": "20"}, "when": {"min_goods_minor": 15_000}, "on_partial_return": "claw_back"}


def paid(shop: Shop, *lines: tuple[str, int, int], **more: Any) -> int:
    """An order of (sku, quantity, unit price) that is paid and sent; what was paid."""
    total = place(shop, *lines, **more).total_minor
    shop.done(AddPayment("W-1", PaymentRequest("p-1", "card", total, "captured")))
    ship(shop)
    return total


def refund(shop: Shop, *lines: tuple[str, int], **more: Any) -> int:
    """Give units back; the money that goes back for them, as was foreseen."""
    give_back(shop, *lines, **more)
    return sum(each.amount_minor for fact in shop.facts if isinstance(fact, PaymentsRefunded) for each in fact.refunds)


def balances(shop: Shop) -> dict[str, int]:
    return {name: amount for name, amount in shop.state.money_books.balances["EUR"].items() if amount}


def test_the_discount_on_what_stays_is_taken_off_the_refund_and_comes_back_with_it() -> None:
    shop = shop_with(fifth=FIFTH)
    assert paid(shop, (KETTLE, 1, 10_000), (TOWEL, 1, 10_000)) == 16_000
    assert refund(shop, ("1", 1)) == 6_000
    assert (money(shop).due_minor, money(shop).total_minor) == (10_000, 18_000)
    assert refund(shop, ("2", 1)) == 10_000
    assert balances(shop) == {"clearing:card": 16_000, "refunds_payable": -16_000}


def test_a_discount_that_is_kept_stays_on_what_stays() -> None:
    shop = shop_with(fifth={**FIFTH, "on_partial_return": "keep"})
    paid(shop, (KETTLE, 1, 10_000), (TOWEL, 1, 10_000))
    assert refund(shop, ("1", 1)) == 8_000


def test_nothing_is_clawed_back_while_enough_stays_and_nothing_twice() -> None:
    shop = shop_with(fifth=FIFTH)
    assert paid(shop, (KETTLE, 5, 5_000)) == 20_000
    assert refund(shop, ("1", 2)) == 8_000
    assert refund(shop, ("1", 1)) == 4_000 - 2_000
    assert refund(shop, ("1", 1)) == 5_000
    assert refund(shop, ("1", 1)) == 5_000
    assert money(shop).due_minor == 0


def test_a_refund_is_never_below_nothing() -> None:
    shop = shop_with(fifth=FIFTH)
    paid(shop, (KETTLE, 1, 14_900), (TOWEL, 1, 100))
    assert refund(shop, ("2", 1)) == 0
    assert money(shop).due_minor == 12_000
    assert refund(shop, ("1", 1)) == 12_000


def test_what_stays_of_two_lines_together_meets_the_condition_or_does_not() -> None:
    shop = shop_with(fifth=FIFTH)
    assert paid(shop, (KETTLE, 2, 10_000), (TOWEL, 3, 5_000)) == 28_000
    assert refund(shop, ("1", 1), ("2", 2)) == 8_000 + 8_000
    shop = shop_with(fifth=FIFTH)
    paid(shop, (KETTLE, 2, 10_000), (TOWEL, 3, 5_000))
    assert refund(shop, ("1", 1), ("2", 3)) == 8_000 + 12_000 - 2_000


def test_shipping_that_was_free_is_paid_for_after_all() -> None:
    free = {"gives": {"free_shipping": True}, "when": {"min_goods_minor": 5_000}, "on_partial_return": "claw_back"}
    shop = shop_with(free=free)
    paid(shop, (KETTLE, 2, 3_000), shipping_minor=490)
    assert refund(shop, ("1", 1)) == 2_510
    assert balances(shop)["shipping:DE:S:0.19"] == -412
    assert "discounts:DE:S:0.19" not in balances(shop)
    assert refund(shop, ("1", 1), shipping=True) == 3_490


def test_too_few_units_for_a_third_free_one_claw_it_back() -> None:
    offer = {"gives": {"buy_x_get_y": {"buy": 2, "get": 1}}, "on_partial_return": "claw_back"}
    shop = shop_with(offer=offer)
    assert paid(shop, (TRAY, 3, 900)) == 1_800
    assert refund(shop, ("1", 1)) == 600 - 600
    assert refund(shop, ("1", 2)) == 1_800


def test_what_has_not_left_yet_is_invoiced_without_the_discount() -> None:
    shop = shop_with(fifth=FIFTH)
    total = place(shop, (KETTLE, 1, 10_000), (TOWEL, 1, 10_000)).total_minor
    shop.done(AddPayment("W-1", PaymentRequest("p-1", "card", total, "captured")))
    fulfilment = shop.the_order("W-1").fulfilments[0]
    shop.done(SplitFulfilment(fulfilment.number, (FulfilmentLine("2", 1),)))
    shop.done(AdvanceFulfilment(fulfilment.number, "ship"))
    assert refund(shop, ("1", 1)) == 6_000
    ship(shop)
    assert [(each.document.series, each.total_minor) for each in money(shop).documents] == [
        ("order_confirmation", 16_000), ("invoice", 8_000), ("credit_note", 8_000), ("invoice", 10_000),
    ]  # fmt: skip
    assert balances(shop)["tax_payable:DE:S:0.19"] == -(1_277 + 319)
    assert "discounts:DE:S:0.19" not in balances(shop)


@settings(max_examples=examples(300))
@given(
    st.booleans(),
    st.lists(EFFECT, min_size=1, max_size=3),
    st.lists(
        st.tuples(st.sampled_from([KETTLE, TOWEL, TRAY]), st.integers(1, 5), st.integers(0, 9_000)),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 30_000),
    st.integers(1, 8),
    st.data(),
)
def test_whoever_gives_everything_back_gets_everything_back(
    included: bool,
    effects: list[dict[str, Any]],
    lines: list[tuple[str, int, int]],
    goods: int,
    units: int,
    data: st.DataObject,
) -> None:
    when = {"min_goods_minor": goods, "min_quantity": units}
    promotions = {f"p{at}": {"gives": gives, "when": when} for at, gives in enumerate(effects)}
    shop = shop_with(**{name: {**body, "on_partial_return": "claw_back"} for name, body in promotions.items()})
    web = msgspec.structs.replace(shop.state.configuration.channels["web"], prices_include_tax=included)
    shop.done(Configure(channels={"web": web}))
    total = paid(shop, *lines, shipping_minor=490)
    left = [quantity for _, quantity, _ in lines]
    back = 0
    while any(left):
        going = [data.draw(st.integers(0, quantity)) for quantity in left]
        if not any(going):
            going = list(left)
        left = [quantity - each for quantity, each in zip(left, going, strict=True)]
        last = not any(left)
        back += refund(shop, *((str(at), each) for at, each in enumerate(going, 1) if each), shipping=last)
        assert 0 <= back <= total
    assert back == total
    assert money(shop).due_minor == 0
    open_accounts = {name for name in balances(shop) if not name.startswith(("clearing", "refunds_payable"))}
    assert open_accounts == set()
