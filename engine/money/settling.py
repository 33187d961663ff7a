"""Money follows goods: what a record does to the units of priced orders decides, in the same record, what is paid for."""

from collections.abc import Callable
from typing import Any, NamedTuple

from engine.commands.orders import SettleReturn
from engine.facts import Fact
from engine.facts.money import (
    Charge,
    ClawedBack,
    Discount,
    OrderPriced,
    PaymentsRefunded,
    ReturnSettled,
    UnitsCharged,
    UnitsCredited,
)
from engine.facts.orders import LossReported, OrderAppeased, OrderCancelled, OrderChanged, PickupLapsed, Take
from engine.lifecycles import RETURN
from engine.money.charging import fewer_and_more
from engine.money.claw_back import clawed_back
from engine.money.payments import exchanged, refunded
from engine.results import Rejection, ResultCode
from engine.state.finding import find_by_return, find_order
from engine.state.order_money import (
    CANCELLED,
    CHANGED,
    LOST,
    RETURNED,
    SENT,
    SHIPPING,
    LineMoney,
    OrderMoney,
    Span,
    units_of,
)
from engine.state.orders import Order, Return
from engine.state.reopening import reopening
from engine.state.state import State

APPEASED = "appeased"


class Unpaid(NamedTuple):
    """Units by line position that are not paid for any more, and why; `added` cost something from now on.

    `shipping` comes back on request; `appeased_minor` is of no unit.
    """

    reason: str
    units: dict[int, int]
    added: tuple[Charge, ...] = ()
    shipping: bool = False
    appeased_minor: int = 0


Tell = Callable[[State, Order, Any, int], Unpaid]


def follow(state: State, owing: list[tuple[Any, Tell]], now_ns: int) -> tuple[Fact, ...]:
    """What facts of a record do to the money of their orders, each with what tells it; nothing for orders without prices."""
    money: list[Fact] = []
    told: dict[str, None] = {}
    for fact, tell in owing:
        order = find_order(state, fact.order)
        if order is not None and order.money is not None:
            assert order.number not in told, "two facts of one record change what is paid for an order"
            told[order.number] = None
            settled = _settle(order, order.money, tell(state, order, fact, now_ns))
            if isinstance(fact, ReturnSettled):
                settled = _in_exchange(state, order, order.agreed(fact.return_id), settled)
            money += settled
    return tuple(money)


def _settle(order: Order, money: OrderMoney, told: Unpaid) -> list[Fact]:
    not_paid = [
        money.share(at, line.first_sent(quantity) if told.reason in SENT else line.first_open(quantity))
        for at, quantity in told.units.items()
        for line in (money.lines[at],)
    ]
    if not money.shipping_gone and (told.shipping or _nothing_goes_out(order, money, told)):
        not_paid.append(money.share_of_shipping())
    facts: list[Fact] = []
    more_minor = -told.appeased_minor
    if not_paid:
        refund_minor = sum([share.total_minor for share in not_paid])
        back: tuple[ClawedBack, ...] = ()
        if told.reason == RETURNED and money.conditions:
            back = clawed_back(money, told.units, not_paid[-1].line == SHIPPING, refund_minor)
        facts.append(UnitsCredited(order.number, told.reason, tuple(not_paid), (), back))
        more_minor += sum([line.total_minor for taken in back for line in taken.lines]) - refund_minor
    if told.added:
        facts.append(UnitsCharged(order.number, told.added))
        more_minor += sum([charge.priced.total_minor for charge in told.added])
    return [*facts, *refunded(order, money, money.due_after(more_minor))]


def _in_exchange(state: State, order: Order, agreed: Return, facts: list[Fact]) -> list[Fact]:
    """What goes back for a return pays first for what goes out in exchange."""
    replacing = None if agreed.exchange_order is None else find_order(state, agreed.exchange_order)
    given = next((fact for fact in facts if isinstance(fact, PaymentsRefunded)), None)
    if replacing is None or given is None:
        return facts
    moved, left = exchanged(order, given.refunds, replacing, agreed.number)
    if not moved:
        return facts
    others = [fact for fact in facts if fact is not given]
    back = [PaymentsRefunded(order.number, left)] if left else []
    return [*others, *reopening(state, replacing), *moved, *back]


def _nothing_goes_out(order: Order, money: OrderMoney, told: Unpaid) -> bool:
    """Whether nothing was sent and nothing will be."""
    if told.added or told.reason not in (CANCELLED, CHANGED) or any(line.shipped for line in order.lines):
        return False
    return all(line.open[1] == told.units.get(at, 0) for at, line in enumerate(money.lines))


def unpaid_when_cancelled(state: State, order: Order, fact: OrderCancelled, now_ns: int) -> Unpaid:
    """What was cancelled never goes out."""
    return Unpaid(CANCELLED, units_of(fact.lines))


def unpaid_when_lapsed(state: State, order: Order, fact: PickupLapsed, now_ns: int) -> Unpaid:
    """What nobody collected never goes out."""
    return Unpaid(CANCELLED, units_of(order.fulfilment(fact.fulfilment).lines))


