"""When somebody who waits has to be looked at again because of the time alone: nothing else would tell.

A full node has a new day, a policy has other settings from an instant on, a parcel would arrive soon enough.
"""

from collections.abc import Iterator

from engine.commands.policies import SourcingPolicy
from engine.facts.postings import AVAILABLE
from engine.state.looks import Waiter
from engine.state.state import State
from engine.state.stock import NOT_SELLABLE
from engine.supply.plan import terms_of
from engine.supply.policies import instant_ns
from engine.supply.request import Request, placed_under
from engine.supply.terms import NS_PER_DAY, Terms, policy_of, terms_cache


def look_again_ns(state: State, waiter: Waiter, now_ns: int) -> int | None:
    """The first instant at which more may be possible; None if it does not depend on the time."""
    if waiter.order:
        order = state.orders.open.get(waiter.order)
        if order is None:
            return None
        waits = {at: n for at, line in enumerate(order.lines) if (n := line.backordered + line.unsourceable)}
        request = Request.of_order(order, waits, order.given_back_by)
    else:
        reservation = state.reservations.active.get(waiter.promised)
        if reservation is None:
            return None
        request = Request.of_reservation(reservation)
    terms, _ = terms_of(state, request, now_ns)
    policy = policy_of(state, request.channel, placed_under(state, request))
    skus = list(dict.fromkeys(line.sku for line in request.lines))
    found = [*_other_settings(policy, now_ns), *_other_days(state, terms, skus, now_ns)]
    return min((at_ns for at_ns in found if at_ns > now_ns), default=None)


def _midnight_ns(now_ns: int) -> int:
    """The next in UTC."""
    return (now_ns // NS_PER_DAY + 1) * NS_PER_DAY


def _other_settings(policy: SourcingPolicy, now_ns: int) -> Iterator[int]:
    for override in policy.overrides:
        when = override.when
        if when.weekdays is not None:
            yield _midnight_ns(now_ns)
        for text in (when.valid_from, when.valid_until):
            if text is not None:
                yield instant_ns(text)


def _other_days(state: State, terms: Terms, skus: list[str], now_ns: int) -> Iterator[int]:
    """When nodes that have units get another day to send on, where they have no room or are too late now."""
    days_max = terms.settings.deliver_within_days
    blocked = terms.blocked(state, now_ns)
    for node_at in blocked:
        cells = [state.ledger.sku_index[sku] * state.ledger.node_capacity + node_at for sku in skus]
        if not any(
            state.ledger.cells[AVAILABLE][cell] and state.stock.withheld_cells[cell] < NOT_SELLABLE for cell in cells
        ):
            continue
        leaves = terms_cache(state).dispatch(state, node_at, now_ns)
        if leaves is None:
            yield _midnight_ns(now_ns)
            continue
        yield leaves.valid_until_ns
        promise = terms.promise(state, node_at, now_ns)
        if days_max is not None and promise is not None:
            yield promise.delivers_at_ns - (days_max + 1) * NS_PER_DAY + 1
