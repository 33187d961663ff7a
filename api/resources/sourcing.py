"""Sourcing over HTTP: why a plan is as it is."""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers.explanations import ExplanationAnswer, answer_of, explain_brought
from api.answers.problems import malformed
from api.geography.locating import located
from api.http.endpoint import encode
from api.http.operations import Call, Handled, Operation, Reading, Reply
from engine import limits
from engine.commands.fields import Id
from engine.commands.policies import SourcingPolicy
from engine.commands.reservations import Delivery, DemandLines, Destination, ReserveStock
from engine.reservations import check_demand
from engine.results import FieldError, Rejection, ResultCode
from engine.state.state import State
from engine.supply.explaining import explain
from engine.supply.policies import FUNCTIONS, problems_of
from engine.supply.request import Request

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
        found = await call.server.history.explain(body.seq)
        return found if isinstance(found, Rejection) else Reply(200, encode(found))
    if body.channel is None or body.lines is None:
        return malformed("give `seq`, or `channel` and `lines`")
    return Reading(_reader(located(body, call.server.postcodes), body.channel))


def _reader(body: ExplainBody, channel: str) -> Callable[[State, int], ExplanationAnswer | Rejection]:
    lines = body.lines or ()
    asked = ReserveStock(channel, lines, None, body.allow_partial, body.ship_to, body.delivery, body.customer_group)
    request = Request.of_checkout(asked)

    def read(state: State, now_ns: int) -> ExplanationAnswer | Rejection:
        refusal = check_demand(state, channel, lines)
        if refusal is not None:
            return refusal
        explained, given = explain(state, request, now_ns)
        brought = None
        if given.short and request.delivery != "ship" and len({line.node for line in lines} | {None}) == 2:
            brought = explain_brought(state, request, now_ns)
        return brought or answer_of(explained, channel, now_ns)

    return read


class SimulateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The policy, the body it would have had, and a span of records; without `to` up to the newest one the limit allows."""

    policy: Id
    body: SourcingPolicy
    first: Annotated[int, Meta(ge=1, le=2**63 - 1)] = msgspec.field(default=1, name="from")
    last: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = msgspec.field(default=None, name="to")


class NodeLoad(msgspec.Struct):
    """Orders and units that a node would send, or sent."""

    orders: int
    units: int


class WorldAnswer(msgspec.Struct):
    """One world in numbers; costs by the changed policy, days until the last parcel arrives, nodes by orders."""

    decisions: int
    stock_outs: int
    cost_minor: int
    cost_minor_mean: float
    parcels: int
    split_share: float
    km_mean: float
    delivery_days_mean: float
    delivery_days_p95: int
    nodes: dict[str, NodeLoad]


class SimulationAnswer(msgspec.Struct):
    """Two worlds over the same records. `left_out` later requests could not be repeated under the changed policy."""

    policy: str
    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    as_it_was: WorldAnswer
    as_changed: WorldAnswer
    left_out: int


async def simulate_sourcing(call: Call) -> Handled:
    """What would have been under another policy."""
    body: SimulateBody = call.body
    if body.policy not in call.server.state.configuration.sourcing_policies:
        return Rejection.at(
            ResultCode.UNKNOWN_SOURCING_POLICY, "/policy", f"there is no sourcing policy {body.policy!r}"
        )
    wrong = [FieldError(f"/body{inner}", detail) for inner, detail in problems_of(body.body, tuple(FUNCTIONS))]
    if wrong:
        return Rejection(ResultCode.MALFORMED_REQUEST, wrong[0].detail, tuple(wrong))
    newest = call.server.journal.last_seq
    last = min(newest, body.first + limits.SIMULATION_RECORDS_MAX - 1) if body.last is None else min(body.last, newest)
    if last < body.first:
        return malformed(f"the span ends before it begins; the newest record is {newest}")
    if last - body.first >= limits.SIMULATION_RECORDS_MAX:
        return malformed(
            f"a span has at most {limits.SIMULATION_RECORDS_MAX:,} records; kontor sourcing simulate takes more"
        )
    found = await call.server.history.simulate(body.policy, encode(body.body), body.first, last)
    return found if isinstance(found, Rejection) else Reply(200, encode(found))


OPERATIONS = [
    Operation(
        id="simulateSourcing", method="POST", path="/v1/sourcing/simulate", tag=TAG, handle=simulate_sourcing,
        summary="What would have been under another policy", body=SimulateBody, answer=SimulationAnswer,
        codes=(ResultCode.NOT_FOUND, ResultCode.UNKNOWN_SOURCING_POLICY, ResultCode.OVERLOADED),
        example={"policy": "standard", "from": 1, "body": {"name": "Fewer parcels", "split_penalty_minor": 2000}},
        description="Runs a span of the journal again with the policy changed, in a process of its own, and compares. Touches nothing.",
    ),
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
        "rules as they were before that record, and whether the same plan comes out again; that takes a moment. What a pickup "
        "node lacks and other nodes bring is in `brought`.",
    ),
]  # fmt: skip
