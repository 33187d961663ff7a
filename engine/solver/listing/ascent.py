"""Better prices, step by step: towards what is not sent enough, away from what is sent twice."""

import numpy as np

from engine.solver.listing.packing import Floats
from engine.solver.listing.relaxation import Flags, Relaxation, Valued, value

PATIENCE = 6
MEMORY = 0.6


def first_prices(relaxation: Relaxation) -> Floats:
    """Prices float64[1, n]: what the cheapest location of each line asks with its part of the opening cost,
    and then as much more as no location can undercut (dual ascent, Bilde and Krarup 1977)."""
    lines = relaxation.quantity.size
    asked = np.where(relaxation.share > 0, relaxation.cost + relaxation.opening / lines, np.inf)
    prices = asked.min(axis=1, initial=np.inf)
    scale = np.abs(relaxation.cost).max(initial=1.0)
    prices = np.minimum(np.where(np.isfinite(prices), prices, scale), relaxation.price_max)
    gains = np.maximum(0.0, prices[:, None] - relaxation.cost) * relaxation.share
    slack = np.maximum(0.0, relaxation.opening - gains.sum(axis=0))
    for line in range(lines):
        row = np.maximum(relaxation.cost[line], prices[line])
        reach = np.where(relaxation.share[line] > 0, row + slack / np.maximum(relaxation.share[line], 1e-9), np.inf)
        highest = min(float(reach.min(initial=np.inf)), float(relaxation.price_max[line]))
        if np.isfinite(highest) and highest > prices[line]:
            slack -= np.maximum(0.0, highest - row) * relaxation.share[line]
            prices[line] = highest
    return np.asarray(prices[None, :])


def ascend(relaxation: Relaxation, prices: Floats, status: Flags, upper: float, rounds: int) -> tuple[Floats, Valued]:
    """Improve `prices` float64[B, n]; returns the best ones found and what they are worth.

    Formula: subgradient steps by Polyak 1969, towards `upper` or not so far above the bound, halved when nothing improves.
    """
    best_prices, best = prices, value(relaxation, prices, status)
    now = best
    length = np.full(len(prices), 1.0)
    stale = np.zeros(len(prices), np.int64)
    spread = 1.0 + float(relaxation.opening.mean())
    direction = np.zeros_like(prices)
    for _ in range(rounds):
        missing = 1.0 - now.sends.sum(axis=2)
        missing[(prices >= relaxation.price_max) & (missing > 0)] = 0.0
        direction = missing + MEMORY * direction
        norm = (direction * direction).sum(axis=1)
        going = (norm > 1e-18) & (best.bound < upper) & (np.abs(missing).max(axis=1) > 1e-9)
        if not going.any():
            break
        target = upper if relaxation.trusts_plans else np.minimum(upper, now.bound + 0.3 * np.abs(best.bound) + spread)
        step = np.where(going, length * np.maximum(target - now.bound, 0.0) / np.maximum(norm, 1e-18), 0.0)
        prices = np.minimum(prices + step[:, None] * direction, relaxation.price_max)
        now = value(relaxation, prices, status)
        better = now.bound > best.bound
        stale = np.where(better, 0, stale + 1)
        best = Valued(
            np.where(better, now.bound, best.bound),
            np.where(better[:, None], now.opens, best.opens),
            np.where(better[:, None, None], now.sends, best.sends),
        )
        best_prices = np.where(better[:, None], prices, best_prices)
        length = np.where(stale >= PATIENCE, length / 2, length)
        stale = np.where(stale >= PATIENCE, 0, stale)
    return best_prices, best
