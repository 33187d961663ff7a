"""In process: decide and evolve alone, and with the journal, by batch size. No HTTP.

A tenth more is done beforehand, and the garbage collector is set as in a node: what is measured is a shop in its day.
"""

import time
from itertools import islice
from pathlib import Path
from typing import Any

from api.serve import calm_collector
from bench.workloads import Size, lines_of, reservations, shop
from engine import machine
from engine.areas import NOWHERE
from engine.commands import Command
from engine.commands.orders import AdvanceFulfilment, OrderLineRequest, PlaceOrder
from engine.commands.reservations import ReserveStock
from engine.facts.reservations import StockReserved
from engine.replay import dumping, invariants
from engine.replay.recovery import Fold
from engine.results import Rejection
from engine.state.state import State
from engine.wal import Journal, LmdbJournal, MemoryClosedTable
from engine.writer import Change, Done, Writer


class Unsound(Exception):
    """The invariants do not hold after a run, so its number does not count."""


def check(state: State, journal: Journal | None) -> None:
    """Books balanced, nothing oversold, and the journal gives the same state again.

    What has closed is forgotten on the way: it is no part of the digest, and may be more than memory holds.
    """
    violations = invariants.check(state)
    if violations:
        raise Unsound("; ".join(violations[:5]))
    if journal is not None:
        again = State(MemoryClosedTable())
        Fold(again, journal.read(), keep_closed=False).advance(journal.last_seq)
        if dumping.digest(again) != dumping.digest(state):
            raise Unsound("replay gives another state")


def reserve_in_memory(size: Size, skew: str, seed: int = 1) -> dict[str, Any]:
    """Core only: decide + evolve, sourced, no journal, no framing."""
    state = State(MemoryClosedTable())
    now_ns = time.time_ns()
    for command in shop(size):
        facts = machine.decide(state, command, now_ns)
        assert not isinstance(facts, Rejection)
        machine.evolve(state, state.seq + 1, now_ns, facts, None)
    warm_up = size.reservations // 10
    work = list(islice(reservations(size, seed, skew), warm_up + size.reservations))
    for command in work[:warm_up]:
        facts = machine.decide(state, command, now_ns)
        assert not isinstance(facts, Rejection)
        machine.evolve(state, state.seq + 1, now_ns, facts, None)
    del work[:warm_up]
    refused = 0
    calm_collector()
    started = time.perf_counter()
    for command in work:
        facts = machine.decide(state, command, now_ns)
        if isinstance(facts, Rejection):
            refused += 1
        else:
            machine.evolve(state, state.seq + 1, now_ns, facts, None)
    seconds = time.perf_counter() - started
    check(state, None)
    return _figures(
        "core: reserve", seconds, len(work), skew=skew, lines=lines_of(skew), refused=refused, durable=False
    )


def reserve_durably(directory: Path, size: Size, skew: str, batch: int, count: int, seed: int = 1) -> dict[str, Any]:
    """Core and journal: `batch` reservations a commit, each commit durable."""
    journal = LmdbJournal(directory)
    writer = Writer(State(MemoryClosedTable()), journal, time.time_ns)
    outcomes: list[Done | Rejection] = []
    for command in shop(size):
        _submit(writer, command, outcomes)
        _settle(writer)
    work = list(islice(reservations(size, seed, skew), count + count // 10))
    for command in work[count:]:
        _submit(writer, command, outcomes)
    _settle(writer)
    del work[count:]
    outcomes.clear()
    calm_collector()
    started = time.perf_counter()
    for start in range(0, count, batch):
        for command in work[start : start + batch]:
            _submit(writer, command, outcomes)
        _settle(writer)
    seconds = time.perf_counter() - started
    refused = sum(isinstance(outcome, Rejection) for outcome in outcomes)
    check(writer.state, journal)
    journal.close()
    return _figures(
        "core + journal: reserve",
        seconds,
        count,
        skew=skew,
        lines=lines_of(skew),
        batch=batch,
        refused=refused,
        durable=True,
    )


def whole_orders(directory: Path, size: Size, batch: int, count: int, seed: int = 1) -> dict[str, Any]:
    """Core and journal: reserve, confirm by an order, ship every fulfilment; one commit per `batch` of each step."""
    journal = LmdbJournal(directory)
    writer = Writer(State(MemoryClosedTable()), journal, time.time_ns)
    outcomes: list[Done | Rejection] = []
    for command in shop(size):
        _submit(writer, command, outcomes)
        _settle(writer)
    work = list(islice(reservations(size, seed), count + count // 10))
    orders_of_a_batch(writer, work[count:])
    del work[count:]
    calm_collector()
    started = time.perf_counter()
    for start in range(0, count, batch):
        orders_of_a_batch(writer, work[start : start + batch])
    seconds = time.perf_counter() - started
    if writer.state.orders.open:
        raise Unsound("orders are left open")
    check(writer.state, journal)
    journal.close()
    return _figures("core + journal: reserve, order, ship", seconds, count, lines=2, batch=batch, durable=True)


def orders_of_a_batch(writer: Writer, work: list[ReserveStock]) -> None:
    """Reserve each, order each, ship every fulfilment: three commits. Raises AssertionError if anything is refused."""
    made: list[StockReserved] = []

    def note(state: State, seq: int, facts: tuple[Any, ...]) -> tuple[int, bytes]:
        made.append(facts[0])
        return 201, b""

    for command in work:
        writer.submit(Change(command, "bench", note, _ignore))
    _settle(writer)
    first = writer.state.orders.next_fulfilment
    for fact in made:
        lines = tuple(OrderLineRequest(str(i), line.sku, line.reserved, 255) for i, line in enumerate(fact.lines))
        order = PlaceOrder(f"W-{fact.reservation}", "web", lines, NOWHERE, fact.reservation)
        writer.submit(Change(order, "bench", _no_answer, _ignore))
    _settle(writer)
    for number in range(first, writer.state.orders.next_fulfilment):
        writer.submit(Change(AdvanceFulfilment(number, "ship"), "bench", _no_answer, _ignore))
    _settle(writer)


def _no_answer(state: State, seq: int, facts: tuple[Any, ...]) -> tuple[int, bytes]:
    return 201, b""


def _ignore(outcome: Done | Rejection) -> None:
    assert isinstance(outcome, Done), outcome


def _submit(writer: Writer, command: Command, outcomes: list[Done | Rejection]) -> None:
    refusal = writer.submit(Change(command, "bench", _no_answer, outcomes.append))
    assert refusal is None


def _settle(writer: Writer) -> None:
    while writer.settle():
        pass


def _figures(what: str, seconds: float, count: int, **conditions: Any) -> dict[str, Any]:
    return {
        "what": what,
        "per_second": round(count / seconds),
        "count": count,
        "seconds": round(seconds, 3),
        **conditions,
    }
