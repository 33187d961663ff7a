"""Payment providers: what is asked of them when something else happens, and what follows from their answers.

A request is a fact and lives until it is answered, so that it survives a restart. Those of one order are answered in turn.
"""

from collections.abc import Iterator

from engine import limits
from engine.commands.orders import AddPayment, CapturePayment, HoldOrder, PaymentRequest, VoidPayment
from engine.commands.providers import AskForPayment, ReportPayment
from engine.facts import Fact
from engine.facts.money import (
    DocumentIssued,
    MoneyBooked,
    PaymentAdded,
    PaymentsRefunded,
    RefundPaidOut,
    Share,
    UnitsCharged,
    UnitsCredited,
)
from engine.facts.orders import OrderNoted
from engine.facts.providers import PaymentAnswered, PaymentAsked
from engine.lifecycles import ORDER
from engine.money.payments import NO_PAYMENT, decide_add, decide_capture, decide_void
from engine.orders.holds import held
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.money_books import of_customer
from engine.state.order_money import AUTHORISED, CANCELLED, CHANGED, INVOICE, VOIDED, OrderMoney, Payment
from engine.state.orders import Order
from engine.state.payment_requests import ProviderRequest
from engine.state.reopening import reopening
from engine.state.state import State

CAPTURE, VOID, REFUND = "capture", "void", "refund"


DONE, FAILED, DROPPED = "done", "failed", "dropped"


CAPTURED, CAPTURE_FAILED, REFUNDED, REFUND_FAILED = "captured", "capture_failed", "refunded", "refund_failed"


_ANSWERS = {CAPTURED: CAPTURE, CAPTURE_FAILED: CAPTURE, "voided": VOID, REFUNDED: REFUND, REFUND_FAILED: REFUND}


def provider_of(state: State, method: str) -> str | None:
    """Who moves the money of a method; None if people do."""
    providers = state.configuration.payment_providers
    return next((name for name, body in providers.items() if method in body.methods), None)


class _Asking:
    """The requests that a record leads to, by order and payment."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.facts: list[Fact] = []

    def ask(self, order: str, payment: str, provider: str, what: str, amount_minor: int) -> None:
        """One more request."""
        asked = [fact for fact in self.facts if isinstance(fact, PaymentAsked)]
        number = self.state.payment_requests.next_number + len(asked)
        self.facts.append(PaymentAsked(order, payment, number, provider, what, amount_minor))


def follow(state: State, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """What the facts of a record make Kontor ask of payment providers; nothing where people move the money."""
    asking = _Asking(state)
    for number in _orders_with_news(facts):
        order = find_order(state, number)
        if order is not None and order.money is not None:
            _capture_what_is_owed(asking, order.money, number, facts)
            _void_what_is_left(asking, order, order.money, facts)
    for fact in facts:
        if isinstance(fact, PaymentsRefunded):
            _refund(asking, fact, facts)
    return tuple(asking.facts)


def _orders_with_news(facts: tuple[Fact, ...]) -> Iterator[str]:
    """Orders of which something was invoiced, authorised, or given up."""
    numbers = [
        fact.order
        for fact in facts
        if (isinstance(fact, DocumentIssued) and fact.document.series == INVOICE)
        or (isinstance(fact, PaymentAdded) and fact.state == AUTHORISED)
        or (isinstance(fact, UnitsCredited) and fact.reason in (CANCELLED, CHANGED))
    ]
    return iter(dict.fromkeys(numbers))


def _payments(money: OrderMoney, number: str, facts: tuple[Fact, ...]) -> list[Payment]:
    """The order's payments, with those that the record adds."""
    added = [
        Payment(fact.payment, fact.method, fact.amount_minor, fact.state)
        for fact in facts
        if isinstance(fact, PaymentAdded) and fact.order == number and fact.state == AUTHORISED
    ]
    return [*money.payments, *added]


