"""A seeded life of a shop: random commands through the real writer, with crashes, checked after every step."""

import random
from typing import Any

from engine import commands as c
from engine import invariants, machine
from engine.areas import coarse_area
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.orders import CancelLine, OrderLineRequest, ReceiveReturnLine, ReturnLineRequest
from engine.commands.reservations import DemandLine, Destination, NewQuantityLine, QuantityLine
from engine.commands.stock import MovementLine
from engine.limits import NS_PER_SECOND
from engine.recovery import recover
from engine.results import Rejection
from engine.state import State
from engine.wal import MemoryClosedTable, MemoryJournal
from engine.writer import Change, Done, Writer

NODES = ("leipzig", "berlin", "hamburg", "munich")
SKUS = ("BRASS-KETTLE", "TEA-TOWEL", "OAK-TRAY", "TIN-MUG", "WOOL-RUG")


def shop() -> Configure:
    """Four nodes, five items (two may be backordered), two channels."""
    return Configure(
        nodes={
            name: Node(name=name, kind="store", country="DE", latitude=48.0 + i, longitude=9.0 + i, pickup=i == 3)
            for i, name in enumerate(NODES)
        },
        items={sku: Item(name=sku, backorderable=i < 2) for i, sku in enumerate(SKUS)},
        node_items={"berlin": {"OAK-TRAY": NodeItem(safety_stock=2), "TIN-MUG": NodeItem(sellable=False)}},
        channels={
            "web": Channel(name="web", kind="web", country="DE", currency="EUR"),
            "market": Channel(
                name="market", kind="marketplace", country="DE", currency="EUR", nodes=("leipzig", "berlin"), buffer=1
            ),
        },
    )


