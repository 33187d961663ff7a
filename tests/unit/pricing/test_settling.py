"""Frozen shares: whatever is cancelled, changed, lost or returned, in any order, adds up to exactly what was paid."""

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.areas import NOWHERE
from engine.commands.configuration import Channel, Configure, Node
from engine.commands.orders import (
    AdvanceFulfilment,
    AppeaseCustomer,
    AuthoriseReturn,
    CancelLine,
    CancelOrder,
    ConfirmChange,
    LostLine,
    OrderLineRequest,
    PlaceOrder,
    ProposeChange,
    ReceiveReturn,
    ReceiveReturnLine,
    Replacement,
    ReportLoss,
    ReturnLineRequest,
    SetLine,
    SettleReturn,
)
from engine.commands.pricing import Promotion, TaxRates
from engine.facts.money import ReturnSettled, UnitsCredited
from engine.money.settling import Preview, preview
from engine.results import Rejection, ResultCode
from engine.state.order_money import OrderMoney
from tests.examples import examples
from tests.unit.engine.shop import BERLIN, KETTLE, TOWEL, TRAY, Shop

RATES = msgspec.convert({"classes": {"standard": [{"rate": "0.19"}]}}, TaxRates)


def shop_with(**promotions: dict[str, Any]) -> Shop:
    """A shop with German rates, these promotions, and plenty of everything in Berlin."""
    shop = Shop()
    bodies = {name: msgspec.convert({"name": name, **body}, Promotion) for name, body in promotions.items()}
    shop.done(Configure(tax_rates={"DE": RATES}, promotions=bodies))
    for sku in (KETTLE, TOWEL, TRAY):
        shop.receive(sku, BERLIN, 1_000)
    return shop


def place(shop: Shop, *lines: tuple[str, int, int], number: str = "W-1", **more: Any) -> OrderMoney:
    """An order of (sku, quantity, unit price); its money."""
    requests = tuple(OrderLineRequest(str(at), *line) for at, line in enumerate(lines, 1))
    shop.done(order(number, requests, **more))
    return money(shop, number)


def order(number: str, requests: tuple[OrderLineRequest, ...], **more: Any) -> PlaceOrder:
    return PlaceOrder(number, more.pop("channel", "web"), requests, NOWHERE, **more)


def money(shop: Shop, number: str = "W-1") -> OrderMoney:
    found = shop.the_order(number).money
    assert found is not None
    return found


def ship(shop: Shop, number: str = "W-1") -> None:
    for fulfilment in shop.the_order(number).fulfilments:
        if fulfilment.state == "released":
            shop.done(AdvanceFulfilment(fulfilment.number, "ship"))


def give_back(shop: Shop, *lines: tuple[str, int], number: str = "W-1", shipping: bool = False) -> int:
    """Agree, receive and settle; what the customer gets, which is what was foreseen."""
    wanted = tuple(ReturnLineRequest(*line) for line in lines)
    shop.done(AuthoriseReturn(number, wanted, refund_shipping=shipping))
    return_id = shop.state.orders.next_return - 1
    agreed = foreseen(shop, number, return_id)
    shop.done(ReceiveReturn(return_id, BERLIN, tuple(ReceiveReturnLine(*line) for line in lines)))
    assert foreseen(shop, number, return_id) == agreed
    given = settle(shop, return_id)
    if agreed is not None:
        assert (given, clawed_back(shop)) == (sum(agreed.lines) + agreed.shipping, agreed.clawed_back)
    return given


def foreseen(shop: Shop, number: str, return_id: int) -> Preview | None:
    """What a return is said to give, before it does."""
    order = shop.the_order(number)
    return preview(order, order.agreed(return_id))


def settle(shop: Shop, return_id: int) -> int:
    shop.done(SettleReturn(return_id))
    assert any(isinstance(fact, ReturnSettled) for fact in shop.facts)
    return credited(shop)


def credited(shop: Shop) -> int:
    """What the last command gave back."""
    return sum(credit.total_minor for fact in shop.facts if isinstance(fact, UnitsCredited) for credit in fact.credits)


def clawed_back(shop: Shop) -> int:
    """What the last command took back of discounts."""
    facts = [fact for fact in shop.facts if isinstance(fact, UnitsCredited)]
    return sum(line.total_minor for fact in facts for taken in fact.clawed_back for line in taken.lines)


def test_what_an_order_costs_is_frozen_whatever_becomes_of_promotions() -> None:
    shop = shop_with(ten={"gives": {"percent": "10"}})
    frozen = place(shop, (KETTLE, 2, 1_999), (TOWEL, 1, 501), shipping_minor=490)
    assert [line.spans[0].priced.total_minor for line in frozen.lines] == [3_598, 451]
    free = msgspec.convert({"name": "x", "gives": {"percent": "100"}}, Promotion)
    shop.done(Configure(promotions={"ten": free}))
    shop.restart()
    assert money(shop).total_minor == 3_598 + 451 + 490


