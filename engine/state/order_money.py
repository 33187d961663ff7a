"""The money of one order: what its units cost, frozen, and which of them are not paid for any more.

Units of a line are numbered from 0 in the order in which they were priced; a unit has its frozen share of every amount. What is
sent, cancelled or taken off are the first units that are open; what comes back or gets lost are the first that were sent.
"""

from collections.abc import Iterable, Iterator

import msgspec

from engine.amounts import of_span
from engine.facts.money import ClawedBack, Condition, Discount, Document, Priced, Share
from engine.facts.orders import Take

SHIPPING = -1
ORDER_CONFIRMATION, INVOICE, CREDIT_NOTE = "order_confirmation", "invoice", "credit_note"
AUTHORISED, CAPTURED, VOIDED = "authorised", "captured", "voided"
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


class Clawed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A promotion's discount that was taken back of `units`, of which there were `quantity`: they cost so much more."""

    promotion: str
    units: tuple[Units, ...]
    quantity: int
    total_minor: int
    tax_minor: int
    discount_minor: int

    def pieces(self, units: Iterable[Units]) -> Iterator[tuple[int, int]]:
        """Which of its units these are, as (units of it before them, how many)."""
        for first, count in units:
            start = 0
            for own, own_count in self.units:
                begin, end = max(first, own), min(first + count, own + own_count)
                if begin < end:
                    yield start + begin - own, end - begin
                start += own_count


class LineMoney(msgspec.Struct, array_like=True, gc=False):
    """Where the units of a line are. The first `ended` are not open any more; `sent` are those of them that went out and are paid for.

    `removed` units were taken off by changes. Units are given as (the first one, how many).
    """

    spans: tuple[Span, ...]
    ended: int = 0
    removed: int = 0
    sent: tuple[Units, ...] = ()
    clawed: tuple[Clawed, ...] = ()

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

    def staying(self, going: int) -> tuple[Units, ...]:
        """The units that are paid for once so many of those that were sent are not."""
        sent = self.first_sent(sum([count for _, count in self.sent]) - going, going)
        return (*sent, self.open) if self.open[1] else sent

    def staying_as_ordered(self, going: int) -> tuple[Units, ...]:
        """The same without what changes added: promotions are for what was ordered at first."""
        ordered = self.spans[0].quantity
        return tuple([(first, min(count, ordered - first)) for first, count in self.staying(going) if first < ordered])

    @property
    def total_minor(self) -> int:
        """All that was ever charged for it."""
        clawed = sum([each.total_minor for each in self.clawed]) if self.clawed else 0
        return sum([span.priced.total_minor for span in self.spans]) + clawed

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

    Of what is refunded `paid_out_minor` has left the bank. `moved_minor` pays for another order; that one's payment has its
    `origin`: the order and the payment.
    """

    id: str
    method: str
    amount_minor: int
    state: str
    captured_minor: int = 0
    refunded_minor: int = 0
    paid_out_minor: int = 0
    moved_minor: int = 0
    origin: tuple[str, str] | None = None

    @property
    def kept_minor(self) -> int:
        """What came, did not go back and pays for this order."""
        return self.captured_minor - self.refunded_minor - self.moved_minor

    @property
    def promised_minor(self) -> int:
        """The same with what is authorised and may still come."""
        return 0 if self.state == VOIDED else self.amount_minor - self.refunded_minor - self.moved_minor


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
    conditions: list[Condition] = []
    shipping_clawed: tuple[Clawed, ...] = ()
    customer: str | None = None

    @property
    def total_minor(self) -> int:
        """All that was charged, before credits."""
        return (
            self.shipping.total_minor
            + self.clawed_back_minor
            + sum([span.priced.total_minor for line in self.lines for span in line.spans])
        )

    @property
    def clawed_back_minor(self) -> int:
        """Discounts that were taken back of what stayed."""
        clawed = [each.total_minor for line in self.lines for each in line.clawed]
        return sum(clawed) + sum([each.total_minor for each in self.shipping_clawed])

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
        for taken_back in self.lines[at].clawed:
            kind = taken_back.promotion, None
            for before, count in taken_back.pieces(units):
                total += of_span(taken_back.total_minor, taken_back.quantity, before, count)
                tax += of_span(taken_back.tax_minor, taken_back.quantity, before, count)
                discounts[kind] -= of_span(taken_back.discount_minor, taken_back.quantity, before, count)
        taken_off = tuple([Discount(name, minor, label) for (name, label), minor in discounts.items()])
        return Share(at, quantity, total, tax, taken_off)

    def share_of_shipping(self) -> Share:
        """What shipping is worth."""
        total, tax = self.shipping.total_minor, self.shipping.tax_minor
        discounts = {(each.promotion, each.label): each.minor for each in self.shipping.discounts}
        for clawed in self.shipping_clawed:
            total += clawed.total_minor
            tax += clawed.tax_minor
            discounts[clawed.promotion, None] -= clawed.discount_minor
        taken_off = tuple([Discount(name, minor, label) for (name, label), minor in discounts.items()])
        return Share(SHIPPING, 1, total, tax, taken_off)

    def claw_back(self, taken: ClawedBack) -> None:
        """Write down that a promotion's discount is taken back of what stays, after what goes has gone."""
        self.conditions = [condition for condition in self.conditions if condition.promotion != taken.promotion]
        for each in taken.lines:
            units: tuple[Units, ...] = (
                ((0, 1),) if each.line == SHIPPING else self.lines[each.line].staying_as_ordered(0)
            )
            amounts = each.quantity, each.total_minor, each.tax_minor, each.discount_minor
            clawed = Clawed(taken.promotion, units, *amounts)
            if each.line == SHIPPING:
                self.shipping_clawed += (clawed,)
            else:
                self.lines[each.line].clawed += (clawed,)

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
