"""What happened to work that somebody gave to another node."""

import msgspec

from engine.facts.orders import PlannedFulfilment, Take
from engine.facts.postings import Posting
from engine.numbers import FulfilmentNumber


class FulfilmentMoved(msgspec.Struct, array_like=True, frozen=True, tag="fulfilment_moved"):
    """`lines` of a fulfilment at `node` were given to others by somebody's word: `fulfilments`."""

    order: str
    fulfilment: FulfilmentNumber
    node: str
    lines: tuple[Take, ...]
    fulfilments: tuple[PlannedFulfilment, ...]
    postings: tuple[Posting, ...]


Fact = FulfilmentMoved
