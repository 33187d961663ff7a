"""Closed orders and ended reservations: out of memory, still answered.

They wait in `pending` until the writer flushes them to a table on disk, after their facts are durable. The table is
derived: it can be thrown away and comes back by replay. Look-ups see pending entries first.
"""

import heapq
from collections.abc import Iterator
from typing import Protocol

import msgspec

from engine.state import orders
from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.wal.closed import ClosedEntry

ORDERS, RESERVATIONS = "orders", "reservations"


class Table(Protocol):
    """What engine/wal/closed.py provides, on disk or in memory."""

    through_seq: int

    def store(self, entries: list[ClosedEntry], through_seq: int) -> None: ...
    def get(self, table: str, key: str) -> bytes | None: ...
    def get_by_alias(self, table: str, alias: str) -> bytes | None: ...
    def newest(self, table: str, before_serial: int | None = None) -> Iterator[tuple[int, bytes]]: ...


_reservations = msgspec.msgpack.Decoder(Reservation)


class Closed:
    """Final states by order number and reservation number."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.orders: dict[str, Order] = {}
        self.reservations: dict[int, Reservation] = {}
        self._by_fulfilment: dict[int, str] = {}
        self._by_return: dict[int, str] = {}
        self._by_change: dict[int, str] = {}

    @property
    def pending_count(self) -> int:
        """Entries that are not on disk yet."""
        return len(self.orders) + len(self.reservations)

    def add_order(self, order: Order) -> None:
        """Take in an order that has just closed."""
        self.orders[order.number] = order
        for fulfilment in order.fulfilments:
            self._by_fulfilment[fulfilment.number] = order.number
        for agreed in order.returns:
            self._by_return[agreed.number] = order.number
        for change in order.changes:
            self._by_change[change.number] = order.number

    def add_reservation(self, reservation: Reservation) -> None:
        """Take in a reservation that has just ended."""
        self.reservations[reservation.number] = reservation

    def reopened(self, number: str) -> None:
        """An order went back into memory: a pending entry is out of date."""
        order = self.orders.pop(number, None)
        for fulfilment in order.fulfilments if order else ():
            del self._by_fulfilment[fulfilment.number]
        for agreed in order.returns if order else ():
            del self._by_return[agreed.number]
        for change in order.changes if order else ():
            del self._by_change[change.number]

    def order(self, number: str) -> Order | None:
        """A closed order, as a copy."""
        pending = self.orders.get(number)
        value = orders.encode(pending) if pending is not None else self.table.get(ORDERS, number)
        return None if value is None else orders.decode(value)

    def order_by_fulfilment(self, fulfilment: int) -> Order | None:
        """The closed order a fulfilment belongs to, as a copy."""
        return self._by_alias(self._by_fulfilment.get(fulfilment), f"f{fulfilment}")

    def order_by_return(self, return_id: int) -> Order | None:
        """The closed order a return belongs to, as a copy."""
        return self._by_alias(self._by_return.get(return_id), f"r{return_id}")

    def order_by_change(self, change: int) -> Order | None:
        """The closed order a change belongs to, as a copy."""
        return self._by_alias(self._by_change.get(change), f"c{change}")

    def _by_alias(self, pending: str | None, alias: str) -> Order | None:
        if pending is not None:
            return self.order(pending)
        value = self.table.get_by_alias(ORDERS, alias)
        return None if value is None else orders.decode(value)

    def reservation(self, number: int) -> Reservation | None:
        """An ended reservation."""
        pending = self.reservations.get(number)
        if pending is not None:
            return pending
        value = self.table.get(RESERVATIONS, str(number))
        return None if value is None else _reservations.decode(value)

    def newest_orders(self, before_seq: int | None = None) -> Iterator[Order]:
        """Closed orders, the youngest first, from those made before `before_seq`. Stale entries may show."""
        recent = sorted(
            (o for o in self.orders.values() if before_seq is None or o.seq < before_seq), key=lambda o: -o.seq
        )
        stored = (
            order
            for order in (orders.decode(value) for _, value in self.table.newest(ORDERS, before_seq))
            if order.number not in self.orders
        )
        return heapq.merge(recent, stored, key=lambda order: -order.seq)

    def newest_reservations(self, before: int | None = None) -> Iterator[Reservation]:
        """Ended reservations, the youngest first, from numbers below `before`."""
        recent = sorted(
            (r for r in self.reservations.values() if before is None or r.number < before), key=lambda r: -r.number
        )
        stored = (
            reservation
            for reservation in (_reservations.decode(value) for _, value in self.table.newest(RESERVATIONS, before))
            if reservation.number not in self.reservations
        )
        return heapq.merge(recent, stored, key=lambda reservation: -reservation.number)

    def flush(self, through_seq: int) -> None:
        """Put what is pending on disk. `through_seq` is the seq of the state, all of it durable."""
        if through_seq > self.table.through_seq:
            entries = [_order_entry(order) for order in self.orders.values()]
            entries += [_reservation_entry(reservation) for reservation in self.reservations.values()]
            self.table.store(entries, through_seq)
        self.drop_pending()

    def drop_pending(self) -> None:
        """Forget what is pending: it is on disk, or the caller does not want it."""
        for pending in (self.orders, self.reservations, self._by_fulfilment, self._by_return, self._by_change):
            pending.clear()


def _order_entry(order: Order) -> ClosedEntry:
    aliases = [f"f{fulfilment.number}" for fulfilment in order.fulfilments]
    aliases += [f"r{agreed.number}" for agreed in order.returns]
    aliases += [f"c{change.number}" for change in order.changes]
    return ClosedEntry(ORDERS, order.seq, order.number, tuple(aliases), orders.encode(order))


def _reservation_entry(reservation: Reservation) -> ClosedEntry:
    number = reservation.number
    return ClosedEntry(RESERVATIONS, number, str(number), (), msgspec.msgpack.encode(reservation))
