"""Which tax is on what, and how much of an amount is tax. Rounded half up, per line."""

from typing import NamedTuple

from engine.amounts import MILLION, half_up, millionths_of_rate
from engine.commands.pricing import TaxRates
from engine.pricing.moments import begins_ns

STANDARD, SHIPPING = "standard", "shipping"
# EN 16931 categories of sales on which no tax is asked for.
UNTAXED = {"reverse_charge": "AE", "intra_community": "K", "export": "G", "exempt": "E"}
_TREATMENTS = {category: treatment for treatment, category in UNTAXED.items()}


def treatment_of(category: str) -> str:
    """Which kind of sale an amount of this category was."""
    return _TREATMENTS.get(category, "domestic")


class Tax(NamedTuple):
    """A rate in millionths with its EN 16931 category."""

    millionths: int
    category: str


NO_TAX = Tax(0, "O")


def rate_of(rates: TaxRates | None, tax_class: str | None, at_ns: int) -> Tax:
    """The rate of a class at a moment. Where no rates are set, or not of that class or time, there is none."""
    if rates is None:
        return NO_TAX
    for dated in reversed(rates.classes.get(tax_class or STANDARD, ())):
        if begins_ns(dated.since) <= at_ns:
            millionths = millionths_of_rate(dated.rate)
            return Tax(millionths, dated.category or ("S" if millionths else "Z"))
    return NO_TAX


def shipping_class(rates: TaxRates | None) -> str:
    """The tax class of what sending costs."""
    return SHIPPING if rates is not None and SHIPPING in rates.classes else STANDARD


def contained(gross_minor: int, tax: Tax) -> int:
    """The tax in an amount that includes it."""
    return half_up(gross_minor * tax.millionths, MILLION + tax.millionths)


def on_top(net_minor: int, tax: Tax) -> int:
    """The tax on an amount before tax."""
    return half_up(net_minor * tax.millionths, MILLION)
