"""What orders cost, frozen when they are placed, and what customers get back of it. Amounts are minor units of `currency`."""

import msgspec

from engine.facts.orders import Take
from engine.facts.postings import Posting


class Discount(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a promotion takes off."""

    promotion: str
    minor: int


class Priced(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Units of a line, or shipping, with their figures. `total_minor` is what the customer pays; the tax is in it.

    goods - discounts = total where prices include tax, else total - tax. `category` is the EN 16931 code of the tax; without
    `price_list` the price is the shop's own.
    """

    unit_price_minor: int
    goods_minor: int
    total_minor: int
    tax_minor: int
    rate_millionths: int
    category: str
    tax_included: bool
    discounts: tuple[Discount, ...] = ()
    price_list: str | None = None

    @property
    def discount_minor(self) -> int:
        """All discounts."""
        return sum([each.minor for each in self.discounts])


class Charge(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of the line at position `line` cost this."""

    line: int
    quantity: int
    priced: Priced


class Credit(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The customer does not pay for `quantity` units of the line at position `line`, or gets it back; -1 is shipping."""

    line: int
    quantity: int
    total_minor: int
    tax_minor: int
    discounts: tuple[Discount, ...] = ()


class OrderPriced(msgspec.Struct, array_like=True, frozen=True, tag="order_priced"):
    """What the lines of an order cost, in their order, and shipping. This stays, whatever becomes of prices and promotions."""

    order: str
    currency: str
    lines: tuple[Priced, ...]
    shipping: Priced
    postings: tuple[Posting, ...] = ()


class UnitsCharged(msgspec.Struct, array_like=True, frozen=True, tag="units_charged"):
    """A change added units to an order."""

    order: str
    charges: tuple[Charge, ...]
    postings: tuple[Posting, ...] = ()


class UnitsCredited(msgspec.Struct, array_like=True, frozen=True, tag="units_credited"):
    """Units of an order are not to be paid for, because they were `reason`: cancelled, changed, lost or returned."""

    order: str
    reason: str
    credits: tuple[Credit, ...]
    postings: tuple[Posting, ...] = ()


class ReturnSettled(msgspec.Struct, array_like=True, frozen=True, tag="return_settled"):
    """Units that came back with a return are settled; what the customer gets is in the fact that follows."""

    order: str
    return_id: int
    lines: tuple[Take, ...]
    postings: tuple[Posting, ...] = ()
