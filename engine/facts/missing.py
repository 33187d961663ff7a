"""What follows from promised units that a node says are not there."""

import msgspec

from engine.facts.orders import PlannedFulfilment
from engine.facts.postings import Posting
from engine.facts.sourcing import Decision
from engine.numbers import FulfilmentNumber


class MissingPaid(msgspec.Struct, array_like=True, frozen=True, tag="missing_paid"):
    """What the rest of its record brought or freed where promised units are missing is for those: available -> missing.

    Where more has left a node than was there (adjustment -> missing), it had been there all along.
    """

    postings: tuple[Posting, ...]


class OrderSourcedElsewhere(msgspec.Struct, array_like=True, frozen=True, tag="order_sourced_elsewhere"):
    """Work that nobody had begun was `withdrawn` from a node that misses units, and given to others."""

    order: str
    withdrawn: tuple[FulfilmentNumber, ...]
    fulfilments: tuple[PlannedFulfilment, ...]
    postings: tuple[Posting, ...]
    decision: Decision | None = None


Fact = MissingPaid | OrderSourcedElsewhere
