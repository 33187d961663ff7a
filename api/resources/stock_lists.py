"""What of the stock is asked for: of a node, or the nodes of a SKU."""

from typing import Any, Literal

import numpy as np

from api.http.filters import NodeFilter
from api.http.operations import Operation, PageQuery
from api.server.history import AsOfQuery
from engine.state.state import State

BALANCES = (
    "on_hand", "available", "reserved", "allocated", "unsellable", "inbound", "available_to_promise", "in_transit",
)  # fmt: skip


class StockQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """With `node` units are those of the node, and only SKUs of which it has, promises or expects any."""

    node: NodeFilter | None = None


class SkuStockQuery(AsOfQuery, frozen=True, forbid_unknown_fields=True):
    """`node` keeps one node; `all` shows also nodes that have, promise and expect nothing of the SKU."""

    node: NodeFilter | None = None
    all: Literal["true", "false"] = "false"

    def shows(self, there: dict[str, Any]) -> bool:
        """Whether the stock of a node is asked for, by the fields of its answer."""
        if self.node is not None:
            return bool(there["node"] == self.node)
        return self.all == "true" or any(there[name] for name in BALANCES)


def held_at(state: State, node: str, first: int, limit: int) -> tuple[list[str], str | None]:
    """SKUs of which a node has any units in any account, in their order from position `first` on; the next cursor."""
    ledger, node_at = state.ledger, state.ledger.node_index[node]
    held = np.zeros(max(0, len(ledger.skus) - first), bool)
    for units in ledger.inside.values():
        held |= units[first : len(ledger.skus), node_at] != 0
    places = (first + np.flatnonzero(held)).tolist()
    return [ledger.skus[at] for at in places[:limit]], str(places[limit]) if len(places) > limit else None


OPERATIONS: list[Operation] = []  # its routes stand beside those that move stock
