"""Master data: the bodies people write, and the one command that sets any number of them, all or nothing."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine import limits
from engine.commands.command import Command
from engine.commands.fields import (
    GTIN_REGEX,
    ClockTime,
    Country,
    Currency,
    Date,
    Id,
    Latitude,
    Longitude,
    Minor,
    Name,
    PostalCode,
    PreparationMinutes,
    QuantityOrZero,
    Seconds,
    Sku,
    TtlSeconds,
)
from engine.commands.policies import SourcingPolicy
from engine.commands.pricing import PriceList, Promotion, ShippingPrices, TaxRates, Voucher
from engine.commands.providers import PaymentProvider


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place that holds stock and can fulfil.

    `orders_per_day_max` are orders that may be sent from it on one of its days; a parcel leaves on the first day it works
    on, if released before its `cut_off`, after `lead_time_days` more of them. `cut_offs` are those of single weekdays, null
    where nobody collects. What customers pick up is ready after `preparation_minutes` in which it is open (left out: the
    channel's). It is closed on `closed_dates` and on the dates of the `calendars` it names. `groups` are for selectors of
    policies. Work that it does not accept within `accept_within_seconds` is taken back and sourced elsewhere.
    Without a `time_zone` it gets that of its country, if there is only one.
    """

    name: Name
    kind: Literal["warehouse", "store", "supplier"]
    country: Country
    latitude: Latitude
    longitude: Longitude
    postal_code: PostalCode | None = None
    time_zone: Annotated[str, Meta(max_length=64, description="IANA name")] | None = None
    enabled: bool = True
    ships: bool = True
    pickup: bool = False
    orders_per_day_max: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    handling_cost_minor: Minor = 0
    cut_off: ClockTime | None = None
    opening_hours: dict[str, tuple[tuple[ClockTime, ClockTime], ...]] | None = None
    closed_dates: tuple[Date, ...] = ()
    lead_time_days: Annotated[int, Meta(ge=0, le=365)] = 0
    groups: tuple[Id, ...] = ()
    accept_within_seconds: Seconds | None = None
    cut_offs: dict[str, ClockTime | None] | None = None
    preparation_minutes: PreparationMinutes | None = None
    calendars: tuple[Id, ...] = ()


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The smallest thing stocked and sold. `value_minor` is what a unit is worth where an order line has no price.

    Of a backorderable one no order may let more than `backorders_max` units wait in all, and `backorders_max_by_channel` on a channel.
    One that is not `sellable` is promised to nobody any more, from no node and on no channel; what was promised stands.
    """

    name: Name
    weight_grams: Annotated[int, Meta(ge=0, le=100_000_000)] | None = None
    tax_class: Id | None = None
    gtin: Annotated[str, Meta(pattern=GTIN_REGEX)] | None = None
    backorderable: bool = False
    groups: tuple[Id, ...] = ()
    value_minor: Minor | None = None
    backorders_max: QuantityOrZero | None = None
    backorders_max_by_channel: dict[Id, QuantityOrZero] = {}
    sellable: bool = True


class NodeItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is special about one SKU at one node. `safety_stock` units are withheld there.

    `sourcing_minor_per_unit` is added to the cost of sending a unit from here: what it could still earn here (more), or
    how much it should go (less). `stocked_since` is the day its oldest units came. `bin` is where it lies.
    """

    safety_stock: QuantityOrZero = 0
    sellable: bool = True
    sourcing_minor_per_unit: Annotated[int, Meta(ge=-limits.UNIT_PRICE_MAX, le=limits.UNIT_PRICE_MAX)] = 0
    stocked_since: Date | None = None
    bin: Annotated[str, Meta(min_length=1, max_length=32)] | None = None


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where orders are placed. `buffer` units per SKU are withheld from this channel.

    What is ready for pickup and not collected within `collect_within_seconds` is given back. Units still backordered after
    `cancel_backorders_after_seconds` are cancelled. `prices_include_tax` is about the prices that the shop gives itself.
    `preparation_minutes` are what nodes need for a pickup that say nothing themselves.
    """

    name: Name
    kind: Literal["web", "store", "phone", "marketplace"]
    country: Country
    currency: Currency
    nodes: tuple[Id, ...] | None = None
    sourcing_policy: Id | None = None
    reservation_ttl_seconds: TtlSeconds = limits.RESERVATION_TTL_SECONDS_DEFAULT
    buffer: QuantityOrZero = 0
    collect_within_seconds: Seconds = limits.COLLECT_SECONDS_DEFAULT
    cancel_backorders_after_seconds: Seconds | None = None
    prices_include_tax: bool = True
    preparation_minutes: PreparationMinutes = 0


class HolidayCalendar(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Dates on which people rest. Nodes that name it are closed then, carriers that name it neither collect nor deliver, and in
    its `countries` nothing is collected or delivered. The dates are all there is: a calendar of past years knows no holiday.
    """

    name: Name
    dates: Annotated[tuple[Date, ...], Meta(max_length=limits.CALENDAR_DATES_MAX)] = ()
    countries: Annotated[tuple[Country, ...], Meta(max_length=limits.CALENDAR_COUNTRIES_MAX)] = ()


class Configure(Command, msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Create or replace any of these, all or nothing. It is also the document that an export gives."""

    nodes: dict[Id, Node] = {}
    items: dict[Sku, Item] = {}
    node_items: dict[Id, dict[Sku, NodeItem]] = {}
    channels: dict[Id, Channel] = {}
    sourcing_policies: dict[Id, SourcingPolicy] = {}
    price_lists: dict[Id, PriceList] = {}
    tax_rates: dict[Country, TaxRates] = {}
    promotions: dict[Id, Promotion] = {}
    vouchers: dict[Id, Voucher] = {}
    payment_providers: dict[Id, PaymentProvider] = {}
    shipping_prices: dict[Id, ShippingPrices] = {}
    calendars: dict[Id, HolidayCalendar] = {}


class BeginConfiguration(Command, frozen=True):
    """Announce a large configuration, checked whole: its document lies in the data directory under its hash.

    `asked_by` is who asked; `key` and `payload` are the digests of the request's idempotency key and of what was asked.
    """

    sha256: str
    entries: int
    asked_by: str
    key: bytes | None = None
    payload: bytes | None = None


class ApplyPart(Command, frozen=True):
    """Set some entries of the configuration that was announced."""

    sha256: str
    document: Configure


class EndConfiguration(Command, frozen=True):
    """The last part of it is set. Not `whole`: its document is lost, and the rest of it will never be."""

    sha256: str
    whole: bool = True
