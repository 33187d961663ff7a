"""On hand and available-to-promise arithmetic.

Available to promise = max(0, available - withheld), where withheld is the safety stock, or everything
where the SKU may not be sold from the node.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import fields
from numpy.typing import NDArray

from engine import limits, sparse
from engine.commands.configuration import NodeItem
from engine.facts.postings import (
    ALLOCATED,
    AVAILABLE,
    IN_TRANSIT,
    INBOUND,
    INBOUND_ALLOCATED,
    INBOUND_RESERVED,
    RESERVED,
    UNSELLABLE,
)
from engine.ledger import Ledger

NOT_SELLABLE = limits.BALANCE_MAX
NOT_ABOUT_PRICES = ("safety_stock", "sellable", "bin")
_ABOUT_PRICES = tuple(field for field in fields(NodeItem) if field.name not in NOT_ABOUT_PRICES)


def units_withheld(rule: NodeItem) -> int:
    """Units of a SKU that a node keeps from everybody by its own rule."""
    return rule.safety_stock if rule.sellable else NOT_SELLABLE


class Balances(NamedTuple):
    """Units of one SKU, at one node or over all. `inbound` are expected, whether they are promised or not; `in_transit`
    come from another node."""

    available: int
    reserved: int
    allocated: int
    unsellable: int
    inbound: int
    available_to_promise: int
    in_transit: int

    @property
    def on_hand(self) -> int:
        """Units physically there."""
        return self.available + self.reserved + self.allocated + self.unsellable


class Stock:
    """What may be promised: the ledger's available units less what is withheld per SKU and node."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.special: dict[int, dict[int, NodeItem]] = {}
        self.not_sold: dict[int, None] = {}
        self.withheld = sparse.zeros(ledger.sku_capacity, ledger.node_capacity)
        self.withheld_cells = sparse.flat(self.withheld)

    def grow(self) -> None:
        """Follow the ledger when it made room for more SKUs or nodes."""
        room = (self.ledger.sku_capacity, self.ledger.node_capacity)
        if self.withheld.shape != room:
            self.withheld = sparse.grown(self.withheld, *room)
            self.withheld_cells = sparse.flat(self.withheld)
            for sku_at in self.not_sold:
                self.withheld[sku_at] = NOT_SELLABLE

    def is_sold(self, sku: str) -> bool:
        """Whether a SKU is sold at all, whatever its nodes say."""
        return self.ledger.sku_index[sku] not in self.not_sold

    def sell(self, sku: str, sellable: bool, rules: Mapping[str, NodeItem]) -> None:
        """Withhold all units of a SKU everywhere, at nodes to come as well; or no more than `rules`, by node, ask."""
        sku_at = self.ledger.sku_index[sku]
        if sellable:
            del self.not_sold[sku_at]
            self.withheld[sku_at] = 0
            for node, rule in rules.items():
                self.withhold(sku, node, rule)
        else:
            self.not_sold[sku_at] = None
            self.withheld[sku_at] = NOT_SELLABLE

    def withhold(self, sku: str, node: str, rule: NodeItem) -> None:
        """Withhold the safety stock of a SKU at a node, or everything if it may not be sold from there.

        `special` holds the rules that are about prices, by positions of SKU and node.
        """
        sku_at, node_at = self.ledger.sku_index[sku], self.ledger.node_index[node]
        units = NOT_SELLABLE if sku_at in self.not_sold else units_withheld(rule)
        self.withheld_cells[sku_at * self.ledger.node_capacity + node_at] = units
        special = self.special.setdefault(sku_at, {})
        special.pop(node_at, None)
        if any(getattr(rule, field.name) != field.default for field in _ABOUT_PRICES):
            special[node_at] = rule
        if not special:
            del self.special[sku_at]

    def cells_of(self, sku_at: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Units available and units withheld of one SKU, by position, at every node. Views: do not write to them."""
        nodes = len(self.ledger.nodes)
        return self.ledger.inside[AVAILABLE][sku_at, :nodes], self.withheld[sku_at, :nodes]

    def promisable(self, sku_at: int, node_at: int) -> int:
        """Available-to-promise units of one SKU at one node, by position."""
        at = sku_at * self.ledger.node_capacity + node_at
        units: int = self.ledger.cells[AVAILABLE][at] - self.withheld_cells[at]
        return max(0, units)

    def promisable_rows(self, skus_at: list[int]) -> NDArray[np.int64]:
        """Available-to-promise units, SKUs x all nodes of the ledger. A fresh array: the caller may write to it."""
        nodes = len(self.ledger.nodes)
        rows = self.ledger.inside[AVAILABLE][skus_at, :nodes] - self.withheld[skus_at, :nodes]
        np.maximum(rows, 0, out=rows)
        return rows

    def balances_at(self, sku: str, node: str) -> Balances:
        """Balances of a known SKU at a known node, in units."""
        ledger = self.ledger
        sku_at, node_at = ledger.sku_index[sku], ledger.node_index[node]
        at = sku_at * ledger.node_capacity + node_at
        cells = ledger.cells
        return Balances(
            cells[AVAILABLE][at],
            cells[RESERVED][at],
            cells[ALLOCATED][at],
            cells[UNSELLABLE][at],
            cells[INBOUND][at] + cells[INBOUND_RESERVED][at] + cells[INBOUND_ALLOCATED][at],
            self.promisable(sku_at, node_at),
            cells[IN_TRANSIT][at],
        )
