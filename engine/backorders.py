"""Serving what waits: whatever makes units available goes to backorders first, in order of placing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.facts import Fact, OrderPlaced, OrderSourced
from engine.facts.orders import Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, Posting
from engine.facts.reservations import Source
from engine.orders import Order
from engine.placing import plan_fulfilments

if TYPE_CHECKING:
    from engine.state import State


def serve_waiting(state: State, facts: tuple[Fact, ...]) -> tuple[OrderSourced, ...]:
    """The facts that must follow `facts` in the same record. `state` is from before them.

    Orders that `facts` are about are left alone: what they wait for is being decided right now.
    """
    waiting = state.orders.waiting
    change = _change_of_available(facts)
    skus = [sku for sku in dict.fromkeys(sku for (sku, _), units in change.items() if units > 0) if sku in waiting]
    if not skus:
        return ()
    busy = {order for fact in facts if (order := getattr(fact, "order", None)) is not None}
    free: dict[tuple[str, int], int] = {}
    found: dict[str, dict[int, list[Source]]] = {}
    entries = sorted((seq, at, number) for sku in skus for (seq, at), number in waiting[sku].items())
    for _, at, number in entries:
        if number in busy:
            continue
        order = state.orders.open[number]
        given = _take_free(state, order, at, change, free)
        if given:
            found.setdefault(number, {})[at] = given
    first_number = state.orders.next_fulfilment + sum(
        len(fact.fulfilments) for fact in facts if isinstance(fact, OrderPlaced | OrderSourced)
    )
    served = []
    for number, sources in found.items():
        served.append(_sourced(state.orders.open[number], sources, first_number))
        first_number += len(served[-1].fulfilments)
    return tuple(served)


def _change_of_available(facts: tuple[Fact, ...]) -> dict[tuple[str, str], int]:
    """How `facts` will change available units, by SKU and node."""
    change: dict[tuple[str, str], int] = {}
    for fact in facts:
        for posting in fact.postings:
            key = (posting.sku, posting.node)
            if posting.target == AVAILABLE:
                change[key] = change.get(key, 0) + posting.quantity
            elif posting.source == AVAILABLE:
                change[key] = change.get(key, 0) - posting.quantity
    return change


def _take_free(
    state: State, order: Order, at: int, change: dict[tuple[str, str], int], free: dict[tuple[str, int], int]
) -> list[Source]:
    """Units for one backordered line from the order's nodes, cheapest first; `free` remembers what is left of each cell."""
    ledger, line = state.ledger, order.lines[at]
    sku_at = ledger.sku_index[line.sku]
    missing = line.backordered
    given = []
    for node_at in state.terms.get(state, order.channel, order.area).shipping_order:
        node = ledger.nodes[node_at]
        if not missing or node in order.rejected_by:
            continue
        cell = sku_at * ledger.node_capacity + node_at
        if (line.sku, node_at) not in free:
            units = ledger.cells[AVAILABLE][cell] + change.get((line.sku, node), 0) - state.stock.withheld_cells[cell]
            free[line.sku, node_at] = max(0, units)
        units = min(missing, free[line.sku, node_at])
        if units:
            given.append(Source(node, units))
            free[line.sku, node_at] -= units
            missing -= units
    return given


def _sourced(order: Order, sources: dict[int, list[Source]], first_number: int) -> OrderSourced:
    waiting, postings = [], []
    for at, given in sources.items():
        line = order.lines[at]
        units = sum(source.quantity for source in given)
        waiting.append(Waiting(at, line.backordered - units, line.unsourceable))
        postings += [Posting(line.sku, source.node, AVAILABLE, ALLOCATED, source.quantity) for source in given]
    return OrderSourced(order.number, plan_fulfilments(first_number, sources), tuple(waiting), tuple(postings))
