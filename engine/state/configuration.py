"""Master data, as it is kept: everything people set, by id."""

from typing import Any, TypeVar

from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.commands.providers import PaymentProvider

Cache = TypeVar("Cache")
DEFAULT_POLICY = SourcingPolicy(name="built-in default")


class Configuration:
    """Everything people set, by id. `version` counts changes, so that derived tables know when to start anew.

    `policy_seqs` are the records that set each sourcing policy as it is: its version, which decisions name. `price_list_seqs` are all
    records that set a price list: its history.
    """

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.items: dict[str, Item] = {}
        self.node_items: dict[str, dict[str, NodeItem]] = {}
        self.channels: dict[str, Channel] = {}
        self.sourcing_policies: dict[str, SourcingPolicy] = {}
        self.policy_seqs: dict[str, int] = {}
        self.price_lists: dict[str, PriceList] = {}
        self.price_list_seqs: dict[str, list[int]] = {}
        self.tax_rates: dict[str, TaxRates] = {}
        self.promotions: dict[str, Promotion] = {}
        self.vouchers: dict[str, Voucher] = {}
        self.payment_providers: dict[str, PaymentProvider] = {}
        self.shipping_prices: dict[str, ShippingPrices] = {}
        self.promotions_version = 0
        self._caches: dict[type, Any] = {}
        self.version = 0

    def cache(self, kind: type[Cache]) -> Cache:
        """The one cache of a kind. It is told nothing: it looks at the versions, and forgetting it changes no answer."""
        found: Cache | None = self._caches.get(kind)
        if found is None:
            found = self._caches[kind] = kind()
        return found

    def put_promotion(self, promotion_id: str, body: Promotion) -> None:
        """Set a promotion."""
        self.promotions[promotion_id] = body
        self.promotions_version += 1

    def policy_of(self, channel: Channel) -> SourcingPolicy:
        """The policy a channel sources by."""
        return self.sourcing_policies.get(channel.sourcing_policy or "", DEFAULT_POLICY)

    def export(self) -> Configure:
        """The document that would set all of this again."""
        return Configure(
            nodes=dict(self.nodes),
            items=dict(self.items),
            node_items={node: dict(items) for node, items in self.node_items.items()},
            channels=dict(self.channels),
            sourcing_policies=dict(self.sourcing_policies),
            price_lists=dict(self.price_lists),
            tax_rates=dict(self.tax_rates),
            promotions=dict(self.promotions),
            vouchers=dict(self.vouchers),
            payment_providers=dict(self.payment_providers),
            shipping_prices=dict(self.shipping_prices),
        )

    def add(self, document: Configure) -> None:
        """Take over a part of what `export` gives."""
        self.nodes.update(document.nodes)
        self.items.update(document.items)
        self.channels.update(document.channels)
        self.sourcing_policies.update(document.sourcing_policies)
        self.price_lists.update(document.price_lists)
        self.tax_rates.update(document.tax_rates)
        self.vouchers.update(document.vouchers)
        self.payment_providers.update(document.payment_providers)
        self.shipping_prices.update(document.shipping_prices)
        for promotion_id, body in document.promotions.items():
            self.put_promotion(promotion_id, body)
        for node, items in document.node_items.items():
            self.node_items.setdefault(node, {}).update(items)
