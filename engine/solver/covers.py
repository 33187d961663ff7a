"""A bound by counting: what is still missing of one line needs so many more locations, whatever prices say.

Where lines are large and locations hold part of them, relaxations open locations by halves. For the line that is hardest to
cover this looks at whole ones: the cheapest single location, the cheapest pair, else the three or more that cost least.
"""

import numpy as np

from engine.solver.numbers import Numbers

PAIRED_LOCATIONS_MAX = 80
PAIRED_LINES_MAX = 12


def least_cover(numbers: Numbers, forced_count: int) -> tuple[float, int]:
    """Minor units that any plan costs in which the locations that stand first are open, with one split penalty taken off.

    Infinite if no plan has everything. Beside it the line that is hardest to cover, -1 if all are. Not for orders of which
    units may be lost.
    """
    assert numbers.lost is None
    quantity = numbers.problem.quantity
    missing = np.maximum(quantity - numbers.units[:, :forced_count].sum(axis=1), 0)
    opening = numbers.opening[forced_count:]
    each = np.where(numbers.units > 0, numbers.each, np.iinfo(np.int64).max).min(axis=1)
    base = float(numbers.opening[:forced_count].sum() + np.minimum(opening, 0).sum())
    base += float(quantity @ each) - numbers.problem.rules.split_penalty
    open_lines = np.flatnonzero(missing)
    if not open_lines.size:
        return base, -1
    units, missing = numbers.units[open_lines, forced_count:], missing[open_lines]
    if (units.sum(axis=1) < missing).any():
        return np.inf, -1
    order = np.argsort(np.maximum(opening, 0), kind="stable")
    price = np.maximum(opening[order], 0).astype(np.float64)
    units = units[:, order]
    count = 1 + (np.cumsum(-np.sort(-units, axis=1), axis=1) < missing[:, None]).sum(axis=1)
    needed = np.cumsum(price)[np.maximum(count, 3).clip(max=price.size) - 1]
    single = np.where(units >= missing[:, None], price, np.inf).min(axis=1)
    pair = np.full(single.size, np.inf)
    hardest = np.argsort(-np.minimum(single, needed), kind="stable")[:PAIRED_LINES_MAX]
    if 1 < price.size <= PAIRED_LOCATIONS_MAX:
        able = units[hardest][:, :, None] + units[hardest][:, None, :] >= missing[hardest][:, None, None]
        able &= ~np.eye(price.size, dtype=bool)
        pair[hardest] = np.where(able, price[:, None] + price, np.inf).min(axis=(1, 2))
    else:
        hardest = np.flatnonzero(count > 2)
    three = np.where((count <= 2) & (price.size < 3), np.inf, needed)
    cover = np.minimum(np.minimum(single, pair), three)
    if not hardest.size:
        return base, int(open_lines[0])
    at = int(hardest[cover[hardest].argmax()])
    return base + float(cover[at]), int(open_lines[at])
