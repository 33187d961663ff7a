"""Stock over HTTP: movements, balances, the trial balance."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.http.listing import counted_page, from_cursor, path_sku, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, Reading, Reply
from api.resources.stock_lists import SkuStockQuery, StockQuery, held_at
from api.server.history import AS_OF, seq_of
from engine import limits
from engine.commands.fields import Id, QuantityOrZero, Sku, Text
from engine.commands.stock import MovementLine, MoveStock
from engine.configuration.known_skus import refuse_named_twice
from engine.facts import Fact
from engine.facts.postings import (
    ADJUSTMENT,
    ALLOCATED,
    AVAILABLE,
    IN_TRANSIT,
    INBOUND,
    INBOUND_ALLOCATED,
    INBOUND_RESERVED,
    MISSING,
    RESERVED,
    UNSELLABLE,
)
from engine.facts.stock import StockMoved
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.state.stock import Balances
from engine.supply.node_table import Bools
from engine.supply.terms import terms_cache

TAG = "Stock"


class MovedLineAnswer(msgspec.Struct):
    """One line, and what is there after the whole movement. `oversold` promised units are missing by it, and were not before."""

    sku: str
    node: str
    reason: str
    quantity: int
    on_hand: int
    available: int
    oversold: int
    missing: int


class MovementAnswer(msgspec.Struct):
    """A movement that was posted."""

    seq: int
    reference: str | None
    lines: tuple[MovedLineAnswer, ...]


class SkuStock(msgspec.Struct, omit_defaults=True):
    """Units of one SKU over all nodes. on_hand = available + reserved + allocated + unsellable - missing: what is physically there.

    `missing` are promised units that nodes say are not there; `in_transit` come from other nodes. In the list of what is missing
    `nodes` are those where it is.
    """

    sku: str
    on_hand: int
    available: int
    reserved: int
    allocated: int
    unsellable: int
    inbound: int
    available_to_promise: int
    in_transit: int
    missing: int
    nodes: list["NodeStock"] = []


class NodeStock(msgspec.Struct):
    """Units of one SKU at one node. available_to_promise = max(0, available - safety_stock), 0 where it is not sold.

    `missing` are promised units that the node says are not there: what comes is for them first.
    """

    node: str
    on_hand: int
    available: int
    reserved: int
    allocated: int
    unsellable: int
    inbound: int
    available_to_promise: int
    in_transit: int
    missing: int
    safety_stock: int
    sellable: bool


class SkuStockDetail(SkuStock, kw_only=True):
    """Units of one SKU over all nodes and at each."""

    nodes: list[NodeStock]


class StockPage(PageOf[SkuStock]):
    """In the order in which the SKUs were created."""


class TrialBalance(msgspec.Struct):
    """Every account over all SKUs and nodes. The accounts sum to zero, and so do those of every single SKU."""

    seq: int
    balanced: bool
    skus: int
    accounts: dict[str, int]


class CountedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody counted of a SKU, promised units and unsellable ones too.

    With `expected_on_hand` nothing is booked if another number of units is on hand.
    """

    sku: Sku
    counted: QuantityOrZero
    expected_on_hand: QuantityOrZero | None = None


class CountBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was counted at one node. Every SKU is named once."""

    node: Id
    lines: Annotated[tuple[CountedLine, ...], Meta(min_length=1, max_length=limits.MOVEMENT_LINES_MAX)]
    reference: Text | None = None


class FeedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a node says it has of a SKU: units on hand.

    With `expected_on_hand` nothing is taken over if another number of units is on hand.
    """

    sku: Sku
    quantity: QuantityOrZero
    expected_on_hand: QuantityOrZero | None = None


class FeedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a node has, by another system's word. With `skip_unknown`, SKUs that nobody has set are left out and told."""

    node: Id
    lines: Annotated[tuple[FeedLine, ...], Meta(min_length=1, max_length=limits.MOVEMENT_LINES_MAX)]
    reference: Text | None = None
    skip_unknown: bool = False


