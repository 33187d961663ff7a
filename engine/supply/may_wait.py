"""What may wait for stock: which units of a request are backordered, how many, and whether they can ever come."""

from engine.facts.postings import ALLOCATED, AVAILABLE, RESERVED, UNSELLABLE
from engine.facts.reservations import Source
from engine.results import Rejection, ResultCode, Shortage
from engine.state.state import State
from engine.state.stock import NOT_SELLABLE
from engine.supply.plan import terms_of
from engine.supply.request import Request
from engine.supply.terms import Terms

ON_HAND = (AVAILABLE, RESERVED, ALLOCATED, UNSELLABLE)


def units_that_wait(
    state: State,
    request: Request,
    sources: list[tuple[Source, ...]],
    short: list[Shortage],
    partial: bool,
    now_ns: int,
) -> list[int] | Rejection:
    """Units of every line that are backordered, as an order would have them wait; or why not all of it can be held.

    What may not wait is missing: that is refused unless a part is welcome.
    """
    items = state.configuration.items
    waits = []
    for line, found in zip(request.lines, sources, strict=True):
        missing = line.quantity - sum(source.quantity for source in found)
        waits.append(missing if items[line.sku].backorderable else 0)
    units: dict[str, int] = {}
    for line, count in zip(request.lines, waits, strict=True):
        if count:
            units[line.sku] = units.get(line.sku, 0) + count
    refusal = refuse_waiting(state, request.channel, units) or refuse_never_sold(state, request, list(units), now_ns)
    if partial and refusal is not None:
        waits, refusal = [0] * len(waits), None
    if refusal is not None:
        return refusal
    lacking = tuple(shortage for shortage in short if not items[shortage.sku].backorderable)
    if partial:
        lacking = () if any(sources) or any(waits) else tuple(short)
    elif not lacking and any(
        not items[line.sku].backorderable and sum(source.quantity for source in found) < line.quantity
        for line, found in zip(request.lines, sources, strict=True)
    ):
        detail = "not everything is there, and the sourcing policy sends nobody a part of an order"
        return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(short))
    if lacking:
        return Rejection(ResultCode.INSUFFICIENT_STOCK, "not enough stock can be promised", lines=lacking)
    return waits


def backordered_units(state: State, request: Request, sources: list[tuple[Source, ...]], now_ns: int) -> dict[str, int]:
    """Units by SKU that an order would let wait, of what found no sources; SKUs that may not wait are left out."""
    units: dict[str, int] = {}
    for line, found in zip(request.lines, sources, strict=True):
        missing = line.quantity - sum(source.quantity for source in found)
        if missing and state.configuration.items[line.sku].backorderable:
            units[line.sku] = units.get(line.sku, 0) + missing
    return {
        sku: count
        for sku, count in units.items()
        if refuse_waiting(state, request.channel, {sku: count}) is None
        and refuse_never_sold(state, request, [sku], now_ns) is None
    }


def refuse_never_sold(state: State, request: Request, skus: list[str], now_ns: int) -> Rejection | None:
    """Why SKUs may not be backordered: no node could ever send them, as things are set. None if they may."""
    terms, _ = terms_of(state, request, now_ns)
    lacking = []
    for sku in skus:
        wanted = [line for line in request.lines if line.sku == sku]
        if not any(_may_ever_sell(state, terms, sku, node) for node in {line.node: None for line in wanted}):
            lacking.append(Shortage(sku, sum(line.quantity for line in wanted), 0))
    if not lacking:
        return None
    detail = "no node of the channel may sell it, so that there is nothing to wait for"
    return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(lacking))


def refuse_waiting(state: State, channel: str, waits: dict[str, int]) -> Rejection | None:
    """Why units by SKU may not wait for stock: more would than their items allow. None if they may."""
    lacking = []
    for sku, units in waits.items():
        item = state.configuration.items[sku]
        allowed = []
        if item.backorders_max is not None:
            channels = state.configuration.channels
            allowed.append(item.backorders_max - sum(_units_waiting(state, sku, name) for name in channels))
        if channel in item.backorders_max_by_channel:
            allowed.append(item.backorders_max_by_channel[channel] - _units_waiting(state, sku, channel))
        if allowed and units > min(allowed):
            lacking.append(Shortage(sku, units, max(0, min(allowed))))
    if not lacking:
        return None
    detail = "more units would wait for stock than their items allow; `lines` are about those that would have to wait"
    return Rejection(ResultCode.INSUFFICIENT_STOCK, detail, lines=tuple(lacking))


def _units_waiting(state: State, sku: str, channel: str) -> int:
    return state.orders.units_waiting(sku, channel) + state.reservations.units_waiting(sku, channel)


def _may_ever_sell(state: State, terms: Terms, sku: str, node: str | None) -> bool:
    """Whether a node, or (None) any, may sell a SKU under these terms once it has it.

    One that is closed for now counts if it has units, or expects some: those are waited for.
    """
    ledger, table = state.ledger, terms.table
    sku_at = ledger.sku_index[sku]
    _, withheld = state.stock.cells_of(sku_at)
    for node_at in range(len(ledger.nodes)) if node is None else [ledger.node_index[node]]:
        if withheld[node_at] == NOT_SELLABLE:
            continue
        if terms.sends[node_at] or (node is not None and terms.hands_out[node_at]):
            return True
        if not table.enabled[node_at] and terms.would_send[node_at]:
            cell = sku_at * ledger.node_capacity + node_at
            coming = any(inbound.node == ledger.nodes[node_at] for inbound, _ in state.inbound.coming(sku))
            if coming or any(ledger.cells[account][cell] for account in ON_HAND):
                return True
    return False
