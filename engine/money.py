"""The money of one order: what its units cost, frozen, and which of them are not paid for any more.

Units of a line are numbered from 0 in the order in which they were priced; a unit has its frozen share of every amount. What is
sent, cancelled or taken off are the first units that are open; what comes back or gets lost are the first that were sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from engine.facts.money import Discount, Document, Priced, Share
from engine.facts.orders import Take
from engine.pricing.amounts import of_span

SHIPPING = -1
ORDER_CONFIRMATION, INVOICE, CREDIT_NOTE = "order_confirmation", "invoice", "credit_note"
CAPTURED, VOIDED = "captured", "voided"
VOUCHER = "voucher"
# Why units are not paid for: those that were cancelled or changed never went out, those that were lost or returned did.
CANCELLED, CHANGED, LOST, RETURNED = "cancelled", "changed", "lost", "returned"
SENT = (LOST, RETURNED)
Units = tuple[int, int]


def units_of(takes: Iterable[Take]) -> dict[int, int]:
    """Units by line position."""
    units: dict[int, int] = {}
    for take in takes:
        units[take.line] = units.get(take.line, 0) + take.quantity
    return units


class Span(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of a line that were priced together."""

    quantity: int
    priced: Priced


class LineMoney(msgspec.Struct, array_like=True, gc=False):
    """Where the units of a line are. The first `ended` are not open any more; `sent` are those of them that went out and are paid for.

    `removed` units were taken off by changes. Units are given as (the first one, how many).
    """

    spans: tuple[Span, ...]
    ended: int = 0
    removed: int = 0
    sent: tuple[Units, ...] = ()

    @property
    def quantity(self) -> int:
        """All units that were ever priced."""
        return sum([span.quantity for span in self.spans])

    @property
    def open(self) -> Units:
        """Units that were neither sent nor given up."""
        return self.ended, self.quantity - self.ended

    def first_open(self, quantity: int) -> tuple[Units, ...]:
        """The units that are sent or given up next."""
        assert self.ended + quantity <= self.quantity, "more units than were priced"
        return ((self.ended, quantity),)

    def first_sent(self, quantity: int, after: int = 0) -> tuple[Units, ...]:
        """The units that come back next, once `after` have."""
        found = []
        for first, count in self.sent:
            skipped = min(after, count)
            units = min(quantity, count - skipped)
            if units:
                found.append((first + skipped, units))
            after -= skipped
            quantity -= units
        assert not quantity, "more units than were sent"
        return tuple(found)

    def pieces(self, units: Iterable[Units]) -> Iterator[tuple[Span, int, int]]:
        """Units as (span, units of it before them, how many)."""
        for first, count in units:
            if len(self.spans) == 1:
                yield self.spans[0], first, count
                continue
            start = 0
            for span in self.spans:
                before = max(first, start) - start
                inside = min(first + count, start + span.quantity) - start - before
                if inside > 0:
                    yield span, before, inside
                start += span.quantity

    def send(self, quantity: int) -> None:
        """The next units go out."""
        first, (last, count) = self.ended, self.sent[-1] if self.sent else (0, 0)
        if last + count == first and count:
            self.sent = (*self.sent[:-1], (last, count + quantity))
        else:
            self.sent = (*self.sent, (first, quantity))
        self.ended += quantity

    def come_back(self, quantity: int) -> None:
        """The first units that were sent are not paid for any more."""
        self.sent = self.first_sent(sum([count for _, count in self.sent]) - quantity, quantity)


class Payment(msgspec.Struct, array_like=True, gc=False):
    """One way in which the customer pays. `state`: authorised, captured (in part or whole) or voided.

    Of what is refunded `paid_out_minor` has left the bank.
    """

    id: str
    method: str
    amount_minor: int
    state: str
    captured_minor: int = 0
    refunded_minor: int = 0
    paid_out_minor: int = 0

    @property
    def kept_minor(self) -> int:
        """What came and did not go back."""
        return self.captured_minor - self.refunded_minor


class Issued(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A document that the order got, by the record that issued it; dated `day`."""

    document: Document
    day: int
    total_minor: int
    seq: int


class OrderMoney(msgspec.Struct, array_like=True, gc=False):
    """`vouchers` are those that were handed in, also those that are payments. `credited_minor` of what was charged is not paid or comes
    back, with the tax in it.

    `balance_minor` is what the customer owes by the money books (below nothing: what we owe), after `written_off_minor`.
    """

    currency: str
    lines: list[LineMoney]
    shipping: Priced
    shipping_gone: bool = False
    credited_minor: int = 0
    credited_tax_minor: int = 0
    payments: list[Payment] = []
    vouchers: list[str] = []
    appeased_minor: int = 0
    balance_minor: int = 0
    written_off_minor: int = 0
    documents: list[Issued] = []

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
        return sum([payment.kept_minor for payment in self.payments])

    def payment(self, payment_id: str) -> Payment | None:
        """The payment with this id."""
        return next((payment for payment in self.payments if payment.id == payment_id), None)

    @property
    def promotions(self) -> list[str]:
        """Every promotion that takes something off, once."""
        amounts = [self.shipping, *(span.priced for line in self.lines for span in line.spans)]
        names = [each.promotion for priced in amounts for each in priced.discounts if each.promotion is not None]
        return list(dict.fromkeys(names))

    @property
    def is_invoiced(self) -> bool:
        """Whether anything was invoiced: shipping is, with what leaves first."""
        return any(issued.document.series == INVOICE for issued in self.documents)

    def share(self, at: int, units: tuple[Units, ...]) -> Share:
        """What units of a line are worth: their frozen shares."""
        total, tax, quantity = 0, 0, 0
        discounts: dict[tuple[str | None, str | None], int] = {}
        for span, before, count in self.lines[at].pieces(units):
            priced = span.priced
            quantity += count
            total += of_span(priced.total_minor, span.quantity, before, count)
            tax += of_span(priced.tax_minor, span.quantity, before, count)
            for each in priced.discounts:
                kind = each.promotion, each.label
                part = of_span(each.minor, span.quantity, before, count)
                discounts[kind] = discounts.get(kind, 0) + part
        taken_off = tuple([Discount(name, minor, label) for (name, label), minor in discounts.items()])
        return Share(at, quantity, total, tax, taken_off)

    def share_of_shipping(self) -> Share:
        """What shipping is worth."""
        shipping = self.shipping
        return Share(SHIPPING, 1, shipping.total_minor, shipping.tax_minor, shipping.discounts)

    def credit(self, share: Share, sent: bool) -> None:
        """Write down that units are not paid for any more: the first that were `sent`, or the first that are open."""
        if share.line == SHIPPING:
            assert not self.shipping_gone
            self.shipping_gone = True
        elif sent:
            self.lines[share.line].come_back(share.quantity)
        else:
            self.lines[share.line].ended += share.quantity
        self.credited_minor += share.total_minor
        self.credited_tax_minor += share.tax_minor