def test_three_single_returns_of_a_thirds_split_give_back_every_cent() -> None:
    shop = shop_with(off={"gives": {"amount": 200}})
    place(shop, (KETTLE, 3, 400))
    ship(shop)
    assert [give_back(shop, ("1", 1)) for _ in range(3)] == [334, 333, 333]
    assert money(shop).credited_minor == 1_000


def test_cancelling_one_of_two_lines_leaves_the_other_its_share_of_the_discount() -> None:
    shop = shop_with(off={"gives": {"amount": 1_000}})
    frozen = place(shop, (KETTLE, 1, 3_000), (TOWEL, 1, 1_000))
    shop.done(CancelOrder("W-1", "no", (CancelLine("2", 1),)))
    assert credited(shop) == 750
    assert money(shop).total_minor - money(shop).credited_minor == 2_250 == frozen.lines[0].spans[0].priced.total_minor


def test_shipping_comes_back_when_nothing_went_out_or_on_request() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000), shipping_minor=490)
    shop.done(CancelOrder("W-1", "no", (CancelLine("1", 1),)))
    assert credited(shop) == 1_000
    shop.done(CancelOrder("W-1", "no"))
    assert credited(shop) == 1_490
    place(shop, (KETTLE, 2, 1_000), number="W-2", shipping_minor=490)
    ship(shop, "W-2")
    assert give_back(shop, ("1", 1), number="W-2") == 1_000
    assert give_back(shop, ("1", 1), number="W-2", shipping=True) == 1_490
    assert money(shop, "W-2").credited_tax_minor == 319 + 78


def test_only_what_came_back_and_was_not_settled_is_settled() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 3, 1_000))
    ship(shop)
    shop.done(AuthoriseReturn("W-1", (ReturnLineRequest("1", 3),)))
    shop.refused(SettleReturn(1), ResultCode.INVALID_TRANSITION)
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 2, "quarantine"),)))
    assert settle(shop, 1) == 2_000
    shop.refused(SettleReturn(1), ResultCode.INVALID_TRANSITION)
    shop.done(ReceiveReturn(1, BERLIN, (ReceiveReturnLine("1", 1, "scrap"),)))
    assert settle(shop, 1) == 1_000
    shop.refused(SettleReturn(7), ResultCode.NOT_FOUND)


def test_what_was_lost_is_given_back_or_sent_again_for_nothing() -> None:
    shop = shop_with()
    place(shop, (KETTLE, 2, 1_000))
    ship(shop)
    shop.done(ReportLoss("W-1", (LostLine("1", 1),), Replacement("W-1.r1")))
    assert (credited(shop), shop.the_order("W-1.r1").money) == (0, None)
    shop.done(ReportLoss("W-1", (LostLine("1", 1),)))
    assert credited(shop) == 1_000


def test_a_change_gives_back_what_it_takes_off_and_charges_what_it_adds_without_discounts() -> None:
    shop = shop_with(off={"gives": {"percent": "10"}})
    place(shop, (KETTLE, 3, 1_000))
    shop.done(ProposeChange("W-1", "fewer", set=(SetLine("1", 2),)))
    shop.done(ConfirmChange(shop.the_order("W-1").changes[-1].number))
    assert credited(shop) == 900
    more = (OrderLineRequest("2", TOWEL, 2, 250),)
    shop.done(ProposeChange("W-1", "more", add=more, set=(SetLine("1", 4),)))
    shop.done(ConfirmChange(shop.the_order("W-1").changes[-1].number))
    found = money(shop)
    assert found.total_minor - found.credited_minor == 1_800 + 2_000 + 500
    shop.done(CancelOrder("W-1", "no"))
    assert money(shop).credited_minor == money(shop).total_minor


def test_an_order_without_prices_has_no_money_and_is_refused_if_it_asks_for_some() -> None:
    shop = shop_with()
    shop.done(order("W-1", (OrderLineRequest("1", KETTLE, 1),)))
    assert shop.the_order("W-1").money is None
    wanted = order("W-2", (OrderLineRequest("1", KETTLE, 1),), shipping_minor=0)
    shop.refused(wanted, ResultCode.NO_PRICE)
    ship(shop)
    assert give_back(shop, ("1", 1)) == 0


