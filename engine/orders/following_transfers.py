"""A planned transfer that brings something for a pickup follows its order: what the order does without stays.

Whatever gives up a claim on what such a transfer brings (a cancelled or lowered order, another way or place, a lapsed
time, units that were found elsewhere) is followed by what becomes of the transfer, in the same record. What is under
way already goes on: its units are free when they arrive, and a fact of its own tells people so.
"""

from engine.facts import Fact
from engine.facts.inbound import InboundCancelled, InboundUnits
from engine.facts.orders import Claim, OrderCancelled, OrderChanged, OrderSourced
from engine.facts.postings import ALLOCATED, AVAILABLE, INBOUND, SUPPLIER, Posting
from engine.facts.transfers import (
    TransferCancelled,
    TransferFreed,
    TransferLowered,
    TransferReceived,
    TransferShipped,
    TransferTurnedBack,
    TransferUnits,
)
from engine.lifecycles import PLANNED
from engine.state.inbound import Inbound
from engine.state.state import State
from engine.state.transfers import Transfer

# Decided with all that follows from them (engine/stock/transfers.py).
_DECIDED = TransferCancelled | TransferShipped | TransferTurnedBack | TransferReceived
_WAITING = OrderCancelled | OrderChanged | OrderSourced


def follow(state: State, facts: tuple[Fact, ...], before: tuple[Fact, ...] = ()) -> tuple[Fact, ...]:
    """`facts`, each that gives up what a transfer brings followed by what becomes of that.

    `state` is from before the record, whose facts so far are `before`.
    """
    if not state.transfers.open or not any(isinstance(fact, _WAITING | InboundCancelled) for fact in facts):
        return facts
    promises = _Promises(state, (*before, *facts))
    for fact in before:
        promises.fold(fact)
    found: list[Fact] = []
    for fact in facts:
        found.append(fact)
        given_up = promises.fold(fact)
        for number, units in given_up.items():
            found += promises.following(number, fact, units)
    return tuple(found)


class _Promises:
    """What is promised of the inbound of transfers while the facts of a record come one by one."""

    def __init__(self, state: State, facts: tuple[Fact, ...]) -> None:
        self._state = state
        self._decided = {fact.transfer for fact in facts if isinstance(fact, _DECIDED)}
        self._called_off = {fact.inbound for fact in facts if isinstance(fact, InboundCancelled)}
        self._claims: dict[tuple[str, int], tuple[Claim, ...]] = {}
        self._promised: dict[tuple[int, str], int] = {}
        self._cancelled: dict[tuple[int, str], int] = {}
        self._left: dict[tuple[int, str], int] = {}

    def fold(self, fact: Fact) -> dict[int, dict[str, int]]:
        """Take in a fact; the units by SKU that it frees of each inbound."""
        freed: dict[int, dict[str, int]] = {}
        if isinstance(fact, TransferLowered):
            for stays in fact.lines:
                self._left[fact.transfer, stays.sku] = self._left.get((fact.transfer, stays.sku), 0) + stays.quantity
        elif isinstance(fact, InboundCancelled):
            self._called_off.discard(fact.inbound)
            for gone in fact.lines:
                key = (fact.inbound, gone.sku)
                self._cancelled[key] = self._cancelled.get(key, 0) + gone.quantity
            freed[fact.inbound] = {}
        elif isinstance(fact, _WAITING):
            order = self._state.orders.open.get(fact.order)
            for entry in () if order is None else fact.waiting:
                if order is None or entry.line >= len(order.lines):
                    continue  # added in this record
                line = order.lines[entry.line]
                claims = self._claims.get((fact.order, entry.line), line.claims)
                self._claims[fact.order, entry.line] = entry.claims
                for sign, some in ((-1, claims), (1, entry.claims)):
                    for claim in some:
                        key = (claim.inbound, line.sku)
                        self._promised[key] = self._promised.get(key, 0) + sign * claim.quantity
                        units = freed.setdefault(claim.inbound, {})
                        units[line.sku] = units.get(line.sku, 0) - sign * claim.quantity
        return {inbound: units for inbound, units in freed.items() if not units or any(n > 0 for n in units.values())}

    def following(self, number: int, fact: Fact, units: dict[str, int]) -> list[Fact]:
        """What becomes of the transfer behind an inbound."""
        inbound = self._state.inbound.open.get(number)
        transfer = None if inbound is None or inbound.transfer is None else self._transfer(inbound.transfer)
        if inbound is None or transfer is None:
            return []
        if transfer.state != PLANNED:
            freed = tuple(TransferUnits(sku, count) for sku, count in units.items() if count > 0)
            return [TransferFreed(transfer.number, fact.order, freed)] if freed and isinstance(fact, _WAITING) else []
        return [] if number in self._called_off else self._lowered(inbound, transfer)

    def _transfer(self, number: int) -> Transfer | None:
        return None if number in self._decided else self._state.transfers.open.get(number)

    def _lowered(self, inbound: Inbound, transfer: Transfer) -> list[Fact]:
        """A planned transfer brings what is promised of it, and no more."""
        gone: list[InboundUnits] = []
        stays: list[TransferUnits] = []
        goes = 0
        for line in inbound.lines:
            key = (inbound.number, line.sku)
            expected = line.expected - self._cancelled.get(key, 0)
            promised = line.promised + self._promised.get(key, 0)
            if expected > promised:
                gone.append(InboundUnits(line.sku, expected - promised))
                self._cancelled[key] = self._cancelled.get(key, 0) + expected - promised
            planned = transfer.line_of(line.sku)
            assert planned is not None
            stay = planned.quantity - self._left.get((transfer.number, line.sku), 0) - promised
            goes += promised
            if stay > 0:
                stays.append(TransferUnits(line.sku, stay))
                self._left[transfer.number, line.sku] = self._left.get((transfer.number, line.sku), 0) + stay
        facts: list[Fact] = []
        if gone:
            postings = tuple(Posting(one.sku, inbound.node, INBOUND, SUPPLIER, one.quantity) for one in gone)
            facts.append(InboundCancelled(inbound.number, tuple(gone), postings))
        if stays:
            free = tuple(Posting(one.sku, transfer.source, ALLOCATED, AVAILABLE, one.quantity) for one in stays)
            if goes:
                facts.append(TransferLowered(transfer.number, tuple(stays), free))
            else:
                facts.append(TransferCancelled(transfer.number, free))
                self._decided.add(transfer.number)
        return facts
