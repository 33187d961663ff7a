"""The state machine: which room decides a command, which one writes down a fact. No business rule."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from engine import reservations
from engine.commands import Command
from engine.commands.access import CreateApiKey, RevokeApiKey
from engine.commands.bookkeeping import LockPeriod, PayOutRefund, WriteOff
from engine.commands.configuration import Configure
from engine.commands.inbound import CancelInbound, DelayInbound, ExpectInbound, ReceiveInbound
from engine.commands.maintenance import ForgetKeys, ImproveOrders, MeetDeadlines, RecordDigest
from engine.commands.orders import (
    AddPayment,
    AdvanceFulfilment,
    AppeaseCustomer,
    AuthoriseReturn,
    CancelFulfilment,
    CancelOrder,
    CancelReturn,
    CapturePayment,
    ConfirmChange,
    ConfirmFulfilment,
    DeclineChange,
    HoldOrder,
    LiftHold,
    MergeFulfilments,
    NoteOrder,
    PackParcels,
    PlaceOrder,
    ProposeChange,
    ReceiveReturn,
    RejectFulfilment,
    ReportLoss,
    RestateOrder,
    SettleReturn,
    ShortFulfilment,
    SourceOrderAgain,
    SplitFulfilment,
    TakeLooseReturn,
    VoidPayment,
)
from engine.commands.picking import CancelPickList, FinishPickList, MakePickList
from engine.commands.providers import AskForPayment, ReportPayment
from engine.commands.reservations import (
    ChangeReservation,
    ExpireReservations,
    ExtendReservation,
    ReleaseReservation,
    ReserveStock,
)
from engine.commands.stock import MoveStock
from engine.commands.transfers import CancelTransfer, PlanTransfer, ReceiveTransfer, ShipTransfer
from engine.configuration import api_keys, idempotency_keys, master_data
from engine.facts import Fact
from engine.facts.access import ApiKeyCreated, ApiKeyRevoked
from engine.facts.configuration import ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.inbound import InboundCancelled, InboundDelayed, InboundExpected, InboundReceived
from engine.facts.maintenance import DigestRecorded, KeysForgotten
from engine.facts.money import (
    DocumentIssued,
    MoneyBooked,
    OrderPriced,
    PaymentAdded,
    PaymentCaptured,
    PaymentMoved,
    PaymentsRefunded,
    PaymentVoided,
    PeriodLocked,
    ReceivableWrittenOff,
    RefundPaidOut,
    ReturnSettled,
    UnitsCharged,
    UnitsCredited,
    VoucherUsed,
)
from engine.facts.orders import (
    ChangeDeclined,
    ChangeProposed,
    FulfilmentAdvanced,
    FulfilmentConfirmed,
    FulfilmentRejected,
    FulfilmentShorted,
    FulfilmentsMerged,
    FulfilmentSplit,
    HoldLifted,
    LooseReturnTaken,
    LossReported,
    OrderAppeased,
    OrderCancelled,
    OrderChanged,
    OrderHeld,
    OrderImproved,
    OrderNoted,
    OrderPlaced,
    OrderReopened,
    OrderRestated,
    OrderSourced,
    ParcelsPacked,
    PickupLapsed,
    ReturnAuthorised,
    ReturnCancelled,
    ReturnReceived,
)
from engine.facts.picking import PickListEnded, PickListMade
from engine.facts.pricing import PriceListSet, PromotionSet, ShippingPricesSet, TaxRatesSet, VoucherSet
from engine.facts.providers import PaymentAnswered, PaymentAsked, PaymentProviderSet
from engine.facts.records import Record
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationExtended,
    ReservationReleased,
    StockReserved,
)
from engine.facts.stock import StockMoved
from engine.facts.transfers import TransferCancelled, TransferPlanned, TransferReceived, TransferShipped
from engine.fulfilments import packing, pick_lists, rejecting, sourcing_again, steps
from engine.money import booking, bookkeeping, payments, settling
from engine.orders import (
    cancelling,
    changes,
    deadlines,
    holds,
    improving,
    marketplaces,
    payment_providers,
    placing,
    returns,
)
from engine.results import Rejection
from engine.state import reopening
from engine.state.state import State
from engine.stock import inbound, movements, transfers
from engine.stock.backorders import serve_waiting
from engine.supply.looking_ahead import Ahead
from engine.supply.plan import Foreseen
from engine.supply.request import Request

DECIDE: dict[type, Callable[[State, Any, int], Any]] = {
    MoveStock: movements.decide_move_stock,
    ReserveStock: reservations.decide_reserve,
    ExtendReservation: reservations.decide_extend,
    ReleaseReservation: reservations.decide_release,
    ChangeReservation: reservations.decide_change,
    ExpireReservations: reservations.decide_expire,
    PlaceOrder: placing.decide_place,
    CancelOrder: cancelling.decide_cancel,
    AdvanceFulfilment: steps.decide_advance,
    ConfirmFulfilment: steps.decide_confirm,
    RejectFulfilment: rejecting.decide_reject,
    ShortFulfilment: rejecting.decide_short,
    CancelFulfilment: rejecting.decide_cancel_fulfilment,
    SplitFulfilment: packing.decide_split,
    MergeFulfilments: packing.decide_merge,
    PackParcels: packing.decide_parcels,
    SourceOrderAgain: sourcing_again.decide_source_again,
    RestateOrder: marketplaces.decide_restate,
    ProposeChange: changes.decide_propose,
    ConfirmChange: changes.decide_confirm,
    DeclineChange: changes.decide_decline,
    HoldOrder: holds.decide_hold,
    LiftHold: holds.decide_lift,
    NoteOrder: holds.decide_note,
    AppeaseCustomer: holds.decide_appease,
    MeetDeadlines: deadlines.decide_deadline,
    AuthoriseReturn: returns.decide_authorise,
    ReportLoss: returns.decide_report_loss,
    TakeLooseReturn: returns.decide_take_loose,
    ReceiveReturn: returns.decide_receive,
    CancelReturn: returns.decide_cancel,
    SettleReturn: settling.decide_settle,
    AddPayment: payments.decide_add,
    CapturePayment: payments.decide_capture,
    VoidPayment: payments.decide_void,
    AskForPayment: payment_providers.decide_ask,
    ReportPayment: payment_providers.decide_report,
    PayOutRefund: bookkeeping.decide_pay_out,
    WriteOff: bookkeeping.decide_write_off,
    LockPeriod: bookkeeping.decide_lock,
    ExpectInbound: inbound.decide_expect,
    ReceiveInbound: inbound.decide_receive,
    DelayInbound: inbound.decide_delay,
    CancelInbound: inbound.decide_cancel,
    PlanTransfer: transfers.decide_plan,
    ShipTransfer: transfers.decide_ship,
    ReceiveTransfer: transfers.decide_receive,
    CancelTransfer: transfers.decide_cancel,
    MakePickList: pick_lists.decide_make,
    FinishPickList: pick_lists.decide_finish,
    CancelPickList: pick_lists.decide_cancel,
    Configure: master_data.decide_configure,
    CreateApiKey: api_keys.decide_create_key,
    RevokeApiKey: api_keys.decide_revoke_key,
    ImproveOrders: improving.decide_improve,
    ForgetKeys: idempotency_keys.decide_forget,
    RecordDigest: lambda state, command, now_ns: DigestRecorded(command.parts, command.digest),
}


class Sourced(NamedTuple):
    """A command that takes units from wherever it is best: what it wants, and how it is decided with a plan foreseen."""

    request_of: Callable[[State, Any], Request | None]
    decide: Callable[[State, Any, int, Foreseen], Any]


SOURCING: dict[type, Sourced] = {
    ReserveStock: Sourced(reservations.request_of, reservations.decide_reserve),
    PlaceOrder: Sourced(placing.request_of, placing.decide_place),
}

EVOLVE: dict[type, Callable[[State, Any], None]] = {
    StockMoved: movements.evolve_stock_moved,
    StockReserved: reservations.evolve_stock_reserved,
    ReservationExtended: reservations.evolve_extended,
    ReservationChanged: reservations.evolve_changed,
    ReservationReleased: reservations.evolve_released,
    ReservationExpired: reservations.evolve_expired,
    OrderPlaced: placing.evolve_placed,
    OrderCancelled: cancelling.evolve_cancelled,
    OrderSourced: sourcing_again.evolve_sourced,
    OrderImproved: improving.evolve_improved,
    FulfilmentAdvanced: steps.evolve_advanced,
    FulfilmentConfirmed: steps.evolve_confirmed,
    FulfilmentRejected: rejecting.evolve_rejected,
    FulfilmentShorted: rejecting.evolve_shorted,
    FulfilmentSplit: packing.evolve_split,
    FulfilmentsMerged: packing.evolve_merged,
    ParcelsPacked: packing.evolve_parcels,
    PickupLapsed: deadlines.evolve_lapsed,
    OrderReopened: reopening.evolve_reopened,
    ChangeProposed: changes.evolve_proposed,
    OrderChanged: changes.evolve_changed,
    ChangeDeclined: changes.evolve_declined,
    OrderRestated: marketplaces.evolve_restated,
    OrderHeld: holds.evolve_held,
    HoldLifted: holds.evolve_lifted,
    OrderNoted: holds.evolve_noted,
    OrderAppeased: holds.evolve_appeased,
    ReturnAuthorised: returns.evolve_authorised,
    LossReported: returns.evolve_loss,
    DocumentIssued: booking.evolve_issued,
    MoneyBooked: booking.evolve_booked,
    OrderPriced: settling.evolve_priced,
    UnitsCharged: settling.evolve_charged,
    UnitsCredited: settling.evolve_credited,
    ReturnSettled: settling.evolve_settled,
    PaymentAdded: payments.evolve_added,
    PaymentCaptured: payments.evolve_captured,
    PaymentVoided: payments.evolve_voided,
    PaymentMoved: payments.evolve_moved,
    PaymentsRefunded: payments.evolve_refunded,
    PaymentProviderSet: payment_providers.evolve_provider_set,
    PaymentAsked: payment_providers.evolve_asked,
    PaymentAnswered: payment_providers.evolve_answered,
    RefundPaidOut: bookkeeping.evolve_paid_out,
    ReceivableWrittenOff: bookkeeping.evolve_written_off,
    PeriodLocked: bookkeeping.evolve_locked,
    LooseReturnTaken: returns.evolve_loose,
    ReturnReceived: returns.evolve_received,
    ReturnCancelled: returns.evolve_cancelled,
    InboundExpected: inbound.evolve_expected,
    InboundReceived: inbound.evolve_received,
    InboundDelayed: inbound.evolve_delayed,
    InboundCancelled: inbound.evolve_cancelled,
    TransferPlanned: transfers.evolve_planned,
    TransferShipped: transfers.evolve_shipped,
    TransferReceived: transfers.evolve_received,
    TransferCancelled: transfers.evolve_cancelled,
    PickListMade: pick_lists.evolve_made,
    PickListEnded: pick_lists.evolve_ended,
    NodeSet: master_data.evolve_node_set,
    ItemSet: master_data.evolve_item_set,
    NodeItemSet: master_data.evolve_node_item_set,
    ChannelSet: master_data.evolve_channel_set,
    SourcingPolicySet: master_data.evolve_sourcing_policy_set,
    PriceListSet: master_data.evolve_price_list_set,
    TaxRatesSet: master_data.evolve_tax_rates_set,
    PromotionSet: master_data.evolve_promotion_set,
    ShippingPricesSet: master_data.evolve_shipping_prices_set,
    VoucherSet: master_data.evolve_voucher_set,
    VoucherUsed: payments.evolve_voucher_used,
    ApiKeyCreated: api_keys.evolve_key_created,
    ApiKeyRevoked: api_keys.evolve_key_revoked,
    KeysForgotten: idempotency_keys.evolve_forgotten,
    DigestRecorded: lambda state, fact: None,
}


def decide(
    state: State, command: Command, now_ns: int, foreseen: Foreseen | None = None
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
    facts += payment_providers.follow(state, facts)
    if state.orders.waiting and facts:
        facts += serve_waiting(state, facts, now_ns)
    return reopening.with_reopened(state, facts)


def look_ahead(state: State, commands: Sequence[Command | None], now_ns: int) -> Ahead:
    """Source what a batch wants in one pass, before its commands are decided in turn. None stands for what is no command."""
    return Ahead(state, commands, _request_of, now_ns)


def _request_of(state: State, command: Command) -> Request | None:
    sourced = SOURCING.get(type(command))
    return None if sourced is None else sourced.request_of(state, command)


def evolve(state: State, seq: int, time_ns: int, facts: tuple[Fact, ...], key: bytes | None) -> None:
    """Write down one record. The live path and replay both come through here."""
    assert seq == state.seq + 1, f"record {seq} does not follow {state.seq}"
    assert time_ns >= state.time_ns
    state.seq, state.time_ns = seq, time_ns
    for fact in facts:
        EVOLVE[type(fact)](state, fact)
    reopening.close_touched(state)
    if key is not None:
        state.idempotency.remember(key, seq, time_ns)


def replay(state: State, seq: int, time_ns: int, record: Record) -> None:
    """Fold one journalled record onto the state."""
    evolve(state, seq, time_ns, record.facts, record.key)
