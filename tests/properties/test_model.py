"""The engine against a model in plain dicts: any sequence of commands, everything compared after every one."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from engine.commands.orders import (
    AdvanceFulfilment,
    AuthoriseReturn,
    CancelLine,
    CancelOrder,
    ReceiveReturn,
    ReceiveReturnLine,
    RejectFulfilment,
    ReturnLineRequest,
)
from engine.commands.reservations import (
    ChangeReservation,
    ExtendReservation,
    NewQuantityLine,
    QuantityLine,
    ReleaseReservation,
    ReserveStock,
)
from engine.facts.missing import OrderSourcedElsewhere
from engine.facts.orders import OrderPlaced, OrderSourced
from engine.facts.records import Record, decode
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationReleased,
    ReservedLine,
    StockReserved,
)
from engine.limits import NS_PER_SECOND
from engine.replay import dumping
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order
from engine.state.state import State
from engine.wal import MemoryClosedTable
from engine.writer import Done
from tests.examples import examples
from tests.properties.model import BACKORDERABLE, NODES, OPEN, SAFETY, SENT, SKUS, Claim, Line, Model, Order
from tests.unit.engine.shop import Shop, line, movement, place, safety

skus, nodes = st.sampled_from(SKUS), st.sampled_from(NODES)
few = st.integers(1, 6)
demand = st.lists(st.tuples(skus, few, st.none() | st.none() | nodes), min_size=1, max_size=3)
wishes = st.lists(st.tuples(skus, few), min_size=1, max_size=3)
picks = st.integers(0, 10_000)


def lines_of(lines: tuple[ReservedLine, ...]) -> list[tuple[str, str | None, Counter[str], int]]:
    """Lines of a reservation as the model keeps them."""
    return [(x.sku, x.node, Counter({s.node: s.quantity for s in x.sources}), x.backordered) for x in lines]


class ShopMachine(RuleBasedStateMachine):
    """Every rule: say what must happen, do it, compare."""

    def __init__(self) -> None:
        super().__init__()
        self.shop = Shop()
        for (sku, node), units in SAFETY.items():
            self.shop.done(safety(node, sku, units))
        self.model = Model()
        self.followed = self.shop.journal.last_seq

    def run(self, command: Any, expected: ResultCode | None, apply: Callable[[int], None] = lambda seq: None) -> None:
        """Do it; `expected` is looked at after what is due has ended, so it is asked for again by the caller if needed."""
        outcome = self.shop.do(command)
        for seq in range(self.followed + 1, self.shop.journal.last_seq + 1):
            record = decode(self.shop.journal.record(seq)[1])
            if not isinstance(outcome, Done) or seq != outcome.seq:
                self.by_itself(record)
            else:
                assert expected is None, f"it should have been refused: {expected}"
                apply(seq)
                self.model.pay()
        self.followed = self.shop.journal.last_seq
        if expected is not None:
            assert isinstance(outcome, Rejection), f"it should have been refused: {expected}"
            assert outcome.code is expected
        else:
            assert not isinstance(outcome, Rejection), outcome

    def catch_up(self) -> None:
        """End what is due before a prediction is made: the engine will, before it decides."""
        self.shop.settle()
        for seq in range(self.followed + 1, self.shop.journal.last_seq + 1):
            self.by_itself(decode(self.shop.journal.record(seq)[1]))
        self.followed = self.shop.journal.last_seq

    def by_itself(self, record: Record) -> None:
        """What the node did of its own accord."""
        elsewhere = next((fact for fact in record.facts if isinstance(fact, OrderSourcedElsewhere)), None)
        if elsewhere is not None:
            self.sourced_elsewhere(record, elsewhere)
        elif any(isinstance(fact, ReservationExpired) for fact in record.facts):
            self.expired(record)
        else:
            assert isinstance(record.facts[0], OrderSourced | ReservationChanged)
            self.served(record)

    def sourced_elsewhere(self, record: Record, fact: OrderSourcedElsewhere) -> None:
        """Work nobody had begun, at a node that misses units of it, goes whole to others that have them."""
        order, (number,) = self.model.orders[fact.order], fact.withdrawn
        work = order.work[number]
        assert work.state == "released"
        assert any(self.model.units["missing"][order.lines[at].sku, work.node] for at in work.takes)
        left = Counter(self.model.take_back(order, number, "available"))
        work.state = "cancelled"
        for plan in fact.fulfilments:
            assert plan.node != work.node
            takes = [(take.line, take.quantity) for take in plan.lines]
            self.model.hand_out(order, plan.fulfilment, plan.node, takes, "available")
            left.subtract(dict(takes))
        assert not any(left.values())
        self.model.pay()
        self.served(record)

    def expired(self, record: Record) -> None:
        ended = [fact.reservation for fact in record.facts if isinstance(fact, ReservationExpired)]
        assert ended == self.model.due(self.shop.now_ns)
        for number in ended:
            self.model.end(number, "expired")
        self.model.pay()
        self.served(record)

    def served(self, record: Record) -> None:
        """Backorders that were served in this record: who was promised first comes first."""
        fed = []
        for fact in [fact for fact in record.facts if isinstance(fact, OrderSourced)]:
            order = self.model.orders[fact.order]
            for plan in fact.fulfilments:
                takes = [(take.line, take.quantity) for take in plan.lines]
                self.model.hand_out(order, plan.fulfilment, plan.node, takes, "available")
                for at, units in takes:
                    order.lines[at].serve(units)
                    fed.append((order.promised, at, order.lines[at].sku, plan.node))
        for change in [fact for fact in record.facts if isinstance(fact, ReservationChanged)]:
            claim = self.model.claims[change.reservation]
            before, waited = claim.held(), claim.waits()
            claim.lines = lines_of(change.lines)
            for (sku, node), units in (claim.held() - before).items():
                self.model.take(sku, node, "reserved", units)
                waited[sku] -= units
                at = next(at for at, (one, _, found, _) in enumerate(claim.lines) if one == sku and found[node])
                fed.append((change.reservation, at, sku, node))
            assert before <= claim.held(), "held units were moved about"
            assert +waited == claim.waits()
        for promised, at, wanted, may in self.model.waiting():
            for later_promised, later_at, sku, node in fed:
                if sku == wanted and node in may:
                    assert (later_promised, later_at) <= (promised, at), "somebody jumped the queue"

    def written(self, seq: int, *kinds: type) -> Any:
        """The first fact of these kinds in a record."""
        facts = decode(self.shop.journal.record(seq)[1]).facts
        return next(fact for fact in facts if isinstance(fact, kinds))

    # Stock

    @rule(sku=skus, node=nodes, units=st.integers(1, 8))
    def receive(self, sku: str, node: str, units: int) -> None:
        self.catch_up()
        self.run(
            movement(sku, node, "receipt", units),
            None,
            lambda seq: self.model.move(sku, node, "supplier", "available", units),
        )

    @rule(sku=skus, node=nodes, units=few, reason=st.sampled_from(["damage", "restore", "write_off", "adjustment"]))
    def correct(self, sku: str, node: str, units: int, reason: str) -> None:
        self.catch_up()
        source, target = {
            "damage": ("available", "unsellable"),
            "restore": ("unsellable", "available"),
            "write_off": ("unsellable", "loss"),
            "adjustment": ("available", "adjustment"),
        }[reason]
        command = movement(sku, node, reason, -units if reason == "adjustment" else units, "seen")
        enough = self.model.units[source][sku, node] >= units
        self.run(
            command,
            None if enough else ResultCode.INSUFFICIENT_STOCK,
            lambda seq: self.model.move(sku, node, source, target, units),
        )

    @rule(sku=skus, node=nodes, counted=st.integers(0, 12), reason=st.sampled_from(["count", "feed"]))
    def count(self, sku: str, node: str, counted: int, reason: str) -> None:
        self.catch_up()
        units = {account: cells[sku, node] for account, cells in self.model.units.items()}

        def apply(seq: int) -> None:
            less = self.model.on_hand(sku, node) - counted
            if less <= 0:
                self.model.move(sku, node, "adjustment", "available", -less)
                return
            free = min(less, units["available"])
            broken = min(less - free, units["unsellable"])
            self.model.move(sku, node, "available", "adjustment", free)
            self.model.move(sku, node, "unsellable", "adjustment", broken)
            self.model.lack(sku, node, "adjustment", less - free - broken)

        self.run(movement(sku, node, reason, counted), None, apply)
        assert self.shop.at(sku, node).on_hand == counted

    @rule(sku=skus, node=nodes, units=few, back=st.booleans())
    def sell(self, sku: str, node: str, units: int, back: bool) -> None:
        """A till sells what is there, promised or not, or takes it back."""
        self.catch_up()

        def apply(seq: int) -> None:
            if back:
                self.model.move(sku, node, "customer", "available", units)
                return
            free = min(units, self.model.units["available"][sku, node])
            self.model.move(sku, node, "available", "customer", free)
            self.model.lack(sku, node, "customer", units - free)

        self.run(movement(sku, node, "sale_return" if back else "sale", units), None, apply)

    # Reservations

    @rule(asked=demand, ttl=st.sampled_from([30, 60, 600]), partial=st.booleans())
    def reserve(self, asked: list[tuple[str, int, str | None]], ttl: int, partial: bool) -> None:
        self.catch_up()
        named, free, whole = self.model.expected(asked)
        some = bool(sum(free.values()) + sum(n or 0 for n in named)) or any(sku in BACKORDERABLE for sku, *_ in asked)
        command = ReserveStock("web", tuple(line(*entry) for entry in asked), ttl, partial)

        def apply(seq: int) -> None:
            made = self.written(seq, StockReserved)
            assert made.expires_at_ns == self.shop.now_ns + ttl * NS_PER_SECOND
            found_free: Counter[str] = Counter()
            lines = []
            for (sku, wanted, node), units, got in zip(asked, named, made.lines, strict=True):
                sources = Counter({source.node: source.quantity for source in got.sources})
                if node is None:
                    found_free[sku] += sources.total()
                else:
                    assert sources == Counter({node: units} if units else {})
                for at, taken in sources.items():
                    self.model.take(sku, at, "reserved", taken)
                assert got.backordered == (wanted - sources.total() if sku in BACKORDERABLE else 0)
                lines.append((sku, node, sources, got.backordered))
            assert found_free == free
            self.model.claims[seq] = Claim(made.expires_at_ns, lines)

        self.run(command, None if whole or (partial and some) else ResultCode.INSUFFICIENT_STOCK, apply)

    def claim(self, pick: int) -> int:
        """One of the active claims."""
        numbers = sorted(self.model.claims)
        return numbers[pick % len(numbers)]

    def ended_or_none(self, number: int) -> ResultCode | None:
        ended = self.model.ended.get(number)
        if ended is None:
            return None
        return ResultCode.RESERVATION_EXPIRED if ended == "expired" else ResultCode.RESERVATION_NOT_ACTIVE

    @precondition(lambda self: self.model.claims)
    @rule(pick=picks, sku=skus, units=st.integers(0, 8))
    def change(self, pick: int, sku: str, units: int) -> None:
        number = self.claim(pick)
        self.catch_up()
        refusal = self.ended_or_none(number)
        claim = self.model.claims.get(number)
        if claim is not None:
            more = units - claim.claimed_of(sku)
            own = [node for s, node, *_ in claim.lines if s == sku]
            room = self.model.atp(sku, str(own[-1])) if own and None not in own else self.model.atp_total(sku)
            refusal = ResultCode.INSUFFICIENT_STOCK if more > room and sku not in BACKORDERABLE else None

        def apply(seq: int) -> None:
            assert claim is not None
            before = claim.held()
            now = self.written(seq, ReservationReleased, ReservationChanged)
            if isinstance(now, ReservationReleased):
                assert before.total() + claim.waits().total() == claim.claimed_of(sku)
                assert units == 0
                self.model.end(number, "released")
                return
            claim.lines = lines_of(now.lines)
            assert claim.claimed_of(sku) == units
            after = claim.held()
            for (at_sku, node), change in {k: after[k] - before[k] for k in before | after}.items():
                assert change == 0 or (at_sku == sku and (change > 0) == (more > 0)), "held units were moved about"
                if change > 0:
                    self.model.take(at_sku, node, "reserved", change)
                else:
                    self.model.move(at_sku, node, "reserved", "available", -change)

        self.run(ChangeReservation(number, (NewQuantityLine(sku, units),)), refusal, apply)

    @precondition(lambda self: self.model.claims)
    @rule(pick=picks, units=st.integers(0, 4))
    def release(self, pick: int, units: int) -> None:
        number = self.claim(pick)
        sku = self.model.claims[number].lines[0][0]
        self.catch_up()
        claim, refusal = self.model.claims.get(number), self.ended_or_none(number)
        if claim is not None and units > claim.claimed_of(sku):
            refusal = ResultCode.EXCEEDS_RESERVATION

        def apply(seq: int) -> None:
            assert claim is not None
            before, waited = claim.held(), claim.waits()
            if units == 0 or before.total() + waited.total() == units:
                self.model.end(number, "released")
                assert self.shop.reservation(number).state == "released"
                return
            claim.lines = lines_of(self.written(seq, ReservationChanged).lines)
            less = min(units, waited[sku])
            assert claim.waits() == waited - Counter({sku: less}), "units that wait are given back first"
            assert before.total() - claim.held().total() == units - less
            for (at_sku, node), given in (before - claim.held()).items():
                assert at_sku == sku
                self.model.move(at_sku, node, "reserved", "available", given)

        part = (QuantityLine(sku, units),) if units else None
        self.run(ReleaseReservation(number, part), refusal, apply)

    @precondition(lambda self: self.model.claims)
    @rule(pick=picks, ttl=st.sampled_from([1, 45, 900]))
    def extend(self, pick: int, ttl: int) -> None:
        number = self.claim(pick)
        self.catch_up()

        def apply(seq: int) -> None:
            self.model.claims[number].expires_at_ns = self.shop.now_ns + ttl * NS_PER_SECOND

        self.run(ExtendReservation(number, ttl), self.ended_or_none(number), apply)

    @rule(seconds=st.sampled_from([1, 29, 30, 31, 600]), ask=st.booleans())
    def wait(self, seconds: int, ask: bool) -> None:
        self.shop.wait(seconds)
        if ask:
            self.catch_up()

    # Orders

    def placed(self, seq: int, promised: int, number: str, asked: list[tuple[str, int]], source: str) -> None:
        made = self.written(seq, OrderPlaced)
        order = Order(seq, promised, [Line(sku, units) for sku, units in asked])
        for work in made.fulfilments:
            self.model.hand_out(
                order, work.fulfilment, work.node, [(take.line, take.quantity) for take in work.lines], source
            )
        for entry in order.lines:
            entry.backordered = entry.quantity - entry.allocated
        self.model.orders[number] = order

    @rule(asked=wishes)
    def order_on_the_spot(self, asked: list[tuple[str, int]]) -> None:
        self.catch_up()
        wanted: Counter[str] = Counter()
        for sku, units in asked:
            wanted[sku] += units
        short = {sku: units - self.model.atp_total(sku) for sku, units in wanted.items()}
        refused = any(missing > 0 and sku not in BACKORDERABLE for sku, missing in short.items())
        number = f"W-{len(self.model.orders) + 1}"

        def apply(seq: int) -> None:
            self.placed(seq, seq, number, asked, "available")
            for sku, missing in short.items():
                lines = [entry for entry in self.model.orders[number].lines if entry.sku == sku]
                assert sum(entry.backordered for entry in lines) == max(0, missing)

        self.run(place(number, *asked), ResultCode.INSUFFICIENT_STOCK if refused else None, apply)

    @precondition(lambda self: self.model.claims)
    @rule(pick=picks, less=st.integers(-1, 3), late=st.booleans())
    def order_from_reservation(self, pick: int, less: int, late: bool) -> None:
        number = self.claim(pick)
        if late:
            self.shop.now_ns = max(self.shop.now_ns, self.model.claims[number].expires_at_ns)
        self.catch_up()
        claim, refusal = self.model.claims.get(number), self.ended_or_none(number)
        asked = [
            (sku, max(1, held.total() + waits - less))
            for sku, _, held, waits in (claim.lines if claim else [(SKUS[0], None, Counter(), 0)])
        ]
        if claim is not None:
            wanted: Counter[str] = Counter()
            for sku, units in asked:
                wanted[sku] += units
            if any(units > claim.claimed_of(sku) for sku, units in wanted.items()):
                refusal = ResultCode.EXCEEDS_RESERVATION
        name = f"W-{len(self.model.orders) + 1}"

        def apply(seq: int) -> None:
            self.placed(seq, number, name, asked, "reserved")
            used: Counter[tuple[str, str]] = Counter()
            for work in self.model.orders[name].work.values():
                for at, units in work.takes.items():
                    used[asked[at][0], work.node] += units
            ended = self.model.claims.pop(number)
            held, waits = ended.held(), ended.waits()
            assert used <= held, "the order took units where the claim held none"
            assert all(entry.backordered <= waits[entry.sku] for entry in self.model.orders[name].lines)
            for (sku, node), units in (held - used).items():
                self.model.move(sku, node, "reserved", "available", units)
            self.model.ended[number] = "confirmed"

        self.run(place(name, *asked, reservation=number), refusal, apply)

    def order_with(self, pick: int) -> tuple[str, Order]:
        name = sorted(self.model.orders)[pick % len(self.model.orders)]
        return name, self.model.orders[name]

    @precondition(lambda self: self.model.orders)
    @rule(pick=picks, at=st.integers(0, 2), units=st.integers(1, 5))
    def cancel(self, pick: int, at: int, units: int) -> None:
        self.catch_up()
        name, order = self.order_with(pick)
        at %= len(order.lines)
        entry = order.lines[at]
        still_open = entry.allocated + entry.backordered + entry.unsourceable

        def apply(seq: int) -> None:
            left = units
            for account in ("unsourceable", "backordered"):
                gone = min(left, getattr(entry, account))
                setattr(entry, account, getattr(entry, account) - gone)
                left -= gone
            for _, work in sorted(order.work.items(), reverse=True):
                if work.state in OPEN and left and work.takes.get(at):
                    gone = min(left, work.takes[at])
                    work.takes[at] -= gone
                    left -= gone
                    entry.allocated -= gone
                    self.model.move(entry.sku, work.node, "allocated", "available", gone)
                    work.takes = {k: v for k, v in work.takes.items() if v}
                    if not work.takes:
                        work.state = "cancelled"
            assert left == 0
            entry.cancelled += units

        self.run(
            CancelOrder(name, "changed my mind", (CancelLine(str(at + 1), units),)),
            ResultCode.EXCEEDS_CANCELLABLE if units > still_open else None,
            apply,
        )

    def work_with(self, pick: int) -> tuple[int, Order]:
        everything = sorted((number, name) for name, order in self.model.orders.items() for number in order.work)
        number, name = everything[pick % len(everything)]
        return number, self.model.orders[name]

    @precondition(lambda self: any(order.work for order in self.model.orders.values()))
    @rule(pick=picks, action=st.sampled_from(["accept", "pick", "pack", "ship", "deliver"]))
    def advance(self, pick: int, action: Any) -> None:
        self.catch_up()
        number, order = self.work_with(pick)
        work, steps = order.work[number], (*OPEN, *SENT)
        after = dict(zip(("accept", "pick", "pack", "ship", "deliver"), steps[1:], strict=True))[action]
        forward = work.state in steps and steps.index(after) > steps.index(work.state)

        def apply(seq: int) -> None:
            if work.state in OPEN and after in SENT:
                self.model.ship(order, number)
            work.state = after

        self.run(AdvanceFulfilment(number, action), None if forward else ResultCode.INVALID_TRANSITION, apply)

    @precondition(lambda self: any(order.work for order in self.model.orders.values()))
    @rule(pick=picks, reason=st.sampled_from(["not_found", "damaged", "no_capacity"]))
    def reject(self, pick: int, reason: Any) -> None:
        self.catch_up()
        number, order = self.work_with(pick)
        work = order.work[number]

        def apply(seq: int) -> None:
            fact = self.written(seq, OrderSourced)
            missing = self.model.take_back(
                order, number, {"not_found": "loss", "damaged": "unsellable"}.get(reason, "available")
            )
            work.state = "rejected"
            order.rejected_by.add(work.node)
            needs: Counter[str] = Counter()
            for at, units in missing.items():
                needs[order.lines[at].sku] += units
                order.lines[at].backordered += units
            can = {sku: min(units, self.model.atp_total(sku, order.rejected_by)) for sku, units in needs.items()}
            found: Counter[str] = Counter()
            for plan in fact.fulfilments:
                takes = [(take.line, take.quantity) for take in plan.lines]
                self.model.hand_out(order, plan.fulfilment, plan.node, takes, "available")
                for at, units in takes:
                    found[order.lines[at].sku] += units
                    order.lines[at].backordered -= units
                    missing = {**missing, at: missing[at] - units}
            assert {sku: found[sku] for sku in needs} == can
            for at, units in missing.items():
                if order.lines[at].sku not in BACKORDERABLE:
                    order.lines[at].backordered -= units
                    order.lines[at].unsourceable += units

        self.run(RejectFulfilment(number, reason), None if work.state in OPEN else ResultCode.INVALID_TRANSITION, apply)

    @precondition(lambda self: any(e.shipped for o in self.model.orders.values() for e in o.lines))
    @rule(pick=picks, units=few, node=nodes, restock=st.booleans())
    def send_back(self, pick: int, units: int, node: str, restock: bool) -> None:
        self.catch_up()
        shipped = sorted((n, at) for n, o in self.model.orders.items() for at, e in enumerate(o.lines) if e.shipped)
        name, at = shipped[pick % len(shipped)]
        entry = self.model.orders[name].lines[at]
        refusal = ResultCode.EXCEEDS_RETURNABLE if units > entry.shipped - entry.returned else None
        self.run(AuthoriseReturn(name, (ReturnLineRequest(str(at + 1), units),)), refusal)
        if refusal is None:

            def apply(seq: int) -> None:
                self.model.move(entry.sku, node, "customer", "available" if restock else "loss", units)
                entry.returned += units

            arrived = ReceiveReturnLine(str(at + 1), units, "restock" if restock else "scrap")
            self.run(ReceiveReturn(self.shop.state.orders.next_return - 1, node, (arrived,)), None, apply)

    @rule(flush=st.booleans())
    def restart(self, flush: bool) -> None:
        if flush:
            self.shop.writer.flush_closed()
        self.shop.restart()

    # What must hold

    @invariant()
    def books_agree(self) -> None:
        for account, cells in self.model.units.items():
            for sku in SKUS:
                for node in NODES:
                    assert getattr(self.shop.at(sku, node), account) == cells[sku, node], (account, sku, node)
        totals = self.shop.state.ledger.totals()
        assert {a: totals[a] for a in ("supplier", "customer", "loss", "adjustment")} == {
            a: self.model.outside[a] for a in ("supplier", "customer", "loss", "adjustment")
        }

    @invariant()
    def claims_agree(self) -> None:
        active = self.shop.state.reservations.active
        assert sorted(active) == sorted(self.model.claims)
        for number, claim in self.model.claims.items():
            assert active[number].expires_at_ns == claim.expires_at_ns
        for number, ended in self.model.ended.items():
            assert self.shop.reservation(number).state == ended

    @invariant()
    def orders_agree(self) -> None:
        for name, order in self.model.orders.items():
            real = find_order(self.shop.state, name)
            assert real is not None
            assert real.seq == order.seq
            for expected, entry in zip(order.lines, real.lines, strict=True):
                assert {key: getattr(entry, key) for key in vars(expected)} == vars(expected)
            assert {w.number: (w.node, w.state) for w in real.fulfilments} == {
                number: (work.node, work.state) for number, work in order.work.items()
            }
            is_open = any(e.allocated + e.backordered + e.unsourceable for e in order.lines)
            assert (name in self.shop.state.orders.open) == is_open
        self.model.nobody_waits_beside_free_units()

    def teardown(self) -> None:
        """The journal alone gives the same state, and so does a dump."""
        self.shop.settle()
        self.shop.restart()
        copy = State(MemoryClosedTable())
        dumping.load(copy, dumping.dump(self.shop.state))
        assert dumping.digest(copy) == dumping.digest(self.shop.state)


TestShop = ShopMachine.TestCase
TestShop.settings = settings(
    max_examples=examples(120), stateful_step_count=50, suppress_health_check=list(HealthCheck)
)
