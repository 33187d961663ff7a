"""What people do about an order besides its work: holds, notes, appeasements."""

from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.orders import OrderAnswer
from api.http.operations import Call, Handled, Operation
from api.http.things import STEP_CODES
from api.resources.orders import ORDERS
from engine import limits
from engine.commands.orders import AppeaseCustomer, HoldOrder, HoldRequest, LiftHold, NoteOrder
from engine.results import ResultCode

Words = Annotated[str, Meta(min_length=1, max_length=limits.TEXT_LENGTH_MAX)]


class NoteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be remembered. No names, please: it is journalled."""

    text: Words


class AppeasementBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money for the customer in minor units of the channel's currency, and why."""

    amount_minor: Annotated[int, Meta(ge=1, le=limits.MINOR_MAX)]
    reason: Words


def lift(call: Call) -> Handled:
    """Take a hold away."""
    return ORDERS.change(call, lambda number: LiftHold(number, call.path["handle"]))


OPERATIONS = [
    ORDERS.act(
        "holdOrder", "holds", "Stop an order until the hold is lifted", HoldRequest,
        lambda number, body: HoldOrder(number, body.handle, body.reason, body.scope),
        status=201, codes=(*STEP_CODES, ResultCode.IN_USE),
        example={"handle": "fraud-check", "reason": "address looks odd", "scope": "release"},
        description="Several may stand at once, each lifted by its handle. `release`: nodes get no new work of it, and work that "
        "none has accepted comes back from their lists. `ship`: nodes go on, but nothing leaves them.",
    ),
    Operation(
        id="liftHold", method="DELETE", path="/v1/orders/{number}/holds/{handle}", tag="Orders", handle=lift,
        summary="Lift a hold", answer=OrderAnswer, resource=ORDERS.resource, codes=(ResultCode.NOT_FOUND,),
    ),
    ORDERS.act(
        "noteOrder", "notes", "Write something down about an order", NoteBody,
        lambda number, body: NoteOrder(number, body.text),
        status=201, codes=(ResultCode.NOT_FOUND,), example={"text": "asked for a call before delivery"},
        description="It is in the order's history, with who wrote it and when.",
    ),
    ORDERS.act(
        "appeaseCustomer", "appeasements", "Give the customer of an order money after the fact", AppeasementBody,
        lambda number, body: AppeaseCustomer(number, body.amount_minor, body.reason),
        status=201, codes=(*STEP_CODES, ResultCode.EXCEEDS_AUTHORISED), example={"amount_minor": 500, "reason": "came late"},
        description="Of an order with prices it is so much less to pay; what was paid of it goes back at once.",
    ),
]  # fmt: skip
