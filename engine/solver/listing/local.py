"""A good plan of whole lines to start from: locations are added, dropped and exchanged while that makes it cheaper.

Formula: local search for facility location (Kuehn and Hamburger 1963); a line comes from its cheapest open location.
"""

import numpy as np

from engine.solver.listing.packing import Floats, price_of
from engine.solver.listing.reduced import Reduced, Takes
from engine.solver.listing.relaxation import Relaxation
from engine.solver.problem import Ints

MOVES_MAX = 60


def improve(relaxation: Relaxation, start: list[int]) -> list[int]:
    """Locations that are hard to improve, with parcels by weight where those matter. Lines that nobody has cost a lot."""
    cost = relaxation.cost if relaxation.heavy_cost is None else relaxation.heavy_cost
    opening = relaxation.opening if relaxation.heavy_cost is None else relaxation.heavy_opening
    scale = float(np.abs(cost).max(initial=1.0) + np.abs(opening).max(initial=1.0)) * (cost.shape[0] + 1)
    cost = np.where(relaxation.share > 0, cost, 4 * scale)
    nobody = np.minimum(relaxation.price_max, 4 * scale)
    chosen = list(start)
    for _ in range(MOVES_MAX):
        without = [_lowest(cost, nobody, [at for at in chosen if at != out]) for out in chosen]
        now = float(_lowest(cost, nobody, chosen).sum() + opening[chosen].sum())
        best, move = now - 1e-6, None
        if len(chosen) < relaxation.locations_max:
            total = _with_each(cost, opening, _lowest(cost, nobody, chosen)) + opening[chosen].sum()
            into = int(total.argmin())
            if total[into] < best:
                best, move = float(total[into]), [*chosen, into]
        for out, lowest in zip(chosen, without, strict=True):
            rest = [at for at in chosen if at != out]
            paid = float(opening[rest].sum())
            if lowest.sum() + paid < best:
                best, move = float(lowest.sum() + paid), rest
            total = _with_each(cost, opening, lowest) + paid
            into = int(total.argmin())
            if total[into] < best:
                best, move = float(total[into]), [*rest, into]
        if move is None:
            break
        chosen = move
    return sorted(set(chosen))


def _lowest(cost: Floats, nobody: Floats, chosen: list[int]) -> Floats:
    return np.asarray(np.minimum(nobody, cost[:, chosen].min(axis=1, initial=np.inf)))


def _with_each(cost: Floats, opening: Floats, lowest: Floats) -> Floats:
    """What lines and one more location cost, float64[L]."""
    return np.asarray(np.minimum(cost, lowest[:, None]).sum(axis=0) + opening)


def plan_from(reduced: Reduced, locations: list[int]) -> tuple[int, Takes] | None:
    """Whole lines from their cheapest of these locations, the largest first, within the caps; None if that is not legal."""
    room = {at: int(reduced.cap[at]) for at in locations}
    sent: dict[int, list[int]] = {}
    cost = 0
    for line in np.argsort(-reduced.quantity, kind="stable").tolist():
        units = int(reduced.quantity[line])
        lost = None if reduced.lost is None else int(reduced.lost[line])
        options = [
            (int(reduced.cost[line, at]), at) for at in locations if reduced.held[line, at] and room[at] >= units
        ]
        each, at = min(options, default=(0, -1))
        if at < 0 or (lost is not None and lost < each):
            if lost is None:
                return None
            cost += units * lost
            continue
        cost += units * each
        room[at] -= units
        sent.setdefault(at, []).append(line)
    if len(sent) > reduced.locations_max or (len(sent) > 1 and not _worth(reduced, sent)):
        return None
    for at, lines in sent.items():
        weight = int(reduced.weight[lines] @ reduced.quantity[lines])
        cost += int(reduced.base[at]) + price_of(reduced.parcel[:, at].tolist(), reduced.steps, weight)
    takes = tuple((line, at, int(reduced.quantity[line])) for at, lines in sorted(sent.items()) for line in lines)
    return (cost, takes) if takes else None


def _worth(reduced: Reduced, sent: dict[int, list[int]]) -> bool:
    if reduced.value is None or not reduced.split_value_min:
        return True
    worth: Ints = reduced.value * reduced.quantity
    return all(int(worth[lines].sum()) >= reduced.split_value_min for lines in sent.values())
