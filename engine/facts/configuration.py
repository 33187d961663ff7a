"""What master data became. The whole new body is in the fact, so the journal holds every version."""

import msgspec

from engine.commands.configuration import Channel, HolidayCalendar, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.facts.postings import Posting


class NodeSet(msgspec.Struct, array_like=True, frozen=True, tag="node_set"):
    """A node was created or replaced."""

    node: str
    body: Node
    postings: tuple[Posting, ...] = ()


class ItemSet(msgspec.Struct, array_like=True, frozen=True, tag="item_set"):
    """An item was created or replaced."""

    sku: str
    body: Item
    postings: tuple[Posting, ...] = ()


class NodeItemSet(msgspec.Struct, array_like=True, frozen=True, tag="node_item_set"):
    """What is special about one SKU at one node was set."""

    node: str
    sku: str
    body: NodeItem
    postings: tuple[Posting, ...] = ()


class ChannelSet(msgspec.Struct, array_like=True, frozen=True, tag="channel_set"):
    """A channel was created or replaced."""

    channel: str
    body: Channel
    postings: tuple[Posting, ...] = ()


class SourcingPolicySet(msgspec.Struct, array_like=True, frozen=True, tag="sourcing_policy_set"):
    """A sourcing policy was created or replaced."""

    policy: str
    body: SourcingPolicy
    postings: tuple[Posting, ...] = ()


class ConfigurationBegun(msgspec.Struct, array_like=True, frozen=True, tag="configuration_begun"):
    """A large configuration, checked whole, is applied by the records that follow; nothing else is meanwhile.

    Its document has this SHA-256 and that many entries. `key` and `payload` are of the request, as in a record.
    """

    sha256: str
    entries: int
    asked_by: str
    key: bytes | None = None
    payload: bytes | None = None
    postings: tuple[Posting, ...] = ()


class ConfigurationEnded(msgspec.Struct, array_like=True, frozen=True, tag="configuration_ended"):
    """All of it is set; `changed` is how many of each part were. Not `whole`: its document was lost half way."""

    sha256: str
    whole: bool
    changed: tuple[tuple[str, int], ...]
    postings: tuple[Posting, ...] = ()


class CalendarSet(msgspec.Struct, array_like=True, frozen=True, tag="calendar_set"):
    """A calendar was created or replaced."""

    calendar: str
    body: HolidayCalendar
    postings: tuple[Posting, ...] = ()


Fact = (
    NodeSet
    | ItemSet
    | NodeItemSet
    | ChannelSet
    | SourcingPolicySet
    | CalendarSet
    | ConfigurationBegun
    | ConfigurationEnded
)
