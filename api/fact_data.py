"""Facts as clients see them: field names instead of positions, ids instead of numbers, nothing sealed or secret."""

from functools import cache
from typing import Any

import msgspec

from api.identifiers import change_id, fulfilment_id, inbound_id, pick_list_id, reservation_id, return_id, transfer_id
from api.timestamps import iso
from engine import facts as f
from engine.facts import Fact
from engine.facts.postings import Account, Posting
from engine.money_books import document_id

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


def document_of(fact: Fact, seq: int) -> Document:
    """What a fact of record `seq` is about."""
    match fact:
        case f.StockMoved():
            return Document("movement", f"m-{seq}")
        case f.FulfilmentAdvanced() | f.FulfilmentRejected() | f.FulfilmentConfirmed() | f.FulfilmentShorted():
            return Document("fulfilment", fulfilment_id(fact.fulfilment))
        case f.FulfilmentSplit() | f.FulfilmentsMerged() | f.ParcelsPacked() | f.PickupLapsed():
            return Document("fulfilment", fulfilment_id(fact.fulfilment))
        case f.LossReported():
            return Document("order", fact.order)
        case f.LooseReturnTaken() | f.ReturnAuthorised() | f.ReturnReceived() | f.ReturnCancelled() | f.ReturnSettled():
            return Document("return", return_id(fact.return_id))
        case f.DocumentIssued():
            return Document(fact.document.series, document_id(fact.document))
        case f.MoneyBooked():
            return Document(fact.document_type, fact.document_id)
        case f.InboundExpected() | f.InboundReceived() | f.InboundDelayed() | f.InboundCancelled():
            return Document("inbound", inbound_id(fact.inbound))
        case f.OrderPlaced() | f.OrderSourced() | f.OrderCancelled() | f.OrderImproved() | f.OrderReopened():
            return Document("order", fact.order)
        case f.ChangeProposed() | f.OrderChanged() | f.ChangeDeclined():
            return Document("change", change_id(fact.change))
        case f.OrderPriced() | f.UnitsCharged() | f.UnitsCredited() | f.PaymentsRefunded():
            return Document("order", fact.order)
        case f.VoucherSet() | f.VoucherUsed():
            return Document("voucher", fact.voucher)
        case f.PaymentAdded() | f.PaymentCaptured() | f.PaymentVoided():
            return Document("payment", f"{fact.order}/{fact.payment}")
        case f.OrderRestated() | f.OrderHeld() | f.HoldLifted() | f.OrderNoted() | f.OrderAppeased():
            return Document("order", fact.order)
        case f.TransferPlanned() | f.TransferShipped() | f.TransferReceived() | f.TransferCancelled():
            return Document("transfer", transfer_id(fact.transfer))
        case f.PickListMade() | f.PickListEnded():
            return Document("pick_list", pick_list_id(fact.pick_list))
        case f.NodeSet():
            return Document("node", fact.node)
        case f.ItemSet():
            return Document("item", fact.sku)
        case f.NodeItemSet():
            return Document("node_item", f"{fact.node}/{fact.sku}")
        case f.ChannelSet():
            return Document("channel", fact.channel)
        case f.PriceListSet():
            return Document("price_list", fact.price_list)
        case f.TaxRatesSet():
            return Document("tax_rates", fact.country)
        case f.PromotionSet():
            return Document("promotion", fact.promotion)
        case f.SourcingPolicySet():
            return Document("sourcing_policy", fact.policy)
        case f.ApiKeyCreated() | f.ApiKeyRevoked():
            return Document("api_key", fact.key_id)
        case f.KeysForgotten():
            return Document("idempotency_keys", str(fact.through_seq))
        case f.DigestRecorded():
            return Document("state", str(fact.parts[0][0]))
        case _:
            return Document("reservation", reservation_id(fact.reservation))


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
    if isinstance(fact, f.ChangeProposed):
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
        elif field in ("recalled", "withdrawn") or (field == "fulfilments" and isinstance(struct, f.PickListMade)):
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
