"""Availability over HTTP: what a channel could promise now, and for pickups where, store by store."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id
from api.answers.timestamps import Timestamp, iso, iso_or_none
from api.geography.locating import located
from api.http.operations import Call, Handled, Operation, Reading
from engine import limits
from engine.commands.fields import Id, Latitude, Longitude
from engine.commands.reservations import Delivery, DemandLine, Destination, QuantityLine, ReserveStock
from engine.orders.pickup_stores import at_stores, nearest
from engine.reservations import check_demand
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.supply.may_wait import backordered_units
from engine.supply.plan import expected, promised, supply, terms_of
from engine.supply.request import Demand, Request


class Near(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the customer is."""

    latitude: Latitude
    longitude: Longitude


class AvailabilityBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody would like to buy on a channel, and where it would go.

    With `delivery` pickup, `near` (where the customer is) or `nodes` (at most 50 stores) asks store by store.
    """

    channel: Id
    lines: Annotated[tuple[QuantityLine, ...], Meta(min_length=1, max_length=limits.RESERVATION_LINES_MAX)]
    ship_to: Destination | None = None
    delivery: Delivery = "ship"
    customer_group: Id | None = None
    near: Near | None = None
    nodes: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=limits.AVAILABILITY_STORES_MAX)] | None = None

    def __post_init__(self) -> None:
        if (self.near is not None or self.nodes is not None) and self.delivery != "pickup":
            raise ValueError("`near` and `nodes` are for `delivery` pickup")
        if self.near is not None and self.nodes is not None:
            raise ValueError("either `near` or `nodes`")


class ProjectedUnits(msgspec.Struct):
    """Units that a supplier will bring and the channel could promise today."""

    expected_at: Timestamp
    quantity: int


class AvailabilityLine(msgspec.Struct, omit_defaults=True):
    """One SKU: units asked for by all lines together, and units the channel could promise now.

    `projected` are units it could promise for later, the earliest first. `backordered` are those that neither is there for
    and that an order or a reservation would let wait. Left out if there are none.
    """

    sku: str
    requested: int
    available: int
    projected: list[ProjectedUnits] = []
    backordered: int = 0


class AvailabilitySource(msgspec.Struct, omit_defaults=True):
    """Units a node would send, when it would, and when they would arrive (null: not told).

    With `inbound` they are not there yet: that inbound will bring them.
    """

    sku: str
    node: str
    quantity: int
    ships_at: Timestamp | None
    delivers_at: Timestamp | None
    inbound: str | None = None


class StoreLine(msgspec.Struct):
    """One SKU: units asked for, and units of them that the store has for this channel now."""

    sku: str
    requested: int
    available: int


class StoreAvailability(msgspec.Struct, omit_defaults=True):
    """Whether a store can hand out all of the basket, and when that would be ready, within its opening hours (null: never).

    What it lacks may come: from inbound that the policy promises, or brought by a transfer. `distance_km` is from `near`.
    """

    node: str
    fulfillable: bool
    ready_at: Timestamp | None
    lines: list[StoreLine]
    distance_km: Annotated[float, Meta(ge=0)] | None = None


class AvailabilityAnswer(msgspec.Struct, omit_defaults=True):
    """Whether all of it could be promised now, and from where. Nothing is held by asking.

    A pickup is promised by one store: `available` is what one of them has. `stores` are those that were asked for, the nearest
    first where that was `near`; then `fulfillable` says whether one of them has all of it, and `sources` are the first one's.
    """

    fulfillable: bool
    lines: list[AvailabilityLine]
    sources: list[AvailabilitySource]
    stores: list[StoreAvailability] | None = None


def availability(call: Call) -> Handled:
    """What could be promised now."""
    body: AvailabilityBody = located(call.body, call.server.postcodes)

    def read(state: State, now_ns: int) -> AvailabilityAnswer | Rejection:
        lines = tuple(DemandLine(line.sku, line.quantity) for line in body.lines)
        asked = ReserveStock(body.channel, lines, None, True, body.ship_to, body.delivery, body.customer_group)
        refusal = check_demand(state, body.channel, lines)
        if refusal is not None:
            return refusal
        if body.near is not None or body.nodes is not None:
            return _at_stores(state, body, Request.of_checkout(asked), now_ns)
        return _available(state, Request.of_checkout(asked), now_ns)

    return Reading(read)


def _at_stores(state: State, body: AvailabilityBody, request: Request, now_ns: int) -> AvailabilityAnswer | Rejection:
    """Store by store; above them the answer of the first that has everything."""
    found = stores(state, request, body.near, body.nodes, now_ns)
    if isinstance(found, Rejection):
        return found
    best = next((store.node for store in found if store.fulfillable), None)
    lines = [Demand(line.sku, line.quantity, best, line.unit_price_minor) for line in request.lines]
    answer, most = _available(state, request._replace(lines=lines), now_ns), most_of(found)
    answer.fulfillable, answer.stores = best is not None, found
    for line in answer.lines:
        line.available = most.get(line.sku, 0)
    if best is None:
        answer.sources = []
    return answer


def _available(state: State, request: Request, now_ns: int) -> AvailabilityAnswer:
    found = supply(state, request, now_ns)
    units: dict[tuple[str, str, int | None], AvailabilitySource] = {}
    for line, sources in zip(request.lines, found.sources, strict=True):
        for source in sources:
            key = (line.sku, source.node, source.inbound)
            if key in units:
                units[key].quantity += source.quantity
            else:
                ships_at, delivers_at = iso_or_none(source.ships_at_ns), iso_or_none(source.delivers_at_ns)
                inbound = None if source.inbound is None else inbound_id(source.inbound)
                units[key] = AvailabilitySource(line.sku, source.node, source.quantity, ships_at, delivers_at, inbound)
    waits = backordered_units(state, request, found.sources, now_ns) if found.short else {}
    return AvailabilityAnswer(
        not found.short,
        [
            AvailabilityLine(*line, _projected(state, request, line[0], now_ns), waits.get(line[0], 0))
            for line in promised(state, request, now_ns)
        ],
        list(units.values()),
    )


def _projected(state: State, request: Request, sku: str, now_ns: int) -> list[ProjectedUnits]:
    """What is expected of a SKU and could be promised, one entry an instant."""
    terms, _ = terms_of(state, request, now_ns)
    units: dict[int, int] = {}
    for source in expected(state, terms, sku, (), now_ns):
        assert source.inbound is not None
        expected_at_ns = state.inbound.open[source.inbound].expected_at_ns
        units[expected_at_ns] = units.get(expected_at_ns, 0) + source.quantity
    return [ProjectedUnits(iso(expected_at_ns), quantity) for expected_at_ns, quantity in units.items()]


def stores(
    state: State, request: Request, near: Near | None, nodes: tuple[str, ...] | None, now_ns: int
) -> list[StoreAvailability] | Rejection:
    """The stores that are named, in that order, or those that are nearest, the nearest first."""
    km: dict[str, float] = {}
    if near is not None:
        km = nearest(state, request, near.latitude, near.longitude, now_ns)
    for at, node in enumerate(nodes or ()):
        if node not in state.configuration.nodes:
            return Rejection.at(ResultCode.UNKNOWN_NODE, f"/nodes/{at}", f"there is no node {node!r}")
    named = list(km) if nodes is None else list(dict.fromkeys(nodes))
    wanted: dict[str, int] = {}
    for line in request.lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    return [
        StoreAvailability(
            found.node,
            found.ready_at_ns is not None,
            iso_or_none(found.ready_at_ns),
            [StoreLine(sku, wanted[sku], units) for sku, units in found.units.items()],
            round(km[found.node], 1) if found.node in km else None,
        )
        for found in at_stores(state, request, named, now_ns)
    ]


def most_of(found: list[StoreAvailability]) -> dict[str, int]:
    """Units by SKU that one of the stores has, of what is asked for."""
    most: dict[str, int] = {}
    for store in found:
        for line in store.lines:
            most[line.sku] = max(most.get(line.sku, 0), line.available)
    return most


OPERATIONS = [
    Operation(
        id="getAvailability", hot=True, method="POST", path="/v1/availability", tag="Stock", handle=availability,
        summary="What a channel could promise now", body=AvailabilityBody, answer=AvailabilityAnswer,
        codes=(ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_SKU, ResultCode.UNKNOWN_NODE),
        example={"channel": "web-de", "lines": [{"sku": "85123A", "quantity": 2}]},
    ),
]  # fmt: skip
