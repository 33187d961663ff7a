"""A good plan to start from: locations are added while that pays, and dropped where they are not needed."""

import numpy as np

from engine.solver.listing.packing import Floats
from engine.solver.listing.reduced import Reduced


def cover(reduced: Reduced, opening: Floats, start: list[int]) -> list[int] | None:
    """Locations that have everything together, or None if none were found. `opening` float64[L] is what one costs.

    The next one is the cheapest per unit of what is still missing; units that may be lost cost what is lost.
    """
    chosen = list(start)
    missing = reduced.quantity - np.minimum(reduced.quantity, reduced.held[:, chosen].sum(axis=1))
    taken = np.zeros(reduced.at.size, bool)
    taken[chosen] = True
    each = reduced.cost.astype(np.float64)
    if reduced.lost is not None:
        each = each - reduced.lost[:, None]
    while missing.any():
        units = np.minimum(reduced.held, missing[:, None])
        if reduced.lost is not None:
            units = np.where(each < 0, units, 0)
        total = units.sum(axis=0)
        cost = opening + (units * each).sum(axis=0)
        score = np.where(taken | (total == 0), np.inf, cost / np.maximum(1, np.minimum(total, reduced.cap)))
        best = int(np.argmin(score)) if score.size else -1
        if best < 0 or not np.isfinite(score[best]) or (reduced.lost is not None and score[best] >= 0):
            return chosen if reduced.lost is not None else None
        if len(chosen) >= reduced.locations_max:
            return chosen if reduced.lost is not None else None
        chosen.append(best)
        taken[best] = True
        missing = missing - units[:, best]
    return sorted(chosen)
