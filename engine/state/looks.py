"""Who waits and is to be looked at, since units may be free for them. Derived: forgetting it only means to look at all.

It is told what may have freed units (engine/stock/backorders.py); looking serves who can be served, in order of
promise, until nothing is due.
"""

from heapq import heappop, heappush
from typing import NamedTuple


class Waiter(NamedTuple):
    """Who waits since record `promised`: an order by its number, or (`order` is "") the reservation of that record."""

    promised: int
    order: str


class Looks:
    """SKUs of which units may be free, and who is to be looked at. `everything`: any SKU that somebody waits for.

    Everything is due at the start, as nobody knows what was done before the node stopped.
    """

    def __init__(self) -> None:
        self.everything = True
        self.skus: dict[str, None] = {}
        self._queue: list[Waiter] = []
        self._queued: dict[Waiter, None] = {}
        self._later: list[tuple[int, Waiter]] = []

    @property
    def due(self) -> bool:
        """Whether somebody may have to be served."""
        return bool(self.everything or self.skus or self._queue)

    def add(self, waiter: Waiter) -> None:
        """Look at somebody."""
        if waiter not in self._queued:
            self._queued[waiter] = None
            heappush(self._queue, waiter)

    def next(self) -> Waiter | None:
        """Whose turn it is; it is taken off the list."""
        if not self._queue:
            return None
        waiter = heappop(self._queue)
        del self._queued[waiter]
        return waiter

    def add_later(self, at_ns: int, waiter: Waiter) -> None:
        """Look at somebody once a time has come, as nothing else may tell."""
        heappush(self._later, (at_ns, waiter))

    def next_ns(self) -> int | None:
        """When somebody has to be looked at because of the time."""
        return self._later[0][0] if self._later else None

    def come(self, now_ns: int) -> None:
        """Those whose time has come are due."""
        while self._later and self._later[0][0] <= now_ns:
            self.add(heappop(self._later)[1])

    def forget(self) -> None:
        """As at the start."""
        self.__init__()  # type: ignore[misc]
