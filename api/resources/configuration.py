"""Master data over HTTP: nodes, items, what is special about an item at a node, channels, sourcing policies."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

import msgspec

from api.answers.problems import malformed
from api.http.listing import path_country, path_id, path_sku, position_of
from api.http.operations import Call, Changing, Handled, Handler, Operation, PageQuery, Reader, Reading
from engine import limits
from engine.commands.configuration import Channel, Configure, Item, Node, NodeItem
from engine.commands.policies import SourcingPolicy
from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.commands.providers import PaymentProvider
from engine.facts import Fact
from engine.facts.configuration import ChannelSet, ItemSet, NodeItemSet, NodeSet, SourcingPolicySet
from engine.facts.pricing import PriceListSet, PromotionSet, ShippingPricesSet, TaxRatesSet, VoucherSet
from engine.facts.providers import PaymentProviderSet
from engine.results import Rejection, ResultCode
from engine.state.state import State

TAG = "Configuration"


class NodeResource(Node, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """A node with its id."""

    id: str


class ItemResource(Item, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """An item with its SKU."""

    sku: str


class NodeItemResource(NodeItem, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """What is special about one SKU at one node."""

    node: str
    sku: str


class ChannelResource(Channel, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """A channel with its id."""

    id: str


class SourcingPolicyResource(
    SourcingPolicy, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False
):
    """A sourcing policy with its id."""

    id: str


class PriceListResource(PriceList, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """A price list with its id."""

    id: str


class TaxRatesResource(TaxRates, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """The tax rates of a country."""

    country: str


class PromotionResource(Promotion, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """A promotion with its id."""

    id: str


class VoucherResource(Voucher, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False):
    """A voucher with its code."""

    code: str


class NodePage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[NodeResource]
    next_cursor: str | None


class ItemPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[ItemResource]
    next_cursor: str | None


class NodeItemPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[NodeItemResource]
    next_cursor: str | None


class ChannelPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[ChannelResource]
    next_cursor: str | None


class SourcingPolicyPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[SourcingPolicyResource]
    next_cursor: str | None


class PriceListPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[PriceListResource]
    next_cursor: str | None


class TaxRatesPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[TaxRatesResource]
    next_cursor: str | None


class PromotionPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[PromotionResource]
    next_cursor: str | None


class VoucherPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[VoucherResource]
    next_cursor: str | None


class ShippingPricesResource(
    ShippingPrices, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False
):
    """A table of shipping prices with its id."""

    id: str


class ShippingPricesPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[ShippingPricesResource]
    next_cursor: str | None


class PaymentProviderResource(
    PaymentProvider, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=False
):
    """A payment provider with its id."""

    id: str


class PaymentProviderPage(msgspec.Struct):
    """In the order in which they were created."""

    items: list[PaymentProviderResource]
    next_cursor: str | None


class ConfigurationAnswer(msgspec.Struct):
    """How many of each were created or changed; what was already as asked is not counted."""

    seq: int
    nodes: int
    items: int
    node_items: int
    channels: int
    sourcing_policies: int
    price_lists: int
    tax_rates: int
    promotions: int
    vouchers: int
    payment_providers: int
    shipping_prices: int


class Kind(msgspec.Struct, frozen=True):
    """One kind of master data: where it lives in the document, and how it is read from there.

    `keys(call)` gives the ids in the path, checked; `bodies(state, keys)` the bodies that stand beside each other there.
    """

    part: str
    resource: Any
    page: Any
    missing: str
    keys: Callable[[Call], tuple[str, ...] | Rejection]
    document: Callable[[tuple[str, ...], Any], Configure]
    bodies: Callable[[State, tuple[str, ...]], Mapping[str, Any]]
    names: tuple[str, ...] = ("id",)

    def answer(self, keys: tuple[str, ...], body: Any) -> Any:
        """A body with its ids."""
        return self.resource(**msgspec.structs.asdict(body), **dict(zip(self.names, keys, strict=True)))


def _one(name: str, check: Callable[[str], str | Rejection]) -> Callable[[Call], tuple[str, ...] | Rejection]:
    def keys(call: Call) -> tuple[str, ...] | Rejection:
        key = check(call.path[name])
        return key if isinstance(key, Rejection) else (key,)

    return keys


def _node_and_sku(call: Call) -> tuple[str, ...] | Rejection:
    node = path_id(call.path["node"], "node")
    sku = path_sku(call.path["sku"])
    if isinstance(node, Rejection):
        return node
    return sku if isinstance(sku, Rejection) else (node, sku)


def _simple(part: str, path_name: str, resource: Any, page: Any, missing: str, *names: str) -> Kind:
    """A kind that stands directly under its id in the document."""
    checks: dict[str, Callable[[str], str | Rejection]] = {"sku": path_sku, "country": path_country}
    check = checks.get(path_name, lambda value: path_id(value, path_name))
    return Kind(
        part,
        resource,
        page,
        missing,
        _one(path_name, check),
        lambda keys, body: Configure(**{part: {keys[0]: body}}),
        lambda state, keys: getattr(state.configuration, part),
        names or ("id",),
    )


NODES = _simple("nodes", "node", NodeResource, NodePage, "there is no such node")
ITEMS = _simple("items", "sku", ItemResource, ItemPage, "there is no such SKU", "sku")
CHANNELS = _simple("channels", "channel", ChannelResource, ChannelPage, "there is no such channel")
POLICIES = _simple(
    "sourcing_policies", "policy", SourcingPolicyResource, SourcingPolicyPage, "there is no such sourcing policy"
)
PRICE_LISTS = _simple("price_lists", "price_list", PriceListResource, PriceListPage, "there is no such price list")
TAX_RATES = _simple(
    "tax_rates", "country", TaxRatesResource, TaxRatesPage, "no tax rates are set for this country", "country"
)
PROMOTIONS = _simple("promotions", "promotion", PromotionResource, PromotionPage, "there is no such promotion")
VOUCHERS = _simple("vouchers", "voucher", VoucherResource, VoucherPage, "there is no such voucher", "code")
SHIPPING_PRICES = _simple(
    "shipping_prices", "table", ShippingPricesResource, ShippingPricesPage, "there are no such shipping prices"
)
PROVIDERS = _simple(
    "payment_providers", "provider", PaymentProviderResource, PaymentProviderPage, "there is no such payment provider"
)
NODE_ITEMS = Kind(
    "node_items",
    NodeItemResource,
    NodeItemPage,
    "nothing special is set for this SKU at this node",
    _node_and_sku,
    lambda keys, body: Configure(node_items={keys[0]: {keys[1]: body}}),
    lambda state, keys: state.configuration.node_items.get(keys[0], {}),
    ("node", "sku"),
)


def _reader(kind: Kind) -> Reader:
    def resource(call: Call) -> Callable[[State, int], Any]:
        keys = kind.keys(call)

        def read(state: State, now_ns: int) -> Any:
            if isinstance(keys, Rejection):
                return keys
            body = kind.bodies(state, keys).get(keys[-1])
            return Rejection(ResultCode.NOT_FOUND, kind.missing) if body is None else kind.answer(keys, body)

        return read

    return resource


def _putting(kind: Kind) -> Handler:
    def put(call: Call) -> Handled:
        keys = kind.keys(call)
        if isinstance(keys, Rejection):
            return keys

        def render(state: State, seq: int, facts: tuple[Fact, ...]) -> Any:
            return kind.answer(keys, kind.bodies(state, keys)[keys[-1]])

        # Ids and SKUs hold no `/`; in a JSON pointer a `~` reads `~0`.
        within = "/".join(("", kind.part, *(key.replace("~", "~0") for key in keys)))
        return Changing(kind.document(keys, call.body), render, within=within)

    return put


def _getting(kind: Kind) -> Handler:
    return lambda call: Reading(_reader(kind)(call))


def _listing(kind: Kind) -> Handler:
    def list_(call: Call) -> Handled:
        start = position_of(call.query.cursor)
        if isinstance(start, Rejection):
            return start
        first, above = start or 0, (call.path["node"],) if kind is NODE_ITEMS else ()

        def read(state: State, now_ns: int) -> Any:
            if above and above[0] not in state.configuration.nodes:
                return Rejection(ResultCode.NOT_FOUND, "there is no such node")
            bodies = kind.bodies(state, above)
            end = first + call.query.limit
            items = [kind.answer((*above, key), body) for key, body in islice(bodies.items(), first, end)]
            return kind.page(items, str(end) if end < len(bodies) else None)

        return Reading(read)

    return list_


def configure(call: Call) -> Handled:
    """Set any number of things, all or nothing."""
    document: Configure = call.body
    entries = sum(len(getattr(document, part)) for part in PARTS)
    entries += sum(len(each.prices) for each in document.price_lists.values())
    entries += sum(len(items) for items in document.node_items.values())
    if entries > limits.CONFIGURATION_ENTRIES_MAX:
        return malformed(f"a document has at most {limits.CONFIGURATION_ENTRIES_MAX} entries, this one {entries}")
    return Changing(document, _render_configured)


def _render_configured(state: State, seq: int, facts: tuple[Fact, ...]) -> ConfigurationAnswer:
    def count(kind: type) -> int:
        return sum(isinstance(fact, kind) for fact in facts)

    return ConfigurationAnswer(
        seq=seq,
        nodes=count(NodeSet),
        items=count(ItemSet),
        node_items=count(NodeItemSet),
        channels=count(ChannelSet),
        sourcing_policies=count(SourcingPolicySet),
        price_lists=count(PriceListSet),
        tax_rates=count(TaxRatesSet),
        promotions=count(PromotionSet),
        vouchers=count(VoucherSet),
        payment_providers=count(PaymentProviderSet),
        shipping_prices=count(ShippingPricesSet),
    )


def _export(call: Call) -> Callable[[State, int], Any]:
    return lambda state, now_ns: state.configuration.export()


def export(call: Call) -> Handled:
    """Everything, as the document that would set it again."""
    return Reading(_export(call))


def _three(
    kind: Kind, path: str, one: str, many: str, name: str, body: Any, example: Any, *codes: ResultCode
) -> list[Operation]:
    """PUT, GET, and GET on the collection."""
    collection = path.rpartition("/")[0]
    return [
        Operation(
            id=f"put{one}", method="PUT", path=path, tag=TAG, handle=_putting(kind), resource=_reader(kind),
            summary=f"Create or replace {name}", body=body, answer=kind.resource, codes=codes, example=example,
        ),
        Operation(
            id=f"get{one}", method="GET", path=path, tag=TAG, handle=_getting(kind), resource=_reader(kind),
            summary=f"Read {name}", answer=kind.resource, codes=(ResultCode.NOT_FOUND,),
        ),
        Operation(
            id=f"list{many}", method="GET", path=collection, tag=TAG, handle=_listing(kind), query=PageQuery,
            summary="List them, in the order of creation", answer=kind.page,
            codes=(ResultCode.NOT_FOUND,) if kind is NODE_ITEMS else (),
        ),
    ]  # fmt: skip


PARTS = (
    "nodes", "items", "channels", "sourcing_policies", "price_lists", "tax_rates", "promotions", "vouchers",
    "payment_providers", "shipping_prices",
)  # fmt: skip
NODE = {
    "name": "Leipzig warehouse",
    "kind": "warehouse",
    "country": "DE",
    "latitude": 51.34,
    "longitude": 12.37,
    "postal_code": "04109",
    "time_zone": "Europe/Berlin",
    "cut_off": "16:00",
}
ITEM = {"name": "White hanging heart T-light holder", "weight_grams": 210, "backorderable": False}
CHANNEL = {"name": "Web shop Germany", "kind": "web", "country": "DE", "currency": "EUR", "nodes": ["leipzig"]}
POLICY = {"name": "Cheapest", "parcel_cost_minor": 400, "cost_per_100_km_minor": 20}
PRICE_LIST = {
    "currency": "EUR",
    "tax_included": True,
    "channels": ["web-de"],
    "prices": {"85123A": [{"unit_price_minor": 295}, {"from_quantity": 12, "unit_price_minor": 255}]},
}
RATES = {"classes": {"standard": [{"rate": "0.19"}], "reduced": [{"rate": "0.07"}]}}
PROMOTION = {
    "name": "Ten per cent off kitchen things from 50 EUR",
    "when": {"item_groups": ["kitchen"], "min_goods_minor": 5000},
    "gives": {"percent": "10", "on": "items"},
}

OPERATIONS = [
    *_three(NODES, "/v1/nodes/{node}", "NodeById", "Nodes", "a node", Node, NODE),
    *_three(ITEMS, "/v1/items/{sku}", "Item", "Items", "an item", Item, ITEM),
    *_three(
        NODE_ITEMS, "/v1/nodes/{node}/items/{sku}", "NodeItem", "NodeItems", "what is special about a SKU at a node",
        NodeItem, {"safety_stock": 2}, ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU,
    ),
    *_three(
        CHANNELS, "/v1/channels/{channel}", "Channel", "Channels", "a channel", Channel, CHANNEL,
        ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SOURCING_POLICY,
    ),
    *_three(
        POLICIES, "/v1/sourcing-policies/{policy}", "SourcingPolicy", "SourcingPolicies", "a sourcing policy",
        SourcingPolicy, POLICY,
    ),
    *_three(
        PRICE_LISTS, "/v1/price-lists/{price_list}", "PriceList", "PriceLists", "a price list", PriceList, PRICE_LIST,
    ),
    *_three(
        TAX_RATES, "/v1/tax-rates/{country}", "TaxRates", "AllTaxRates", "the tax rates of a country", TaxRates, RATES,
    ),
    *_three(
        PROMOTIONS, "/v1/promotions/{promotion}", "Promotion", "Promotions", "a promotion", Promotion, PROMOTION,
    ),
    *_three(
        VOUCHERS, "/v1/vouchers/{voucher}", "Voucher", "Vouchers", "a voucher", Voucher,
        {"kind": "value", "balance_minor": 5000, "currency": "EUR"}, ResultCode.UNKNOWN_PROMOTION,
    ),
    *_three(
        SHIPPING_PRICES, "/v1/shipping-prices/{table}", "ShippingPrices", "AllShippingPrices",
        "what sending costs where the order does not say", ShippingPrices,
        {"currency": "EUR", "prices": [{"price_minor": 490}, {"from_goods_minor": 5000, "price_minor": 0}]},
    ),
    *_three(
        PROVIDERS, "/v1/payment-providers/{provider}", "PaymentProvider", "PaymentProviders", "a payment provider",
        PaymentProvider, {"url": "https://pay.example.org/kontor", "methods": ["card"]}, ResultCode.IN_USE,
    ),
    Operation(
        id="postConfiguration", method="POST", path="/v1/configuration", tag=TAG, handle=configure,
        summary="Create or replace any of it, all or nothing", body=Configure, answer=ConfigurationAnswer,
        codes=(
            ResultCode.UNKNOWN_NODE, ResultCode.UNKNOWN_SKU, ResultCode.UNKNOWN_SOURCING_POLICY,
            ResultCode.UNKNOWN_PROMOTION, ResultCode.IN_USE,
        ),
        example={"nodes": {"leipzig": NODE}, "items": {"85123A": ITEM}, "channels": {"web-de": CHANNEL}},
    ),
    Operation(
        id="getConfiguration", method="GET", path="/v1/configuration", tag=TAG, handle=export, resource=_export,
        summary="All master data, as the document that would set it again", answer=Configure,
    ),
]  # fmt: skip
