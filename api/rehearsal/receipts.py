"""Goods receipts, which the file does not have: derived from what the orders will need, and spread over the nodes.

On the first trading day of a week every SKU gets what the week's rows take from stock (sales and corrections out), times
the stock factor, rounded up. Of that, the second warehouse gets 20 %, the third 8 %, and four stores drawn for the SKU
from the seed 3 % each, all rounded down; the first warehouse gets the rest. Units that come back are extra.
"""

import hashlib
from collections.abc import Iterator
from fractions import Fraction

from api.rehearsal.shop import Shop
from api.rehearsal.steps import StockLine

OTHER_WAREHOUSES_PERCENT = (20, 8)
STORES_PER_SKU = 4
STORE_PERCENT = 3


class Receipts:
    """Spreads units of a SKU over the nodes of a shop; the same way for the same seed."""

    def __init__(self, shop: Shop, seed: int, stock_factor: Fraction) -> None:
        self._shop = shop
        self._seed = seed
        self._factor = stock_factor
        self._shares: dict[str, list[tuple[str, int]]] = {}

    def opening(self) -> Iterator[StockLine]:
        """The safety stock that the shop withholds, so that it withholds nothing of what the orders need."""
        shipping = {*self._shop.warehouses, *self._shop.stores}
        for node, items in self._shop.document.node_items.items():
            for sku, rule in items.items():
                if rule.safety_stock and node in shipping:
                    yield StockLine(sku, node, rule.safety_stock)

    def of_week(self, needed: dict[str, int]) -> Iterator[StockLine]:
        """Receipt lines for the units needed of each SKU."""
        for sku, units in sorted(needed.items()):
            total = -(-units * self._factor.numerator // self._factor.denominator)
            rest = total
            lines = []
            for node, percent in self._shares_of(sku):
                share = total * percent // 100
                if share:
                    lines.append(StockLine(sku, node, share))
                    rest -= share
            if rest:
                yield StockLine(sku, self._shop.warehouses[0], rest)
            yield from lines

    def _shares_of(self, sku: str) -> list[tuple[str, int]]:
        """(node, percent) for every node but the first warehouse."""
        shares = self._shares.get(sku)
        if shares is None:
            shares = list(zip(self._shop.warehouses[1:], OTHER_WAREHOUSES_PERCENT, strict=False))
            drawn = hashlib.blake2b(f"{self._seed}\0{sku}".encode(), digest_size=4 * STORES_PER_SKU).digest()
            left = list(self._shop.stores)
            for at in range(0, len(drawn), 4):
                if left:
                    store = left.pop(int.from_bytes(drawn[at : at + 4], "big") % len(left))
                    shares.append((store, STORE_PERCENT))
            self._shares[sku] = shares
        return shares
