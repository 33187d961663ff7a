"""The state machine: which room decides a command, which one writes down a fact. No business rule."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from engine import commands as c
from engine import facts as f
from engine import reservations
from engine.configuration import api_keys, idempotency_keys, master_data
from engine.facts import Fact
from engine.facts.records import Record
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
    c.MoveStock: movements.decide_move_stock,
    c.ReserveStock: reservations.decide_reserve,
    c.ExtendReservation: reservations.decide_extend,
    c.ReleaseReservation: reservations.decide_release,
    c.ChangeReservation: reservations.decide_change,
    c.ExpireReservations: reservations.decide_expire,
    c.PlaceOrder: placing.decide_place,
    c.CancelOrder: cancelling.decide_cancel,
    c.AdvanceFulfilment: steps.decide_advance,
    c.ConfirmFulfilment: steps.decide_confirm,
    c.RejectFulfilment: rejecting.decide_reject,
    c.ShortFulfilment: rejecting.decide_short,
    c.CancelFulfilment: rejecting.decide_cancel_fulfilment,
    c.SplitFulfilment: packing.decide_split,
    c.MergeFulfilments: packing.decide_merge,
    c.PackParcels: packing.decide_parcels,
    c.SourceOrderAgain: sourcing_again.decide_source_again,
    c.RestateOrder: marketplaces.decide_restate,
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
    c.AskForPayment: payment_providers.decide_ask,
    c.ReportPayment: payment_providers.decide_report,
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
    c.Configure: master_data.decide_configure,
    c.CreateApiKey: api_keys.decide_create_key,
    c.RevokeApiKey: api_keys.decide_revoke_key,
    c.ImproveOrders: improving.decide_improve,
    c.ForgetKeys: idempotency_keys.decide_forget,
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
    f.StockMoved: movements.evolve_stock_moved,
    f.StockReserved: reservations.evolve_stock_reserved,
    f.ReservationExtended: reservations.evolve_extended,
    f.ReservationChanged: reservations.evolve_changed,
    f.ReservationReleased: reservations.evolve_released,
    f.ReservationExpired: reservations.evolve_expired,
    f.OrderPlaced: placing.evolve_placed,
    f.OrderCancelled: cancelling.evolve_cancelled,
    f.OrderSourced: sourcing_again.evolve_sourced,
    f.OrderImproved: improving.evolve_improved,
    f.FulfilmentAdvanced: steps.evolve_advanced,
    f.FulfilmentConfirmed: steps.evolve_confirmed,
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
    f.OrderRestated: marketplaces.evolve_restated,
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
    f.PaymentProviderSet: payment_providers.evolve_provider_set,
    f.PaymentAsked: payment_providers.evolve_asked,
    f.PaymentAnswered: payment_providers.evolve_answered,
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
    f.NodeSet: master_data.evolve_node_set,
    f.ItemSet: master_data.evolve_item_set,
    f.NodeItemSet: master_data.evolve_node_item_set,
    f.ChannelSet: master_data.evolve_channel_set,
    f.SourcingPolicySet: master_data.evolve_sourcing_policy_set,
    f.PriceListSet: master_data.evolve_price_list_set,
    f.TaxRatesSet: master_data.evolve_tax_rates_set,
    f.PromotionSet: master_data.evolve_promotion_set,
    f.ShippingPricesSet: master_data.evolve_shipping_prices_set,
    f.VoucherSet: master_data.evolve_voucher_set,
    f.VoucherUsed: payments.evolve_voucher_used,
    f.ApiKeyCreated: api_keys.evolve_key_created,
    f.ApiKeyRevoked: api_keys.evolve_key_revoked,
    f.KeysForgotten: idempotency_keys.evolve_forgotten,
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
    facts += payment_providers.follow(state, facts)
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
    reopening.close_touched(state)
    if key is not None:
        state.idempotency.remember(key, seq, time_ns)


def replay(state: State, seq: int, time_ns: int, record: Record) -> None:
    """Fold one journalled record onto the state."""
    evolve(state, seq, time_ns, record.facts, record.key)
