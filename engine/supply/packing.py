"""How many parcels an order needs, told to the solver as weights: it counts a shipment's parcels by its total weight.

Units are whole: two of 100 do not fit a parcel of 150, and one of 200 is a parcel of its own. So where an order's total
weight counts fewer or more parcels than packing it does, its units get other weights for this order, by which the total
counts what packing needs. Docs: docs/decisions/0016-parcels-are-packed-by-weights.md.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence


def parcels_of(weights: Sequence[int], quantities: Sequence[int], limit: int) -> int:
    """Parcels that units of these weights need, none heavier than `limit` unless a single unit is.

    The heaviest first, each into the parcel with the least room for it (best fit decreasing). Parcels with the same
    room are counted together, so that many units cost no more time than few.
    """
    rooms: list[int] = []  # ascending
    count_of: dict[int, int] = {}  # parcels by room
    closed = 0
    for unit, quantity in sorted(zip(weights, quantities, strict=True), reverse=True):
        weight, left = min(unit, limit), quantity
        if not weight:
            break
        changed: dict[int, int] = {}
        at = bisect_left(rooms, weight)
        while left and at < len(rooms):
            room, each = rooms[at], rooms[at] // weight
            full = min(count_of[room], left // each)
            left -= full * each
            _add(changed, room - each * weight, full)
            used = full
            if left and full < count_of[room]:  # the last one is not filled
                _add(changed, room - left * weight, 1)
                left, used = 0, full + 1
            _add(changed, room, -used)
            at += 1
        if left:
            each = limit // weight
            _add(changed, limit - each * weight, left // each)
            _add(changed, limit - left % each * weight, 1 if left % each else 0)
        for room, more in changed.items():
            if not room:
                closed += more
                continue
            if room not in count_of and more:
                insort(rooms, room)
            _add(count_of, room, more)
            if room in count_of and not count_of[room]:
                del count_of[room]
                del rooms[bisect_left(rooms, room)]
    return max(1, closed + sum(count_of.values()))


def _add(counts: dict[int, int], key: int, count: int) -> None:
    if count:
        counts[key] = counts.get(key, 0) + count


def packed_weights(weights: Sequence[int], quantities: Sequence[int], limit: int) -> list[int]:
    """The weight of a unit of each line by which the total weight counts the parcels of the order.

    A unit above the limit weighs as much as a parcel takes. If whole units need more parcels than that, those that
    leave most room when they are packed among themselves count for more, as far as it takes.
    """
    if sum(weight * units for weight, units in zip(weights, quantities, strict=True)) <= limit:
        return list(weights)
    found = [min(weight, limit) for weight in weights]
    total = sum(weight * units for weight, units in zip(found, quantities, strict=True))
    parcels = parcels_of(found, quantities, limit)
    missing = (parcels - 1) * limit + 1 - total
    most = parcels * limit - total
    alone = [-(-limit // (limit // weight)) if weight else 0 for weight in found]
    for at in sorted(range(len(found)), key=lambda at: (found[at] - alone[at], at)):
        if missing <= 0:
            break
        units = quantities[at]
        more = min(alone[at] - found[at], -(-missing // units), most // units)
        found[at] += more
        missing -= more * units
        most -= more * units
    return found
