"""Master data: nodes, items, channels, sourcing policies. Set whole, read by everybody."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from engine.calendars import day_of_date
from engine.calendars import problems_of as problems_of_node
from engine.commands.configuration import Configure
from engine.facts import Fact
from engine.facts.configuration import ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.pricing import PriceListSet, PromotionSet, ShippingPricesSet, TaxRatesSet, VoucherSet
from engine.facts.providers import PaymentProviderSet
from engine.pricing.checking import (
    problems_of_price_list,
    problems_of_promotion,
    problems_of_shipping_prices,
    problems_of_tax_rates,
    problems_of_voucher,
)
from engine.results import FieldError, Rejection, ResultCode
from engine.state.configuration import Configuration
from engine.state.state import State
from engine.supply.policies import FUNCTIONS, problems_of

Body = TypeVar("Body")


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