class CountedLineAnswer(msgspec.Struct):
    """One line: what was on hand in the books before, what was said, by how much they differ, and what is there now.

    `oversold` are promised units that are missing by it: the promises stand, and what comes is for them first. `missing` are all
    that are missing there now.
    """

    sku: str
    counted: int
    expected: int
    variance: int
    oversold: int
    on_hand: int
    available: int
    missing: int


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
                line.sku,
                line.node,
                line.reason,
                line.quantity,
                there.on_hand,
                there.available,
                line.oversold,
                there.missing,
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
            there, variance = state.stock.balances_at(line.sku, node), differences.get(line.sku, 0)
            now = there.on_hand, there.available, there.missing
            expected = line.quantity - variance
            answers.append(CountedLineAnswer(line.sku, line.quantity, expected, variance, line.oversold, *now))
        return CountAnswer(seq, node, reference, tuple(answers), skipped)

    return Changing(MoveStock(tuple(lines), reference), render)


def count(call: Call) -> Handled:
    """Somebody counted."""
    body: CountBody = call.body
    twice = refuse_named_twice(body.lines)
    if twice is not None:
        return twice
    lines = [
        MovementLine(line.sku, body.node, "count", line.counted, None, line.expected_on_hand) for line in body.lines
    ]
    return _counting(body.node, lines, body.reference)


def feed(call: Call) -> Handled:
    """Another system says what is there."""
    body: FeedBody = call.body
    twice = refuse_named_twice(body.lines)
    if twice is not None:
        return twice
    skipped: tuple[str, ...] = ()
    known = body.lines
    if body.skip_unknown:
        items = call.server.state.configuration.items
        known = tuple(line for line in body.lines if line.sku in items)
        skipped = tuple(line.sku for line in body.lines if line.sku not in items)
    if not known:
        return Rejection.at(ResultCode.UNKNOWN_SKU, "/lines", "there is none of these SKUs")
    lines = [MovementLine(line.sku, body.node, "feed", line.quantity, None, line.expected_on_hand) for line in known]
    return _counting(body.node, lines, body.reference, skipped)


def _resource(call: Call) -> Any:
    sku = call.path["sku"]

    def read(state: State, now_ns: int) -> Any:
        found = stock_of(state, sku)
        if isinstance(found, SkuStockDetail):
            found.nodes = [there for there in found.nodes if call.query.shows(msgspec.structs.asdict(there))]
        return found

    return read


def stock_of(state: State, sku: str) -> SkuStockDetail | Rejection:
    """One SKU's stock, over all nodes and at each."""
    if isinstance(path_sku(sku), Rejection) or sku not in state.configuration.items:
        return Rejection(ResultCode.NOT_FOUND, "there is no such SKU")
    total = _totals(state, [sku])[0]
    return SkuStockDetail(
        **{**msgspec.structs.asdict(total), "nodes": [_at(state, sku, node) for node in state.ledger.nodes]}
    )


def _at(state: State, sku: str, node: str) -> NodeStock:
    rule = state.configuration.node_items.get(node, {}).get(sku)
    safety_stock, sellable = (0, True) if rule is None else (rule.safety_stock, rule.sellable)
    sellable = sellable and state.configuration.items[sku].sellable
    return NodeStock(node=node, **_named(_there(state, sku, node)), safety_stock=safety_stock, sellable=sellable)


def _there(state: State, sku: str, node: str) -> Balances:
    """What a node has of a SKU; it promises nothing of it where it gives units to nobody."""
    there = state.stock.balances_at(sku, node)
    sells = _sells(state)[state.ledger.node_index[node]]
    return there if sells else there._replace(available_to_promise=0)


def _sells(state: State) -> Bools:
    """Whether each node, by position, gives units to anybody at all: it is enabled, and ships or hands out."""
    table = terms_cache(state).table(state)
    sells: Bools = table.enabled & (table.ships | table.pickup)
    return sells


def _named(balances: Balances) -> dict[str, int]:
    return {"on_hand": balances.on_hand, **balances._asdict()}


