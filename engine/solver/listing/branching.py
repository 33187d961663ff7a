"""Which locations to use when lines may be split: branch and bound on open and closed, many nodes at a time."""

from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np

from engine.solver.listing.ascent import ascend
from engine.solver.listing.assignment import NEVER, assign
from engine.solver.listing.effort import Effort
from engine.solver.listing.packing import Floats
from engine.solver.listing.reduced import Reduced, Takes
from engine.solver.listing.relaxation import CLOSED, FREE, OPEN, Flags, Relaxation, Valued, value

NODES_AT_ONCE = 16
ROUNDS = 12
CANDIDATES, POLISH_ROUNDS = 10, 4


class Found(NamedTuple):
    """The best plan so far, its cost (one split penalty too high), and a bound that no plan is below."""

    cost: int
    takes: Takes
    bound: int


class Tried:
    """Sets of locations whose cheapest plan is known; keeps the best plan of all."""

    def __init__(self, reduced: Reduced, cost: int, takes: Takes, effort: Effort) -> None:
        self.reduced, self.cost, self.takes, self.effort = reduced, cost, takes, effort
        self.known: dict[tuple[int, ...], int] = {}

    def bound(self, locations: tuple[int, ...]) -> int:
        """No plan that pays for all of these locations costs less than this; a better plan is kept on the way."""
        known = self.known.get(locations, -NEVER)
        if not locations or known >= self.cost:
            return max(known, self.cost)
        self.effort.spend(25)
        found = assign(self.reduced, list(locations), self.cost, self.effort)
        if found.cost < self.cost:
            self.cost, self.takes = found.cost, found.takes
        self.known[locations] = found.bound
        return found.bound


def branch(reduced: Reduced, relaxation: Relaxation, prices: Floats, start: Found, effort: Effort) -> Found:
    """The cheapest plan; `start` is the best known one, `prices` float64[n] a good set of prices."""
    tried = Tried(reduced, start.cost, start.takes, effort)
    free = np.full(reduced.at.size, FREE, np.int8)
    opens = value(relaxation, prices[None, :], free[None, :]).opens[0]
    polish(tried, opens)
    queue: list[tuple[float, int, Flags, Floats]] = [(-np.inf, 0, free, prices)]
    made, unresolved = 0, float(NEVER)
    while queue and queue[0][0] <= tried.cost - 1:
        taken = [heappop(queue) for _ in range(min(NODES_AT_ONCE, len(queue)))]
        status, at = np.array([entry[2] for entry in taken]), np.array([entry[3] for entry in taken])
        steps = ROUNDS * (30 + status.size * reduced.quantity.size // 300)
        if not effort.spend(steps):
            unresolved = min([unresolved, *(entry[0] for entry in (*taken, *queue))])
            break
        at, valued = ascend(relaxation, at, status, float(tried.cost), ROUNDS)
        _try(tried, status, valued)
        lower = valued.bound - relaxation.slack
        status = settle(relaxation, status, valued, tried.cost)
        for row in np.flatnonzero(lower <= tried.cost - 1):
            bound = max(float(lower[row]), taken[row][0])
            choice = _choice(status[row], valued.opens[row], valued.sends[row])
            if choice < 0:
                exact = tried.bound(tuple(np.flatnonzero(status[row] == OPEN).tolist()))
                if exact < tried.cost:
                    unresolved = min(unresolved, max(bound, exact))
                continue
            for decision in (OPEN, CLOSED):
                child = status[row].copy()
                child[choice] = decision
                made += 1
                heappush(queue, (bound, made, child, at[row]))
    bound = tried.cost if unresolved >= tried.cost else int(np.ceil(max(unresolved, -float(NEVER))))
    return Found(tried.cost, tried.takes, min(bound, tried.cost))


def polish(tried: Tried, opens: Floats) -> None:
    """Add, drop and exchange locations of the best plan while that makes it cheaper; `opens` float64[L], the least first."""
    candidates = np.argsort(opens, kind="stable")[:CANDIDATES].tolist()
    for _ in range(POLISH_ROUNDS):
        before = tried.cost
        used = sorted({at for _, at, _ in tried.takes if at >= 0})
        for out in [*used, None]:
            rest = [at for at in used if at != out]
            tried.bound(tuple(rest))
            if len(rest) < tried.reduced.locations_max:
                for into in candidates:
                    if into not in used:
                        tried.bound(tuple(sorted([*rest, into])))
        if tried.cost >= before or tried.effort.left <= 0:
            return


def settle(relaxation: Relaxation, status: Flags, valued: Valued, upper: int) -> Flags:
    """Close locations that no better plan can use, open those that none can do without; int8[B, L]."""
    lower = (valued.bound - relaxation.slack)[:, None]
    free = status == FREE
    count = (status == OPEN).sum(axis=1)
    full = (count >= relaxation.locations_max)[:, None]
    status = np.where(free & (full | (lower + valued.opens > upper - 1)), CLOSED, status)
    needed = free & (valued.opens < 0) & (lower - valued.opens > upper - 1)
    enough = (free & (valued.opens < 0)).sum(axis=1) + count <= relaxation.locations_max
    return np.where(needed & enough[:, None] & ~full, OPEN, status).astype(np.int8)


def _choice(status: Flags, opens: Floats, sends: Floats) -> int:
    """The free location to decide on; -1 if none is."""
    free = np.flatnonzero(status == FREE)
    if not free.size:
        return -1
    sent = sends[:, free].sum(axis=0)
    if sent.any():
        return int(free[np.argmax(sent)])
    return int(free[np.argmin(opens[free])])


def _try(tried: Tried, status: Flags, valued: Valued) -> None:
    used = (status == OPEN) | valued.sends.any(axis=1)
    for row in range(len(status)):
        if valued.bound[row] < tried.cost:
            tried.bound(tuple(np.flatnonzero(used[row]).tolist()))
