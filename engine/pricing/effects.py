"""What one promotion takes off a basket: minor units by line, and of shipping."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from engine.amounts import MILLION, of_first, part_of, spread
from engine.commands.pricing import BundlePrice
from engine.pricing.catalogue import Ready
from engine.pricing.kinds import EFFECTS

BELOW_GOODS, BELOW_QUANTITY = "min_goods_minor", "min_quantity"


class Row(NamedTuple):
    """A line before promotions."""

    sku: str
    groups: tuple[str, ...]
    quantity: int
    goods_minor: int


class Off(NamedTuple):
    """What is taken off lines, by their position, off shipping, and in all. Lines that are not named lose nothing."""

    lines: dict[int, int]
    shipping: int
    minor: int


class Basket(NamedTuple):
    """The lines, and what promotions have left of them and of shipping so far."""

    rows: Sequence[Row]
    left: Sequence[int]
    shipping: int

    def less(self, off: Off) -> Basket:
        """What is left after one more promotion."""
        left = list(self.left)
        for at, minor in off.lines.items():
            left[at] -= minor
        return Basket(self.rows, left, self.shipping - off.shipping)


class Candidate(NamedTuple):
    """A promotion that the buyer may have, and the positions of the lines that count for it."""

    promotion: Ready
    found: Sequence[int]


def why_not_here(candidate: Candidate, basket: Basket) -> str | None:
    """Which condition about the goods does not hold; None if all do. Goods are looked at before any promotion."""
    when, rows, found = candidate.promotion.body.when, basket.rows, candidate.found
    if when.min_quantity is not None and sum([rows[at].quantity for at in found]) < when.min_quantity:
        return BELOW_QUANTITY
    if when.min_goods_minor is not None and sum([rows[at].goods_minor for at in found]) < when.min_goods_minor:
        return BELOW_GOODS
    return None


def at_most(candidate: Candidate, basket: Basket) -> int:
    """More than this it can't take off; quicker to say than what it does take off."""
    promotion, left = candidate.promotion, basket.left
    gives = promotion.gives
    if promotion.on == "shipping":
        most = basket.shipping
    elif promotion.on == "order" or gives.free_item is not None or gives.bundle_price is not None:
        most = sum(left)
    else:
        most = sum([left[at] for at in candidate.found])
    if gives.buy_x_get_y is not None:
        # The cheapest units cost no more than as many of all; one more for every line whose odd cents they have.
        units = sum([basket.rows[at].quantity for at in candidate.found])
        offer = gives.buy_x_get_y
        free = units // (offer.buy + offer.get) * offer.get
        most = most * free // units + len(left) + 1 if free else 0
    if gives.percent is not None:
        most = most * promotion.millionths // MILLION + len(left)  # one for every line that is rounded up
    for limit in (gives.amount, gives.max_minor):
        if limit is not None and limit < most:
            most = limit
    return most


def effect(candidate: Candidate, basket: Basket) -> Off:
    """What it takes off now, never more than is left."""
    promotion = candidate.promotion
    limit = promotion.gives.max_minor
    if promotion.on == "shipping":
        minor = _of_shipping(promotion, basket.shipping)
        minor = minor if limit is None else min(minor, limit)
        return Off({}, minor, minor)
    lines = _of_lines(candidate, basket)
    minor = sum(lines.values())
    if limit is None or minor <= limit:
        return Off(lines, 0, minor)
    return Off(dict(zip(lines, spread(limit, list(lines.values())), strict=True)), 0, limit)


def _of_shipping(promotion: Ready, left: int) -> int:
    gives = promotion.gives
    if gives.amount is not None:
        return min(gives.amount, left)
    return left if gives.percent is None else part_of(left, promotion.millionths)


def _of_lines(candidate: Candidate, basket: Basket) -> dict[int, int]:
    promotion, left = candidate.promotion, basket.left
    gives, kind = promotion.gives, EFFECTS[promotion.kind]
    if promotion.on == "order" and kind.whole is not None:
        return dict(enumerate(spread(kind.whole(gives, promotion.millionths, sum(left)), left)))
    if kind.off is None:
        assert gives.bundle_price is not None
        return _of_bundles(gives.bundle_price, gives.max_units, basket)
    if promotion.of_all_units:
        units = {at: basket.rows[at].quantity for at in candidate.found}
        values = {at: left[at] for at in candidate.found}
    else:
        units = _units(candidate, basket)
        values = {at: value_of(basket, at, count) for at, count in units.items()}
    return kind.off(gives, promotion.millionths, values, units)


def value_of(basket: Basket, at: int, units: int) -> int:
    """What is left of the first units of a line."""
    quantity = basket.rows[at].quantity
    return basket.left[at] if units == quantity else of_first(basket.left[at], quantity, units)


def _units(candidate: Candidate, basket: Basket) -> dict[int, int]:
    """On how many units of which line it is."""
    promotion, rows, found = candidate.promotion, basket.rows, candidate.found
    gives = promotion.gives
    if gives.free_item is not None:
        found = [at for at, row in enumerate(rows) if row.sku == gives.free_item]
    one = promotion.on == "cheapest" or gives.free_item is not None
    if gives.max_units is None and gives.buy_x_get_y is None and not one:
        return {at: rows[at].quantity for at in found}
    many = sum([rows[at].quantity for at in found])
    if gives.buy_x_get_y is not None:
        offer = gives.buy_x_get_y
        many = many // (offer.buy + offer.get) * offer.get
    elif one and gives.max_units is None:
        many = 1
    if gives.max_units is not None:
        many = min(many, gives.max_units)
    if promotion.on == "cheapest" or gives.buy_x_get_y is not None:
        left = basket.left
        if many == 1 and found:
            return {min(found, key=lambda at: left[at] * MILLION // rows[at].quantity): 1}
        found = sorted(found, key=lambda at: left[at] * MILLION // rows[at].quantity)
    units = {}
    for at in found:
        if not many:
            break
        units[at] = min(many, rows[at].quantity)
        many -= units[at]
    return units


def _of_bundles(bundle: BundlePrice, bundles_max: int | None, basket: Basket) -> dict[int, int]:
    """As many whole bundles as units make, each for its price; what is taken off is spread over their units."""
    needed: dict[str, int] = {}
    for item in bundle.items:
        sku, quantity = (item, 1) if isinstance(item, str) else (item.sku, item.quantity)
        needed[sku] = needed.get(sku, 0) + quantity
    there = dict.fromkeys(needed, 0)
    for row in basket.rows:
        if row.sku in there:
            there[row.sku] += row.quantity
    bundles = min(there[sku] // quantity for sku, quantity in needed.items())
    if bundles_max is not None:
        bundles = min(bundles, bundles_max)
    wanted = {sku: quantity * bundles for sku, quantity in needed.items()}
    values = {}
    for at, row in enumerate(basket.rows):
        units = min(wanted.get(row.sku, 0), row.quantity)
        if units:
            wanted[row.sku] -= units
            values[at] = value_of(basket, at, units)
    saved = max(0, sum(values.values()) - bundle.price * bundles)
    return dict(zip(values, spread(saved, list(values.values())), strict=True))
