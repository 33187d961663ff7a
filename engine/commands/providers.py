"""Payment providers, and what they report."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.commands.command import Command
from engine.commands.fields import Id

URL_REGEX = r"^https?://[^\s/?#@]{1,253}(/[^\s#]*)?$(?!\n)"
Url = Annotated[str, Meta(max_length=2_000, pattern=URL_REGEX, description="http or https, without a user in it")]
Methods = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=50)]


class PaymentProvider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who moves the money of payments by some methods. `capture` on_ship: when goods leave; manual: nobody is asked to.

    `secret_version` chooses the secret that both sign with; another number makes another secret.
    """

    url: Url
    methods: Methods
    capture: Literal["on_ship", "manual"] = "on_ship"
    refund: Literal["automatic", "manual"] = "automatic"
    secret_version: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class ReportPayment(Command, frozen=True):
    """A provider says what became of a payment, and which request that answers, if it does."""

    provider: str
    what: str
    order: str
    payment: str
    request: int | None = None
    amount_minor: int | None = None
    reason: str | None = None


class AskForPayment(Command, frozen=True):
    """Ask providers once more for what a customer owes."""

    order: str
