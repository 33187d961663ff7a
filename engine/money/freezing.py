"""Freezing what an order costs when it is placed."""

from engine.commands.orders import OrderLineRequest, PlaceOrder, ShopDiscount
from engine.facts import Fact
from engine.facts.money import OrderPriced, PaymentAdded, VoucherUsed
from engine.pricing.lists import Buyer
from engine.pricing.quoting import Asked, Given, Wanted, quote
from engine.pricing.vouchers import handed_in, opened
from engine.results import Rejection, ResultCode
from engine.state.order_money import CAPTURED, VOUCHER
from engine.state.state import State


def price_order(state: State, command: PlaceOrder, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """What an order costs, and how it is paid; nothing for one that has no price, if nothing in it asks for one."""
    if not command.priced:
        return ()
    given = given_by_shop(command.lines, command.discounts)
    if isinstance(given, Rejection):
        return given
    channel = state.configuration.channels[command.channel]
    country = command.area.country or channel.country
    at_ns = now_ns if command.placed_at_ns is None else command.placed_at_ns
    customer = command.party if command.party_known else None
    # Nobody pays for sending something in exchange unless the shop says so.
    shipping_minor = 0 if command.shipping_minor is None and command.replaces is not None else command.shipping_minor
    asked = Asked(
        Buyer(command.channel, channel.currency, country, command.customer_group, at_ns),
        [Wanted(line.id, line.sku, line.quantity, line.unit_price_minor) for line in command.lines],
        shipping_minor,
        command.first_order,
        command.tax_treatment,
        vouchers=opened(state.configuration.vouchers, command.vouchers, state.usage),
        discounts=given,
        customer=customer,
        delivery=command.delivery,
    )
    found = quote(state.configuration, asked, state.usage)
    if isinstance(found, Rejection):
        asks = command.shipping_minor is not None or command.discounts or command.payments or command.vouchers
        return found if asks else ()
    priced = OrderPriced(
        command.number,
        channel.currency,
        found.lines,
        found.shipping,
        conditions=found.conditions,
        customer=customer if found.counts_by_customer else None,
    )
    used = handed_in(
        state.configuration.vouchers, command.vouchers, state.usage, channel.currency, found.total, found.verdicts
    )
    refused = next((each for each in used if each.refused is not None), None)
    if refused is not None:
        return Rejection.at(ResultCode.VOUCHER_REFUSED, "/vouchers", f"voucher {refused.code!r}: {refused.refused}")
    known = state.configuration.vouchers
    own = next(
        (p.id for p in command.payments if p.id in command.vouchers or (p.method == VOUCHER and p.id in known)), None
    )
    if own is not None:
        detail = f"{own!r} is a voucher: it is handed in with `vouchers` and needs no payment of its own"
        return Rejection.at(ResultCode.VOUCHER_REFUSED, "/payments", detail)
    asked_for: list[tuple[str, str, int, str]] = [
        (each.id, each.method, each.amount_minor, each.state) for each in command.payments
    ]
    asked_for += [(each.code, VOUCHER, each.minor, CAPTURED) for each in used if each.pays]
    over = sum([amount for _, _, amount, state_then in asked_for if state_then == CAPTURED]) - found.total
    if over > 0:
        detail = f"{over} minor units more than the order costs were captured"
        return Rejection.at(ResultCode.EXCEEDS_AUTHORISED, "/payments", detail)
    paid = [PaymentAdded(command.number, *payment) for payment in asked_for]
    return (priced, *(VoucherUsed(command.number, each.code) for each in used if not each.pays), *paid)


def given_by_shop(
    lines: tuple[OrderLineRequest, ...], discounts: tuple[ShopDiscount, ...]
) -> tuple[Given, ...] | Rejection:
    """Discounts of the shop by line positions; refused if one names a line that is not there."""
    if not discounts:
        return ()
    positions = {line.id: at for at, line in enumerate(lines)}
    given = []
    for at, discount in enumerate(discounts):
        unknown = next((line for line in discount.lines or () if line not in positions), None)
        if unknown is not None:
            return Rejection.at(ResultCode.UNKNOWN_LINE, f"/discounts/{at}/lines", f"there is no line {unknown!r}")
        named = None if discount.lines is None else tuple(dict.fromkeys(positions[line] for line in discount.lines))
        given.append(Given(discount.label, discount.amount_minor, named))
    return tuple(given)
