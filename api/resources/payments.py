"""Payments of orders over HTTP: noted, captured, voided. Money itself is moved by whoever the shop pays with."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers.orders import OrderAnswer
from api.http.listing import path_id
from api.http.operations import Call, Changing, Handled, Operation
from api.resources.orders import order_renderer, order_resource
from engine import limits
from engine.commands.bookkeeping import PayOutRefund
from engine.commands.fields import Minor
from engine.commands.orders import AddPayment, CapturePayment, PaymentRequest, VoidPayment
from engine.results import Rejection, ResultCode

TAG = "Payments"


class CaptureBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much came; without `amount_minor` all that is left of it."""

    amount_minor: Minor | None = None


class PayOutBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How much was paid out; without `amount_minor` all that is to go back."""

    amount_minor: Annotated[int, Meta(ge=1, le=limits.MINOR_MAX)] | None = None


class VoidBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No fields: `{}` or no body at all."""


def _path(call: Call, *names: str) -> list[str] | Rejection:
    found = []
    for name in names:
        value = path_id(call.path[name], name)
        if isinstance(value, Rejection):
            return value
        found.append(value)
    return found


def add(call: Call) -> Handled:
    """The customer pays."""
    path = _path(call, "number")
    if isinstance(path, Rejection):
        return path
    return Changing(AddPayment(path[0], call.body), order_renderer(path[0]))


def capture(call: Call) -> Handled:
    """Money came."""
    path = _path(call, "number", "payment")
    if isinstance(path, Rejection):
        return path
    amount = None if call.body is None else call.body.amount_minor
    return Changing(CapturePayment(path[0], path[1], amount), order_renderer(path[0]))


def pay_out(call: Call) -> Handled:
    """What goes back has left the bank."""
    path = _path(call, "number", "payment")
    if isinstance(path, Rejection):
        return path
    amount = None if call.body is None else call.body.amount_minor
    return Changing(PayOutRefund(path[0], path[1], amount), order_renderer(path[0]))


def void(call: Call) -> Handled:
    """No more will come."""
    path = _path(call, "number", "payment")
    if isinstance(path, Rejection):
        return path
    return Changing(VoidPayment(path[0], path[1]), order_renderer(path[0]))


EXAMPLE: dict[str, Any] = {"id": "p-1", "method": "card", "amount_minor": 3190, "state": "authorised"}

OPERATIONS = [
    Operation(
        id="payOutRefund", method="POST", path="/v1/orders/{number}/payments/{payment}/pay-out", tag=TAG, handle=pay_out,
        summary="What goes back over a payment has left the bank", body=PayOutBody, body_optional=True, answer=OrderAnswer,
        resource=order_resource,
        codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION, ResultCode.EXCEEDS_OWED),
        description="Until then it stands in `refunds_payable`. What goes back to a voucher is there at once.",
    ),
    Operation(
        id="addPayment", method="POST", path="/v1/orders/{number}/payments", tag=TAG, handle=add, status=201,
        summary="Note a payment of an order", body=PaymentRequest, answer=OrderAnswer, resource=order_resource,
        codes=(
            ResultCode.NOT_FOUND, ResultCode.NO_PRICE, ResultCode.IN_USE, ResultCode.INVALID_TRANSITION,
        ),
        example=EXAMPLE,
        description="`authorised` may be captured later, `captured` is there. What is captured over what is due goes back: over the "
        "newest payment first, over vouchers last, never more than came. See `money.payments` of the answer.",
    ),
    Operation(
        id="capturePayment", method="POST", path="/v1/orders/{number}/payments/{payment}/capture", tag=TAG,
        handle=capture, summary="Money of an authorised payment came, in whole or in part", body=CaptureBody,
        body_optional=True, answer=OrderAnswer, resource=order_resource,
        codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION, ResultCode.EXCEEDS_AUTHORISED),
        example={"amount_minor": 1500},
    ),
    Operation(
        id="voidPayment", method="POST", path="/v1/orders/{number}/payments/{payment}/void", tag=TAG, handle=void,
        summary="What is authorised and not captured will not come", body=VoidBody, body_optional=True,
        answer=OrderAnswer, resource=order_resource, codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION),
    ),
]  # fmt: skip
