"""Sourcing open orders again in the background, some at a time, where a policy asks for it."""

import asyncio

from api.server.host import Host
from engine.commands.maintenance import ImproveOrders
from engine.orders.improving import orders_after
from engine.writer import Change, Done

EVERY_SECONDS = 0.25
ORDERS_PER_STEP = 8


class Improver:
    """Walks through the open orders, for ever, as long as some policy sets `improve_minor_min`."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._after: str | None = None

    def _asked_for(self) -> bool:
        policies = self._host.state.configuration.sourcing_policies.values()
        return any(
            settings.improve_minor_min is not None
            for policy in policies
            for settings in (policy, *(override.then for override in policy.overrides))
        )

    async def run(self) -> None:
        """Walk until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            if self._host.state.orders.open and self._asked_for():
                await self._step()

    async def _step(self) -> None:
        """Look at the next few orders until none of them can be improved."""
        numbers = tuple(orders_after(self._host.state, self._after, ORDERS_PER_STEP))
        self._after = numbers[-1] if len(numbers) == ORDERS_PER_STEP else None
        improved = True
        while improved:
            outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()
            change = Change(ImproveOrders(numbers), "system", lambda *_: (200, b""), outcome.set_result)
            improved = self._host.submit(change) is None and isinstance(await outcome, Done)
