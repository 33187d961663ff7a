"""The second scenario: the same real orders, and a trade that does what trades do. Seeded, in process, never twice the same by chance.

Some orders are picked up where one counter has all of them; stores reject, find too little, or let their time pass; orders are held and
changed; stock goes from the first warehouse to the stores; not everybody comes for what is ready. Every choice is drawn from one
seeded source in the order of the plan, so that the same file, seed and shares give the same digest.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from api.rehearsal import commands
from api.rehearsal.in_process import ACTOR, BATCH_ASKS_MAX, BATCH_GAP_NS, InProcess
from api.rehearsal.plan import Plan, runs
from api.rehearsal.progress import Ask, Progress, ReplayFailed
from api.rehearsal.steps import Place, Receive, Reserve, Sale, SetUp, Ship
from engine.commands import Command
from engine.commands.orders import (
    AdvanceFulfilment,
    ConfirmChange,
    DeclineChange,
    FoundLine,
    FulfilmentLine,
    HoldOrder,
    LiftHold,
    PackParcels,
    ParcelRequest,
    PlaceOrder,
    ProposeChange,
    RejectFulfilment,
    RejectReason,
    SetLine,
    ShortFulfilment,
    Tracking,
)
from engine.commands.reservations import DemandLine, ReserveStock
from engine.commands.transfers import ArrivedLine, PlanTransfer, ReceiveTransfer, ShipTransfer, TransferQuantity
from engine.facts import Fact
from engine.facts.orders import FulfilmentAdvanced
from engine.facts.postings import AVAILABLE
from engine.facts.records import decode, kind_of
from engine.lifecycles import OPEN
from engine.results import Rejection
from engine.state.orders import Fulfilment, Order
from engine.state.state import State
from engine.writer import SYSTEM, Change, Done

ACCEPT_WITHIN_SECONDS = 86_400
ROUNDS_MAX = 6
TRANSFERS_A_WEEK = 12
CHECK_EVERY_CHUNKS = 250
REASONS: tuple[RejectReason, ...] = ("not_found", "damaged", "no_capacity")


def _what(fact: Fact) -> str:
    """What a fact is called in the report: steps of nodes by where they led."""
    return f"fulfilment_{fact.state}" if isinstance(fact, FulfilmentAdvanced) else kind_of(fact)


class Shares(NamedTuple):
    """How often it happens, from 0 to 1: of orders (pickup, hold, change), of a store's work (reject, short, late), of pickups (lapse)."""

    pickup: float = 0.2
    reject: float = 0.04
    short: float = 0.03
    late: float = 0.02
    hold: float = 0.02
    change: float = 0.02
    lapse: float = 0.05