def test_a_budget_is_held_at_the_order_given_back_on_cancellation_and_never_overrun() -> None:
    shop = shop_with(ten={"gives": {"amount": 1_000}, "limits": {"budget_minor": 2_500}})
    for at in range(4):
        place(shop, (KETTLE, 1, 1_500), number=f"W-{at}")
    assert [money(shop, f"W-{at}").total_minor for at in range(4)] == [500, 500, 1_500, 1_500]
    shop.done(CancelOrder("W-0", "no"))
    assert place(shop, (KETTLE, 1, 1_500), number="W-9").total_minor == 500
    assert shop.state.usage.of["ten"].minor == 2_000
    shop.restart()


def test_a_thousand_orders_at_once_do_not_overrun_a_budget_by_a_cent() -> None:
    shop = shop_with(off={"gives": {"percent": "33.3333"}, "limits": {"budget_minor": 100_000}})
    for at in range(1_000):
        shop.submit(order(f"W-{at}", (OrderLineRequest("1", KETTLE, 1, 997 + at % 7),)))
    shop.settle()
    given_minor = [span.priced.discount_minor for at in range(1_000) for span in money(shop, f"W-{at}").lines[0].spans]
    assert sum(given_minor) == shop.state.usage.of["off"].minor
    assert 100_000 - 340 < sum(given_minor) <= 100_000


def test_uses_are_counted_by_order_and_come_back_with_a_cancelled_one() -> None:
    shop = shop_with(off={"gives": {"amount": 100}, "limits": {"uses": 1}})
    assert place(shop, (KETTLE, 2, 500), number="W-1").total_minor == 900
    assert place(shop, (KETTLE, 2, 500), number="W-2").total_minor == 1_000
    shop.done(CancelOrder("W-1", "no", (CancelLine("1", 1),)))
    assert place(shop, (KETTLE, 2, 500), number="W-3").total_minor == 1_000
    shop.done(CancelOrder("W-1", "no"))
    assert place(shop, (KETTLE, 2, 500), number="W-4").total_minor == 900


def test_a_customer_uses_a_promotion_so_often_and_gets_it_back_with_a_cancellation() -> None:
    shop = shop_with(off={"gives": {"amount": 100}, "limits": {"uses_per_customer": 1}})
    assert place(shop, (KETTLE, 1, 500), number="W-1", party="anna", party_known=True).total_minor == 400
    assert place(shop, (KETTLE, 1, 500), number="W-2", party="anna", party_known=True).total_minor == 500
    assert place(shop, (KETTLE, 1, 500), number="W-3", party="bert", party_known=True).total_minor == 400
    assert place(shop, (KETTLE, 1, 500), number="W-4").total_minor == 500
    shop.restart()
    shop.done(CancelOrder("W-1", "no"))
    assert place(shop, (KETTLE, 1, 500), number="W-5", party="anna", party_known=True).total_minor == 400


CURRENCIES = {"web": "EUR", "tokyo": "JPY", "kuwait": "KWD"}
EFFECT = st.one_of(
    st.builds(lambda p: {"percent": f"{p // 10}.{p % 10}"}, st.integers(1, 999)),
    st.builds(lambda p: {"percent": f"{p // 10}.{p % 10}", "on": "items"}, st.integers(1, 999)),
    st.builds(lambda amount: {"amount": amount}, st.integers(1, 5_000)),
    st.builds(lambda amount: {"amount_per_item": amount}, st.integers(1, 300)),
)
LINE = st.tuples(st.sampled_from([KETTLE, TOWEL, TRAY]), st.integers(1, 9), st.integers(0, 50_000))


