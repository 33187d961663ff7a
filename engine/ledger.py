"""Accounts and balances. The only place where a quantity changes.

Inside accounts are kept per SKU and node in one int64 array each (SKUs x nodes), outside accounts per SKU. `inside` and
`outside` are these arrays by account; `cells` is the memory of any account.
Scalars are read and written through memoryviews over the same memory that sourcing reads as arrays.
"""

from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from engine import sparse
from engine.facts.postings import INSIDE, MISSING, Account, Posting

_INSIDE = tuple(int(account) for account in Account if account in INSIDE)
_OUTSIDE = tuple(int(account) for account in Account if account not in INSIDE)
_HELD = INSIDE - {MISSING}  # never negative
_FIRST_CAPACITY = 64
_PART_CELLS_MAX = 262_144


class Places(msgspec.Struct, array_like=True, tag="places"):
    """SKUs and nodes by their position in the ledger."""

    skus: list[str]
    nodes: list[str]


class Balances(msgspec.Struct, array_like=True, tag="balances"):
    """Balances of one account that are not 0, of some SKUs. See Ledger.rows_of."""

    account: int
    first_sku: int
    cells: bytes
    units: bytes


class Ledger:
    """Balances of every account of every SKU, addressed by position: `sku_index`, `node_index`.

    `missing` are the units that are missing by SKU, then node, where any are: the account MISSING without its sign.
    The order in it says nothing.
    """

    PARTS = Places, Balances

    def __init__(self) -> None:
        self.sku_index: dict[str, int] = {}
        self.node_index: dict[str, int] = {}
        self.skus: list[str] = []
        self.nodes: list[str] = []
        self.inside = {account: sparse.never_written(0, 0) for account in _INSIDE}
        self.outside = {account: np.zeros(0, np.int64) for account in _OUTSIDE}
        self.missing: dict[str, dict[str, int]] = {}
        self._make_room(_FIRST_CAPACITY, _FIRST_CAPACITY)

    def _make_room(self, sku_capacity: int, node_capacity: int) -> None:
        """Make room for more SKUs or nodes; balances are carried over. Accounts that were never used take no memory."""
        self.node_capacity, self.sku_capacity = node_capacity, sku_capacity
        for account, units in self.inside.items():
            self.inside[account] = sparse.grown(units, sku_capacity, node_capacity)
        for account, units in self.outside.items():
            self.outside[account] = np.concatenate((units, np.zeros(sku_capacity - len(units), np.int64)))
        arrays = {account: sparse.flat(units) for account, units in self.inside.items()}
        arrays |= {account: units.data for account, units in self.outside.items()}
        self.cells = [arrays[account] for account in range(len(Account))]

    def _begin(self, account: int) -> None:
        """Give an inside account its memory, at its first posting."""
        assert not sparse.is_written(self.inside[account])
        self.inside[account] = sparse.zeros(self.sku_capacity, self.node_capacity)
        self.cells[account] = sparse.flat(self.inside[account])

    def open_sku(self, sku: str) -> int:
        """Give a SKU its position; the same one when it has one."""
        index = self.sku_index.get(sku)
        if index is None:
            index = len(self.skus)
            if index == self.sku_capacity:
                self._make_room(self.sku_capacity * 2, self.node_capacity)
            self.skus.append(sku)
            self.sku_index[sku] = index
        return index

    def open_node(self, node: str) -> int:
        """Give a node its position; the same one when it has one."""
        index = self.node_index.get(node)
        if index is None:
            index = len(self.nodes)
            if index == self.node_capacity:
                self._make_room(self.sku_capacity, self.node_capacity * 2)
            self.nodes.append(node)
            self.node_index[node] = index
        return index

    def post(self, postings: Iterable[Posting]) -> None:
        """Move units from account to account. The caller decided; an impossible posting is a bug and stops the node."""
        sku_index, node_index, width = self.sku_index, self.node_index, self.node_capacity
        cells, held = self.cells, _HELD
        for posting in postings:
            quantity, source, target = posting.quantity, posting.source, posting.target
            assert quantity > 0
            assert source != target
            sku = sku_index[posting.sku]
            cell = sku * width + node_index[posting.node]
            if source in held:
                balance = cells[source][cell] - quantity
                assert balance >= 0, f"{Account(source).name} of {posting.sku} at {posting.node} would be {balance}"
                cells[source][cell] = balance
            elif source == MISSING:
                self._lack(posting, cell, quantity)
            else:
                cells[source][sku] -= quantity
            if target in held:
                try:
                    cells[target][cell] += quantity
                except TypeError:  # the first units it ever gets
                    self._begin(target)
                    cells[target][cell] = quantity
            elif target == MISSING:
                self._lack(posting, cell, -quantity)
            else:
                cells[target][sku] += quantity

    def _lack(self, posting: Posting, cell: int, more: int) -> None:
        """So many more units of a SKU are missing at a node, or (below 0) fewer."""
        sku, node = posting.sku, posting.node
        missing = self.missing_at(sku, node) + more
        assert missing >= 0, f"MISSING of {sku} at {node} would be {-missing}"
        if not sparse.is_written(self.inside[MISSING]):
            self._begin(MISSING)
        self.cells[MISSING][cell] = -missing
        if missing:
            self.missing.setdefault(sku, {})[node] = missing
        else:
            del self.missing[sku][node]
            if not self.missing[sku]:
                del self.missing[sku]

    def missing_at(self, sku: str, node: str) -> int:
        """Units of a SKU that are missing at a node."""
        return self.missing[sku].get(node, 0) if sku in self.missing else 0

    def move(self, sku: str, node: str, source: int, target: int, quantity: int) -> None:
        """One posting between inside accounts, for the hottest facts, whose postings follow from their lines."""
        cell = self.sku_index[sku] * self.node_capacity + self.node_index[node]
        balance = self.cells[source][cell] - quantity
        assert quantity > 0
        assert balance >= 0, f"{Account(source).name} of {sku} at {node} would be {balance}"
        self.cells[source][cell] = balance
        try:
            self.cells[target][cell] += quantity
        except TypeError:  # the first units it ever gets
            self._begin(target)
            self.cells[target][cell] = quantity

    def balance(self, account: int, sku: str, node: str) -> int:
        """Units of an inside account of a SKU at a node; 0 for what has no account."""
        assert account in INSIDE
        sku_at, node_at = self.sku_index.get(sku), self.node_index.get(node)
        if sku_at is None or node_at is None:
            return 0
        return self.cells[account][sku_at * self.node_capacity + node_at]

    def totals(self) -> dict[str, int]:
        """The trial balance: every account over all SKUs and nodes, in units. The sum is 0."""
        skus = len(self.skus)
        totals = {}
        for account in Account:
            array = self.inside[account] if account in INSIDE else self.outside[account]
            totals[account.name.lower()] = int(array[:skus].sum())
        return totals

    def unbalanced_skus(self) -> list[str]:
        """SKUs whose accounts do not sum to zero. Empty, or there is a bug."""
        skus = len(self.skus)
        total = np.zeros(skus, np.int64)
        for inside in self.inside.values():
            total += inside[:skus].sum(axis=1)
        for outside in self.outside.values():
            total += outside[:skus]
        return [self.skus[i] for i in np.flatnonzero(total)]

    def rows(self) -> list[tuple[int, str, str, int]]:
        """Balances that are not 0 as (account, sku, node, units), in a fixed order; outside accounts have node ""."""
        rows = []
        skus, nodes = len(self.skus), len(self.nodes)
        for account, array in self.inside.items():
            part = array[:skus, :nodes]
            for sku_at, node_at in zip(*(axis.tolist() for axis in np.nonzero(part)), strict=True):
                rows.append((account, self.skus[sku_at], self.nodes[node_at], int(part[sku_at, node_at])))
        for account, outside in self.outside.items():
            held = np.flatnonzero(outside[:skus]).tolist()
            rows += [(account, self.skus[sku_at], "", int(outside[sku_at])) for sku_at in held]
        return rows

    def rows_of(self, account: int, first_sku: int, skus_count: int) -> tuple[bytes, bytes]:
        """Balances of an account that are not 0, of up to `skus_count` SKUs from a position on: cells and units.

        A cell is SKU position x nodes + node position, the SKU counted from `first_sku`; an outside account has one
        cell per SKU. Both are little-endian int64, in order of cell.
        """
        last = min(first_sku + skus_count, len(self.skus))
        if account in INSIDE:
            part = self.inside[account][first_sku:last, : len(self.nodes)].ravel()
        else:
            part = self.outside[account][first_sku:last]
        held = np.flatnonzero(part)
        return held.astype("<i8").tobytes(), part[held].astype("<i8").tobytes()

    def dump(self) -> Iterator[Places | Balances]:
        """Positions, then balances account by account."""
        yield Places(list(self.skus), list(self.nodes))
        step = max(1, _PART_CELLS_MAX // max(1, len(self.nodes)))
        for account in Account:
            for first_sku in range(0, len(self.skus), step):
                yield Balances(account, first_sku, *self.rows_of(account, first_sku, step))

    def load(self, part: Places | Balances) -> None:
        """Take back a part."""
        if isinstance(part, Balances):
            self.load_rows(part.account, part.first_sku, part.cells, part.units)
            return
        for sku in part.skus:
            self.open_sku(sku)
        for node in part.nodes:
            self.open_node(node)

    def load_rows(self, account: int, first_sku: int, cells: bytes, units: bytes) -> None:
        """Take over what `rows_of` gave, when all SKUs and nodes have their positions."""
        held, values = np.frombuffer(cells, "<i8"), np.frombuffer(units, "<i8")
        if not held.size:
            return
        if account in INSIDE:
            if not sparse.is_written(self.inside[account]):
                self._begin(account)
            sku_at, node_at = np.divmod(held, max(1, len(self.nodes)))
            self.inside[account][first_sku + sku_at, node_at] = values
            if account == MISSING:
                places = zip((first_sku + sku_at).tolist(), node_at.tolist(), values.tolist(), strict=True)
                for sku, node, units_held in places:
                    self.missing.setdefault(self.skus[sku], {})[self.nodes[node]] = -units_held
        else:
            self.outside[account][first_sku + held] = values
