"""What a change of an order adds to what it costs, and which units it takes off."""

from engine.facts.money import Charge
from engine.facts.orders import ChangeBody
from engine.pricing.lists import Buyer
from engine.pricing.quoting import Asked, Wanted, more_of, priced_alone
from engine.pricing.taxes import treatment_of
from engine.state.orders import Order
from engine.state.state import State


def fewer_and_more(
    state: State, order: Order, body: ChangeBody, now_ns: int
) -> tuple[dict[int, int], tuple[Charge, ...]]:
    """Units taken off by line position, and charges; of an order with prices.

    More units of a line cost what its first ones cost before discounts; promotions are for what was ordered at first.
    """
    assert order.money is not None
    fewer: dict[int, int] = {}
    added = []
    for entry in body.quantities:
        by = entry.quantity - order.lines[entry.line].quantity
        if by < 0:
            fewer[entry.line] = -by
        elif by > 0:
            added.append(Charge(entry.line, by, more_of(order.money.lines[entry.line].spans[0].priced, by)))
    if body.added:
        channel = state.configuration.channels[order.channel]
        country = (body.area or order.area).country or channel.country
        treatment = treatment_of(order.money.shipping.category)
        buyer = Buyer(order.channel, channel.currency, country, order.customer_group, now_ns)
        for position, line in enumerate(body.added):
            wanted = Wanted(line.id, line.sku, line.quantity, line.unit_price_minor)
            found = priced_alone(state.configuration, Asked(buyer, [wanted], treatment=treatment))
            added.append(Charge(len(order.lines) + position, line.quantity, found))
    return fewer, tuple(added)


def growth_minor(state: State, order: Order, body: ChangeBody, now_ns: int) -> int:
    """By how much the order's lines will cost more, in minor units with tax; without prices, what its own unit prices say."""
    if order.money is None:
        grown = sum(
            (entry.quantity - order.lines[entry.line].quantity) * (order.lines[entry.line].unit_price_minor or 0)
            for entry in body.quantities
        )
        return grown + sum(line.quantity * (line.unit_price_minor or 0) for line in body.added)
    fewer, more = fewer_and_more(state, order, body, now_ns)
    lines = order.money.lines
    less = [order.money.share(at, lines[at].first_open(units)).total_minor for at, units in fewer.items()]
    return sum(charge.priced.total_minor for charge in more) - sum(less)
