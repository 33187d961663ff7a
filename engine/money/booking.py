"""Bookkeeping: what the facts of a record mean for the money ledger, and which documents they give their orders.
Decided last, in the same record.

What leaves is invoiced; what is given back of it gets a credit note. The customer's account is `receivable` while the
order owes us something and `prepayment` while we owe it goods. Reversals only: nothing that was booked is ever changed.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from engine.calendars import time_zone_of_country
from engine.calendars.local_time import day_at, year_of_day, zone_of
from engine.facts import Fact
from engine.facts.money import (
    Document,
    DocumentIssued,
    MoneyBooked,
    MoneyPosting,
    OrderPriced,
    PaymentAdded,
    PaymentCaptured,
    PaymentMoved,
    PaymentsRefunded,
    ReceivableWrittenOff,
    RefundPaidOut,
    Share,
    UnitsCharged,
    UnitsCredited,
)
from engine.facts.orders import FulfilmentAdvanced, OrderAppeased, OrderPlaced
from engine.facts.pricing import VoucherSet
from engine.lifecycles import LEFT, OPEN
from engine.money.sales import CUSTOMER, Entry, Sale
from engine.state.finding import find_order
from engine.state.money_books import (
    APPEASEMENT,
    PREPAYMENT,
    RECEIVABLE,
    REFUNDS_PAYABLE,
    VOUCHER_LIABILITY,
    VOUCHERS_ISSUED,
    WRITE_OFF,
    clearing,
    document_id,
    of_customer,
)
from engine.state.order_money import (
    CAPTURED,
    CREDIT_NOTE,
    INVOICE,
    ORDER_CONFIRMATION,
    SENT,
    SHIPPING,
    VOUCHER,
    Issued,
    OrderMoney,
    units_of,
)
from engine.state.orders import Order
from engine.state.state import State


class _Customer:
    """One order's account while a record is being booked: as the facts so far leave it."""

    def __init__(self, order: str, currency: str, channel: str, money: OrderMoney | None, charged_minor: int) -> None:
        self.order = order
        self.currency = currency
        self.channel = channel
        self.money = money
        self.charged_minor = charged_minor
        self.credited_minor = 0 if money is None else money.credited_minor
        self.appeased_minor = 0 if money is None else money.appeased_minor
        self.balance_minor = 0 if money is None else money.balance_minor
        self.written_off_minor = 0 if money is None else money.written_off_minor
        self.given_minor = self.appeasement()
        self.added: dict[str, PaymentAdded] = {}

    def appeasement(self) -> int:
        """What is left of what was given to appease the customer: what is credited anyway takes it up."""
        return min(self.appeased_minor, max(0, self.charged_minor - self.credited_minor))


