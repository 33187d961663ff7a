"""A seeded life of a shop: random commands through the real writer, with crashes, checked after every step."""

import random
from itertools import islice
from typing import Any, Literal

import msgspec

from engine import commands as c
from engine.areas import coarse_area
from engine.calendars.local_time import date_of_day, day_at, zone_of
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.commands.pricing import (
    BuyXGetY,
    DatedRate,
    Gives,
    PriceList,
    PriceStep,
    Promotion,
    PromotionConditions,
    PromotionLimits,
    TaxRates,
    Voucher,
)
from engine.facts.records import decode, kind_of
from engine.lifecycles import PLANNED
from engine.limits import NS_PER_SECOND
from engine.replay import dumping, invariants
from engine.replay.recovery import recover
from engine.results import Rejection
from engine.state.finding import find_by_fulfilment, find_order
from engine.state.orders import Order
from engine.state.state import State
from engine.wal import MemoryClosedTable, MemoryJournal
from engine.writer import SYSTEM, Change, Done, Writer
from tests.simulation import hours, settling, supplying

NODES = ("leipzig", "berlin", "hamburg", "munich")
SKUS = ("BRASS-KETTLE", "TEA-TOWEL", "OAK-TRAY", "TIN-MUG", "WOOL-RUG")


def shop() -> Configure:
    """Four nodes, five items (two may be backordered), two channels."""
    return Configure(
        nodes={
            name: Node(
                name=name,
                kind="supplier" if i == 1 else "store",
                country="DE",
                latitude=48.0 + i,
                longitude=9.0 + i,
                pickup=i in (0, 3),
                accept_within_seconds=3_000 if i == 2 else None,
                orders_per_day_max=9 if i == 3 else None,
            )
            for i, name in enumerate(NODES)
        },
        items={sku: Item(name=sku, backorderable=i < 2) for i, sku in enumerate(SKUS)},
        node_items={"berlin": {"OAK-TRAY": NodeItem(safety_stock=2), "TIN-MUG": NodeItem(sellable=False)}},
        sourcing_policies={
            "bring": SourcingPolicy(
                name="Bring", pickup_transfer_days=1, inbound_days_max=2, wait_days_max=1, improve_minor_min=1
            )
        },
        price_lists={
            "shelf": PriceList("EUR", {sku: (PriceStep(999 + 501 * i),) for i, sku in enumerate(SKUS[:4])}),
        },
        tax_rates={"DE": TaxRates({"standard": (DatedRate("0.19"),)})},
        promotions={
            "ten": Promotion("Ten", Gives(percent="10"), limits=PromotionLimits(budget_minor=20_000)),
            "friends": Promotion("Friends", Gives(amount=300), PromotionConditions(voucher=True)),
            "third": Promotion(
                "Third",
                Gives(buy_x_get_y=BuyXGetY(2, 1)),
                limits=PromotionLimits(uses=40),
            ),
        },
        payment_providers={"acme": c.providers.PaymentProvider("https://pay.example.org/", ("card",))},
        vouchers={
            "FRIEND": Voucher("promotion", "friends", 20),
            "GIFT": Voucher("value", balance_minor=30_000, currency="EUR"),
        },
        channels={
            "web": Channel(
                name="web",
                kind="web",
                country="DE",
                currency="EUR",
                sourcing_policy="bring",
                collect_within_seconds=2_000,
                cancel_backorders_after_seconds=6_000,
            ),
            "market": Channel(
                name="market", kind="marketplace", country="DE", currency="EUR", nodes=("leipzig", "berlin"), buffer=1
            ),
        },
    )


def transfers_that_do_not_follow(state: State) -> list[str]:
    """A planned transfer for a pickup brings what is promised of it, and no more. Not so in journals of older builds."""
    return [
        f"transfer {transfer.number} brings {line.quantity} of {line.sku!r}, but {expected.promised} are promised"
        for transfer in state.transfers.open.values()
        if transfer.state == PLANNED and transfer.inbound is not None
        for line, expected in zip(transfer.lines, state.inbound.open[transfer.inbound].lines, strict=True)
        if not line.quantity == expected.promised == expected.expected
    ]


