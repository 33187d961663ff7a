"""What nodes do with their work: steps forward, and rejections after which the order is sourced again at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.commands.orders import AdvanceFulfilment, RejectFulfilment, SourceOrderAgain
from engine.facts import Fact, FulfilmentAdvanced, FulfilmentRejected, OrderReopened, OrderSourced
from engine.facts.orders import Waiting
from engine.facts.postings import ALLOCATED, AVAILABLE, CUSTOMER, LOSS, UNSELLABLE, Posting
from engine.facts.reservations import Source
from engine.facts.sourcing import Decision, Slot
from engine.orders import (
    OPEN_STEPS,
    REJECTED,
    STATE_AFTER,
    STEPS,
    Fulfilment,
    Order,
    decode,
    encode,
    evolve_add_fulfilments,
    evolve_waiting,
    find,
    find_by_fulfilment,
)
from engine.placing import plan_fulfilments
from engine.results import Rejection, ResultCode
from engine.supply import Demand, Request, supply

if TYPE_CHECKING:
    from engine.state import State


def reopening(state: State, order: Order) -> tuple[Fact, ...]:
    """The fact that brings a closed order back into memory; nothing for an open one."""
    return () if order.number in state.orders.open else (OrderReopened(order.number, encode(order)),)


def evolve_reopened(state: State, fact: OrderReopened) -> None:
    """Back into memory as it was closed; it leaves again at the end of the record unless something is open by then."""
    state.orders.add(decode(fact.state))
    state.orders.touch(fact.order)
    state.closed.reopened(fact.order)


def decide_advance(state: State, command: AdvanceFulfilment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """One or more steps forward. Passing `shipped` takes the units off hand."""
    order = find_by_fulfilment(state, command.fulfilment)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment")
    fulfilment = order.fulfilment(command.fulfilment)
    after = STATE_AFTER[command.action]
    if fulfilment.state not in STEPS or STEPS.index(after) <= STEPS.index(fulfilment.state):
        detail = f"the fulfilment is {fulfilment.state}; {command.action} is not possible any more"
        return Rejection(ResultCode.INVALID_TRANSITION, detail)
    postings: tuple[Posting, ...] = ()
    if fulfilment.state in OPEN_STEPS and after not in OPEN_STEPS:
        postings = tuple(
            Posting(order.lines[take.line].sku, fulfilment.node, ALLOCATED, CUSTOMER, take.quantity)
            for take in fulfilment.lines
        )
    tracking = command.tracking
    advanced = FulfilmentAdvanced(
        order.number,
        fulfilment.number,
        after,
        None if tracking is None else tracking.carrier,
        None if tracking is None else tracking.code,
        postings,
    )
    return (*reopening(state, order), advanced)


def evolve_advanced(state: State, fact: FulfilmentAdvanced) -> None:
    """Write down the step, and what shipped."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    fulfilment = order.fulfilment(fact.fulfilment)
    if fulfilment.state in OPEN_STEPS and fact.state not in OPEN_STEPS:
        for take in fulfilment.lines:
            order.lines[take.line].allocated -= take.quantity
            order.lines[take.line].shipped += take.quantity
    fulfilment.state, fulfilment.changed_at_ns = fact.state, state.time_ns
    if fact.carrier is not None:
        fulfilment.carrier, fulfilment.tracking_code = fact.carrier, fact.tracking_code


