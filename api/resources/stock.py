"""Stock over HTTP: movements, balances, availability, the trial balance."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers.identifiers import inbound_id
from api.answers.timestamps import Timestamp, iso, iso_or_none
from api.geography.locating import located
from api.http.listing import counted_page, from_cursor, path_sku, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, PageQuery, Reading, Reply
from api.server.history import AS_OF, AsOfQuery, seq_of
from engine import limits
from engine.commands.fields import Id, QuantityOrZero, Sku, Text
from engine.commands.reservations import Delivery, DemandLine, Destination, QuantityLine, ReserveStock
from engine.commands.stock import MovementLine, MoveStock
from engine.facts import Fact
from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    IN_TRANSIT,
    INBOUND,
    INBOUND_ALLOCATED,
    INBOUND_RESERVED,
    RESERVED,
    UNSELLABLE,
)
from engine.facts.stock import StockMoved
from engine.reservations import check_demand
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.state.stock import Balances
from engine.supply.may_wait import backordered_units
from engine.supply.plan import expected, promised, supply, terms_of
from engine.supply.request import Request

TAG = "Stock"


class MovedLineAnswer(msgspec.Struct):
    """One line, and what is there after the whole movement. `oversold` promised units were not found by a count."""

    sku: str
    node: str
    reason: str
    quantity: int
    on_hand: int
    available: int
    oversold: int


class MovementAnswer(msgspec.Struct):
    """A movement that was posted."""

    seq: int
    reference: str | None
    lines: tuple[MovedLineAnswer, ...]


class SkuStock(msgspec.Struct):
    """Units of one SKU over all nodes. on_hand = available + reserved + allocated + unsellable; `in_transit` come from other nodes."""

    sku: str
    on_hand: int
    available: int
    reserved: int
    allocated: int
    unsellable: int
    inbound: int
    available_to_promise: int
    in_transit: int


class NodeStock(msgspec.Struct):
    """Units of one SKU at one node. available_to_promise = max(0, available - safety_stock), 0 where it is not sold."""

    node: str
    on_hand: int
    available: int
    reserved: int
    allocated: int
    unsellable: int
    inbound: int
    available_to_promise: int
    in_transit: int
    safety_stock: int
    sellable: bool


class SkuStockDetail(SkuStock, kw_only=True):
    """Units of one SKU over all nodes and at each."""

    nodes: list[NodeStock]


class StockPage(PageOf[SkuStock]):
    """In the order in which the SKUs were created."""


class AvailabilityBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What somebody would like to buy on a channel, and where it would go."""

    channel: Id
    lines: Annotated[tuple[QuantityLine, ...], Meta(min_length=1, max_length=limits.RESERVATION_LINES_MAX)]
    ship_to: Destination | None = None
    delivery: Delivery = "ship"
    customer_group: Id | None = None


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


class AvailabilityAnswer(msgspec.Struct):
    """Whether all of it could be promised now, and from where. Nothing is held by asking."""

    fulfillable: bool
    lines: list[AvailabilityLine]
    sources: list[AvailabilitySource]


class TrialBalance(msgspec.Struct):
    """Every account over all SKUs and nodes. The accounts sum to zero, and so do those of every single SKU."""

    seq: int
    balanced: bool
    skus: int
    accounts: dict[str, int]


class CountedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody counted of a SKU, promised units and unsellable ones too."""

    sku: Sku
    counted: QuantityOrZero


class CountBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was counted at one node. Every SKU is named once."""

    node: Id
    lines: Annotated[tuple[CountedLine, ...], Meta(min_length=1, max_length=limits.MOVEMENT_LINES_MAX)]
    reference: Text | None = None

    def __post_init__(self) -> None:
        check_named_once(self.lines)


class FeedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a node says it has of a SKU: units on hand."""

    sku: Sku
    quantity: QuantityOrZero


class FeedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a node has, by another system's word. With `skip_unknown`, SKUs that nobody has set are left out and told."""

    node: Id
    lines: Annotated[tuple[FeedLine, ...], Meta(min_length=1, max_length=limits.MOVEMENT_LINES_MAX)]
    reference: Text | None = None
    skip_unknown: bool = False

    def __post_init__(self) -> None:
        check_named_once(self.lines)


def check_named_once(lines: Sequence[CountedLine | FeedLine]) -> None:
    """Raise ValueError if a SKU comes up twice."""
    seen: dict[str, int] = {}
    for at, line in enumerate(lines):
        if seen.setdefault(line.sku, at) != at:
            raise ValueError(f"`lines[{at}]` names {line.sku!r}, as `lines[{seen[line.sku]}]` does")


