"""Reservations, as they are kept: the active ones, in the order in which they end."""

import heapq

import msgspec

from engine.areas import Area
from engine.facts.reservations import (
    ReservedLine,
)
from engine.facts.sourcing import Slot
from engine.state.parts import Listed, part_of

ACTIVE, CONFIRMED, RELEASED, EXPIRED = "active", "confirmed", "released", "expired"


class Reservation(msgspec.Struct, array_like=True, gc=False):
    """A claim. Once it ended it keeps the lines it held last; its units are elsewhere then."""

    number: int
    channel: str
    created_at_ns: int
    expires_at_ns: int
    area: Area
    lines: tuple[ReservedLine, ...]
    state: str = ACTIVE
    slots: tuple[Slot, ...] = ()
    delivery: str = "ship"
    customer_group: str | None = None


class Reservations(Listed):
    """Active reservations by number, the order in which they end, and by SKU those that wait for units."""

    PARTS = (part_of("reservations", Reservation, "active"),)

    def __init__(self) -> None:
        self.active: dict[int, Reservation] = {}
        self.waiting: dict[str, dict[int, None]] = {}
        self._units_waiting: dict[tuple[str, str], int] = {}
        self._ends: list[tuple[int, int]] = []

    def open(self, reservation: Reservation) -> None:
        """Take in an active reservation."""
        self.active[reservation.number] = reservation
        self._ends_at(reservation.expires_at_ns, reservation.number)

    def enter_waiting(self, reservation: Reservation) -> None:
        """Enter what an active one waits for under its SKUs: what is backordered, or promised from inbound."""
        for line in reservation.lines:
            if line.backordered or any(source.inbound is not None for source in line.sources):
                self.waiting.setdefault(line.sku, {})[reservation.number] = None
            if line.backordered:
                key = line.sku, reservation.channel
                self._units_waiting[key] = self._units_waiting.get(key, 0) + line.backordered

    def leave_waiting(self, reservation: Reservation) -> None:
        """Take out what was entered, before its lines are others or it ends."""
        for line in reservation.lines:
            queue = self.waiting.get(line.sku)
            if queue is not None and reservation.number in queue:
                del queue[reservation.number]
                if not queue:
                    del self.waiting[line.sku]
            if line.backordered:
                key = line.sku, reservation.channel
                self._units_waiting[key] -= line.backordered
                if not self._units_waiting[key]:
                    del self._units_waiting[key]

    def units_waiting(self, sku: str, channel: str) -> int:
        """Units of a SKU that are backordered for active reservations of a channel."""
        return self._units_waiting.get((sku, channel), 0)

    def order_ends(self) -> None:
        """Put all active reservations in order of their ends."""
        self._ends = [(reservation.expires_at_ns, reservation.number) for reservation in self.active.values()]
        heapq.heapify(self._ends)

    def extend(self, number: int, expires_at_ns: int) -> None:
        """Let it end at another time. The earlier entry stays in the heap and is skipped when it comes up."""
        self.active[number].expires_at_ns = expires_at_ns
        self._ends_at(expires_at_ns, number)

    def _ends_at(self, expires_at_ns: int, number: int) -> None:
        """Enter an end. Entries of what was extended or ended early are swept out once they are the most."""
        heapq.heappush(self._ends, (expires_at_ns, number))
        if len(self._ends) > 64 + 4 * len(self.active):
            self.order_ends()

    @property
    def ends_count(self) -> int:
        """Entries kept to know what ends when; bounded by the active reservations."""
        return len(self._ends)

    def next_end_ns(self) -> int | None:
        """When the next active reservation ends, or None."""
        ends = self._ends
        while ends:
            end_ns, number = ends[0]
            reservation = self.active.get(number)
            if reservation is not None and reservation.expires_at_ns == end_ns:
                return end_ns
            heapq.heappop(ends)
        return None

    def due(self, now_ns: int, count_max: int) -> list[Reservation]:
        """Up to `count_max` reservations whose end has come, in order of expiry. Changes nothing they hold."""
        due: list[Reservation] = []
        while len(due) < count_max:
            end_ns = self.next_end_ns()
            if end_ns is None or end_ns > now_ns:
                break
            reservation = self.active[heapq.heappop(self._ends)[1]]
            if not due or due[-1] is not reservation:  # extended to and fro, an end can stand in the heap twice
                due.append(reservation)
        for reservation in due:
            heapq.heappush(self._ends, (reservation.expires_at_ns, reservation.number))
        return due