def unpaid_when_lost(state: State, order: Order, fact: LossReported, now_ns: int) -> Unpaid:
    """What got lost on its way is not paid for, unless it is sent again."""
    if fact.replacement is not None:
        return Unpaid(LOST, {})
    return Unpaid(LOST, units_of(tuple(Take(line.line, line.quantity) for line in fact.lines)))


def unpaid_when_appeased(state: State, order: Order, fact: OrderAppeased, now_ns: int) -> Unpaid:
    """Money is given, no unit."""
    return Unpaid(APPEASED, {}, appeased_minor=fact.amount_minor)


def unpaid_when_settled(state: State, order: Order, fact: ReturnSettled, now_ns: int) -> Unpaid:
    """What came back with a return."""
    agreed = order.agreed(fact.return_id)
    return Unpaid(RETURNED, units_of(fact.lines), shipping=agreed.refund_shipping)


def unpaid_when_changed(state: State, order: Order, fact: OrderChanged, now_ns: int) -> Unpaid:
    """What a change takes off, and what it adds."""
    return Unpaid(CHANGED, *fewer_and_more(state, order, fact.body, now_ns))


def decide_settle(state: State, command: SettleReturn, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Settle what came back with a return and was not settled. What the customer gets follows from the frozen shares."""
    order = find_by_return(state, command.return_id)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such return")
    agreed = order.agreed(command.return_id)
    refusal = RETURN.refusal(agreed.state, "settle", agreed.traits)
    if refusal is not None:
        return refusal
    units = tuple(
        Take(line.line, line.received - line.settled) for line in agreed.lines if line.received > line.settled
    )
    return (*reopening(state, order), ReturnSettled(order.number, agreed.number, units))


class Preview(NamedTuple):
    """What a return would give: for every line that is not settled, for shipping, and what would be clawed back of it."""

    lines: list[int]
    shipping: int
    clawed_back: int

    @property
    def refund_minor(self) -> int:
        """All of it."""
        return sum(self.lines) + self.shipping - self.clawed_back


def preview(order: Order, agreed: Return) -> Preview | None:
    """What would come back for a return now; None without prices. What else is settled before takes the first units."""
    money = order.money
    if money is None:
        return None
    shipping = money.share_of_shipping().total_minor if agreed.refund_shipping and not money.shipping_gone else 0
    going: dict[int, int] = {}
    lines = []
    for line in agreed.lines:
        due = line.quantity - line.settled if agreed.open else line.received - line.settled
        units = money.lines[line.line].first_sent(due, going.get(line.line, 0))
        lines.append(money.share(line.line, units).total_minor)
        going[line.line] = going.get(line.line, 0) + due
    back = clawed_back(money, going, agreed.refund_shipping, sum(lines) + shipping) if any(going.values()) else ()
    return Preview(lines, shipping, sum([line.total_minor for taken in back for line in taken.lines]))


def evolve_priced(state: State, fact: OrderPriced) -> None:
    """Freeze what an order costs."""
    order = state.orders.touch(fact.order)
    lines = [LineMoney((Span(line.quantity, priced),)) for line, priced in zip(order.lines, fact.lines, strict=True)]
    order.money = OrderMoney(fact.currency, lines, fact.shipping, conditions=list(fact.conditions))
    order.money.customer = fact.customer
    promotions = order.money.promotions
    if promotions:
        state.usage.use(promotions, fact.customer)
        for priced in (*fact.lines, fact.shipping):
            state.usage.spend(priced.discounts)


def evolve_charged(state: State, fact: UnitsCharged) -> None:
    """Write down what more units cost."""
    money = state.orders.touch(fact.order).money
    assert money is not None
    for charge in fact.charges:
        span = Span(charge.quantity, charge.priced)
        if charge.line == len(money.lines):
            money.lines.append(LineMoney((span,)))
        else:
            money.lines[charge.line].spans += (span,)


def evolve_credited(state: State, fact: UnitsCredited) -> None:
    """Write down what is not paid for any more. What is not sent at all does not count against the limits of promotions."""
    order = state.orders.touch(fact.order)
    money = order.money
    assert money is not None
    for credit in fact.credits:
        money.credit(credit, fact.reason in SENT)
        if fact.reason == CHANGED and credit.line != SHIPPING:
            money.lines[credit.line].removed += credit.quantity
        if fact.reason in (CANCELLED, CHANGED):
            state.usage.spend(credit.discounts, -1)
    for taken in fact.clawed_back:
        money.claw_back(taken)
        state.usage.spend([Discount(taken.promotion, line.discount_minor) for line in taken.lines], -1)
    if fact.reason in (CANCELLED, CHANGED) and not order.open and not any(line.shipped for line in order.lines):
        state.usage.use(money.promotions, money.customer, -1)
        for voucher in money.vouchers:
            state.usage.hand_in(voucher, orders=-1)


def evolve_settled(state: State, fact: ReturnSettled) -> None:
    """Write down which units of a return are settled."""
    order = state.orders.touch(fact.order)
    agreed = order.agreed(fact.return_id)
    left = units_of(fact.lines)
    for line in agreed.lines:
        units = min(left.get(line.line, 0), line.received - line.settled)
        line.settled += units
        left[line.line] = left.get(line.line, 0) - units
    assert not any(left.values())