class CountedLineAnswer(msgspec.Struct):
    """One line: what was on hand in the books before, what was said, by how much they differ, and what is there now.

    `oversold` are promised units that are not there: the promises stand, people must act.
    """

    sku: str
    counted: int
    expected: int
    variance: int
    oversold: int
    on_hand: int
    available: int


class CountAnswer(msgspec.Struct):
    """What was booked. `skipped` are SKUs of a feed that nobody has set."""

    seq: int
    node: str
    reference: str | None
    lines: tuple[CountedLineAnswer, ...]
    skipped: tuple[str, ...] = ()


def render_moved(state: State, seq: int, facts: tuple[Fact, ...]) -> MovementAnswer:
    """A movement and what is there after it."""
    moved = facts[0]
    assert isinstance(moved, StockMoved)
    lines = []
    for line in moved.lines:
        there = state.stock.balances_at(line.sku, line.node)
        lines.append(
            MovedLineAnswer(
                line.sku, line.node, line.reason, line.quantity, there.on_hand, there.available, line.oversold
            )
        )
    return MovementAnswer(seq, moved.reference, tuple(lines))


def move(call: Call) -> Handled:
    """Post all lines or none."""
    return Changing(call.body, render_moved)


def _counting(node: str, lines: list[MovementLine], reference: str | None, skipped: tuple[str, ...] = ()) -> Handled:
    """Book the differences to what was said to be there."""

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> CountAnswer:
        moved = next(fact for fact in facts if isinstance(fact, StockMoved))
        differences: dict[str, int] = {}
        for posting in moved.postings:
            units = posting.quantity if posting.source == ADJUSTMENT else -posting.quantity
            differences[posting.sku] = differences.get(posting.sku, 0) + units
        answers = []
        for line in moved.lines:
            there, variance = state.stock.balances_at(line.sku, node), differences.get(line.sku, 0) - line.oversold
            expected = line.quantity - variance
            answers.append(
                CountedLineAnswer(
                    line.sku, line.quantity, expected, variance, line.oversold, there.on_hand, there.available
                )
            )
        return CountAnswer(seq, node, reference, tuple(answers), skipped)

    return Changing(MoveStock(tuple(lines), reference), render)


def count(call: Call) -> Handled:
    """Somebody counted."""
    body: CountBody = call.body
    lines = [MovementLine(line.sku, body.node, "count", line.counted) for line in body.lines]
    return _counting(body.node, lines, body.reference)


def feed(call: Call) -> Handled:
    """Another system says what is there."""
    body: FeedBody = call.body
    skipped: tuple[str, ...] = ()
    known = body.lines
    if body.skip_unknown:
        items = call.server.state.configuration.items
        known = tuple(line for line in body.lines if line.sku in items)
        skipped = tuple(line.sku for line in body.lines if line.sku not in items)
    if not known:
        return Rejection.at(ResultCode.UNKNOWN_SKU, "/lines", "there is none of these SKUs")
    lines = [MovementLine(line.sku, body.node, "feed", line.quantity) for line in known]
    return _counting(body.node, lines, body.reference, skipped)


def _resource(call: Call) -> Any:
    sku = call.path["sku"]

    return lambda state, now_ns: stock_of(state, sku)


def stock_of(state: State, sku: str) -> SkuStockDetail | Rejection:
    """One SKU's stock, over all nodes and at each."""
    if isinstance(path_sku(sku), Rejection) or sku not in state.configuration.items:
        return Rejection(ResultCode.NOT_FOUND, "there is no such SKU")
    total = _totals(state, [sku])[0]
    return SkuStockDetail(**msgspec.structs.asdict(total), nodes=[_at(state, sku, node) for node in state.ledger.nodes])


def _at(state: State, sku: str, node: str) -> NodeStock:
    rule = state.configuration.node_items.get(node, {}).get(sku)
    safety_stock, sellable = (0, True) if rule is None else (rule.safety_stock, rule.sellable)
    return NodeStock(
        node=node, **_named(state.stock.balances_at(sku, node)), safety_stock=safety_stock, sellable=sellable
    )


def _named(balances: Balances) -> dict[str, int]:
    return {"on_hand": balances.on_hand, **balances._asdict()}


def _totals(state: State, skus: list[str]) -> list[SkuStock]:
    """Balances over all nodes, one pass per account."""
    at = [state.ledger.sku_index[sku] for sku in skus]
    nodes = len(state.ledger.nodes)
    parts = ((AVAILABLE,), (RESERVED,), (ALLOCATED,), (UNSELLABLE,), (INBOUND, INBOUND_RESERVED, INBOUND_ALLOCATED))
    inside = state.ledger.inside
    sums = [sum(inside[account][at, :nodes].sum(axis=1) for account in part).tolist() for part in parts]
    sums.append(state.stock.promisable_rows(at).sum(axis=1).tolist())
    sums.append(inside[IN_TRANSIT][at, :nodes].sum(axis=1).tolist())
    return [
        SkuStock(sku=sku, **_named(Balances(*(int(units) for units in row))))
        for sku, row in zip(skus, zip(*sums, strict=True), strict=True)
    ]


