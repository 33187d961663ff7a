"""What happened to goods between nodes. On the way they are on the accounts of the node they go to."""

import msgspec

from engine.facts.postings import Posting
from engine.numbers import InboundNumber, TransferNumber


class TransferUnits(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of one SKU."""

    sku: str
    quantity: int


class TransferPlanned(msgspec.Struct, array_like=True, frozen=True, tag="transfer_planned"):
    """Units were claimed at `source`, to be sent to `target`, where they are expected at about `expected_at_ns`; with
    `inbound` as that, promised to an order."""

    transfer: TransferNumber
    source: str
    target: str
    lines: tuple[TransferUnits, ...]
    expected_at_ns: int | None
    postings: tuple[Posting, ...]
    inbound: InboundNumber | None = None


class TransferLowered(msgspec.Struct, array_like=True, frozen=True, tag="transfer_lowered"):
    """Units of a planned transfer stay where they are: the order they were for does without."""

    transfer: TransferNumber
    lines: tuple[TransferUnits, ...]
    postings: tuple[Posting, ...]


class TransferFreed(msgspec.Struct, array_like=True, frozen=True, tag="transfer_freed"):
    """Units on their way were promised to `of_order`, which does without: they are free when they arrive."""

    transfer: TransferNumber
    of_order: str
    lines: tuple[TransferUnits, ...]
    postings: tuple[Posting, ...] = ()


class TransferShipped(msgspec.Struct, array_like=True, frozen=True, tag="transfer_shipped"):
    """The goods left, but for those `left_behind`, which are free where they are."""

    transfer: TransferNumber
    postings: tuple[Posting, ...]
    left_behind: tuple[TransferUnits, ...] = ()


class TransferTurnedBack(msgspec.Struct, array_like=True, frozen=True, tag="transfer_turned_back"):
    """What is under way goes back to the node it came from, and is received there."""

    transfer: TransferNumber
    postings: tuple[Posting, ...]


class TransferArrival(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Units of one SKU that arrived, `damaged` ones among them; `lost` never will; `surplus` nobody had sent.

    `found` ones among those that arrived had been given up as lost.
    """

    sku: str
    received: int
    damaged: int
    lost: int
    surplus: int
    found: int = 0


class TransferReceived(msgspec.Struct, array_like=True, frozen=True, tag="transfer_received"):
    """Goods arrived. `reason` says why units are lost or surplus: short_transfer, over_transfer, or both."""

    transfer: TransferNumber
    lines: tuple[TransferArrival, ...]
    reason: str | None
    postings: tuple[Posting, ...]


class TransferCancelled(msgspec.Struct, array_like=True, frozen=True, tag="transfer_cancelled"):
    """It did not leave, and its units are free again. Its node gave back what it was to send for `given_back_for`: for
    that order it is not asked again."""

    transfer: TransferNumber
    postings: tuple[Posting, ...]
    given_back_for: str | None = None


Fact = (
    TransferPlanned
    | TransferLowered
    | TransferFreed
    | TransferShipped
    | TransferTurnedBack
    | TransferReceived
    | TransferCancelled
)
