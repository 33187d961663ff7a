"""Payments of orders: authorised, captured, voided, and what goes back over them."""

from engine import limits
from engine.commands.orders import AddPayment, CapturePayment, VoidPayment
from engine.facts import Fact
from engine.facts.money import (
    PaymentAdded,
    PaymentCaptured,
    PaymentMoved,
    PaymentsRefunded,
    PaymentVoided,
    Refund,
    VoucherUsed,
)
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.order_money import CAPTURED, VOIDED, VOUCHER, OrderMoney, Payment
from engine.state.orders import Order
from engine.state.reopening import reopening
from engine.state.state import State

NO_PAYMENT = Rejection(ResultCode.NOT_FOUND, "the order has no such payment")


def decide_add(state: State, command: AddPayment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Note a payment of an order that has prices. More than is due goes back at once."""
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    asked = command.payment
    if order.money is None:
        return Rejection(ResultCode.NO_PRICE, "the order has no prices, so that nobody can pay for it")
    if asked.method == VOUCHER and asked.id in state.configuration.vouchers:
        detail = "a voucher that Kontor knows is handed in with the order"
        return Rejection.at(ResultCode.VOUCHER_REFUSED, "/method", detail)
    if len(order.money.payments) >= limits.ORDER_PAYMENTS_MAX:
        detail = f"an order has at most {limits.ORDER_PAYMENTS_MAX} payments"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    if order.money.payment(asked.id) is not None:
        return Rejection.at(ResultCode.IN_USE, "/id", f"the order has a payment {asked.id!r} already")
    added = PaymentAdded(order.number, asked.id, asked.method, asked.amount_minor, asked.state)
    came = asked.amount_minor if asked.state == CAPTURED else 0
    payment = Payment(asked.id, asked.method, asked.amount_minor, asked.state, came)
    return (*reopening(state, order), added, *refunded(order, order.money, order.money.due_minor, payment))


def decide_capture(state: State, command: CapturePayment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Money came. More than is due goes back at once."""
    found = _payment(state, command.order, command.payment)
    if isinstance(found, Rejection):
        return found
    order, money, payment = found
    left = 0 if payment.state == VOIDED else payment.amount_minor - payment.captured_minor
    amount = left if command.amount_minor is None else command.amount_minor
    if not left:
        return Rejection(ResultCode.INVALID_TRANSITION, "nothing of this payment is left to capture")
    if amount > left:
        detail = f"{left} minor units of this payment are authorised and not captured"
        return Rejection.at(ResultCode.EXCEEDS_AUTHORISED, "/amount_minor", detail)
    after = Payment(
        payment.id,
        payment.method,
        payment.amount_minor,
        CAPTURED,
        payment.captured_minor + amount,
        payment.refunded_minor,
        payment.paid_out_minor,
        payment.moved_minor,
    )
    captured = PaymentCaptured(order.number, payment.id, amount)
    return (*reopening(state, order), captured, *refunded(order, money, money.due_minor, after))


def decide_void(state: State, command: VoidPayment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Give up what is authorised and not captured."""
    found = _payment(state, command.order, command.payment)
    if isinstance(found, Rejection):
        return found
    order, _, payment = found
    if payment.state == VOIDED or payment.captured_minor == payment.amount_minor:
        return Rejection(ResultCode.INVALID_TRANSITION, "nothing of this payment is left to void")
    return (*reopening(state, order), PaymentVoided(order.number, payment.id))


def _payment(state: State, number: str, payment_id: str) -> tuple[Order, OrderMoney, Payment] | Rejection:
    order = find_order(state, number)
    payment = None if order is None or order.money is None else order.money.payment(payment_id)
    if order is None or order.money is None or payment is None:
        return NO_PAYMENT
    return order, order.money, payment


def refunded(
    order: Order, money: OrderMoney, due_minor: int, changed: Payment | None = None
) -> tuple[PaymentsRefunded, ...]:
    """What was paid over what is due, over the payments: the newest first, vouchers last, never more than came.

    `changed` is one payment as it will be.
    """
    payments = [payment if changed is None or payment.id != changed.id else changed for payment in money.payments]
    if changed is not None and changed not in payments:
        payments.append(changed)
    over = sum([payment.kept_minor for payment in payments]) - due_minor
    refunds = []
    payments.reverse()
    for payment in sorted(payments, key=lambda payment: payment.method == VOUCHER):
        amount = min(over, payment.kept_minor)
        if amount > 0:
            refunds.append(Refund(payment.id, amount))
            over -= amount
    return (PaymentsRefunded(order.number, tuple(refunds)),) if refunds else ()


def _of(state: State, number: str, payment_id: str) -> Payment:
    money = state.orders.touch(number).money
    assert money is not None
    payment = money.payment(payment_id)
    assert payment is not None
    return payment


def evolve_added(state: State, fact: PaymentAdded) -> None:
    """Write down a payment."""
    money = state.orders.touch(fact.order).money
    assert money is not None
    came = fact.amount_minor if fact.state == CAPTURED else 0
    money.payments.append(Payment(fact.payment, fact.method, fact.amount_minor, fact.state, came))
    if fact.method == VOUCHER and fact.payment in state.configuration.vouchers:
        money.vouchers.append(fact.payment)
        state.usage.hand_in(fact.payment, orders=1, minor=came)


def evolve_voucher_used(state: State, fact: VoucherUsed) -> None:
    """Write down that an order uses a voucher for a promotion."""
    money = state.orders.touch(fact.order).money
    assert money is not None
    money.vouchers.append(fact.voucher)
    state.usage.hand_in(fact.voucher, orders=1)


def evolve_captured(state: State, fact: PaymentCaptured) -> None:
    """Write down that money came."""
    payment = _of(state, fact.order, fact.payment)
    payment.captured_minor += fact.amount_minor
    payment.state = CAPTURED
    assert payment.captured_minor <= payment.amount_minor


def evolve_voided(state: State, fact: PaymentVoided) -> None:
    """Write down that no more will come."""
    payment = _of(state, fact.order, fact.payment)
    payment.amount_minor = payment.captured_minor
    payment.state = CAPTURED if payment.captured_minor else VOIDED


def exchanged(
    order: Order, refunds: tuple[Refund, ...], replacing: Order, return_id: int
) -> tuple[list[PaymentMoved], tuple[Refund, ...]]:
    """Of what goes back for a return, what pays for the order that goes out in exchange; and what goes back still.

    It settles the difference: no more than that order is short of. What came from a voucher goes back to it.
    """
    assert order.money is not None
    money = replacing.money
    short = 0 if money is None else money.due_minor - sum([payment.promised_minor for payment in money.payments])
    moved: list[PaymentMoved] = []
    left = []
    positions = {payment.id: at for at, payment in enumerate(order.money.payments, 1)}
    for refund in refunds:
        name = f"ret-{return_id}-{positions[refund.payment]}"
        taken = None if money is None else money.payment(name)
        stays = refund.payment in order.money.vouchers or (taken is not None and taken.origin is None)
        amount = 0 if stays else max(0, min(short, refund.amount_minor))
        if amount:
            moved.append(PaymentMoved(order.number, refund.payment, replacing.number, name, amount))
            short -= amount
        if refund.amount_minor > amount:
            left.append(Refund(refund.payment, refund.amount_minor - amount))
    return moved, tuple(left)


def evolve_moved(state: State, fact: PaymentMoved) -> None:
    """Write down in both orders what pays for which."""
    payment = _of(state, fact.order, fact.payment)
    payment.moved_minor += fact.amount_minor
    assert payment.kept_minor >= 0
    money = state.orders.touch(fact.to_order).money
    assert money is not None
    origin = payment.origin or (fact.order, fact.payment)
    amount = fact.amount_minor
    known = money.payment(fact.as_payment)
    if known is None:
        money.payments.append(Payment(fact.as_payment, payment.method, amount, CAPTURED, amount, origin=origin))
    else:
        known.amount_minor += amount
        known.captured_minor += amount


def evolve_refunded(state: State, fact: PaymentsRefunded) -> None:
    """Write down what goes back."""
    for refund in fact.refunds:
        payment = _of(state, fact.order, refund.payment)
        payment.refunded_minor += refund.amount_minor
        assert payment.kept_minor >= 0
        money = state.orders.open[fact.order].money
        if money is not None and payment.id in money.vouchers:
            state.usage.hand_in(payment.id, minor=-refund.amount_minor)
