"""The digest of a node's state, for who asks: taken in slices, so that others are answered in between."""

import asyncio

from api.server.history import History
from api.server.host import Host
from api.server.snapshots import Scan
from engine.results import Rejection

TRIES_MAX = 3
AT_ONCE_ENTRIES_MAX = 50_000


class Digests:
    """The newest digest of one node's state that is known."""

    def __init__(self, host: Host, history: History) -> None:
        self._host = host
        self._history = history
        self._known: tuple[int, str] | None = None

    async def digest(self, fresh: bool) -> tuple[int, str] | Rejection:
        """(seq, digest of the state then). Taken anew when asked, or if that is little work.

        A state that changes while it is looked at is looked at again. One that changes all the time is made once more
        beside the node, as it was at a record.
        """
        state = self._host.state
        entries = len(state.reservations.active) + len(state.orders.open) + len(state.idempotency.seq_of)
        if self._known is not None and not fresh and entries > AT_ONCE_ENTRIES_MAX:
            return self._known
        for _ in range(TRIES_MAX):
            if self._known is not None and self._known[0] == state.seq:
                return self._known
            scan = Scan(state)
            while not scan.done and scan.is_of_one_moment:
                await asyncio.sleep(0)
                scan.take_slice()
            if scan.is_of_one_moment:
                self._known = (scan.seq, scan.result().digest)
        if self._known is None or self._known[0] != state.seq:
            then = await self._history.ask(state.seq)
            if isinstance(then, Rejection):
                return then
            self._known = (then["seq"], then["digest"])
        return self._known
