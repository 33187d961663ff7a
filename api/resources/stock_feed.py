"""What a channel can sell, as a feed: everything first, then what changed."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.http import positions
from api.http.listing import Position, path_id, start_of
from api.http.operations import Call, Handled, Operation, Reading
from api.server.server import Server
from engine import limits
from engine.facts import Fact, records
from engine.facts.configuration import CalendarSet, ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.supply.plan import sellable

NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such channel")
RECORDS_MAX = limits.FEED_SCAN_RECORDS_MAX
# After one of these every SKU may have another figure.
SWEEPING = (NodeSet, ChannelSet, SourcingPolicySet, CalendarSet)


class StockFeedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`after` is `next_after` of the page before; 0 or nothing is for every SKU. `cursor` goes through that list.
    `history` is that of the page before: after a restore it is refused instead of meaning something else."""

    after: Position = 0
    limit: Annotated[int, Meta(ge=1, le=limits.LIST_LIMIT_MAX)] = limits.LIST_LIMIT_MAX
    cursor: str | None = None
    history: str | None = None


class SellableUnits(msgspec.Struct):
    """Units of a SKU that the channel can promise now."""

    sku: str
    available: int


class StockFeedPage(msgspec.Struct):
    """Figures as they are now. Ask again with `after` = `next_after`; at once if `more`, or with `cursor` while that is not null.

    `complete`: this is a page of all SKUs, not of what changed. `next_after` and `history` belong together.
    """

    items: list[SellableUnits]
    next_after: int
    next_cursor: str | None
    more: bool
    complete: bool
    history: str


def feed(call: Call) -> Handled:
    """A page of figures."""
    query: StockFeedQuery = call.query
    channel = path_id(call.path["channel"], "channel")
    start = start_of(query.cursor)
    if isinstance(start, Rejection):
        return start

    def read(state: State, now_ns: int) -> StockFeedPage | Rejection:
        if isinstance(channel, Rejection) or channel not in state.configuration.channels:
            return NOT_FOUND
        server = call.server
        refusal = positions.foreign(server, query.after if start is None else start[0], query.history)
        if refusal is not None:
            return refusal
        if start is not None:
            return _everything(server, channel, start, query.limit, now_ns)
        changed = _changed(server, query.after, query.limit) if query.after else None
        if changed is None:
            return _everything(server, channel, (server.journal.last_seq, 0), query.limit, now_ns)
        skus, through = changed
        more = through < server.journal.last_seq
        figures = _figures(state, channel, skus, now_ns)
        return StockFeedPage(figures, through, None, more, complete=False, history=server.history_id)

    return Reading(read)


def _everything(server: Server, channel: str, start: tuple[int, int], limit: int, now_ns: int) -> StockFeedPage:
    """All SKUs from a position on. What changes meanwhile comes after the seq at which the list began."""
    state = server.state
    began, first = start
    skus = state.ledger.skus[first : first + limit]
    end = first + len(skus)
    cursor = f"{began}.{end}" if end < len(state.ledger.skus) else None
    figures = _figures(state, channel, skus, now_ns)
    return StockFeedPage(figures, began, cursor, False, complete=True, history=server.history_id)


def _figures(state: State, channel: str, skus: list[str], now_ns: int) -> list[SellableUnits]:
    return [SellableUnits(sku, units) for sku, units in zip(skus, sellable(state, channel, skus, now_ns), strict=True)]


def _changed(server: Server, after: int, limit: int) -> tuple[list[str], int] | None:
    """SKUs whose figure may have changed after a record, and the last record looked at; None if all may have."""
    if after < server.journal.first_seq - 1:
        return None
    skus: dict[str, None] = {}
    looked_at = 0
    for batch in server.journal.read(after):
        for seq, encoded in enumerate(batch.records, batch.first_seq):
            if seq <= after:
                continue
            touched = _touched(records.decode(encoded).facts)
            if touched is None:
                return None
            if len(skus) + sum(sku not in skus for sku in touched) > limit and skus:
                return list(skus), seq - 1
            skus.update(touched)
            looked_at += 1
            if looked_at == RECORDS_MAX:
                return list(skus), seq
    return list(skus), max(after, server.journal.last_seq)


def _touched(facts: tuple[Fact, ...]) -> dict[str, None] | None:
    skus: dict[str, None] = {}
    for fact in facts:
        if isinstance(fact, SWEEPING):
            return None
        if isinstance(fact, ItemSet | NodeItemSet):
            skus[fact.sku] = None
        skus.update(dict.fromkeys(posting.sku for posting in fact.postings))
    return skus


OPERATIONS = [
    Operation(
        id="getStockFeed", method="GET", path="/v1/channels/{channel}/stock-feed", tag="Stock", handle=feed,
        query=StockFeedQuery, summary="What a channel can sell: everything first, then what changed",
        answer=StockFeedPage, codes=(ResultCode.NOT_FOUND, ResultCode.HISTORY_CHANGED),
        description="Units that the channel can promise to its own country, over all its nodes, without safety stock and the channel's "
        "buffer. A change of a node, of the channel or of its policy begins a list of everything again. "
        "Send `history` back with `after`: where the node was restored meanwhile, or the position lies beyond its end, it is 410 `history_changed`, and "
        "you begin again with everything.",
    ),
]  # fmt: skip
