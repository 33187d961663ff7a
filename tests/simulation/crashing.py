"""A writer that crashes between any two steps of its work, on a real journal, with an auditor who remembers the answers."""

import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from engine.areas import coarse_area
from engine.commands.orders import AdvanceFulfilment, OrderLineRequest, PlaceOrder, RejectFulfilment
from engine.commands.reservations import ChangeReservation, DemandLine, NewQuantityLine, ReserveStock
from engine.commands.stock import MovementLine, MoveStock
from engine.limits import NS_PER_SECOND
from engine.replay import dumping, invariants
from engine.replay.recovery import recover
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.wal import ClosedTable, Journal, LmdbJournal, MemoryClosedTable, MemoryJournal
from engine.writer import Change, Done, Writer
from tests.simulation.random_life import NODES, SKUS, shop

STEPS = ("queued", "room made", "decided", "committed", "half answered")


class Crash(BaseException):
    """The machine stops here."""


class Stops:
    """Wraps a journal: may crash after any of its steps."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.crash_at: str | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def step(self, name: str) -> None:
        if self.crash_at == name:
            raise Crash(name)

    def make_room(self, bytes_expected: int) -> None:
        self.step("queued")
        self.inner.make_room(bytes_expected)
        self.step("room made")

    def append(self, time_ns: int, records: Sequence[bytes]) -> int:
        self.step("decided")
        first_seq: int = self.inner.append(time_ns, records)
        self.step("committed")
        return first_seq


class Simulation:
    """One seed: commands in batches, each under a key; crashes; retries with the same key until there is an answer."""

    def __init__(self, seed: int, directory: Path | None) -> None:
        self.chance = random.Random(seed)
        self.directory = directory
        self.now_ns = 1_800_000_000 * NS_PER_SECOND
        self.kept: Any = MemoryJournal()
        self.kept_table: Any = MemoryClosedTable()
        self.answers: dict[bytes, Done] = {}  # what clients were told, by key
        self.unknown: list[tuple[bytes, Any]] = []  # sent, and never answered
        self.keys = 0
        self.crashes = dict.fromkeys(STEPS, 0)
        self.start()
        self.send([(self.new_key(), shop())])

    def start(self) -> None:
        """A node starts on what is on disk."""
        journal: Journal = self.kept
        if self.directory is not None:
            journal = LmdbJournal(self.directory / "journal", segment_bytes_max=70_000, map_bytes_first=600_000)
            self.kept_table = ClosedTable(self.directory / "closed")
        self.journal = Stops(journal)
        self.state = State(self.kept_table)
        recover(self.state, journal)
        self.writer = Writer(self.state, self.journal, lambda: self.now_ns, on_error=self.fail)

    @staticmethod
    def fail(error: Exception) -> None:
        raise error

    def crash(self, where: str) -> None:
        """All memory is gone; what is durable is there once, and answered keys still have their answers."""
        self.crashes[where] += 1
        if self.directory is not None:
            self.journal.inner.close()
            self.kept_table.close()
        self.start()
        assert invariants.check(self.state) == []
        self.audit()

    def audit(self) -> None:
        """Every acknowledged change is in the journal exactly where it was acknowledged."""
        for key, answer in self.answers.items():
            if answer.seq:
                assert self.state.idempotency.seq_of.get(key) == answer.seq, "an acknowledged change is gone"
        assert len(set(self.state.idempotency.seq_of.values())) == len(self.state.idempotency.seq_of)

    def new_key(self) -> bytes:
        self.keys += 1
        return b"key%013d" % self.keys

    def send(self, batch: list[tuple[bytes, Any]], crash_at: str | None = None) -> None:
        """Queue a batch and work it off, perhaps not to the end."""
        sent = len(batch)
        stop_after = self.chance.randrange(sent) if crash_at == "half answered" else None
        told: list[bytes] = []

        def answer(key: bytes, outcome: Done | Rejection) -> None:
            if stop_after is not None and len(told) == stop_after:
                raise Crash("half answered")
            told.append(key)
            if isinstance(outcome, Done):
                before = self.answers.setdefault(key, outcome)
                assert (before.seq, before.status, before.body) == (outcome.seq, outcome.status, outcome.body)
            else:
                assert key not in self.answers, "an answer was taken back"
                assert outcome.code is not ResultCode.INTERNAL_ERROR

        for key, command in batch:
            self.writer.submit(
                Change(
                    command,
                    "client",
                    lambda state, seq, facts: (201, b"%d of %d facts" % (seq, len(facts))),
                    partial(answer, key),
                    key,
                    key,
                )
            )
        self.journal.crash_at = crash_at
        try:
            while self.writer.settle():
                pass
        except Crash as crash:
            self.unknown += [entry for entry in batch if entry[0] not in told]
            self.crash(str(crash))
        self.journal.crash_at = None

    def run(self, steps: int) -> str:
        """Some batches with crashes here and there; every unanswered command is sent again. Gives the digest."""
        for _ in range(steps):
            self.now_ns += self.chance.choice((1, 5, 30, 400)) * NS_PER_SECOND
            batch, self.unknown = self.unknown, []
            batch += [(self.new_key(), self.command()) for _ in range(self.chance.randint(1, 8))]
            self.send(batch, self.chance.choice((*STEPS, None, None, None, None, None)))
            assert invariants.check(self.state) == []
            if self.chance.random() < 0.1:
                self.writer.flush_closed()
        while self.unknown:
            batch, self.unknown = self.unknown, []
            self.send(batch)
        self.audit()
        digest = dumping.digest(self.state)
        self.crash("queued")
        assert dumping.digest(self.state) == digest
        return digest

    def command(self) -> Any:
        """Anything a shop does."""
        chance = self.chance
        sku, node = chance.choice(SKUS), chance.choice(NODES)
        active, work = list(self.state.reservations.active), list(self.state.orders.order_of_fulfilment)
        kinds: list[Any] = [
            lambda: MoveStock((MovementLine(sku, node, "receipt", chance.randint(1, 20)),)),
            lambda: ReserveStock("web", (DemandLine(sku, chance.randint(1, 5)),), chance.choice((30, 900))),
            lambda: ReserveStock("web", (DemandLine(sku, chance.randint(1, 5)),), chance.choice((30, 900))),
            lambda: self.order(sku, None),
        ]
        if active:
            number = chance.choice(active)
            kinds += [
                lambda: ChangeReservation(number, (NewQuantityLine(sku, chance.randint(0, 6)),)),
                lambda: self.order(self.state.reservations.active[number].lines[0].sku, number),
                lambda: self.order(self.state.reservations.active[number].lines[0].sku, number),
            ]
        if work:
            number_of_work = chance.choice(work)
            kinds += [
                lambda: AdvanceFulfilment(number_of_work, chance.choice(("pick", "ship"))),
                lambda: AdvanceFulfilment(number_of_work, "ship"),
                lambda: RejectFulfilment(number_of_work, chance.choice(("not_found", "no_capacity"))),
            ]
        return chance.choice(kinds)()

    def order(self, sku: str, reservation: int | None) -> PlaceOrder:
        area = coarse_area("DE", "10115", 52.5, 13.4)
        lines = (OrderLineRequest("1", sku, self.chance.randint(1, 3), 255),)
        return PlaceOrder(f"W-{self.keys}-{self.chance.randrange(10**9)}", "web", lines, area, reservation)
