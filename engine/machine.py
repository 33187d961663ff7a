"""The state machine: which room decides a command, which one writes down a fact. No business rule."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from engine import commands as c
from engine import facts as f
from engine import reservations
from engine.configuration import api_keys, idempotency_keys, master_data
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
    c.stock.MoveStock: movements.decide_move_stock,
    c.reservations.ReserveStock: reservations.decide_reserve,
    c.reservations.ExtendReservation: reservations.decide_extend,
    c.reservations.ReleaseReservation: reservations.decide_release,
    c.reservations.ChangeReservation: reservations.decide_change,
    c.reservations.ExpireReservations: reservations.decide_expire,
    c.orders.PlaceOrder: placing.decide_place,
    c.orders.CancelOrder: cancelling.decide_cancel,
    c.orders.AdvanceFulfilment: steps.decide_advance,
    c.orders.ConfirmFulfilment: steps.decide_confirm,
    c.orders.RejectFulfilment: rejecting.decide_reject,
    c.orders.ShortFulfilment: rejecting.decide_short,
    c.orders.CancelFulfilment: rejecting.decide_cancel_fulfilment,
    c.orders.SplitFulfilment: packing.decide_split,
    c.orders.MergeFulfilments: packing.decide_merge,
    c.orders.PackParcels: packing.decide_parcels,
    c.orders.SourceOrderAgain: sourcing_again.decide_source_again,
    c.orders.RestateOrder: marketplaces.decide_restate,
    c.orders.ProposeChange: changes.decide_propose,
    c.orders.ConfirmChange: changes.decide_confirm,
    c.orders.DeclineChange: changes.decide_decline,
    c.orders.HoldOrder: holds.decide_hold,
    c.orders.LiftHold: holds.decide_lift,
    c.orders.NoteOrder: holds.decide_note,
    c.orders.AppeaseCustomer: holds.decide_appease,
    c.maintenance.MeetDeadlines: deadlines.decide_deadline,
    c.orders.AuthoriseReturn: returns.decide_authorise,
    c.orders.ReportLoss: returns.decide_report_loss,
    c.orders.TakeLooseReturn: returns.decide_take_loose,
    c.orders.ReceiveReturn: returns.decide_receive,
    c.orders.CancelReturn: returns.decide_cancel,
    c.orders.SettleReturn: settling.decide_settle,
    c.orders.AddPayment: payments.decide_add,
    c.orders.CapturePayment: payments.decide_capture,
    c.orders.VoidPayment: payments.decide_void,
    c.providers.AskForPayment: payment_providers.decide_ask,
    c.providers.ReportPayment: payment_providers.decide_report,
    c.bookkeeping.PayOutRefund: bookkeeping.decide_pay_out,
    c.bookkeeping.WriteOff: bookkeeping.decide_write_off,
    c.bookkeeping.LockPeriod: bookkeeping.decide_lock,
    c.inbound.ExpectInbound: inbound.decide_expect,
    c.inbound.ReceiveInbound: inbound.decide_receive,
    c.inbound.DelayInbound: inbound.decide_delay,
    c.inbound.CancelInbound: inbound.decide_cancel,
    c.transfers.PlanTransfer: transfers.decide_plan,
    c.transfers.ShipTransfer: transfers.decide_ship,
    c.transfers.ReceiveTransfer: transfers.decide_receive,
    c.transfers.CancelTransfer: transfers.decide_cancel,
    c.picking.MakePickList: pick_lists.decide_make,
    c.picking.FinishPickList: pick_lists.decide_finish,
    c.picking.CancelPickList: pick_lists.decide_cancel,
    c.configuration.Configure: master_data.decide_configure,
    c.access.CreateApiKey: api_keys.decide_create_key,
    c.access.RevokeApiKey: api_keys.decide_revoke_key,
    c.maintenance.ImproveOrders: improving.decide_improve,
    c.maintenance.ForgetKeys: idempotency_keys.decide_forget,
    c.maintenance.RecordDigest: lambda state, command, now_ns: f.maintenance.DigestRecorded(
        command.parts, command.digest
    ),
}


class Sourced(NamedTuple):
    """A command that takes units from wherever it is best: what it wants, and how it is decided with a plan foreseen."""

    request_of: Callable[[State, Any], Request | None]
    decide: Callable[[State, Any, int, Foreseen], Any]


SOURCING: dict[type, Sourced] = {
    c.reservations.ReserveStock: Sourced(reservations.request_of, reservations.decide_reserve),
    c.orders.PlaceOrder: Sourced(placing.request_of, placing.decide_place),
}

EVOLVE: dict[type, Callable[[State, Any], None]] = {
    f.stock.StockMoved: movements.evolve_stock_moved,
    f.reservations.StockReserved: reservations.evolve_stock_reserved,
    f.reservations.ReservationExtended: reservations.evolve_extended,
    f.reservations.ReservationChanged: reservations.evolve_changed,
    f.reservations.ReservationReleased: reservations.evolve_released,
    f.reservations.ReservationExpired: reservations.evolve_expired,
    f.orders.OrderPlaced: placing.evolve_placed,
    f.orders.OrderCancelled: cancelling.evolve_cancelled,
    f.orders.OrderSourced: sourcing_again.evolve_sourced,
    f.orders.OrderImproved: improving.evolve_improved,
    f.orders.FulfilmentAdvanced: steps.evolve_advanced,
    f.orders.FulfilmentConfirmed: steps.evolve_confirmed,
    f.orders.FulfilmentRejected: rejecting.evolve_rejected,
    f.orders.FulfilmentShorted: rejecting.evolve_shorted,
    f.orders.FulfilmentSplit: packing.evolve_split,
    f.orders.FulfilmentsMerged: packing.evolve_merged,
    f.orders.ParcelsPacked: packing.evolve_parcels,
    f.orders.PickupLapsed: deadlines.evolve_lapsed,
    f.orders.OrderReopened: reopening.evolve_reopened,
    f.orders.ChangeProposed: changes.evolve_proposed,
    f.orders.OrderChanged: changes.evolve_changed,
    f.orders.ChangeDeclined: changes.evolve_declined,
    f.orders.OrderRestated: marketplaces.evolve_restated,
    f.orders.OrderHeld: holds.evolve_held,
    f.orders.HoldLifted: holds.evolve_lifted,
    f.orders.OrderNoted: holds.evolve_noted,
    f.orders.OrderAppeased: holds.evolve_appeased,
    f.orders.ReturnAuthorised: returns.evolve_authorised,
    f.orders.LossReported: returns.evolve_loss,
    f.money.DocumentIssued: booking.evolve_issued,
    f.money.MoneyBooked: booking.evolve_booked,
    f.money.OrderPriced: settling.evolve_priced,
    f.money.UnitsCharged: settling.evolve_charged,
    f.money.UnitsCredited: settling.evolve_credited,
    f.money.ReturnSettled: settling.evolve_settled,
    f.money.PaymentAdded: payments.evolve_added,
    f.money.PaymentCaptured: payments.evolve_captured,
    f.money.PaymentVoided: payments.evolve_voided,
    f.money.PaymentMoved: payments.evolve_moved,
    f.money.PaymentsRefunded: payments.evolve_refunded,
    f.providers.PaymentProviderSet: payment_providers.evolve_provider_set,
    f.providers.PaymentAsked: payment_providers.evolve_asked,
    f.providers.PaymentAnswered: payment_providers.evolve_answered,
    f.money.RefundPaidOut: bookkeeping.evolve_paid_out,
    f.money.ReceivableWrittenOff: bookkeeping.evolve_written_off,
    f.money.PeriodLocked: bookkeeping.evolve_locked,
    f.orders.LooseReturnTaken: returns.evolve_loose,
    f.orders.ReturnReceived: returns.evolve_received,
    f.orders.ReturnCancelled: returns.evolve_cancelled,
    f.inbound.InboundExpected: inbound.evolve_expected,
    f.inbound.InboundReceived: inbound.evolve_received,
    f.inbound.InboundDelayed: inbound.evolve_delayed,
    f.inbound.InboundCancelled: inbound.evolve_cancelled,
    f.transfers.TransferPlanned: transfers.evolve_planned,
    f.transfers.TransferShipped: transfers.evolve_shipped,
    f.transfers.TransferReceived: transfers.evolve_received,
    f.transfers.TransferCancelled: transfers.evolve_cancelled,
    f.picking.PickListMade: pick_lists.evolve_made,
    f.picking.PickListEnded: pick_lists.evolve_ended,
    f.configuration.NodeSet: master_data.evolve_node_set,
    f.configuration.ItemSet: master_data.evolve_item_set,
    f.configuration.NodeItemSet: master_data.evolve_node_item_set,
    f.configuration.ChannelSet: master_data.evolve_channel_set,
    f.configuration.SourcingPolicySet: master_data.evolve_sourcing_policy_set,
    f.pricing.PriceListSet: master_data.evolve_price_list_set,
    f.pricing.TaxRatesSet: master_data.evolve_tax_rates_set,
    f.pricing.PromotionSet: master_data.evolve_promotion_set,
    f.pricing.ShippingPricesSet: master_data.evolve_shipping_prices_set,
    f.pricing.VoucherSet: master_data.evolve_voucher_set,
    f.money.VoucherUsed: payments.evolve_voucher_used,
    f.access.ApiKeyCreated: api_keys.evolve_key_created,
    f.access.ApiKeyRevoked: api_keys.evolve_key_revoked,
    f.maintenance.KeysForgotten: idempotency_keys.evolve_forgotten,
    f.maintenance.DigestRecorded: lambda state, fact: None,
}


def decide(
    state: State, command: c.Command, now_ns: int, foreseen: Foreseen | None = None
) -> tuple[f.Fact, ...] | Rejection:
    """What will happen if `command` is carried out now, or why it will not. Changes nothing.

    `foreseen` spares work where the batch was looked at ahead; it changes no outcome.
    """
    if foreseen is None:
        outcome = DECIDE[type(command)](state, command, now_ns)
    else:
        outcome = SOURCING[type(command)].decide(state, command, now_ns, foreseen)
    if isinstance(outcome, Rejection):
        return outcome
    facts: tuple[f.Fact, ...] = outcome if isinstance(outcome, tuple) else (outcome,)
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


def evolve(state: State, seq: int, time_ns: int, facts: tuple[f.Fact, ...], key: bytes | None) -> None:
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
