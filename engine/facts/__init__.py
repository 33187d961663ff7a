"""The language of fact: what happened, in the past tense. This is what is journalled.

access         what happened to API keys
configuration  what master data became
inbound        what happened to goods on their way to a node
maintenance    what a node did of its own accord
money          what orders cost, frozen when they are placed, and what customers get back of it
orders         what happened to orders, fulfilments and returns
picking        what happened to pick lists
postings       the posting: units moving from one account to another
pricing        what prices, taxes and promotions became
providers      what is asked of payment providers, and what became of it
records        the record: what is journalled of one command
reservations   what happened to reservations
sourcing       what a sourcing decision leaves in the fact it led to: by which rules, at what cost
stock          what happened to stock outside of reservations and orders
transfers      what happened to goods on their way from one node to another
"""

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
from engine.facts.reservations import (
    ReservationChanged,
    ReservationExpired,
    ReservationExtended,
    ReservationReleased,
    StockReserved,
)
from engine.facts.stock import StockMoved
from engine.facts.transfers import TransferCancelled, TransferPlanned, TransferReceived, TransferShipped

Fact = (
    StockMoved
    | StockReserved
    | ReservationExtended
    | ReservationChanged
    | ReservationReleased
    | ReservationExpired
    | OrderPlaced
    | OrderSourced
    | OrderCancelled
    | OrderImproved
    | FulfilmentAdvanced
    | FulfilmentRejected
    | OrderRestated
    | ChangeDeclined
    | ChangeProposed
    | OrderChanged
    | FulfilmentConfirmed
    | FulfilmentShorted
    | FulfilmentSplit
    | FulfilmentsMerged
    | HoldLifted
    | OrderAppeased
    | OrderHeld
    | OrderNoted
    | ParcelsPacked
    | PickupLapsed
    | OrderReopened
    | ReturnAuthorised
    | ReturnReceived
    | ReturnCancelled
    | LooseReturnTaken
    | LossReported
    | DocumentIssued
    | MoneyBooked
    | OrderPriced
    | PaymentAdded
    | PaymentAnswered
    | PaymentAsked
    | PaymentProviderSet
    | PaymentCaptured
    | PaymentMoved
    | PaymentVoided
    | PaymentsRefunded
    | PeriodLocked
    | ReceivableWrittenOff
    | RefundPaidOut
    | UnitsCharged
    | UnitsCredited
    | ReturnSettled
    | InboundExpected
    | InboundReceived
    | InboundDelayed
    | InboundCancelled
    | PickListEnded
    | PickListMade
    | TransferCancelled
    | TransferPlanned
    | TransferReceived
    | TransferShipped
    | NodeSet
    | ItemSet
    | NodeItemSet
    | ChannelSet
    | SourcingPolicySet
    | PriceListSet
    | TaxRatesSet
    | PromotionSet
    | ShippingPricesSet
    | VoucherSet
    | VoucherUsed
    | ApiKeyCreated
    | ApiKeyRevoked
    | KeysForgotten
    | DigestRecorded
)

__all__ = [
    "OrderRestated",
    "PickListEnded",
    "PickListMade",
    "LooseReturnTaken",
    "LossReported",
    "DocumentIssued",
    "MoneyBooked",
    "OrderPriced",
    "PaymentAdded",
    "PaymentAnswered",
    "PaymentAsked",
    "PaymentProviderSet",
    "PaymentCaptured",
    "PaymentMoved",
    "PaymentVoided",
    "PaymentsRefunded",
    "PeriodLocked",
    "ReceivableWrittenOff",
    "RefundPaidOut",
    "UnitsCharged",
    "UnitsCredited",
    "ReturnSettled",
    "TransferCancelled",
    "TransferPlanned",
    "TransferReceived",
    "TransferShipped",
    "ChangeDeclined",
    "ChangeProposed",
    "OrderChanged",
    "FulfilmentConfirmed",
    "FulfilmentShorted",
    "FulfilmentSplit",
    "FulfilmentsMerged",
    "HoldLifted",
    "OrderAppeased",
    "OrderHeld",
    "OrderNoted",
    "ParcelsPacked",
    "PickupLapsed",
    "ApiKeyCreated",
    "ApiKeyRevoked",
    "ChannelSet",
    "DigestRecorded",
    "Fact",
    "FulfilmentAdvanced",
    "FulfilmentRejected",
    "InboundCancelled",
    "InboundDelayed",
    "InboundExpected",
    "InboundReceived",
    "ItemSet",
    "KeysForgotten",
    "NodeItemSet",
    "NodeSet",
    "OrderCancelled",
    "OrderImproved",
    "OrderPlaced",
    "OrderReopened",
    "OrderSourced",
    "ReservationChanged",
    "ReservationExpired",
    "ReservationExtended",
    "ReservationReleased",
    "ReturnAuthorised",
    "ReturnCancelled",
    "ReturnReceived",
    "SourcingPolicySet",
    "PriceListSet",
    "TaxRatesSet",
    "PromotionSet",
    "VoucherSet",
    "VoucherUsed",
    "StockMoved",
    "StockReserved",
    "ShippingPricesSet",
]
