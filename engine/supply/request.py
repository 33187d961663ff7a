"""What a request asks of stock: the units that could serve it, by line and by SKU, before anything is planned."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from engine.areas import NOWHERE, Area, coarse_area
from engine.commands.orders import PlaceOrder
from engine.commands.reservations import ReserveStock
from engine.facts.orders import OrderPlaced
from engine.facts.reservations import StockReserved
from engine.results import Shortage
from engine.state.orders import Order
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.supply.node_table import Ints
from engine.supply.policies import Circumstances, variant_of
from engine.supply.problem import Row, promisable
from engine.supply.terms import PICKUP, Terms, policy_of


class Demand(NamedTuple):
    """`quantity` units of a known SKU; from `node` only if one is named; worth `unit_price_minor` each, if known."""

    sku: str
    quantity: int
    node: str | None = None
    unit_price_minor: int | None = None


class Wanted(Protocol):
    """What supply needs to know of a line: a Demand, or a line of a command as it is."""

    @property
    def sku(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def node(self) -> str | None: ...
    @property
    def unit_price_minor(self) -> int | None: ...


class Request(NamedTuple):
    """What somebody wants on a known channel. `partial`: a part is welcome. `excluded` nodes are not asked.

    `own` are units, by SKU and node, that it holds already and that count as available to it, unless the node takes
    nothing new. `inbound`: what is expected is welcome, too, where the policy promises it. `policy` (its name and the
    record that set it) is the one an order was placed under; None: its channel's. `whole` is all that the conditions of
    a policy look at, where the lines are only a part of it.
    """

    channel: str
    lines: Sequence[Wanted]
    area: Area = NOWHERE
    delivery: str = "ship"
    customer_group: str | None = None
    partial: bool = False
    excluded: tuple[str, ...] = ()
    own: tuple[tuple[tuple[str, str], int], ...] = ()
    inbound: bool = True
    policy: tuple[str | None, int] | None = None
    whole: Sequence[Wanted] = ()

    @classmethod
    def of_checkout(cls, command: ReserveStock) -> "Request":
        """What a checkout wants to reserve."""
        to = command.ship_to
        area = NOWHERE if to is None else coarse_area(to.country, to.postal_code, to.latitude, to.longitude)
        group, partial = command.customer_group, command.allow_partial
        return cls(command.channel, command.lines, area, command.delivery, group, partial)

    @classmethod
    def of_reservation(
        cls, held: Reservation | StockReserved, lines: Sequence[Wanted] | None = None, partial: bool = False
    ) -> "Request":
        """What a reservation wants more of; without `lines` what it asked for in the first place."""
        if lines is None:
            lines = [Demand(line.sku, line.requested, line.node, line.unit_price_minor) for line in held.lines]
        return cls(held.channel, lines, held.area, held.delivery, held.customer_group, partial)

    @classmethod
    def of_placing(cls, state: State, placing: PlaceOrder | OrderPlaced) -> "Request":
        """What a new order wants. A part is welcome if something may wait; what is picked up comes from its node."""
        node, items = placing.pickup_node, state.configuration.items
        demand = [Demand(line.sku, line.quantity, node, line.unit_price_minor) for line in placing.lines]
        may_wait = any(items[line.sku].backorderable for line in placing.lines)
        way = placing.delivery if node is None else PICKUP
        return cls(placing.channel, demand, placing.area, way, placing.customer_group, may_wait)

    @classmethod
    def of_order(
        cls,
        order: Order,
        units: Mapping[int, int],
        excluded: Sequence[str] = (),
        own: tuple[tuple[tuple[str, str], int], ...] = (),
        partial: bool = True,
    ) -> "Request":
        """What an order wants again: units by line position, by the policy it was placed under. What is missing waits:
        nothing inbound is promised.
        """
        lines, node = order.lines, order.pickup_node
        demand = [Demand(lines[at].sku, count, node, lines[at].unit_price_minor) for at, count in units.items()]
        group, without = order.customer_group, tuple(excluded)
        under = None if order.policy_version is None else (order.policy, order.policy_version)
        whole = [
            Demand(line.sku, n, node, line.unit_price_minor) for line in lines if (n := line.quantity - line.cancelled)
        ]
        return cls(order.channel, demand, order.area, order.way, group, partial, without, own, False, under, whole)


def placed_under(state: State, request: Request) -> tuple[str | None, int] | None:
    """The policy of a request where it is not its channel's of today; None where it is, or is not known any more."""
    under = request.policy
    if under is None:
        return None
    configuration = state.configuration
    today = configuration.channels[request.channel].sourcing_policy
    if today == under[0] and configuration.version_of_policy(today) == under[1]:
        return None
    return None if configuration.policy_placed_under(*under) is None else under


def variant_of_request(state: State, request: Request, now_ns: int) -> tuple[int, ...]:
    """Positions of the overrides of the policy of a request that hold for it."""
    channel = state.configuration.channels[request.channel]
    if request.policy is None:
        policy = state.configuration.policy_of(channel)
    else:
        policy = policy_of(state, request.channel, placed_under(state, request))
    if not policy.overrides:
        return ()
    items, lines = state.configuration.items, request.whole or request.lines
    groups = tuple({group: None for line in lines for group in items[line.sku].groups})
    value_minor = sum(line.quantity * value_minor_of(state, line) for line in lines)
    country = request.area.country or channel.country
    return variant_of(
        policy, Circumstances(country, request.delivery, request.customer_group, groups, value_minor, now_ns)
    )


