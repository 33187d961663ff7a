"""Master data: nodes, items, channels, sourcing policies. Set whole, read by everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from engine.calendars import day_of_date
from engine.calendars import problems_of as problems_of_node
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.commands.providers import PaymentProvider
from engine.facts import (
    ChannelSet,
    Fact,
    ItemSet,
    NodeItemSet,
    NodeSet,
    PaymentProviderSet,
    PriceListSet,
    PromotionSet,
    ShippingPricesSet,
    SourcingPolicySet,
    TaxRatesSet,
    VoucherSet,
)
from engine.policies import FUNCTIONS, problems_of
from engine.pricing.catalogue import Catalogue
from engine.pricing.checking import (
    problems_of_price_list,
    problems_of_promotion,
    problems_of_shipping_prices,
    problems_of_tax_rates,
    problems_of_voucher,
)
from engine.results import FieldError, Rejection, ResultCode

if TYPE_CHECKING:
    from engine.state import State

Body = TypeVar("Body")
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
        self._catalogue: Catalogue | None = None
        self.version = 0

    @property
    def catalogue(self) -> Catalogue:
        """All promotions, made ready for quotes."""
        if self._catalogue is None:
            self._catalogue = Catalogue(self.promotions)
        return self._catalogue

    def put_promotion(self, promotion_id: str, body: Promotion) -> None:
        """Set a promotion."""
        self.promotions[promotion_id] = body
        self._catalogue = None

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


class HasSku(Protocol):
    """A line of a command that names a SKU."""

    @property
    def sku(self) -> str: ...


def refuse_unknown_skus(state: State, lines: Sequence[HasSku], within: str = "/lines") -> Rejection | None:
    """The refusal of lines whose SKUs nobody has set, all of them pointed at; None if all are known."""
    items = state.configuration.items
    errors = tuple(
        [
            FieldError(f"{within}/{at}/sku", f"there is no SKU {line.sku!r}")
            for at, line in enumerate(lines)
            if line.sku not in items
        ]
    )
    return Rejection(ResultCode.UNKNOWN_SKU, errors[0].detail, errors) if errors else None


def refuse_named_twice(lines: Sequence[HasSku]) -> Rejection | None:
    """The refusal of a request that names a SKU twice, pointing at the second line; None if it does not."""
    seen: dict[str, None] = {}
    for at, line in enumerate(lines):
        if line.sku in seen:
            return Rejection.at(ResultCode.MALFORMED_REQUEST, f"/lines/{at}/sku", f"SKU {line.sku!r} is named twice")
        seen[line.sku] = None
    return None


def decide_configure(state: State, command: Configure, now_ns: int) -> tuple[Fact, ...] | Rejection:
    """Set all of the document or none. What is already as asked gives no fact, so a repeated PUT writes nothing."""
    refusal = _malformed(command) or _first_dangling_reference(state.configuration, command)
    if refusal is not None:
        return refusal
    known = state.configuration
    facts: list[Fact] = []
    facts += [NodeSet(i, body) for i, body in command.nodes.items() if known.nodes.get(i) != body]
    facts += [ItemSet(i, body) for i, body in command.items.items() if known.items.get(i) != body]
    facts += [
        SourcingPolicySet(i, body)
        for i, body in command.sourcing_policies.items()
        if known.sourcing_policies.get(i) != body
    ]
    facts += [ChannelSet(i, body) for i, body in command.channels.items() if known.channels.get(i) != body]
    for node, items in command.node_items.items():
        present = known.node_items.get(node, {})
        facts += [NodeItemSet(node, sku, body) for sku, body in items.items() if present.get(sku) != body]
    facts += [PriceListSet(i, body) for i, body in command.price_lists.items() if known.price_lists.get(i) != body]
    facts += [TaxRatesSet(i, body) for i, body in command.tax_rates.items() if known.tax_rates.get(i) != body]
    providers = known.payment_providers
    facts += [PaymentProviderSet(i, body) for i, body in command.payment_providers.items() if providers.get(i) != body]
    tables = known.shipping_prices
    facts += [ShippingPricesSet(i, body) for i, body in command.shipping_prices.items() if tables.get(i) != body]
    facts += [VoucherSet(i, body) for i, body in command.vouchers.items() if known.vouchers.get(i) != body]
    facts += [PromotionSet(i, body) for i, body in command.promotions.items() if known.promotions.get(i) != body]
    return tuple(facts)


def _malformed(document: Configure) -> Rejection | None:
    """Everything that could not be worked with, pointed at: calendars of nodes, dates of stock, rules of policies."""
    errors = [
        FieldError(f"/nodes/{_escape(name)}{inner}", detail)
        for name, node in document.nodes.items()
        for inner, detail in problems_of_node(node)
    ]
    errors += [
        FieldError(
            f"/node_items/{_escape(node)}/{_escape(sku)}/stocked_since", f"there is no date {body.stocked_since}"
        )
        for node, items in document.node_items.items()
        for sku, body in items.items()
        if body.stocked_since is not None and day_of_date(body.stocked_since) is None
    ]
    errors += [
        FieldError(f"/sourcing_policies/{_escape(name)}{inner}", detail)
        for name, policy in document.sourcing_policies.items()
        for inner, detail in problems_of(policy, tuple(FUNCTIONS))
    ]
    errors += _problems("price_lists", document.price_lists, problems_of_price_list)
    errors += _problems("tax_rates", document.tax_rates, problems_of_tax_rates)
    errors += _problems("promotions", document.promotions, problems_of_promotion)
    errors += _problems("shipping_prices", document.shipping_prices, problems_of_shipping_prices)
    errors += _problems("vouchers", document.vouchers, problems_of_voucher)
    return Rejection(ResultCode.MALFORMED_REQUEST, errors[0].detail, tuple(errors)) if errors else None


def _problems(
    part: str, bodies: Mapping[str, Body], problems_of_one: Callable[[Body], Iterable[tuple[str, str]]]
) -> list[FieldError]:
    return [
        FieldError(f"/{part}/{_escape(name)}{inner}", detail)
        for name, body in bodies.items()
        for inner, detail in problems_of_one(body)
    ]


def _first_dangling_reference(known: Configuration, document: Configure) -> Rejection | None:
    for channel_id, channel in document.channels.items():
        for position, node in enumerate(channel.nodes or ()):
            if node not in known.nodes and node not in document.nodes:
                pointer = f"/channels/{_escape(channel_id)}/nodes/{position}"
                return Rejection.at(ResultCode.UNKNOWN_NODE, pointer, f"there is no node {node!r}")
        policy = channel.sourcing_policy
        if policy and policy not in known.sourcing_policies and policy not in document.sourcing_policies:
            pointer = f"/channels/{_escape(channel_id)}/sourcing_policy"
            return Rejection.at(ResultCode.UNKNOWN_SOURCING_POLICY, pointer, f"there is no sourcing policy {policy!r}")
    for code, voucher in document.vouchers.items():
        promotion = voucher.promotion
        if promotion and promotion not in known.promotions and promotion not in document.promotions:
            pointer = f"/vouchers/{_escape(code)}/promotion"
            return Rejection.at(ResultCode.UNKNOWN_PROMOTION, pointer, f"there is no promotion {promotion!r}")
    providers = {**known.payment_providers, **document.payment_providers}
    for name, provider in document.payment_providers.items():
        others = {method: other for other, body in providers.items() if other != name for method in body.methods}
        taken = next((at for at, method in enumerate(provider.methods) if method in others), None)
        if taken is not None:
            pointer, method = f"/payment_providers/{_escape(name)}/methods/{taken}", provider.methods[taken]
            return Rejection.at(ResultCode.IN_USE, pointer, f"{others[method]!r} moves the money of {method!r}")
    for node, items in document.node_items.items():
        pointer = f"/node_items/{_escape(node)}"
        if node not in known.nodes and node not in document.nodes:
            return Rejection.at(ResultCode.UNKNOWN_NODE, pointer, f"there is no node {node!r}")
        for sku in items:
            if sku not in known.items and sku not in document.items:
                pointer = f"{pointer}/{_escape(sku)}"
                return Rejection.at(ResultCode.UNKNOWN_SKU, pointer, f"there is no SKU {sku!r}")
    return None


def _escape(token: str) -> str:
    """One token of a JSON pointer (RFC 6901)."""
    return token.replace("~", "~0").replace("/", "~1")


def evolve_node_set(state: State, fact: NodeSet) -> None:
    """Write down a node; a new one gets its position in the ledger."""
    state.ledger.open_node(fact.node)
    state.stock.grow()
    state.configuration.nodes[fact.node] = fact.body
    state.configuration.version += 1


def evolve_item_set(state: State, fact: ItemSet) -> None:
    """Write down an item; a new one gets its position in the ledger."""
    state.ledger.open_sku(fact.sku)
    state.stock.grow()
    state.configuration.items[fact.sku] = fact.body
    # Terms depend on nodes, channels and policies, not on items: the version stays.


def evolve_node_item_set(state: State, fact: NodeItemSet) -> None:
    """Write down safety stock and whether the SKU may be sold from the node."""
    state.configuration.node_items.setdefault(fact.node, {})[fact.sku] = fact.body
    state.stock.withhold(fact.sku, fact.node, fact.body)


def evolve_channel_set(state: State, fact: ChannelSet) -> None:
    """Write down a channel."""
    state.configuration.channels[fact.channel] = fact.body
    state.configuration.version += 1


def evolve_sourcing_policy_set(state: State, fact: SourcingPolicySet) -> None:
    """Write down a sourcing policy."""
    state.configuration.sourcing_policies[fact.policy] = fact.body
    state.configuration.policy_seqs[fact.policy] = state.seq
    state.configuration.version += 1


def evolve_price_list_set(state: State, fact: PriceListSet) -> None:
    """Write down a price list, and where in the journal it is."""
    state.configuration.price_lists[fact.price_list] = fact.body
    state.configuration.price_list_seqs.setdefault(fact.price_list, []).append(state.seq)


def evolve_tax_rates_set(state: State, fact: TaxRatesSet) -> None:
    """Write down the rates of a country."""
    state.configuration.tax_rates[fact.country] = fact.body


def evolve_promotion_set(state: State, fact: PromotionSet) -> None:
    """Write down a promotion."""
    state.configuration.put_promotion(fact.promotion, fact.body)


def evolve_shipping_prices_set(state: State, fact: ShippingPricesSet) -> None:
    """Write down what sending costs."""
    state.configuration.shipping_prices[fact.table] = fact.body


def evolve_voucher_set(state: State, fact: VoucherSet) -> None:
    """Write down a voucher."""
    state.configuration.vouchers[fact.voucher] = fact.body
