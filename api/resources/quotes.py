"""Quotes over HTTP: what a basket costs now, and why."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.money import AmountAnswer, amount_fields
from api.answers.timestamps import check_moment, to_ns
from api.http.listing import Moment
from api.http.operations import Call, Handled, Operation, Reading
from api.resources.orders import repeated_line
from engine import limits
from engine.commands.fields import Country, Id, Minor
from engine.commands.orders import Delivery, OrderLineRequests, ShopDiscount
from engine.commands.pricing import Treatment
from engine.configuration.known_skus import refuse_unknown_skus
from engine.money.freezing import given_by_shop
from engine.pricing.lists import Buyer
from engine.pricing.quoting import Asked, Quote, Wanted, quote
from engine.pricing.vouchers import handed_in, opened
from engine.results import Rejection, ResultCode
from engine.state.state import State

TAG = "Prices"


class QuoteTo(msgspec.Struct, frozen=True):
    """Where it goes, as far as prices and taxes depend on it. Other fields of an address may be there and are passed over."""

    country: Country | None = None


class QuoteCustomer(msgspec.Struct, frozen=True):
    """Who buys. Fields by which a person is known may be there and are passed over."""

    reference: str | None = None


class QuoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A basket. A line's own `unit_price_minor` wins over price lists. `first_order` is what the shop knows about the customer.

    Without `shipping_minor` the tables of shipping prices say it, for `delivery`.
    `tax_treatment` other than domestic: no tax is asked for, and prices that include tax are charged without it. `at` asks for another
    time than now. With `explain` every promotion that could be about the basket is listed with the reason why it does not apply.
    """

    channel: Id
    lines: OrderLineRequests
    vouchers: Annotated[tuple[Id, ...], Meta(max_length=limits.QUOTE_VOUCHERS_MAX)] = ()
    customer: QuoteCustomer | None = None
    customer_group: Id | None = None
    first_order: bool = False
    ship_to: QuoteTo | None = None
    shipping_minor: Minor | None = None
    delivery: Delivery = "ship"
    discounts: Annotated[tuple[ShopDiscount, ...], Meta(max_length=limits.ORDER_DISCOUNTS_MAX)] = ()
    tax_treatment: Treatment = "domestic"
    at: Moment | None = None
    explain: bool = False

    def __post_init__(self) -> None:
        check_moment("at", self.at)


class QuotedLine(AmountAnswer):
    """A line. `price_list` is where its price is from; null: it is the shop's own."""

    id: str
    sku: str
    quantity: int
    unit_price_minor: int
    price_list: str | None


class VoucherAnswer(msgspec.Struct):
    """A voucher that was given: what it takes off or pays, or why it is refused."""

    code: str
    applied_minor: int
    refused: str | None


class ExplainedPromotion(msgspec.Struct):
    """A promotion that could be about the basket. Without `reason` it applies."""

    promotion: str
    name: str
    applied: bool
    amount_minor: int
    reason: str | None


class QuoteAnswer(msgspec.Struct):
    """What it all costs; `to_pay_minor` is what vouchers of a value leave to pay. `explain` is null unless it was asked for."""

    currency: str
    lines: list[QuotedLine]
    shipping: AmountAnswer
    goods_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    vouchers: list[VoucherAnswer]
    to_pay_minor: int
    explain: list[ExplainedPromotion] | None


def ask(call: Call) -> Handled:
    """What a basket costs; changes nothing."""
    body: QuoteBody = call.body
    refusal = repeated_line(body.lines)
    if refusal is not None:
        return refusal
    reference = None if body.customer is None else body.customer.reference
    # Somebody who has not bought yet has used nothing: any word that is no party stands for them.
    customer = None if reference is None else call.server.parties.known_party(reference) or "new"
    return Reading(lambda state, now_ns: _answer(state, body, customer, now_ns if body.at is None else to_ns(body.at)))


def _answer(state: State, body: QuoteBody, customer: str | None, at_ns: int) -> QuoteAnswer | Rejection:
    known = state.configuration
    channel = known.channels.get(body.channel)
    if channel is None:
        return Rejection.at(ResultCode.UNKNOWN_CHANNEL, "/channel", f"there is no channel {body.channel!r}")
    unknown = refuse_unknown_skus(state, body.lines)
    if unknown is not None:
        return unknown
    country = channel.country if body.ship_to is None else body.ship_to.country or channel.country
    given = given_by_shop(body.lines, body.discounts)
    if isinstance(given, Rejection):
        return given
    asked = Asked(
        Buyer(body.channel, channel.currency, country, body.customer_group, at_ns),
        [Wanted(line.id, line.sku, line.quantity, line.unit_price_minor) for line in body.lines],
        body.shipping_minor,
        body.first_order,
        body.tax_treatment,
        vouchers=opened(known.vouchers, body.vouchers, state.usage),
        discounts=given,
        customer=customer,
        delivery=body.delivery,
    )
    found = quote(known, asked, state.usage)
    if isinstance(found, Rejection):
        return found
    used = handed_in(known.vouchers, body.vouchers, state.usage, channel.currency, found.total, found.verdicts)
    lines = [
        QuotedLine(*amount_fields(priced), line.id, line.sku, line.quantity, priced.unit_price_minor, priced.price_list)
        for line, priced in zip(body.lines, found.lines, strict=True)
    ]
    return QuoteAnswer(
        currency=channel.currency,
        lines=lines,
        shipping=AmountAnswer(*amount_fields(found.shipping)),
        goods_minor=found.goods,
        discount_minor=found.discount,
        tax_minor=found.tax,
        total_minor=found.total,
        vouchers=[VoucherAnswer(each.code, each.minor, each.refused) for each in used],
        to_pay_minor=found.total - sum([each.minor for each in used if each.pays]),
        explain=_explained(state, found) if body.explain else None,
    )


def _explained(state: State, found: Quote) -> list[ExplainedPromotion]:
    promotions = state.configuration.promotions
    return [
        ExplainedPromotion(
            each.promotion, promotions[each.promotion].name, each.reason is None, each.minor, each.reason
        )
        for each in found.verdicts
    ]


OPERATIONS = [
    Operation(
        id="quote", method="POST", path="/v1/quotes", tag=TAG, handle=ask, body=QuoteBody, answer=QuoteAnswer,
        summary="What a basket costs, line by line, with every discount and the tax in it",
        codes=(ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_SKU, ResultCode.NO_PRICE, ResultCode.UNKNOWN_LINE),
        example={
            "channel": "web-de",
            "lines": [{"id": "1", "sku": "85123A", "quantity": 2}],
            "ship_to": {"country": "DE"},
            "shipping_minor": 490,
            "explain": True,
        },
        description="Changes nothing. Lines of one SKU count together for quantity steps. Amounts are rounded half up, per line.",
    ),
]  # fmt: skip
