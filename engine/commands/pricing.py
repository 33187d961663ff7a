"""Prices, taxes and promotions as people write them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.fields import Country, Currency, Date, Id, Minor, Name, Quantity, Sku

RATE_REGEX = r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$(?!\n)"
PERCENT_REGEX = r"^([0-9]{1,2}(\.[0-9]{1,4})?|100(\.0{1,4})?)$(?!\n)"
MOMENT_REGEX = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z)?$(?!\n)"
COMBINES_REGEX = r"^(exclusive|stack|best_of:[A-Za-z0-9._:\-]{1,64})$(?!\n)"

Rate = Annotated[str, Meta(pattern=RATE_REGEX, description="a fraction from 0 to 1, such as 0.19")]
Percent = Annotated[str, Meta(pattern=PERCENT_REGEX, description="from 0 to 100, such as 7.5")]
Moment = Annotated[str, Meta(pattern=MOMENT_REGEX, description="a time in UTC, or a date: the whole day in UTC")]
# UNTDID 5305 as used by EN 16931 (BT-151): S standard, Z zero rated, E exempt, AE reverse charge, K within the
# European Union, G export, O outside the scope of tax.
TaxCategory = Literal["S", "Z", "E", "AE", "K", "G", "O"]
Treatment = Literal["domestic", "reverse_charge", "intra_community", "export", "exempt"]


class PriceStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The price of a unit for whoever buys at least `from_quantity` of them."""

    unit_price_minor: Minor
    from_quantity: Quantity = 1


PriceSteps = Annotated[tuple[PriceStep, ...], Meta(min_length=1, max_length=limits.PRICE_STEPS_MAX)]


class PriceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Prices of some SKUs for those to whom all conditions apply. Where several lists have a price the highest `priority` counts."""

    currency: Currency
    prices: dict[Sku, PriceSteps]
    tax_included: bool = True
    name: Name | None = None
    channels: tuple[Id, ...] | None = None
    countries: tuple[Country, ...] | None = None
    customer_groups: tuple[Id, ...] | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0


class ShippingStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What sending costs for goods of at least `from_goods_minor`, before promotions."""

    price_minor: Minor
    from_goods_minor: Minor = 0


class ShippingPrices(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What sending costs those to whom all conditions apply, where the order does not say. Where several do the highest `priority` counts."""

    currency: Currency
    prices: Annotated[tuple[ShippingStep, ...], Meta(min_length=1, max_length=limits.PRICE_STEPS_MAX)]
    tax_included: bool = True
    name: Name | None = None
    channels: tuple[Id, ...] | None = None
    countries: tuple[Country, ...] | None = None
    customer_groups: tuple[Id, ...] | None = None
    deliveries: tuple[Literal["ship", "pickup", "reserve_in_store"], ...] | None = None
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0


class DatedRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rate that holds from the beginning of a day in UTC. `category` is its EN 16931 code; S, or Z for a rate of 0."""

    rate: Rate
    since: Date = msgspec.field(name="from", default="0001-01-01")
    category: TaxCategory | None = None


class TaxRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rates of a country by tax class. Items without a class are of class `standard`; shipping is of class `shipping` if there is one."""

    classes: dict[Id, Annotated[tuple[DatedRate, ...], Meta(min_length=1, max_length=100)]]


class PromotionConditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All that is given must hold; nothing given always holds. `items` and `item_groups` say what counts: either is enough.

    `min_goods_minor` and `min_quantity` are of what counts. With `voucher` it needs a voucher for it.
    """

    channels: tuple[Id, ...] | None = None
    countries: tuple[Country, ...] | None = None
    since: Moment | None = msgspec.field(name="from", default=None)
    until: Moment | None = msgspec.field(name="to", default=None)
    min_goods_minor: Minor | None = None
    min_quantity: Quantity | None = None
    items: tuple[Sku, ...] | None = None
    item_groups: tuple[Id, ...] | None = None
    customer_groups: tuple[Id, ...] | None = None
    first_order: bool = False
    voucher: bool = False


class BuyXGetY(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of every `buy` + `get` units the `get` cheapest cost `percent` less."""

    buy: Annotated[int, Meta(ge=1, le=1_000)]
    get: Annotated[int, Meta(ge=1, le=1_000)]
    percent: Percent = "100"


class BundleItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Units of a SKU in a bundle."""

    sku: Sku
    quantity: Annotated[int, Meta(ge=1, le=1_000)] = 1


class BundlePrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """These together cost `price` minor units. A SKU that is named twice counts twice."""

    items: Annotated[tuple[Sku | BundleItem, ...], Meta(min_length=1, max_length=50)]
    price: Minor


class Gives(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One effect. `on`: `order` (the whole, then spread), `items` (every line that counts), `cheapest` (units that count, one
    unless `max_units` says more), `shipping`.

    `amount` and `fixed_price` are minor units. It never gives more than `max_minor`, nor on more than `max_units` units.
    """

    percent: Percent | None = None
    amount: Minor | None = None
    amount_per_item: Minor | None = None
    fixed_price: Minor | None = None
    buy_x_get_y: BuyXGetY | None = None
    bundle_price: BundlePrice | None = None
    free_shipping: Literal[True] | None = None
    free_item: Sku | None = None
    on: Literal["order", "items", "cheapest", "shipping"] | None = None
    max_minor: Minor | None = None
    max_units: Quantity | None = None


class Voucher(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A code that a customer hands in. `promotion`: one is needed for that promotion, and `uses_max` orders may use it (None: any
    number). `value`: a means of payment of `balance_minor` when it was given out; what was paid with it and not refunded is off.
    """

    kind: Literal["promotion", "value"]
    promotion: Id | None = None
    uses_max: Annotated[int, Meta(ge=0, le=limits.QUANTITY_MAX)] | None = None
    balance_minor: Minor | None = None
    currency: Currency | None = None


class PromotionLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many orders may use it, how many of one customer, and what it may cost in all."""

    uses: Annotated[int, Meta(ge=0, le=limits.QUANTITY_MAX)] | None = None
    uses_per_customer: Annotated[int, Meta(ge=0, le=limits.QUANTITY_MAX)] | None = None
    budget_minor: Minor | None = None


class Promotion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Under which conditions what is taken off. `combines`: `exclusive` alone; `stack` with others, the highest `priority` first, each on
    what the ones before have left; `best_of:<group>` only if it gives the most of its group.

    Where exclusive ones apply, the customer gets the best of them, or the others together, whatever is more.
    """

    name: Name
    gives: Gives
    when: PromotionConditions = PromotionConditions()
    combines: Annotated[str, Meta(pattern=COMBINES_REGEX)] = "stack"
    priority: Annotated[int, Meta(ge=-1_000_000, le=1_000_000)] = 0
    limits: PromotionLimits = PromotionLimits()
    on_partial_return: Literal["keep", "claw_back"] = "keep"
