"""Which price held when: for the lowest price of the days before a reduction (directive 98/6/EC, article 6a)."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.commands.pricing import PriceList
from engine.pricing.lists import Buyer, UnitPrice, lists_for, unit_price
from engine.pricing.moments import begins_ns, ends_ns

Versions = Mapping[str, Sequence[tuple[int, PriceList]]]
"""Every list as it was set, oldest first, with the time from which it was so."""


class Held(NamedTuple):
    """A price of one unit that held from a moment on; None if there was none."""

    since_ns: int
    price: UnitPrice | None


def prices_over_time(versions: Versions, buyer: Buyer, sku: str) -> list[Held]:
    """The prices of one unit for a buyer up to `buyer.at_ns`, oldest first, each until the next one begins."""
    moments: dict[int, None] = {}
    for bodies in versions.values():
        for from_ns, body in bodies:
            moments[from_ns] = None
            if body.valid_from is not None:
                moments[begins_ns(body.valid_from)] = None
            if body.valid_to is not None:
                moments[ends_ns(body.valid_to)] = None
    held: list[Held] = []
    for moment_ns in sorted(moment_ns for moment_ns in moments if moment_ns <= buyer.at_ns):
        price = _price_at(versions, buyer._replace(at_ns=moment_ns), sku)
        if not held or price != held[-1].price:
            held.append(Held(moment_ns, price))
    return held


def _price_at(versions: Versions, buyer: Buyer, sku: str) -> UnitPrice | None:
    lists = {}
    for name, bodies in versions.items():
        known = bisect_right(bodies, buyer.at_ns, key=lambda version: version[0])
        if known:
            lists[name] = bodies[known - 1][1]
    return unit_price(lists_for(lists, buyer), sku, 1)


def lowest_before(held: Sequence[Held], begin_ns: int, end_ns: int) -> int | None:
    """The lowest price that held at some moment from `begin_ns` on and before `end_ns`; None if there was none."""
    found = []
    for at, (since_ns, price) in enumerate(held):
        until_ns = held[at + 1].since_ns if at + 1 < len(held) else end_ns
        if price is not None and since_ns < end_ns and until_ns > begin_ns:
            found.append(price.minor)
    return min(found, default=None)