class Books:
    """What a record books, fact by fact."""

    def __init__(self, state: State, record: tuple[Fact, ...], now_ns: int) -> None:
        self.state = state
        self.record = record
        self.now_ns = now_ns
        self.facts: list[Fact] = []
        self.customers: dict[str, _Customer] = {}
        self.numbers: dict[tuple[str, int], int] = {}

    def customer(self, number: str) -> _Customer:
        """The account of an order that has prices."""
        found = self.customers.get(number)
        if found is None:
            order = find_order(self.state, number)
            assert order is not None
            assert order.money is not None
            found = self.customer_of(order, order.money)
        return found

    def customer_of(self, order: Order, money: OrderMoney) -> _Customer:
        """The account of an order that has one, as it is before the record."""
        found = _Customer(order.number, money.currency, order.channel, money, money.total_minor)
        self.customers[order.number] = found
        return found

    def channel_of(self, number: str) -> str:
        """The channel of an order that is placed by this record."""
        return next(fact.channel for fact in self.record if isinstance(fact, OrderPlaced) and fact.order == number)

    def means(self, customer: _Customer, payment_id: str) -> str:
        """The account that a payment's money comes to: what is paid with a voucher was owed for it."""
        known = None if customer.money is None else customer.money.payment(payment_id)
        if known is None:
            added = customer.added[payment_id]
            by_voucher = added.method == VOUCHER and payment_id in self.state.configuration.vouchers
            return VOUCHER_LIABILITY if by_voucher else clearing(added.method)
        assert customer.money is not None
        return VOUCHER_LIABILITY if payment_id in customer.money.vouchers else clearing(known.method)

    def day(self, channel: str | None) -> int:
        """The date of a booking: today in the channel's country, or the first day that is not locked."""
        country = "" if channel is None else self.state.configuration.channels[channel].country
        return max(_today(country, self.now_ns), self.state.money_books.locked_through_day + 1)

    def issue(
        self,
        series: str,
        customer: _Customer,
        total_minor: int,
        shares: tuple[Share, ...] = (),
        fulfilment: int | None = None,
    ) -> tuple[str, str]:
        """Give an order the next document of a series; its type and number."""
        day = self.day(customer.channel)
        kind = series, year_of_day(day)
        number = self.numbers.get(kind, self.state.money_books.last_numbers.get(kind, 0)) + 1
        self.numbers[kind] = number
        document = Document(*kind, number)
        self.facts.append(DocumentIssued(customer.order, document, day, total_minor, shares, fulfilment))
        return series, document_id(document)

    def book(self, customer: _Customer, document: tuple[str, str], entries: Iterable[Entry] = ()) -> None:
        """Book entries, and what they change in what was given or given up. CUSTOMER stands for the order's account."""
        booked = [entry for entry in entries if entry[2]]
        given = customer.appeasement()
        booked += _signed(CUSTOMER, APPEASEMENT, given - customer.given_minor)
        customer.given_minor = given
        before = customer.balance_minor
        after = before + _of_customer(booked)
        if after < 0 and customer.written_off_minor:
            paid_after_all = min(customer.written_off_minor, -after)
            booked.append((WRITE_OFF, CUSTOMER, paid_after_all))
            customer.written_off_minor -= paid_after_all
            after += paid_after_all
        customer.balance_minor = after
        if booked:
            named = tuple([MoneyPosting(*entry) for entry in _on_accounts(booked, before, after)])
            self.facts.append(
                MoneyBooked(customer.order, customer.currency, self.day(customer.channel), *document, named)
            )


@lru_cache(maxsize=256)
def _today(country: str, now_ns: int) -> int:
    """The day in a country; all commands of a batch have the same moment."""
    return day_at(zone_of(time_zone_of_country(country)), now_ns)


def _signed(source: str, target: str, amount: int) -> list[Entry]:
    if not amount:
        return []
    return [(source, target, amount)] if amount > 0 else [(target, source, -amount)]


def _of_customer(entries: list[Entry]) -> int:
    return sum(
        [
            amount if target == CUSTOMER else -amount
            for source, target, amount in entries
            if CUSTOMER in (source, target)
        ]
    )


def _on_accounts(entries: list[Entry], before: int, after: int) -> list[Entry]:
    """The customer's account by its name: a prepayment below zero, a receivable above; a step across is split."""
    name = PREPAYMENT if before <= 0 and after <= 0 else RECEIVABLE
    found = [(source or name, target or name, amount) for source, target, amount in entries]
    if name == RECEIVABLE:
        across = min(0, after) - min(0, before)
        found += _signed(RECEIVABLE, PREPAYMENT, across)
    return found


def follow(
    state: State, facts: tuple[Fact, ...], booked: list[tuple[Fact, Callable[[Books, Any], None]]], now_ns: int
) -> tuple[Fact, ...]:
    """Documents and bookings that facts lead to, each with what books it; nothing for orders without prices."""
    books = Books(state, facts, now_ns)
    for fact, book in booked:
        book(books, fact)
    return tuple(books.facts)


