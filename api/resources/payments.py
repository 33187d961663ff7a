"""Payments of orders over HTTP: noted, captured, voided. Money itself is moved by whoever the shop pays with."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers.orders import OrderAnswer
from api.http.listing import path_id
from api.http.part_or_all import PartOrAll
from api.http.things import STEP_CODES, Thing, no_fields
from api.resources.orders import ORDERS
from engine import limits
from engine.commands.bookkeeping import PayOutRefund
from engine.commands.fields import Minor
from engine.commands.orders import AddPayment, CapturePayment, PaymentRequest, VoidPayment
from engine.results import Rejection, ResultCode
from engine.state.finding import find_order

TAG = "Payments"


class CaptureBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much came; with `all`, or `{}`, all that is left of it."""

    amount_minor: Minor | None = None


class PayOutBody(PartOrAll, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much was paid out; with `all`, or `{}`, all that is to go back."""

    amount_minor: Annotated[int, Meta(ge=1, le=limits.MINOR_MAX)] | None = None


def _order_and_payment(path: dict[str, str]) -> tuple[str, str] | Rejection:
    order, payment = path_id(path["number"], "number"), path_id(path["payment"], "payment")
    if isinstance(order, Rejection):
        return order
    return payment if isinstance(payment, Rejection) else (order, payment)


# Here what is no id in the path is malformed.
PAID_ORDERS = msgspec.structs.replace(ORDERS, tag=TAG, key=lambda path: path_id(path["number"], "number"))
PAYMENTS = Thing(
    path="/v1/orders/{number}/payments/{payment}",
    tag=TAG,
    answer=OrderAnswer,
    missing=ORDERS.missing,
    key=_order_and_payment,
    find=lambda state, key: find_order(state, key[0]),
    render=ORDERS.render,
    detail=ORDERS.detail,
    empty=no_fields("VoidBody", __name__),
)
EXAMPLE: dict[str, Any] = {"id": "p-1", "method": "card", "amount_minor": 3190, "state": "authorised"}

OPERATIONS = [
    PAYMENTS.act(
        "payOutRefund", "pay-out", "What goes back over a payment has left the bank", PayOutBody,
        lambda key, body: PayOutRefund(*key, body.amount_minor),
        codes=(*STEP_CODES, ResultCode.EXCEEDS_OWED),
        description="Until then it stands in `refunds_payable`. What goes back to a voucher is there at once.",
    ),
    PAID_ORDERS.act(
        "addPayment", "payments", "Note a payment of an order", PaymentRequest, AddPayment, status=201, example=EXAMPLE,
        codes=(ResultCode.NOT_FOUND, ResultCode.NO_PRICE, ResultCode.IN_USE, ResultCode.INVALID_TRANSITION),
        description="`authorised` may be captured later, `captured` is there. What is captured over what is due goes back: over the "
        "newest payment first, over vouchers last, never more than came. See `money.payments` of the answer.",
    ),
    PAYMENTS.act(
        "capturePayment", "capture", "Money of an authorised payment came, in whole or in part", CaptureBody,
        lambda key, body: CapturePayment(*key, body.amount_minor),
        codes=(*STEP_CODES, ResultCode.EXCEEDS_AUTHORISED), example={"amount_minor": 1500},
    ),
    PAYMENTS.step(
        "voidPayment", "void", "What is authorised and not captured will not come", lambda key: VoidPayment(*key)
    ),
]  # fmt: skip
