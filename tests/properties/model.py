"""The shop in plain dicts: what must be, worked out without the engine.

The model says itself whether a command succeeds and what it moves. Only the choice of nodes is the engine's: that is taken
from its answer and checked (no node gives more than it may promise, and a named node gives everything).
"""

from collections import Counter
from dataclasses import dataclass, field

from tests.unit.engine.shop import BERLIN, KETTLE, LEIPZIG, MUNICH, TOWEL, TRAY

NODES, SKUS = (LEIPZIG, BERLIN, MUNICH), (KETTLE, TOWEL, TRAY)
SAFETY = {(TOWEL, BERLIN): 2, (TRAY, MUNICH): 2}
BACKORDERABLE = {TRAY}
OPEN, SENT = ("released", "accepted", "picked", "packed"), ("shipped", "delivered")

Cell = tuple[str, str]


@dataclass
class Line:
    sku: str
    quantity: int
    allocated: int = 0
    backordered: int = 0
    unsourceable: int = 0
    shipped: int = 0
    cancelled: int = 0
    returned: int = 0

    def serve(self, units: int) -> None:
        """Units that waited are there."""
        less = min(units, self.unsourceable)
        self.unsourceable -= less
        self.backordered -= units - less
        assert self.backordered >= 0


@dataclass
class Work:
    node: str
    state: str
    takes: dict[int, int]


@dataclass
class Order:
    seq: int
    promised: int  # the record that made its place in the queue: its own, or that of its reservation
    lines: list[Line]
    work: dict[int, Work] = field(default_factory=dict)
    rejected_by: set[str] = field(default_factory=set)


@dataclass
class Claim:
    expires_at_ns: int
    lines: list[tuple[str, str | None, Counter[str], int]]  # sku, named node, units by node, units that wait

    def held(self) -> Counter[Cell]:
        return Counter({(sku, node): 0 for sku, *_ in self.lines for node in NODES}) + sum(
            (Counter({(sku, node): units for node, units in found.items()}) for sku, _, found, _ in self.lines),
            Counter(),
        )

    def held_of(self, sku: str) -> int:
        return sum(units for (s, _), units in self.held().items() if s == sku)

    def waits(self) -> Counter[str]:
        """Units that are backordered, by SKU."""
        return sum((Counter({sku: units}) for sku, _, _, units in self.lines), Counter())

    def claimed_of(self, sku: str) -> int:
        return self.held_of(sku) + self.waits()[sku]


