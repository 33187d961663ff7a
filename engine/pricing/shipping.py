"""What sending costs where the shop does not say so itself."""

from engine.commands.pricing import ShippingPrices
from engine.pricing.lists import Buyer, UnitPrice, is_for


def shipping_price(
    tables: dict[str, ShippingPrices], buyer: Buyer, delivery: str, goods_minor: int
) -> UnitPrice | None:
    """The price for goods worth so much before promotions; of the highest priority, then the lowest. None if no table is about it."""
    best: tuple[int, UnitPrice] | None = None
    for name, table in tables.items():
        fits = is_for(table, buyer) and (table.deliveries is None or delivery in table.deliveries)
        steps = [step for step in table.prices if step.from_goods_minor <= goods_minor] if fits else []
        if steps:
            price = UnitPrice(steps[-1].price_minor, table.tax_included, name)
            place = (table.priority, -price.minor)
            if best is None or place > (best[0], -best[1].minor):
                best = table.priority, price
    return None if best is None else best[1]