def _capture_what_is_owed(asking: _Asking, money: OrderMoney, number: str, facts: tuple[Fact, ...]) -> None:
    """Ask for what the customer owes by the books, of what was authorised first."""
    state = asking.state
    pending = state.payment_requests.of_order(number)
    owed = money.balance_minor
    owed += sum([of_customer(fact.entries) for fact in facts if isinstance(fact, MoneyBooked) and fact.order == number])
    owed -= sum([request.amount_minor for request in pending if request.what == CAPTURE])
    for payment in _payments(money, number, facts):
        provider = provider_of(state, payment.method)
        if provider is None or payment.state == VOIDED or owed <= 0:
            continue
        if state.configuration.payment_providers[provider].capture == "on_ship":
            amount = min(owed, _uncaptured(payment, pending))
            if amount > 0:
                asking.ask(number, payment.id, provider, CAPTURE, amount)
                owed -= amount


def _uncaptured(payment: Payment, pending: list[ProviderRequest]) -> int:
    asked = [each.amount_minor for each in pending if each.payment == payment.id and each.what in (CAPTURE, VOID)]
    return payment.amount_minor - payment.captured_minor - sum(asked)


def _void_what_is_left(asking: _Asking, order: Order, money: OrderMoney, facts: tuple[Fact, ...]) -> None:
    """Ask to give up what is authorised and will not be needed: nothing of the order is open any more."""
    state, number = asking.state, order.number
    going: dict[int, int] = {}
    for fact in facts:
        if isinstance(fact, UnitsCharged) and fact.order == number:
            return
        for share in _no_longer_open(fact, number):
            going[share.line] = going.get(share.line, 0) + share.quantity
    if any(line.open[1] > going.get(at, 0) for at, line in enumerate(money.lines)):
        return
    pending = state.payment_requests.of_order(number)
    asked = {
        fact.payment: fact.amount_minor
        for fact in asking.facts
        if isinstance(fact, PaymentAsked) and fact.order == number
    }
    for payment in money.payments:
        provider = provider_of(state, payment.method)
        left = _uncaptured(payment, pending) - asked.get(payment.id, 0)
        if provider is None or payment.state == VOIDED or left <= 0:
            continue
        if state.configuration.payment_providers[provider].capture == "on_ship":
            asking.ask(number, payment.id, provider, VOID, left)


def _no_longer_open(fact: Fact, number: str) -> tuple[Share, ...]:
    """Units of an order that leave or are given up with a fact."""
    if isinstance(fact, DocumentIssued) and fact.order == number and fact.document.series == INVOICE:
        return fact.shares
    if isinstance(fact, UnitsCredited) and fact.order == number and fact.reason in (CANCELLED, CHANGED):
        return fact.credits
    return ()


def _refund(asking: _Asking, fact: PaymentsRefunded, facts: tuple[Fact, ...]) -> None:
    state = asking.state
    order = find_order(state, fact.order)
    money = None if order is None else order.money
    methods = {payment.id: payment.method for payment in ([] if money is None else money.payments)}
    methods |= {each.payment: each.method for each in facts if isinstance(each, PaymentAdded)}
    for refund in fact.refunds:
        provider = provider_of(state, methods[refund.payment])
        if provider is not None and state.configuration.payment_providers[provider].refund == "automatic":
            asking.ask(fact.order, refund.payment, provider, REFUND, refund.amount_minor)