def decide_reject(state: State, command: RejectFulfilment, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Take the work back, book what the reason says, and source the units elsewhere in the same record."""
    order = find_by_fulfilment(state, command.fulfilment)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such fulfilment")
    fulfilment = order.fulfilment(command.fulfilment)
    if fulfilment.state not in OPEN_STEPS:
        return Rejection(ResultCode.INVALID_TRANSITION, f"the fulfilment is {fulfilment.state} and can't be rejected")
    rejected = FulfilmentRejected(
        order.number,
        fulfilment.number,
        fulfilment.node,
        command.reason,
        command.note,
        _rejection_postings(state, order, fulfilment, command.reason),
    )
    missing: dict[int, int] = {}
    for take in fulfilment.lines:
        missing[take.line] = missing.get(take.line, 0) + take.quantity
    return rejected, source_lines(state, order, missing, [*order.rejected_by, fulfilment.node], now_ns)


def _rejection_postings(state: State, order: Order, fulfilment: Fulfilment, reason: str) -> tuple[Posting, ...]:
    """Not found: written off, with what the node still thought free. Damaged: unsellable. No capacity: free again."""
    target = {"not_found": LOSS, "damaged": UNSELLABLE, "no_capacity": AVAILABLE}[reason]
    postings = []
    skus: dict[str, None] = {}
    for take in fulfilment.lines:
        sku = order.lines[take.line].sku
        skus[sku] = None
        postings.append(Posting(sku, fulfilment.node, ALLOCATED, target, take.quantity))
    if reason == "not_found":
        for sku in skus:
            free = state.ledger.balance(AVAILABLE, sku, fulfilment.node)
            if free:
                postings.append(Posting(sku, fulfilment.node, AVAILABLE, LOSS, free))
    return tuple(postings)


def source_lines(state: State, order: Order, missing: dict[int, int], excluded: list[str], now_ns: int) -> OrderSourced:
    """Find nodes for `missing` units by line position. What finds none is backordered, or left for a person to decide."""
    sources, postings, slots, decision = _find_nodes(state, order, missing, excluded, now_ns)
    waiting = []
    for at, quantity in missing.items():
        line = order.lines[at]
        short = quantity - sum(source.quantity for source in sources[at])
        if short:
            later = state.configuration.items[line.sku].backorderable
            waiting.append(
                Waiting(
                    at,
                    line.backordered + (short if later else 0),
                    line.unsourceable + (0 if later else short),
                    line.claims,
                )
            )
    planned = plan_fulfilments(state.orders.next_fulfilment, sources, slots)
    return OrderSourced(order.number, planned, tuple(waiting), postings, decision)


def _find_nodes(
    state: State, order: Order, missing: dict[int, int], excluded: list[str], now_ns: int
) -> tuple[dict[int, list[Source]], tuple[Posting, ...], tuple[Slot, ...], Decision]:
    """Sources by line position, the postings that bind them, places at nodes, and how it was decided."""
    lines = order.lines
    demand = [Demand(lines[at].sku, quantity, None, lines[at].unit_price_minor) for at, quantity in missing.items()]
    request = Request(
        order.channel, demand, order.area, order.delivery, order.customer_group, True, tuple(excluded), inbound=False
    )
    found, _, slots, decision = supply(state, request, now_ns)
    sources = {at: list(given) for at, given in zip(missing, found, strict=True)}
    postings = tuple(
        Posting(order.lines[at].sku, source.node, AVAILABLE, ALLOCATED, source.quantity)
        for at, given in sources.items()
        for source in given
    )
    return sources, postings, slots, decision


def decide_source_again(state: State, command: SourceOrderAgain, now_ns: int) -> OrderSourced | Rejection:
    """Look again for what waits or was left for a person; what was left for a person is served first.

    Units that were promised from inbound wait for it.
    """
    order = find(state, command.order)
    if order is None:
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    missing = {at: line.backordered - line.claimed + line.unsourceable for at, line in enumerate(order.lines)}
    missing = {at: quantity for at, quantity in missing.items() if quantity}
    if not missing:
        return Rejection(ResultCode.INVALID_TRANSITION, "no unit of this order waits for a node")
    sources, postings, slots, decision = _find_nodes(state, order, missing, order.rejected_by, now_ns)
    if not postings:
        return Rejection(ResultCode.INSUFFICIENT_STOCK, "still no node has stock for this order")
    waiting = []
    for at, given in sources.items():
        line = order.lines[at]
        units = sum(source.quantity for source in given)
        from_unsourceable = min(units, line.unsourceable)
        waiting.append(
            Waiting(
                at, line.backordered - (units - from_unsourceable), line.unsourceable - from_unsourceable, line.claims
            )
        )
    planned = plan_fulfilments(state.orders.next_fulfilment, sources, slots)
    return OrderSourced(order.number, planned, tuple(waiting), postings, decision)


def evolve_sourced(state: State, fact: OrderSourced) -> None:
    """Write down new work for nodes, and what waits on."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    evolve_add_fulfilments(state, order, fact.fulfilments)
    evolve_waiting(state, order, fact.waiting)


def evolve_rejected(state: State, fact: FulfilmentRejected) -> None:
    """Write down that the node is out of the question for this order, for ever."""
    state.ledger.post(fact.postings)
    order = state.orders.touch(fact.order)
    fulfilment = order.fulfilment(fact.fulfilment)
    for take in fulfilment.lines:
        order.lines[take.line].allocated -= take.quantity
    fulfilment.state, fulfilment.changed_at_ns, fulfilment.reason = REJECTED, state.time_ns, fact.reason
    state.capacity.give_back(fulfilment.slots)
    fulfilment.day = None
    if fact.node not in order.rejected_by:
        order.rejected_by.append(fact.node)
