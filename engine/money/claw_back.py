"""Claw back: what promotions took off the units that stay, once too few of them stay for the promotion's condition.

Those units cost so much more from then on, and whoever gives them back too gets it with them.
"""

from engine.amounts import of_span, spread
from engine.facts.money import ClawedBack, ClawedLine, Condition, Discount, Priced
from engine.pricing.taxes import Tax, contained, on_top
from engine.state.order_money import SHIPPING, OrderMoney


def clawed_back(
    money: OrderMoney, going: dict[int, int], shipping_goes: bool, refund_minor: int
) -> tuple[ClawedBack, ...]:
    """What is taken off a refund when so many sent units of lines go, never more than the refund, for each promotion once."""
    found = []
    for condition in money.conditions:
        if _holds(condition, money, going):
            continue
        lines = _kept(condition.promotion, money, going, shipping_goes)
        total_minor = sum([line.total_minor for line in lines])
        if total_minor > refund_minor:
            lines = _cut(lines, money, refund_minor)
            total_minor = refund_minor
        if total_minor:
            found.append(ClawedBack(condition.promotion, tuple(lines)))
            refund_minor -= total_minor
    return tuple(found)


def _holds(condition: Condition, money: OrderMoney, going: dict[int, int]) -> bool:
    """Whether what stays is enough, looked at as it was before any promotion."""
    quantity = goods_minor = 0
    for at in condition.lines:
        for span, before, count in money.lines[at].pieces(money.lines[at].staying(going.get(at, 0))):
            quantity += count
            goods_minor += of_span(span.priced.goods_minor, span.quantity, before, count)
    return quantity >= (condition.min_quantity or 0) and goods_minor >= (condition.min_goods_minor or 0)


def _kept(promotion: str, money: OrderMoney, going: dict[int, int], shipping_goes: bool) -> list[ClawedLine]:
    """The promotion's discounts on what stays."""
    lines = []
    for at, line in enumerate(money.lines):
        units = line.staying_as_ordered(going.get(at, 0))
        off = _off(promotion, money.share(at, units).discounts)
        if off:
            quantity = sum([count for _, count in units])
            lines.append(_taxed(at, quantity, off, line.spans[0].priced))
    off = 0 if shipping_goes or money.shipping_gone else _off(promotion, money.share_of_shipping().discounts)
    return [*lines, _taxed(SHIPPING, 1, off, money.shipping)] if off else lines


def _off(promotion: str, discounts: tuple[Discount, ...]) -> int:
    return sum([each.minor for each in discounts if each.promotion == promotion])


def _taxed(at: int, quantity: int, off: int, priced: Priced) -> ClawedLine:
    tax = Tax(priced.rate_millionths, priced.category)
    if priced.tax_included:
        return ClawedLine(at, quantity, off, contained(off, tax), off)
    added = on_top(off, tax)
    return ClawedLine(at, quantity, off + added, added, off)


def _cut(lines: list[ClawedLine], money: OrderMoney, total_minor: int) -> list[ClawedLine]:
    """The same for less: spread by what each line would give."""
    cut = []
    for line, minor in zip(lines, spread(total_minor, [line.total_minor for line in lines]), strict=True):
        priced = money.shipping if line.line == SHIPPING else money.lines[line.line].spans[0].priced
        tax_minor = contained(minor, Tax(priced.rate_millionths, priced.category))
        off = minor if priced.tax_included else minor - tax_minor
        cut.append(ClawedLine(line.line, line.quantity, minor, tax_minor, off))
    return [line for line in cut if line.total_minor]
