"""The language of intent: what somebody asks for, in the imperative. One file per area.

access         commands about API keys
bookkeeping    what bookkeepers do themselves
configuration  master data: the bodies people write, and the one command that sets any number of them
fields         field types shared by commands: the bounds of the public contract, written as msgspec metadata
inbound        commands about goods on their way to a node: expected, received in parts, delayed, cancelled
maintenance    commands a node gives itself: memory stays flat, and what it held can be proven later
orders         commands about orders and fulfilments
picking        commands about pick lists
policies       sourcing policies: the rules by which plans are made, as people write them
pricing        prices, taxes and promotions as people write them
providers      payment providers, and what they report
reservations   commands about reservations: claims on stock that end by themselves
stock          commands that move stock
transfers      commands about goods that go from one node to another
"""

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

Command = (
    MoveStock
    | ReserveStock
    | ExtendReservation
    | ReleaseReservation
    | ChangeReservation
    | ExpireReservations
    | PlaceOrder
    | CancelOrder
    | AdvanceFulfilment
    | RejectFulfilment
    | SourceOrderAgain
    | RestateOrder
    | ConfirmChange
    | DeclineChange
    | ProposeChange
    | AppeaseCustomer
    | CancelFulfilment
    | ConfirmFulfilment
    | HoldOrder
    | LiftHold
    | MergeFulfilments
    | NoteOrder
    | PackParcels
    | ShortFulfilment
    | SplitFulfilment
    | MeetDeadlines
    | AuthoriseReturn
    | ReceiveReturn
    | CancelReturn
    | AddPayment
    | CapturePayment
    | VoidPayment
    | LockPeriod
    | AskForPayment
    | ReportPayment
    | PayOutRefund
    | WriteOff
    | SettleReturn
    | ReportLoss
    | TakeLooseReturn
    | ExpectInbound
    | ReceiveInbound
    | DelayInbound
    | CancelInbound
    | CancelPickList
    | FinishPickList
    | MakePickList
    | CancelTransfer
    | PlanTransfer
    | ReceiveTransfer
    | ShipTransfer
    | Configure
    | CreateApiKey
    | RevokeApiKey
    | ForgetKeys
    | ImproveOrders
    | RecordDigest
)

__all__ = [
    "RestateOrder",
    "CancelPickList",
    "FinishPickList",
    "MakePickList",
    "ReportLoss",
    "TakeLooseReturn",
    "CancelTransfer",
    "PlanTransfer",
    "ReceiveTransfer",
    "ShipTransfer",
    "ConfirmChange",
    "DeclineChange",
    "ProposeChange",
    "AppeaseCustomer",
    "CancelFulfilment",
    "ConfirmFulfilment",
    "HoldOrder",
    "LiftHold",
    "MergeFulfilments",
    "NoteOrder",
    "PackParcels",
    "ShortFulfilment",
    "SplitFulfilment",
    "MeetDeadlines",
    "AdvanceFulfilment",
    "AuthoriseReturn",
    "CancelInbound",
    "CancelOrder",
    "CancelReturn",
    "ChangeReservation",
    "Command",
    "Configure",
    "CreateApiKey",
    "DelayInbound",
    "ExpectInbound",
    "ExpireReservations",
    "ExtendReservation",
    "ForgetKeys",
    "ImproveOrders",
    "MoveStock",
    "PlaceOrder",
    "ReceiveInbound",
    "ReceiveReturn",
    "RecordDigest",
    "RejectFulfilment",
    "ReleaseReservation",
    "ReserveStock",
    "RevokeApiKey",
    "AddPayment",
    "CapturePayment",
    "VoidPayment",
    "LockPeriod",
    "AskForPayment",
    "ReportPayment",
    "PayOutRefund",
    "WriteOff",
    "SettleReturn",
    "SourceOrderAgain",
]
