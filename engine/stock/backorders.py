"""Serving what waits: what makes units available, or withholds fewer, goes to backorders first, in order of placing."""

from engine.facts import Fact
from engine.facts.configuration import NodeItemSet
from engine.facts.missing import OrderSourcedElsewhere
from engine.facts.orders import (
    FulfilmentRejected,
    FulfilmentShorted,
    OrderCancelled,
    OrderChanged,
    OrderImproved,
    OrderPlaced,
    OrderSourced,
    Waiting,
)
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Slot
from engine.fulfilments.planning import plan_fulfilments
from engine.state.orders import Order
from engine.state.state import State
from engine.state.stock import units_withheld
from engine.supply.node_table import Ints
from engine.supply.plan import terms_of
from engine.supply.problem import withheld
from engine.supply.request import Request


def serve_waiting(state: State, facts: tuple[Fact, ...], now_ns: int) -> tuple[OrderSourced, ...]:
    """The facts that must follow `facts` in the same record. `state` is from before them.

    Orders that `facts` source are left alone: what they wait for has just been decided. Units that were promised from
    inbound wait for it.
    """
    waiting = state.orders.waiting
    shelf = _Shelf(state, facts, now_ns)
    skus = [sku for sku in shelf.skus_with_more() if sku in waiting]
    if not skus:
        return ()
    sourced = {
        fact.order
        for fact in facts
        if isinstance(fact, FulfilmentRejected | FulfilmentShorted)
        or (isinstance(fact, OrderSourced) and fact.decision is not None)
    }
    left = _left_waiting(facts)
    found: dict[str, dict[int, list[Source]]] = {}
    entries = sorted((seq, at, number) for sku in skus for (seq, at), number in waiting[sku].items())
    for _, at, number in entries:
        if number in sourced:
            continue
        order = state.orders.open[number]
        waits = _waiting(order, at, left)
        missing = waits.backordered - sum([claim.quantity for claim in waits.claims])
        given = shelf.take(order, at, missing) if missing else []
        if given:
            found.setdefault(number, {})[at] = given
    first_number = state.orders.next_fulfilment + sum(
        len(fact.fulfilments)
        for fact in facts
        if isinstance(fact, OrderImproved | OrderPlaced | OrderSourced | OrderSourcedElsewhere)
    )
    served = []
    for number, sources in found.items():
        order, slots = state.orders.open[number], shelf.slots_of(number)
        served.append(_sourced(state, order, sources, left, first_number, slots, now_ns))
        first_number += len(served[-1].fulfilments)
    return tuple(served)


class _Shelf:
    """Available units as they will be after `facts`, and after what has been taken from here."""

    def __init__(self, state: State, facts: tuple[Fact, ...], now_ns: int) -> None:
        self._state = state
        self._now_ns = now_ns
        self._slots: dict[str, dict[str, Slot]] = {}
        self._change: dict[tuple[str, str], int] = {}
        self._free: dict[tuple[str, int], int] = {}
        self._withheld: dict[str, Ints] = {}
        self._lifted: list[str] = []
        for fact in facts:
            if isinstance(fact, NodeItemSet):
                self._withhold(fact)
            for posting in fact.postings:
                key = (posting.sku, posting.node)
                if posting.target == AVAILABLE:
                    self._change[key] = self._change.get(key, 0) + posting.quantity
                elif posting.source == AVAILABLE:
                    self._change[key] = self._change.get(key, 0) - posting.quantity

    def _withhold(self, fact: NodeItemSet) -> None:
        """Where a node is about to withhold another number of units of a SKU that somebody waits for."""
        state, ledger = self._state, self._state.ledger
        if fact.sku not in state.orders.waiting or fact.node not in ledger.node_index:
            return
        if fact.sku not in self._withheld:
            self._withheld[fact.sku] = state.stock.cells_of(ledger.sku_index[fact.sku])[1].copy()
        own, node_at, units = self._withheld[fact.sku], ledger.node_index[fact.node], units_withheld(fact.body)
        if units < own[node_at]:
            self._lifted.append(fact.sku)
        own[node_at] = units

    def skus_with_more(self) -> list[str]:
        """SKUs of which some node will have more, or withhold less."""
        more = [sku for (sku, _), units in self._change.items() if units > 0]
        return list(dict.fromkeys(more + self._lifted))

    def _left(self, sku: str, node_at: int) -> int:
        """Units available, promised to nobody yet."""
        key = (sku, node_at)
        if key not in self._free:
            ledger = self._state.ledger
            cell = ledger.sku_index[sku] * ledger.node_capacity + node_at
            self._free[key] = ledger.cells[AVAILABLE][cell] + self._change.get((sku, ledger.nodes[node_at]), 0)
        return self._free[key]

    def slots_of(self, order: str) -> tuple[Slot, ...]:
        """The places at nodes that what was taken for an order needs."""
        return tuple(self._slots.get(order, {}).values())

    def take(self, order: Order, at: int, missing: int) -> list[Source]:
        """Up to `missing` units of a line from the order's nodes, cheapest first; the buffer of its channel stays."""
        sku = order.lines[at].sku
        terms, _ = terms_of(self._state, Request.of_order(order, {at: missing}), self._now_ns)
        kept = withheld(self._state, terms, sku, self._withheld.get(sku))
        free = {node_at: max(0, self._left(sku, node_at) - int(kept[node_at])) for node_at in terms.order}
        missing = min(missing, max(0, sum(free.values()) - terms.buffer))
        given = []
        for node_at in terms.order:
            node = self._state.ledger.nodes[node_at]
            units = min(missing, free[node_at])
            if not units or node in order.rejected_by or order.pickup_node not in (None, node):
                continue
            promise = terms.promise(self._state, node_at, self._now_ns)
            if promise is None:
                continue
            given.append(Source(node, units, promise.ships_at_ns, promise.delivers_at_ns))
            if terms.table.orders_per_day_max[node_at] is not None:
                self._slots.setdefault(order.number, {})[node] = Slot(node, promise.day)
            self._free[sku, node_at] -= units
            missing -= units
        return given


def _left_waiting(facts: tuple[Fact, ...]) -> dict[tuple[str, int], Waiting]:
    """What lines of orders will wait for after `facts`, by order number and line position."""
    return {
        (fact.order, entry.line): entry
        for fact in facts
        if isinstance(fact, OrderCancelled | OrderChanged | OrderSourced)
        for entry in fact.waiting
    }


def _waiting(order: Order, at: int, left: dict[tuple[str, int], Waiting]) -> Waiting:
    line = order.lines[at]
    return left.get((order.number, at)) or Waiting(at, line.backordered, line.unsourceable, line.claims)


def _sourced(
    state: State,
    order: Order,
    sources: dict[int, list[Source]],
    left: dict[tuple[str, int], Waiting],
    first_number: int,
    slots: tuple[Slot, ...],
    now_ns: int,
) -> OrderSourced:
    waiting, postings = [], []
    for at, given in sources.items():
        before, sku = _waiting(order, at, left), order.lines[at].sku
        units = sum(source.quantity for source in given)
        waiting.append(Waiting(at, before.backordered - units, before.unsourceable, before.claims))
        postings += [Posting(sku, source.node, AVAILABLE, ALLOCATED, source.quantity) for source in given]
    planned = plan_fulfilments(state, first_number, sources, slots, now_ns)
    return OrderSourced(order.number, planned, tuple(waiting), tuple(postings))
