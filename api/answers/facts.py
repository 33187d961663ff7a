"""Facts as clients see them: field names instead of positions, ids instead of numbers, nothing sealed or secret."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec

from api.answers.identifiers import (
    change_id,
    fulfilment_id,
    inbound_id,
    payment_request_id,
    pick_list_id,
    reservation_id,
    return_id,
    transfer_id,
)
from api.answers.timestamps import iso
from engine.calendars.local_time import date_of_day
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
from engine.facts.postings import Account, Posting
from engine.facts.pricing import PriceListSet, PromotionSet, ShippingPricesSet, TaxRatesSet, VoucherSet
from engine.facts.providers import PaymentAnswered, PaymentAsked, PaymentProviderSet
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationExtended,
    ReservationReleased,
    StockReserved,
)
from engine.facts.stock import StockMoved
from engine.facts.transfers import TransferCancelled, TransferPlanned, TransferReceived, TransferShipped
from engine.state.money_books import document_id

ACCOUNT_NAMES = tuple(account.name.lower() for account in Account)


class Document(msgspec.Struct, frozen=True):
    """What an entry is about: `order` W-1001, `fulfilment` f-7, `movement` m-12, ..."""

    type: str
    id: str


class PostingAnswer(msgspec.Struct, frozen=True):
    """`quantity` units of `sku` at `node` go from one account to another."""

    sku: str
    node: str
    source_account: str
    target_account: str
    quantity: int


def postings_of(fact: Fact) -> tuple[PostingAnswer, ...]:
    """Exactly what the ledger applied."""
    return tuple(posting_answer(posting) for posting in fact.postings)


def posting_answer(posting: Posting) -> PostingAnswer:
    """One of them."""
    source, target = ACCOUNT_NAMES[posting.source], ACCOUNT_NAMES[posting.target]
    return PostingAnswer(posting.sku, posting.node, source, target, posting.quantity)


# What a fact is about: the word, the field that names it, how the name is written.
_ABOUT: dict[type, tuple[str, str, Callable[[Any], str]]] = {
    fact: (word, field, written)
    for word, field, written, kinds in (
        (
            "fulfilment", "fulfilment", fulfilment_id,
            (
                FulfilmentAdvanced, FulfilmentRejected, FulfilmentConfirmed, FulfilmentShorted,
                FulfilmentSplit, FulfilmentsMerged, ParcelsPacked, PickupLapsed,
            ),
        ),
        (
            "return", "return_id", return_id,
            (LooseReturnTaken, ReturnAuthorised, ReturnReceived, ReturnCancelled, ReturnSettled),
        ),
        (
            "inbound", "inbound", inbound_id,
            (InboundExpected, InboundReceived, InboundDelayed, InboundCancelled),
        ),
        (
            "order", "order", str,
            (
                LossReported, OrderPlaced, OrderSourced, OrderCancelled, OrderImproved, OrderReopened,
                OrderPriced, UnitsCharged, UnitsCredited, PaymentsRefunded, ReceivableWrittenOff,
                OrderRestated, OrderHeld, HoldLifted, OrderNoted, OrderAppeased,
            ),
        ),
        ("change", "change", change_id, (ChangeProposed, OrderChanged, ChangeDeclined)),
        ("voucher", "voucher", str, (VoucherSet, VoucherUsed)),
        (
            "transfer", "transfer", transfer_id,
            (TransferPlanned, TransferShipped, TransferReceived, TransferCancelled),
        ),
        ("pick_list", "pick_list", pick_list_id, (PickListMade, PickListEnded)),
        ("node", "node", str, (NodeSet,)),
        ("item", "sku", str, (ItemSet,)),
        ("channel", "channel", str, (ChannelSet,)),
        ("price_list", "price_list", str, (PriceListSet,)),
        ("tax_rates", "country", str, (TaxRatesSet,)),
        ("promotion", "promotion", str, (PromotionSet,)),
        ("shipping_prices", "table", str, (ShippingPricesSet,)),
        ("payment_provider", "provider", str, (PaymentProviderSet,)),
        ("payment_request", "request", payment_request_id, (PaymentAsked, PaymentAnswered)),
        ("sourcing_policy", "policy", str, (SourcingPolicySet,)),
        ("api_key", "key_id", str, (ApiKeyCreated, ApiKeyRevoked)),
        ("idempotency_keys", "through_seq", str, (KeysForgotten,)),
        ("period", "through_day", date_of_day, (PeriodLocked,)),
        (
            "reservation", "reservation", reservation_id,
            (
                StockReserved, ReservationExtended, ReservationChanged, ReservationReleased,
                ReservationExpired,
            ),
        ),
    )
    for fact in kinds
}  # fmt: skip


def document_of(fact: Fact, seq: int) -> Document:
    """What a fact of record `seq` is about."""
    match fact:
        case StockMoved():
            return Document("movement", f"m-{seq}")
        case NodeItemSet():
            return Document("node_item", f"{fact.node}/{fact.sku}")
        case PaymentAdded() | PaymentCaptured() | PaymentVoided() | PaymentMoved() | RefundPaidOut():
            return Document("payment", f"{fact.order}/{fact.payment}")
        case DocumentIssued():
            return Document(fact.document.series, document_id(fact.document))
        case MoneyBooked():
            return Document(fact.document_type, fact.document_id)
        case DigestRecorded():
            return Document("state", str(fact.parts[0][0]))
    word, field, written = _ABOUT[type(fact)]
    return Document(word, written(getattr(fact, field)))


_SEALED = ("contact", "billing")
_IDS = {
    "reservation": reservation_id,
    "fulfilment": fulfilment_id,
    "part": fulfilment_id,
    "merged": fulfilment_id,
    "return_id": return_id,
    "inbound": inbound_id,
    "change": change_id,
    "transfer": transfer_id,
    "pick_list": pick_list_id,
    "request": payment_request_id,
}


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    """(field, name outside) of a struct. A fact's `line` is a position in the order, so that is what it is called."""
    names = []
    for field in kind.__struct_fields__:
        if field in _SEALED:
            continue
        if field.endswith("_ns"):
            names.append((field, field.removesuffix("_ns")))
        elif field == "line":
            names.append((field, "line_index"))
        else:
            names.append((field, field))
    return tuple(names)


def data_of(fact: Fact) -> dict[str, Any]:
    """All fields of a fact by name. Sealed blobs, hashes and packed states, all of them bytes, are left out."""
    data = _plain(fact)
    if isinstance(fact, ChangeProposed):
        data["would_move"] = [msgspec.structs.asdict(posting_answer(posting)) for posting in fact.would_move]
    data["postings"] = [msgspec.structs.asdict(posting) for posting in postings_of(fact)]
    return data


def _plain(struct: msgspec.Struct) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for field, name in _fields(type(struct)):
        value = getattr(struct, field)
        if isinstance(value, bytes):
            continue
        if field in _IDS and isinstance(value, int):
            value = _IDS[field](value)
        elif field in ("recalled", "withdrawn") or (field == "fulfilments" and isinstance(struct, PickListMade)):
            value = [fulfilment_id(number) for number in value]
        elif field.endswith("_ns") and isinstance(value, int):
            value = iso(value)
        data[name] = _value(value)
    return data


def _value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _plain(value)
    if isinstance(value, tuple | list):
        return [_value(entry) for entry in value]
    return value
