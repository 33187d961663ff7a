"""What bookkeepers do themselves: say that a refund was paid out, write off what will not come, lock a period."""

from engine.calendars import time_zone_of_country
from engine.calendars.local_time import date_of_day, day_at, day_of_date, zone_of
from engine.commands.bookkeeping import LockPeriod, PayOutRefund, WriteOff
from engine.facts import Fact
from engine.facts.money import PeriodLocked, ReceivableWrittenOff, RefundPaidOut
from engine.money.payments import NO_PAYMENT
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.reopening import reopening
from engine.state.state import State


def decide_pay_out(state: State, command: PayOutRefund, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """What went back over a payment has left the bank."""
    order = find_order(state, command.order)
    payment = None if order is None or order.money is None else order.money.payment(command.payment)
    if order is None or payment is None:
        return NO_PAYMENT
    assert order.money is not None
    if payment.id in order.money.vouchers:
        return Rejection(ResultCode.INVALID_TRANSITION, "what goes back to a voucher is not paid out")
    left = payment.refunded_minor - payment.paid_out_minor
    amount = left if command.amount_minor is None else command.amount_minor
    if not left:
        return Rejection(ResultCode.INVALID_TRANSITION, "no refund over this payment waits to be paid out")
    if amount > left:
        detail = f"{left} minor units are to be paid out over this payment"
        return Rejection.at(ResultCode.EXCEEDS_OWED, "/amount_minor", detail)
    return (*reopening(state, order), RefundPaidOut(order.number, payment.id, amount))


def evolve_paid_out(state: State, fact: RefundPaidOut) -> None:
    """Write down that it was."""
    money = state.orders.touch(fact.order).money
    assert money is not None
    payment = money.payment(fact.payment)
    assert payment is not None
    payment.paid_out_minor += fact.amount_minor
    assert payment.paid_out_minor <= payment.refunded_minor


def decide_write_off(state: State, command: WriteOff, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Give up what a customer owes for what was sent. Should it come after all, it is written back."""
    order = find_order(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    owed = 0 if order.money is None else order.money.balance_minor
    amount = owed if command.amount_minor is None else command.amount_minor
    if owed <= 0:
        return Rejection(ResultCode.INVALID_TRANSITION, "the customer owes nothing for this order")
    if amount > owed:
        return Rejection.at(ResultCode.EXCEEDS_OWED, "/amount_minor", f"the customer owes {owed} minor units")
    return (*reopening(state, order), ReceivableWrittenOff(order.number, amount, command.reason))


def evolve_written_off(state: State, fact: ReceivableWrittenOff) -> None:
    """The booking beside it says how the account stands."""
    state.orders.touch(fact.order)


def decide_lock(state: State, command: LockPeriod, now_ns: int) -> PeriodLocked | Rejection:
    """Lock every day through one that is over everywhere the shop sells. A lock stays."""
    day = day_of_date(command.through)
    if day is None:
        return Rejection.at(ResultCode.MALFORMED_REQUEST, "/through", "no calendar has this day")
    if day <= state.money_books.locked_through_day:
        locked = date_of_day(state.money_books.locked_through_day)
        return Rejection.at(ResultCode.INVALID_TRANSITION, "/through", f"the books are locked through {locked}")
    countries = dict.fromkeys(channel.country for channel in state.configuration.channels.values())
    for country in ("", *countries):
        today = day_at(zone_of(time_zone_of_country(country)), now_ns)
        if day >= today:
            where = country or "UTC"
            detail = f"it is {date_of_day(today)} in {where}: only days that are over can be locked"
            return Rejection.at(ResultCode.INVALID_TRANSITION, "/through", detail)
    return PeriodLocked(day)


def evolve_locked(state: State, fact: PeriodLocked) -> None:
    """Write down the lock."""
    state.money_books.locked_through_day = fact.through_day