class Life:
    """One shop and everything that happens to it for one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.journal = MemoryJournal()
        self.now_ns = 1_800_000_000 * NS_PER_SECOND
        self.outcomes: list[Any] = []
        self.kinds: dict[str, int] = {}
        self.orders = 0
        self._open(MemoryClosedTable())
        self.do(shop())

    def _open(self, table: MemoryClosedTable) -> None:
        self.state = State(table)
        recover(self.state, self.journal)
        self.writer = Writer(self.state, self.journal, lambda: self.now_ns, on_error=self._raise)

    @staticmethod
    def _raise(error: Exception) -> None:
        raise error

    def submit(self, command: Any, key: bytes | None = None) -> None:
        """Queue a command."""
        refusal = self.writer.submit(
            Change(command, "life", lambda state, seq, facts: (201, b"%d" % seq), self.outcomes.append, key, key)
        )
        assert refusal is None

    def settle(self) -> None:
        """Work off the queue, and look whether everything still holds."""
        while self.writer.settle():
            pass
        violations = invariants.check(self.state) + invariants.every_place_taken_is_held(self.state)
        assert not violations, violations

    def do(self, command: Any, key: bytes | None = None) -> Done | Rejection:
        """One command, alone in its batch."""
        self.submit(command, key)
        self.settle()
        outcome: Done | Rejection = self.outcomes[-1]
        word = outcome.code.wire if isinstance(outcome, Rejection) else "done"
        self.kinds[f"{type(command).__name__} {word}"] = self.kinds.get(f"{type(command).__name__} {word}", 0) + 1
        return outcome

    def crash(self, keep_closed_table: bool) -> None:
        """Lose all memory; what the journal has must give the same state."""
        before = machine.digest(self.state)
        table = self.state.closed.table
        assert isinstance(table, MemoryClosedTable)
        self._open(table if keep_closed_table else MemoryClosedTable())
        assert machine.digest(self.state) == before

    def step(self) -> None:
        """Something happens."""
        chance = self.chance
        self.now_ns += chance.choice((1, 1, 2, 10, 60, 400)) * NS_PER_SECOND
        everything = [self.receive] * 2 + [self.reserve] * 3 + [self.place] * 3 + [self.touch_reservation] * 3
        everything += [self.advance] * 3 + [self.reject, self.cancel, self.return_]
        everything += [self.odd_movement, self.together, self.again]
        happening = chance.choice(everything)
        happening()

    def receive(self) -> None:
        """Goods arrive."""
        chance = self.chance
        line = MovementLine(chance.choice(SKUS), chance.choice(NODES), "receipt", chance.randint(1, 30))
        self.do(c.MoveStock((line,)))

    def odd_movement(self) -> None:
        """Somebody counts, breaks or finds something."""
        chance = self.chance
        reason = chance.choice(("count", "damage", "quarantine", "restore", "write_off", "adjustment"))
        quantity = chance.randint(0 if reason == "count" else 1, 8)
        if reason == "adjustment" and chance.random() < 0.5:
            quantity = -quantity
        sku, node = chance.choice(SKUS), chance.choice(NODES)
        self.do(c.MoveStock((MovementLine(sku, node, reason, quantity, "looked"),)))

    def _demand(self) -> tuple[DemandLine, ...]:
        chance = self.chance
        return tuple(
            DemandLine(chance.choice(SKUS), chance.randint(1, 6), chance.choice((None, None, None, *NODES[:2])))
            for _ in range(chance.randint(1, 4))
        )

    def reserve(self) -> None:
        """A checkout claims units."""
        chance = self.chance
        to = chance.choice((None, Destination(country="DE", latitude=50.1, longitude=10.2)))
        self.do(
            c.ReserveStock(
                chance.choice(("web", "web", "market")),
                self._demand(),
                chance.choice((None, 30, 500, 5000)),
                chance.random() < 0.3,
                to,
            )
        )

    def touch_reservation(self) -> None:
        """A checkout changes its mind."""
        if not self.state.reservations.active:
            return
        chance = self.chance
        number = chance.choice(list(self.state.reservations.active))
        sku = chance.choice(self.state.reservations.active[number].lines).sku
        self.do(
            chance.choice(
                (
                    c.ExtendReservation(number, chance.randint(1, 600)),
                    c.ReleaseReservation(number, None),
                    c.ReleaseReservation(number, (QuantityLine(sku, chance.randint(1, 3)),)),
                    c.ChangeReservation(number, (NewQuantityLine(sku, chance.randint(0, 8)),)),
                    c.ChangeReservation(number, (NewQuantityLine(chance.choice(SKUS), chance.randint(0, 8)),)),
                )
            )
        )

    def place(self) -> None:
        """An order comes in, with or without a reservation."""
        chance = self.chance
        self.orders += 1
        lines = tuple(OrderLineRequest(str(i), line.sku, line.quantity, 255) for i, line in enumerate(self._demand()))
        channel, number = "web", None
        candidates = list(self.state.reservations.active.values())
        if candidates and chance.random() < 0.7:
            held = chance.choice(candidates)
            channel, number = held.channel, held.number
            lines = tuple(
                OrderLineRequest(str(i), line.sku, chance.randint(1, line.reserved), 255)
                for i, line in enumerate(held.lines)
                if line.reserved
            )
        if lines:
            area = coarse_area("DE", "10115", 52.5, 13.4)
            again = chance.random() < 0.5
            self.do(c.PlaceOrder(f"W-{self.orders}", channel, lines, area, number, again))

    def _open_fulfilment(self) -> int | None:
        numbers = list(self.state.orders.order_of_fulfilment)
        return self.chance.choice(numbers) if numbers else None

    def advance(self) -> None:
        """A node reports a step, also of something that has closed."""
        number = self._open_fulfilment() or self.state.orders.next_fulfilment - 1
        action = self.chance.choice(("accept", "pick", "pack", "ship", "ship", "deliver"))
        self.do(c.AdvanceFulfilment(number, action))

    def reject(self) -> None:
        """A node can't do it."""
        number = self._open_fulfilment()
        if number is not None:
            self.do(c.RejectFulfilment(number, self.chance.choice(("not_found", "damaged", "no_capacity"))))

    def cancel(self) -> None:
        """A customer cancels."""
        if self.orders:
            number = f"W-{self.chance.randint(1, self.orders)}"
            lines = self.chance.choice((None, (CancelLine("0", self.chance.randint(1, 3)),)))
            self.do(c.CancelOrder(number, "changed my mind", lines))

    def return_(self) -> None:
        """A customer sends something back."""
        if not self.orders:
            return
        number = f"W-{self.chance.randint(1, self.orders)}"
        agreed = self.do(c.AuthoriseReturn(number, (ReturnLineRequest("0", self.chance.randint(1, 3)),)))
        if isinstance(agreed, Done):
            return_id = self.state.orders.next_return - 1
            disposition = self.chance.choice(("restock", "quarantine", "scrap"))
            self.do(c.ReceiveReturn(return_id, "hamburg", (ReceiveReturnLine("0", 1, disposition),)))
            if self.chance.random() < 0.5:
                self.do(c.CancelReturn(return_id))

    def together(self) -> None:
        """Many checkouts at once for the same thing: one batch."""
        for _ in range(20):
            self.submit(c.ReserveStock("web", (DemandLine("WOOL-RUG", 1),), 60))
        self.settle()

    def again(self) -> None:
        """The same key twice: one effect, the same answer."""
        key = self.chance.randbytes(16)
        command = c.MoveStock((MovementLine("TEA-TOWEL", "leipzig", "receipt", 1),))
        first = self.do(command, key)
        if self.chance.random() < 0.5:
            self.crash(keep_closed_table=self.chance.random() < 0.5)
        second = self.do(command, key)
        assert isinstance(first, Done)
        assert isinstance(second, Done)
        assert (second.seq, second.body, second.replayed) == (first.seq, first.body, True)