class Model:
    """Units by account, SKU and node; claims; orders."""

    def __init__(self) -> None:
        self.units: dict[str, Counter[Cell]] = {
            account: Counter() for account in ("available", "reserved", "allocated", "unsellable", "missing")
        }
        self.outside: Counter[str] = Counter()
        self.claims: dict[int, Claim] = {}
        self.ended: dict[int, str] = {}
        self.orders: dict[str, Order] = {}

    # Stock

    def atp(self, sku: str, node: str) -> int:
        """What may be promised."""
        return max(0, self.units["available"][sku, node] - SAFETY.get((sku, node), 0))

    def atp_total(self, sku: str, without: set[str] | None = None) -> int:
        """What may be promised by all nodes but some."""
        return sum(self.atp(sku, node) for node in NODES if node not in (without or ()))

    def move(self, sku: str, node: str, source: str, target: str, units: int) -> None:
        """Units go from account to account; inside accounts never fall below none."""
        assert units >= 0
        for account, change in ((source, -units), (target, units)):
            if account in self.units:
                self.units[account][sku, node] += -change if account == "missing" else change
                assert self.units[account][sku, node] >= 0, (account, sku, node)
            else:
                self.outside[account] += change

    def on_hand(self, sku: str, node: str) -> int:
        """What is physically there."""
        units = {account: cells[sku, node] for account, cells in self.units.items()}
        return sum(units.values()) - 2 * units["missing"]

    def lack(self, sku: str, node: str, target: str, units: int) -> None:
        """Units leave a node that were promised, as far as promised ones are there; the others nobody knew of."""
        promised = self.units["reserved"][sku, node] + self.units["allocated"][sku, node]
        there = min(units, promised - self.units["missing"][sku, node])
        self.move(sku, node, "missing", target, there)
        self.move(sku, node, "adjustment", target, units - there)

    def pay(self) -> None:
        """At the end of a record: what is free is for what is missing, and no more is missing than was promised."""
        for sku in SKUS:
            for node in NODES:
                missing = self.units["missing"][sku, node]
                paid = min(missing, self.units["available"][sku, node])
                self.move(sku, node, "available", "missing", paid)
                promised = self.units["reserved"][sku, node] + self.units["allocated"][sku, node]
                self.move(sku, node, "adjustment", "missing", max(0, missing - paid - promised))

    def take(self, sku: str, node: str, target: str, units: int) -> None:
        """Promise units, safety stock untouched."""
        assert units <= self.atp(sku, node), f"{units} of {sku} at {node} were promised, {self.atp(sku, node)} may be"
        self.move(sku, node, "available", target, units)

    # Claims

    def expected(self, lines: list[tuple[str, int, str | None]]) -> tuple[list[int | None], Counter[str], bool]:
        """For a demand: units of every named line, units per SKU of the free ones, and whether nothing is missing but what
        may wait."""
        left = {(sku, node): self.atp(sku, node) for sku in SKUS for node in NODES}
        named: list[int | None] = []
        for sku, quantity, node in lines:
            if node is None:
                named.append(None)
            else:
                units = min(quantity, left[sku, node])
                left[sku, node] -= units
                named.append(units)
        wanted: Counter[str] = Counter()
        for sku, quantity, node in lines:
            if node is None:
                wanted[sku] += quantity
        free = Counter({sku: min(units, sum(left[sku, node] for node in NODES)) for sku, units in wanted.items()})
        whole = all(free[sku] == units for sku, units in wanted.items() if sku not in BACKORDERABLE) and all(
            n is None or n == q or sku in BACKORDERABLE for n, (sku, q, _) in zip(named, lines, strict=True)
        )
        return named, free, whole

    def due(self, now_ns: int) -> list[int]:
        """Claims that end now, in order."""
        return sorted(
            (number for number, claim in self.claims.items() if claim.expires_at_ns <= now_ns),
            key=lambda number: (self.claims[number].expires_at_ns, number),
        )

    def end(self, number: int, as_what: str) -> None:
        """A claim ends and its units are free."""
        for (sku, node), units in self.claims.pop(number).held().items():
            self.move(sku, node, "reserved", "available", units)
        self.ended[number] = as_what

    # Orders

    def hand_out(self, order: Order, number: int, node: str, takes: list[tuple[int, int]], source: str) -> None:
        """A node gets work, or more for work that nobody has begun."""
        work = order.work.setdefault(number, Work(node, "released", {}))
        assert (work.node, work.state) == (node, "released")
        assert node not in order.rejected_by, f"{node} rejected this order and was asked again"
        for at, units in takes:
            line = order.lines[at]
            if source == "available":
                self.take(line.sku, node, "allocated", units)
            else:
                self.move(line.sku, node, source, "allocated", units)
            line.allocated += units
            work.takes[at] = work.takes.get(at, 0) + units

    def take_back(self, order: Order, number: int, target: str) -> dict[int, int]:
        """A node gives its work back; the units by line. What is lost is first what was missing already."""
        work = order.work[number]
        for at, units in work.takes.items():
            sku = order.lines[at].sku
            order.lines[at].allocated -= units
            known = min(units, self.units["missing"][sku, work.node]) if target == "loss" else 0
            self.move(sku, work.node, "allocated", "missing", known)
            self.move(sku, work.node, "allocated", target, units - known)
        return work.takes

    def ship(self, order: Order, number: int) -> None:
        """Units leave."""
        work = order.work[number]
        for at, units in work.takes.items():
            order.lines[at].allocated -= units
            order.lines[at].shipped += units
            self.move(order.lines[at].sku, work.node, "allocated", "customer", units)

    def waiting(self) -> list[tuple[int, int, str, set[str]]]:
        """Lines that wait, in order of promise: the record, the line, its SKU and the nodes that may serve it."""
        found = [
            (order.promised, at, line.sku, set(NODES) - order.rejected_by)
            for order in self.orders.values()
            for at, line in enumerate(order.lines)
            if line.backordered + line.unsourceable
        ]
        found += [
            (number, at, sku, set(NODES) if node is None else {node})
            for number, claim in self.claims.items()
            for at, (sku, node, _, units) in enumerate(claim.lines)
            if units
        ]
        return sorted(found, key=lambda entry: entry[:2])

    def nobody_waits_beside_free_units(self) -> None:
        """Whoever waits, waits because no node it may use has anything."""
        for promised, at, sku, nodes in self.waiting():
            free = sum(self.atp(sku, node) for node in nodes)
            assert free == 0, f"line {at} of the promise of record {promised} waits beside free {sku}"
