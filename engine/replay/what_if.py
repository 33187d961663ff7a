"""What would have been under another policy: a second world in which every recorded request is decided anew.

The recorded world is folded as it was. In the other one the policy has another body from the start, and what people
asked for is asked again at the same moments, so that stock moves as it would have. What only a node could know
(rejections, short counts) is left out of the second world; stock that moves there moves as far as there is any.
"""

import msgspec
import numpy as np

from engine import machine
from engine.commands import Command
from engine.commands.inbound import CancelInbound, DelayInbound, InboundArrival, InboundQuantity, ReceiveInbound
from engine.commands.maintenance import ServeWaiting
from engine.commands.orders import AdvanceFulfilment, CancelLine, CancelOrder, OrderLineRequest, PlaceOrder
from engine.commands.policies import SourcingPolicy
from engine.commands.stock import MovementLine, MoveStock
from engine.facts import Fact
from engine.facts.configuration import ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.inbound import InboundCancelled, InboundDelayed, InboundExpected, InboundReceived
from engine.facts.orders import FulfilmentAdvanced, FulfilmentRejected, OrderCancelled, OrderPlaced, ReturnReceived
from engine.facts.records import Record
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationExtended,
    ReservationReleased,
    Source,
    StockReserved,
)
from engine.facts.stock import StockMoved
from engine.lifecycles import OPEN
from engine.replay.decisions import Decided, decided_in
from engine.reservations import held_postings
from engine.results import Rejection
from engine.solver.problem import cost_of
from engine.state.state import State
from engine.supply.plan import supply, terms_of
from engine.supply.problem import Row, problem_of
from engine.supply.request import Request

NS_PER_DAY = 86_400_000_000_000


InboundFact = InboundExpected | InboundReceived | InboundDelayed | InboundCancelled


class World(msgspec.Struct):
    """Sums over the decisions of one world. Costs by the changed rules.

    `delivery_days` counts decisions by whole days until the last parcel arrives; `by_node` has (orders, units).
    """

    decisions: int = 0
    stock_outs: int = 0
    cost_minor: int = 0
    parcels: int = 0
    split: int = 0
    km: float = 0.0
    delivery_days: dict[int, int] = {}
    by_node: dict[str, tuple[int, int]] = {}


