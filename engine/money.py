"""The money of one order: what its units cost, frozen, and which of them are not paid for any more."""

from __future__ import annotations

import msgspec

from engine.facts.money import Credit, Discount, Priced
from engine.pricing.amounts import of_span

SHIPPING = -1
CAPTURED, VOIDED = "captured", "voided"
VOUCHER = "voucher"


class Span(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of a line that were priced together."""

    quantity: int
    priced: Priced


class LineMoney(msgspec.Struct, array_like=True, gc=False):
    """Units in the order in which they were priced. The first `gone` are not paid for; `removed` of them were taken off by changes."""

    spans: tuple[Span, ...]
    gone: int = 0
    removed: int = 0


class Payment(msgspec.Struct, array_like=True, gc=False):
    """One way in which the customer pays. `state`: authorised, captured (in part or whole) or voided."""

    id: str
    method: str
    amount_minor: int
    state: str
    captured_minor: int = 0
    refunded_minor: int = 0


class OrderMoney(msgspec.Struct, array_like=True, gc=False):
    """`vouchers` are those that were handed in, also those that are payments. `credited_minor` of what was charged is not paid or comes back, with the tax in it."""

    currency: str
    lines: list[LineMoney]
    shipping: Priced
    shipping_gone: bool = False
    credited_minor: int = 0
    credited_tax_minor: int = 0
    payments: list[Payment] = []
    vouchers: list[str] = []
    appeased_minor: int = 0

    @property
    def total_minor(self) -> int:
        """All that was charged, before credits."""
        return self.shipping.total_minor + sum([span.priced.total_minor for line in self.lines for span in line.spans])

    @property
    def due_minor(self) -> int:
        """What is to be paid in all, after credits and what was given to appease the customer."""
        return self.due_after(0)

    def due_after(self, more_minor: int) -> int:
        """The same once so much more is charged, or (negative) credited; never less than nothing."""
        return max(0, self.total_minor - self.credited_minor - self.appeased_minor + more_minor)

    @property
    def paid_minor(self) -> int:
        """What came and did not go back."""
        return sum([payment.captured_minor - payment.refunded_minor for payment in self.payments])

    def payment(self, payment_id: str) -> Payment | None:
        """The payment with this id."""
        return next((payment for payment in self.payments if payment.id == payment_id), None)

    @property
    def promotions(self) -> list[str]:
        """Every promotion that takes something off, once."""
        amounts = [self.shipping, *(span.priced for line in self.lines for span in line.spans)]
        names = [each.promotion for priced in amounts for each in priced.discounts if each.promotion is not None]
        return list(dict.fromkeys(names))

    def credit(self, at: int, quantity: int, gone: int | None = None) -> Credit:
        """What the next units of a line are worth after `gone` ones: the first that are still paid for (frozen shares)."""
        before = self.lines[at].gone if gone is None else gone
        first, total, tax = 0, 0, 0
        discounts: dict[tuple[str | None, str | None], int] = {}
        for span in self.lines[at].spans:
            start = max(before, first) - first
            units = min(before + quantity, first + span.quantity) - first - start
            if units > 0:
                total += of_span(span.priced.total_minor, span.quantity, start, units)
                tax += of_span(span.priced.tax_minor, span.quantity, start, units)
                for each in span.priced.discounts:
                    share = of_span(each.minor, span.quantity, start, units)
                    kind = each.promotion, each.label
                    discounts[kind] = discounts.get(kind, 0) + share
            first += span.quantity
        assert before + quantity <= first, "more units than were priced"
        return Credit(
            at, quantity, total, tax, tuple(Discount(name, minor, label) for (name, label), minor in discounts.items())
        )

    def credit_of_shipping(self) -> Credit:
        """What shipping is worth."""
        shipping = self.shipping
        return Credit(SHIPPING, 1, shipping.total_minor, shipping.tax_minor, shipping.discounts)

    def take(self, credit: Credit) -> None:
        """Write a credit down."""
        if credit.line == SHIPPING:
            assert not self.shipping_gone
            self.shipping_gone = True
        else:
            self.lines[credit.line].gone += credit.quantity
        self.credited_minor += credit.total_minor
        self.credited_tax_minor += credit.tax_minor
