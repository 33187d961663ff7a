"""What is sold: units at their frozen shares, and the entries of the books for them."""

from engine.amounts import of_span
from engine.facts.money import ClawedLine, Priced, Share
from engine.pricing.taxes import Tax, contained
from engine.state.money_books import DISCOUNTS, REVENUE, SHIPPING_REVENUE, TAX_PAYABLE, taxed
from engine.state.order_money import Clawed, OrderMoney, Units

CUSTOMER = ""
Entry = tuple[str, str, int]
"""An amount from account to account; CUSTOMER stands for the account of whose order it is."""


class Sale:
    """Shares of units and shipping, and the entries for all of them: revenue before discounts, discounts and tax, by tax."""

    def __init__(self) -> None:
        self.shares: list[Share] = []
        self.total_minor = 0
        self._amounts: dict[tuple[str, str], int] = {}

    def reversed_entries(self) -> list[Entry]:
        """The same the other way: all of it is taken back."""
        return [(target, source, amount) for source, target, amount in self.entries()]

    def entries(self) -> list[Entry]:
        """What is booked."""
        return [(source, target, amount) for (source, target), amount in self._amounts.items()]

    def add(self, money: OrderMoney, at: int, units: tuple[Units, ...]) -> None:
        """Units of a line."""
        self._add(money.share(at, units))
        for span, before, count in money.lines[at].pieces(units):
            self._sell(REVENUE, span.priced, span.quantity, before, count)
        for clawed in money.lines[at].clawed:
            for before, count in clawed.pieces(units):
                self.take_back(money.lines[at].spans[0].priced, clawed, before, count)

    def add_shipping(self, money: OrderMoney) -> None:
        """What sending costs."""
        self._add(money.share_of_shipping())
        self._sell(SHIPPING_REVENUE, money.shipping, 1, 0, 1)
        for clawed in money.shipping_clawed:
            self.take_back(money.shipping, clawed, 0, 1)

    def _add(self, share: Share) -> None:
        self.shares.append(share)
        self.total_minor += share.total_minor

    def take_back(self, priced: Priced, clawed: Clawed | ClawedLine, before: int, count: int) -> None:
        """What units cost more since a discount was taken back."""
        keys = priced.country, priced.category, priced.rate_millionths
        tax = of_span(clawed.tax_minor, clawed.quantity, before, count)
        net = of_span(clawed.total_minor, clawed.quantity, before, count) - tax
        self._post(taxed(DISCOUNTS, *keys), CUSTOMER, net)
        self._post(taxed(TAX_PAYABLE, *keys), CUSTOMER, tax)

    def _post(self, source: str, target: str, amount: int) -> None:
        if amount:
            self._amounts[source, target] = self._amounts.get((source, target), 0) + amount

    def _sell(self, kind: str, priced: Priced, quantity: int, before: int, count: int) -> None:
        keys = priced.country, priced.category, priced.rate_millionths
        tax = of_span(priced.tax_minor, quantity, before, count)
        net = of_span(priced.total_minor, quantity, before, count) - tax
        revenue = taxed(kind, *keys)
        self._post(revenue, CUSTOMER, net)
        self._post(taxed(TAX_PAYABLE, *keys), CUSTOMER, tax)
        if priced.discounts:
            off = of_span(_discount_net(priced), quantity, before, count)
            self._post(revenue, taxed(DISCOUNTS, *keys), off)


def _discount_net(priced: Priced) -> int:
    """The discounts of units that were priced together, without tax."""
    off = priced.discount_minor
    return off - contained(off, Tax(priced.rate_millionths, priced.category)) if priced.tax_included else off
