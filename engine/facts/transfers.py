"""What happened to goods on their way from one node to another. On the way they are on the accounts of the node they go to."""

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


class TransferShipped(msgspec.Struct, array_like=True, frozen=True, tag="transfer_shipped"):
    """The goods left."""

    transfer: TransferNumber
    postings: tuple[Posting, ...]


class TransferArrival(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Units of one SKU that arrived, `damaged` ones among them; `lost` never will; `surplus` nobody had sent."""

    sku: str
    received: int
    damaged: int
    lost: int
    surplus: int


class TransferReceived(msgspec.Struct, array_like=True, frozen=True, tag="transfer_received"):
    """Goods arrived. `reason` says why units are lost or more than were sent: short_transfer, over_transfer, or both."""

    transfer: TransferNumber
    lines: tuple[TransferArrival, ...]
    reason: str | None
    postings: tuple[Posting, ...]


class TransferCancelled(msgspec.Struct, array_like=True, frozen=True, tag="transfer_cancelled"):
    """It did not leave, and its units are free again."""

    transfer: TransferNumber
    postings: tuple[Posting, ...]


Fact = TransferPlanned | TransferShipped | TransferReceived | TransferCancelled
