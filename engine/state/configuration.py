"""Master data, as it is kept: everything people set, by id."""

from collections.abc import Container, Mapping
from typing import Any, TypeVar

import msgspec

from engine.commands.configuration import Channel, Configure, HolidayCalendar, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.commands.providers import PaymentProvider
from engine.state.parts import Dumped, cut

Cache = TypeVar("Cache")
DEFAULT_POLICY = SourcingPolicy(name="built-in default")

DOCUMENT_PARTS = Configure.__struct_fields__
TERMS_PARTS = ("nodes", "channels", "sourcing_policies", "calendars")  # terms are derived from these

# Which of the records that set a body are its versions and kept. A dump has room for those of VERSIONS_DUMPED.
NONE, LAST, ALL = "none", "last", "all"
VERSIONS_DUMPED = {"sourcing_policies": LAST, "price_lists": ALL}

# Master data is dumped in the order of the document, but these come last; then what stands under a node.
_LAST = ("payment_providers", "channels")
_DUMPED = (*(part for part in DOCUMENT_PARTS if part not in (*_LAST, "node_items")), *_LAST)


class MasterData(msgspec.Struct, array_like=True, tag="master_data"):
    """Some of what people set, in the order in which it was first set."""

    document: Configure


class PolicyVersions(msgspec.Struct, array_like=True, tag="policy_versions"):
    """The records that set each sourcing policy as it is."""

    seqs: dict[str, int]


class PriceListVersions(msgspec.Struct, array_like=True, tag="price_list_versions"):
    """The records that set some price lists, each with all of them."""

    seqs: dict[str, list[int]]


class ReplacedPolicies(msgspec.Struct, array_like=True, tag="replaced_policies"):
    """Sourcing policies as they were when orders that are still open were placed, by name and the record that set
    them."""

    bodies: dict[str, dict[int, SourcingPolicy]]


class Announced(msgspec.Struct, array_like=True, tag="announced_configuration"):
    """The large configuration that is being applied: what was announced at `since_ns`, and how many entries of each
    part were changed so far."""

    sha256: str
    entries: int
    asked_by: str
    key: bytes | None
    payload: bytes | None
    since_ns: int
    changed: dict[str, int] = {}

    def count(self, part: str) -> None:
        """One more entry was changed."""
        self.changed[part] = self.changed.get(part, 0) + 1


