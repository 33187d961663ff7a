"""How often promotions were used and what they have cost, for their limits. Held at the order, given back on cancellation."""

from collections.abc import Iterable

import msgspec

from engine.commands.pricing import PromotionLimits, Voucher
from engine.facts.money import Discount
from engine.state.parts import Dumped, cut


class Used(msgspec.Struct, array_like=True, gc=False):
    """Orders that use a promotion, and what it takes off for them in all."""

    orders: int = 0
    minor: int = 0


class PromotionsUsed(msgspec.Struct, array_like=True, tag="promotions_used"):
    """How often some promotions were used and what they have cost; or some vouchers, and what was paid with them;
    or orders by promotion and customer."""

    items: list[tuple[str, Used]]
    vouchers: list[tuple[str, Used]] = []
    customers: list[tuple[str, str, int]] = []


class Usage:
    """By promotion; by voucher: the orders that use one and what is paid with it; orders by promotion and customer."""

    PARTS = (PromotionsUsed,)

    def __init__(self) -> None:
        self.of: dict[str, Used] = {}
        self.vouchers: dict[str, Used] = {}
        self.customers: dict[tuple[str, str], int] = {}

    def dump(self) -> Dumped:
        """Promotions, vouchers, customers."""
        for some in cut(self.of):
            yield PromotionsUsed(list(some.items()))
        for some in cut(self.vouchers):
            yield PromotionsUsed([], list(some.items()))
        for some in cut(self.customers):
            yield PromotionsUsed([], [], [(*key, orders) for key, orders in some.items()])

    def load(self, part: PromotionsUsed) -> None:
        """Take back a part."""
        self.of.update(part.items)
        self.vouchers.update(part.vouchers)
        self.customers.update({(promotion, customer): orders for promotion, customer, orders in part.customers})

    def hand_in(self, voucher: str, orders: int = 0, minor: int = 0) -> None:
        """A voucher is used by so many more orders, and for so much more."""
        used = self.vouchers.setdefault(voucher, Used())
        used.orders += orders
        used.minor += minor

    def left_minor(self, voucher: str, body: Voucher) -> int:
        """What can still be paid with a voucher."""
        return max(0, (body.balance_minor or 0) - self.vouchers.get(voucher, NEVER).minor)

    def use(self, promotions: Iterable[str], customer: str | None, orders: int = 1) -> None:
        """So many more orders (-1: one less) use these; `customer` is given where that counts."""
        for promotion in promotions:
            self.of.setdefault(promotion, Used()).orders += orders
            if customer is not None:
                key = promotion, customer
                self.customers[key] = self.customers.get(key, 0) + orders
                if not self.customers[key]:
                    del self.customers[key]

    def spend(self, discounts: Iterable[Discount], sign: int = 1) -> None:
        """These were given, or (`sign` -1) are not given after all."""
        for each in discounts:
            if each.promotion is not None:
                self.of[each.promotion].minor += sign * each.minor

    def why_not(self, promotion: str, limits: PromotionLimits, minor: int, customer: str | None) -> str | None:
        """Which limit stands against one more order of a customer for which it takes off so much; None if none does."""
        if limits.uses_per_customer is not None:
            if customer is None:
                return "no_customer"
            if self.customers.get((promotion, customer), 0) >= limits.uses_per_customer:
                return "used_up_by_customer"
        used = self.of.get(promotion, NEVER)
        if limits.uses is not None and used.orders >= limits.uses:
            return "used_up"
        if limits.budget_minor is not None and used.minor + minor > limits.budget_minor:
            return "budget_spent"
        return None


NEVER = Used()
