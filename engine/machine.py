"""The state machine: which room decides a command, which one writes down a fact; dump, load, digest. No business rule."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from engine import (
    access,
    booking,
    bookkeeping,
    changes,
    configuration,
    deadlines,
    fulfilments,
    holds,
    idempotency,
    improving,
    inbound,
    orders,
    packing,
    payments,
    pick_lists,
    placing,
    rejecting,
    reopening,
    reservations,
    resourcing,
    restating,
    returns,
    settling,
    stock,
    transfers,
)
from engine import commands as c
from engine import facts as f
from engine.access import ApiKey
from engine.ahead import Ahead
from engine.asking import Request
from engine.backorders import serve_waiting
from engine.commands.configuration import Configure
from engine.expected import Inbound
from engine.facts import Fact
from engine.facts.postings import Account
from engine.moving import Transfer
from engine.orders import LooseReturn, Order
from engine.pick_lists import PickList
from engine.pricing.usage import Used
from engine.records import Record
from engine.reservations import Reservation
from engine.results import Rejection
from engine.state import State
from engine.supply import Foreseen

DECIDE: dict[type, Callable[[State, Any, int], Any]] = {
    c.MoveStock: stock.decide_move_stock,
    c.ReserveStock: reservations.decide_reserve,
    c.ExtendReservation: reservations.decide_extend,
    c.ReleaseReservation: reservations.decide_release,
    c.ChangeReservation: reservations.decide_change,
    c.ExpireReservations: reservations.decide_expire,
    c.PlaceOrder: placing.decide_place,
    c.CancelOrder: placing.decide_cancel,
    c.AdvanceFulfilment: fulfilments.decide_advance,
    c.ConfirmFulfilment: fulfilments.decide_confirm,
    c.RejectFulfilment: rejecting.decide_reject,
    c.ShortFulfilment: rejecting.decide_short,
    c.CancelFulfilment: rejecting.decide_cancel_fulfilment,
    c.SplitFulfilment: packing.decide_split,
    c.MergeFulfilments: packing.decide_merge,
    c.PackParcels: packing.decide_parcels,
    c.SourceOrderAgain: resourcing.decide_source_again,
    c.RestateOrder: restating.decide_restate,
    c.ProposeChange: changes.decide_propose,
    c.ConfirmChange: changes.decide_confirm,
    c.DeclineChange: changes.decide_decline,
    c.HoldOrder: holds.decide_hold,
    c.LiftHold: holds.decide_lift,
    c.NoteOrder: holds.decide_note,
    c.AppeaseCustomer: holds.decide_appease,
    c.MeetDeadlines: deadlines.decide_deadline,
    c.AuthoriseReturn: returns.decide_authorise,
    c.ReportLoss: returns.decide_report_loss,
    c.TakeLooseReturn: returns.decide_take_loose,
    c.ReceiveReturn: returns.decide_receive,
    c.CancelReturn: returns.decide_cancel,
    c.SettleReturn: settling.decide_settle,
    c.AddPayment: payments.decide_add,
    c.CapturePayment: payments.decide_capture,
    c.VoidPayment: payments.decide_void,
    c.PayOutRefund: bookkeeping.decide_pay_out,
    c.WriteOff: bookkeeping.decide_write_off,
    c.LockPeriod: bookkeeping.decide_lock,
    c.ExpectInbound: inbound.decide_expect,
    c.ReceiveInbound: inbound.decide_receive,
    c.DelayInbound: inbound.decide_delay,
    c.CancelInbound: inbound.decide_cancel,
    c.PlanTransfer: transfers.decide_plan,
    c.ShipTransfer: transfers.decide_ship,
    c.ReceiveTransfer: transfers.decide_receive,
    c.CancelTransfer: transfers.decide_cancel,
    c.MakePickList: pick_lists.decide_make,
    c.FinishPickList: pick_lists.decide_finish,
    c.CancelPickList: pick_lists.decide_cancel,
    c.Configure: configuration.decide_configure,
    c.CreateApiKey: access.decide_create_key,
    c.RevokeApiKey: access.decide_revoke_key,
    c.ImproveOrders: improving.decide_improve,
    c.ForgetKeys: idempotency.decide_forget,
    c.RecordDigest: lambda state, command, now_ns: f.DigestRecorded(command.parts, command.digest),
}


class Sourced(NamedTuple):
    """A command that takes units from wherever it is best: what it wants, and how it is decided with a plan foreseen."""

    request_of: Callable[[State, Any], Request | None]
    decide: Callable[[State, Any, int, Foreseen], Any]


SOURCING: dict[type, Sourced] = {
    c.ReserveStock: Sourced(reservations.request_of, reservations.decide_reserve),
    c.PlaceOrder: Sourced(placing.request_of, placing.decide_place),
}

EVOLVE: dict[type, Callable[[State, Any], None]] = {
    f.StockMoved: stock.evolve_stock_moved,
    f.StockReserved: reservations.evolve_stock_reserved,
    f.ReservationExtended: reservations.evolve_extended,
    f.ReservationChanged: reservations.evolve_changed,
    f.ReservationReleased: reservations.evolve_released,
    f.ReservationExpired: reservations.evolve_expired,
    f.OrderPlaced: placing.evolve_placed,
    f.OrderCancelled: placing.evolve_cancelled,
    f.OrderSourced: resourcing.evolve_sourced,
    f.OrderImproved: improving.evolve_improved,
    f.FulfilmentAdvanced: fulfilments.evolve_advanced,
    f.FulfilmentConfirmed: fulfilments.evolve_confirmed,
    f.FulfilmentRejected: rejecting.evolve_rejected,
    f.FulfilmentShorted: rejecting.evolve_shorted,
    f.FulfilmentSplit: packing.evolve_split,
    f.FulfilmentsMerged: packing.evolve_merged,
    f.ParcelsPacked: packing.evolve_parcels,
    f.PickupLapsed: deadlines.evolve_lapsed,
    f.OrderReopened: reopening.evolve_reopened,
    f.ChangeProposed: changes.evolve_proposed,
    f.OrderChanged: changes.evolve_changed,
    f.ChangeDeclined: changes.evolve_declined,
    f.OrderRestated: restating.evolve_restated,
    f.OrderHeld: holds.evolve_held,
    f.HoldLifted: holds.evolve_lifted,
    f.OrderNoted: holds.evolve_noted,
    f.OrderAppeased: holds.evolve_appeased,
    f.ReturnAuthorised: returns.evolve_authorised,
    f.LossReported: returns.evolve_loss,
    f.DocumentIssued: booking.evolve_issued,
    f.MoneyBooked: booking.evolve_booked,
    f.OrderPriced: settling.evolve_priced,
    f.UnitsCharged: settling.evolve_charged,
    f.UnitsCredited: settling.evolve_credited,
    f.ReturnSettled: settling.evolve_settled,
    f.PaymentAdded: payments.evolve_added,
    f.PaymentCaptured: payments.evolve_captured,
    f.PaymentVoided: payments.evolve_voided,
    f.PaymentMoved: payments.evolve_moved,
    f.PaymentsRefunded: payments.evolve_refunded,
    f.RefundPaidOut: bookkeeping.evolve_paid_out,
    f.ReceivableWrittenOff: bookkeeping.evolve_written_off,
    f.PeriodLocked: bookkeeping.evolve_locked,
    f.LooseReturnTaken: returns.evolve_loose,
    f.ReturnReceived: returns.evolve_received,
    f.ReturnCancelled: returns.evolve_cancelled,
    f.InboundExpected: inbound.evolve_expected,
    f.InboundReceived: inbound.evolve_received,
    f.InboundDelayed: inbound.evolve_delayed,
    f.InboundCancelled: inbound.evolve_cancelled,
    f.TransferPlanned: transfers.evolve_planned,
    f.TransferShipped: transfers.evolve_shipped,
    f.TransferReceived: transfers.evolve_received,
    f.TransferCancelled: transfers.evolve_cancelled,
    f.PickListMade: pick_lists.evolve_made,
    f.PickListEnded: pick_lists.evolve_ended,
    f.NodeSet: configuration.evolve_node_set,
    f.ItemSet: configuration.evolve_item_set,
    f.NodeItemSet: configuration.evolve_node_item_set,
    f.ChannelSet: configuration.evolve_channel_set,
    f.SourcingPolicySet: configuration.evolve_sourcing_policy_set,
    f.PriceListSet: configuration.evolve_price_list_set,
    f.TaxRatesSet: configuration.evolve_tax_rates_set,
    f.PromotionSet: configuration.evolve_promotion_set,
    f.VoucherSet: configuration.evolve_voucher_set,
    f.VoucherUsed: payments.evolve_voucher_used,
    f.ApiKeyCreated: access.evolve_key_created,
    f.ApiKeyRevoked: access.evolve_key_revoked,
    f.KeysForgotten: idempotency.evolve_forgotten,
    f.DigestRecorded: lambda state, fact: None,
}


def decide(
    state: State, command: c.Command, now_ns: int, foreseen: Foreseen | None = None
) -> tuple[Fact, ...] | Rejection:
    """What will happen if `command` is carried out now, or why it will not. Changes nothing.

    `foreseen` spares work where the batch was looked at ahead; it changes no outcome.
    """
    if foreseen is None:
        outcome = DECIDE[type(command)](state, command, now_ns)
    else:
        outcome = SOURCING[type(command)].decide(state, command, now_ns, foreseen)
    if isinstance(outcome, Rejection):
        return outcome
    facts: tuple[Fact, ...] = outcome if isinstance(outcome, tuple) else (outcome,)
    facts += settling.follow(state, facts, now_ns)
    facts += booking.follow(state, facts, now_ns)
    if state.orders.waiting and facts:
        facts += serve_waiting(state, facts, now_ns)
    return facts


def look_ahead(state: State, commands: Sequence[c.Command | None], now_ns: int) -> Ahead:
    """Source what a batch wants in one pass, before its commands are decided in turn. None stands for what is no command."""
    return Ahead(state, commands, _request_of, now_ns)


def _request_of(state: State, command: c.Command) -> Request | None:
    sourced = SOURCING.get(type(command))
    return None if sourced is None else sourced.request_of(state, command)


def evolve(state: State, seq: int, time_ns: int, facts: tuple[Fact, ...], key: bytes | None) -> None:
    """Write down one record. The live path and replay both come through here."""
    assert seq == state.seq + 1, f"record {seq} does not follow {state.seq}"
    assert time_ns >= state.time_ns
    state.seq, state.time_ns = seq, time_ns
    for fact in facts:
        EVOLVE[type(fact)](state, fact)
    orders.close_touched(state)
    if key is not None:
        state.idempotency.remember(key, seq, time_ns)


def replay(state: State, seq: int, time_ns: int, record: Record) -> None:
    """Fold one journalled record onto the state."""
    evolve(state, seq, time_ns, record.facts, record.key)


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
    """How often some promotions were used and what they have cost; or some vouchers, and what was paid with them."""

    items: list[tuple[str, Used]]
    vouchers: list[tuple[str, Used]] = []


class MoneyBalances(msgspec.Struct, array_like=True, tag="money_balances"):
    """All of the money ledger: balances by currency and account, the last number of every series and year, the lock."""

    balances: dict[str, dict[str, int]]
    last_numbers: list[tuple[str, int, int]]
    locked_through_day: int


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
    | OpenTransfers
    | EndedTransfers
    | Keys
    | Marks
    | ApiKeys
)

DUMP_VERSION = 2
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
    books = state.money_books
    numbers = [(*series, number) for series, number in books.last_numbers.items()]
    yield MoneyBalances(
        {currency: dict(accounts) for currency, accounts in books.balances.items()}, numbers, books.locked_through_day
    )
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


def _load_money(state: State, part: MoneyBalances) -> None:
    books = state.money_books
    books.balances, books.locked_through_day = part.balances, part.locked_through_day
    books.last_numbers = {(series, year): number for series, year, number in part.last_numbers}


LOAD: dict[type, Callable[[State, Any], None]] = {
    Position: _load_position,
    MasterData: lambda state, part: state.configuration.add(part.document),
    PolicyVersions: lambda state, part: state.configuration.policy_seqs.update(part.seqs),
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
