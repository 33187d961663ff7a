"""Which unit price holds for whom."""

from collections.abc import Iterable
from typing import NamedTuple

from engine.commands.pricing import PriceList, ShippingPrices
from engine.pricing.moments import begins_ns, ends_ns


class Buyer(NamedTuple):
    """What prices, promotions and taxes depend on, besides the goods."""

    channel: str
    currency: str
    country: str | None
    customer_group: str | None
    at_ns: int


class UnitPrice(NamedTuple):
    """Minor units for one unit, with tax or before it, and the list it is from (None: the shop's own)."""

    minor: int
    tax_included: bool
    price_list: str | None


def is_for(each: PriceList | ShippingPrices, buyer: Buyer) -> bool:
    """Whether all conditions of a list or table apply to a buyer."""
    return (
        each.currency == buyer.currency
        and (each.channels is None or buyer.channel in each.channels)
        and (each.countries is None or buyer.country in each.countries)
        and (each.customer_groups is None or buyer.customer_group in each.customer_groups)
        and (each.valid_from is None or buyer.at_ns >= begins_ns(each.valid_from))
        and (each.valid_to is None or buyer.at_ns < ends_ns(each.valid_to))
    )


def lists_for(price_lists: dict[str, PriceList], buyer: Buyer) -> list[tuple[str, PriceList]]:
    """The lists that a buyer may buy from, the highest priority first, else in the order of their creation."""
    found = [(name, each) for name, each in price_lists.items() if is_for(each, buyer)]
    return sorted(found, key=lambda entry: -entry[1].priority)


def unit_price(lists: Iterable[tuple[str, PriceList]], sku: str, quantity: int) -> UnitPrice | None:
    """The price of a SKU for someone who buys `quantity` of it in all; of lists with the same priority the lowest price."""
    best: tuple[int, UnitPrice] | None = None
    for name, each in lists:
        if best is not None and each.priority < best[0]:
            break
        fitting = [step for step in each.prices.get(sku, ()) if step.from_quantity <= quantity]
        if fitting:
            price = UnitPrice(fitting[-1].unit_price_minor, each.tax_included, name)
            if best is None or price.minor < best[1].minor:
                best = each.priority, price
    return None if best is None else best[1]