def book_placed(books: Books, fact: OrderPriced) -> None:
    """The order is confirmed. It is no claim yet: nothing was delivered."""
    total_minor = fact.shipping.total_minor + sum([priced.total_minor for priced in fact.lines])
    customer = _Customer(fact.order, fact.currency, books.channel_of(fact.order), None, total_minor)
    books.customers[fact.order] = customer
    books.issue(ORDER_CONFIRMATION, customer, total_minor)


def book_advanced(books: Books, fact: FulfilmentAdvanced) -> None:
    """What leaves is invoiced, with shipping if it leaves first."""
    if fact.state not in LEFT:
        return
    order = find_order(books.state, fact.order)
    if order is None or order.money is None or order.fulfilment(fact.fulfilment).state not in OPEN:
        return
    money = order.money
    customer = books.customer_of(order, money)
    sale = Sale()
    for at, quantity in units_of(fact.lines or order.fulfilment(fact.fulfilment).lines).items():
        sale.add(money, at, money.lines[at].first_open(quantity))
    if money.shipping.goods_minor and not (money.shipping_gone or money.is_invoiced):
        sale.add_shipping(money)
    invoice = books.issue(INVOICE, customer, sale.total_minor, tuple(sale.shares), fact.fulfilment)
    books.book(customer, invoice, sale.entries())


def book_credited(books: Books, fact: UnitsCredited) -> None:
    """Of what was invoiced, the customer gets a credit note. Of the rest nothing was booked."""
    customer = books.customer(fact.order)
    assert customer.money is not None
    money = customer.money
    customer.credited_minor += sum([share.total_minor for share in fact.credits])
    if fact.reason not in SENT:
        books.book(customer, ("order", fact.order))
        return
    sale = Sale()
    for share in fact.credits:
        if share.line == SHIPPING:
            sale.add_shipping(money)
        else:
            sale.add(money, share.line, money.lines[share.line].first_sent(share.quantity))
    back = Sale()
    for line in [line for taken in fact.clawed_back for line in taken.lines]:
        customer.charged_minor += line.total_minor
        # What has not left yet is invoiced with it when it does.
        if line.line == SHIPPING:
            back.take_back(money.shipping, line, 0, 1)
        else:
            back.take_back(money.lines[line.line].spans[0].priced, line, 0, _sent(fact, money, line.line))
    taken_up = customer.given_minor - customer.appeasement()
    total_minor = (
        sale.total_minor - taken_up - sum([minor for _, target, minor in back.entries() if target == CUSTOMER])
    )
    note = books.issue(CREDIT_NOTE, customer, total_minor, fact.credits)
    books.book(customer, note, sale.reversed_entries() + back.entries())


def _sent(fact: UnitsCredited, money: OrderMoney, at: int) -> int:
    """Units of a line that stay and have left; of what stays they are the first."""
    line, going = money.lines[at], sum([share.quantity for share in fact.credits if share.line == at])
    return sum([count for first, count in line.staying_as_ordered(going) if first < line.ended])


def book_charged(books: Books, fact: UnitsCharged) -> None:
    """More is owed from now on, and what was appeased may count again."""
    customer = books.customer(fact.order)
    customer.charged_minor += sum([charge.priced.total_minor for charge in fact.charges])
    books.book(customer, ("order", fact.order))


def book_appeased(books: Books, fact: OrderAppeased) -> None:
    """Money after the fact: a credit note of no unit, in which no tax is corrected."""
    order = find_order(books.state, fact.order)
    if order is not None and order.money is not None:
        customer = books.customer_of(order, order.money)
        customer.appeased_minor += fact.amount_minor
        given_minor = customer.appeasement() - customer.given_minor
        books.book(customer, books.issue(CREDIT_NOTE, customer, given_minor))


def _payment(order: str, payment: str) -> tuple[str, str]:
    """A payment as the document of a booking."""
    return "payment", f"{order}/{payment}"


