"""The whole state as parts of bounded size, and back: for snapshots, and for its digest. No business rule."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from engine.commands.configuration import Configure
from engine.facts.postings import Account
from engine.state.api_keys import ApiKey
from engine.state.inbound import Inbound
from engine.state.orders import LooseReturn, Order
from engine.state.payment_requests import ProviderRequest
from engine.state.pick_lists import PickList
from engine.state.promotion_usage import Used
from engine.state.reservations import Reservation
from engine.state.state import State
from engine.state.transfers import Transfer
from engine.stock import inbound


class Position(msgspec.Struct, array_like=True, tag="position"):
    """Where the journal stood, and the numbers given out."""

    seq: int
    time_ns: int
    next_fulfilment: int
    next_return: int
    next_inbound: int = 1
    next_transfer: int = 1
    next_pick_list: int = 1


class MasterData(msgspec.Struct, array_like=True, tag="master_data"):
    """Some of what people set, in the order in which it was first set."""

    document: Configure


class Places(msgspec.Struct, array_like=True, tag="places"):
    """SKUs and nodes by their position in the ledger."""

    skus: list[str]
    nodes: list[str]


class Balances(msgspec.Struct, array_like=True, tag="balances"):
    """Balances of one account that are not 0, of some SKUs. See Ledger.rows_of."""

    account: int
    first_sku: int
    cells: bytes
    units: bytes


class PolicyVersions(msgspec.Struct, array_like=True, tag="policy_versions"):
    """The records that set each sourcing policy as it is."""

    seqs: dict[str, int]


class PriceListVersions(msgspec.Struct, array_like=True, tag="price_list_versions"):
    """The records that set some price lists, each with all of them."""

    seqs: dict[str, list[int]]


class PlacesTaken(msgspec.Struct, array_like=True, tag="places_taken"):
    """Orders that nodes with a limit have promised to send, by day and node."""

    items: list[tuple[int, str, int]]


class ActiveReservations(msgspec.Struct, array_like=True, tag="reservations"):
    """Some of the active reservations, in order."""

    items: list[Reservation]


class OpenOrders(msgspec.Struct, array_like=True, tag="orders"):
    """Some of the open orders, in order."""

    items: list[Order]


class OpenInbound(msgspec.Struct, array_like=True, tag="inbound"):
    """Some of the inbound that is still expected, in order."""

    items: list[Inbound]


class EndedInbound(msgspec.Struct, array_like=True, tag="ended_inbound"):
    """Some of the inbound that ended and can still be read, in the order in which it ended."""

    items: list[Inbound]


class OpenPickLists(msgspec.Struct, array_like=True, tag="pick_lists"):
    """Some of the open pick lists, in order."""

    items: list[PickList]


class EndedPickLists(msgspec.Struct, array_like=True, tag="ended_pick_lists"):
    """Some of the pick lists that ended and can still be read, in the order in which they ended."""

    items: list[PickList]


class PromotionsUsed(msgspec.Struct, array_like=True, tag="promotions_used"):
    """How often some promotions were used and what they have cost; or some vouchers, and what was paid with them;
    or orders by promotion and customer."""

    items: list[tuple[str, Used]]
    vouchers: list[tuple[str, Used]] = []
    customers: list[tuple[str, str, int]] = []


class MoneyBalances(msgspec.Struct, array_like=True, tag="money_balances"):
    """All of the money ledger: balances by currency and account, the last number of every series and year, the lock."""

    balances: dict[str, dict[str, int]]
    last_numbers: list[tuple[str, int, int]]
    locked_through_day: int


class PaymentRequests(msgspec.Struct, array_like=True, tag="payment_requests"):
    """The number that the next request to a payment provider gets, and some of the open ones, oldest first."""

    next_number: int
    items: list[ProviderRequest]


class LooseReturns(msgspec.Struct, array_like=True, tag="loose_returns"):
    """Some of the returns without an order that can still be read, oldest first."""

    items: list[LooseReturn]


class OpenTransfers(msgspec.Struct, array_like=True, tag="transfers"):
    """Some of the transfers under way, in order."""

    items: list[Transfer]


class EndedTransfers(msgspec.Struct, array_like=True, tag="ended_transfers"):
    """Some of the transfers that ended and can still be read, in the order in which they ended."""

    items: list[Transfer]


class Keys(msgspec.Struct, array_like=True, tag="keys"):
    """Some of the idempotency keys, oldest first."""

    items: list[tuple[bytes, int]]


class Marks(msgspec.Struct, array_like=True, tag="marks"):
    """What tells the age of idempotency keys."""

    items: list[tuple[int, int]]


class ApiKeys(msgspec.Struct, array_like=True, tag="api_keys"):
    """Every API key ever given."""

    items: list[ApiKey]


Part = (
    Position
    | MasterData
    | PolicyVersions
    | PriceListVersions
    | Places
    | Balances
    | PlacesTaken
    | ActiveReservations
    | OpenOrders
    | OpenInbound
    | EndedInbound
    | OpenPickLists
    | EndedPickLists
    | LooseReturns
    | PromotionsUsed
    | MoneyBalances
    | PaymentRequests
    | OpenTransfers
    | EndedTransfers
    | Keys
    | Marks
    | ApiKeys
)

DUMP_VERSION = 3
PART_ENTRIES_MAX = 4_096
PART_CELLS_MAX = 262_144
_decode_part = msgspec.msgpack.Decoder(Part).decode
_encode_part = msgspec.msgpack.Encoder().encode


def dump(state: State) -> Iterator[bytes]:
    """All state that is a fold of the journal, as parts of bounded size, in an order that follows from the journal alone.

    The state may change while the parts are being taken: each is then of the moment at which it was taken.
    """
    return map(_encode_part, _parts(state))


def _parts(state: State) -> Iterator[Part]:
    orders, ledger = state.orders, state.ledger
    yield Position(
        state.seq,
        state.time_ns,
        orders.next_fulfilment,
        orders.next_return,
        state.inbound.next_number,
        state.transfers.next_number,
        state.pick_lists.next_number,
    )
    yield from map(MasterData, _documents(state))
    yield PolicyVersions(dict(state.configuration.policy_seqs))
    for some in _cut(state.configuration.price_list_seqs):
        yield PriceListVersions({name: list(seqs) for name, seqs in some.items()})
    yield Places(list(ledger.skus), list(ledger.nodes))
    step = max(1, PART_CELLS_MAX // max(1, len(ledger.nodes)))
    for account in Account:
        for first_sku in range(0, len(ledger.skus), step):
            yield Balances(account, first_sku, *ledger.rows_of(account, first_sku, step))
    taken = state.capacity.taken
    for day in sorted(taken):
        yield PlacesTaken([(day, node, count) for node, count in sorted(taken.get(day, {}).items())])
    for some in _cut(state.reservations.active):
        yield ActiveReservations(list(some.values()))
    for some in _cut(orders.open):
        yield OpenOrders(list(some.values()))
    for some in _cut(state.inbound.open):
        yield OpenInbound(list(some.values()))
    for some in _cut(state.inbound.ended):
        yield EndedInbound(list(some.values()))
    for some in _cut(state.pick_lists.open):
        yield OpenPickLists(list(some.values()))
    for some in _cut(state.pick_lists.ended):
        yield EndedPickLists(list(some.values()))
    for some in _cut(orders.loose_returns):
        yield LooseReturns(list(some.values()))
    for some in _cut(state.usage.of):
        yield PromotionsUsed(list(some.items()))
    for some in _cut(state.usage.vouchers):
        yield PromotionsUsed([], list(some.items()))
    for some in _cut(state.usage.customers):
        yield PromotionsUsed([], [], [(*key, orders) for key, orders in some.items()])
    books = state.money_books
    numbers = [(*series, number) for series, number in books.last_numbers.items()]
    yield MoneyBalances(
        {currency: dict(accounts) for currency, accounts in books.balances.items()}, numbers, books.locked_through_day
    )
    requests = state.payment_requests
    yield PaymentRequests(requests.next_number, [])
    for some in _cut(requests.open):
        yield PaymentRequests(requests.next_number, list(some.values()))
    for some in _cut(state.transfers.open):
        yield OpenTransfers(list(some.values()))
    for some in _cut(state.transfers.ended):
        yield EndedTransfers(list(some.values()))
    for some in _cut(state.idempotency.seq_of):
        yield Keys(list(some.items()))
    yield Marks(list(state.idempotency.marks))
    yield ApiKeys(list(state.access.keys.values()))


def _documents(state: State) -> Iterator[Configure]:
    known = state.configuration
    for nodes in _cut(known.nodes):
        yield Configure(nodes=nodes)
    for items in _cut(known.items):
        yield Configure(items=items)
    for policies in _cut(known.sourcing_policies):
        yield Configure(sourcing_policies=policies)
    for price_lists in _cut(known.price_lists):
        yield Configure(price_lists=price_lists)
    for tax_rates in _cut(known.tax_rates):
        yield Configure(tax_rates=tax_rates)
    for promotions in _cut(known.promotions):
        yield Configure(promotions=promotions)
    for vouchers in _cut(known.vouchers):
        yield Configure(vouchers=vouchers)
    for shipping_prices in _cut(known.shipping_prices):
        yield Configure(shipping_prices=shipping_prices)
    for payment_providers in _cut(known.payment_providers):
        yield Configure(payment_providers=payment_providers)
    for channels in _cut(known.channels):
        yield Configure(channels=channels)
    for node in list(known.node_items):
        for node_items in _cut(known.node_items[node]):
            yield Configure(node_items={node: node_items})


def _cut(entries: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    """Some entries at a time, each as it is when its turn comes; what has gone by then is left out."""
    keys = list(entries)
    for start in range(0, len(keys), PART_ENTRIES_MAX):
        yield {key: entries[key] for key in keys[start : start + PART_ENTRIES_MAX] if key in entries}


def load(state: State, parts: Iterable[bytes]) -> None:
    """Put a dump into an empty state. Raises msgspec.MsgspecError for what is no dump; the state is then of no use."""
    assert state.seq == 0
    for encoded in parts:
        part = _decode_part(encoded)
        LOAD[type(part)](state, part)
    state.reservations.order_ends()
    if state.inbound.open:
        for holder, number, _, units in inbound.promises(state):
            state.inbound.enter(holder, number, units)


def _load_position(state: State, part: Position) -> None:
    state.seq, state.time_ns = part.seq, part.time_ns
    state.orders.next_fulfilment, state.orders.next_return = part.next_fulfilment, part.next_return
    state.inbound.next_number, state.transfers.next_number = part.next_inbound, part.next_transfer
    state.pick_lists.next_number = part.next_pick_list


def _load_places(state: State, part: Places) -> None:
    for sku in part.skus:
        state.ledger.open_sku(sku)
    for node in part.nodes:
        state.ledger.open_node(node)
    state.stock.grow()
    for node, items in state.configuration.node_items.items():
        for sku, rule in items.items():
            state.stock.withhold(sku, node, rule)


def _load_places_taken(state: State, part: PlacesTaken) -> None:
    for day, node, count in part.items:
        state.capacity.taken.setdefault(day, {})[node] = count


def _load_orders(state: State, part: OpenOrders) -> None:
    for order in part.items:
        state.orders.add(order)


def _load_inbound(state: State, part: OpenInbound) -> None:
    for entry in part.items:
        state.inbound.add(entry)


def _load_pick_lists(state: State, part: OpenPickLists) -> None:
    for made in part.items:
        state.pick_lists.add(made)


def _load_api_keys(state: State, part: ApiKeys) -> None:
    for key in part.items:
        state.access.put(key)


def _load_usage(state: State, part: PromotionsUsed) -> None:
    state.usage.of.update(part.items)
    state.usage.vouchers.update(part.vouchers)
    state.usage.customers.update({(promotion, customer): orders for promotion, customer, orders in part.customers})


def _load_money(state: State, part: MoneyBalances) -> None:
    books = state.money_books
    books.balances, books.locked_through_day = part.balances, part.locked_through_day
    books.last_numbers = {(series, year): number for series, year, number in part.last_numbers}


def _load_requests(state: State, part: PaymentRequests) -> None:
    for request in part.items:
        state.payment_requests.put(request)
    state.payment_requests.next_number = part.next_number


LOAD: dict[type, Callable[[State, Any], None]] = {
    Position: _load_position,
    MasterData: lambda state, part: state.configuration.add(part.document),
    PolicyVersions: lambda state, part: state.configuration.policy_seqs.update(part.seqs),
    PriceListVersions: lambda state, part: state.configuration.price_list_seqs.update(part.seqs),
    Places: _load_places,
    PlacesTaken: _load_places_taken,
    Balances: lambda state, part: state.ledger.load_rows(part.account, part.first_sku, part.cells, part.units),
    ActiveReservations: lambda state, part: state.reservations.load(part.items),
    OpenOrders: _load_orders,
    OpenInbound: _load_inbound,
    EndedInbound: lambda state, part: state.inbound.ended.update({entry.number: entry for entry in part.items}),
    OpenPickLists: _load_pick_lists,
    EndedPickLists: lambda state, part: state.pick_lists.ended.update({one.number: one for one in part.items}),
    LooseReturns: lambda state, part: state.orders.loose_returns.update({one.number: one for one in part.items}),
    PromotionsUsed: _load_usage,
    MoneyBalances: _load_money,
    PaymentRequests: _load_requests,
    OpenTransfers: lambda state, part: state.transfers.open.update({entry.number: entry for entry in part.items}),
    EndedTransfers: lambda state, part: state.transfers.ended.update({entry.number: entry for entry in part.items}),
    Keys: lambda state, part: state.idempotency.seq_of.update(part.items),
    Marks: lambda state, part: state.idempotency.marks.extend(part.items),
    ApiKeys: _load_api_keys,
}


def digest(state: State) -> str:
    """Hash of the whole state, the same on any machine for the same journal: blake2b-256 over its dump, in hex."""
    whole = hashlib.blake2b(digest_size=32)
    for encoded in dump(state):
        whole.update(encoded)
    return whole.hexdigest()
