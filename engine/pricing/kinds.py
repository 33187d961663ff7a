"""What a promotion can give: a row for each kind of effect. A new one is a field of `Gives` and its row here."""

from collections.abc import Callable
from typing import NamedTuple

from engine.amounts import MILLION, part_of, spread
from engine.commands.pricing import Gives

ByLine = dict[int, int]
ANYWHERE = ("order", "items", "cheapest", "shipping")
GOODS = ("items", "order", "cheapest")


class Effect(NamedTuple):
    """One kind. `on` is what it may be on, the first if nothing is said.

    `off(gives, millionths, values, units)` is what it takes off lines, in minor units by position, given what is left
    of the units it is on, and how many they are; None: it finds its units itself. `whole(gives, millionths, left)` is
    what it takes off all of an order, to be spread, where that is more than the sum of its lines.
    """

    on: tuple[str, ...]
    off: Callable[[Gives, int, ByLine, ByLine], ByLine] | None
    whole: Callable[[Gives, int, int], int] | None = None


def _part(gives: Gives, millionths: int, values: ByLine, units: ByLine) -> ByLine:
    return {at: (2 * value * millionths + MILLION) // (2 * MILLION) for at, value in values.items()}  # half up


def _share(gives: Gives, millionths: int, values: ByLine, units: ByLine) -> ByLine:
    left = list(values.values())
    return dict(zip(values, spread(_at_most(gives, millionths, sum(left)), left), strict=True))


def _at_most(gives: Gives, millionths: int, left: int) -> int:
    assert gives.amount is not None
    return min(gives.amount, left)


def _each(gives: Gives, millionths: int, values: ByLine, units: ByLine) -> ByLine:
    each = gives.amount_per_item
    assert each is not None
    return {at: min(each * units[at], value) for at, value in values.items()}


def _down_to(gives: Gives, millionths: int, values: ByLine, units: ByLine) -> ByLine:
    price = gives.fixed_price
    assert price is not None
    return {at: max(0, value - price * units[at]) for at, value in values.items()}


def _everything(gives: Gives, millionths: int, values: ByLine, units: ByLine) -> ByLine:
    return values


EFFECTS = {
    "percent": Effect(ANYWHERE, _part, lambda gives, millionths, left: part_of(left, millionths)),
    "amount": Effect(ANYWHERE, _share, _at_most),
    "amount_per_item": Effect(GOODS, _each),
    "fixed_price": Effect(GOODS, _down_to),
    "buy_x_get_y": Effect(GOODS, _part),
    "bundle_price": Effect(("items", "order"), None),
    "free_shipping": Effect(("shipping", "order"), _everything),
    "free_item": Effect(GOODS, _everything),
}
assert (*EFFECTS, "on", "max_minor", "max_units") == Gives.__struct_fields__, "every effect has its row"


def effect_of(gives: Gives) -> str:
    """The name of the one effect."""
    return next(name for name in EFFECTS if getattr(gives, name) is not None)