def book_paid(books: Books, fact: PaymentAdded) -> None:
    """Somebody paid, or promised to: what was only authorised is no money yet."""
    customer = books.customer(fact.order)
    customer.added[fact.payment] = fact
    if fact.state == CAPTURED:
        book_captured(books, fact)


def book_captured(books: Books, fact: PaymentCaptured | PaymentAdded) -> None:
    """Money came in."""
    customer = books.customer(fact.order)
    means = books.means(customer, fact.payment)
    books.book(customer, _payment(fact.order, fact.payment), [(CUSTOMER, means, fact.amount_minor)])


def book_refunded(books: Books, fact: PaymentsRefunded) -> None:
    """What goes back is owed until it is paid out; a voucher has it at once."""
    customer = books.customer(fact.order)
    for refund in fact.refunds:
        means = books.means(customer, refund.payment)
        owed = means if means == VOUCHER_LIABILITY else REFUNDS_PAYABLE
        books.book(customer, _payment(fact.order, refund.payment), [(owed, CUSTOMER, refund.amount_minor)])


def book_moved(books: Books, fact: PaymentMoved) -> None:
    """What one order's customer would get back pays for another order: through one account, which stays empty."""
    customer, other = books.customer(fact.order), books.customer(fact.to_order)
    amount, exchange = fact.amount_minor, clearing("exchange")
    books.book(customer, _payment(fact.order, fact.payment), [(exchange, CUSTOMER, amount)])
    books.book(other, _payment(fact.to_order, fact.as_payment), [(CUSTOMER, exchange, amount)])


def book_paid_out(books: Books, fact: RefundPaidOut) -> None:
    """What was owed to a customer has been paid out."""
    customer = books.customer(fact.order)
    means = books.means(customer, fact.payment)
    books.book(customer, _payment(fact.order, fact.payment), [(means, REFUNDS_PAYABLE, fact.amount_minor)])


def book_written_off(books: Books, fact: ReceivableWrittenOff) -> None:
    """What will not come is a loss."""
    customer = books.customer(fact.order)
    books.book(customer, ("order", fact.order), [(CUSTOMER, WRITE_OFF, fact.amount_minor)])


def book_voucher(books: Books, fact: VoucherSet) -> None:
    """A voucher of a value is a liability once it exists; what was paid for it is booked elsewhere."""
    usage, before = books.state.usage, books.state.configuration.vouchers.get(fact.voucher)
    for voucher, sign in ((before, -1), (fact.body, 1)):
        if voucher is not None and voucher.currency is not None:
            left = sign * usage.left_minor(fact.voucher, voucher)
            named = [MoneyPosting(*entry) for entry in _signed(VOUCHER_LIABILITY, VOUCHERS_ISSUED, left)]
            if named:
                day = books.day(None)
                booked = MoneyBooked(None, voucher.currency, day, "voucher", fact.voucher, tuple(named))
                books.facts.append(booked)


def evolve_issued(state: State, fact: DocumentIssued) -> None:
    """Write down a document, and which units went out."""
    state.money_books.issue(fact.document)
    money = state.orders.touch(fact.order).money
    assert money is not None
    money.documents.append(Issued(fact.document, fact.day, fact.total_minor, state.seq))
    if fact.document.series == INVOICE:
        for share in fact.shares:
            if share.line != SHIPPING:
                money.lines[share.line].send(share.quantity)


def evolve_booked(state: State, fact: MoneyBooked) -> None:
    """Write down a booking in the ledger and in the order's account."""
    state.money_books.post(fact.currency, fact.entries)
    if fact.order is None:
        return
    money = state.orders.touch(fact.order).money
    assert money is not None
    money.balance_minor += of_customer(fact.entries)
    for entry in fact.entries:
        if entry.target == WRITE_OFF:
            money.written_off_minor += entry.amount_minor
        elif entry.source == WRITE_OFF:
            money.written_off_minor -= entry.amount_minor
