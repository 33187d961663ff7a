"""Freezing what an order costs when it is placed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.orders import PlaceOrder
from engine.facts import OrderPriced
from engine.pricing.lists import Buyer
from engine.pricing.quoting import Asked, Wanted, quote
from engine.results import Rejection

if TYPE_CHECKING:
    from engine.state import State


def price_order(state: State, command: PlaceOrder, now_ns: int) -> OrderPriced | Rejection | None:
    """What an order costs; None for one that has no price, if nothing in it asks for one."""
    if not command.priced:
        return None
    channel = state.configuration.channels[command.channel]
    country = command.area.country or channel.country
    at_ns = now_ns if command.placed_at_ns is None else command.placed_at_ns
    asked = Asked(
        Buyer(command.channel, channel.currency, country, command.customer_group, at_ns),
        [Wanted(line.id, line.sku, line.quantity, line.unit_price_minor) for line in command.lines],
        command.shipping_minor or 0,
        command.first_order,
        command.tax_treatment,
    )
    found = quote(state.configuration, asked, state.usage)
    if isinstance(found, Rejection):
        return None if command.shipping_minor is None else found
    return OrderPriced(command.number, channel.currency, found.lines, found.shipping)