async def get(call: Call) -> Handled:
    """Read one SKU's stock, as it is or was."""
    if call.query.as_of is None:
        return Reading(_resource(call))
    seq = seq_of(call.query.as_of, call.server.journal)
    if isinstance(seq, Rejection):
        return seq
    sku = call.path["sku"]
    if isinstance(path_sku(sku), Rejection) or sku not in call.server.state.configuration.items:
        return Rejection(ResultCode.NOT_FOUND, "there is no such SKU")
    answer = await call.server.history.ask(seq, "--sku", sku)
    return answer if isinstance(answer, Rejection) else Reply(200, msgspec.json.encode(answer))


def _page(call: Call, state: State, first: int | None) -> StockPage:
    skus, cursor = counted_page(state.ledger.skus, first, call.query.limit)
    return StockPage(_totals(state, skus), cursor)


def availability(call: Call) -> Handled:
    """What could be promised now."""
    body: AvailabilityBody = located(call.body, call.server.postcodes)

    def read(state: State, now_ns: int) -> AvailabilityAnswer | Rejection:
        lines = tuple(DemandLine(line.sku, line.quantity) for line in body.lines)
        asked = ReserveStock(body.channel, lines, None, True, body.ship_to, body.delivery, body.customer_group)
        return check_demand(state, body.channel, lines) or _available(state, Request.of_checkout(asked), now_ns)

    return Reading(read)


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


def trial_balance(call: Call) -> Handled:
    """Prove that nothing was made up or lost."""

    def read(state: State, now_ns: int) -> TrialBalance:
        accounts = state.ledger.totals()
        balanced = not state.ledger.unbalanced_skus() and sum(accounts.values()) == 0
        return TrialBalance(state.seq, balanced, len(state.ledger.skus), accounts)

    return Reading(read)


MOVEMENT = {
    "reference": "delivery 4711",
    "lines": [
        {"sku": "85123A", "node": "leipzig", "reason": "receipt", "quantity": 40},
        {"sku": "71053", "node": "berlin", "reason": "adjustment", "quantity": -1, "note": "fell off the shelf"},
    ],
}

OPERATIONS = [
    Operation(
        id="countStock", method="POST", path="/v1/counts", tag=TAG, handle=count, status=201, body=CountBody,
        summary="Book what was counted at a node", answer=CountAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU),
        example={"node": "leipzig", "reference": "aisle 7", "lines": [{"sku": "85123A", "counted": 118}]},
        description="The difference to what is on hand is posted. Promises stand: with fewer units than were promised, nothing is "
        "available and `oversold` says how many are missing.",
    ),
    Operation(
        id="feedStock", method="POST", path="/v1/stock/feed", tag=TAG, handle=feed, status=201, body=FeedBody,
        summary="Take over what another system says a node has", answer=CountAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU),
        example={"node": "leipzig", "lines": [{"sku": "85123A", "quantity": 118}]},
        description="`quantity` is what is physically there, promised units too; promises survive. SKUs that are not named stay as "
        "they are.",
    ),
    Operation(
        id="moveStock", method="POST", path="/v1/stock/movements", tag=TAG, handle=move, status=201,
        summary="Post stock movements, all lines or none", body=MoveStock, answer=MovementAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.INSUFFICIENT_STOCK), example=MOVEMENT,
        description="A count says what is on hand. One below the promises takes `available` to 0, keeps every promise "
        "and reports the rest as `oversold`.",
    ),
    Operation(
        id="getStock", method="GET", path="/v1/stock/{sku}", tag=TAG, handle=get, resource=_resource,
        summary="Stock of one SKU, over all nodes and at each", answer=SkuStockDetail, codes=(ResultCode.NOT_FOUND,),
        query=AsOfQuery, description=AS_OF,
    ),
    Operation(
        id="listStock", method="GET", path="/v1/stock", tag=TAG, handle=from_cursor(position_of, _page), query=PageQuery,
        summary="Stock of all SKUs", answer=StockPage,
    ),
    Operation(
        id="getAvailability", hot=True, method="POST", path="/v1/availability", tag=TAG, handle=availability,
        summary="What a channel could promise now", body=AvailabilityBody, answer=AvailabilityAnswer,
        codes=(ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_SKU),
        example={"channel": "web-de", "lines": [{"sku": "85123A", "quantity": 2}]},
    ),
    Operation(
        id="getTrialBalance", method="GET", path="/v1/ledger/trial-balance", tag="Journal", handle=trial_balance,
        summary="All accounts; they sum to zero", answer=TrialBalance,
    ),
]  # fmt: skip