def value_minor_of(state: State, line: Wanted) -> int:
    """What a unit is worth in minor units: the line's price, else the item's value, else nothing."""
    if line.unit_price_minor is not None:
        return line.unit_price_minor
    return state.configuration.items[line.sku].value_minor or 0


class Asked(NamedTuple):
    """A request, held against stock. SKUs are numbered as they come up in the lines.

    `visible` are the units the channel could promise of each SKU, those of one node where it is picked up; `countable`
    int64[SKUs, L] where they are.
    `named` are units by position of the lines that name a node; `free` units by SKU for all other lines together;
    `stock` int64[SKUs, L] is what those may take: without what the named lines have.
    """

    row_of: dict[str, int]
    requested: list[int]
    visible: list[int]
    countable: Ints
    named: dict[int, int]
    free: list[int]
    stock: Ints

    @property
    def complete(self) -> bool:
        """Whether there are units for everything, wherever they are."""
        return sum(self.named.values()) + sum(self.free) == sum(self.requested)


def ask(state: State, terms: Terms, request: Request, now_ns: int) -> Asked:
    """Hold a request against stock. Lines that name a node come first; the channel's buffer stays."""
    node_index = state.ledger.node_index
    row_of = {sku: row for row, sku in enumerate(dict.fromkeys(line.sku for line in request.lines))}
    stock = promisable(state, terms, list(row_of), request.excluded, now_ns)
    full = terms.blocked(state, now_ns) if request.own else ()
    for (sku, node), units in request.own:
        if node_index[node] not in full:
            stock[row_of[sku], node_index[node]] += units
    countable = stock * terms.sends
    requested = [0] * len(row_of)
    wanted = [0] * len(row_of)
    for line in request.lines:
        row = row_of[line.sku]
        requested[row] += line.quantity
        if line.node is None:
            wanted[row] += line.quantity
        else:
            countable[row, node_index[line.node]] = stock[row, node_index[line.node]]
    # The buffer is withheld from the channel's whole view of a SKU, wherever the units are.
    visible = [max(0, total - terms.buffer) for total in countable.sum(axis=1).tolist()]
    budget = list(visible)
    named: dict[int, int] = {}
    for position, line in enumerate(request.lines):
        if line.node is not None:
            row, node_at = row_of[line.sku], node_index[line.node]
            named[position] = units = min(line.quantity, int(stock[row, node_at]), budget[row])
            stock[row, node_at] -= units
            budget[row] -= units
    stock *= terms.sends
    there = stock.sum(axis=1)
    if terms.delivery == PICKUP:
        there = stock.max(axis=1, initial=0)
        best = countable.max(axis=1, initial=0).tolist()
        visible = [min(units, most) for units, most in zip(visible, best, strict=True)]
    free = np.minimum(np.minimum(wanted, there), budget).tolist()
    return Asked(row_of, requested, visible, countable, named, free, stock)


def rows_of(state: State, terms: Terms, request: Request, asked: Asked) -> tuple[list[Row], list[Row]]:
    """The lines of the problem: first one for each SKU and node that is named, then one for each SKU from anywhere.

    Where a part is welcome and a line may not be split, it is no more of a SKU than one node has.
    """
    value = {line.sku: value_minor_of(state, line) for line in request.lines}
    named: dict[tuple[str, int], int] = {}
    for position, units in asked.named.items():
        line = request.lines[position]
        if units and line.node is not None:
            key = (line.sku, state.ledger.node_index[line.node])
            named[key] = named.get(key, 0) + units
    free = asked.free
    if request.partial and not (terms.settings.ship_complete or terms.rules.line_split):
        free = [min(units, int(asked.stock[row].max(initial=0))) for row, units in enumerate(free)]
    return (
        [Row(sku, units, value[sku], node_at) for (sku, node_at), units in named.items()],
        [Row(sku, free[row], value[sku]) for sku, row in asked.row_of.items() if free[row]],
    )


def shortages(state: State, request: Request, asked: Asked, found: list[int]) -> list[Shortage]:
    """The SKUs of which fewer units were found than asked for. `found` units by SKU.

    `available` is what the channel could promise of the SKU: for a SKU asked for at named nodes only, at those.
    """
    short = []
    for sku, row in asked.row_of.items():
        if found[row] == asked.requested[row]:
            continue
        available = asked.visible[row]
        places = list(dict.fromkeys(line.node for line in request.lines if line.sku == sku))
        if None not in places:
            at_named = [int(asked.countable[row, state.ledger.node_index[node]]) for node in places if node is not None]
            available = min(available, sum(at_named))
        if available >= asked.requested[row]:
            available = found[row]  # there is enough, but no plan that the rules allow can have it all
        short.append(Shortage(sku, asked.requested[row], available))
    return short
