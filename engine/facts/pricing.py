"""What prices, taxes and promotions became. The whole new body is in the fact, so that the journal is the price history."""

import msgspec

from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.facts.postings import Posting


class PriceListSet(msgspec.Struct, array_like=True, frozen=True, tag="price_list_set"):
    """A price list was created or replaced."""

    price_list: str
    body: PriceList
    postings: tuple[Posting, ...] = ()


class TaxRatesSet(msgspec.Struct, array_like=True, frozen=True, tag="tax_rates_set"):
    """The tax rates of a country were created or replaced."""

    country: str
    body: TaxRates
    postings: tuple[Posting, ...] = ()


class PromotionSet(msgspec.Struct, array_like=True, frozen=True, tag="promotion_set"):
    """A promotion was created or replaced."""

    promotion: str
    body: Promotion
    postings: tuple[Posting, ...] = ()


class ShippingPricesSet(msgspec.Struct, array_like=True, frozen=True, tag="shipping_prices_set"):
    """What sending costs was set, or changed."""

    table: str
    body: ShippingPrices
    postings: tuple[Posting, ...] = ()


class VoucherSet(msgspec.Struct, array_like=True, frozen=True, tag="voucher_set"):
    """A voucher was given out, or changed."""

    voucher: str
    body: Voucher
    postings: tuple[Posting, ...] = ()


Fact = PriceListSet | TaxRatesSet | PromotionSet | ShippingPricesSet | VoucherSet
