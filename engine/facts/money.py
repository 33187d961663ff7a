"""What orders cost, frozen when they are placed, and what customers get back of it. Amounts are minor units of `currency`."""

import msgspec

from engine.facts.orders import Take
from engine.facts.postings import Posting
from engine.numbers import FulfilmentNumber, ReturnNumber


class Discount(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a promotion takes off, or the shop itself, which calls it `label`."""

    promotion: str | None
    minor: int
    label: str | None = None


class Priced(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Units of a line, or shipping, with their figures. `total_minor` is what the customer pays; the tax is in it.

    goods - discounts = total where prices include tax, else total - tax. `category` is the EN 16931 code of the tax, `country` whose
    tax it is; without `price_list` the price is the shop's own.
    """

    unit_price_minor: int
    goods_minor: int
    total_minor: int
    tax_minor: int
    rate_millionths: int
    category: str
    tax_included: bool
    discounts: tuple[Discount, ...] = ()
    price_list: str | None = None
    country: str = ""

    @property
    def discount_minor(self) -> int:
        """All discounts."""
        return sum([each.minor for each in self.discounts])


class Charge(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of the line at position `line` cost this."""

    line: int
    quantity: int
    priced: Priced


class Share(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What `quantity` units of the line at position `line` are worth; -1 is shipping."""

    line: int
    quantity: int
    total_minor: int
    tax_minor: int
    discounts: tuple[Discount, ...] = ()


class Document(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A document by its number, which has no gaps within its series and year."""

    series: str
    year: int
    number: int


class MoneyPosting(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`amount_minor` (> 0) goes from account `source` to account `target`: a credit of the one and a debit of the other."""

    source: str
    target: str
    amount_minor: int


class DocumentIssued(msgspec.Struct, array_like=True, frozen=True, tag="document_issued"):
    """An order got a document, dated `day`: an order confirmation, an invoice of what left with `fulfilment`, or a credit note.

    `shares` are what it is about; those of an invoice are the units that went out. `total_minor` is with tax.
    """

    order: str
    document: Document
    day: int
    total_minor: int
    shares: tuple[Share, ...] = ()
    fulfilment: FulfilmentNumber | None = None
    postings: tuple[Posting, ...] = ()


class MoneyBooked(msgspec.Struct, array_like=True, frozen=True, tag="money_booked"):
    """Money went from account to account on `day`, for an order or (None) for a voucher; the document says why."""

    order: str | None
    currency: str
    day: int
    document_type: str
    document_id: str
    entries: tuple[MoneyPosting, ...]
    postings: tuple[Posting, ...] = ()


class Condition(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What must stay of an order for the customer to keep a promotion's discount: units and goods, before discounts, of some lines."""

    promotion: str
    lines: tuple[int, ...]
    min_goods_minor: int | None
    min_quantity: int | None


class ClawedLine(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The `quantity` units of a line that stay cost so much more; -1 is shipping. `discount_minor` is what was taken off them."""

    line: int
    quantity: int
    total_minor: int
    tax_minor: int
    discount_minor: int


class ClawedBack(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A promotion's discount on what stays is taken back."""

    promotion: str
    lines: tuple[ClawedLine, ...]


class OrderPriced(msgspec.Struct, array_like=True, frozen=True, tag="order_priced"):
    """What the lines of an order cost, in their order, and shipping. This stays, whatever becomes of prices and promotions.

    `customer` is the party, where a promotion counts orders by customer.
    """

    order: str
    currency: str
    lines: tuple[Priced, ...]
    shipping: Priced
    postings: tuple[Posting, ...] = ()
    conditions: tuple[Condition, ...] = ()
    customer: str | None = None


class UnitsCharged(msgspec.Struct, array_like=True, frozen=True, tag="units_charged"):
    """A change added units to an order."""

    order: str
    charges: tuple[Charge, ...]
    postings: tuple[Posting, ...] = ()


class UnitsCredited(msgspec.Struct, array_like=True, frozen=True, tag="units_credited"):
    """Units of an order are not to be paid for, because they were `reason`: cancelled, changed, lost or returned.

    `clawed_back` is what the units that stay cost more because of that.
    """

    order: str
    reason: str
    credits: tuple[Share, ...]
    postings: tuple[Posting, ...] = ()
    clawed_back: tuple[ClawedBack, ...] = ()


class PaymentAdded(msgspec.Struct, array_like=True, frozen=True, tag="payment_added"):
    """The customer pays for an order: `state` is authorised (may be captured) or captured (the money is there)."""

    order: str
    payment: str
    method: str
    amount_minor: int
    state: str
    postings: tuple[Posting, ...] = ()


class VoucherUsed(msgspec.Struct, array_like=True, frozen=True, tag="voucher_used"):
    """An order uses a voucher for a promotion. What is paid with a voucher is a payment."""

    order: str
    voucher: str
    postings: tuple[Posting, ...] = ()


class PaymentCaptured(msgspec.Struct, array_like=True, frozen=True, tag="payment_captured"):
    """Money of an authorised payment came."""

    order: str
    payment: str
    amount_minor: int
    postings: tuple[Posting, ...] = ()


class PaymentVoided(msgspec.Struct, array_like=True, frozen=True, tag="payment_voided"):
    """What was authorised and not captured will not come."""

    order: str
    payment: str
    postings: tuple[Posting, ...] = ()


class Refund(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Money that goes back the way a payment came."""

    payment: str
    amount_minor: int


class PaymentsRefunded(msgspec.Struct, array_like=True, frozen=True, tag="payments_refunded"):
    """What the customer paid over what is due goes back."""

    order: str
    refunds: tuple[Refund, ...]
    postings: tuple[Posting, ...] = ()


class RefundPaidOut(msgspec.Struct, array_like=True, frozen=True, tag="refund_paid_out"):
    """Money that goes back over a payment has left the bank."""

    order: str
    payment: str
    amount_minor: int
    postings: tuple[Posting, ...] = ()


class ReceivableWrittenOff(msgspec.Struct, array_like=True, frozen=True, tag="receivable_written_off"):
    """What a customer owes was given up."""

    order: str
    amount_minor: int
    reason: str
    postings: tuple[Posting, ...] = ()


class PeriodLocked(msgspec.Struct, array_like=True, frozen=True, tag="period_locked"):
    """Nothing is booked on `through_day` or before it any more."""

    through_day: int
    postings: tuple[Posting, ...] = ()


class PaymentMoved(msgspec.Struct, array_like=True, frozen=True, tag="payment_moved"):
    """What would go back over a payment pays for another order instead, as its payment `as_payment`."""

    order: str
    payment: str
    to_order: str
    as_payment: str
    amount_minor: int
    postings: tuple[Posting, ...] = ()


class ReturnSettled(msgspec.Struct, array_like=True, frozen=True, tag="return_settled"):
    """Units that came back with a return are settled; what the customer gets is in the fact that follows."""

    order: str
    return_id: ReturnNumber
    lines: tuple[Take, ...]
    postings: tuple[Posting, ...] = ()


Fact = (
    DocumentIssued
    | MoneyBooked
    | OrderPriced
    | UnitsCharged
    | UnitsCredited
    | PaymentAdded
    | VoucherUsed
    | PaymentCaptured
    | PaymentVoided
    | PaymentsRefunded
    | RefundPaidOut
    | ReceivableWrittenOff
    | PeriodLocked
    | PaymentMoved
    | ReturnSettled
)