class Life:
    """One shop and everything that happens to it for one seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.journal = MemoryJournal()
        self.now_ns = hours.begin_ns(self.chance)
        self.doors = hours.Doors()
        self.outcomes: list[Any] = []
        self.kinds: dict[str, int] = {}
        self.orders = self.followed = 0
        self.changes: list[int] = []
        self._open(MemoryClosedTable())
        self.do(hours.with_hours(shop()))

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
        for seq in range(self.followed + 1, self.journal.last_seq + 1):
            record = decode(self.journal.record(seq)[1])
            if record.actor == SYSTEM:
                for fact in record.facts:
                    self.kinds[f"system {kind_of(fact)}"] = self.kinds.get(f"system {kind_of(fact)}", 0) + 1
        self.followed = self.journal.last_seq
        violations = invariants.check(self.state) + invariants.every_place_taken_is_held(self.state)
        violations += invariants.money_ledger_is_that_of_the_orders(self.state)
        violations += self.doors.wrong(self)
        violations += transfers_that_do_not_follow(self.state)
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
        before = dumping.digest(self.state)
        table = self.state.closed.table
        assert isinstance(table, MemoryClosedTable)
        self._open(table if keep_closed_table else MemoryClosedTable())
        assert dumping.digest(self.state) == before

    def step(self) -> None:
        """Something happens."""
        chance = self.chance
        self.now_ns += chance.choice((1, 1, 1, 2, 10, 60, 300)) * NS_PER_SECOND
        everything = [self.receive] * 4 + [self.reserve] * 3 + [self.place] * 3 + [self.touch_reservation] * 3
        everything += [self.advance] * 7 + [self.reject, self.cancel, self.return_]
        everything += [
            self.hold,
            self.lift,
            self.lift,
            self.short,
            self.repack,
            self.repack,
            self.change,
            self.transfer,
            self.talk,
            self.walk,
            self.pay_for_one,
            self.keep_books,
            self.hear,
            self.hear,
            self.supply,
            self.supply,
            self.set_otherwise,
            self.move,
        ]
        everything += [self.odd_movement, self.together, self.again, self.again, self.configure]
        happening = chance.choice(everything)
        happening()

    def receive(self) -> None:
        """Goods arrive."""
        chance = self.chance
        line = c.stock.MovementLine(chance.choice(SKUS), chance.choice(NODES), "receipt", chance.randint(1, 30))
        self.do(c.stock.MoveStock((line,)))

    def odd_movement(self) -> None:
        """Somebody counts, breaks or finds something."""
        chance = self.chance
        reason: c.stock.Reason = chance.choice(
            ("count", "feed", "damage", "quarantine", "restore", "write_off", "adjustment")
        )
        quantity = chance.randint(0 if reason in ("count", "feed") else 1, 8)
        if reason == "adjustment" and chance.random() < 0.5:
            quantity = -quantity
        sku, node = chance.choice(SKUS), chance.choice(NODES)
        self.do(c.stock.MoveStock((c.stock.MovementLine(sku, node, reason, quantity, "looked"),)))

    def _demand(self) -> tuple[c.reservations.DemandLine, ...]:
        chance = self.chance
        return tuple(
            c.reservations.DemandLine(
                chance.choice(SKUS), chance.randint(1, 6), chance.choice((None, None, None, *NODES[:2]))
            )
            for _ in range(chance.randint(1, 4))
        )

    def reserve(self) -> None:
        """A checkout claims units."""
        chance = self.chance
        to = chance.choice((None, c.reservations.Destination(country="DE", latitude=50.1, longitude=10.2)))
        self.do(
            c.reservations.ReserveStock(
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
                    c.reservations.ExtendReservation(number, chance.randint(1, 600)),
                    c.reservations.ReleaseReservation(number, None),
                    c.reservations.ReleaseReservation(
                        number, (c.reservations.QuantityLine(sku, chance.randint(1, 3)),)
                    ),
                    c.reservations.ChangeReservation(
                        number, (c.reservations.NewQuantityLine(sku, chance.randint(0, 8)),)
                    ),
                    c.reservations.ChangeReservation(
                        number, (c.reservations.NewQuantityLine(chance.choice(SKUS), chance.randint(0, 8)),)
                    ),
                )
            )
        )

    def place(self) -> None:
        """An order comes in, with or without a reservation."""
        chance = self.chance
        self.orders += 1
        lines = tuple(
            c.orders.OrderLineRequest(str(i), line.sku, line.quantity, 255) for i, line in enumerate(self._demand())
        )
        channel, number = "web", None
        candidates = list(self.state.reservations.active.values())
        if candidates and chance.random() < 0.7:
            held = chance.choice(candidates)
            channel, number = held.channel, held.number
            lines = tuple(
                c.orders.OrderLineRequest(str(i), line.sku, chance.randint(1, line.reserved), 255)
                for i, line in enumerate(held.lines)
                if line.reserved
            )
        if lines:
            area = coarse_area("DE", "10115", 52.5, 13.4)
            again = chance.random() < 0.5
            node = chance.choice((None, None, None, None, "leipzig", "munich"))
            until_ns = None if node is None or chance.random() < 0.5 else self.now_ns + 900 * NS_PER_SECOND
            holds = (c.orders.HoldRequest("payment", "not paid"),) if chance.random() < 0.15 else ()
            self.do(
                c.orders.PlaceOrder(
                    f"W-{self.orders}",
                    channel,
                    lines,
                    area,
                    number,
                    again,
                    delivery="ship" if node is None else chance.choice(("pickup", "reserve_in_store")),
                    pickup_node=node,
                    collect_by_ns=until_ns,
                    holds=holds,
                    **self._money_asked_for(),
                )
            )

    def _money_asked_for(self) -> dict[str, Any]:
        """Shipping, discounts of the shop, vouchers and payments, now and then."""
        chance = self.chance
        if chance.random() < 0.6:
            return {}
        payments = (
            c.orders.PaymentRequest("p-1", "card", chance.randint(0, 3_000), chance.choice(("authorised", "captured"))),
        )
        return {
            "shipping_minor": chance.randint(0, 900),
            "discounts": (c.orders.ShopDiscount("sorry", chance.randint(0, 400)),) if chance.random() < 0.3 else (),
            "vouchers": chance.choice(((), (), ("FRIEND",), ("GIFT",), ("FRIEND", "GIFT"))),
            "payments": payments if chance.random() < 0.5 else (),
        }

    def _open_fulfilment(self) -> int | None:
        numbers = list(self.state.orders.order_of_fulfilment)
        return self.chance.choice(numbers) if numbers else None

    def advance(self) -> None:
        """A node reports a step, also of something that has closed."""
        number = self._open_fulfilment() or self.state.orders.next_fulfilment - 1
        action: c.orders.Action = self.chance.choice(
            ("accept", "pick", "pack", "unpack", "ready", "ready", "ship", "ship", "deliver", "collect")
        )
        order = find_by_fulfilment(self.state, number)
        takes = () if order is None else order.fulfilment(number).lines
        if order is not None and takes and action in ("ready", "collect") and self.chance.random() < 0.3:
            some = c.orders.FulfilmentLine(order.lines[takes[0].line].id, 1)
            self.do(c.orders.CollectPart(number, (some,)))
        else:
            self.do(c.orders.AdvanceFulfilment(number, action))
        if self.chance.random() < 0.4:
            self.do(
                c.orders.ConfirmFulfilment(number, (c.orders.ConfirmedDate("0", self.now_ns + 86_400 * NS_PER_SECOND),))
            )

    def _open_order(self) -> Order | None:
        orders = list(self.state.orders.open.values())
        return self.chance.choice(orders) if orders else None

    def hold(self) -> None:
        """Somebody stops an order."""
        order = self._open_order()
        if order is not None:
            handle = self.chance.choice(("fraud", "payment", "customs"))
            self.do(c.orders.HoldOrder(order.number, handle, "looked odd", self.chance.choice(("release", "ship"))))

    def lift(self) -> None:
        """Somebody lets it go on."""
        held = [order for order in self.state.orders.open.values() if order.holds]
        if held:
            order = self.chance.choice(held)
            self.do(c.orders.LiftHold(order.number, self.chance.choice(order.holds).handle))

    def supply(self) -> None:
        """Goods are on their way, marketplaces state orders, plans are made anew."""
        chance = self.chance
        kind = chance.random()
        if kind < 0.5:
            supplying.expect(self, SKUS, NODES)
        elif kind < 0.75:
            supplying.state_order(self, SKUS)
        elif kind < 0.88:
            supplying.source(self)
        else:
            supplying.let_in(self)

    def set_otherwise(self) -> None:
        """Units become free without moving, or are kept back."""
        settling.settle(self, SKUS, NODES)

    def move(self) -> None:
        """Somebody says which node it shall be."""
        settling.move(self, NODES)

    def walk(self) -> None:
        """A node groups work into one walk, does it, or leaves it."""
        lists = list(self.state.pick_lists.open)
        if not lists or self.chance.random() < 0.5:
            self.do(c.picking.MakePickList(self.chance.choice(NODES), None, self.chance.randint(1, 4)))
        else:
            number = self.chance.choice(lists)
            self.do(
                self.chance.choice(
                    (
                        c.picking.FinishPickList(number),
                        c.picking.FinishPickList(number),
                        c.picking.CancelPickList(number),
                    )
                )
            )

    def short(self) -> None:
        """A node finds less than it should."""
        number = self._open_fulfilment()
        if number is not None:
            reason: c.orders.RejectReason = self.chance.choice(("not_found", "damaged", "no_capacity"))
            order = find_by_fulfilment(self.state, number)
            assert order is not None
            lines = order.fulfilment(number).lines
            names = [order.lines[take.line].id for take in lines[:1]] or ["0"]
            found = tuple(c.orders.FoundLine(name, self.chance.choice((0, 1, 1, 2, 3))) for name in names)
            self.do(c.orders.ShortFulfilment(number, found, reason))

    def repack(self) -> None:
        """A node divides its work, joins it, puts it into parcels, or is told not to do it."""
        number = self._open_fulfilment()
        if number is None:
            return
        order = find_by_fulfilment(self.state, number)
        assert order is not None
        others = [f.number for f in order.fulfilments if f.number != number]
        takes = order.fulfilment(number).lines
        line = c.orders.FulfilmentLine(order.lines[takes[0].line].id if takes else "0", self.chance.choice((1, 1, 3)))
        commands: list[Any] = [
            c.orders.SplitFulfilment(number, (line,)),
            c.orders.PackParcels(number, (c.orders.ParcelRequest((line,), 1_200),)),
            c.orders.CancelFulfilment(number, "not wanted"),
        ]
        if others:
            commands += [c.orders.MergeFulfilments(number, self.chance.choice(others))] * 2
        command = self.chance.choice(commands)
        if isinstance(self.do(command), Done) and isinstance(command, c.orders.SplitFulfilment):
            self.do(c.orders.MergeFulfilments(number, self.state.orders.next_fulfilment - 1))

    def change(self) -> None:
        """A customer wants something else; it is confirmed now, later or never."""
        order = self._open_order()
        if order is None:
            return
        chance = self.chance
        line = chance.choice(order.lines)
        what: list[dict[str, Any]] = [
            {"set": (c.orders.SetLine(line.id, chance.randint(0, line.quantity + 2)),)},
            {"add": (c.orders.OrderLineRequest(f"n{self.state.seq}", chance.choice(SKUS), chance.randint(1, 4), 255),)},
            {"area": coarse_area("DE", "80331", 48.1, 11.6), "party": "p-1", "contact": b"sealed"},
            {"delivery": "pickup", "pickup_node": "munich"},
            {"delivery": "ship"},
        ]
        asked = {**chance.choice(what), **chance.choice(what)}
        proposed = self.do(c.orders.ProposeChange(order.number, "called", **asked))
        if isinstance(proposed, Done):
            self.changes.append(proposed.seq)
        if self.changes and chance.random() < 0.8:
            number = chance.choice(self.changes[-5:])
            self.do(c.orders.ConfirmChange(number) if chance.random() < 0.8 else c.orders.DeclineChange(number))

    def transfer(self) -> None:
        """Goods go from node to node."""
        supplying.move(self, SKUS, NODES)

    def talk(self) -> None:
        """Customer service writes something down."""
        if self.orders:
            number = f"W-{self.chance.randint(1, self.orders)}"
            self.do(
                self.chance.choice(
                    (c.orders.NoteOrder(number, "called"), c.orders.AppeaseCustomer(number, 500, "late"))
                )
            )

    def reject(self) -> None:
        """A node can't do it."""
        number = self._open_fulfilment()
        if number is not None:
            self.do(c.orders.RejectFulfilment(number, self.chance.choice(("not_found", "damaged", "no_capacity"))))

    def cancel(self) -> None:
        """A customer cancels."""
        if self.orders:
            number = f"W-{self.chance.randint(1, self.orders)}"
            lines = self.chance.choice((None, (c.orders.CancelLine("0", self.chance.randint(1, 3)),)))
            self.do(c.orders.CancelOrder(number, "changed my mind", lines))

    def _has_sent(self, number: str) -> bool:
        order = find_order(self.state, number)
        return order is not None and order.lines[0].shipped > order.lines[0].returned

    def return_(self) -> None:
        """A customer sends something back."""
        if not self.orders:
            return
        sent = [at for at in range(1, self.orders + 1) if self._has_sent(f"W-{at}")]
        number = f"W-{self.chance.choice(sent or [1])}"
        kind = self.chance.random()
        if kind < 0.15:
            lines = (c.orders.LooseReturnLine(self.chance.choice(SKUS), 1),)
            self.do(c.orders.TakeLooseReturn("web", lines, self.chance.choice((None, "berlin"))))
            return
        again = None if 0.2 < kind < 0.6 else c.orders.Replacement(f"{number}.r{self.state.seq}")
        if kind < 0.3:
            self.do(c.orders.ReportLoss(number, (c.orders.LostLine("0", 1),), again))
            return
        exchange = () if again is None else (c.orders.OrderLineRequest("0", self.chance.choice(SKUS), 1, 255),)
        agreed = self.do(
            c.orders.AuthoriseReturn(
                number, (c.orders.ReturnLineRequest("0", self.chance.randint(1, 3)),), exchange, again
            )
        )
        if isinstance(agreed, Done):
            return_id = self.state.orders.next_return - 1
            disposition: c.orders.Disposition = self.chance.choice(("restock", "quarantine", "scrap"))
            self.do(c.orders.ReceiveReturn(return_id, "hamburg", (c.orders.ReceiveReturnLine("0", 1, disposition),)))
            if self.chance.random() < 0.5:
                self.do(c.orders.CancelReturn(return_id))
            if self.chance.random() < 0.7:
                self.pay(number)
                self.do(c.orders.SettleReturn(return_id))
                order = find_order(self.state, number)
                assert order is not None
                assert invariants.money_of(order) == []

    def pay_for_one(self) -> None:
        """Some customer pays."""
        if self.orders:
            self.pay(f"W-{self.chance.randint(1, self.orders)}")

    def keep_books(self) -> None:
        """A bookkeeper pays out, writes off, or locks days that are over."""
        chance = self.chance
        known = [*self.state.orders.open.values(), *islice(self.state.closed.newest_orders(), 20)]
        priced = [(order.number, order.money) for order in known if order.money is not None]
        back = [
            (number, p.id) for number, money in priced for p in money.payments if p.refunded_minor > p.paid_out_minor
        ]
        owing = [number for number, money in priced if money.balance_minor > 0]
        some = chance.choice((None, 100))
        over = day_at(zone_of("UTC"), self.now_ns) - chance.randint(0, 30)
        paid_out = chance.choice(back or [("W-1", "card")])
        written_off = c.bookkeeping.WriteOff(chance.choice(owing or ["W-1"]), "gone", some)
        self.do(
            chance.choice(
                (c.bookkeeping.PayOutRefund(*paid_out, some), written_off, c.bookkeeping.LockPeriod(date_of_day(over)))
            )
        )

    def hear(self) -> None:
        """A payment provider answers, or is asked again."""
        chance, waiting = self.chance, list(self.state.payment_requests.open.values())
        if waiting and chance.random() < 0.8:
            request = chance.choice(waiting)
            ends = {"capture": ("captured", "capture_failed"), "refund": ("refunded", "refund_failed")}
            what = chance.choice(ends.get(request.what, ("voided",)))
            report = (request.order, request.payment, request.number, chance.choice((None, None, 100)), "said so")
            self.do(c.providers.ReportPayment("acme", what, *report))
            if what == "capture_failed":
                self.do(c.providers.AskForPayment(request.order))

    def pay(self, number: str) -> None:
        """The customer pays for an order, in part, in advance, or not at all."""
        order = find_order(self.state, number)
        amount = 1 if order is None or order.money is None else order.money.due_minor
        payment = f"p-{self.chance.randint(1, 3)}"
        state: Literal["authorised", "captured"] = self.chance.choice(("authorised", "captured"))
        self.do(
            c.orders.AddPayment(
                number, c.orders.PaymentRequest(payment, "card", self.chance.randint(0, amount + 9), state)
            )
        )
        if self.chance.random() < 0.6:
            self.do(c.orders.CapturePayment(number, payment, self.chance.choice((None, 5, 800))))
        if self.chance.random() < 0.2:
            self.do(c.orders.VoidPayment(number, payment))

    def together(self) -> None:
        """Many checkouts at once for the same thing: one batch."""
        for _ in range(20):
            self.submit(c.reservations.ReserveStock("web", (c.reservations.DemandLine("WOOL-RUG", 1),), 60))
        self.settle()

    def configure(self) -> None:
        """A large configuration in two parts, with a crash in between; another one is refused meanwhile."""
        renamed = {
            sku: msgspec.structs.replace(self.state.configuration.items[sku], name=f"{sku} {self.now_ns}")
            for sku in SKUS[:2]
        }
        self.do(c.configuration.BeginConfiguration("5f", 2, "life"))
        for sku, item in renamed.items():
            self.do(c.configuration.ApplyPart("5f", Configure(items={sku: item})))
            if self.chance.random() < 0.5:
                self.crash(keep_closed_table=self.chance.random() < 0.5)
            assert isinstance(self.do(Configure(items={"TIN-MUG": Item("Mug")})), Rejection)
        self.do(c.configuration.EndConfiguration("5f"))
        assert [self.state.configuration.items[sku] for sku in renamed] == list(renamed.values())

    def again(self) -> None:
        """The same key twice: one effect, the same answer."""
        key = self.chance.randbytes(16)
        command = c.stock.MoveStock((c.stock.MovementLine("TEA-TOWEL", "leipzig", "receipt", 1),))
        first = self.do(command, key)
        if self.chance.random() < 0.5:
            self.crash(keep_closed_table=self.chance.random() < 0.5)
        second = self.do(command, key)
        assert isinstance(first, Done)
        assert isinstance(second, Done)
        assert (second.seq, second.body, second.replayed) == (first.seq, first.body, True)
