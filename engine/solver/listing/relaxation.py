"""Lower bounds by prices: every line is worth a price, every location opens only if that pays.

Formula: the Lagrangean relaxation of the demand of uncapacitated and capacitated facility location (Geoffrion and
McBride 1978; Cornuejols, Fisher and Nemhauser 1977), evaluated for many nodes of a search at once:

    bound = sum_i price_i + sum over open l h_l + sum over free l min(0, h_l),  h_l = base_l + cheapest shipment at price
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.solver.listing.packing import Floats, least, per_weight
from engine.solver.listing.reduced import Reduced

Flags = NDArray[np.int8]

CLOSED, FREE, OPEN = -1, 0, 1


class Relaxation(NamedTuple):
    """float64, per whole line: `cost` [n, L] minor units, `share` [n, L] of the line that can be sent; `opening` [L].

    `heavy_cost`, `heavy_opening`: the same with parcels paid by weight instead of once; None where weight never matters.
    `tight` intp[T] locations whose cap may bind, `tight_cap` [T] units, `quantity` [n]; `price_max` [n] what a line may
    cost before it is lost; `slack` what rounding errors may add to a bound;
    `trusts_plans` whether the best known plan is likely near the cheapest, as local search makes it for whole lines.
    """

    cost: Floats
    share: Floats
    opening: Floats
    heavy_cost: Floats | None
    heavy_opening: Floats
    tight: NDArray[np.intp]
    tight_cap: Floats
    quantity: Floats
    price_max: Floats
    locations_max: int
    slack: float
    trusts_plans: bool


class Valued(NamedTuple):
    """At some prices: `bound` float64[B], `opens` float64[B, L] (h above), `sends` float64[B, n, L] if it is used."""

    bound: Floats
    opens: Floats
    sends: Floats


def relax(reduced: Reduced) -> Relaxation:
    """Describe a problem for bounds."""
    quantity = reduced.quantity.astype(np.float64)
    cost = reduced.cost * quantity[:, None]
    share = reduced.held / quantity[:, None]
    heaviest = reduced.weight @ reduced.held
    opening = (reduced.base + least(reduced.parcel, reduced.steps, heaviest)).astype(np.float64)
    heavy = None
    if reduced.steps and (heaviest > reduced.steps[0]).any():
        heavy = cost + (reduced.weight * quantity)[:, None] * per_weight(reduced.parcel, reduced.steps)
    tight = np.flatnonzero(reduced.cap < reduced.held.sum(axis=0))
    lost = np.full(quantity.size, np.inf) if reduced.lost is None else reduced.lost * quantity
    scale = float(np.abs(cost).max(initial=0) * quantity.size + np.abs(opening).max(initial=0) * reduced.at.size)
    return Relaxation(
        cost,
        share,
        opening,
        heavy,
        reduced.base.astype(np.float64),
        tight,
        reduced.cap[tight].astype(np.float64),
        quantity,
        lost,
        reduced.locations_max,
        max(1e-5, 1e-12 * scale),
        not reduced.line_split,
    )


def uncapped(relaxation: Relaxation) -> Relaxation:
    """The same without caps: lower bounds all the same, and quicker for many locations."""
    return relaxation._replace(tight=relaxation.tight[:0], tight_cap=relaxation.tight_cap[:0])


def value(relaxation: Relaxation, prices: Floats, status: Flags) -> Valued:
    """The bounds at `prices` float64[B, n] per whole line, with `status` int8[B, L] of the locations."""
    sends, opens = _ship(relaxation, relaxation.cost, relaxation.opening, prices)
    if relaxation.heavy_cost is not None:
        heavy_sends, heavy = _ship(relaxation, relaxation.heavy_cost, relaxation.heavy_opening, prices)
        dearer = heavy > opens
        opens = np.where(dearer, heavy, opens)
        sends = np.where(dearer[:, None, :], heavy_sends, sends)
    is_open = status == OPEN
    chosen = (status == FREE) & (opens < 0)
    may_open = relaxation.locations_max - is_open.sum(axis=1)
    if (chosen.sum(axis=1) > may_open).any():
        gains = np.where(chosen, opens, 0.0)
        order = np.argsort(gains, axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), axis=1)
        chosen &= rank < may_open[:, None]
    bound = prices.sum(axis=1) + np.where(is_open | chosen, opens, 0.0).sum(axis=1)
    return Valued(bound, opens, sends * (is_open | chosen)[:, None, :])


def _ship(relaxation: Relaxation, cost: Floats, opening: Floats, prices: Floats) -> tuple[Floats, Floats]:
    """The cheapest shipment of every location, each line up to its share, and all up to the cap."""
    gain = cost - prices[:, :, None]
    sends = np.where(gain < 0, relaxation.share, 0.0)
    tight = relaxation.tight
    if tight.size:
        per_unit = gain[:, :, tight] / relaxation.quantity[:, None]
        order = np.argsort(per_unit, axis=1, kind="stable")
        units = np.take_along_axis(sends[:, :, tight] * relaxation.quantity[:, None], order, axis=1)
        before = np.cumsum(units, axis=1) - units
        taken = np.clip(relaxation.tight_cap - before, 0, units)
        limited = np.empty_like(units)
        np.put_along_axis(limited, order, taken, axis=1)
        sends[:, :, tight] = limited / relaxation.quantity[:, None]
    return sends, opening + (gain * sends).sum(axis=1)
