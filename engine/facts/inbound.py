"""What happened to goods on their way to a node."""

import msgspec

from engine.facts.postings import Posting
from engine.numbers import InboundNumber, TransferNumber


class InboundUnits(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`quantity` units of one SKU of an inbound; `damaged` of those that came can't be sold."""

    sku: str
    quantity: int
    damaged: int = 0


class InboundExpected(msgspec.Struct, array_like=True, frozen=True, tag="inbound_expected"):
    """A supplier will bring these units to `node` at about `expected_at_ns`; or another node will, by `transfer`."""

    inbound: InboundNumber
    supplier: str
    node: str
    expected_at_ns: int
    lines: tuple[InboundUnits, ...]
    postings: tuple[Posting, ...]
    transfer: TransferNumber | None = None


class InboundReceived(msgspec.Struct, array_like=True, frozen=True, tag="inbound_received"):
    """Units arrived, more than expected among them if the supplier sent more."""

    inbound: InboundNumber
    lines: tuple[InboundUnits, ...]
    postings: tuple[Posting, ...]


class InboundDelayed(msgspec.Struct, array_like=True, frozen=True, tag="inbound_delayed"):
    """What is still expected comes at about `expected_at_ns`."""

    inbound: InboundNumber
    expected_at_ns: int
    postings: tuple[Posting, ...] = ()


class InboundCancelled(msgspec.Struct, array_like=True, frozen=True, tag="inbound_cancelled"):
    """These units will not come."""

    inbound: InboundNumber
    lines: tuple[InboundUnits, ...]
    postings: tuple[Posting, ...]


Fact = InboundExpected | InboundReceived | InboundDelayed | InboundCancelled
