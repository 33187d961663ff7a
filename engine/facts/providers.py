"""What is asked of payment providers, and what became of it."""

import msgspec

from engine.commands.providers import PaymentProvider
from engine.facts.postings import Posting
from engine.numbers import PaymentRequestNumber


class PaymentProviderSet(msgspec.Struct, array_like=True, frozen=True, tag="payment_provider_set"):
    """A payment provider was set, or changed."""

    provider: str
    body: PaymentProvider
    postings: tuple[Posting, ...] = ()


class PaymentAsked(msgspec.Struct, array_like=True, frozen=True, tag="payment_asked"):
    """A provider is asked to `what` (capture, void, refund) an amount of a payment of an order."""

    order: str
    payment: str
    request: PaymentRequestNumber
    provider: str
    what: str
    amount_minor: int
    postings: tuple[Posting, ...] = ()


class PaymentAnswered(msgspec.Struct, array_like=True, frozen=True, tag="payment_answered"):
    """A request ended: done, failed (`reason` is the provider's), or dropped because one before it failed."""

    order: str
    request: PaymentRequestNumber
    outcome: str
    reason: str | None = None
    postings: tuple[Posting, ...] = ()


Fact = PaymentProviderSet | PaymentAsked | PaymentAnswered
