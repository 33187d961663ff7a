"""How often promotions were used and what they have cost, for their limits. Held at the order, given back on cancellation."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.commands.pricing import PromotionLimits, Voucher
from engine.facts.money import Discount


class Used(msgspec.Struct, array_like=True, gc=False):
    """Orders that use a promotion, and what it takes off for them in all."""

    orders: int = 0
    minor: int = 0


class Usage:
    """By promotion, and by voucher: the orders that use one and what is paid with it."""

    def __init__(self) -> None:
        self.of: dict[str, Used] = {}
        self.vouchers: dict[str, Used] = {}

    def hand_in(self, voucher: str, orders: int = 0, minor: int = 0) -> None:
        """A voucher is used by so many more orders, and for so much more."""
        used = self.vouchers.setdefault(voucher, Used())
        used.orders += orders
        used.minor += minor

    def left_minor(self, voucher: str, body: Voucher) -> int:
        """What can still be paid with a voucher."""
        return max(0, (body.balance_minor or 0) - self.vouchers.get(voucher, NEVER).minor)

    def use(self, promotions: Iterable[str]) -> None:
        """One more order uses these."""
        for promotion in promotions:
            self.of.setdefault(promotion, Used()).orders += 1

    def unuse(self, promotions: Iterable[str]) -> None:
        """One order less uses these."""
        for promotion in promotions:
            self.of[promotion].orders -= 1

    def spend(self, discounts: Iterable[Discount], sign: int = 1) -> None:
        """These were given, or (`sign` -1) are not given after all."""
        for each in discounts:
            if each.promotion is not None:
                self.of[each.promotion].minor += sign * each.minor

    def why_not(self, promotion: str, limits: PromotionLimits, minor: int) -> str | None:
        """Which limit stands against one more order for which it takes off so much; None if none does."""
        used = self.of.get(promotion, NEVER)
        if limits.uses is not None and used.orders >= limits.uses:
            return "used_up"
        if limits.budget_minor is not None and used.minor + minor > limits.budget_minor:
            return "budget_spent"
        return None


NEVER = Used()
