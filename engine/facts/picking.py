"""What happened to pick lists."""

import msgspec

from engine.facts.postings import Posting
from engine.numbers import FulfilmentNumber, PickListNumber


class PickListMade(msgspec.Struct, array_like=True, frozen=True, tag="pick_list_made"):
    """Fulfilments of a node go together in one walk; their positions are those of the boxes on the cart."""

    pick_list: PickListNumber
    node: str
    fulfilments: tuple[FulfilmentNumber, ...]
    postings: tuple[Posting, ...] = ()


class PickListEnded(msgspec.Struct, array_like=True, frozen=True, tag="pick_list_ended"):
    """The walk was done (`state` picked) or will not be (cancelled)."""

    pick_list: PickListNumber
    state: str
    postings: tuple[Posting, ...] = ()


Fact = PickListMade | PickListEnded