def _totals(state: State, skus: list[str]) -> list[SkuStock]:
    """Balances over all nodes, one pass per account."""
    at = [state.ledger.sku_index[sku] for sku in skus]
    nodes = len(state.ledger.nodes)
    parts = ((AVAILABLE,), (RESERVED,), (ALLOCATED,), (UNSELLABLE,), (INBOUND, INBOUND_RESERVED, INBOUND_ALLOCATED))
    inside = state.ledger.inside
    sums = [sum(inside[account][at, :nodes].sum(axis=1) for account in part).tolist() for part in parts]
    sums.append((state.stock.promisable_rows(at) * _sells(state)).sum(axis=1).tolist())
    sums.append(inside[IN_TRANSIT][at, :nodes].sum(axis=1).tolist())
    sums.append((-inside[MISSING][at, :nodes].sum(axis=1)).tolist())
    return [
        SkuStock(sku, nodes=[], **_named(Balances(*(int(units) for units in row))))
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
    if isinstance(answer, Rejection):
        return answer
    if "nodes" in answer:
        answer["nodes"] = [there for there in answer["nodes"] if call.query.shows(there)]
    return Reply(200, msgspec.json.encode(answer))


def _page(call: Call, state: State, first: int | None) -> StockPage:
    if call.query.missing == "true":
        return _missing_page(call, state, first or 0)
    if call.query.node is not None:
        return _page_of_node(state, call.query.node, first or 0, call.query.limit)
    skus, cursor = counted_page(state.ledger.skus, first, call.query.limit)
    return StockPage(_totals(state, skus), cursor)


def _missing_page(call: Call, state: State, first: int) -> StockPage:
    """SKUs of which units are missing, in the same order, each with the nodes where they are."""
    index, limit, wanted = state.ledger.sku_index, call.query.limit, call.query.node
    places = {sku: nodes for sku, nodes in state.ledger.missing.items() if wanted is None or wanted in nodes}
    lacking = sorted([index[sku] for sku in places if index[sku] >= first])
    items = _totals(state, [state.ledger.skus[at] for at in lacking[:limit]])
    for item in items:
        nodes = sorted(places[item.sku], key=state.ledger.node_index.__getitem__) if wanted is None else [wanted]
        item.nodes = [_at(state, item.sku, node) for node in nodes]
    return StockPage(items, str(lacking[limit]) if len(lacking) > limit else None)


def _page_of_node(state: State, node: str, first: int, limit: int) -> StockPage:
    """SKUs of which a node has any, from a position in the order of SKUs on."""
    skus, cursor = held_at(state, node, first, limit)
    return StockPage([SkuStock(sku, nodes=[], **_named(_there(state, sku, node))) for sku in skus], cursor)


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
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.STOCK_CHANGED),
        example={"node": "leipzig", "reference": "aisle 7", "lines": [{"sku": "85123A", "counted": 118}]},
        description="The difference to what is on hand is posted. Promises stand: with fewer units than were promised, nothing is "
        "available and the rest is `missing` (`oversold`: more than before). Whatever comes or is freed pays that off first.",
    ),
    Operation(
        id="feedStock", method="POST", path="/v1/stock/feed", tag=TAG, handle=feed, status=201, body=FeedBody,
        summary="Take over what another system says a node has", answer=CountAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.STOCK_CHANGED),
        example={"node": "leipzig", "lines": [{"sku": "85123A", "quantity": 118}]},
        description="`quantity` is what is physically there, promised units too; promises survive. SKUs that are not named stay as "
        "they are.",
    ),
    Operation(
        id="moveStock", method="POST", path="/v1/stock/movements", tag=TAG, handle=move, status=201,
        summary="Post stock movements, all lines or none", body=MoveStock, answer=MovementAnswer,
        codes=(ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.INSUFFICIENT_STOCK, ResultCode.STOCK_CHANGED),
        example=MOVEMENT,
        description="A count says what is on hand. One below the promises takes `available` to 0, keeps every promise, "
        "and the rest is `missing`. A `sale` at the till (with the till's `reference`) is never refused: what was handed over "
        "is gone, and a promise that it broke is `missing`.",
    ),
    Operation(
        id="getStock", method="GET", path="/v1/stock/{sku}", tag=TAG, handle=get, resource=_resource,
        summary="Stock of one SKU, over all nodes and at each that has any", answer=SkuStockDetail, codes=(ResultCode.NOT_FOUND,),
        query=SkuStockQuery, description=AS_OF,
    ),
    Operation(
        id="listStock", method="GET", path="/v1/stock", tag=TAG, handle=from_cursor(position_of, _page), query=StockQuery,
        summary="Stock of all SKUs, or of those that a node has", answer=StockPage,
    ),
    Operation(
        id="getTrialBalance", method="GET", path="/v1/ledger/trial-balance", tag="Journal", handle=trial_balance,
        summary="All accounts; they sum to zero", answer=TrialBalance,
    ),
]  # fmt: skip
