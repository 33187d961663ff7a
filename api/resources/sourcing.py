"""Sourcing over HTTP: why a plan is as it is."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from api.endpoint import encode
from api.explanations import ExplanationAnswer, answer_of
from api.geography.locating import located
from api.operations import Call, Handled, Operation, Reading, Reply
from api.problems import malformed
from engine.areas import NOWHERE, coarse_area
from engine.asking import Request
from engine.commands.fields import Id
from engine.commands.reservations import Delivery, DemandLines, Destination
from engine.explaining import explain
from engine.reservations import check_demand
from engine.results import Rejection, ResultCode
from engine.state import State

TAG = "Sourcing"


class ExplainBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Either `seq`, the record of a past decision, or a demand as a reservation has it, to be decided now."""

    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    channel: Id | None = None
    lines: DemandLines | None = None
    ship_to: Destination | None = None
    delivery: Delivery = "ship"
    customer_group: Id | None = None
    allow_partial: bool = False


async def explain_sourcing(call: Call) -> Handled:
    """Why a plan is, or was, as it is."""
    body: ExplainBody = call.body
    if body.seq is not None:
        if body != ExplainBody(seq=body.seq):
            return malformed("give `seq` alone, or a demand without it")
        found = await call.node.history.explain(body.seq)
        return found if isinstance(found, Rejection) else Reply(200, encode(found))
    if body.channel is None or body.lines is None:
        return malformed("give `seq`, or `channel` and `lines`")
    return Reading(_reader(located(body, call.node.postcodes), body.channel))


def _reader(body: ExplainBody, channel: str) -> Callable[[State, int], ExplanationAnswer | Rejection]:
    lines = body.lines or ()
    to = body.ship_to
    area = NOWHERE if to is None else coarse_area(to.country, to.postal_code, to.latitude, to.longitude)
    request = Request(channel, lines, area, body.delivery, body.customer_group, body.allow_partial)

    def read(state: State, now_ns: int) -> ExplanationAnswer | Rejection:
        refusal = check_demand(state, channel, lines)
        return refusal or answer_of(explain(state, request, now_ns)[0], channel, now_ns)

    return read


OPERATIONS = [
    Operation(
        id="explainSourcing", method="POST", path="/v1/sourcing/explain", tag=TAG, handle=explain_sourcing,
        summary="What would be chosen, or was, and why", body=ExplainBody, answer=ExplanationAnswer,
        codes=(
            ResultCode.NOT_FOUND, ResultCode.UNKNOWN_CHANNEL, ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU,
            ResultCode.OVERLOADED,
        ),
        example={"channel": "web-de", "lines": [{"sku": "85123A", "quantity": 2}], "ship_to": {"country": "DE"}},
        description="Changes nothing. For every node that could send its prices, for every other the rule against it; the "
        "plan that was nearly chosen, and whether the chosen one is proven. With `seq` it is told with the stock and the "
        "rules as they were before that record, and whether the same plan comes out again; that takes a moment.",
    ),
]  # fmt: skip
