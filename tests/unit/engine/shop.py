"""A small shop for tests: a real writer over a journal in memory, a clock that is moved by hand, and short words."""

from typing import Any

from engine.areas import NOWHERE, Area
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.orders import OrderLineRequest, PlaceOrder
from engine.commands.reservations import DemandLine, ReserveStock
from engine.commands.stock import MovementLine, MoveStock
from engine.facts import Fact
from engine.limits import NS_PER_SECOND
from engine.replay import dumping, invariants
from engine.replay.recovery import recover
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order, find_reservation
from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.state.stock import Balances
from engine.wal import Journal, MemoryClosedTable, MemoryJournal
from engine.writer import Change, Done, Query, Writer

MORNING_NS = 1_800_000_000 * NS_PER_SECOND
KETTLE, TOWEL, TRAY = "BRASS-KETTLE", "TEA-TOWEL", "OAK-TRAY"
BERLIN, LEIPZIG, MUNICH = "berlin", "leipzig", "munich"
# From here Leipzig is cheapest, then Berlin, then Munich.
HALLE = Area("DE", "06", 515, 120)


def shop_document(**channel: Any) -> Configure:
    """Three nodes (Leipzig cheapest), three items of which the tray may be backordered, two channels."""
    places = {LEIPZIG: (51.3, 12.4), BERLIN: (52.5, 13.4), MUNICH: (48.1, 11.6)}
    return Configure(
        nodes={
            name: Node(name=name, kind="warehouse", country="DE", latitude=lat, longitude=lon)
            for name, (lat, lon) in places.items()
        },
        items={KETTLE: Item(name="Kettle"), TOWEL: Item(name="Towel"), TRAY: Item(name="Tray", backorderable=True)},
        channels={
            "web": Channel(name="Web", kind="web", country="DE", currency="EUR", **channel),
            "market": Channel(name="Market", kind="marketplace", country="DE", currency="EUR"),
        },
    )


