"""What people do about an order besides its work: holds, notes, appeasements."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.orders import OrderAnswer
from api.http.listing import path_id
from api.http.operations import Call, Changing, Handled, Operation
from api.resources.orders import NOT_FOUND, order_renderer, order_resource
from engine import limits
from engine.commands import Command
from engine.commands.orders import AppeaseCustomer, HoldOrder, HoldRequest, LiftHold, NoteOrder
from engine.results import Rejection, ResultCode

TAG = "Orders"
Words = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]


class NoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be remembered. No names, please: it is journalled."""

    text: Words


class AppeasementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money for the customer in minor units of the channel's currency, and why."""

    amount_minor: Annotated[int, Meta(ge=1, le=limits.MINOR_MAX)]
    reason: Words


def _about(call: Call, command: Command) -> Handled:
    """Change an order by its number in the path; answer with the order."""
    number = call.path["number"]
    if isinstance(path_id(number, "number"), Rejection):
        return NOT_FOUND
    return Changing(command, order_renderer(number))


def hold(call: Call) -> Handled:
    """Stop an order."""
    body: HoldRequest = call.body
    return _about(call, HoldOrder(call.path["number"], body.handle, body.reason, body.scope))


def lift(call: Call) -> Handled:
    """Take a hold away."""
    return _about(call, LiftHold(call.path["number"], call.path["handle"]))


def note(call: Call) -> Handled:
    """Write something down; it is in the order's history."""
    return _about(call, NoteOrder(call.path["number"], call.body.text))


def appease(call: Call) -> Handled:
    """Give the customer money after the fact; it is in the order's history."""
    return _about(call, AppeaseCustomer(call.path["number"], call.body.amount_minor, call.body.reason))


OPERATIONS = [
    Operation(
        id="holdOrder", method="POST", path="/v1/orders/{number}/holds", tag=TAG, handle=hold, status=201,
        summary="Stop an order until the hold is lifted", body=HoldRequest, answer=OrderAnswer, resource=order_resource,
        codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION, ResultCode.IN_USE),
        example={"handle": "fraud-check", "reason": "address looks odd", "scope": "release"},
        description="Several may stand at once, each lifted by its handle. `release`: nodes get no new work of it, and work that "
        "none has accepted comes back from their lists. `ship`: nodes go on, but nothing leaves them.",
    ),
    Operation(
        id="liftHold", method="DELETE", path="/v1/orders/{number}/holds/{handle}", tag=TAG, handle=lift,
        summary="Lift a hold", answer=OrderAnswer, resource=order_resource, codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="noteOrder", method="POST", path="/v1/orders/{number}/notes", tag=TAG, handle=note, status=201,
        summary="Write something down about an order", body=NoteBody, answer=OrderAnswer, resource=order_resource,
        codes=(ResultCode.NOT_FOUND,), example={"text": "asked for a call before delivery"},
        description="It is in the order's history, with who wrote it and when.",
    ),
    Operation(
        id="appeaseCustomer", method="POST", path="/v1/orders/{number}/appeasements", tag=TAG, handle=appease, status=201,
        summary="Give the customer of an order money after the fact", body=AppeasementBody, answer=OrderAnswer,
        resource=order_resource, codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION, ResultCode.EXCEEDS_AUTHORISED),
        example={"amount_minor": 500, "reason": "came late"},
        description="Of an order with prices it is so much less to pay; what was paid of it goes back at once.",
    ),
]  # fmt: skip
