"""When customers may come for an order: from when it is ready, until when it waits."""

from msgspec.structs import replace

from engine.commands.orders import PlaceOrder
from engine.facts.reservations import Source
from engine.fulfilments.collecting import open_until_ns
from engine.results import Rejection, ResultCode
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.supply.plan import terms_of
from engine.supply.request import Request
from engine.supply.terms import PICKUP


def ready_from(
    state: State, command: PlaceOrder, reservation: Reservation, sources: list[list[Source]], now_ns: int
) -> list[list[Source]]:
    """What a reservation held, with the times at which it is ready if it is ordered now.

    The reservation may be of a parcel that turns out to be a pickup, or of a time when the shop was still open. A later
    day that it took a place for stands.
    """
    terms, _ = terms_of(state, Request.of_placing(state, command), now_ns)

    def dated(source: Source) -> Source:
        node_at = state.ledger.node_index[source.node]
        if source.inbound is None:  # its place is taken already
            promise = terms.promise(state, node_at, now_ns) or terms.promise_from(state, node_at, now_ns)
        else:
            expected_at_ns = state.inbound.open[source.inbound].expected_at_ns
            promise = terms.promise_from(state, node_at, max(now_ns, expected_at_ns))
        if promise is None:  # closed for long: what was promised stands
            return source
        ready_ns = promise.ships_at_ns
        if reservation.delivery == PICKUP and source.ships_at_ns is not None:
            ready_ns = max(ready_ns, source.ships_at_ns)
        return replace(source, ships_at_ns=ready_ns, delivers_at_ns=ready_ns)

    return [[dated(source) for source in given] for given in sources]


def collected_by(state: State, command: PlaceOrder, sources: list[list[Source]]) -> int | Rejection:
    """Until when the customer may come, while the node is open; refused if that is over before everything is ready."""
    assert command.pickup_node is not None
    assert command.collect_by_ns is not None
    until_ns = open_until_ns(state, command.pickup_node, command.collect_by_ns)
    ready_ns = max((source.ships_at_ns or 0 for given in sources for source in given), default=0)
    if until_ns > ready_ns:
        return until_ns
    detail = "`pickup_until` is over before the order is ready"
    return Rejection.at(ResultCode.MALFORMED_REQUEST, "/pickup_until", detail)
