"""Till receipts of The Complete Journey as quotes: shelf prices, and three kinds of discount that the till gave.

Amounts of the file are for the whole line. What the till took for a line is sales_value - coupon_disc; its shelf price is sales_value +
retail_disc + coupon_match_disc.
"""

import csv
import gzip
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from engine.commands.configuration import Channel, Item
from engine.commands.pricing import Gives, Promotion, PromotionConditions
from engine.pricing.lists import Buyer
from engine.pricing.quoting import Asked, Given, Quote, Wanted, quote
from engine.state.configuration import Configuration
from engine.state.promotion_usage import Usage

KINDS = ("loyalty", "coupon", "coupon match")


class Line(NamedTuple):
    """One line in cents, with its discounts in the order of KINDS."""

    product: str
    quantity: int
    shelf: int
    discounts: tuple[int, int, int]
    paid: int


class Basket(NamedTuple):
    """One receipt."""

    number: str
    lines: list[Line]

    @property
    def paid(self) -> int:
        """What the till took."""
        return sum(line.paid for line in self.lines)

    @property
    def is_line_by_line(self) -> bool:
        """Whether no coupon is worth more than what is left of its own line."""
        return all(line.paid >= 0 for line in self.lines)


def baskets(file: Path) -> Iterator[Basket]:
    """Receipts in the order of the file, whose lines stand together."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for number, rows in groupby(csv.DictReader(text), key=lambda row: row["basket_id"]):
            yield Basket(number, [_line(row) for row in rows])


def _line(row: dict[str, str]) -> Line:
    sales, loyalty, coupon, match = (
        cents(row[name]) for name in ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
    )
    discounts = (loyalty, coupon, match)
    return Line(row["product_id"], int(row["quantity"]), sales + loyalty + match, discounts, sales - coupon)


def cents(text: str) -> int:
    """12.34 as 1234."""
    whole, _, fraction = text.partition(".")
    assert len(fraction) == 2
    return int(whole) * 100 + int(fraction)


def _asked(basket: Basket, given: tuple[Given, ...]) -> Asked:
    """Lines at their shelf price; one whose price does not divide by its units, or that has none, is one unit: the line as it was sold."""
    wanted = [
        Wanted(str(at), line.product, line.quantity, line.shelf // line.quantity)
        if line.quantity and line.shelf % line.quantity == 0
        else Wanted(str(at), line.product, 1, line.shelf)
        for at, line in enumerate(basket.lines)
    ]
    return Asked(Buyer("till", "USD", "US", None, 0), wanted, 0, discounts=given)


def _shop(basket: Basket, promotions: dict[str, Promotion]) -> Configuration:
    known = Configuration()
    known.channels = {"till": Channel(name="Till", kind="store", country="US", currency="USD")}
    known.items = {line.product: Item(name=line.product) for line in basket.lines}
    for name, body in promotions.items():
        known.put("promotions", body, name)
    return known


def by_the_shop(basket: Basket) -> Quote:
    """Every discount given by the shop itself, off its line. What of a coupon is worth more than its line is off the receipt."""
    given = tuple(
        Given(kind, minor, (at,))
        for at, line in enumerate(basket.lines)
        for kind, minor in zip(KINDS, line.discounts, strict=True)
        if minor and (kind != "coupon" or line.paid >= 0)
    )
    given += tuple(Given("coupon", line.discounts[1], None) for line in basket.lines if line.paid < 0)
    found = quote(_shop(basket, {}), _asked(basket, given), Usage())
    assert isinstance(found, Quote)
    return found


def by_promotions(basket: Basket) -> Quote:
    """The same as promotions: so much off the lines of a product. For baskets in which no product is there twice."""
    promotions = {
        f"{kind} {line.product}": Promotion(
            kind, Gives(amount=minor, on="items"), PromotionConditions(items=(line.product,))
        )
        for line in basket.lines
        for kind, minor in zip(KINDS, line.discounts, strict=True)
        if minor
    }
    found = quote(_shop(basket, promotions), _asked(basket, ()), Usage())
    assert isinstance(found, Quote)
    return found