class Configuration:
    """Everything people set, by id. `version` counts changes, so that derived tables know when to start anew.

    `seqs` are the records that set a body, by part and id: its versions, which decisions name, as far as its kind keeps
    them. `replaced_policies` are earlier versions of policies, for orders that were placed under them.
    """

    PARTS = MasterData, PolicyVersions, PriceListVersions, ReplacedPolicies, Announced

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.items: dict[str, Item] = {}
        self.node_items: dict[str, dict[str, NodeItem]] = {}
        self.channels: dict[str, Channel] = {}
        self.sourcing_policies: dict[str, SourcingPolicy] = {}
        self.price_lists: dict[str, PriceList] = {}
        self.tax_rates: dict[str, TaxRates] = {}
        self.promotions: dict[str, Promotion] = {}
        self.vouchers: dict[str, Voucher] = {}
        self.payment_providers: dict[str, PaymentProvider] = {}
        self.shipping_prices: dict[str, ShippingPrices] = {}
        self.announced: Announced | None = None
        self.calendars: dict[str, HolidayCalendar] = {}
        self.seqs: dict[str, dict[str, list[int]]] = {part: {} for part in DOCUMENT_PARTS}
        self.replaced_policies: dict[str, dict[int, SourcingPolicy]] = {}
        self.promotions_version = 0
        self._caches: dict[type, Any] = {}
        self.version = 0

    def cache(self, kind: type[Cache]) -> Cache:
        """The one cache of a kind. It is told nothing: it looks at versions, and forgetting it changes no answer."""
        found: Cache | None = self._caches.get(kind)
        if found is None:
            found = self._caches[kind] = kind()
        return found

    def bodies(self, part: str, *above: str) -> Mapping[str, Any]:
        """The bodies that stand beside each other: all of a part, or those under one id of it."""
        found: Mapping[str, Any] = getattr(self, part)
        for key in above:
            found = found.get(key, {})
        return found

    def put(self, part: str, body: Any, *keys: str) -> None:
        """Set one body."""
        *above, last = keys
        bodies = getattr(self, part)
        for key in above:
            bodies = bodies.setdefault(key, {})
        bodies[last] = body
        self.version += part in TERMS_PARTS
        self.promotions_version += part == "promotions"

    def note_version(self, part: str, name: str, seq: int, kept: str) -> None:
        """Record `seq` set a body; `kept` says whether this is its only version from now on, or one more."""
        assert kept in (LAST, ALL)
        seqs = self.seqs[part].setdefault(name, [])
        if kept == LAST:
            seqs.clear()
        seqs.append(seq)

    def policy_of(self, channel: Channel) -> SourcingPolicy:
        """The policy a channel sources by."""
        return self.sourcing_policies.get(channel.sourcing_policy or "", DEFAULT_POLICY)

    def version_of_policy(self, name: str | None) -> int:
        """The record that set a policy as it is; 0 for the built-in default."""
        return 0 if name is None else self.seqs["sourcing_policies"][name][-1]

    def policy_placed_under(self, name: str | None, version: int) -> SourcingPolicy | None:
        """A policy as record `version` set it; None if that is not kept."""
        if name is None:
            return DEFAULT_POLICY
        if name in self.sourcing_policies and self.version_of_policy(name) == version:
            return self.sourcing_policies[name]
        return self.replaced_policies.get(name, {}).get(version)

    def keep_replaced_policy(self, name: str, used: Container[int | None]) -> None:
        """Before a policy gets another body: keep those versions of it that are `used`."""
        kept = self.replaced_policies.pop(name, {})
        if name in self.sourcing_policies:
            kept[self.version_of_policy(name)] = self.sourcing_policies[name]
        kept = {version: body for version, body in kept.items() if version in used}
        if kept:
            self.replaced_policies[name] = kept

    def export(self) -> Configure:
        """The document that would set all of this again."""
        parts = {part: dict(getattr(self, part)) for part in DOCUMENT_PARTS}
        return Configure(**{**parts, "node_items": {node: dict(items) for node, items in self.node_items.items()}})

    def dump(self) -> Dumped:
        """All of it, and the versions."""
        for part in _DUMPED:
            for some in cut(getattr(self, part)):
                yield MasterData(Configure(**{part: some}))
        for node in list(self.node_items):
            for some in cut(self.node_items[node]):
                yield MasterData(Configure(node_items={node: some}))
        yield PolicyVersions({name: seqs[-1] for name, seqs in self.seqs["sourcing_policies"].items()})
        for some in cut(self.seqs["price_lists"]):
            yield PriceListVersions({name: list(seqs) for name, seqs in some.items()})
        for name in list(self.replaced_policies):
            yield ReplacedPolicies({name: dict(self.replaced_policies.get(name, {}))})
        if self.announced is not None:
            yield self.announced

    def load(self, part: MasterData | PolicyVersions | PriceListVersions | ReplacedPolicies | Announced) -> None:
        """Take back a part."""
        match part:
            case MasterData():
                self.add(part.document)
            case PolicyVersions():
                self.seqs["sourcing_policies"].update({name: [seq] for name, seq in part.seqs.items()})
            case PriceListVersions():
                self.seqs["price_lists"].update(part.seqs)
            case ReplacedPolicies():
                self.replaced_policies.update(part.bodies)
            case Announced():
                self.announced = part

    def add(self, document: Configure) -> None:
        """Take over a part of what `export` gives."""
        for part in DOCUMENT_PARTS:
            if part != "node_items":
                getattr(self, part).update(getattr(document, part))
        for node, items in document.node_items.items():
            self.node_items.setdefault(node, {}).update(items)
        self.version += 1
        self.promotions_version += 1


assert Configuration().__dict__.keys() >= set(DOCUMENT_PARTS), "a part of the document has no place in the state"
