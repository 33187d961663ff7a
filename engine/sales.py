"""What is sold: units at their frozen shares, and the entries of the books for them."""

from __future__ import annotations

from engine.facts.money import Priced, Share
from engine.money import OrderMoney, Units
from engine.money_books import DISCOUNTS, REVENUE, SHIPPING_REVENUE, TAX_PAYABLE, taxed
from engine.pricing.amounts import of_span
from engine.pricing.taxes import Tax, contained

CUSTOMER = ""
Entry = tuple[str, str, int]
"""An amount from account to account; CUSTOMER stands for the account of whose order it is."""


class Sale:
    """Shares of units and shipping, and the entries for all of them: revenue before discounts, discounts and tax, by tax."""

    def __init__(self) -> None:
        self.shares: list[Share] = []
        self.total_minor = 0
        self._amounts: dict[tuple[str, str], int] = {}

    def entries(self) -> list[Entry]:
        """The entries of a sale; those of its reversal are the same, the other way."""
        return [(source, target, amount) for (source, target), amount in self._amounts.items()]

    def add(self, money: OrderMoney, at: int, units: tuple[Units, ...]) -> None:
        """Units of a line."""
        self._add(money.share(at, units))
        for span, before, count in money.lines[at].pieces(units):
            self._sell(REVENUE, span.priced, span.quantity, before, count)

    def add_shipping(self, money: OrderMoney) -> None:
        """What sending costs."""
        self._add(money.share_of_shipping())
        self._sell(SHIPPING_REVENUE, money.shipping, 1, 0, 1)

    def _add(self, share: Share) -> None:
        self.shares.append(share)
        self.total_minor += share.total_minor

    def _sell(self, kind: str, priced: Priced, quantity: int, before: int, count: int) -> None:
        keys = priced.country, priced.category, priced.rate_millionths
        revenue, amounts = taxed(kind, *keys), self._amounts
        tax = of_span(priced.tax_minor, quantity, before, count)
        net = of_span(priced.total_minor, quantity, before, count) - tax
        amounts[revenue, CUSTOMER] = amounts.get((revenue, CUSTOMER), 0) + net
        if tax:
            owed = taxed(TAX_PAYABLE, *keys), CUSTOMER
            amounts[owed] = amounts.get(owed, 0) + tax
        if priced.discounts:
            given = revenue, taxed(DISCOUNTS, *keys)
            amounts[given] = amounts.get(given, 0) + of_span(_discount_net(priced), quantity, before, count)


def _discount_net(priced: Priced) -> int:
    """The discounts of units that were priced together, without tax."""
    off = priced.discount_minor
    return off - contained(off, Tax(priced.rate_millionths, priced.category)) if priced.tax_included else off