class Omnichannel(InProcess):
    """A data directory that the scenario is played into; `happened` counts what was done and what the node did by itself."""

    def __init__(self, directory: Path, plan: Plan, progress: Progress, seed: int, shares: Shares, check: bool) -> None:
        super().__init__(directory, plan, progress, 1 if check else CHECK_EVERY_CHUNKS)
        if self.resumed_seq:
            self.close()
            raise ReplayFailed("the omnichannel scenario begins in an empty directory")
        self.happened: Counter[str] = Counter()
        self._chance = random.Random(seed)  # noqa: S311 - a scenario, not a secret
        self._shares = shares
        self._pickups: dict[str, str] = {}
        self._left: list[str] = []

    def run(self, on_progress: Callable[[int], None]) -> None:
        """Play all of it. `on_progress` gets the number of steps of the plan done. Raises ReplayFailed."""
        done = 0
        for number, chunk in enumerate(self.plan.chunks, 1):
            self._now_ns = chunk.time_ns
            ships = [step.order for step in chunk.steps if isinstance(step, Ship)]
            asks = [ask for ask in self.progress.asks(chunk) if not isinstance(ask.step, Ship)]
            for some in runs(map(self._seen, asks), BATCH_ASKS_MAX):
                self._tick()
                self._ask(some)
            if any(isinstance(step, Receive) for step in chunk.steps):
                self._move_stock()
            if ships:
                self._work(ships)
            self._look(number)
            done += len(chunk.steps)
            on_progress(done)
        self._writer.flush_closed()

    def _tick(self) -> None:
        self._now_ns = max(self._now_ns, self.state.time_ns) + BATCH_GAP_NS

    def _command(self, ask: Ask) -> Command:
        """What the plan says, for pickups with the counter that was chosen."""
        command = commands.command_of(ask, self.state)
        match ask.step:
            case SetUp(document=document):
                nodes = {
                    name: replace(
                        node,
                        pickup=node.ships,
                        accept_within_seconds=ACCEPT_WITHIN_SECONDS if node.kind == "store" else None,
                    )
                    for name, node in document.nodes.items()
                }
                return replace(document, nodes=nodes)
            case Reserve(sale=sale) if sale.number in self._pickups:
                node = self._pickups[sale.number]
                lines = tuple(DemandLine(line.sku, line.quantity, node) for line in sale.lines)
                assert isinstance(command, ReserveStock)
                return replace(command, lines=lines)
            case Place(sale=sale) if sale.number in self._pickups:
                assert isinstance(command, PlaceOrder)
                return replace(command, delivery="pickup", pickup_node=self._pickups[sale.number])
        return command

    def _seen(self, ask: Ask) -> Ask:
        """Draw whether a sale is picked up, before it is reserved."""
        if isinstance(ask.step, Reserve) and self._chance.random() < self._shares.pickup:
            node = self._counter_with(ask.step.sale)
            if node is not None:
                self._pickups[ask.step.sale.number] = node
        return ask

    def _counter_with(self, sale: Sale) -> str | None:
        """A node that has all of a sale, a store if there is one."""
        wanted: dict[str, int] = {}
        for line in sale.lines:
            wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
        balance = self.state.ledger.balance
        nodes = [
            name
            for name in self.state.ledger.nodes
            if self.state.configuration.nodes[name].pickup
            and all(balance(AVAILABLE, sku, name) >= units for sku, units in wanted.items())
        ]
        stores = [name for name in nodes if self.state.configuration.nodes[name].kind == "store"]
        return self._chance.choice(stores or nodes) if nodes else None

    def _do(self, *some: Command) -> Done | Rejection:
        """Commands of the trade in one batch, durable; how the last one ended."""
        outcomes: list[Done | Rejection] = []

        def render(state: State, seq: int, facts: tuple[Fact, ...]) -> tuple[int, bytes]:
            self.happened.update(map(_what, facts))
            return 201, b""

        self._tick()
        for command in some:
            refusal = self._writer.submit(Change(command, ACTOR, render, outcomes.append))
            assert refusal is None
        while self._writer.settle():
            pass
        for command, outcome in zip(some, outcomes, strict=True):
            if isinstance(outcome, Rejection):
                self.happened[f"refused: {type(command).__name__}, {outcome.code.wire}"] += 1
        return outcomes[-1]

    def _work(self, numbers: list[str]) -> None:
        """A morning at the nodes: what was ordered the day before, and what was left lying."""
        waiting, self._left = [*self._left, *numbers], []
        for number in waiting:
            self._before(number)
            for _ in range(ROUNDS_MAX):
                order = self.state.orders.open.get(number)
                if order is None or not self._everywhere(order):
                    break
            if number in self.state.orders.open:
                self._left.append(number)

    def _everywhere(self, order: Order) -> bool:
        """Every node does something with its work of an order; whether any did."""
        did = [self._at_node(order, fulfilment) for fulfilment in list(order.fulfilments)]
        return any(did)

    def _before(self, number: str) -> None:
        """What the customer and the office do before the nodes begin."""
        order = self.state.orders.open.get(number)
        if order is None:
            return
        chance, shares = self._chance, self._shares
        if chance.random() < shares.hold:
            self._do(HoldOrder(number, "review", "address looks odd"), LiftHold(number, "review"))
        if chance.random() < shares.change:
            line = order.lines[0]
            proposed = self._do(ProposeChange(number, "customer called", set=(SetLine(line.id, line.quantity + 1),)))
            if isinstance(proposed, Done):
                self._do(ConfirmChange(proposed.seq) if chance.random() < 0.8 else DeclineChange(proposed.seq))

    def _at_node(self, order: Order, fulfilment: Fulfilment) -> bool:
        """What one node does with one piece of work; whether something happened to it."""
        if fulfilment.state not in OPEN or fulfilment.state == "ready":
            return False
        chance, shares, number = self._chance, self._shares, fulfilment.number
        drawn = chance.random()
        store = self.state.configuration.nodes[fulfilment.node].kind == "store"
        if store and drawn < shares.reject:
            self._do(RejectFulfilment(number, chance.choice(REASONS)))
            return True
        if store and drawn < shares.reject + shares.short:
            take = fulfilment.lines[0]
            found = FoundLine(order.lines[take.line].id, take.quantity // 2)
            self._do(ShortFulfilment(number, (found,), chance.choice(REASONS)))
            return True
        if store and drawn < shares.reject + shares.short + shares.late:
            return False
        begun = (AdvanceFulfilment(number, "accept"), AdvanceFulfilment(number, "pick"))
        if order.pickup_node is not None:
            comes = chance.random() >= shares.lapse
            end = (AdvanceFulfilment(number, "collect"),) if comes else ()
            self._do(*begun, AdvanceFulfilment(number, "ready"), *end)
        else:
            lines = tuple(FulfilmentLine(order.lines[take.line].id, take.quantity) for take in fulfilment.lines)
            self._do(
                *begun,
                PackParcels(number, (ParcelRequest(lines),)),
                AdvanceFulfilment(number, "ship", Tracking("parcel service", f"KN{number:09}")),
                AdvanceFulfilment(number, "deliver"),
            )
        self.progress.counts.shipments += 1
        return True

    def _move_stock(self) -> None:
        """What was sent to the stores last week arrives, not always whole; more is sent."""
        chance = self._chance
        for number, moving in list(self.state.transfers.open.items()):
            line = moving.lines[0]
            lost = chance.random() < 0.1
            arrived = (ArrivedLine(line.sku, max(0, line.quantity - lost), 0),)
            self._do(ReceiveTransfer(number, arrived))
        nodes = self.state.configuration.nodes
        stores = [name for name, node in nodes.items() if node.kind == "store" and node.ships]
        home = next(name for name, node in nodes.items() if node.kind == "warehouse")
        for _ in range(TRANSFERS_A_WEEK if stores else 0):
            sku = chance.choice(self.state.ledger.skus)
            units = min(10, self.state.ledger.balance(AVAILABLE, sku, home) // 4)
            if units:
                planned = self._do(PlanTransfer(home, chance.choice(stores), (TransferQuantity(sku, units),)))
                if isinstance(planned, Done):
                    self._do(ShipTransfer(self.state.transfers.next_number - 1))

    def findings(self) -> dict[str, Any]:
        """Position, digest, books, and what happened."""
        itself: Counter[str] = Counter()
        for batch in self.journal.read():
            for encoded in batch.records:
                record = decode(encoded)
                if record.actor == SYSTEM:
                    itself.update(f"by itself: {kind_of(fact)}" for fact in record.facts)
        open_orders = Counter(order.state for order in self.state.orders.open.values())
        return {
            **super().findings(),
            "happened": dict(sorted((self.happened + itself).items())),
            "left_open": dict(sorted(open_orders.items())),
        }