@settings(max_examples=examples(1_000))
@given(
    st.sampled_from(sorted(CURRENCIES)),
    st.booleans(),
    st.lists(EFFECT, max_size=3),
    st.lists(LINE, min_size=1, max_size=4),
    st.integers(0, 900),
    st.data(),
)
def test_over_any_cancellations_and_returns_what_comes_back_and_what_is_kept_is_what_was_paid(
    channel: str,
    included: bool,
    effects: list[dict[str, Any]],
    lines: list[tuple[str, int, int]],
    shipping: int,
    data: st.DataObject,
) -> None:
    shop = shop_with(**{f"p{at}": {"gives": effect} for at, effect in enumerate(effects)})
    currency = CURRENCIES[channel]
    body = Channel(name=channel, kind="web", country="DE", currency=currency, prices_include_tax=included)
    shop.done(Configure(channels={channel: body}))
    frozen = place(shop, *lines, channel=channel, shipping_minor=shipping)
    back = [0] * len(lines)
    gone = [0] * len(lines)

    def take(at: int, units: int) -> None:
        """Look at what the last command gave back for a line, against the exact share of all units that have gone."""
        whole, quantity = frozen.lines[at].spans[0].priced.total_minor, lines[at][1]
        back[at] += sum(
            credit.total_minor
            for fact in shop.facts
            if isinstance(fact, UnitsCredited)
            for credit in fact.credits
            if credit.line == at
        )
        gone[at] += units
        share = Fraction(whole, quantity)
        assert 0 <= back[at] <= whole
        assert share * gone[at] - 1 < back[at] < share * gone[at] + min(gone[at], quantity - gone[at]) + 1

    for at, (_, quantity, _) in enumerate(lines):
        units = data.draw(st.integers(0, quantity))
        if units:
            shop.done(CancelOrder("W-1", "no", (CancelLine(str(at + 1), units),)))
            take(at, units)
    ship(shop)
    while gone != [quantity for _, quantity, _ in lines]:
        at = data.draw(st.sampled_from([at for at, (_, quantity, _) in enumerate(lines) if gone[at] < quantity]))
        units = data.draw(st.integers(1, lines[at][1] - gone[at]))
        give_back(shop, (str(at + 1), units))
        take(at, units)
    found = money(shop)
    priced = [entry.spans[0].priced for entry in frozen.lines] + ([frozen.shipping] if found.shipping_gone else [])
    assert back == [entry.spans[0].priced.total_minor for entry in frozen.lines]
    assert found.credited_minor == sum(each.total_minor for each in priced)
    assert found.credited_tax_minor == sum(each.tax_minor for each in priced)


def test_a_pickup_nobody_comes_for_is_not_paid() -> None:
    shop = shop_with()
    store = Node(name="b", kind="store", country="DE", latitude=52.5, longitude=13.4, pickup=True)
    shop.done(Configure(nodes={BERLIN: store}))
    place(shop, (KETTLE, 2, 700), delivery="pickup", pickup_node=BERLIN, shipping_minor=100)
    shop.done(AdvanceFulfilment(shop.the_order("W-1").fulfilments[0].number, "ready"))
    shop.wait(8 * 86_400)
    shop.settle()
    assert (shop.the_order("W-1").state, money(shop).credited_minor) == ("cancelled", 1_500)


def test_a_change_that_takes_everything_off_gives_uses_and_budget_back() -> None:
    shop = shop_with(off={"gives": {"amount": 100}, "limits": {"uses": 1, "budget_minor": 100}})
    place(shop, (KETTLE, 2, 500))
    shop.done(ProposeChange("W-1", "none", set=(SetLine("1", 0),)))
    shop.done(ConfirmChange(shop.the_order("W-1").changes[-1].number))
    assert place(shop, (KETTLE, 2, 500), number="W-2").total_minor == 900


def test_a_change_is_proposed_with_what_it_will_cost() -> None:
    shop = shop_with(ten={"gives": {"percent": "10"}})
    place(shop, (KETTLE, 2, 1_000), (TOWEL, 3, 100))
    towels, kettles = SetLine("2", 1), SetLine("1", 3)
    shop.done(ProposeChange("W-1", "more", set=(kettles, towels), add=(OrderLineRequest("3", TRAY, 1, 700),)))
    expected = 1_000 - 180 + 700
    assert shop.the_order("W-1").changes[0].money_minor == expected
    before = money(shop).due_minor
    shop.done(ConfirmChange(shop.the_order("W-1").changes[0].number))
    assert money(shop).due_minor - before == expected


@given(
    st.lists(EFFECT, max_size=2),
    st.lists(LINE, min_size=1, max_size=3),
    st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=1, max_size=4),
    st.integers(0, 20_000),
)
def test_a_change_costs_what_it_was_proposed_with(
    effects: list[dict[str, Any]], lines: list[tuple[str, int, int]], steps: list[list[int]], appeased: int
) -> None:
    """Also between changes up and down, and beside an appeasement; the shop compares both books after each."""
    shop = shop_with(**{f"p{at}": {"gives": effect} for at, effect in enumerate(effects)})
    if appeased < place(shop, *lines, shipping_minor=490).total_minor and appeased:
        shop.done(AppeaseCustomer("W-1", appeased, "late"))
    for units in steps:
        wanted = tuple(SetLine(str(at), each) for at, (_, each) in enumerate(zip(lines, units, strict=False), 1))
        if not any(line.quantity for line in wanted):
            continue
        before = cost(shop)
        if not isinstance(shop.do(ProposeChange("W-1", "changed her mind", set=wanted)), Rejection):
            proposed = shop.the_order("W-1").changes[-1]
            shop.done(ConfirmChange(proposed.number))
            assert cost(shop) - before == proposed.money_minor


def cost(shop: Shop) -> int:
    """What an order costs now, whatever was given to appease its customer."""
    return money(shop).total_minor - money(shop).credited_minor
