"""Serving what waits: whatever makes units available goes to backorders first, in order of placing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.facts import Fact, FulfilmentRejected, OrderCancelled, OrderPlaced, OrderSourced
from engine.facts.orders import Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.orders import Order
from engine.placing import plan_fulfilments

if TYPE_CHECKING:
    from engine.state import State


def serve_waiting(state: State, facts: tuple[Fact, ...]) -> tuple[OrderSourced, ...]:
    """The facts that must follow `facts` in the same record. `state` is from before them.

    Orders that `facts` source are left alone: what they wait for has just been decided.
    """
    waiting = state.orders.waiting
    shelf = _Shelf(state, facts)
    skus = [sku for sku in shelf.skus_with_more() if sku in waiting]
    if not skus:
        return ()
    sourced = {fact.order for fact in facts if isinstance(fact, OrderSourced | FulfilmentRejected)}
    left = _left_waiting(facts)
    found: dict[str, dict[int, list[Source]]] = {}
    entries = sorted((seq, at, number) for sku in skus for (seq, at), number in waiting[sku].items())
    for _, at, number in entries:
        if number in sourced:
            continue
        order = state.orders.open[number]
        given = shelf.take(order, order.lines[at].sku, _waiting(order, at, left).backordered)
        if given:
            found.setdefault(number, {})[at] = given
    first_number = state.orders.next_fulfilment + sum(
        len(fact.fulfilments) for fact in facts if isinstance(fact, OrderPlaced | OrderSourced)
    )
    served = []
    for number, sources in found.items():
        served.append(_sourced(state.orders.open[number], sources, left, first_number))
        first_number += len(served[-1].fulfilments)
    return tuple(served)


class _Shelf:
    """Available units as they will be after `facts`, and after what has been taken from here."""

    def __init__(self, state: State, facts: tuple[Fact, ...]) -> None:
        self._state = state
        self._change: dict[tuple[str, str], int] = {}
        self._free: dict[tuple[str, int], int] = {}
        for fact in facts:
            for posting in fact.postings:
                key = (posting.sku, posting.node)
                if posting.target == AVAILABLE:
                    self._change[key] = self._change.get(key, 0) + posting.quantity
                elif posting.source == AVAILABLE:
                    self._change[key] = self._change.get(key, 0) - posting.quantity

    def skus_with_more(self) -> list[str]:
        """SKUs of which some node will have more."""
        return list(dict.fromkeys(sku for (sku, _), units in self._change.items() if units > 0))

    def _promisable(self, sku: str, node_at: int) -> int:
        key = (sku, node_at)
        if key not in self._free:
            ledger = self._state.ledger
            cell = ledger.sku_index[sku] * ledger.node_capacity + node_at
            units = ledger.cells[AVAILABLE][cell] + self._change.get((sku, ledger.nodes[node_at]), 0)
            self._free[key] = max(0, units - self._state.stock.withheld_cells[cell])
        return self._free[key]

    def take(self, order: Order, sku: str, missing: int) -> list[Source]:
        """Up to `missing` units from the order's nodes, cheapest first; the buffer of its channel stays."""
        terms = self._state.terms.get(self._state, order.channel, order.area)
        if terms.buffer:
            visible = sum(self._promisable(sku, node_at) for node_at in terms.shipping_order)
            missing = min(missing, max(0, visible - terms.buffer))
        given = []
        for node_at in terms.shipping_order:
            node = self._state.ledger.nodes[node_at]
            if not missing:
                break
            if node in order.rejected_by:
                continue
            units = min(missing, self._promisable(sku, node_at))
            if units:
                given.append(Source(node, units))
                self._free[sku, node_at] -= units
                missing -= units
        return given


def _left_waiting(facts: tuple[Fact, ...]) -> dict[tuple[str, int], Waiting]:
    """What lines of orders will wait for after cancellations among `facts`, by order number and line position."""
    return {
        (fact.order, entry.line): entry for fact in facts if isinstance(fact, OrderCancelled) for entry in fact.waiting
    }


def _waiting(order: Order, at: int, left: dict[tuple[str, int], Waiting]) -> Waiting:
    line = order.lines[at]
    return left.get((order.number, at)) or Waiting(at, line.backordered, line.unsourceable)


def _sourced(
    order: Order, sources: dict[int, list[Source]], left: dict[tuple[str, int], Waiting], first_number: int
) -> OrderSourced:
    waiting, postings = [], []
    for at, given in sources.items():
        before, sku = _waiting(order, at, left), order.lines[at].sku
        units = sum(source.quantity for source in given)
        waiting.append(Waiting(at, before.backordered - units, before.unsourceable))
        postings += [Posting(sku, source.node, AVAILABLE, ALLOCATED, source.quantity) for source in given]
    return OrderSourced(order.number, plan_fulfilments(first_number, sources), tuple(waiting), tuple(postings))
