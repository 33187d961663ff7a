"""Explanations of sourcing decisions in the words of the public contract, and of recorded ones from the journal."""

import msgspec

from api.answers.timestamps import Timestamp, iso, iso_or_none
from engine.commands.fields import Sku
from engine.facts import records
from engine.facts.reservations import Source
from engine.facts.transfers import TransferPlanned
from engine.fulfilments.pickup_transfers import with_transfers
from engine.replay.decisions import Decided, decided_again, decided_in
from engine.results import Rejection, ResultCode
from engine.state.state import State
from engine.supply.explaining import Explained, Part, Shipment, explain
from engine.supply.request import Request
from engine.wal import Batches


class DecisionAnswer(msgspec.Struct):
    """The policy (null: the built-in default), the record that set it as it was, and the overrides that held, by name."""

    policy: str | None
    version: int
    overrides: tuple[str, ...]


class ShipmentAnswer(msgspec.Struct):
    """What one node sends, and its cost by parts, which add up to `cost_minor`."""

    node: str
    units: dict[Sku, int]
    parts: tuple[Part, ...]
    cost_minor: int


class PlanAnswer(msgspec.Struct):
    """Shipments and the penalty for splitting add up to `cost_minor`."""

    cost_minor: int
    split_penalty_minor: int
    shipments: tuple[ShipmentAnswer, ...]


class CandidateAnswer(msgspec.Struct):
    """A node that could send: its prices, and what everything from there alone would cost (null: it can't)."""

    node: str
    km: float | None
    ships_at: Timestamp | None
    delivers_at: Timestamp | None
    parts: tuple[Part, ...]
    alone_minor: int | None
    units: dict[Sku, int]


class ExcludedAnswer(msgspec.Struct):
    """A node that could not send. `rule`: a JSON pointer into the settings of the policy, or one word."""

    node: str
    rule: str
    detail: str


class TransferPlanAnswer(msgspec.Struct):
    """What one node sends to the pickup node, and when it is there."""

    source: str = msgspec.field(name="from")
    target: str = msgspec.field(name="to")
    units: dict[Sku, int]
    arrives_at: Timestamp


class BroughtAnswer(msgspec.Struct):
    """What a pickup node lacks is brought there by transfers, by the `rule` of the policy: which nodes could bring it, which
    could not, and the cheapest plan of sending it there."""

    rule: str
    transfers: tuple[TransferPlanAnswer, ...]
    plan: PlanAnswer
    candidates: tuple[CandidateAnswer, ...]
    excluded: tuple[ExcludedAnswer, ...]


class ExplanationAnswer(msgspec.Struct):
    """A plan and its reasons.

    `status` optimal: proven, no plan costs less. unproven: none costs less than `bound_minor`. infeasible: the rules allow
    no plan for everything. `runner_up` is the cheapest plan without at least one of the nodes chosen. With `seq`, it is of
    that record: `reproduced` says that the same plan comes out again. `brought`: a pickup, and what other nodes bring for
    it; those that could are among the `candidates`.
    """

    time: Timestamp
    channel: str
    decision: DecisionAnswer
    status: str
    bound_minor: int
    plan: PlanAnswer
    runner_up: PlanAnswer | None
    short: dict[Sku, int]
    candidates: tuple[CandidateAnswer, ...]
    excluded: tuple[ExcludedAnswer, ...]
    seq: int | None = None
    reproduced: bool | None = None
    brought: BroughtAnswer | None = None


BROUGHT_BY = "/pickup_transfer_days"


def answer_of(explained: Explained, channel: str, time_ns: int) -> ExplanationAnswer:
    """An explanation as clients see it."""
    decision = explained.decision
    runner_up = None
    if explained.runner_up_minor is not None:
        shipments = explained.runner_up
        penalty = explained.runner_up_minor - sum(shipment.minor for shipment in shipments)
        runner_up = PlanAnswer(explained.runner_up_minor, penalty, tuple(map(_shipment, shipments)))
    return ExplanationAnswer(
        time=iso(time_ns),
        channel=channel,
        decision=DecisionAnswer(decision.policy, decision.version, explained.overrides),
        status=explained.status,
        bound_minor=explained.bound_minor,
        plan=PlanAnswer(
            explained.cost_minor, explained.split_penalty_minor, tuple(map(_shipment, explained.shipments))
        ),
        runner_up=runner_up,
        short=explained.short,
        candidates=tuple(
            CandidateAnswer(
                c.node, c.km, iso_or_none(c.ships_at_ns), iso_or_none(c.delivers_at_ns), c.parts, c.alone_minor, c.units
            )
            for c in explained.candidates
        ),
        excluded=tuple(ExcludedAnswer(e.node, e.rule, e.detail) for e in explained.excluded),
    )


def _shipment(shipment: Shipment) -> ShipmentAnswer:
    return ShipmentAnswer(shipment.node, shipment.units, shipment.parts, shipment.minor)


def explain_record(before: State, journal: Batches, seq: int) -> ExplanationAnswer | Rejection:
    """Why record `seq` was decided as it was. `before` is the state after the record before it."""
    assert before.seq == seq - 1
    time_ns, encoded = journal.record(seq)
    decided = decided_in(before, records.decode(encoded).facts)
    if decided is None:
        return Rejection(ResultCode.NOT_FOUND, f"nothing was sourced by record {seq}")
    answer = None
    if decided.brought and decided.change is None:
        answer = explain_brought(before, decided.request, time_ns, decided.collect_by_ns, decided.whole)
    answer = answer or answer_of(explain(before, decided.request, time_ns)[0], decided.request.channel, time_ns)
    answer.seq, answer.reproduced = seq, same_sources(decided, decided_again(before, decided, time_ns))
    return answer


def explain_brought(
    state: State, request: Request, now_ns: int, collect_by_ns: int | None = None, whole: bool = True
) -> ExplanationAnswer | None:
    """Why a pickup is brought by transfer, and by whom; None if it is not."""
    found = with_transfers(state, request, now_ns, collect_by_ns, whole)
    if found is None:
        return None
    there, _ = explain(state, request._replace(partial=True, inbound=False), now_ns)
    answer = answer_of(there, request.channel, now_ns)
    sent = answer_of(explain(state, found.asked, now_ns)[0], request.channel, now_ns)
    transfers = tuple(
        TransferPlanAnswer(
            fact.source,
            fact.target,
            {line.sku: line.quantity for line in fact.lines},
            iso(fact.expected_at_ns or now_ns),
        )
        for fact in found.before
        if isinstance(fact, TransferPlanned)
    )
    answer.brought = BroughtAnswer(BROUGHT_BY, transfers, sent.plan, sent.candidates, sent.excluded)
    known = {candidate.node for candidate in answer.candidates}
    answer.candidates += tuple(candidate for candidate in sent.candidates if candidate.node not in known)
    known |= {candidate.node for candidate in sent.candidates}
    answer.excluded = tuple(entry for entry in answer.excluded if entry.node not in known)
    answer.short = sent.short
    return answer


def same_sources(decided: Decided, sources: list[tuple[Source, ...]]) -> bool:
    """Whether the same units come from the same nodes and inbound, line by line."""

    def units(
        found: tuple[tuple[Source, ...], ...] | list[tuple[Source, ...]],
    ) -> list[dict[tuple[str, int | None], int]]:
        lines: list[dict[tuple[str, int | None], int]] = []
        for line in found:
            lines.append({})
            for source in line:
                key = (source.node, source.inbound)
                lines[-1][key] = lines[-1].get(key, 0) + source.quantity
        return lines

    return units(decided.sources) == units(sources)
