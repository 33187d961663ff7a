"""The money of an order as the API gives it."""

import msgspec

from engine.amounts import text_of_rate
from engine.calendars.local_time import date_of_day
from engine.facts.money import Priced
from engine.state.money_books import document_id
from engine.state.order_money import OrderMoney
from engine.state.orders import Order


class DiscountAnswer(msgspec.Struct):
    """What one promotion takes off, or (`promotion` null) the shop itself, which calls it `label`."""

    promotion: str | None
    amount_minor: int
    label: str | None


class AmountAnswer(msgspec.Struct):
    """`total_minor` is what the customer pays; `tax_minor` is in it. `tax_category` is the EN 16931 code.

    goods_minor - discount_minor = total_minor where `tax_included`, else total_minor - tax_minor.
    """

    goods_minor: int
    discounts: list[DiscountAnswer]
    discount_minor: int
    total_minor: int
    tax_minor: int
    tax_rate: str
    tax_category: str
    tax_included: bool


class PricedLineAnswer(AmountAnswer):
    """Units of an order line that were priced together. `price_list` is where their price is from; null: it is the shop's own."""

    id: str
    quantity: int
    unit_price_minor: int
    price_list: str | None


class PaymentAnswer(msgspec.Struct):
    """One way in which the customer pays. `state`: authorised, captured (in part or whole), voided. Of what is refunded
    `paid_out_minor` has left the bank. `moved_minor` pays for an order that went out in exchange."""

    id: str
    method: str
    amount_minor: int
    state: str
    captured_minor: int
    refunded_minor: int
    paid_out_minor: int
    moved_minor: int


class DocumentAnswer(msgspec.Struct):
    """A document of the order by its number, which has no gaps. `type`: order_confirmation, invoice, credit_note."""

    type: str
    id: str
    date: str
    total_minor: int


class MoneyAnswer(msgspec.Struct):
    """What the order costs, frozen when it was placed; a line that a change made longer is there more than once.

    total = goods - discount (+ tax where prices do not include it) + shipping + `clawed_back_minor`, which units cost more since others came back. `credited_minor` of it is not paid, or comes back, for
    units that were cancelled, lost or returned; `appeased_minor` was given after the fact; `due_minor` is the rest. `paid_minor` came and did not go back.
    `balance_minor` is what the customer owes by the books, for what was invoiced; below nothing, what was paid before. `written_off_minor` was given up.
    """

    currency: str
    lines: list[PricedLineAnswer]
    shipping: AmountAnswer
    goods_minor: int
    discount_minor: int
    tax_minor: int
    total_minor: int
    credited_minor: int
    credited_tax_minor: int
    appeased_minor: int
    due_minor: int
    paid_minor: int
    payments: list[PaymentAnswer]
    clawed_back_minor: int
    balance_minor: int
    written_off_minor: int
    documents: list[DocumentAnswer]


def amount_fields(priced: Priced) -> tuple[int, list[DiscountAnswer], int, int, int, str, str, bool]:
    """The fields of an `AmountAnswer`, in their order."""
    return (
        priced.goods_minor,
        [DiscountAnswer(each.promotion, each.minor, each.label) for each in priced.discounts],
        priced.discount_minor,
        priced.total_minor,
        priced.tax_minor,
        text_of_rate(priced.rate_millionths),
        priced.category,
        priced.tax_included,
    )


def money_answer(order: Order, money: OrderMoney) -> MoneyAnswer:
    """What an order costs, how it is paid, and how its account stands."""
    lines = [
        PricedLineAnswer(
            *amount_fields(span.priced), line.id, span.quantity, span.priced.unit_price_minor, span.priced.price_list
        )
        for line, priced in zip(order.lines, money.lines, strict=True)
        for span in priced.spans
    ]
    shipping = AmountAnswer(*amount_fields(money.shipping))
    payments = [
        PaymentAnswer(
            payment.id,
            payment.method,
            payment.amount_minor,
            payment.state,
            payment.captured_minor,
            payment.refunded_minor,
            payment.paid_out_minor,
            payment.moved_minor,
        )
        for payment in money.payments
    ]
    documents = [
        DocumentAnswer(
            issued.document.series, document_id(issued.document), date_of_day(issued.day), issued.total_minor
        )
        for issued in money.documents
    ]
    return MoneyAnswer(
        money.currency,
        lines,
        shipping,
        sum([line.goods_minor for line in lines]),
        sum([line.discount_minor for line in lines]) + shipping.discount_minor,
        sum([line.tax_minor for line in lines]) + shipping.tax_minor,
        money.total_minor,
        money.credited_minor,
        money.credited_tax_minor,
        money.appeased_minor,
        money.due_minor,
        money.paid_minor,
        payments,
        money.clawed_back_minor,
        money.balance_minor,
        money.written_off_minor,
        documents,
    )