class Shop:
    """Everything goes through the writer; the invariants are checked after every batch."""

    def __init__(self, journal: Journal | None = None, **channel: Any) -> None:
        self.now_ns = MORNING_NS
        self.journal: Journal = journal or MemoryJournal()
        self.errors: list[Exception] = []
        self.outcomes: list[Any] = []
        self.facts: tuple[Fact, ...] = ()
        self.orders_count = 0
        self.open(MemoryClosedTable())
        if self.state.seq == 0:
            self.done(shop_document(**channel))

    def open(self, table: Any) -> None:
        """A node starts: what was in memory is gone, what was journalled is back."""
        self.state = State(table)
        recover(self.state, self.journal)
        self.writer = Writer(self.state, self.journal, lambda: self.now_ns, on_error=self.errors.append)

    def restart(self) -> None:
        """Lose all memory, also the derived table; the journal must give the same state."""
        before = dumping.digest(self.state)
        self.open(MemoryClosedTable())
        assert dumping.digest(self.state) == before

    def wait(self, seconds: float) -> None:
        """Time passes; nobody asks for anything."""
        self.now_ns += int(seconds * NS_PER_SECOND)

    def submit(self, command: Any, key: bytes | None = None, payload: bytes | None = None) -> None:
        """Queue a command; its outcome will be the next in `outcomes`."""

        def render(state: State, seq: int, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
            self.facts = facts
            return 201, b"answer of %d" % seq

        change = Change(command, "till-1", render, self.outcomes.append, key, payload or key)
        assert self.writer.submit(change) is None

    def settle(self) -> list[Any]:
        """Work off the queue; the outcomes of this time, in order."""
        before = len(self.outcomes)
        while self.writer.settle():
            pass
        self.now_ns = max(self.now_ns, self.state.time_ns)
        assert invariants.check(self.state) == []
        assert invariants.every_place_taken_is_held(self.state) == []
        assert invariants.money_ledger_is_that_of_the_orders(self.state) == []
        return self.outcomes[before:]

    def do(self, command: Any, key: bytes | None = None, payload: bytes | None = None) -> Done | Rejection:
        """One command, alone in its batch."""
        self.submit(command, key, payload)
        outcome: Done | Rejection = self.settle()[-1]
        return outcome

    def done(self, command: Any, key: bytes | None = None) -> Done:
        """A command that must succeed."""
        outcome = self.do(command, key)
        assert isinstance(outcome, Done), outcome
        return outcome

    def refused(self, command: Any, code: ResultCode) -> Rejection:
        """A command that must be refused, for that reason, and must leave no trace."""
        before, facts_before = dumping.digest(self.state), self.journal.last_seq
        outcome = self.do(command)
        assert isinstance(outcome, Rejection), outcome
        assert outcome.code is code, outcome
        assert (dumping.digest(self.state), self.journal.last_seq) == (before, facts_before)
        return outcome

    def read(self, question: Any) -> Any:
        """Ask the writer: `question(state, now_ns)`."""
        self.writer.submit(Query(question, self.outcomes.append))
        return self.settle()[-1]

    # Short words

    def receive(self, sku: str, node: str, quantity: int) -> Done:
        """Goods arrive."""
        return self.move(sku, node, "receipt", quantity)

    def move(self, sku: str, node: str, reason: Any, quantity: int, note: str | None = None) -> Done:
        """One line of movement that must succeed."""
        return self.done(movement(sku, node, reason, quantity, note))

    def reserve(self, *lines: DemandLine, **more: Any) -> int:
        """A reservation that must succeed; its number."""
        more.setdefault("channel", "web")
        return self.done(ReserveStock(lines=lines, **more)).seq

    def order(self, *lines: tuple[str, int], **more: Any) -> str:
        """An order of (sku, quantity) that must be taken; its number."""
        self.orders_count += 1
        number = f"W-{self.orders_count}"
        self.done(place(number, *lines, **more))
        return number

    def reservation(self, number: int) -> Reservation:
        """As it is now, active or ended."""
        found = find_reservation(self.state, number)
        assert found is not None
        return found

    def the_order(self, number: str) -> Order:
        """As it is now, open or closed."""
        found = find_order(self.state, number)
        assert found is not None
        return found

    def at(self, sku: str, node: str) -> Balances:
        """Balances of a SKU at a node."""
        return self.state.stock.balances_at(sku, node)

    def nodes_of(self, reservation: int) -> list[tuple[str, str, int]]:
        """(sku, node, units) that a reservation holds, line by line."""
        return [(line.sku, s.node, s.quantity) for line in self.reservation(reservation).lines for s in line.sources]

    def work(self, order: str) -> list[tuple[int, str, str]]:
        """(number, node, state) of every fulfilment of an order."""
        return [(f.number, f.node, f.state) for f in self.the_order(order).fulfilments]


def movement(sku: str, node: str, reason: Any, quantity: int, note: str | None = None) -> MoveStock:
    """A movement of one line."""
    return MoveStock((MovementLine(sku, node, reason, quantity, note),))


def line(sku: str, quantity: int, node: str | None = None) -> DemandLine:
    """A line of demand."""
    return DemandLine(sku, quantity, node)


def place(number: str, *lines: tuple[str, int], **more: Any) -> PlaceOrder:
    """An order whose lines are called "1", "2" and so on."""
    asked = tuple(OrderLineRequest(str(i), sku, quantity, 2_50) for i, (sku, quantity) in enumerate(lines, 1))
    more.setdefault("channel", "web")
    more.setdefault("area", HALLE)
    return PlaceOrder(number=number, lines=asked, **more)


def safety(node: str, sku: str, units: int = 0, sellable: bool = True) -> Configure:
    """Withhold units of a SKU at a node."""
    return Configure(node_items={node: {sku: NodeItem(safety_stock=units, sellable=sellable)}})


__all__ = ["NOWHERE", "Done", "Rejection", "ResultCode", "Shop", "line", "movement", "place", "safety", "shop_document"]
