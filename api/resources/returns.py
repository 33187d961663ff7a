"""Returns over HTTP: agreed, received in parts, or cancelled."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.answers import ReturnAnswer, return_answer
from api.identifiers import return_number
from api.listing import path_id
from api.operations import Call, Changing, Handled, Operation, Reading
from engine import limits
from engine.commands import AuthoriseReturn, CancelReturn, ReceiveReturn
from engine.commands.fields import Id
from engine.commands.orders import ReceiveReturnLine, ReturnLineRequest
from engine.facts import Fact, ReturnAuthorised
from engine.orders import find_by_return
from engine.results import Rejection, ResultCode
from engine.state import State

TAG = "Returns"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such return")


class ReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the customer announces to send back."""

    lines: Annotated[tuple[ReturnLineRequest, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]


class ReceiveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What arrived at `node`. `restock`: available again; `quarantine`: unsellable; `scrap`: lost."""

    node: Id
    lines: Annotated[tuple[ReceiveReturnLine, ...], Meta(min_length=1, max_length=limits.ORDER_LINES_MAX)]


class CancelReturnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No fields: `{}` or no body at all."""


def _answer(state: State, number: int) -> ReturnAnswer | Rejection:
    order = find_by_return(state, number)
    if order is None:
        return NOT_FOUND
    return return_answer(order, next(agreed for agreed in order.returns if agreed.number == number))


def _resource(call: Call) -> Any:
    number = return_number(call.path["return"])

    def read(state: State, now_ns: int) -> ReturnAnswer | Rejection:
        return NOT_FOUND if number is None else _answer(state, number)

    return read


def _render_authorised(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
    made = next(fact for fact in facts if isinstance(fact, ReturnAuthorised))
    return _answer(state, made.return_id)


def authorise(call: Call) -> Handled:
    """Agree that shipped units may come back."""
    number = call.path["number"]
    if isinstance(path_id(number, "number"), Rejection):
        return Rejection(ResultCode.NOT_FOUND, "there is no such order")
    return Changing(AuthoriseReturn(number, call.body.lines), _render_authorised)


def get(call: Call) -> Handled:
    """Read one."""
    return Reading(_resource(call))


def _acting(call: Call, command: Any) -> Handled:
    number = return_number(call.path["return"])
    if number is None:
        return NOT_FOUND

    def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
        return _answer(state, number)

    return Changing(command(number), render)


def receive(call: Call) -> Handled:
    """Units arrived; partial and repeatable."""
    return _acting(call, lambda number: ReceiveReturn(number, call.body.node, call.body.lines))


def cancel(call: Call) -> Handled:
    """What has not arrived is no longer expected."""
    return _acting(call, CancelReturn)


OPERATIONS = [
    Operation(
        id="authoriseReturn", method="POST", path="/v1/orders/{number}/returns", tag=TAG, handle=authorise, status=201,
        summary="Agree that shipped units may come back", body=ReturnBody, answer=ReturnAnswer,
        codes=(ResultCode.NOT_FOUND, ResultCode.UNKNOWN_LINE, ResultCode.EXCEEDS_RETURNABLE),
        example={"lines": [{"id": "1", "quantity": 1, "reason": "too small"}]},
    ),
    Operation(
        id="getReturn", method="GET", path="/v1/returns/{return}", tag=TAG, handle=get, resource=_resource,
        summary="Read a return", answer=ReturnAnswer, codes=(ResultCode.NOT_FOUND,),
    ),
    Operation(
        id="receiveReturn", method="POST", path="/v1/returns/{return}/receive", tag=TAG, handle=receive,
        summary="Take units back at a node; partial and repeatable", body=ReceiveBody, answer=ReturnAnswer,
        resource=_resource,
        codes=(
            ResultCode.NOT_FOUND, ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_LINE, ResultCode.INVALID_TRANSITION,
            ResultCode.EXCEEDS_RETURNABLE,
        ),
        example={"node": "leipzig", "lines": [{"id": "1", "quantity": 1, "disposition": "restock"}]},
    ),
    Operation(
        id="cancelReturn", method="POST", path="/v1/returns/{return}/cancel", tag=TAG, handle=cancel,
        summary="Expect nothing more of a return", body=CancelReturnBody, body_optional=True, answer=ReturnAnswer,
        resource=_resource, codes=(ResultCode.NOT_FOUND, ResultCode.INVALID_TRANSITION),
    ),
]  # fmt: skip