def decide_ask(state: State, command: AskForPayment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Ask again for what a customer owes, after a capture failed."""
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    if order.money is None or order.money.balance_minor <= 0:
        return Rejection(ResultCode.INVALID_TRANSITION, "the customer owes nothing for this order")
    asking = _Asking(state)
    _capture_what_is_owed(asking, order.money, order.number, ())
    if not asking.facts:
        detail = "no payment by a provider has anything left to capture that was not asked for"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    return (*reopening(state, order), *asking.facts)


def decide_report(state: State, command: ReportPayment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Carry out what a provider reports, and end the request that it answers."""
    request = None if command.request is None else state.payment_requests.open.get(command.request)
    named = (command.order, command.payment) if request is None else (request.order, request.payment)
    order = find_order(state, named[0])
    money = None if order is None else order.money
    payment = None if money is None else money.payment(named[1])
    if command.what == "authorised" and payment is None:
        return _authorised(state, command, now_ns)
    if order is None or payment is None:
        return NO_PAYMENT
    if provider_of(state, payment.method) != command.provider:
        return Rejection(ResultCode.FORBIDDEN, "this payment is not by this provider")
    if command.what == "authorised":
        return ()
    # A provider knows what was moved to another order by where it came from.
    known_as = (named, payment.origin)
    if request is not None and (
        request.what != _ANSWERS[command.what] or (command.order, command.payment) not in known_as
    ):
        return Rejection.at(ResultCode.MALFORMED_REQUEST, "/request", "the request is for something else")
    outcome: tuple[Fact, ...] | Rejection
    amount = command.amount_minor if request is None else command.amount_minor or request.amount_minor
    if command.what == CAPTURED:
        outcome = decide_capture(state, CapturePayment(order.number, payment.id, amount), now_ns)
    elif command.what == "voided":
        outcome = decide_void(state, VoidPayment(order.number, payment.id), now_ns)
    elif command.what == REFUNDED:
        left = payment.refunded_minor - payment.paid_out_minor
        paid_out = RefundPaidOut(order.number, payment.id, min(left, amount or left))
        outcome = (*reopening(state, order), *((paid_out,) if left else ()))
    else:
        outcome = (*reopening(state, order), *_failed(order, command))
    if isinstance(outcome, Rejection) or request is None:
        return outcome
    word = FAILED if command.what in (CAPTURE_FAILED, REFUND_FAILED) else DONE
    ended = [PaymentAnswered(order.number, request.number, word, command.reason)]
    if command.what == CAPTURE_FAILED:
        later = [each for each in state.payment_requests.of_order(order.number) if each.number > request.number]
        ended += [
            PaymentAnswered(order.number, each.number, DROPPED)
            for each in later
            if each.what == VOID and each.payment == payment.id
        ]
    return (*outcome, *ended)


def _authorised(state: State, command: ReportPayment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """A payment that the order did not name."""
    if command.amount_minor is None:
        return Rejection.at(ResultCode.MALFORMED_REQUEST, "/amount_minor", "how much was authorised?")
    method = state.configuration.payment_providers[command.provider].methods[0]
    added = PaymentRequest(command.payment, method, command.amount_minor, "authorised")
    return decide_add(state, AddPayment(command.order, added), now_ns)


def _failed(order: Order, command: ReportPayment) -> tuple[Fact, ...]:
    """Somebody has to look at it: nothing more leaves of an order that is not paid for."""
    reason = command.reason or "no reason was given"
    note = OrderNoted(order.number, f"payment {command.payment}: {command.what}: {reason}")
    handle = f"payment-{command.payment}"[: limits.ID_LENGTH_MAX]
    stands = any(hold.handle == handle for hold in order.holds)
    if command.what == CAPTURE_FAILED and not stands and ORDER.refusal(order.state, "hold") is None:
        return note, held(order, HoldOrder(order.number, handle, f"the capture failed: {reason}", "ship"))
    return (note,)


def evolve_asked(state: State, fact: PaymentAsked) -> None:
    """Write down what is asked for."""
    state.orders.touch(fact.order)
    asked = (fact.request, fact.order, fact.payment, fact.provider, fact.what, fact.amount_minor, state.time_ns)
    state.payment_requests.put(ProviderRequest(*asked))


def evolve_answered(state: State, fact: PaymentAnswered) -> None:
    """Write down that it is answered."""
    state.orders.touch(fact.order)
    state.payment_requests.remove(fact.request)
