"""On hand and available-to-promise arithmetic, and the movements people post.

Available to promise = max(0, available - withheld), where withheld is the safety stock, or everything
where the SKU may not be sold from the node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import limits, sparse
from engine.commands.configuration import NodeItem
from engine.commands.stock import MovementLine, MoveStock
from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    IN_TRANSIT,
    INBOUND,
    INBOUND_ALLOCATED,
    INBOUND_RESERVED,
    LOSS,
    RESERVED,
    SUPPLIER,
    UNSELLABLE,
    Posting,
)
from engine.facts.stock import MovedLine, StockMoved
from engine.ledger import Ledger
from engine.results import FieldError, Rejection, ResultCode, Shortage

if TYPE_CHECKING:
    from engine.state import State

NOT_SELLABLE = limits.BALANCE_MAX


def units_withheld(rule: NodeItem) -> int:
    """Units of a SKU that a node keeps from everybody by its own rule."""
    return rule.safety_stock if rule.sellable else NOT_SELLABLE


class Stock:
    """What may be promised: the ledger's available units less what is withheld per SKU and node."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.special: dict[int, dict[int, NodeItem]] = {}
        self.withheld = sparse.zeros(ledger.sku_capacity, ledger.node_capacity)
        self.withheld_cells = sparse.flat(self.withheld)

    def grow(self) -> None:
        """Follow the ledger when it made room for more SKUs or nodes."""
        room = (self.ledger.sku_capacity, self.ledger.node_capacity)
        if self.withheld.shape != room:
            self.withheld = sparse.grown(self.withheld, *room)
            self.withheld_cells = sparse.flat(self.withheld)

    def withhold(self, sku: str, node: str, rule: NodeItem) -> None:
        """Withhold the safety stock of a SKU at a node, or everything if it may not be sold from there.

        `special` holds the rules that are about prices, by positions of SKU and node.
        """
        sku_at, node_at = self.ledger.sku_index[sku], self.ledger.node_index[node]
        self.withheld_cells[sku_at * self.ledger.node_capacity + node_at] = units_withheld(rule)
        special = self.special.setdefault(sku_at, {})
        special.pop(node_at, None)
        if rule.sourcing_minor_per_unit or rule.stocked_since is not None:
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


class Balances(NamedTuple):
    """Units of one SKU, at one node or over all. `inbound` are expected, whether they are promised or not; `in_transit` come
    from another node."""

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


def balances_at(state: State, sku: str, node: str) -> Balances:
    """Balances of a known SKU at a known node, in units."""
    ledger = state.ledger
    sku_at, node_at = ledger.sku_index[sku], ledger.node_index[node]
    at = sku_at * ledger.node_capacity + node_at
    cells = ledger.cells
    return Balances(
        cells[AVAILABLE][at],
        cells[RESERVED][at],
        cells[ALLOCATED][at],
        cells[UNSELLABLE][at],
        cells[INBOUND][at] + cells[INBOUND_RESERVED][at] + cells[INBOUND_ALLOCATED][at],
        state.stock.promisable(sku_at, node_at),
        cells[IN_TRANSIT][at],
    )


def decide_move_stock(state: State, command: MoveStock, now_ns: int) -> StockMoved | Rejection:
    """Turn each line into postings, one after the other: a later line sees what an earlier one moved. All or none."""
    for position, line in enumerate(command.lines):
        if line.node not in state.configuration.nodes:
            return Rejection.at(ResultCode.UNKNOWN_NODE, f"/lines/{position}/node", f"there is no node {line.node!r}")
    for position, line in enumerate(command.lines):
        if line.sku not in state.configuration.items:
            return Rejection.at(ResultCode.UNKNOWN_SKU, f"/lines/{position}/sku", f"there is no SKU {line.sku!r}")
    scratch: dict[tuple[str, str, int], int] = {}

    def balance(line: MovementLine, account: int) -> int:
        key = (line.sku, line.node, account)
        if key not in scratch:
            scratch[key] = state.ledger.balance(account, line.sku, line.node)
        return scratch[key]

    moved: list[MovedLine] = []
    postings: list[Posting] = []
    for position, line in enumerate(command.lines):
        promised = balance(line, RESERVED) + balance(line, ALLOCATED)
        available, unsellable = balance(line, AVAILABLE), balance(line, UNSELLABLE)
        moves, oversold = _moves_of(line, available, promised, unsellable)
        for source, target, quantity in moves:
            held = {AVAILABLE: available, UNSELLABLE: unsellable}.get(source)
            if held is not None and quantity > held:
                return Rejection(
                    ResultCode.INSUFFICIENT_STOCK,
                    detail
                    := f"line {position}: only {held} units of {line.sku!r} at {line.node!r} can be taken by {line.reason}",
                    (FieldError(f"/lines/{position}/quantity", detail),),
                    lines=(Shortage(line.sku, quantity, held),),
                )
            postings.append(Posting(line.sku, line.node, source, target, quantity))
            for account, change in ((source, -quantity), (target, quantity)):
                if (line.sku, line.node, account) in scratch:
                    scratch[line.sku, line.node, account] += change
        moved.append(MovedLine(line.sku, line.node, line.reason, line.quantity, line.note, oversold))
    return StockMoved(command.reference, tuple(moved), tuple(postings))


def _moves_of(
    line: MovementLine, available: int, promised: int, unsellable: int
) -> tuple[list[tuple[int, int, int]], int]:
    """What a line moves, as (source, target, quantity), and the promised units that a count did not find."""
    quantity = line.quantity
    match line.reason:
        case "receipt":
            return [(SUPPLIER, AVAILABLE, quantity)], 0
        case "adjustment" if quantity > 0:
            return [(ADJUSTMENT, AVAILABLE, quantity)], 0
        case "adjustment":
            return [(AVAILABLE, ADJUSTMENT, -quantity)], 0
        case "damage" | "quarantine":
            return [(AVAILABLE, UNSELLABLE, quantity)], 0
        case "restore":
            return [(UNSELLABLE, AVAILABLE, quantity)], 0
        case "write_off":
            return [(UNSELLABLE, LOSS, quantity)], 0
    assert line.reason in ("count", "feed")
    missing = available + promised + unsellable - quantity
    if missing <= 0:
        return ([(ADJUSTMENT, AVAILABLE, -missing)] if missing else []), 0
    free = min(available, missing)
    broken = min(unsellable, missing - free)
    moves = [(AVAILABLE, ADJUSTMENT, free), (UNSELLABLE, ADJUSTMENT, broken)]
    return [move for move in moves if move[2]], missing - free - broken


def evolve_stock_moved(state: State, fact: StockMoved) -> None:
    """A movement is nothing but its postings."""
    state.ledger.post(fact.postings)
