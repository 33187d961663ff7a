"""Payment providers over HTTP: their secrets, their signed events, and what they are being asked for."""

import time
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from api.answers.identifiers import payment_request_id, payment_request_number
from api.answers.timestamps import Timestamp, iso
from api.http.bodies import BodyReader
from api.http.filters import OrderFilter, ProviderFilter
from api.http.listing import from_cursor, position_of
from api.http.operations import Call, Changing, Handled, Operation, PageOf, PageQuery, Reading
from api.http.things import no_fields
from api.resources.payments import PAID_ORDERS
from api.server.outbound.payments import Attempts
from api.server.outbound.signing import SIGNATURE, TIMESTAMP, secret_of, why_not_genuine
from engine import limits
from engine.commands.fields import Id, OrderNumber, Text
from engine.commands.providers import AskForPayment, ReportPayment
from engine.results import Rejection, ResultCode
from engine.state.payment_requests import ProviderRequest
from engine.state.state import State

TAG = "Payments"
NOT_FOUND = Rejection(ResultCode.NOT_FOUND, "there is no such payment provider")
What = Literal["authorised", "captured", "capture_failed", "voided", "refunded", "refund_failed"]


class ProviderEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What became of a payment. The same `id` is carried out once. `request` is the one it answers.

    Without `amount_minor` it is what was asked for, else all that is left.
    """

    id: Id
    type: What
    order: OrderNumber
    payment: Id
    request: Id | None = None
    amount_minor: Annotated[int, Meta(ge=1, le=limits.MINOR_MAX)] | None = None
    reason: Text | None = None


class EventTaken(msgspec.Struct):
    """The event was carried out."""

    id: str


class SecretAnswer(msgspec.Struct):
    """The secret that messages from and to the provider are signed with."""

    provider: str
    version: int
    secret: str


class PaymentRequestAnswer(msgspec.Struct):
    """Something a provider was asked for and has not answered. `attempts` since the node began; `taken`: it said it would."""

    id: str
    order: str
    payment: str
    provider: str
    what: str
    amount_minor: int
    asked_at: Timestamp
    attempts: int
    taken: bool
    error: str | None
    again_in_seconds: int | None


class PaymentRequestPage(PageOf[PaymentRequestAnswer]):
    """The oldest first."""


class PaymentRequestQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Those of one order, or of one provider."""

    order: OrderFilter | None = None
    provider: ProviderFilter | None = None


_EVENTS = BodyReader(ProviderEvent)


def secret(call: Call) -> Handled:
    """Read a provider's secret."""
    server, name = call.server, call.path["provider"]

    def read(state: State, now_ns: int) -> SecretAnswer | Rejection:
        provider = state.configuration.payment_providers.get(name)
        if provider is None:
            return NOT_FOUND
        return SecretAnswer(name, provider.secret_version, secret_of(server.parties, name, provider.secret_version))

    return Reading(read)


def event(call: Call) -> Handled:
    """A provider reports. Nothing in it is looked at before its signature."""
    server, name = call.server, call.path["provider"]
    provider = server.state.configuration.payment_providers.get(name)
    if provider is None:
        return NOT_FOUND
    timestamp, signature = (
        None if value is None else value.decode("latin-1")
        for value in (call.headers.get(TIMESTAMP.lower().encode()), call.headers.get(SIGNATURE.lower().encode()))
    )
    reason = why_not_genuine(
        secret_of(server.parties, name, provider.secret_version), timestamp, signature, call.content
    )
    if reason is not None:
        return Rejection(ResultCode.UNAUTHENTICATED, reason)
    body = _EVENTS.read(call.content)
    if isinstance(body, Rejection):
        return body
    request = None if body.request is None else payment_request_number(body.request)
    if body.request is not None and request is None:
        return Rejection.at(ResultCode.MALFORMED_REQUEST, "/request", "no request has such an id")
    call.actor, call.key, call.body = f"provider:{name}", body.id, body
    report = ReportPayment(name, body.type, body.order, body.payment, request, body.amount_minor, body.reason)
    return Changing(report, lambda state, seq, facts: EventTaken(body.id))


def _page(call: Call, state: State, after: int | None) -> PaymentRequestPage:
    query: PaymentRequestQuery = call.query
    attempts = {} if call.server.courier is None else call.server.courier.attempts
    wanted = (
        request
        for request in state.payment_requests.open.values()
        if request.number > (after or 0)
        and query.order in (None, request.order)
        and query.provider in (None, request.provider)
    )
    found = [*islice(wanted, query.limit + 1)]
    items = [_answer(request, attempts.get(request.number)) for request in found[: query.limit]]
    return PaymentRequestPage(items, str(found[query.limit - 1].number) if len(found) > query.limit else None)


def _answer(request: ProviderRequest, tried: Attempts | None) -> PaymentRequestAnswer:
    return PaymentRequestAnswer(
        id=payment_request_id(request.number),
        order=request.order,
        payment=request.payment,
        provider=request.provider,
        what=request.what,
        amount_minor=request.amount_minor,
        asked_at=iso(request.asked_ns),
        attempts=0 if tried is None else tried.times,
        taken=tried is not None and tried.error is None,
        error=None if tried is None else tried.error,
        again_in_seconds=None if tried is None else max(0, round(tried.again_at - time.monotonic())),
    )


EVENT: dict[str, Any] = {
    "id": "evt-1", "type": "captured", "order": "W-1001", "payment": "p-1", "request": "pay-7", "amount_minor": 3190,
}  # fmt: skip

OPERATIONS = [
    Operation(
        id="getProviderSecret", method="GET", path="/v1/payment-providers/{provider}/secret", tag=TAG, handle=secret,
        summary="The secret that messages from and to a provider are signed with", answer=SecretAnswer,
        codes=(ResultCode.NOT_FOUND,),
        description="It is derived from the node's own secret and stored nowhere; another `secret_version` gives another one.",
    ),
    Operation(
        id="postProviderEvent", method="POST", path="/v1/payment-providers/{provider}/events", tag=TAG, handle=event,
        summary="A provider reports what became of a payment", body=msgspec.Raw, body_schema=ProviderEvent,
        answer=EventTaken, public=True, example=EVENT,
        codes=(
            ResultCode.UNAUTHENTICATED, ResultCode.FORBIDDEN, ResultCode.NOT_FOUND, ResultCode.NO_PRICE,
            ResultCode.INVALID_TRANSITION, ResultCode.EXCEEDS_AUTHORISED, ResultCode.IDEMPOTENCY_KEY_REUSED,
        ),
        description="Needs no API key but `Kontor-Timestamp` (seconds since 1970) and `Kontor-Signature`: the hexadecimal HMAC-SHA256 of "
        "`<timestamp>.<body>` under the provider's secret. See docs/reference/payments.md.",
    ),
    PAID_ORDERS.step(
        "askForPayment", "payments/ask", "Ask the providers once more for what the customer owes", AskForPayment,
        body=no_fields("Nothing", __name__),
    ),
    Operation(
        id="listPaymentRequests", method="GET", path="/v1/payment-requests", tag=TAG, query=PaymentRequestQuery,
        handle=from_cursor(position_of, _page), summary="What payment providers were asked for and have not answered",
        answer=PaymentRequestPage,
    ),
]  # fmt: skip