class Simulation:
    """Two worlds, one record after the other. `recorded` and `changed` are equal at the start; `changed` is its own."""

    def __init__(self, recorded: State, changed: State, policy: str, body: SourcingPolicy) -> None:
        self.recorded, self.changed = recorded, changed
        self.policy = policy
        self.as_it_was, self.as_changed = World(), World()
        self.skipped = 0
        self._reservations = {number: number for number in changed.reservations.active}
        self._apply((SourcingPolicySet(policy, body),), changed.time_ns)

    def fold(self, seq: int, time_ns: int, record: Record) -> None:
        """Take one record into both worlds."""
        decided = decided_in(self.recorded, record.facts)
        if decided is not None and not isinstance(record.facts[0], FulfilmentRejected):
            self._count(self.as_it_was, decided.request, list(decided.sources), time_ns)
        about = next((fact for fact in record.facts if isinstance(fact, InboundFact)), None)
        if about is not None:
            self._bring(about, time_ns)
        else:
            for fact in record.facts:
                self._repeat(fact, decided, time_ns)
        self._serve_waiting(time_ns)
        machine.replay(self.recorded, seq, time_ns, record)

    def _serve_waiting(self, time_ns: int) -> None:
        """Whoever waits in the changed world is served there, as a node does by itself."""
        while self.changed.looks.due:
            facts = machine.decide(self.changed, ServeWaiting(), max(time_ns, self.changed.time_ns))
            assert not isinstance(facts, Rejection)
            if facts:
                self._apply(facts, time_ns)

    def _apply(self, facts: tuple[Fact, ...], time_ns: int) -> None:
        machine.evolve(self.changed, self.changed.seq + 1, max(time_ns, self.changed.time_ns), facts, None)

    def _do(self, command: Command, time_ns: int) -> tuple[Fact, ...] | None:
        """Carry out a command in the changed world; None, and counted, if it is refused there."""
        facts = machine.decide(self.changed, command, time_ns)
        if isinstance(facts, Rejection):
            self.skipped += 1
            return None
        if facts:
            self._apply(facts, time_ns)
        return facts

    def _repeat(self, fact: Fact, decided: Decided | None, time_ns: int) -> None:
        match fact:
            case StockReserved():
                self._reserve(fact, decided, time_ns)
            case ReservationReleased() | ReservationExpired() | ReservationExtended() | ReservationChanged():
                self._follow(fact, time_ns)
            case OrderPlaced():
                self._place(fact, decided, time_ns)
            case FulfilmentAdvanced() if fact.postings:
                self._ship(fact.order, time_ns)
            case OrderCancelled():
                self._cancel(fact, time_ns)
            case StockMoved():
                for line in fact.lines:
                    moved = MovementLine(line.sku, line.node, line.reason, line.quantity, line.note)  # type: ignore[arg-type]
                    self._do(MoveStock((moved,)), time_ns)
            case ReturnReceived():
                self._apply((StockMoved(None, (), fact.postings),), time_ns)
            case SourcingPolicySet() if fact.policy == self.policy:
                pass  # the changed body holds to the end
            case NodeSet() | ItemSet() | NodeItemSet() | ChannelSet() | SourcingPolicySet():
                self._apply((fact,), time_ns)
            case _:
                pass

    def _bring(self, fact: InboundFact, time_ns: int) -> None:
        """Suppliers bring the same in both worlds; who gets it follows from what was promised there."""
        if isinstance(fact, InboundExpected):
            self._apply((fact,), time_ns)
        elif isinstance(fact, InboundDelayed):
            self._do(DelayInbound(fact.inbound, fact.expected_at_ns), time_ns)
        elif isinstance(fact, InboundReceived):
            came = tuple(InboundArrival(line.sku, line.quantity, line.damaged) for line in fact.lines)
            self._do(ReceiveInbound(fact.inbound, came), time_ns)
        else:
            lines = tuple(InboundQuantity(line.sku, line.quantity) for line in fact.lines)
            self._do(CancelInbound(fact.inbound, lines), time_ns)

    def _reserve(self, fact: StockReserved, decided: Decided | None, time_ns: int) -> None:
        if decided is None:
            return
        given = supply(self.changed, decided.request, time_ns)
        if given.short and not (decided.request.partial and any(given.sources)):
            self.as_changed.decisions += 1
            self.as_changed.stock_outs += 1
            return
        self._count(self.as_changed, decided.request, given.sources, time_ns)
        number = self.changed.seq + 1
        lines = tuple(
            msgspec.structs.replace(line, sources=sources)
            for line, sources in zip(fact.lines, given.sources, strict=True)
        )
        again = msgspec.structs.replace(
            fact, reservation=number, lines=lines, decision=given.decision, slots=given.slots
        )
        self._apply((again,), time_ns)
        self._reservations[fact.reservation] = number

    def _follow(
        self,
        fact: ReservationReleased | ReservationExpired | ReservationExtended | ReservationChanged,
        time_ns: int,
    ) -> None:
        number = self._reservations.get(fact.reservation)
        reservation = None if number is None else self.changed.reservations.active.get(number)
        if number is None or reservation is None:
            return
        if isinstance(fact, ReservationExtended):
            self._apply((ReservationExtended(number, fact.expires_at_ns),), time_ns)
        elif isinstance(fact, ReservationChanged):
            self.skipped += 1  # it keeps what it holds
        else:
            self._apply((type(fact)(number, held_postings(reservation)),), time_ns)
            del self._reservations[fact.reservation]

    def _place(self, fact: OrderPlaced, decided: Decided | None, time_ns: int) -> None:
        number = None
        if fact.reservation is not None:
            number = self._reservations.pop(fact.reservation, None)
            if number is None:
                return
        lines = tuple(OrderLineRequest(line.id, line.sku, line.quantity, line.unit_price_minor) for line in fact.lines)
        command = PlaceOrder(
            fact.order,
            fact.channel,
            lines,
            fact.area,
            number,
            delivery=fact.delivery,
            priced=False,
            customer_group=fact.customer_group,
        )
        facts = self._do(command, time_ns)
        if decided is None:
            return
        if facts is None:
            self.as_changed.decisions += 1
            self.as_changed.stock_outs += 1
            return
        again = decided_in(self.changed, facts)
        if again is not None:
            self._count(self.as_changed, again.request, list(again.sources), time_ns)

    def _ship(self, number: str, time_ns: int) -> None:
        """All open work of an order, once the first of it shipped in the recorded world."""
        order = self.changed.orders.open.get(number)
        if order is None:
            return
        for number_of_work in [work.number for work in order.fulfilments if work.state in OPEN]:
            self._do(AdvanceFulfilment(number_of_work, "ship"), time_ns)

    def _cancel(self, fact: OrderCancelled, time_ns: int) -> None:
        order = self.changed.orders.open.get(fact.order)
        if order is None:
            return
        lines = tuple(
            CancelLine(order.lines[take.line].id, min(take.quantity, order.lines[take.line].open))
            for take in fact.lines
            if order.lines[take.line].open
        )
        if lines:
            self._do(CancelOrder(fact.order, fact.reason, lines), time_ns)

    def _count(self, world: World, request: Request, sources: list[tuple[Source, ...]], time_ns: int) -> None:
        """Add one decision to a world, priced by the changed rules."""
        terms, _ = terms_of(self.changed, request, time_ns)
        node_index = self.changed.ledger.node_index
        units: dict[tuple[str, str], int] = {}
        latest_ns = 0
        for line, given in zip(request.lines, sources, strict=True):
            for source in given:
                units[line.sku, source.node] = units.get((line.sku, source.node), 0) + source.quantity
                latest_ns = max(latest_ns, source.delivers_at_ns or 0)
        wanted: dict[str, int] = {}
        for (sku, _), quantity in units.items():
            wanted[sku] = wanted.get(sku, 0) + quantity
        rows = [Row(sku, quantity, 0) for sku, quantity in wanted.items()]
        at = {sku: position for position, sku in enumerate(wanted)}
        stock = np.zeros((len(rows), len(terms.table.names)), np.int64)
        problem = problem_of(self.changed, terms, rows, stock, time_ns)
        nodes = dict.fromkeys(node for _, node in units)
        takes = tuple((at[sku], node_index[node], quantity) for (sku, node), quantity in units.items())
        world.decisions += 1
        world.cost_minor += cost_of(problem, takes)
        world.parcels += len(nodes)
        world.split += len(nodes) > 1
        if terms.km is not None:
            world.km += sum(float(terms.km[node_index[node]]) for node in nodes)
        if latest_ns:
            days = max(0, latest_ns - time_ns) // NS_PER_DAY
            world.delivery_days[days] = world.delivery_days.get(days, 0) + 1
        for node in nodes:
            orders, before = world.by_node.get(node, (0, 0))
            world.by_node[node] = (orders + 1, before + sum(q for (_, n), q in units.items() if n == node))
