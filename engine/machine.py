"""The state machine: which room decides a command, which one writes down a fact. No business rule."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, get_args

from engine import commands as c
from engine import facts as f
from engine import reservations
from engine.configuration import api_keys, idempotency_keys, large, master_data
from engine.facts.records import Record
from engine.fulfilments import moving, packing, pick_lists, rejecting, sourcing_again, steps
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
    rerouting,
    returns,
)
from engine.orders.following_transfers import follow
from engine.results import Rejection
from engine.state import reopening
from engine.state.state import State
from engine.stock import at_risk, backorders, inbound, missing, movements, transfers
from engine.supply.looking_ahead import ENDED, GAINED, KEPT, Ahead
from engine.supply.plan import Foreseen
from engine.supply.request import Request


class FactRow(NamedTuple):
    """Everything that becomes of one kind of fact. Every column is filled: None and False are said on purpose."""

    evolve: Callable[[State, Any], None]
    about: str
    """A word for what it is about, and the fields that name it where that is not the word itself."""
    unpaid: settling.Tell | None
    """Which units are not paid for any more, where an order has prices."""
    books: Callable[[booking.Books, Any], None] | None
    """What it means for the money ledger."""
    asks: bool
    """Whether a payment provider may have to be asked for something."""
    foreseen: int
    """What becomes of plans that were foreseen: KEPT, but for SKUs it makes available (GAINED), or ENDED as rules may be others."""


class CommandRow(NamedTuple):
    """Who decides one kind of command; `request_of` says what it wants from stock, if a batch may look ahead for it."""

    decide: Callable[..., Any]
    request_of: Callable[[State, Any], Request | None] | None


def _nothing(state: State, fact: Any) -> None:
    """For the record only."""


def _record_digest(state: State, command: c.maintenance.RecordDigest, now_ns: int) -> f.Fact:
    return f.maintenance.DigestRecorded(command.parts, command.digest)


COMMANDS: dict[type, CommandRow] = {
    c.stock.MoveStock: CommandRow(movements.decide_move_stock, None),
    c.reservations.ReserveStock: CommandRow(reservations.decide_reserve, reservations.request_of),
    c.reservations.ExtendReservation: CommandRow(reservations.decide_extend, None),
    c.reservations.ReleaseReservation: CommandRow(reservations.decide_release, None),
    c.reservations.ChangeReservation: CommandRow(reservations.decide_change, None),
    c.reservations.MoveReservation: CommandRow(reservations.decide_move, None),
    c.reservations.ExpireReservations: CommandRow(reservations.decide_expire, None),
    c.orders.PlaceOrder: CommandRow(placing.decide_place, placing.request_of),
    c.orders.CancelOrder: CommandRow(cancelling.decide_cancel, None),
    c.orders.AdvanceFulfilment: CommandRow(steps.decide_advance, None),
    c.orders.ConfirmFulfilment: CommandRow(steps.decide_confirm, None),
    c.orders.RejectFulfilment: CommandRow(rejecting.decide_reject, None),
    c.orders.ShortFulfilment: CommandRow(rejecting.decide_short, None),
    c.orders.CancelFulfilment: CommandRow(rejecting.decide_cancel_fulfilment, None),
    c.orders.SplitFulfilment: CommandRow(packing.decide_split, None),
    c.orders.CollectPart: CommandRow(packing.decide_collect_part, None),
    c.orders.MergeFulfilments: CommandRow(packing.decide_merge, None),
    c.orders.PackParcels: CommandRow(packing.decide_parcels, None),
    c.orders.MoveFulfilment: CommandRow(moving.decide_move, None),
    c.orders.SourceOrderAgain: CommandRow(sourcing_again.decide_source_again, None),
    c.orders.RestateOrder: CommandRow(marketplaces.decide_restate, None),
    c.orders.ProposeChange: CommandRow(changes.decide_propose, None),
    c.orders.ConfirmChange: CommandRow(changes.decide_confirm, None),
    c.orders.DeclineChange: CommandRow(changes.decide_decline, None),
    c.orders.HoldOrder: CommandRow(holds.decide_hold, None),
    c.orders.LiftHold: CommandRow(holds.decide_lift, None),
    c.orders.NoteOrder: CommandRow(holds.decide_note, None),
    c.orders.AppeaseCustomer: CommandRow(holds.decide_appease, None),
    c.maintenance.MeetDeadlines: CommandRow(deadlines.decide_deadline, None),
    c.orders.AuthoriseReturn: CommandRow(returns.decide_authorise, None),
    c.orders.ReportLoss: CommandRow(returns.decide_report_loss, None),
    c.orders.TakeLooseReturn: CommandRow(returns.decide_take_loose, None),
    c.orders.ReceiveReturn: CommandRow(returns.decide_receive, None),
    c.orders.CancelReturn: CommandRow(returns.decide_cancel, None),
    c.orders.SettleReturn: CommandRow(settling.decide_settle, None),
    c.orders.AddPayment: CommandRow(payments.decide_add, None),
    c.orders.CapturePayment: CommandRow(payments.decide_capture, None),
    c.orders.VoidPayment: CommandRow(payments.decide_void, None),
    c.providers.AskForPayment: CommandRow(payment_providers.decide_ask, None),
    c.providers.ReportPayment: CommandRow(payment_providers.decide_report, None),
    c.bookkeeping.PayOutRefund: CommandRow(bookkeeping.decide_pay_out, None),
    c.bookkeeping.WriteOff: CommandRow(bookkeeping.decide_write_off, None),
    c.bookkeeping.LockPeriod: CommandRow(bookkeeping.decide_lock, None),
    c.inbound.ExpectInbound: CommandRow(inbound.decide_expect, None),
    c.inbound.ReceiveInbound: CommandRow(inbound.decide_receive, None),
    c.inbound.DelayInbound: CommandRow(inbound.decide_delay, None),
    c.inbound.CancelInbound: CommandRow(inbound.decide_cancel, None),
    c.transfers.PlanTransfer: CommandRow(transfers.decide_plan, None),
    c.transfers.ShipTransfer: CommandRow(transfers.decide_ship, None),
    c.transfers.TurnBackTransfer: CommandRow(transfers.decide_turn_back, None),
    c.transfers.ReceiveTransfer: CommandRow(transfers.decide_receive, None),
    c.transfers.CancelTransfer: CommandRow(transfers.decide_cancel, None),
    c.picking.MakePickList: CommandRow(pick_lists.decide_make, None),
    c.picking.FinishPickList: CommandRow(pick_lists.decide_finish, None),
    c.picking.CancelPickList: CommandRow(pick_lists.decide_cancel, None),
    c.configuration.Configure: CommandRow(master_data.decide_configure, None),
    c.configuration.BeginConfiguration: CommandRow(large.decide_begin, None),
    c.configuration.ApplyPart: CommandRow(large.decide_part, None),
    c.configuration.EndConfiguration: CommandRow(large.decide_end, None),
    c.access.CreateApiKey: CommandRow(api_keys.decide_create_key, None),
    c.access.RevokeApiKey: CommandRow(api_keys.decide_revoke_key, None),
    c.maintenance.ServeWaiting: CommandRow(backorders.serve, None),
    c.maintenance.ImproveOrders: CommandRow(improving.decide_improve, None),
    c.maintenance.SourceElsewhere: CommandRow(at_risk.decide_elsewhere, None),
    c.maintenance.ForgetKeys: CommandRow(idempotency_keys.decide_forget, None),
    c.maintenance.RecordDigest: CommandRow(_record_digest, None),
}

# evolve, about, unpaid, books, asks, foreseen
FACTS: dict[type, FactRow] = {
    f.stock.StockMoved: FactRow(movements.evolve_stock_moved, "movement", None, None, False, GAINED),
    f.missing.MissingPaid: FactRow(missing.evolve_paid, "movement", None, None, False, KEPT),
    f.reservations.StockReserved: FactRow(reservations.evolve_stock_reserved, "reservation", None, None, False, KEPT),
    f.reservations.ReservationExtended: FactRow(reservations.evolve_extended, "reservation", None, None, False, KEPT),
    f.reservations.ReservationChanged: FactRow(reservations.evolve_changed, "reservation", None, None, False, GAINED),
    f.reservations.ReservationReleased: FactRow(reservations.evolve_released, "reservation", None, None, False, GAINED),
    f.reservations.ReservationExpired: FactRow(reservations.evolve_expired, "reservation", None, None, False, GAINED),
    f.orders.OrderPlaced: FactRow(placing.evolve_placed, "order", None, None, False, GAINED),
    f.orders.OrderCancelled: FactRow(cancelling.evolve_cancelled, "order", settling.unpaid_when_cancelled, None, False, GAINED),
    f.orders.OrderSourced: FactRow(sourcing_again.evolve_sourced, "order", None, None, False, GAINED),
    f.orders.OrderImproved: FactRow(improving.evolve_improved, "order", None, None, False, GAINED),
    f.missing.OrderSourcedElsewhere: FactRow(at_risk.evolve_elsewhere, "order", None, None, False, GAINED),
    f.orders.FulfilmentAdvanced: FactRow(steps.evolve_advanced, "fulfilment", None, booking.book_advanced, False, GAINED),
    f.orders.FulfilmentConfirmed: FactRow(steps.evolve_confirmed, "fulfilment", None, None, False, GAINED),
    f.orders.FulfilmentRejected: FactRow(rejecting.evolve_rejected, "fulfilment", None, None, False, GAINED),
    f.orders.FulfilmentShorted: FactRow(rejecting.evolve_shorted, "fulfilment", None, None, False, GAINED),
    f.orders.FulfilmentSplit: FactRow(packing.evolve_split, "fulfilment", None, None, False, GAINED),
    f.orders.FulfilmentsMerged: FactRow(packing.evolve_merged, "fulfilment", None, None, False, GAINED),
    f.orders.ParcelsPacked: FactRow(packing.evolve_parcels, "fulfilment", None, None, False, GAINED),
    f.moving.FulfilmentMoved: FactRow(moving.evolve_moved, "fulfilment", None, None, False, GAINED),
    f.orders.PickupLapsed: FactRow(deadlines.evolve_lapsed, "fulfilment", settling.unpaid_when_lapsed, None, False, GAINED),
    f.orders.OrderReopened: FactRow(reopening.evolve_reopened, "order", None, None, False, GAINED),
    f.orders.ChangeProposed: FactRow(changes.evolve_proposed, "change", None, None, False, GAINED),
    f.orders.OrderChanged: FactRow(changes.evolve_changed, "change", settling.unpaid_when_changed, None, False, GAINED),
    f.orders.FulfilmentReaddressed: FactRow(rerouting.evolve_readdressed, "fulfilment", None, None, False, GAINED),
    f.orders.ChangeDeclined: FactRow(changes.evolve_declined, "change", None, None, False, GAINED),
    f.orders.OrderRestated: FactRow(marketplaces.evolve_restated, "order", None, None, False, GAINED),
    f.orders.StatementKept: FactRow(marketplaces.evolve_kept, "order number", None, None, False, KEPT),
    f.orders.OrderHeld: FactRow(holds.evolve_held, "order", None, None, False, GAINED),
    f.orders.HoldLifted: FactRow(holds.evolve_lifted, "order", None, None, False, GAINED),
    f.orders.OrderNoted: FactRow(holds.evolve_noted, "order", None, None, False, GAINED),
    f.orders.OrderAppeased: FactRow(holds.evolve_appeased, "order", settling.unpaid_when_appeased, booking.book_appeased, False, GAINED),
    f.orders.ReturnAuthorised: FactRow(returns.evolve_authorised, "return return_id", None, None, False, KEPT),
    f.orders.LossReported: FactRow(returns.evolve_loss, "order", settling.unpaid_when_lost, None, False, GAINED),
    f.money.DocumentIssued: FactRow(booking.evolve_issued, "document", None, None, True, GAINED),
    f.money.MoneyBooked: FactRow(booking.evolve_booked, "document", None, None, False, GAINED),
    f.money.OrderPriced: FactRow(settling.evolve_priced, "order", None, booking.book_placed, False, GAINED),
    f.money.UnitsCharged: FactRow(settling.evolve_charged, "order", None, booking.book_charged, False, GAINED),
    f.money.UnitsCredited: FactRow(settling.evolve_credited, "order", None, booking.book_credited, True, GAINED),
    f.money.ReturnSettled: FactRow(settling.evolve_settled, "return return_id", settling.unpaid_when_settled, None, False, GAINED),
    f.money.PaymentAdded: FactRow(payments.evolve_added, "payment order payment", None, booking.book_paid, True, GAINED),
    f.money.PaymentCaptured: FactRow(payments.evolve_captured, "payment order payment", None, booking.book_captured, False, GAINED),
    f.money.PaymentVoided: FactRow(payments.evolve_voided, "payment order payment", None, None, False, GAINED),
    f.money.PaymentMoved: FactRow(payments.evolve_moved, "payment order payment", None, booking.book_moved, False, GAINED),
    f.money.PaymentsRefunded: FactRow(payments.evolve_refunded, "order", None, booking.book_refunded, True, GAINED),
    f.providers.PaymentAsked: FactRow(payment_providers.evolve_asked, "payment_request request", None, None, False, GAINED),
    f.providers.PaymentAnswered: FactRow(payment_providers.evolve_answered, "payment_request request", None, None, False, GAINED),
    f.money.RefundPaidOut: FactRow(bookkeeping.evolve_paid_out, "payment order payment", None, booking.book_paid_out, False, GAINED),
    f.money.ReceivableWrittenOff: FactRow(bookkeeping.evolve_written_off, "order", None, booking.book_written_off, False, GAINED),
    f.money.PeriodLocked: FactRow(bookkeeping.evolve_locked, "period", None, None, False, GAINED),
    f.orders.LooseReturnTaken: FactRow(returns.evolve_loose, "return return_id", None, None, False, GAINED),
    f.orders.ReturnReceived: FactRow(returns.evolve_received, "return return_id", None, None, False, GAINED),
    f.orders.ReturnCancelled: FactRow(returns.evolve_cancelled, "return return_id", None, None, False, GAINED),
    f.inbound.InboundExpected: FactRow(inbound.evolve_expected, "inbound", None, None, False, GAINED),
    f.inbound.InboundReceived: FactRow(inbound.evolve_received, "inbound", None, None, False, GAINED),
    f.inbound.InboundDelayed: FactRow(inbound.evolve_delayed, "inbound", None, None, False, GAINED),
    f.inbound.InboundCancelled: FactRow(inbound.evolve_cancelled, "inbound", None, None, False, GAINED),
    f.transfers.TransferPlanned: FactRow(transfers.evolve_planned, "transfer", None, None, False, GAINED),
    f.transfers.TransferLowered: FactRow(transfers.evolve_lowered, "transfer", None, None, False, GAINED),
    f.transfers.TransferFreed: FactRow(_nothing, "transfer", None, None, False, KEPT),
    f.transfers.TransferShipped: FactRow(transfers.evolve_shipped, "transfer", None, None, False, GAINED),
    f.transfers.TransferTurnedBack: FactRow(transfers.evolve_turned_back, "transfer", None, None, False, KEPT),
    f.transfers.TransferReceived: FactRow(transfers.evolve_received, "transfer", None, None, False, GAINED),
    f.transfers.TransferCancelled: FactRow(transfers.evolve_cancelled, "transfer", None, None, False, GAINED),
    f.picking.PickListMade: FactRow(pick_lists.evolve_made, "pick_list", None, None, False, GAINED),
    f.picking.PickListEnded: FactRow(pick_lists.evolve_ended, "pick_list", None, None, False, GAINED),
    f.money.VoucherUsed: FactRow(payments.evolve_voucher_used, "voucher", None, None, False, GAINED),
    f.access.ApiKeyCreated: FactRow(api_keys.evolve_key_created, "api_key key_id", None, None, False, GAINED),
    f.access.ApiKeyRevoked: FactRow(api_keys.evolve_key_revoked, "api_key key_id", None, None, False, GAINED),
    f.configuration.ConfigurationBegun: FactRow(large.evolve_begun, "configuration sha256", None, None, False, KEPT),
    f.configuration.ConfigurationEnded: FactRow(large.evolve_ended, "configuration sha256", None, None, False, KEPT),
    f.maintenance.KeysForgotten: FactRow(idempotency_keys.evolve_forgotten, "idempotency_keys through_seq", None, None, False, KEPT),
    f.maintenance.DigestRecorded: FactRow(_nothing, "state", None, None, False, KEPT),
    **{
        kind.fact: FactRow(master_data.evolve_set, " ".join((kind.word, *kind.names)), None, None, False, ENDED)
        for kind in master_data.KINDS
    },
    f.configuration.NodeItemSet: FactRow(master_data.evolve_set, "node_item node sku", None, None, False, ENDED),
    f.pricing.VoucherSet: FactRow(master_data.evolve_set, "voucher voucher", None, booking.book_voucher, False, ENDED),
}  # fmt: skip

assert set(COMMANDS) == set(c.Command.__subclasses__()), "every command has its row"
assert set(FACTS) == set(get_args(f.Fact)), "every fact has its row"

# Commands that may take units from who waits: while a sweep is due they wait themselves.
TAKES_UNITS = frozenset(
    (
        c.reservations.ReserveStock,
        c.reservations.ChangeReservation,
        c.reservations.MoveReservation,
        c.orders.PlaceOrder,
        c.orders.RestateOrder,
        c.orders.ConfirmChange,
        c.orders.RejectFulfilment,
        c.orders.ShortFulfilment,
        c.orders.SourceOrderAgain,
        c.orders.MoveFulfilment,
        c.orders.AuthoriseReturn,
        c.orders.ReportLoss,
        c.transfers.PlanTransfer,
        c.maintenance.ImproveOrders,
    )
)

# Columns that are looked up for every fact, and the facts that nothing follows from but what may be served by them.
_EVOLVE = {kind: row.evolve for kind, row in FACTS.items()}
_UNPAID = {kind: row.unpaid for kind, row in FACTS.items() if row.unpaid}
_BOOKS = {kind: row.books for kind, row in FACTS.items() if row.books}
_ALONE = {
    kind for kind, row in FACTS.items() if not (row.unpaid or row.books or row.asks or kind in reopening.ORDERS_OF)
}
_FORESEEN = {kind: row.foreseen for kind, row in FACTS.items()}


def decide(
    state: State, command: c.Command, now_ns: int, foreseen: Foreseen | None = None
) -> tuple[f.Fact, ...] | Rejection:
    """What will happen if `command` is carried out now, or why it will not. Changes nothing.

    `foreseen` spares work where the batch was looked at ahead; it changes no outcome.
    """
    if foreseen is None:
        outcome = COMMANDS[type(command)].decide(state, command, now_ns)
    else:
        outcome = COMMANDS[type(command)].decide(state, command, now_ns, foreseen)
    if isinstance(outcome, Rejection):
        return outcome
    facts: tuple[f.Fact, ...] = outcome if isinstance(outcome, tuple) else (outcome,)
    if state.transfers.open:
        facts = follow(state, facts)
    if len(facts) != 1 or type(facts[0]) not in _ALONE:
        facts = _with_what_follows(state, facts, now_ns)
    if state.ledger.missing or f.stock.StockMoved in map(type, facts):
        facts += missing.paid(state, facts)
    return facts


def _with_what_follows(state: State, facts: tuple[f.Fact, ...], now_ns: int) -> tuple[f.Fact, ...]:
    """The facts of a decision, with what they mean for money, and with closed orders brought back before them."""
    owing = [(fact, tell) for fact in facts if (tell := _UNPAID.get(type(fact))) is not None]
    if owing:
        facts += settling.follow(state, owing, now_ns)
    booked = [(fact, book) for fact in facts if (book := _BOOKS.get(type(fact))) is not None]
    if booked:
        facts += booking.follow(state, facts, booked, now_ns)
    if state.configuration.payment_providers and any(FACTS[type(fact)].asks for fact in facts):
        facts += payment_providers.follow(state, facts)
    return reopening.with_reopened(state, facts)


def look_ahead(state: State, commands: Sequence[c.Command | None], now_ns: int) -> Ahead:
    """Source what a batch wants in one pass, before its commands are decided in turn. None: no command."""
    return Ahead(state, commands, _request_of, _FORESEEN, now_ns)


def _request_of(state: State, command: c.Command) -> Request | None:
    request_of = COMMANDS[type(command)].request_of
    return None if request_of is None else request_of(state, command)


def evolve(state: State, seq: int, time_ns: int, facts: tuple[f.Fact, ...], key: bytes | None) -> None:
    """Write down one record. The live path and replay both come through here."""
    assert seq == state.seq + 1, f"record {seq} does not follow {state.seq}"
    assert time_ns >= state.time_ns
    state.seq, state.time_ns = seq, time_ns
    for fact in facts:
        _EVOLVE[type(fact)](state, fact)
    reopening.close_touched(state)
    if state.orders.waiting or state.orders.unsourceable or state.reservations.waiting:
        backorders.note_freed(state, facts)
    if key is not None:
        state.idempotency.remember(key, seq, time_ns)


def replay(state: State, seq: int, time_ns: int, record: Record) -> None:
    """Fold one journalled record onto the state."""
    evolve(state, seq, time_ns, record.facts, record.key)
